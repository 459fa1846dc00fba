#ifndef FORGE_WORKER_FORK_FORK_SYNCING_H
#define FORGE_WORKER_FORK_FORK_SYNCING_H

#include <git2.h>
#include <glib.h>

#include "journal/events.pb-c.h"
#include "journal/message.h"
#include "worker/content/content_check.h"
#include "worker/operation.h"
#include "worker/remote/remote.h"
#include "worker/store/fork_repository.h"

/** A fork being synced: what its branches share. */
struct fork_syncing {
	struct operation *operation;
	const Forge__Fork *spec;
	Forge__Strategy strategy; /**< never UNSET */
	gboolean dry_run;
	const struct remote *upstream;
	const struct remote *fork;
	struct fork_repository *repository;
	struct content_check *content;
};

/** Sets *FIELD of a fact to OID; a zero one leaves it as it is. */
static inline void field_set_oid(char **field, const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (!git_oid_is_zero(oid))
		message_set_string(field, git_oid_tostr(hex, sizeof(hex), oid));
}

#endif
