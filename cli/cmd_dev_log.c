/*
 * `forge dev log`: checkpoints and bases, as the workspace's refs have them, and with --edits what
 * else was done to the files, as the journal tells it.
 *
 * An edit is no commit: it has a time and a few words, never what was in a file.
 */
#include <string.h>

#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/render_component.h"
#include "cli/table.h"
#include "cli/workspace_client.h"
#include "cli/workspace_rows.h"
#include "journal/base/clock.h"
#include "journal/base/limits.h"
#include "worker/sync/component_log.h"

#define US 1000000

/* One line of the log: a commit or an edit; texts are owned. */
struct line {
	const char *kind;
	char *id;       /* of the commit; of an edit the stash that it made or used, or NULL */
	char *upstream; /* the commit that a base stands for, or NULL */
	char *author;   /* NULL: not known */
	char *subject;
	int64_t time_us;
};

static void free_line(gpointer data)
{
	struct line *line = data;

	g_free(line->id);
	g_free(line->upstream);
	g_free(line->author);
	g_free(line->subject);
	g_free(line);
}

/* ---- commits ------------------------------------------------------------------------------ */

static const char *kind_word(enum log_kind kind)
{
	switch (kind) {
	case LOG_CHECKPOINT:
		return "checkpoint";
	case LOG_BASE:
		return "base";
	case LOG_EARLIER:
		return "earlier";
	}
	g_assert_not_reached();
}

static void add_commits(GPtrArray *lines, const GPtrArray *entries)
{
	for (guint i = 0; i < entries->len; i++) {
		const struct log_entry *entry = entries->pdata[i];
		struct line *line = g_new0(struct line, 1);

		line->kind = kind_word(entry->kind);
		line->id = g_strdup(entry->id);
		line->upstream = g_strdup(entry->upstream);
		line->author = g_strdup(entry->author);
		line->subject = g_strdup(entry->subject);
		line->time_us = entry->time_s * US;
		g_ptr_array_add(lines, line);
	}
}

/* ---- edits -------------------------------------------------------------------------------- */

/* NULL for what the log has as a commit, and for what this version does not know. */
static const char *action_word(Forge__EditAction action)
{
	switch (action) {
	case FORGE__EDIT_ACTION__EDIT_ACTION_EDIT:
		return "edit";
	case FORGE__EDIT_ACTION__EDIT_ACTION_REVERT:
		return "revert";
	case FORGE__EDIT_ACTION__EDIT_ACTION_STASH:
		return "stash";
	case FORGE__EDIT_ACTION__EDIT_ACTION_STASH_POP:
		return "stash pop";
	case FORGE__EDIT_ACTION__EDIT_ACTION_STASH_DROP:
		return "stash drop";
	case FORGE__EDIT_ACTION__EDIT_ACTION_CHECKPOINT:
	case FORGE__EDIT_ACTION__EDIT_ACTION_UNSET:
	case _FORGE__EDIT_ACTION_IS_INT_SIZE:
		break;
	}
	return NULL;
}

struct looking {
	const char *name;
	GHashTable *commits; /* id to struct line: commits that are in the log already */
	GPtrArray *lines;
	guint most;
};

static const Forge__ComponentEdited *edited_of(const Forge__EventRow *row)
{
	const Forge__Event *event = row->event;
	const Forge__Fact *fact = event && event->kind_case == FORGE__EVENT__KIND_REPORTED
		? event->reported->fact
		: NULL;

	return fact && fact->kind_case == FORGE__FACT__KIND_COMPONENT_EDITED
		? fact->component_edited
		: NULL;
}

/* A commit knows seconds only; the journal, which made checkpoints, knows their order. */
static void tell_time(
	const struct looking *looking, const Forge__ComponentEdited *edited, uint64_t time_us)
{
	struct line *line = g_hash_table_lookup(looking->commits, edited->stash);

	if (line && edited->action == FORGE__EDIT_ACTION__EDIT_ACTION_CHECKPOINT)
		line->time_us = (int64_t)time_us;
}

/* The newest are kept. */
static gboolean take_page(const Forge__Events *page, gpointer user_data)
{
	struct looking *looking = user_data;

	for (size_t i = 0; i < page->n_events; i++) {
		const Forge__ComponentEdited *edited = edited_of(page->events[i]);
		const char *word = edited ? action_word(edited->action) : NULL;
		struct line *line;

		if (!edited || strcmp(edited->name, looking->name) != 0)
			continue;
		tell_time(looking, edited, page->events[i]->time_us);
		if (!word)
			continue;
		line = g_new0(struct line, 1);
		line->kind = word;
		line->id = *edited->stash ? g_strdup(edited->stash) : NULL;
		line->subject = g_strdup(edited->note);
		line->time_us = (int64_t)page->events[i]->time_us;
		g_ptr_array_add(looking->lines, line);
		if (looking->lines->len > looking->most)
			g_ptr_array_remove_index(looking->lines, 0);
	}
	return TRUE;
}

static gboolean is_base(const struct line *line)
{
	return line->upstream != NULL;
}

/* Commits stay in their order, bases after all else: their times are upstream's. */
static void merge_edits(GPtrArray *lines, GPtrArray *edits)
{
	guint at = 0;

	while (edits->len > 0) {
		struct line *newest = edits->pdata[edits->len - 1];
		const struct line *commit = at < lines->len ? lines->pdata[at] : NULL;

		if (commit && !is_base(commit) && commit->time_us > newest->time_us)
			at++;
		else
			g_ptr_array_insert(
				lines, (gint)at++, g_ptr_array_steal_index(edits, edits->len - 1));
	}
}

static gboolean add_edits(
	struct client *client, const char *name, guint most, GPtrArray *lines, GError **error)
{
	g_autoptr(GPtrArray) edits = g_ptr_array_new_with_free_func(free_line);
	g_autoptr(GHashTable) commits = g_hash_table_new(g_str_hash, g_str_equal);
	struct looking looking = {name, commits, edits, most};

	for (guint i = 0; i < lines->len; i++)
		g_hash_table_insert(commits, ((struct line *)lines->pdata[i])->id, lines->pdata[i]);
	if (!requests_events(client, 0, 0, FALSE, take_page, &looking, error))
		return FALSE;
	merge_edits(lines, edits);
	if (lines->len > most)
		g_ptr_array_set_size(lines, (gint)most);
	return TRUE;
}

/* ---- the command -------------------------------------------------------------------------- */

static struct value *value_of_line(const struct line *line)
{
	struct value *map = value_new_map();

	value_put_string(map, "kind", line->kind);
	value_put_string(map, "id", line->id);
	value_put_string(map, "upstream_commit", line->upstream);
	value_put_string(map, "author", line->author);
	value_put_string(map, "subject", line->subject);
	value_put_take(map, "time", render_time((uint64_t)MAX(line->time_us, 0)));
	return map;
}

static void show(struct invocation *invocation, const GPtrArray *lines)
{
	static const char *const titles[] = {"Commit", "What", "Age", "Author", "Subject", NULL};
	scoped(table) table = table_new(titles);
	scoped(value) list = value_new_list();
	int64_t now_us = clock_now().wall_us;

	for (guint i = 0; i < lines->len; i++) {
		const struct line *line = lines->pdata[i];
		const char *id = line->upstream ? line->upstream : line->id;
		gboolean earlier = strcmp(line->kind, kind_word(LOG_EARLIER)) == 0;
		char *cells[] = {render_short_id(id ? id : ""),
			g_strdup(earlier ? "earlier base" : line->kind),
			clock_format_age(line->time_us, now_us),
			text_printable(line->author ? line->author : ""),
			text_printable(line->subject)};

		table_add_take(table, cells);
		value_append_take(list, value_of_line(line));
	}
	if (output_is_machine(invocation))
		output_rows(invocation, "log", list);
	else
		output_table(invocation, table, "There is no history.");
}

int cmd_dev_log(struct invocation *invocation, GError **error)
{
	const char *name = invocation->arguments[0];
	const char *root;
	scoped(client) client = workspace_connect(invocation, CLIENT_READS, &root, error);
	g_autoptr(GPtrArray) rows = client
		? workspace_rows_named(invocation, client, invocation->arguments, error)
		: NULL;
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(free_line);
	g_autoptr(GPtrArray) entries = NULL;
	uint64_t most;

	if (!rows ||
		!invocation_number_within(invocation, "limit", LIMIT_LOCAL_COMMITS,
			LIMIT_LOCAL_COMMITS, &most, error))
		return 1;
	entries = component_log(root, name, (uint32_t)most, error);
	if (!entries)
		return 1;
	add_commits(lines, entries);
	if (invocation_flag(invocation, "edits") &&
		!add_edits(client, name, (guint)most, lines, error))
		return 1;
	show(invocation, lines);
	return 0;
}
