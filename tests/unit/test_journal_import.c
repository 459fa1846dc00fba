/*
 * An export becomes a journal again. Every kind of event of the schema, filled at random along the
 * descriptors, comes back to the bit; what an export of this version cannot have is refused by the
 * line it stands on, and whole journals go through export and import on every backend.
 */
#include <string.h>

#include "journal/base/document.h"
#include "journal/event_parse.h"
#include "journal/event_text.h"
#include "journal/journal_import.h"
#include "journal/message.h"
#include "tests/support/backend_fixture.h"
#include "tests/unit/removal.h"

#define WHEN UINT64_C(1768473000000123)

/* ---- one event there and back ------------------------------------------------------------- */

static uint64_t random_number(uint64_t most)
{
	static const uint64_t corners[] = {0, 1, G_MAXINT32, G_MAXUINT32, G_MAXINT64,
		(uint64_t)G_MAXINT64 + 1, G_MAXUINT64, WHEN};
	uint64_t number = g_test_rand_int_range(0, 2)
		? corners[g_test_rand_int_range(0, G_N_ELEMENTS(corners))]
		: (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();

	return number > most ? number % most : number;
}

static char *random_text(void)
{
	static const char *const texts[] = {"", "plain", "a \"b\"\n\t\\", "\xc3\xa4\xe2\x9c\x93",
		"\x1b[31m", "18446744073709551615"};

	return g_strdup(texts[g_test_rand_int_range(0, G_N_ELEMENTS(texts))]);
}

static void fill(ProtobufCMessage *message);

static ProtobufCMessage *filled(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = g_malloc0(type->sizeof_message);

	protobuf_c_message_init(type, message);
	fill(message);
	return message;
}

static void fill_value(const ProtobufCFieldDescriptor *field, void *at)
{
	const ProtobufCEnumDescriptor *words;
	ProtobufCBinaryData *bytes = at;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
		*(uint32_t *)at = (uint32_t)random_number(G_MAXUINT32);
		return;
	case PROTOBUF_C_TYPE_UINT64:
		*(uint64_t *)at = random_number(G_MAXUINT64);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = g_test_rand_int_range(0, 2);
		return;
	case PROTOBUF_C_TYPE_ENUM:
		words = field->descriptor;
		*(int *)at = words->values[g_test_rand_int_range(0, (gint32)words->n_values)].value;
		return;
	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = random_text();
		return;
	case PROTOBUF_C_TYPE_BYTES:
		bytes->len = (size_t)g_test_rand_int_range(0, 5);
		bytes->data = bytes->len ? g_memdup2("\0\xff\x80z", bytes->len) : NULL;
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)at = g_test_rand_int_range(0, 4) ? filled(field->descriptor)
								       : NULL;
		return;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		break;
	}
	g_error("%s: this test does not know its type yet", field->name);
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	switch ((int)field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_ENUM:
		return 4;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 8;
	}
}

static void fill(ProtobufCMessage *message)
{
	char *base = (char *)message;

	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		size_t count = (size_t)g_test_rand_int_range(0, 3);
		char *items;

		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			fill_value(field, base + field->offset);
			continue;
		}
		if (count == 0)
			continue;
		items = g_malloc0(count * size_of(field));
		for (size_t j = 0; j < count; j++) {
			void *at = items + j * size_of(field);

			if (field->type == PROTOBUF_C_TYPE_MESSAGE)
				*(ProtobufCMessage **)at = filled(field->descriptor);
			else
				fill_value(field, at);
		}
		*(size_t *)(void *)(base + field->quantifier_offset) = count;
		*(char **)(void *)(base + field->offset) = items;
	}
}

static Forge__Event *event_of(const ProtobufCFieldDescriptor *kind, gboolean is_fact)
{
	Forge__Event *event = g_new(Forge__Event, 1);
	ProtobufCMessage *content = filled(kind->descriptor);

	forge__event__init(event);
	if (!is_fact) {
		event->kind_case = (Forge__Event__KindCase)kind->id;
		event->reported = (Forge__Reported *)content; /* all members share one place */
		return event;
	}
	event->kind_case = FORGE__EVENT__KIND_REPORTED;
	event->reported = g_new(Forge__Reported, 1);
	forge__reported__init(event->reported);
	event->reported->job = g_test_rand_int_range(0, 2)
		? (Forge__JobId *)filled(&forge__job_id__descriptor)
		: NULL;
	event->reported->attempt = (uint32_t)random_number(G_MAXUINT32);
	event->reported->fact = g_new(Forge__Fact, 1);
	forge__fact__init(event->reported->fact);
	event->reported->fact->kind_case = (Forge__Fact__KindCase)kind->id;
	event->reported->fact->push_intended = (Forge__PushIntended *)content;
	return event;
}

static Forge__Event *parse(const char *json, GError **error)
{
	struct document_origin origin = {"row", FORGE_ERROR_VALIDATION_FAILED};
	scoped(value) row = document_parse(DOCUMENT_JSON, &origin, json, strlen(json), error);
	uint64_t seq = 0, time_us = 0;
	Forge__Event *event = row ? event_parse(row, &seq, &time_us, error) : NULL;

	if (event) {
		g_assert_cmpuint(seq, ==, 7);
		g_assert_cmpuint(time_us, ==, WHEN);
	}
	return event;
}

static void there_and_back(const ProtobufCFieldDescriptor *kind, gboolean is_fact)
{
	for (int i = 0; i < 200; i++) {
		Forge__Event *event = event_of(kind, is_fact);
		scoped(value) row = event_row(7, WHEN, event);
		g_autofree char *json = document_write_json(row, DOCUMENT_COMPACT);
		g_autoptr(GBytes) before = message_pack(&event->base);
		g_autoptr(GBytes) after = NULL;
		g_autoptr(GError) error = NULL;
		Forge__Event *again = parse(json, &error);

		g_test_message("%s", json);
		g_assert_no_error(error);
		after = message_pack(&again->base);
		g_assert_true(g_bytes_equal(before, after));
		forge__event__free_unpacked(event, NULL);
		forge__event__free_unpacked(again, NULL);
	}
}

static void every_event_of_the_schema_comes_back_to_the_bit(void)
{
	for (unsigned i = 0; i < forge__event__descriptor.n_fields; i++)
		if (forge__event__descriptor.fields[i].id != FORGE__EVENT__KIND_REPORTED)
			there_and_back(&forge__event__descriptor.fields[i], FALSE);
	for (unsigned i = 0; i < forge__fact__descriptor.n_fields; i++)
		there_and_back(&forge__fact__descriptor.fields[i], TRUE);
}

/* An event and a fact of one name could not be told apart by it. */
static void no_event_and_no_fact_share_a_name(void)
{
	for (unsigned i = 0; i < forge__fact__descriptor.n_fields; i++)
		g_assert_null(protobuf_c_message_descriptor_get_field_by_name(
			&forge__event__descriptor, forge__fact__descriptor.fields[i].name));
}

#define ROW(rest) "{\"seq\":7,\"time\":\"2026-01-15T10:30:00.000123Z\"," rest "}"

static void what_this_version_does_not_write_is_refused_by_name(void)
{
	static const struct {
		const char *row;
		const char *place;
	} rows[] = {
		{ROW("\"type\":\"job_vanished\",\"data\":{}"), "type: "},
		{ROW("\"type\":\"reported\",\"data\":{}"), "type: "},
		{ROW("\"type\":\"queue_paused\",\"data\":{\"actress\":\"x\"}"), "data.actress: "},
		{ROW("\"type\":\"queue_paused\",\"data\":{},\"more\":1"), "more: "},
		{ROW("\"type\":\"queue_paused\",\"data\":{\"actor\":1}"), "data.actor: "},
		{ROW("\"type\":\"queue_paused\",\"data\":[]"), "data: "},
		{ROW("\"type\":\"queue_paused\""), "data: "},
		{ROW("\"type\":\"batch_sealed\",\"data\":{\"batch\":-1}"), "data.batch: "},
		{ROW("\"type\":\"batch_sealed\",\"data\":{\"batch\":1.5}"), "data.batch: "},
		{ROW("\"type\":\"batch_sealed\",\"data\":{\"batch\":\"7\"}"), "data.batch: "},
		{ROW("\"type\":\"batch_sealed\",\"data\":{\"batch\":\"18446744073709551616\"}"),
			"data.batch: "},
		{ROW("\"type\":\"worker_joined\",\"data\":{\"slots\":4294967296}"), "data.slots: "},
		{ROW("\"type\":\"job_returned\",\"data\":{\"reason\":\"bored\"}"), "data.reason: "},
		{ROW("\"type\":\"job_returned\",\"data\":{\"job\":{\"number\":true}}"),
			"data.job.number: "},
		{ROW("\"type\":\"jobs_leased\",\"data\":{\"jobs\":[{},{\"batch\":\"x\"}]}"),
			"data.jobs[1].batch: "},
		{ROW("\"type\":\"job_retry_scheduled\",\"data\":{\"not_before_us\":\"soon\"}"),
			"data.not_before_us: "},
		{ROW("\"type\":\"base_chunk\",\"data\":{\"number\":1,\"image\":\"=\"}"),
			"data.image: "},
		{ROW("\"type\":\"fork_synced\",\"data\":{\"retries\":1}"), "data.retries: "},
		{"{\"seq\":7,\"time\":\"2026-13-15T10:30:00Z\",\"type\":\"queue_paused\",\"data\":{}}",
			"time: "},
		{"{\"seq\":7,\"time\":\"yesterday\",\"type\":\"queue_paused\",\"data\":{}}",
			"time: "},
		{"[]", "event: "},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", rows[i].row);
		g_assert_null(parse(rows[i].row, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		g_test_message("%s", error->message);
		g_assert_true(g_str_has_prefix(error->message, rows[i].place));
	}
}

/* ---- whole journals ----------------------------------------------------------------------- */

static void export_record(GString *lines, const struct journal_record *record)
{
	uint64_t seq = record->first_seq;

	for (size_t i = 0; i < record->entries->n_entries; i++) {
		const Forge__Entry *entry = record->entries->entries[i];

		for (size_t j = 0; j < entry->n_events; j++, seq++) {
			scoped(value) row = event_row(seq, entry->time_us, entry->events[j]);
			g_autofree char *json = document_write_json(row, DOCUMENT_COMPACT);

			g_string_append_printf(lines, "%s\n", json);
		}
	}
}

static char *export(struct journal *journal)
{
	GString *lines = g_string_new(NULL);
	scoped(journal_reader) reader = place_read(journal, 0);
	struct journal_record record;

	while (journal_reader_next(reader, &record, NULL) == JOURNAL_READ_RECORD)
		export_record(lines, &record);
	return g_string_free(lines, FALSE);
}

/* A file with TEXT, for the rest of a scope. */
struct text_file {
	char *folder;
	char *path;
};

static struct text_file text_file_make(const char *text)
{
	struct text_file file = {.folder = g_dir_make_tmp("import-XXXXXX", NULL)};

	file.path = g_build_filename(file.folder, "export.jsonl", NULL);
	g_assert_true(g_file_set_contents(file.path, text, -1, NULL));
	return file;
}

static void text_file_clear(struct text_file *file)
{
	remove_all(file->folder);
	g_free(file->folder);
	g_free(file->path);
}
SCOPED_VALUE(text_file, text_file_clear)

static struct journal *import(struct place *place, const char *path, GError **error)
{
	struct journal_import import;
	struct journal_head head = {.journal_id = "ffeeddccbbaa99887766554433221100"};
	scoped(journal) journal = NULL;

	if (!journal_import_look(path, &import, error))
		return NULL;
	head.front = journal_import_front(head.journal_id, &import);
	journal = place_make(place, &head);
	if (!journal_import_run(journal, &import, WHEN, error))
		return NULL;
	g_assert_true(journal_settle(journal, NULL));
	g_clear_pointer(&journal, journal_close);
	return place_open(place);
}

static void append_event(struct journal *journal, uint64_t time_us, Forge__Event *take_event)
{
	Forge__Event *events[] = {take_event};
	Forge__Entry entry = FORGE__ENTRY__INIT;
	Forge__Entry *entry_list[] = {&entry};
	Forge__Entries entries = FORGE__ENTRIES__INIT;
	struct journal_position end;
	g_autoptr(GError) error = NULL;

	entry.time_us = time_us;
	entry.n_events = 1;
	entry.events = events;
	entries.n_entries = 1;
	entries.entries = entry_list;
	journal_append(journal, journal_end(journal).seq, &entries, &end, &error);
	g_assert_no_error(error);
	forge__event__free_unpacked(take_event, NULL);
}

/* One event of each kind, at times that go back and forth. */
static void append_every_kind(struct journal *journal)
{
	for (unsigned i = 0; i < forge__event__descriptor.n_fields; i++) {
		const ProtobufCFieldDescriptor *kind = &forge__event__descriptor.fields[i];

		Forge__Event *event;

		if (kind->id == FORGE__EVENT__KIND_REPORTED)
			continue;
		event = event_of(kind, FALSE);
		/* One piece follows, so this is no whole base, whatever the dice say. */
		if (kind->id == FORGE__EVENT__KIND_BASE_BEGUN)
			event->base_begun->chunks = 7;
		append_event(journal, WHEN + i % 3, event);
	}
	for (unsigned i = 0; i < forge__fact__descriptor.n_fields; i++)
		append_event(journal, random_number(G_MAXUINT64),
			event_of(&forge__fact__descriptor.fields[i], TRUE));
}

/* A base of CHUNKS pieces. Returns the sequence where it begins. */
static uint64_t append_base(struct journal *journal, uint32_t chunks, uint32_t said)
{
	Forge__Event *begun = g_new(Forge__Event, 1);
	uint64_t seq = journal_end(journal).seq + 1;

	forge__event__init(begun);
	begun->kind_case = FORGE__EVENT__KIND_BASE_BEGUN;
	begun->base_begun = g_new(Forge__BaseBegun, 1);
	forge__base_begun__init(begun->base_begun);
	begun->base_begun->chunks = said;
	append_event(journal, WHEN, begun);
	for (uint32_t i = 1; i <= chunks; i++) {
		Forge__Event *piece = g_new(Forge__Event, 1);

		forge__event__init(piece);
		piece->kind_case = FORGE__EVENT__KIND_BASE_CHUNK;
		piece->base_chunk = g_new(Forge__BaseChunk, 1);
		forge__base_chunk__init(piece->base_chunk);
		piece->base_chunk->number = i;
		append_event(journal, WHEN, piece);
	}
	return seq;
}

/* What JOURNAL exports is imported at a place of BACKEND and exported again. */
static void assert_comes_back(struct journal *journal, gconstpointer backend, uint64_t base_seq)
{
	scoped_value(place) place;
	g_autofree char *before = export(journal);
	scoped_value(text_file) file = text_file_make(before);
	g_autoptr(GError) error = NULL;
	g_autofree char *after = NULL;
	scoped(journal) imported = NULL;

	place_init(&place, backend);
	imported = import(&place, file.path, &error);
	g_assert_no_error(error);
	after = export(imported);
	g_assert_true(g_str_has_prefix(after, before));
	g_assert_nonnull(strstr(after + strlen(before), "\"type\":\"journal_imported\""));
	g_assert_cmpuint(journal_end(imported).seq, ==, journal_end(journal).seq + 1);
	g_assert_cmpuint(journal_front(imported).before.seq, ==, journal_front(journal).before.seq);
	g_assert_cmpuint(journal_front(imported).base_seq, ==, base_seq);
}

static void export_of_an_import_has_the_same_lines_and_its_own(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, GINT_TO_POINTER(BACKEND_MEMORY));
	scoped(journal) journal = place_open(&place);
	g_autofree char *large = g_strnfill(200 * 1000, 'x');
	uint64_t base_seq;

	append_every_kind(journal);
	for (int i = 0; i < 8; i++)
		place_append(journal, 1, large);
	append_base(journal, 2, 3);
	assert_comes_back(journal, backend, 0);
	place_append(journal, 3, "between");
	base_seq = append_base(journal, 3, 3);
	assert_comes_back(journal, backend, base_seq);
	append_base(journal, 1, 2);
	assert_comes_back(journal, backend, base_seq);
	g_assert_true(journal_cut(journal, base_seq - 4, base_seq, NULL));
	assert_comes_back(journal, backend, base_seq);
}

static void chain_of_an_import_begins_with_the_digest(void)
{
	g_autofree char *lines = NULL;
	struct hash first = {{0}};

	for (int i = 0; i < 2; i++) {
		scoped_value(place) place;
		place_init(&place, GINT_TO_POINTER(BACKEND_MEMORY));
		scoped(journal) journal = place_open(&place);
		scoped_value(place) there;
		place_init(&there, GINT_TO_POINTER(BACKEND_MEMORY));
		scoped(journal) imported = NULL;
		struct hash before;

		place_append(journal, 1, i == 0 ? "one" : "two");
		g_free(lines);
		lines = export(journal);
		scoped_value(text_file) file = text_file_make(lines);
		imported = import(&there, file.path, NULL);
		g_assert_nonnull(imported);
		before = journal_front(imported).before.hash;
		g_assert_false(hash_equal(&first, &before));
		first = before;
	}
}

static void file_that_is_no_whole_export_is_refused_by_its_line(void)
{
#define LINE(seq) \
	"{\"seq\":" #seq \
	",\"time\":\"2026-01-15T10:30:00Z\",\"type\":\"queue_paused\",\"data\":{\"actor\":\"x\"}}\n"
	static const struct {
		const char *text;
		const char *says;
	} files[] = {
		{"", "no event"},
		{"\n", "export.jsonl:1: "},
		{"nonsense\n", "export.jsonl:1: "},
		{LINE(1) "{\"seq\":2}\n", "export.jsonl:2: time: is missing"},
		{LINE(1) LINE(3), "export.jsonl:2: sequence 3 where 2 should follow"},
		{LINE(1) LINE(1), "export.jsonl:2: sequence 1 where 2 should follow"},
		{LINE(1) LINE(2) "{\"seq\":3,\"ti", "export.jsonl:3: the line does not end"},
		{LINE(1) "\n" LINE(2), "export.jsonl:2: "},
		{LINE(5) LINE(6), "only a part of a journal"},
		{LINE(0), "no event"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		scoped_value(text_file) file = text_file_make(files[i].text);
		scoped_value(place) place;
		g_autoptr(GError) error = NULL;

		place_init(&place, GINT_TO_POINTER(BACKEND_MEMORY));
		g_assert_null(import(&place, file.path, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, files[i].says));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/journal_import/" #name, name)
	CLAIM(every_event_of_the_schema_comes_back_to_the_bit);
	CLAIM(no_event_and_no_fact_share_a_name);
	CLAIM(what_this_version_does_not_write_is_refused_by_name);
	CLAIM(chain_of_an_import_begins_with_the_digest);
	CLAIM(file_that_is_no_whole_export_is_refused_by_its_line);
#undef CLAIM
	place_add_claim("journal_import", "export_of_an_import_has_the_same_lines_and_its_own",
		export_of_an_import_has_the_same_lines_and_its_own);
	return g_test_run();
}
