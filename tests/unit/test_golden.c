/*
 * Journals of released versions (tests/golden/README.md) are read for ever: each is whole, says the
 * events it said, and folds to the state it folded to, from its backup, from its folder and from its
 * export.
 */
#include <string.h>

#include "journal/base/document.h"
#include "journal/event_text.h"
#include "journal/journal_backup.h"
#include "journal/journal_import.h"
#include "scheduler/turn.h"
#include "tests/support/backend_fixture.h"
#include "tests/support/journal_fixture.h"

#define GOLDEN "tests/golden"

static const char *const names[] = {"whole", "compacted"};

/* Paths of all versions' folders. */
static GPtrArray *versions(void)
{
	GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(GOLDEN, 0, NULL);
	const char *name;

	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir)))
		if (name[0] == 'v')
			g_ptr_array_add(found, g_build_filename(GOLDEN, name, NULL));
	g_assert_cmpuint(found->len, >, 0);
	return found;
}

static char *read_text(const char *folder, const char *name, const char *suffix)
{
	g_autofree char *file = g_strconcat(name, suffix, NULL);
	char *text;
	gsize size;

	journal_fixture_read_file(folder, file, &text, &size);
	return text;
}

static struct journal *open_backup(const char *folder, const char *name)
{
	g_autofree char *file = g_strconcat(name, ".backup", NULL);
	g_autofree char *path = g_build_filename(folder, file, NULL);
	g_autoptr(GError) error = NULL;
	struct journal *journal = journal_backup_open(path, &error);

	g_assert_no_error(error);
	return journal;
}

/* ---- states ------------------------------------------------------------------------------- */

/* JOURNAL folds to what `digests` in FOLDER has for NAME. */
static void assert_state(struct journal *journal, const char *folder, const char *name)
{
	g_autofree char *digests = read_text(folder, "digests", "");
	g_autoptr(GError) error = NULL;
	struct hash digest;
	g_autofree char *hex = NULL;
	g_autofree char *line = NULL;

	scheduler_verify(journal, &digest, &error);
	g_assert_no_error(error);
	hex = hash_hex(&digest);
	line = g_strdup_printf("%s %d %s\n", name, FOLD_VERSION, hex);
	g_test_message("%s: %s", folder, line);
	g_assert_nonnull(strstr(digests, line));
}

static void every_backup_folds_to_its_state(void)
{
	g_autoptr(GPtrArray) folders = versions();

	for (guint i = 0; i < folders->len; i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
			scoped(journal) journal = open_backup(folders->pdata[i], names[j]);

			assert_state(journal, folders->pdata[i], names[j]);
		}
	}
}

static void every_folder_opens_and_goes_on(void)
{
	g_autoptr(GPtrArray) folders = versions();

	for (guint i = 0; i < folders->len; i++) {
		scoped_value(journal_fixture) room = journal_fixture_make();
		g_autofree char *golden = g_build_filename(folders->pdata[i], "journal", NULL);
		scoped(journal) journal = NULL;

		journal_fixture_copy(golden, room.folder);
		journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
		assert_state(journal, folders->pdata[i], "compacted");
		journal_fixture_append(journal, 2, 10);
	}
}

/* ---- events ------------------------------------------------------------------------------- */

/* TRUE if NEW says all that OLD does, and beyond that nothing: a field that came later is empty. */
static gboolean says_the_same(const struct value *old, const struct value *new)
{
	if (value_kind(old) != value_kind(new))
		return FALSE;
	if (value_kind(old) == VALUE_LIST) {
		for (size_t i = 0; i < value_count(old); i++)
			if (i >= value_count(new) ||
				!says_the_same(value_at(old, i), value_at(new, i)))
				return FALSE;
		return value_count(old) == value_count(new);
	}
	if (value_kind(old) != VALUE_MAP)
		return value_equal(old, new);
	for (size_t i = 0; i < value_count(old); i++) {
		const struct value *member = value_get(new, value_key_at(old, i));

		if (!member || !says_the_same(value_at(old, i), member))
			return FALSE;
	}
	for (size_t i = 0; i < value_count(new); i++) {
		const struct value *member = value_at(new, i);
		gboolean empty = value_kind(member) == VALUE_BOOLEAN ? !value_boolean(member)
			: value_kind(member) == VALUE_INTEGER        ? value_integer(member) == 0
			: value_kind(member) == VALUE_LIST           ? value_count(member) == 0
								     : FALSE;

		if (!value_get(old, value_key_at(new, i)) && !empty)
			return FALSE;
	}
	return TRUE;
}

static struct value *parse(const char *line)
{
	struct document_origin origin = {"golden", FORGE_ERROR_VALIDATION_FAILED};
	struct value *value = document_parse(DOCUMENT_JSON, &origin, line, strlen(line), NULL);

	g_assert_nonnull(value);
	return value;
}

static char *json_of(uint64_t seq, uint64_t time_us, const Forge__Event *event)
{
	scoped(value) row = event_row(seq, time_us, event);

	return document_write_json(row, DOCUMENT_COMPACT);
}

/* Each event of JOURNAL says what its line in LINES does; those of journal_imported may follow. */
static void assert_events(struct journal *journal, char *const *lines, guint more)
{
	scoped(journal_reader) reader = place_read(journal, 0);
	struct journal_record record;
	guint n = 0;

	while (journal_reader_next(reader, &record, NULL) == JOURNAL_READ_RECORD) {
		uint64_t seq = record.first_seq;

		for (size_t i = 0; i < record.entries->n_entries; i++) {
			const Forge__Entry *entry = record.entries->entries[i];

			for (size_t j = 0; j < entry->n_events; j++, seq++) {
				g_autofree char *json = json_of(
					seq, entry->time_us, entry->events[j]);
				scoped(value) new = parse(json);
				scoped(value) old = NULL;

				if (!lines[n] || *lines[n] == '\0') {
					g_assert_cmpuint(more--, >, 0);
					continue;
				}
				old = parse(lines[n++]);
				if (!says_the_same(old, new))
					g_error("was: %s\nis:  %s", lines[n - 1], json);
			}
		}
	}
	g_assert_cmpuint(g_strv_length((char **)lines), ==, n + 1);
	g_assert_cmpuint(more, ==, 0);
}

static void every_event_says_what_it_said(void)
{
	g_autoptr(GPtrArray) folders = versions();

	for (guint i = 0; i < folders->len; i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
			g_autofree char *text = read_text(folders->pdata[i], names[j], ".jsonl");
			g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
			scoped(journal) journal = open_backup(folders->pdata[i], names[j]);

			assert_events(journal, lines, 0);
		}
	}
}

static struct journal *import(struct place *place, const char *path)
{
	struct journal_import import;
	struct journal_head head = {.journal_id = "ffeeddccbbaa99887766554433221100"};
	g_autoptr(GError) error = NULL;
	scoped(journal) journal = NULL;

	journal_import_look(path, &import, &error);
	g_assert_no_error(error);
	head.front = journal_import_front(head.journal_id, &import);
	journal = place_make(place, &head);
	journal_import_run(journal, &import, 0, &error);
	g_assert_no_error(error);
	return g_steal_pointer(&journal);
}

/* Where the journal ends is a part of the state, and an import ends one event later. */
static struct hash digest_of(struct journal *journal)
{
	scoped(state) state = scheduler_replay(journal, NULL);

	g_assert_nonnull(state);
	state->last_seq = 0;
	return state_digest(state);
}

static void every_export_can_be_imported(gconstpointer backend)
{
	g_autoptr(GPtrArray) folders = versions();

	for (guint i = 0; i < folders->len; i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
			scoped_value(place) place;
			g_autofree char *text = read_text(folders->pdata[i], names[j], ".jsonl");
			g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
			g_autofree char *file = g_strconcat(names[j], ".jsonl", NULL);
			g_autofree char *path = g_build_filename(folders->pdata[i], file, NULL);
			scoped(journal) backup = open_backup(folders->pdata[i], names[j]);
			scoped(journal) imported = NULL;
			struct hash before = digest_of(backup), after;

			place_init(&place, backend);
			imported = import(&place, path);
			assert_events(imported, lines, 1);
			after = digest_of(imported);
			g_assert_true(hash_equal(&before, &after));
		}
	}
}

static void note_types(GHashTable *types, const char *folder)
{
	g_autofree char *text = read_text(folder, "whole", ".jsonl");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] && *lines[i]; i++) {
		scoped(value) row = parse(lines[i]);

		g_hash_table_add(types, g_strdup(value_string(value_get(row, "type"))));
	}
}

static void every_kind_of_event_is_in_a_golden_journal(void)
{
	static const ProtobufCMessageDescriptor *const schemas[] = {
		&forge__event__descriptor, &forge__fact__descriptor};
	g_autoptr(GPtrArray) folders = versions();
	g_autoptr(GHashTable) types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < folders->len; i++)
		note_types(types, folders->pdata[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(schemas); i++) {
		for (unsigned j = 0; j < schemas[i]->n_fields; j++) {
			const char *name = schemas[i]->fields[j].name;

			g_test_message("%s", name);
			g_assert_true(g_str_equal(name, "reported") ||
				g_hash_table_contains(types, name));
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/golden/" #name, name)
	CLAIM(every_backup_folds_to_its_state);
	CLAIM(every_folder_opens_and_goes_on);
	CLAIM(every_event_says_what_it_said);
	CLAIM(every_kind_of_event_is_in_a_golden_journal);
#undef CLAIM
	place_add_claim("golden", "every_export_can_be_imported", every_export_can_be_imported);
	return g_test_run();
}
