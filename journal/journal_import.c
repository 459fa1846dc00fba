/*
 * An export becomes a journal again: the same events under the same sequences, since events name
 * each other by sequence, and at the same times. What an export does not tell, which events were
 * decided together and shared a record, is made anew: neighbours of one time share an entry.
 *
 * The chain is a new one. It begins not with the journal's id alone but with the digest of the
 * export's lines too, so no first record of it can be taken for one of another journal, and after
 * the last event stands one that names the digest.
 *
 * The file is read twice, first for the digest; one that changed meanwhile is refused.
 */
#include "journal/journal_import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/event_parse.h"
#include "journal/message.h"
#include "journal/record.h"

/* ---- lines -------------------------------------------------------------------------------- */

struct lines {
	FILE *file;
	const char *path;
	uint64_t number; /* of the line read last */
	GString *line;   /* without its line break */
	struct hash digest;
};

static void clear_lines(struct lines *lines)
{
	if (lines->file)
		fclose(lines->file);
	g_string_free(lines->line, TRUE);
}
SCOPED_VALUE(lines, clear_lines)

static gboolean refuse_line(const struct lines *lines, GError **error, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static gboolean refuse_line(const struct lines *lines, GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"%s:%" G_GUINT64_FORMAT ": %s", lines->path, lines->number, what);
	return FALSE;
}

static gboolean open_lines(struct lines *lines, const char *path, GError **error)
{
	int error_number;

	*lines = (struct lines){.path = path, .line = g_string_new(NULL)};
	lines->file = fopen(path, "re");
	if (lines->file)
		return TRUE;
	error_number = errno;
	g_set_error(error, FORGE_ERROR,
		error_number == EACCES ? FORGE_ERROR_PERMISSION_DENIED
				       : FORGE_ERROR_VALIDATION_FAILED,
		"cannot open '%s': %s", path, g_strerror(error_number));
	return FALSE;
}

/* The next line; *END at the end of the file. Each line is a link of the digest. */
static gboolean next_line(struct lines *lines, gboolean *end, GError **error)
{
	int letter;

	g_string_truncate(lines->line, 0);
	lines->number++;
	while ((letter = getc_unlocked(lines->file)) != EOF && letter != '\n') {
		if (lines->line->len >= LIMIT_DOCUMENT_BYTES)
			return refuse_line(lines, error, "the line is longer than any event");
		g_string_append_c(lines->line, (char)letter);
	}
	if (ferror(lines->file))
		return refuse_line(lines, error, "it cannot be read: %s", g_strerror(errno));
	*end = letter == EOF && lines->line->len == 0;
	if (*end)
		return TRUE;
	if (letter == EOF)
		return refuse_line(lines, error, "the line does not end: the export was cut off");
	lines->digest = hash_chain(&lines->digest, lines->line->str, lines->line->len);
	return TRUE;
}

static Forge__Event *parse_line(
	const struct lines *lines, uint64_t *seq, uint64_t *time_us, GError **error)
{
	struct document_origin origin = {lines->path, FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GError) failure = NULL;
	scoped(value) row = document_parse(
		DOCUMENT_JSON, &origin, lines->line->str, lines->line->len, &failure);
	Forge__Event *event = row ? event_parse(row, seq, time_us, &failure) : NULL;

	if (!event)
		refuse_line(lines, error, "%s", failure->message);
	return event;
}

gboolean journal_import_look(const char *path, struct journal_import *import, GError **error)
{
	scoped_value(lines) lines;
	struct journal_import found = {.path = path};
	gboolean end = FALSE;

	if (!open_lines(&lines, path, error))
		return FALSE;
	for (;;) {
		Forge__Event *event;
		uint64_t time_us;

		if (!next_line(&lines, &end, error))
			return FALSE;
		if (end)
			break;
		if (found.lines++ > 0)
			continue;
		event = parse_line(&lines, &found.first_seq, &time_us, error);
		if (!event)
			return FALSE;
		forge__event__free_unpacked(event, NULL);
	}
	if (found.lines == 0 || found.first_seq == 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"there is no event in '%s'", path);
		return FALSE;
	}
	found.digest = lines.digest;
	*import = found;
	return TRUE;
}

struct journal_front journal_import_front(
	const char *journal_id, const struct journal_import *import)
{
	struct journal_front front = {.before = record_genesis(journal_id)};

	front.before.seq = import->first_seq - 1;
	front.before.hash = hash_chain(&front.before.hash, import->digest.bytes, HASH_BYTES);
	return front;
}

/* ---- events ------------------------------------------------------------------------------- */

/* A record being gathered, and what was seen so far. */
struct gathering {
	struct journal *journal;
	Forge__Entries *entries;
	size_t entry_bytes;
	size_t record_bytes;
	uint64_t next_seq;
	uint64_t base_seq;    /* of the newest base that is whole; 0: none */
	uint64_t begun_seq;   /* of the base that is being read; 0: none */
	uint32_t chunks_left; /* of that */
};

static Forge__Entries *entries_new(void)
{
	Forge__Entries *entries = g_new(Forge__Entries, 1);

	forge__entries__init(entries);
	return entries;
}

static void clear_gathering(struct gathering *gathering)
{
	forge__entries__free_unpacked(gathering->entries, NULL);
}
SCOPED_VALUE(gathering, clear_gathering)

static gboolean flush(struct gathering *gathering, GError **error)
{
	struct journal_position end;
	gboolean appended = gathering->entries->n_entries == 0 ||
		journal_append(gathering->journal, journal_end(gathering->journal).seq,
			gathering->entries, &end, error);

	forge__entries__free_unpacked(gathering->entries, NULL);
	gathering->entries = entries_new();
	gathering->entry_bytes = gathering->record_bytes = 0;
	return appended;
}

/* The entry that takes an event of SIZE bytes at TIME_US. */
static Forge__Entry *entry_for(struct gathering *gathering, uint64_t time_us, size_t size)
{
	Forge__Entries *entries = gathering->entries;
	Forge__Entry *entry = entries->n_entries > 0 ? entries->entries[entries->n_entries - 1]
						     : NULL;

	if (entry && entry->time_us == time_us &&
		gathering->entry_bytes + size <= LIMIT_IMPORT_ENTRY_BYTES)
		return entry;
	entry = g_new(Forge__Entry, 1);
	forge__entry__init(entry);
	entry->time_us = time_us;
	entries->entries = g_renew(Forge__Entry *, entries->entries, entries->n_entries + 1);
	entries->entries[entries->n_entries++] = entry;
	gathering->entry_bytes = 0;
	return entry;
}

static gboolean add_event(
	struct gathering *gathering, uint64_t time_us, Forge__Event *take_event, GError **error)
{
	size_t size = protobuf_c_message_get_packed_size(&take_event->base) + 16;
	Forge__Entry *entry = entry_for(gathering, time_us, size);

	entry->events = g_renew(Forge__Event *, entry->events, entry->n_events + 1);
	entry->events[entry->n_events++] = take_event;
	gathering->entry_bytes += size;
	gathering->record_bytes += size;
	return gathering->record_bytes < LIMIT_IMPORT_RECORD_BYTES || flush(gathering, error);
}

/* Follows bases, of which only a whole one is worth anything. */
static void note_base(struct gathering *gathering, uint64_t seq, const Forge__Event *event)
{
	if (event->kind_case == FORGE__EVENT__KIND_BASE_BEGUN) {
		gathering->begun_seq = seq;
		gathering->chunks_left = event->base_begun->chunks;
	} else if (event->kind_case == FORGE__EVENT__KIND_BASE_CHUNK && gathering->begun_seq > 0) {
		gathering->chunks_left -= MIN(gathering->chunks_left, 1);
	} else {
		gathering->begun_seq = 0;
	}
	if (gathering->begun_seq > 0 && gathering->chunks_left == 0)
		gathering->base_seq = gathering->begun_seq;
}

static gboolean take_line(struct gathering *gathering, const struct lines *lines, GError **error)
{
	uint64_t seq, time_us;
	Forge__Event *event = parse_line(lines, &seq, &time_us, error);

	if (!event)
		return FALSE;
	if (seq != gathering->next_seq) {
		forge__event__free_unpacked(event, NULL);
		return refuse_line(lines, error,
			"sequence %" G_GUINT64_FORMAT " where %" G_GUINT64_FORMAT " should follow",
			seq, gathering->next_seq);
	}
	gathering->next_seq++;
	note_base(gathering, seq, event);
	if (add_event(gathering, time_us, event, error))
		return TRUE;
	g_prefix_error(error, "%s:%" G_GUINT64_FORMAT ": ", lines->path, lines->number);
	return FALSE;
}

static gboolean say_imported(struct gathering *gathering, const struct journal_import *import,
	uint64_t now_us, GError **error)
{
	g_autofree char *digest = hash_hex(&import->digest);
	Forge__JournalImported *imported = g_new(Forge__JournalImported, 1);
	Forge__Event *event = g_new(Forge__Event, 1);

	forge__journal_imported__init(imported);
	message_set_string(&imported->digest, digest);
	imported->first_seq = import->first_seq;
	imported->last_seq = gathering->next_seq - 1;
	forge__event__init(event);
	event->kind_case = FORGE__EVENT__KIND_JOURNAL_IMPORTED;
	event->journal_imported = imported;
	return add_event(gathering, now_us, event, error) && flush(gathering, error);
}

static gboolean take_lines(
	struct gathering *gathering, const struct journal_import *import, GError **error)
{
	scoped_value(lines) lines;
	gboolean end = FALSE;

	if (!open_lines(&lines, import->path, error))
		return FALSE;
	while (!end) {
		if (!next_line(&lines, &end, error) ||
			(!end && !take_line(gathering, &lines, error)))
			return FALSE;
	}
	return hash_equal(&lines.digest, &import->digest) ||
		refuse_line(&lines, error, "the file was changed while it was read");
}

gboolean journal_import_run(struct journal *journal, const struct journal_import *import,
	uint64_t now_us, GError **error)
{
	scoped_value(gathering) gathering = {
		.journal = journal, .entries = entries_new(), .next_seq = import->first_seq};

	if (!take_lines(&gathering, import, error))
		return FALSE;
	if (import->first_seq > 1 && gathering.base_seq == 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"%s begins with sequence %" G_GUINT64_FORMAT
			" and holds no base: it is only a part of a journal",
			import->path, import->first_seq);
		return FALSE;
	}
	return say_imported(&gathering, import, now_us, error) &&
		(gathering.base_seq == 0 ||
			journal_cut(journal, import->first_seq - 1, gathering.base_seq, error));
}
