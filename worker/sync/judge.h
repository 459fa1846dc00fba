#ifndef FORGE_WORKER_SYNC_JUDGE_H
#define FORGE_WORKER_SYNC_JUDGE_H

#include <git2.h>

#include "worker/sync/component_job.h"

/** A conflict that a pull ends with; texts are owned, ids zero where a side has no file. */
struct component_conflict {
	char *path;
	const char *type; /**< `content`, `schema`, `version` or `dependency`; static */
	git_oid base, local, upstream;
	char *place;   /**< where in the file, or what the rule is; or NULL */
	gboolean rule; /**< the files merged, and the result breaks a rule */
};

/** An empty list that owns its conflicts. */
GPtrArray *component_conflicts_new(void);

/** Adds a conflict; *PLACE is copied and may be NULL. */
struct component_conflict *component_conflicts_add(
	GPtrArray *conflicts, const char *path, const char *type, const char *place);

/** The three versions that a pull brings together, as root trees, and what it came to. */
struct judged_trees {
	git_oid base;
	git_oid local;
	git_oid upstream;
	git_oid result;
	const char *version; /**< upstream's version of the component; NULL: it has none */
};

/**
 * Adds to CONFLICTS what is wrong with a result though its text merged: component.yaml or
 * schema.json no longer can be read, `config` breaks the schema (`schema`; only where local and
 * upstream were each fine); the version is outside what another component of the workspace allows
 * (`version`); what it needs cannot be had together with the others (`dependency`).
 */
gboolean judge_result(const struct component_job *job, const struct judged_trees *trees,
	GPtrArray *conflicts, GError **error);

#endif
