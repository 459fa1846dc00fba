/*
 * `forge journal verify|replay`: a journal's folder, read beside whoever writes it, or a backup.
 *
 * Both read every record from the first; the reader checks checksum, chain and sequence of each.
 * Nothing is written, so a damaged journal stays as it was found.
 */
#include <string.h>

#include "cli/handlers.h"
#include "cli/journal_named.h"
#include "cli/output.h"
#include "journal/base/errors.h"
#include "journal/event_text.h"
#include "scheduler/turn.h"

/* What a whole journal holds. */
struct inventory {
	uint64_t records;
	uint64_t entries;
	uint64_t events;
	uint64_t last_seq;
	struct hash hash;
	GHashTable *types; /* of names (static) to counts */
};

static void count_record(struct inventory *inventory, const struct journal_record *record)
{
	inventory->records++;
	inventory->last_seq = record->last_seq;
	inventory->hash = record->hash;
	for (size_t i = 0; i < record->entries->n_entries; i++) {
		const Forge__Entry *entry = record->entries->entries[i];

		inventory->entries++;
		for (size_t j = 0; j < entry->n_events; j++) {
			const char *type = event_type(entry->events[j]);
			gsize count = GPOINTER_TO_SIZE(g_hash_table_lookup(inventory->types, type));

			g_hash_table_insert(
				inventory->types, (gpointer)type, GSIZE_TO_POINTER(count + 1));
			inventory->events++;
		}
	}
}

static gboolean read_all(struct journal *journal, struct inventory *inventory, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, 0, error);

	if (!reader)
		return FALSE;
	for (;;) {
		struct journal_record record;

		switch (journal_reader_next(reader, &record, error)) {
		case JOURNAL_READ_RECORD:
			count_record(inventory, &record);
			break;
		case JOURNAL_READ_END:
			return TRUE;
		case JOURNAL_READ_ERROR:
			return FALSE;
		}
	}
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static struct value *types_value(const struct inventory *inventory)
{
	struct value *types = value_new_map();
	g_autoptr(GList)
		names = g_list_sort(g_hash_table_get_keys(inventory->types), compare_names);

	for (GList *name = names; name; name = name->next) {
		gsize count = GPOINTER_TO_SIZE(g_hash_table_lookup(inventory->types, name->data));

		value_put_integer(types, name->data, (int64_t)count);
	}
	return types;
}

static struct value *inventory_value(
	const struct journal *journal, const struct inventory *inventory)
{
	g_autofree char *hash = hash_hex(&inventory->hash);
	struct value *object = value_new_map();

	value_put_string(object, "journal", journal_id(journal));
	value_put_take(object, "records", value_new_unsigned(inventory->records));
	value_put_take(object, "entries", value_new_unsigned(inventory->entries));
	value_put_take(object, "events", value_new_unsigned(inventory->events));
	value_put_take(
		object, "first_seq", value_new_unsigned(journal_front(journal).before.seq + 1));
	value_put_take(object, "last_seq", value_new_unsigned(inventory->last_seq));
	value_put_string(object, "hash", inventory->records > 0 ? hash : NULL);
	return object;
}

/* Opens and reads the journal that is meant; NULL on error. INVENTORY's table is the caller's. */
static struct journal *read_journal(
	struct invocation *invocation, struct inventory *inventory, GError **error)
{
	g_autofree char *path = journal_named(invocation, 0, error);
	scoped(journal) journal = NULL;

	if (!path)
		return NULL;
	journal = journal_named_read(path, error);
	if (!journal)
		return NULL;
	if (!read_all(journal, inventory, error)) {
		g_prefix_error(
			error, "after %" G_GUINT64_FORMAT " good records: ", inventory->records);
		return NULL;
	}
	return g_steal_pointer(&journal);
}

int cmd_journal_verify(struct invocation *invocation, GError **error)
{
	g_autoptr(GHashTable) types = g_hash_table_new(g_str_hash, g_str_equal);
	struct inventory inventory = {.types = types};
	scoped(journal) journal = read_journal(invocation, &inventory, error);
	struct hash digest;
	scoped(value) object = NULL;
	g_autofree char *hex = NULL;
	g_autofree char *line = NULL;

	if (!journal || !scheduler_verify(journal, &digest, error))
		return 1;
	object = inventory_value(journal, &inventory);
	hex = hash_hex(&digest);
	value_put_string(object, "digest", hex);
	output_value(invocation, object);
	line = g_strdup_printf("✓ journal %s: %" G_GUINT64_FORMAT " events in %" G_GUINT64_FORMAT
			       " records, the chain is whole, state %.12s",
		journal_id(journal), inventory.events, inventory.records, hex);
	output_marked(invocation, line);
	return 0;
}

int cmd_journal_replay(struct invocation *invocation, GError **error)
{
	static const char *const titles[] = {"Event", "Count", NULL};
	g_autoptr(GHashTable) types = g_hash_table_new(g_str_hash, g_str_equal);
	struct inventory inventory = {.types = types};
	scoped(journal) journal = read_journal(invocation, &inventory, error);
	scoped(value) object = NULL;
	scoped(value) counts = NULL;
	scoped(table) table = NULL;

	if (!journal)
		return 1;
	object = inventory_value(journal, &inventory);
	counts = types_value(&inventory);
	value_put_take(object, "types", value_copy(counts));
	output_value(invocation, object);
	table = table_new(titles);
	for (size_t i = 0; i < value_count(counts); i++) {
		char *cells[] = {g_strdup(value_key_at(counts, i)),
			g_strdup_printf("%" G_GINT64_FORMAT, value_integer(value_at(counts, i)))};

		table_add_take(table, cells);
	}
	output_line(invocation,
		"Journal %s: %" G_GUINT64_FORMAT " events in %" G_GUINT64_FORMAT " records",
		journal_id(journal), inventory.events, inventory.records);
	output_table(invocation, table, "The journal holds no events.");
	return 0;
}
