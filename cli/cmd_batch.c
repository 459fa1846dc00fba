/*
 * `forge batch list|show`: batches, open and closed.
 */
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/requests.h"
#include "journal/base/clock.h"

/* ---- list --------------------------------------------------------------------------------- */

static char *counts_text(const Forge__BatchCounts *counts)
{
	GString *text = g_string_new(NULL);

	const struct {
		const char *word;
		uint32_t count;
	} parts[] = {
		{"queued", counts->queued},
		{"waiting", counts->waiting},
		{"leased", counts->leased},
		{"done", counts->done},
		{"conflict", counts->conflict},
		{"skipped", counts->skipped},
		{"failed", counts->failed},
		{"cancelled", counts->cancelled},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		if (parts[i].count > 0)
			g_string_append_printf(text, "%s%u %s", text->len > 0 ? ", " : "",
				parts[i].count, parts[i].word);
	return g_string_free(text, FALSE);
}

static void add_row(struct table *table, const Forge__BatchRow *row, int64_t now_us)
{
	char *cells[] = {
		g_strdup(row->name),
		g_strdup(render_kind(row->kind)),
		g_strdup(row->closed ? "closed" : "open"),
		g_strdup_printf("%u", row->counts ? row->counts->total : 0),
		row->counts ? counts_text(row->counts) : g_strdup(""),
		clock_format_age((int64_t)row->opened_us, now_us),
	};

	table_add_take(table, cells);
}

int cmd_batch_list(struct invocation *invocation, GError **error)
{
	static const char *const titles[] = {
		"Batch", "Kind", "State", "Jobs", "Counts", "Opened", NULL};
	gboolean all = invocation_flag(invocation, "all");
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	g_autoptr(GPtrArray) rows = NULL;
	scoped(table) table = NULL;
	scoped(value) list = NULL;
	int64_t now_us;

	if (!client)
		return 1;
	rows = requests_batches(client, all, error);
	if (!rows)
		return 1;
	table = table_new(titles);
	list = value_new_list();
	now_us = clock_now().wall_us;
	for (guint i = 0; i < rows->len; i++) {
		const Forge__BatchRow *row = g_ptr_array_index(rows, i);

		value_append_take(list, render_batch_row(row));
		add_row(table, row, now_us);
	}
	if (output_is_machine(invocation))
		output_rows(invocation, "batches", list);
	else
		output_table(invocation, table,
			all ? "There are no batches."
			    : "No batch is open; --all shows closed ones too.");
	return 0;
}

/* ---- show --------------------------------------------------------------------------------- */

/* Commands that resolve a conflict need the repositories as they are now: a sync prints them. */
static void show_next_step(const struct invocation *invocation, const Forge__ForkSynced *entry)
{
	const char *hint;
	g_autofree char *printable = NULL;

	if (entry->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT) {
		output_line(invocation,
			"    hint: `forge fork sync %s --dry-run` shows the commands that resolve it",
			entry->fork);
		return;
	}
	hint = render_hint(entry);
	if (!hint)
		return;
	printable = text_printable(hint);
	output_line(invocation, "    hint: %s", printable);
}

static void show_entries(const struct invocation *invocation, const struct history *history,
	const struct history_job *job, struct value *list)
{
	g_autoptr(GPtrArray) entries = history_entries(history, job);

	for (guint i = 0; i < entries->len; i++) {
		const Forge__ForkSynced *entry = g_ptr_array_index(entries, i);
		g_autofree char *line = NULL;
		g_autofree char *printable = NULL;

		value_append_take(list, render_entry(entry, NULL));
		line = render_entry_line(entry, entries->len > 1);
		printable = text_printable(line);
		output_marked(invocation, printable);
		show_next_step(invocation, entry);
	}
}

static void show_jobs(
	const struct invocation *invocation, const struct history *history, struct value *object)
{
	struct value *list = value_new_list();
	gboolean forks = history->opened->kind == FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;

	for (guint i = 0; forks && i < history->jobs->len; i++) {
		const struct history_job *job = g_ptr_array_index(history->jobs, i);

		if (job_state_ended(job->state))
			show_entries(invocation, history, job, list);
	}
	value_put_take(object, "forks", list);
}

static void show_batch(const struct invocation *invocation, const Forge__BatchRow *row,
	const struct history *history)
{
	g_autofree char *opened = clock_format((int64_t)row->opened_us);
	g_autofree char *counts = row->counts ? counts_text(row->counts) : NULL;
	scoped(value) object = NULL;

	output_line(invocation, "Batch: %s", row->name);
	output_line(invocation, "Kind: %s%s", render_kind(row->kind),
		row->arguments && row->arguments->dry_run ? " (dry run)" : "");
	output_line(invocation, "State: %s", row->closed ? "closed" : "open");
	output_line(invocation, "Opened: %s%s%s", opened, *row->actor ? " by " : "", row->actor);
	if (row->closed) {
		g_autofree char *closed = clock_format((int64_t)row->closed_us);

		output_line(invocation, "Closed: %s", closed);
	}
	if (*row->retry_of)
		output_line(invocation, "Retry of: %s", row->retry_of);
	output_line(invocation, "Jobs: %u%s%s", row->counts ? row->counts->total : 0,
		counts && *counts ? ": " : "", counts ? counts : "");
	object = render_batch_row(row);
	show_jobs(invocation, history, object);
	output_value(invocation, object);
}

int cmd_batch_show(struct invocation *invocation, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	Forge__BatchRow *row;
	scoped(history) history = NULL;

	if (!client)
		return 1;
	row = requests_batch(client, invocation->arguments[0], error);
	if (!row)
		return 1;
	history = requests_history(client, row, error);
	if (history)
		show_batch(invocation, row, history);
	forge__batch_row__free_unpacked(row, NULL);
	return history ? 0 : 1;
}
