#ifndef FORGE_WORKER_OPERATION_H
#define FORGE_WORKER_OPERATION_H

#include <glib.h>

#include "journal/base/config.h"
#include "queue/messages.pb-c.h"
#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/store/store.h"
#include "worker/remote/upstream_refs.h"

/** What the jobs of one process share. All of it may be used from several threads. */
struct workshop {
	const struct config *config;
	const char *workspace; /**< root of the one whose components this process's jobs are about;
				  or NULL */
	gboolean table_only; /**< a daemon's: jobs reach only hosts of the configuration's table */
	struct http *http;
	struct stores *stores;
	struct upstream_refs *upstream_refs;
};

/** One leased job, as the operation that runs it sees it. Belongs to the slot's thread. */
struct operation {
	const Forge__GrantedJob *job;
	const struct workshop *workshop;
	struct budget *budget;
	/** Sends facts and returns once they are durable; see operation_report(). */
	gboolean (*report)(struct operation *operation, Forge__Fact *const *facts, size_t n_facts,
		GError **error);
	gpointer reporter;
	GPtrArray *noted; /**< of Forge__Fact, owned: they go with the next report, at the latest
			     with the end */
};

/** Notes FACT (taken), to be recorded with the next report or with the job's end. */
void operation_note(struct operation *operation, Forge__Fact *take_fact);

/**
 * Records what was noted and returns once they are durable: only then may the job act on them.
 * LEASE_LOST if the job is somebody else's by now (stop at once), INTERRUPTED if the worker is
 * stopping.
 */
gboolean operation_report(struct operation *operation, GError **error);

/** Runs the operation of the job's kind and says how it ended. Never NULL; free with the message's
 * own function. */
Forge__JobEnd *operation_run(struct operation *operation);

/** An end that says ERROR (its text redacted). */
Forge__JobEnd *operation_failed(const GError *error);

/** An end without an error. */
Forge__JobEnd *operation_ended(Forge__Verdict verdict);

/** ERROR as a message, its text cut to LIMIT_ERROR_TEXT_BYTES and redacted. */
Forge__Error *operation_error(const GError *error);

/* One for every kind of jobs.def. */
#define X(KIND, name, timeout, tries, LANE, ABOUT) \
	Forge__JobEnd *op_##name(struct operation *operation);
#include "queue/jobs.def"
#undef X

#endif
