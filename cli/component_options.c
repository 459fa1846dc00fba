/*
 * From the words of a command to the jobs on components, and from jobs to objects.
 */
#include "cli/component_options.h"

#include "cli/output.h"
#include "cli/render.h"
#include "cli/render_needs.h"
#include "cli/terminal.h"
#include "journal/base/errors.h"

gboolean component_targets(
	const struct invocation *invocation, Forge__Submit *submit, GError **error)
{
	gboolean all = invocation_flag(invocation, "all");

	if (all == (invocation->argument_count > 0)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			all ? "`forge %s` takes names or --all, not both"
			    : "`forge %s` needs the name of a component, or --all",
			invocation->words);
		return FALSE;
	}
	submit->all_forks = all;
	submit->targets = invocation->arguments;
	submit->n_targets = invocation->argument_count;
	return TRUE;
}

struct value *component_value_of_job(const struct history_job *job)
{
	struct value *map = value_new_map();

	value_put_string(map, "component", job->target);
	value_put_string(map, "status", job_state_word(job->state));
	value_put_take(map, "error", render_error(component_run_error(job)));
	return map;
}

struct value *component_value_of_conflicts(const Forge__ComponentConflicted *pending)
{
	struct value *list = value_new_list();

	for (size_t i = 0; i < pending->n_conflicts; i++) {
		const Forge__Conflict *conflict = pending->conflicts[i];
		struct value *item = value_new_map();

		value_put_string(item, "path", conflict->path);
		value_put_string(item, "type", conflict->type);
		value_put_string(item, "place", *conflict->place ? conflict->place : NULL);
		value_append_take(list, item);
	}
	return list;
}

void component_show_jobs(
	struct invocation *invocation, const struct component_run *run, component_value *value_of)
{
	scoped(value) object = NULL;
	struct value *list;

	if (invocation->format != OUTPUT_JSON && invocation->format != OUTPUT_YAML)
		return;
	object = value_new_map();
	list = value_new_list();
	for (guint i = 0; i < run->history->jobs->len; i++)
		value_append_take(list, value_of(run->history->jobs->pdata[i]));
	value_put_take(object, "components", list);
	output_value(invocation, object);
}

void component_show_nothing(struct invocation *invocation)
{
	scoped(value) object = NULL;

	if (invocation->format != OUTPUT_JSON && invocation->format != OUTPUT_YAML)
		return;
	object = value_new_map();
	value_put_take(object, "components", value_new_list());
	output_value(invocation, object);
}

void component_line(const struct invocation *invocation, const char *format, ...)
{
	g_autofree char *line = NULL;
	g_autofree char *printable = NULL;
	va_list arguments;

	va_start(arguments, format);
	line = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	printable = text_printable(line);
	output_marked(invocation, printable);
}

void component_show_failure(struct invocation *invocation, const struct history_job *job)
{
	const Forge__Error *failure = component_run_error(job);

	component_line(invocation, "✗ %s: %s", job->target,
		failure ? failure->message : job_state_word(job->state));
	if (failure && *failure->hint)
		component_line(invocation, "    hint: %s", failure->hint);
}

void component_show_needs(
	const struct invocation *invocation, const struct lock_graph *graph, const char *name)
{
	g_autofree char *needed_by = render_needed_by(graph, name);
	g_autofree char *needs = render_needs(graph, name);

	if (needed_by)
		component_line(invocation, "Needed by: %s", needed_by);
	if (needs)
		component_line(invocation, "Needs: %s", needs);
}
