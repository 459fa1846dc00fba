#ifndef FORGE_TESTS_SIMULATION_ORACLE_ROWS_H
#define FORGE_TESTS_SIMULATION_ORACLE_ROWS_H

#include "journal/events.pb-c.h"
#include "tests/simulation/oracle.h"

/* What the oracle has seen. Rows are never dropped: a run is short, and a job that comes back from
 * the dead is a finding. */

struct seen_job {
	char *target; /* NULL: none */
	gboolean leased, ended;
	uint32_t attempt, tries, losses;
	uint64_t session;
	uint64_t not_before_us; /* 0: does not wait */
	gboolean succeeded;
};

struct seen_batch {
	uint64_t seq;
	Forge__BatchOpened *opened;
	GPtrArray *jobs; /* of struct seen_job, by number - 1 */
	gboolean sealed, closed, cancelled;
	Forge__BatchCounts ends;
};

struct seen_session {
	uint64_t seq;
	char *owner;
	gboolean left;
};

struct seen_fork {
	char *name;
	uint64_t registered_seq, removed_seq; /* 0: not removed */
};

/* A push_intended or fork_synced fact. */
struct seen_fact {
	uint64_t batch;
	uint32_t number, attempt;
	Forge__Fact *fact;
};

struct oracle {
	struct world *world;
	uint64_t seq; /* of the last event seen */
	gboolean paused;
	GPtrArray *batches;  /* of struct seen_batch, by seq */
	GPtrArray *sessions; /* of struct seen_session */
	GPtrArray *forks;    /* of struct seen_fork, by registered_seq */
	GPtrArray *facts;    /* of struct seen_fact */
	GPtrArray *promises; /* of struct promise */
	guint open;          /* batches not closed */
};

struct seen_batch *oracle_batch(const struct oracle *oracle, uint64_t seq);
struct seen_job *oracle_job(const struct oracle *oracle, uint64_t batch, uint32_t number);
struct seen_session *oracle_session(const struct oracle *oracle, uint64_t seq);

/* Takes in EVENT, the one after those seen. */
void oracle_fold(struct oracle *oracle, uint64_t time_us, const Forge__Event *event);

/* What a fact says of a branch: its name, and the ids that were or were to be. */
struct branch_claim {
	const char *branch, *before, *after;
};
struct branch_claim oracle_claim(const Forge__Fact *fact);

#endif
