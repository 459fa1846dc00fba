/*
 * `forge init|install|list|info`: a workspace and the components in it.
 */
#include <string.h>

#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render_component.h"
#include "cli/table.h"
#include "cli/workspace_client.h"
#include "cli/workspace_rows.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "worker/component/component_reference.h"
#include "worker/workspace/workspace.h"
#include "worker/workspace/workspace_documents.h"

/* ---- init --------------------------------------------------------------------------------- */

int cmd_init(struct invocation *invocation, GError **error)
{
	const char *named = invocation->argument_count ? invocation->arguments[0] : ".";
	g_autofree char *root = g_canonicalize_filename(named, NULL);
	g_autofree char *line = NULL;
	scoped(value) value = value_new_map();
	gboolean existed;

	if (!workspace_make(root, &existed, error))
		return 1;
	value_put_string(value, "workspace", root);
	value_put_boolean(value, "existed", existed);
	output_value(invocation, value);
	line = g_strdup_printf("✓ %s is %s workspace", root, existed ? "already a" : "now a");
	output_marked(invocation, line);
	if (!existed)
		output_remark(invocation,
			"`forge install REPOSITORY/COMPONENT` puts a component into it.");
	return 0;
}

/* ---- install ------------------------------------------------------------------------------ */

/* What is asked for, as messages whose texts are kept by REFERENCES. */
struct asking {
	GPtrArray *references; /* of struct component_reference */
	GPtrArray *wanted;     /* of Forge__WantedComponent */
	GPtrArray *names;      /* of char *, borrowed */
};

static void free_reference(gpointer reference)
{
	component_reference_free(reference);
}

static void asking_init(struct asking *asking)
{
	asking->references = g_ptr_array_new_with_free_func(free_reference);
	asking->wanted = g_ptr_array_new_with_free_func(g_free);
	asking->names = g_ptr_array_new();
}

static void asking_clear(struct asking *asking)
{
	g_ptr_array_unref(asking->references);
	g_ptr_array_unref(asking->wanted);
	g_ptr_array_unref(asking->names);
}
SCOPED_VALUE(asking, asking_clear)

static gboolean is_named_already(const struct asking *asking, const char *name)
{
	for (guint i = 0; i < asking->names->len; i++)
		if (strcmp(asking->names->pdata[i], name) == 0)
			return TRUE;
	return FALSE;
}

/* `NAME@C` without a repository is the one that forge.yaml lists. */
static const char *repository_of(const struct component_reference *reference,
	const struct wanted_file *listed, GError **error)
{
	const struct wanted_component *wanted;

	if (reference->repository)
		return reference->repository;
	wanted = wanted_file_find(listed, reference->component);
	if (wanted)
		return wanted->repository;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"forge.yaml does not list '%s'; say where it is from: REPOSITORY/%s",
		reference->component, reference->component);
	return NULL;
}

static gboolean ask_for(
	struct asking *asking, const char *text, const struct wanted_file *listed, GError **error)
{
	struct component_reference *reference = component_reference_parse(text, error);
	Forge__WantedComponent *wanted;
	const char *repository;

	if (!reference)
		return FALSE;
	g_ptr_array_add(asking->references, reference);
	if (is_named_already(asking, reference->component)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"'%s' is named twice; a workspace has one component of a name",
			reference->component);
		return FALSE;
	}
	repository = repository_of(reference, listed, error);
	if (!repository)
		return FALSE;
	wanted = g_new(Forge__WantedComponent, 1);
	forge__wanted_component__init(wanted);
	wanted->name = reference->component;
	wanted->repository = (char *)repository;
	if (reference->constraint->kind == CONSTRAINT_COMMIT) {
		char *at = g_strconcat("@", reference->constraint->text, NULL);

		g_free(reference->constraint->text);
		reference->constraint->text = at;
	}
	if (reference->constraint->text)
		wanted->constraint = reference->constraint->text;
	/* Just a name that is listed: what the files say. */
	if (reference->repository || reference->constraint->kind != CONSTRAINT_NONE)
		g_ptr_array_add(asking->wanted, wanted);
	else
		g_free(wanted);
	g_ptr_array_add(asking->names, reference->component);
	return TRUE;
}

static gboolean ask_for_all(
	struct asking *asking, char **arguments, const struct wanted_file *listed, GError **error)
{
	for (char **text = arguments; *text; text++)
		if (!ask_for(asking, *text, listed, error))
			return FALSE;
	for (guint i = 0; !*arguments && i < listed->components->len; i++)
		g_ptr_array_add(asking->names,
			((struct wanted_component *)listed->components->pdata[i])->component);
	return TRUE;
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

static void show_installed(const struct history_job *job, gpointer user_data)
{
	struct invocation *invocation = user_data;
	const Forge__Fact *fact = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_INSTALLED);
	g_autofree char *line = NULL;

	if (job->state == JOB_DONE && fact) {
		line = what_was_installed(fact->component_installed);
		output_marked(invocation, line);
		return;
	}
	component_show_failure(invocation, job);
}

static struct value *value_of_install(const struct history_job *job)
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

int cmd_install(struct invocation *invocation, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	scoped_value(component_run) run = {0};
	scoped_value(asking) asking = {0};
	scoped(client) client = NULL;
	scoped(wanted_file) listed = NULL;
	const char *root;

	asking_init(&asking);
	client = workspace_connect(invocation, CLIENT_WORKS, &root, error);
	listed = client ? workspace_wanted_read(root, error) : NULL;
	if (!listed || !ask_for_all(&asking, invocation->arguments, listed, error))
		return 1;
	if (asking.names->len == 0) {
		output_remark(invocation,
			"forge.yaml lists no components; `forge install REPOSITORY/COMPONENT` adds one.");
		component_show_nothing(invocation);
		return 0;
	}
	component.wanted = (Forge__WantedComponent **)asking.wanted->pdata;
	component.n_wanted = asking.wanted->len;
	arguments.component = &component;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_INSTALL;
	submit.arguments = &arguments;
	submit.targets = (char **)asking.names->pdata;
	submit.n_targets = asking.names->len;
	if (!component_run(invocation, client, &submit, show_installed, invocation, &run, error))
		return 1;
	component_show_jobs(invocation, &run, value_of_install);
	return run.status;
}

/* ---- list and info ------------------------------------------------------------------------ */

static void show_list(struct invocation *invocation, GPtrArray *rows)
{
	static const char *const titles[] = {
		"Component", "Version", "Commit", "Repository", "Folder", NULL};
	scoped(table) table = table_new(titles);

	table_spare(table, 1);
	for (guint i = 0; i < rows->len; i++) {
		const Forge__Component *component =
			((const Forge__ComponentRow *)rows->pdata[i])->component;
		char *cells[] = {g_strdup(component->name),
			g_strdup(*component->version             ? component->version
					: *component->constraint ? component->constraint
								 : "-"),
			render_short_id(component->commit), g_strdup(component->repository),
			g_strdup(component->folder)};

		table_add_take(table, cells);
	}
	if (rows->len > 0)
		output_table(invocation, table, "");
}

static struct value *value_of_component(const Forge__Component *component)
{
	struct value *map = value_new_map();

	value_put_string(map, "component", component->name);
	value_put_string(map, "repository", component->repository);
	value_put_string(map, "path", component->path);
	value_put_string(
		map, "version_constraint", *component->constraint ? component->constraint : NULL);
	value_put_string(map, "version", *component->version ? component->version : NULL);
	value_put_string(map, "commit", component->commit);
	value_put_string(map, "tree", component->tree);
	value_put_string(map, "folder", component->folder);
	return map;
}

int cmd_list(struct invocation *invocation, GError **error)
{
	scoped(client) client = workspace_connect(invocation, CLIENT_READS, NULL, error);
	g_autoptr(GPtrArray) rows = client ? workspace_rows(invocation, client, error) : NULL;
	scoped(value) list = NULL;

	if (!rows)
		return 1;
	workspace_rows_remark(invocation, rows);
	if (!output_is_machine(invocation)) {
		show_list(invocation, rows);
		return 0;
	}
	list = value_new_list();
	for (guint i = 0; i < rows->len; i++)
		value_append_take(list,
			value_of_component(((Forge__ComponentRow *)rows->pdata[i])->component));
	output_rows(invocation, "components", list);
	return 0;
}

static void show_info(struct invocation *invocation, const Forge__ComponentRow *row)
{
	const Forge__Component *component = row->component;
	g_autofree char *commit = render_commit_and_time(
		component->commit, component->commit_time_us);
	g_autofree char *age = clock_format_age_long((int64_t)row->synced_us, clock_now().wall_us);

	output_line(invocation, "Component: %s", component->name);
	if (*component->version)
		component_line(invocation, "Version: %s", component->version);
	component_line(invocation, "Wanted: %s",
		*component->constraint ? component->constraint : "the default branch");
	component_line(invocation, "Repository: %s", component->repository);
	component_line(invocation, "Path: %s", *component->path ? component->path : ".");
	component_line(invocation, "Folder: %s", component->folder);
	output_line(invocation, "Commit: %s", commit);
	output_line(invocation, "Status: %s", render_component_status(row->status));
	output_line(invocation, "Last sync: %s", age);
}

int cmd_info(struct invocation *invocation, GError **error)
{
	scoped(client) client = workspace_connect(invocation, CLIENT_READS, NULL, error);
	g_autoptr(GPtrArray) rows = client
		? workspace_rows_named(invocation, client, invocation->arguments, error)
		: NULL;
	scoped(value) value = NULL;

	if (!rows)
		return 1;
	value = value_of_component(((Forge__ComponentRow *)rows->pdata[0])->component);
	output_value(invocation, value);
	show_info(invocation, rows->pdata[0]);
	return 0;
}
