#ifndef FORGE_SCHEDULER_COMPONENT_ROWS_H
#define FORGE_SCHEDULER_COMPONENT_ROWS_H

#include "queue/messages.pb-c.h"
#include "scheduler/state.h"

/* A workspace's components in the state: what the facts of jobs on them come to. */

/** For the state's table; takes NULL. */
void component_row_free(gpointer row);

/** TRUE if KIND says something of a component. */
gboolean component_fact_is(Forge__Fact__KindCase kind);

/** The component's name in FACT, which says something of one; "" if it names none. Borrowed. */
const char *component_fact_name(const Forge__Fact *fact);

/**
 * Takes in FACT, event SEQ of TIME_US, which says something of a component. NULL, or what does not
 * fit the facts before it (static text).
 */
const char *component_fact_fold(
	struct state *state, uint64_t seq, uint64_t time_us, const Forge__Fact *fact);

/** Notes that the newest job on ROW failed for ERROR. */
void component_row_note_failure(
	struct component_row *row, uint64_t time_us, const Forge__Error *error);

/** A row as a checkpoint has it: takes nothing, copies what is not NULL. Returns the new row. */
struct component_row *component_row_restore(struct state *state, const struct component_row *saved);

/**
 * How the component of ROW stands: a pure function of what was seen and done. Unknown is never
 * SYNCED: where upstream was never seen, the word is UNSET unless something worse is known.
 */
Forge__ComponentStatus component_status(const struct component_row *row);

#endif
