/*
 * Resolving a workspace and following the resolution: one job that finds exact commits, then jobs
 * that install them.
 *
 * The two are apart, so that what was found can be shown, or refused, before a file changes. If the
 * command dies between them, nothing has changed; if it dies in the second, the jobs are queued and
 * the next command that waits for jobs goes on with them.
 */
#include "cli/dependency_run.h"

#include <string.h>

#include "cli/component_options.h"
#include "cli/output.h"
#include "cli/render_component.h"
#include "cli/terminal.h"
#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "queue/batch_name.h"
#include "worker/git/git_library.h"
#include "worker/sync/settle.h"
#include "worker/workspace/workspace_repository.h"

void dependency_outcome_clear(struct dependency_outcome *outcome)
{
	GPtrArray **lists[] = {&outcome->components, &outcome->repositories, &outcome->unneeded,
		&outcome->warnings, &outcome->explanation};

	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		g_clear_pointer(lists[i], g_ptr_array_unref);
	component_run_clear(&outcome->run);
}

char *dependency_shown(const char *version, const char *commit)
{
	return *version ? g_strdup(version) : render_short_id(commit);
}

gboolean dependency_recover(const char *root, GError **error)
{
	git_repository *forge;
	gboolean done;

	git_library_start();
	forge = workspace_repository_open(root, error);
	done = forge && settle_recover(root, forge, NULL, NULL, NULL, error);
	git_repository_free(forge);
	git_library_stop();
	return done;
}

/* ---- resolving ---------------------------------------------------------------------------- */

static void begin_lists(struct dependency_outcome *outcome)
{
	outcome->components = g_ptr_array_new();
	outcome->repositories = g_ptr_array_new();
	outcome->unneeded = g_ptr_array_new();
	outcome->warnings = g_ptr_array_new();
	outcome->explanation = g_ptr_array_new();
}

static void append(GPtrArray *list, gpointer *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		g_ptr_array_add(list, items[i]);
}

/* A part that begins again before where the last one ended is of another attempt of the job. */
static gboolean begins_anew(
	const struct dependency_outcome *outcome, const Forge__DependenciesResolved *part)
{
	const Forge__ResolvedComponent *last;

	if (outcome->components->len == 0 || part->n_components == 0)
		return FALSE;
	last = outcome->components->pdata[outcome->components->len - 1];
	return strcmp(part->components[0]->name, last->name) <= 0;
}

static void take_part(struct dependency_outcome *outcome, const Forge__DependenciesResolved *part)
{
	if (begins_anew(outcome, part)) {
		g_ptr_array_set_size(outcome->components, 0);
		g_ptr_array_set_size(outcome->warnings, 0);
	}
	append(outcome->components, (gpointer *)part->components, part->n_components);
	append(outcome->repositories, (gpointer *)part->repositories, part->n_repositories);
	append(outcome->unneeded, (gpointer *)part->unneeded, part->n_unneeded);
	append(outcome->warnings, (gpointer *)part->warnings, part->n_warnings);
	append(outcome->explanation, (gpointer *)part->explanation, part->n_explanation);
}

static gboolean take_job(
	struct dependency_outcome *outcome, const struct history_job *job, GError **error)
{
	const Forge__Error *failure = component_run_error(job);

	if (job->state != JOB_DONE && job->state != JOB_CONFLICT) {
		g_set_error_literal(error, FORGE_ERROR,
			(gint)(failure ? forge_error_from_name(failure->code)
				       : FORGE_ERROR_CANCELLED),
			failure ? failure->message : "the resolution was cancelled");
		return FALSE;
	}
	for (guint i = 0; job->facts && i < job->facts->len; i++) {
		const Forge__Fact *fact = job->facts->pdata[i];

		if (fact->kind_case == FORGE__FACT__KIND_DEPENDENCIES_RESOLVED)
			take_part(outcome, fact->dependencies_resolved);
	}
	if (job->state == JOB_CONFLICT)
		g_clear_pointer(&outcome->components, g_ptr_array_unref);
	return TRUE;
}

gboolean dependency_resolve(struct invocation *invocation, struct client *client, const char *root,
	Forge__ResolveArguments *resolve, struct dependency_outcome *outcome, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	char *targets[] = {(char *)root};

	arguments.resolve = resolve;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_DEPENDENCIES_RESOLVE;
	submit.arguments = &arguments;
	submit.targets = targets;
	submit.n_targets = 1;
	begin_lists(outcome);
	if (!dependency_recover(root, error) ||
		!component_run(invocation, client, &submit, NULL, NULL, &outcome->run, error) ||
		!take_job(outcome, outcome->run.history->jobs->pdata[0], error))
		return FALSE;
	for (guint i = 0; i < outcome->warnings->len; i++) {
		g_autofree char *printable = text_printable(outcome->warnings->pdata[i]);

		output_remark(invocation, "warning: %s", printable);
	}
	return TRUE;
}

const Forge__ResolvedComponent *dependency_find(
	const struct dependency_outcome *outcome, const char *name)
{
	for (guint i = 0; i < outcome->components->len; i++) {
		const Forge__ResolvedComponent *component = outcome->components->pdata[i];

		if (strcmp(component->name, name) == 0)
			return component;
	}
	return NULL;
}

char *dependency_job_name(const struct dependency_outcome *outcome)
{
	const struct history *history = outcome->run.history;
	const struct history_job *job = history->jobs->pdata[0];

	return batch_name_of_job(history->opened->batch, job->number);
}

void dependency_fail(const struct dependency_outcome *outcome, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < outcome->explanation->len; i++)
		g_string_append_printf(
			text, "%s%s", i ? "\n" : "", (char *)outcome->explanation->pdata[i]);
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_NO_RESOLUTION, text->str);
}

/* ---- following a resolution --------------------------------------------------------------- */

static const Forge__WantedComponent *asked_for(
	const struct dependency_install *how, const char *name)
{
	for (guint i = 0; how->asked && i < how->asked->len; i++) {
		const Forge__WantedComponent *wanted = how->asked->pdata[i];

		if (strcmp(wanted->name, name) == 0)
			return wanted;
	}
	return NULL;
}

static void add_with_needs(
	const struct dependency_outcome *outcome, const char *name, GHashTable *names)
{
	const Forge__ResolvedComponent *component = dependency_find(outcome, name);

	if (!component || !g_hash_table_add(names, component->name))
		return;
	for (size_t i = 0; i < component->n_needs; i++)
		add_with_needs(outcome, component->needs[i], names);
}

/* The components that jobs are made for: what is named with what it needs, and what moves. */
static GHashTable *names_to_install(
	const struct dependency_outcome *outcome, const struct dependency_install *how)
{
	GHashTable *names = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (size_t i = 0; how->names && how->names[i]; i++)
		add_with_needs(outcome, how->names[i], names);
	for (guint i = 0; i < outcome->components->len; i++) {
		const Forge__ResolvedComponent *component = outcome->components->pdata[i];

		if (!how->names || *component->why)
			g_hash_table_add(names, component->name);
	}
	return names;
}

/* Those of OUTCOME in NAMES: what was asked for in the order in which it was, for so it comes into
 * forge.yaml, then the others by name. */
static GPtrArray *in_order(const struct dependency_outcome *outcome,
	const struct dependency_install *how, GHashTable *names)
{
	GPtrArray *order = g_ptr_array_new();

	for (guint i = 0; how->asked && i < how->asked->len; i++) {
		const Forge__WantedComponent *asked = how->asked->pdata[i];

		g_ptr_array_add(order, (gpointer)dependency_find(outcome, asked->name));
	}
	for (guint i = 0; i < outcome->components->len; i++) {
		const Forge__ResolvedComponent *component = outcome->components->pdata[i];

		if (g_hash_table_contains(names, component->name) &&
			!asked_for(how, component->name))
			g_ptr_array_add(order, (gpointer)component);
	}
	return order;
}

static void fill_wanted(Forge__WantedComponent *wanted, const Forge__ResolvedComponent *component,
	const Forge__WantedComponent *asked)
{
	forge__wanted_component__init(wanted);
	wanted->name = component->name;
	wanted->repository = component->repository;
	wanted->constraint = asked ? asked->constraint : component->constraint;
	wanted->commit = component->commit;
	wanted->version = component->version;
	wanted->keeps_wanted = asked == NULL;
	if (asked)
		wanted->folder = asked->folder;
}

static char *what_was_installed(const Forge__ComponentInstalled *fact)
{
	const Forge__Component *component = fact->component;
	g_autofree char *commit = render_short_id(component->commit);
	gboolean same = strcmp(fact->before, component->base_commit) == 0;
	const char *version = component->version;

	return g_strdup_printf("✓ %s: %s %s%s%s%s", component->name,
		same                    ? "already at"
			: *fact->before ? "changed to"
					: "installed",
		version, *version ? " (" : "", commit, *version ? ")" : "");
}

void dependency_show_installed(
	struct invocation *invocation, const struct history_job *job, gboolean tells_unchanged)
{
	const Forge__Fact *fact = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_INSTALLED);
	const Forge__ComponentInstalled *installed = fact ? fact->component_installed : NULL;
	g_autofree char *line = NULL;

	if (job->state != JOB_DONE || !installed) {
		component_show_failure(invocation, job);
		return;
	}
	if (strcmp(installed->before, installed->component->base_commit) == 0 && !tells_unchanged)
		return;
	line = what_was_installed(installed);
	output_marked(invocation, line);
}

struct value *dependency_value_of_install(const struct history_job *job)
{
	const Forge__Fact *fact = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_INSTALLED);
	struct value *map = component_value_of_job(job);

	if (fact) {
		const Forge__Component *component = fact->component_installed->component;

		value_put_string(map, "repository", component->repository);
		value_put_string(map, "version", *component->version ? component->version : NULL);
		value_put_string(map, "commit", component->commit);
		value_put_string(map, "folder", component->folder);
	}
	return map;
}

struct showing {
	struct invocation *invocation;
	const struct dependency_install *how;
};

static void show_installed(const struct history_job *job, gpointer user_data)
{
	const struct showing *showing = user_data;

	dependency_show_installed(showing->invocation, job, showing->how->tells_unchanged);
}

/* The jobs of one command, in as many batches as a request has room for. */
struct installing {
	struct invocation *invocation;
	struct client *client;
	const struct dependency_install *how;
	GPtrArray *order; /* of Forge__ResolvedComponent */
	GPtrArray *runs;  /* of struct component_run, owned */
	int status;
};

static void free_run(gpointer data)
{
	component_run_clear(data);
	g_free(data);
}

/* Installs those from FROM up to END. */
static gboolean install_slice(struct installing *installing, guint from, guint end, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	g_autofree Forge__WantedComponent *wanted = g_new0(Forge__WantedComponent, end - from + 1);
	g_autoptr(GPtrArray) pointers = g_ptr_array_new();
	g_autoptr(GPtrArray) targets = g_ptr_array_new();
	struct showing showing = {installing->invocation, installing->how};
	struct component_run *run;

	if (from == end)
		return TRUE;
	for (guint i = from; i < end; i++) {
		const Forge__ResolvedComponent *resolved = installing->order->pdata[i];

		fill_wanted(
			&wanted[i - from], resolved, asked_for(installing->how, resolved->name));
		g_ptr_array_add(pointers, &wanted[i - from]);
		g_ptr_array_add(targets, resolved->name);
	}
	component.wanted = (Forge__WantedComponent **)pointers->pdata;
	component.n_wanted = pointers->len;
	component.offline = installing->how->offline;
	arguments.component = &component;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_INSTALL;
	submit.arguments = &arguments;
	submit.targets = (char **)targets->pdata;
	submit.n_targets = targets->len;
	run = g_new0(struct component_run, 1);
	g_ptr_array_add(installing->runs, run);
	if (!component_run(installing->invocation, installing->client, &submit, show_installed,
		    &showing, run, error))
		return FALSE;
	/* Of one target its error's own status, also where it has another's company. */
	installing->status = installing->status ? installing->status : run->status;
	return TRUE;
}

/* What was asked for comes first: where that cannot be, what it needs is not wanted either. */
static gboolean install_all(struct installing *installing, GError **error)
{
	guint asked = installing->how->asked ? installing->how->asked->len : 0;
	guint end;

	if (!install_slice(installing, 0, asked, error))
		return FALSE;
	if (installing->status)
		return TRUE;
	for (guint from = asked; from < installing->order->len; from = end) {
		end = MIN(from + LIMIT_INSTALLS_PER_BATCH, installing->order->len);
		if (!install_slice(installing, from, end, error))
			return FALSE;
	}
	return TRUE;
}

static void show_all(struct invocation *invocation, const GPtrArray *runs)
{
	scoped(value) object = NULL;
	struct value *list;

	if (invocation->format != OUTPUT_JSON && invocation->format != OUTPUT_YAML)
		return;
	object = value_new_map();
	list = value_new_list();
	for (guint i = 0; i < runs->len; i++) {
		const GPtrArray *jobs =
			((const struct component_run *)runs->pdata[i])->history->jobs;

		for (guint j = 0; j < jobs->len; j++)
			value_append_take(list, dependency_value_of_install(jobs->pdata[j]));
	}
	value_put_take(object, "components", list);
	output_value(invocation, object);
}

/* Somebody else was quicker: it is as it was to become. */
static gboolean is_gone_already(const struct history_job *job)
{
	const Forge__Error *failure = component_run_error(job);

	return failure && forge_error_from_name(failure->code) == FORGE_ERROR_COMPONENT_NOT_FOUND;
}

static void show_removed(const struct history_job *job, gpointer user_data)
{
	struct invocation *invocation = user_data;
	const Forge__Fact *fact = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_REMOVED);

	if (is_gone_already(job))
		return;
	if (job->state != JOB_DONE || !fact) {
		component_show_failure(invocation, job);
		return;
	}
	component_line(invocation, "✓ %s: removed; nothing needs it any more", job->target);
	if (*fact->component_removed->kept)
		component_line(invocation,
			"    its local changes are kept; `forge install` of it brings them back");
}

/* Those of the names UNNEEDED that are installed: a lock may name more. */
static GPtrArray *installed_of(struct client *client, const GPtrArray *unneeded, GError **error)
{
	GPtrArray *rows = requests_components(client, NULL, error);
	GPtrArray *names = rows ? g_ptr_array_new() : NULL;

	for (guint i = 0; rows && i < rows->len; i++) {
		const char *name = ((const Forge__ComponentRow *)rows->pdata[i])->component->name;

		for (guint j = 0; j < unneeded->len; j++)
			if (strcmp(unneeded->pdata[j], name) == 0)
				g_ptr_array_add(names, unneeded->pdata[j]);
	}
	if (rows)
		g_ptr_array_unref(rows);
	return names;
}

gboolean dependency_remove(struct invocation *invocation, struct client *client,
	const GPtrArray *unneeded, int *status, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	scoped_value(component_run) run = {0};
	g_autoptr(GPtrArray) names = NULL;
	g_autoptr(GPtrArray) left = NULL;

	if (unneeded->len == 0)
		return TRUE;
	names = installed_of(client, unneeded, error);
	if (!names || names->len == 0)
		return names != NULL;
	/* They may need each other; nothing that stays needs any. */
	component.force = TRUE;
	arguments.component = &component;
	submit.arguments = &arguments;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_REMOVE;
	submit.targets = (char **)names->pdata;
	submit.n_targets = names->len;
	if (!component_run(invocation, client, &submit, show_removed, invocation, &run, error))
		return FALSE;
	left = g_ptr_array_new();
	for (guint i = 0; i < run.history->jobs->len; i++)
		if (!is_gone_already(run.history->jobs->pdata[i]))
			g_ptr_array_add(left, run.history->jobs->pdata[i]);
	if (*status == 0 && left->len > 0)
		*status = component_jobs_status(left);
	return TRUE;
}

gboolean dependency_install(struct invocation *invocation, struct client *client,
	const struct dependency_outcome *outcome, const struct dependency_install *how, int *status,
	GError **error)
{
	g_autoptr(GHashTable) names = names_to_install(outcome, how);
	g_autoptr(GPtrArray) order = in_order(outcome, how, names);
	g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(free_run);
	struct installing installing = {.invocation = invocation,
		.client = client,
		.how = how,
		.order = order,
		.runs = runs};

	if (!install_all(&installing, error))
		return FALSE;
	*status = installing.status;
	if (*status == 0 &&
		!dependency_remove(invocation, client, outcome->unneeded, status, error))
		return FALSE;
	if (!how->tells_no_object)
		show_all(invocation, runs);
	return TRUE;
}
