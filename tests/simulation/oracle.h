#ifndef FORGE_TESTS_SIMULATION_ORACLE_H
#define FORGE_TESTS_SIMULATION_ORACLE_H

#include "journal/journal.h"
#include "tests/simulation/sim_git.h"
#include "tests/simulation/world.h"

/**
 * Judges a world by its journal: a second, simpler fold of the events, which shares no code with
 * the scheduler's, and the promises that were made from it. Every finding goes to world_fail().
 */
struct oracle;

struct oracle *oracle_new(struct world *world);
void oracle_free(struct oracle *oracle);

/** Reads what JOURNAL got since the last time; every event
 * must be one that may follow those before. */
void oracle_follow(struct oracle *oracle, struct journal *journal);

/** A message is about to leave the scheduler: all that it tells must be in the journal. */
void oracle_check_outgoing(struct oracle *oracle, GBytes *reply);

/** A worker was told that the report in REQUEST is recorded. */
void oracle_check_recorded(struct oracle *oracle, GBytes *request);

/** The git server took MOVE: it must have been intended,
 * and no other end of the branch recorded. */
void oracle_check_push(struct oracle *oracle, const struct git_move *move);

/** What a client was told about its submission. */
struct promise {
	char *request_id;
	gboolean unique_key; /**< the batch may be another's */
	uint32_t jobs;       /**< G_MAXUINT32: as many as there are forks */
	uint64_t batch;
};
void oracle_note_promise(struct oracle *oracle, const struct promise *promise);

/** One of the newest batches; 1 if there is none. */
uint64_t oracle_some_batch(const struct oracle *oracle, struct chance *chance);

/** TRUE if every batch is closed. */
gboolean oracle_is_done(const struct oracle *oracle);

/** That everything promised was kept, and that the git server and the facts agree. */
void oracle_check_end(struct oracle *oracle);

#endif
