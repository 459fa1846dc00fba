#ifndef FORGE_TESTS_UNIT_SAMPLE_TURN_H
#define FORGE_TESTS_UNIT_SAMPLE_TURN_H

#include <string.h>

#include "journal/base/scope.h"
#include "journal/journal.h"

/** A turn of the scheduler made for tests: one entry of equal
 * events (queue_paused) whose actor is a given text. */
struct sample_turn {
	Forge__QueuePaused paused;
	Forge__Event event;
	Forge__Event **events;
	Forge__Entry entry;
	Forge__Entry *entry_pointers[4]; /* all the one entry; raise entries.n_entries for more */
	Forge__Entries entries;
};

static inline struct sample_turn *sample_turn_new(size_t events, const char *actor)
{
	struct sample_turn *turn = g_new0(struct sample_turn, 1);

	forge__queue_paused__init(&turn->paused);
	forge__event__init(&turn->event);
	forge__entry__init(&turn->entry);
	forge__entries__init(&turn->entries);
	turn->paused.actor = g_strdup(actor);
	turn->event.kind_case = FORGE__EVENT__KIND_QUEUE_PAUSED;
	turn->event.queue_paused = &turn->paused;
	turn->events = g_new(Forge__Event *, events);
	for (size_t i = 0; i < events; i++)
		turn->events[i] = &turn->event;
	turn->entry.time_us = 1234;
	turn->entry.n_events = events;
	turn->entry.events = turn->events;
	for (size_t i = 0; i < G_N_ELEMENTS(turn->entry_pointers); i++)
		turn->entry_pointers[i] = &turn->entry;
	turn->entries.n_entries = 1;
	turn->entries.entries = turn->entry_pointers;
	return turn;
}

static inline void sample_turn_free(struct sample_turn *turn)
{
	g_free(turn->paused.actor);
	g_free(turn->events);
	g_free(turn);
}
SCOPED_POINTER(sample_turn, sample_turn_free)

/** As sample_turn_new(), with an actor of SIZE letters. */
static inline struct sample_turn *sample_turn_of_size(size_t events, size_t size)
{
	g_autofree char *actor = g_strnfill(size, 'a');

	return sample_turn_new(events, actor);
}

#endif
