/*
 * The journal over any backend: numbering, limits, chain and checks live here once, so that every
 * backend has them and none can forget them.
 *
 * An append that failed with an unknown outcome leaves a journal that takes nothing more. Going on
 * would be wrong in both cases: had the record been written, the next would fork the chain; had it
 * not, somebody may have read it. Only opening again finds out which it was.
 *
 * A reader trusts nothing: each record's own checksum, its place in the chain and every event in it
 * are checked before the caller sees them. The first error of a reader is its last word.
 */
#include "journal/journal.h"

#include "journal/arena.h"
#include "journal/base/errors.h"
#include "journal/journal_backend.h"
#include "journal/record.h"

struct journal {
	const struct journal_backend *backend;
	void *store;
	char *name;
	char *id;
	struct journal_front front;
	struct journal_position end;
	_Atomic uint64_t readable_seq; /* `end.seq`, for the threads that read */
	GByteArray *value;             /* of the record being appended; kept for its memory */
	GError *failure;               /* of the append whose outcome is unknown */
};

struct journal_reader {
	const struct journal *journal;
	void *cursor;
	struct journal_position after; /* the record given last */
	const uint8_t *value;          /* at the cursor; borrowed from it */
	size_t size;
	uint64_t end_seq; /* where the journal ended when the reader was made, at least */
	struct arena *arena;
	GError *failure;
};

struct journal *journal_new(const struct journal_backend *backend, void *take_store,
	const char *name, const char *id, const struct journal_front *front,
	const struct journal_position *end)
{
	struct journal *journal = g_new0(struct journal, 1);

	journal->backend = backend;
	journal->store = take_store;
	journal->name = g_strdup(name);
	journal->id = g_strdup(id);
	journal->front = *front;
	journal->end = *end;
	journal->readable_seq = end->seq;
	journal->value = g_byte_array_new();
	return journal;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	journal->backend->close(journal->store, journal->failure != NULL);
	g_byte_array_unref(journal->value);
	g_clear_error(&journal->failure);
	g_free(journal->name);
	g_free(journal->id);
	g_free(journal);
}

const char *journal_id(const struct journal *journal)
{
	return journal->id;
}

struct journal_position journal_end(const struct journal *journal)
{
	return journal->end;
}

struct journal_front journal_front(const struct journal *journal)
{
	return journal->front;
}

static gboolean may_write(const struct journal *journal, GError **error)
{
	if (journal->backend->append)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
		"journal '%s' was opened to be read only", journal->name);
	return FALSE;
}

static gboolean may_append(const struct journal *journal, uint64_t after_seq, GError **error)
{
	if (!may_write(journal, error))
		return FALSE;
	if (journal->failure) {
		g_propagate_error(error, g_error_copy(journal->failure));
		return FALSE;
	}
	if (after_seq != journal->end.seq) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_CONFLICT,
			"journal '%s' is at sequence %" G_GUINT64_FORMAT ", not %" G_GUINT64_FORMAT,
			journal->name, journal->end.seq, after_seq);
		return FALSE;
	}
	return TRUE;
}

/* What a backend's FAILURE leaves: whatever else it was, the change may be there. */
static gboolean fail(struct journal *journal, GError *take_failure, GError **error)
{
	g_prefix_error(&take_failure, "journal '%s': ", journal->name);
	if (!g_error_matches(take_failure, FORGE_ERROR, FORGE_ERROR_JOURNAL_CONFLICT)) {
		take_failure->code = FORGE_ERROR_JOURNAL_WRITE_FAILED;
		journal->failure = g_error_copy(take_failure);
	}
	g_propagate_error(error, take_failure);
	return FALSE;
}

/* Keeps the record VALUE, after which JOURNAL is at NEW_END. */
static gboolean keep(struct journal *journal, const uint8_t *value, size_t size,
	const struct journal_position *new_end, GError **error)
{
	GError *failure = NULL;

	if (!journal->backend->append(
		    journal->store, journal->end.seq + 1, value, size, new_end, &failure))
		return fail(journal, failure, error);
	journal->end = *new_end;
	journal->readable_seq = new_end->seq;
	return TRUE;
}

gboolean journal_append(struct journal *journal, uint64_t after_seq, const Forge__Entries *entries,
	struct journal_position *end, GError **error)
{
	struct journal_position new_end;

	if (!may_append(journal, after_seq, error) ||
		!record_pack(journal->value, &journal->end, entries, &new_end, error) ||
		!keep(journal, journal->value->data, journal->value->len, &new_end, error))
		return FALSE;
	*end = new_end;
	return TRUE;
}

gboolean journal_append_record(
	struct journal *journal, const uint8_t *value, size_t size, GError **error)
{
	struct record record;
	struct journal_position end;

	if (!may_append(journal, journal->end.seq, error) ||
		!record_read(value, size, &record, error) ||
		!record_follows(&record, &journal->end, error))
		return FALSE;
	end = record_end(&record);
	return keep(journal, value, size, &end, error);
}

gboolean journal_settle(struct journal *journal, GError **error)
{
	GError *failure = NULL;

	if (!may_append(journal, journal->end.seq, error))
		return FALSE;
	return !journal->backend->settle ||
		journal->backend->settle(journal->store, &journal->end, &failure) ||
		fail(journal, failure, error);
}

/* The record at the cursor, checked by itself alone. */
static enum journal_read_result next_alone(
	struct journal_reader *reader, struct record *record, GError **error)
{
	enum journal_read_result result = reader->journal->backend->cursor_next(
		reader->cursor, &reader->value, &reader->size, error);

	if (result == JOURNAL_READ_RECORD &&
		!record_read(reader->value, reader->size, record, error))
		result = JOURNAL_READ_ERROR;
	return result;
}

static gboolean refuse_missing(uint64_t seq, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
		"the record that holds sequence %" G_GUINT64_FORMAT " is missing", seq);
	return FALSE;
}

static gboolean refuse_gone(uint64_t seq, uint64_t first, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_EVENTS_GONE,
		"event %" G_GUINT64_FORMAT
		" is gone: the journal was compacted, the first event there is has sequence "
		"%" G_GUINT64_FORMAT,
		seq, first);
	return FALSE;
}

/* Places READER so that the next record is the one that holds SEQ (0: the first), and `after` is
 * where the one before it ends. */
static gboolean seek(struct journal_reader *reader, uint64_t seq, GError **error)
{
	const struct journal_backend *backend = reader->journal->backend;
	const struct journal_front *front = &reader->journal->front;
	uint64_t first = front->before.seq + 1;
	uint64_t before = seq > 0 ? seq - 1 : front->before.seq;

	if (seq > 0 && seq < first)
		return refuse_gone(seq, first, error);
	reader->after = front->before;
	while (before > front->before.seq) {
		struct record record;
		enum journal_read_result result;

		backend->cursor_seek(reader->cursor, before);
		result = next_alone(reader, &record, error);
		if (result == JOURNAL_READ_ERROR)
			return FALSE;
		if (result == JOURNAL_READ_END)
			return reader->end_seq == front->before.seq ||
				refuse_missing(before, error);
		if (record.first_seq > before || record.last_seq < MIN(before, reader->end_seq))
			return refuse_missing(before, error);
		if (record.last_seq <= before) {
			reader->after = record_end(&record);
			return TRUE;
		}
		/* It holds SEQ too, so the one before it is where the chain is taken up. */
		before = record.first_seq - 1;
	}
	backend->cursor_seek(reader->cursor, first);
	return TRUE;
}

struct journal_reader *journal_read(struct journal *journal, uint64_t from_seq, GError **error)
{
	scoped(journal_reader) reader = g_new0(struct journal_reader, 1);

	reader->journal = journal;
	reader->arena = arena_new();
	reader->end_seq = journal->readable_seq;
	reader->cursor = journal->backend->cursor_new(journal->store);
	if (!seek(reader, from_seq, error)) {
		g_prefix_error(error, "journal '%s': ", journal->name);
		return NULL;
	}
	return g_steal_pointer(&reader);
}

void journal_reader_free(struct journal_reader *reader)
{
	if (!reader)
		return;
	reader->journal->backend->cursor_free(reader->cursor);
	arena_free(reader->arena);
	g_clear_error(&reader->failure);
	g_free(reader);
}

static enum journal_read_result next_checked(
	struct journal_reader *reader, struct journal_record *out, GError **error)
{
	struct record record;
	const Forge__Entries *entries;
	enum journal_read_result result = next_alone(reader, &record, error);

	if (result == JOURNAL_READ_END && reader->after.seq < reader->end_seq) {
		refuse_missing(reader->after.seq + 1, error);
		return JOURNAL_READ_ERROR;
	}
	if (result != JOURNAL_READ_RECORD)
		return result;
	arena_reset(reader->arena);
	if (!record_follows(&record, &reader->after, error))
		return JOURNAL_READ_ERROR;
	entries = record_unpack(&record, arena_allocator(reader->arena), error);
	if (!entries)
		return JOURNAL_READ_ERROR;

	reader->after = record_end(&record);
	*out = (struct journal_record){.first_seq = record.first_seq,
		.last_seq = record.last_seq,
		.hash = record.hash,
		.entries = entries,
		.value = reader->value,
		.size = reader->size};
	return JOURNAL_READ_RECORD;
}

enum journal_read_result journal_reader_next(
	struct journal_reader *reader, struct journal_record *record, GError **error)
{
	enum journal_read_result result = JOURNAL_READ_ERROR;

	if (!reader->failure)
		result = next_checked(reader, record, &reader->failure);
	if (result == JOURNAL_READ_ERROR) {
		g_propagate_error(error, g_error_copy(reader->failure));
		g_prefix_error(error, "journal '%s', after sequence %" G_GUINT64_FORMAT ": ",
			reader->journal->name, reader->after.seq);
	}
	return result;
}

/* Where JOURNAL was at SEQ, which must be the end of a record. */
static gboolean position_at(
	struct journal *journal, uint64_t seq, struct journal_position *position, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, seq + 1, error);

	if (!reader)
		return FALSE;
	if (reader->after.seq != seq) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"journal '%s': no record ends at sequence %" G_GUINT64_FORMAT,
			journal->name, seq);
		return FALSE;
	}
	*position = reader->after;
	return TRUE;
}

gboolean journal_cut(struct journal *journal, uint64_t seq, uint64_t base_seq, GError **error)
{
	struct journal_front front = {.base_seq = base_seq};
	GError *failure = NULL;

	if (!may_append(journal, journal->end.seq, error) ||
		!position_at(journal, seq, &front.before, error))
		return FALSE;
	if (base_seq <= seq || base_seq > journal->end.seq) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"journal '%s': no base can be at sequence %" G_GUINT64_FORMAT,
			journal->name, base_seq);
		return FALSE;
	}
	if (!journal->backend->cut(journal->store, &front, &failure))
		return fail(journal, failure, error);
	journal->front = front;
	return TRUE;
}

gboolean journal_save_checkpoint(
	struct journal *journal, uint64_t seq, const char *tag, GBytes *blob, GError **error)
{
	struct journal_position position;

	return may_write(journal, error) && position_at(journal, seq, &position, error) &&
		journal->backend->save_checkpoint(journal->store, &position, tag, blob, error);
}

GBytes *journal_load_checkpoint(struct journal *journal, const char *tag, uint64_t *seq)
{
	struct journal_position made_at, now;
	g_autoptr(GBytes) blob = journal->backend->load_checkpoint(
		journal->store, tag, journal->end.seq, &made_at);

	/* The same sequence is not enough: the state must have come from this very history. */
	if (!blob || !position_at(journal, made_at.seq, &now, NULL) ||
		!hash_equal(&made_at.hash, &now.hash))
		return NULL;
	*seq = made_at.seq;
	return g_steal_pointer(&blob);
}
