/*
 * `forge job list|show|cancel`: single jobs, live and past.
 *
 * Jobs of open batches are the scheduler's rows. Those of closed batches are rebuilt from the
 * journal, as is what a job went through: there is no other record of it.
 */
#include <string.h>

#include "cli/handlers.h"
#include "cli/job_events.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/requests.h"
#include "journal/base/errors.h"
#include "journal/event_text.h"
#include "queue/batch_name.h"

/* ---- list --------------------------------------------------------------------------------- */

static void free_job_row(gpointer row)
{
	forge__job_row__free_unpacked(row, NULL);
}

static GPtrArray *past_jobs(struct client *client, const Forge__BatchRow *batch, GError **error)
{
	scoped(history) history = requests_history(client, batch, error);
	GPtrArray *rows;

	if (!history)
		return NULL;
	rows = g_ptr_array_new_with_free_func(free_job_row);
	for (guint i = 0; i < history->jobs->len; i++)
		g_ptr_array_add(
			rows, history_job_row(history, g_ptr_array_index(history->jobs, i)));
	return rows;
}

static GPtrArray *jobs_of(struct client *client, const char *name, GError **error)
{
	Forge__BatchRow *batch;
	GPtrArray *rows;

	if (!name)
		return requests_jobs(client, NULL, error);
	batch = requests_batch(client, name, error);
	if (!batch)
		return NULL;
	rows = batch->closed ? past_jobs(client, batch, error)
			     : requests_jobs(client, batch->name, error);
	forge__batch_row__free_unpacked(batch, NULL);
	return rows;
}

static gboolean check_state(const char *state, GError **error)
{
	for (int i = 0; i < JOB_STATES; i++)
		if (!state || strcmp(job_state_word((enum job_state)i), state) == 0)
			return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE, "--state: no job is ever '%s'", state);
	return FALSE;
}

static void add_row(struct table *table, const Forge__JobRow *row)
{
	char *cells[] = {
		batch_name_of_job(row->batch_name, row->job->number),
		g_strdup(row->target),
		g_strdup(row->state),
		g_strdup_printf("%u", row->attempt),
		g_strdup(row->error ? row->error->message : ""),
	};

	table_add_take(table, cells);
}

int cmd_job_list(struct invocation *invocation, GError **error)
{
	static const char *const titles[] = {"Job", "Target", "State", "Attempt", "Error", NULL};
	const char *state = invocation_text(invocation, "state");
	scoped(client) client = NULL;
	g_autoptr(GPtrArray) rows = NULL;
	scoped(table) table = NULL;
	scoped(value) list = NULL;
	const char *empty;

	if (!check_state(state, error))
		return 1;
	client = requests_connect(invocation, CLIENT_READS, 0, error);
	if (!client)
		return 1;
	rows = jobs_of(client, invocation_text(invocation, "batch"), error);
	if (!rows)
		return 1;
	table = table_new(titles);
	list = value_new_list();
	for (guint i = 0; i < rows->len; i++) {
		const Forge__JobRow *row = g_ptr_array_index(rows, i);

		if (state && strcmp(row->state, state) != 0)
			continue;
		if (output_is_machine(invocation))
			value_append_take(list, render_job_row(row));
		else
			add_row(table, row);
	}
	empty = invocation_text(invocation, "batch") || state
		? "There are no such jobs."
		: "No batch is open; `forge job list --batch BATCH` shows the jobs of a closed one.";
	if (output_is_machine(invocation))
		output_rows(invocation, "jobs", list);
	else
		output_table(invocation, table, empty);
	return 0;
}

/* ---- show --------------------------------------------------------------------------------- */

/* What is gathered while the batch's events go by. */
struct job_story {
	struct history *history;
	uint32_t number;
	struct value *events;
	GPtrArray *lines;
};

static gboolean take_story_page(const Forge__Events *page, gpointer user_data)
{
	struct job_story *story = user_data;

	for (size_t i = 0; i < page->n_events; i++) {
		const Forge__EventRow *row = page->events[i];
		const Forge__Event *event;
		g_autofree char *time = NULL;
		g_autofree char *line = NULL;

		history_apply(story->history, row);
		event = row->event;
		if (job_event_of(event, story->history->batch, story->number) == JOB_EVENT_OTHER)
			continue;
		value_append_take(story->events, event_row(row->seq, row->time_us, event));
		time = event_time(row->time_us);
		line = event_line(event);
		g_ptr_array_add(story->lines, g_strdup_printf("  %s  %s", time, line));
	}
	return story->history->closed_seq == 0;
}

static void show_job(const struct invocation *invocation, const struct job_story *story,
	const struct history_job *job)
{
	Forge__JobRow *row = history_job_row(story->history, job);
	scoped(value) object = render_job_row(row);
	g_autofree char *name = NULL;

	value_put_take(object, "events", value_copy(story->events));
	output_value(invocation, object);
	name = batch_name_of_job(row->batch_name, job->number);
	output_line(invocation, "Job: %s", name);
	output_line(invocation, "Target: %s", *row->target ? row->target : "none");
	output_line(invocation, "State: %s", row->state);
	output_line(invocation, "Attempt: %u", row->attempt);
	if (row->error) {
		g_autofree char *message = text_printable(row->error->message);

		output_line(invocation, "Error: %s: %s", row->error->code, message);
	}
	output_line(invocation, "Events:");
	for (guint i = 0; i < story->lines->len; i++)
		output_line(invocation, "%s", (const char *)g_ptr_array_index(story->lines, i));
	forge__job_row__free_unpacked(row, NULL);
}

static int show(struct invocation *invocation, struct client *client, const struct job_name *name,
	GError **error)
{
	scoped(history) history = history_new();
	scoped(value) events = value_new_list();
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	struct job_story story = {history, name->number, events, lines};
	const struct history_job *job;

	if (!requests_events(client, name->batch->batch, name->batch->batch, FALSE, take_story_page,
		    &story, error))
		return 1;
	job = history_job(history, name->number);
	if (!job) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOB_NOT_FOUND,
			"batch %s has no job %u (yet)", name->batch->name, name->number);
		return 1;
	}
	show_job(invocation, &story, job);
	return 0;
}

int cmd_job_show(struct invocation *invocation, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	scoped_value(job_name) name = {0};

	if (!client || !requests_find_job(client, invocation->arguments[0], &name, error))
		return 1;
	if (name.number == 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"'%s' is a batch; `forge batch show` shows those, a job is BATCH.NUMBER",
			invocation->arguments[0]);
		return 1;
	}
	return show(invocation, client, &name, error);
}

/* ---- cancel ------------------------------------------------------------------------------- */

static gboolean cancel(struct client *client, const struct job_name *name, GError **error)
{
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__CancelJob message = FORGE__CANCEL_JOB__INIT;
	Forge__Request request = FORGE__REQUEST__INIT;

	if (name->number == 0) {
		message.batch = name->batch->name;
	} else {
		id.batch = name->batch->batch;
		id.number = name->number;
		message.job = &id;
	}
	request.kind_case = FORGE__REQUEST__KIND_CANCEL_JOB;
	request.cancel_job = &message;
	return requests_do(client, &request, error);
}

static int cancel_all(struct invocation *invocation, gboolean batches_only, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	scoped(value) cancelled = NULL;
	scoped(value) object = NULL;

	if (!client)
		return 1;
	cancelled = value_new_list();
	for (char **argument = invocation->arguments; *argument; argument++) {
		scoped_value(job_name) name = {0};
		g_autofree char *shown = NULL;
		g_autofree char *line = NULL;

		if (!requests_find_job(client, *argument, &name, error))
			return 1;
		if (batches_only && name.number != 0) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
				"'%s' is a job; `forge job cancel` cancels those", *argument);
			return 1;
		}
		shown = name.number == 0 ? g_strdup(name.batch->name)
					 : batch_name_of_job(name.batch->name, name.number);
		if (name.batch->closed) {
			output_remark(invocation, "%s has ended already", shown);
			continue;
		}
		if (!cancel(client, &name, error))
			return 1;
		value_append_take(cancelled, value_new_string(shown));
		line = g_strdup_printf("✓ %s: cancelled", shown);
		output_marked(invocation, line);
	}
	object = value_new_map();
	value_put_take(object, "cancelled", g_steal_pointer(&cancelled));
	output_value(invocation, object);
	return 0;
}

int cmd_job_cancel(struct invocation *invocation, GError **error)
{
	return cancel_all(invocation, FALSE, error);
}

int cmd_batch_cancel(struct invocation *invocation, GError **error)
{
	return cancel_all(invocation, TRUE, error);
}
