/*
 * Commands on local changes: a look, a decision, a job.
 *
 * The look is a job of its own, so that it completes what an earlier process was killed in and tells
 * the journal how the files are. The job that follows gets the tree that was seen; it refuses if the
 * files are others by then.
 */
#include "cli/component_editing.h"

#include "cli/component_options.h"
#include "cli/output.h"
#include "cli/workspace_rows.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/sync/component_changes.h"

void component_editing_clear(struct component_editing *editing)
{
	component_head_clear(&editing->head);
	g_clear_pointer(&editing->rows, g_ptr_array_unref);
	g_clear_pointer(&editing->client, client_free);
}

gboolean component_look(struct invocation *invocation, struct client *client, Forge__Submit *submit,
	component_run_ended *ended, gpointer user_data, struct component_run *run, GError **error)
{
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	gboolean looked;

	component.offline = TRUE;
	arguments.component = &component;
	submit->kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_CHECK;
	submit->arguments = &arguments;
	looked = component_run(invocation, client, submit, ended, user_data, run, error);
	submit->arguments = NULL;
	return looked;
}

/* The end of a batch's only job, as the command's own error. */
static gboolean job_succeeded(const struct component_run *run, GError **error)
{
	const struct history_job *job = run->history->jobs->len > 0 ? run->history->jobs->pdata[0]
								    : NULL;
	const Forge__Error *failure = job ? component_run_error(job) : NULL;

	if (job && job->state == JOB_DONE)
		return TRUE;
	if (failure)
		g_set_error(error, FORGE_ERROR, (gint)forge_error_from_name(failure->code), "%s",
			failure->message);
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CANCELLED, "the job was %s",
			job ? job_state_word(job->state) : "not made");
	return FALSE;
}

static gboolean look(struct component_editing *editing, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	scoped_value(component_run) run = {0};
	char *targets[] = {(char *)editing->name, NULL};

	submit.targets = targets;
	submit.n_targets = 1;
	return component_look(
		       editing->invocation, editing->client, &submit, NULL, NULL, &run, error) &&
		job_succeeded(&run, error);
}

gboolean component_editing_begin(struct component_editing *editing, struct invocation *invocation,
	const char *name, GError **error)
{
	char *names[] = {(char *)name, NULL};

	editing->invocation = invocation;
	editing->name = name;
	editing->client = workspace_connect(invocation, CLIENT_WORKS, &editing->root, error);
	if (!editing->client || !look(editing, error))
		return FALSE;
	editing->rows = workspace_rows_named(invocation, editing->client, names, error);
	if (!editing->rows)
		return FALSE;
	editing->row = editing->rows->pdata[0];
	editing->tree = editing->row->observed ? editing->row->observed->local_tree : "";
	return component_head_read(editing->root, name, &editing->head, error);
}

/* ---- the job ------------------------------------------------------------------------------ */

static char *or_empty(const char *text)
{
	return text ? (char *)text : (char *)protobuf_c_empty_string;
}

gboolean component_editing_run(struct component_editing *editing, const struct edit_order *order,
	struct component_run *run, const Forge__ComponentEdited **edited, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	g_autofree char *note = text_shorten(order->note ? order->note : "", LIMIT_EDIT_NOTE);
	char *targets[] = {(char *)editing->name, NULL};
	const Forge__Fact *fact;

	component.action = order->action;
	component.from_tree = or_empty(order->from ? order->from : editing->tree);
	component.to_tree = or_empty(order->to);
	component.stash_commit = or_empty(order->commit);
	component.message = or_empty(order->message);
	component.note = note;
	arguments.component = &component;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_EDIT;
	submit.arguments = &arguments;
	submit.targets = targets;
	submit.n_targets = 1;
	if (!component_run(editing->invocation, editing->client, &submit, NULL, NULL, run, error) ||
		!job_succeeded(run, error))
		return FALSE;
	fact = component_run_fact(run->history->jobs->pdata[0], FORGE__FACT__KIND_COMPONENT_EDITED);
	if (!fact) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
			"the job did not say what it did");
		return FALSE;
	}
	*edited = fact->component_edited;
	return TRUE;
}

/* ---- what happened ------------------------------------------------------------------------ */

void component_editing_show_changes(
	const struct component_editing *editing, const char *before, const char *after)
{
	g_autoptr(GPtrArray) changes = component_changes(editing->root, before, after, NULL);

	for (guint i = 0; changes && i < changes->len; i++) {
		g_autofree char *line = file_change_line(changes->pdata[i]);

		output_line(editing->invocation, "  - %s", line);
	}
}

static struct value *value_of_changes(
	const struct component_editing *editing, const Forge__ComponentEdited *edited)
{
	g_autoptr(GPtrArray) changes = edited
		? component_changes(editing->root, edited->before, edited->after, NULL)
		: NULL;
	struct value *list = value_new_list();

	for (guint i = 0; changes && i < changes->len; i++)
		file_change_append_rows(changes->pdata[i], list);
	return list;
}

void component_editing_show_object(const struct component_editing *editing,
	const Forge__ComponentEdited *edited, const GPtrArray *problems)
{
	scoped(value) map = NULL;
	struct value *list;

	if (editing->invocation->format != OUTPUT_JSON &&
		editing->invocation->format != OUTPUT_YAML)
		return;
	map = value_new_map();
	value_put_string(map, "component", editing->name);
	value_put_boolean(map, "changed", edited != NULL);
	value_put_string(map, "before", edited ? edited->before : editing->tree);
	value_put_string(map, "after", edited ? edited->after : editing->tree);
	value_put_string(map, "commit", edited && *edited->stash ? edited->stash : NULL);
	value_put_take(map, "changes", value_of_changes(editing, edited));
	if (problems) {
		list = value_new_list();
		for (guint i = 0; i < problems->len; i++)
			value_append_take(list, value_new_string(problems->pdata[i]));
		value_put_take(map, "problems", list);
	}
	output_value(editing->invocation, map);
}
