#ifndef FORGE_SCHEDULER_STATE_H
#define FORGE_SCHEDULER_STATE_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/hash.h"
#include "journal/base/scope.h"
#include "journal/events.pb-c.h"
#include "queue/job_table.h"

/** Raised with every change of what the fold makes of
 * events, so that older checkpoints are thrown away. */
#define FOLD_VERSION 5

/** How a branch of a fork stood after the last job that looked at it. */
struct branch_row {
	Forge__ForkSynced *last;
	uint64_t time_us;
	uint64_t seq;
};

struct fork_row {
	Forge__Fork *spec;
	uint64_t registered_us;
	uint64_t registered_seq;
	char *request_id;
	char *host;            /**< that `spec->fork` leads to */
	GPtrArray *branches;   /**< of struct branch_row, in the order first seen */
	Forge__Error *failure; /**< why the newest job said nothing of any branch; NULL: it did */
	uint64_t failure_us;
};

/** A component of the workspace whose journal this is. */
struct component_row {
	Forge__Component *component; /**< as it was installed, pulled or resolved last */
	uint64_t installed_seq;      /**< of its first installation: its place in the list */
	uint64_t synced_us;          /**< when it was last installed, pulled, resolved or pushed */
	Forge__ComponentObserved *observed; /**< what was seen last; NULL: nothing. What could not
					       be asked about upstream is as it was known before */
	uint64_t observed_us;
	Forge__ComponentConflicted *pending; /**< a merge that waits; or NULL */
	Forge__ComponentPushed *pushed;      /**< the newest push since the last pull; or NULL */
	Forge__Error *failure;               /**< why the newest job on it failed; or NULL */
	uint64_t failure_us;
};

/** What earlier attempts of an unfinished job have reported. */
struct job_progress {
	GPtrArray *intended; /**< of Forge__PushIntended, oldest first, of branches not finished */
	GPtrArray *finished; /**< of Forge__FinishedBranch */
};

/** The batch that a request made. */
struct known_request {
	uint64_t seq;
	const char *name; /**< the row's */
};

/** An open batch. */
struct batch_row {
	uint64_t seq;
	uint64_t opened_us;
	Forge__BatchOpened *opened;
	uint64_t cursor;
	gboolean sealed;
	gboolean cancel_requested;
	uint32_t cancel_next; /**< of a cancelled batch: the first job that is queued or waits */
	struct job_batch *jobs;
	struct known_request request;
	GHashTable *progress; /**< job number → struct job_progress; only look-ups; NULL: none */
	GList *link, *growing_link, *cancelling_link, *complete_link; /**< in the state's queues */
};

/** What is kept of a batch that ended: all but its jobs, which are found in the journal. */
struct closed_row {
	uint64_t seq;
	uint64_t opened_us;
	uint64_t closed_us;
	uint64_t closed_seq;
	struct known_request request;
	Forge__BatchOpened *opened; /**< without its targets */
	Forge__BatchCounts *counts;
};

/** A worker that joined and has not left. */
struct session_row {
	uint64_t seq; /**< its number */
	char *name;
	uint32_t slots;
	char *owner;
};

/** A fork that was removed, so that the request for it can be answered again. */
struct removal_row {
	char *name;
	char *request_id;
};

/**
 * Everything the events say, folded. Changed by state_fold() alone; nothing in it points into an
 * event. Two states that folded the same events have the same digest.
 */
struct state {
	uint64_t last_seq;
	gboolean paused;
	GPtrArray *forks; /**< of struct fork_row, in the order registered */
	GHashTable *fork_by_name;
	GPtrArray *components; /**< of struct component_row, in the order first installed */
	GHashTable *component_by_name;
	GQueue batches; /**< of struct batch_row, oldest first */
	GHashTable *batch_by_seq;
	GHashTable *batch_by_key;  /**< unique key → open batch_row */
	GHashTable *request_by_id; /**< request_id → struct known_request, both its row's */
	GQueue growing;            /**< open batches that are not sealed */
	GQueue cancelling;         /**< cancelled batches that may have jobs left to cancel */
	GQueue complete;           /**< sealed batches whose jobs have all ended */
	GQueue closed;   /**< of struct closed_row, oldest first, at most LIMIT_CLOSED_BATCHES */
	GQueue removals; /**< of struct removal_row, oldest first, at most LIMIT_KNOWN_REMOVALS */
	GPtrArray *sessions; /**< of struct session_row, by number */
	struct job_table *jobs;
};

struct state *state_new(void);
void state_free(struct state *state);
SCOPED_POINTER(state, state_free)

/**
 * Takes in the event SEQ of the entry made at TIME_US. An event that cannot follow those before is
 * JOURNAL_DAMAGED; the state is then of no more use.
 */
gboolean state_fold(struct state *state, uint64_t seq, uint64_t time_us, const Forge__Event *event,
	GError **error);

struct fork_row *state_fork(const struct state *state, const char *name);
/** The fork that BATCH means by NAME; NULL if it was
 * removed, also if another has the name since. */
struct fork_row *state_fork_of(
	const struct state *state, const struct batch_row *batch, const char *name);
struct component_row *state_component(const struct state *state, const char *name);
struct batch_row *state_batch(const struct state *state, uint64_t seq);
const struct known_request *state_request(const struct state *state, const char *request_id);
/** Whether REQUEST_ID, which may be empty, has removed the fork called NAME not long ago. */
gboolean state_has_removed(const struct state *state, const char *request_id, const char *name);
struct session_row *state_session(const struct state *state, uint64_t seq);

/** The open batch of JOB and its row; FALSE if there is no such job. */
gboolean state_job(const struct state *state, const Forge__JobId *id, struct batch_row **batch,
	const struct job **job);

/** What earlier attempts reported of job NUMBER; NULL if nothing. */
const struct job_progress *state_progress(const struct batch_row *batch, uint32_t number);

/** Index in `forks` of the first that was registered after SEQ. */
guint state_first_fork_after(const struct state *state, uint64_t seq);

/** Jobs that are queued or wait, and those that open batches will still add. */
uint64_t state_unfinished(const struct state *state);

/** BATCH's jobs by state. */
Forge__BatchCounts state_counts(const struct batch_row *batch);

/** The state as an image (image.proto), packed; canonical. */
GBytes *state_image(const struct state *state);

/** The state that IMAGE describes; NULL if it is no image. */
struct state *state_from_image(GBytes *image);

/** The same for an image of an older FOLD_VERSION, which need not come out as it went in; NULL if it
 * is no image, or has what this version does not know. */
struct state *state_from_older_image(GBytes *image);

/** Digest of the image. */
struct hash state_digest(const struct state *state);

#endif
