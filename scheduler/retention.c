/*
 * Retention: the front of a journal goes, its state stays.
 *
 * First the base is appended, record by record, each durable; a crash on the way leaves events that
 * say nothing new. It is read back and must give the state it was made of. Then one write names it
 * in the head and removes what is not kept. Nothing is changed in place, so each step leaves a
 * journal that folds to the same state.
 */
#include "scheduler/retention.h"

#include "journal/base/errors.h"
#include "scheduler/state_base.h"
#include "scheduler/turn.h"

/* One walk over a journal: what is there behind the base, and how much of the front may go. */
struct walk {
	uint64_t base_seq;
	uint64_t base_end; /* last event of that base, once it was seen */
	uint64_t cut_most; /* last event that may go */
	uint64_t not_before_us;
	uint64_t cut_seq; /* end of the last record that goes */
	gboolean cutting; /* every record so far goes */
};

static void look_at_record(struct walk *walk, const struct journal_record *record)
{
	uint64_t seq = record->first_seq;
	uint64_t newest_us = 0;

	for (size_t i = 0; i < record->entries->n_entries; i++) {
		const Forge__Entry *entry = record->entries->entries[i];

		newest_us = MAX(newest_us, entry->time_us);
		for (size_t j = 0; j < entry->n_events; j++, seq++)
			if (seq == walk->base_seq &&
				entry->events[j]->kind_case == FORGE__EVENT__KIND_BASE_BEGUN)
				walk->base_end = state_base_end(seq, entry->events[j]->base_begun);
	}
	walk->cutting = walk->cutting && record->last_seq <= walk->cut_most &&
		newest_us < walk->not_before_us;
	if (walk->cutting)
		walk->cut_seq = record->last_seq;
}

static gboolean walk_journal(struct journal *journal, struct walk *walk, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, 0, error);
	struct journal_record record;

	walk->cut_seq = journal_front(journal).before.seq;
	walk->cutting = TRUE;
	while (reader) {
		switch (journal_reader_next(reader, &record, error)) {
		case JOURNAL_READ_RECORD:
			look_at_record(walk, &record);
			break;
		case JOURNAL_READ_END:
			return TRUE;
		case JOURNAL_READ_ERROR:
			return FALSE;
		}
	}
	return FALSE;
}

/* TRUE if JOURNAL ends with the base it names. */
static gboolean ends_with_base(
	struct journal *journal, uint64_t base_seq, gboolean *ends, GError **error)
{
	struct walk walk = {.base_seq = base_seq};

	if (base_seq > 0 && !walk_journal(journal, &walk, error))
		return FALSE;
	*ends = base_seq > 0 && walk.base_end == journal_end(journal).seq;
	return TRUE;
}

/* The base in JOURNAL must lead to where STATE is now. */
static gboolean check_base(
	struct journal *journal, uint64_t base_seq, const struct state *state, GError **error)
{
	scoped(state) read = state_base_read(journal, base_seq, error);
	struct hash wanted = state_digest(state), found;

	if (!read)
		return FALSE;
	found = state_digest(read);
	if (hash_equal(&wanted, &found))
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
		"the base that was written is another state; nothing was removed");
	return FALSE;
}

static gboolean make_base(struct journal *journal, const struct state *state, struct instant now,
	struct retention_result *result, GError **error)
{
	gboolean ends;

	result->base_seq = journal_front(journal).base_seq;
	if (!ends_with_base(journal, result->base_seq, &ends, error))
		return FALSE;
	result->base_is_new = !ends;
	return ends ||
		(state_base_append(
			 journal, state, (uint64_t)now.wall_us, &result->base_seq, error) &&
			check_base(journal, result->base_seq, state, error));
}

/* The last event that may go, whatever its age. */
static uint64_t most_to_cut(const struct state *state, const struct retention *retention,
	struct retention_result *result)
{
	uint64_t last = result->base_seq - 1;
	uint64_t most = last - MIN(last, retention->events);
	const struct batch_row *oldest = state->batches.head ? state->batches.head->data : NULL;

	if (oldest && oldest->seq <= most) {
		result->open_batch = oldest->seq;
		most = oldest->seq - 1;
	}
	return most;
}

gboolean retention_apply(struct journal *journal, const struct retention *retention,
	struct instant now, struct retention_result *result, GError **error)
{
	struct retention_result done = {.first_before = journal_front(journal).before.seq + 1};
	struct walk walk = {.not_before_us = retention->not_before_us};
	scoped(state) state = NULL;

	if (!scheduler_verify(journal, &done.digest, error))
		return FALSE;
	state = scheduler_replay(journal, error);
	if (!state || !make_base(journal, state, now, &done, error))
		return FALSE;
	walk.cut_most = most_to_cut(state, retention, &done);
	if (!walk_journal(journal, &walk, error) ||
		!journal_cut(journal, walk.cut_seq, done.base_seq, error) ||
		!scheduler_verify(journal, &done.digest, error))
		return FALSE;
	done.first = walk.cut_seq + 1;
	*result = done;
	return TRUE;
}
