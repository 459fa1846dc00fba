/*
 * `forge deps resolve|update|outdated|why-not`: questions to the resolver, and following it.
 */
#include <string.h>

#include "cli/dependency_run.h"
#include "cli/earlier_resolution.h"
#include "cli/handlers.h"
#include "cli/hint_writing.h"
#include "cli/output.h"
#include "cli/render_component.h"
#include "cli/component_options.h"
#include "cli/table.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/nearest.h"
#include "worker/component/component_reference.h"
#include "worker/component/semver.h"
#include "worker/workspace/workspace_documents.h"

/* ---- showing a resolution ----------------------------------------------------------------- */

static struct value *text_or_null(const char *text)
{
	return *text ? value_new_string(text) : value_new_null();
}

static struct value *value_of_component(const Forge__ResolvedComponent *component)
{
	struct value *map = value_new_map();
	struct value *needs = value_new_list();

	value_put_string(map, "component", component->name);
	value_put_string(map, "repository", component->repository);
	value_put_string(map, "path", component->path);
	value_put_take(map, "version", text_or_null(component->version));
	value_put_string(map, "commit", component->commit);
	value_put_string(map, "tree", component->tree);
	value_put_take(map, "ref", text_or_null(component->ref));
	value_put_take(map, "version_constraint", text_or_null(component->constraint));
	value_put_boolean(map, "listed", component->listed);
	for (size_t i = 0; i < component->n_needs; i++)
		value_append_take(needs, value_new_string(component->needs[i]));
	value_put_take(map, "dependencies", needs);
	value_put_take(map, "before_version", text_or_null(component->before_version));
	value_put_take(map, "before_commit", text_or_null(component->before_commit));
	value_put_take(map, "why", text_or_null(component->why));
	value_put_take(map, "latest", text_or_null(component->latest));
	value_put_boolean(map, "yanked", component->yanked);
	return map;
}

static struct value *list_of_texts(const GPtrArray *texts)
{
	struct value *list = value_new_list();

	for (guint i = 0; i < texts->len; i++)
		value_append_take(list, value_new_string(texts->pdata[i]));
	return list;
}

static struct value *value_of_outcome(const struct dependency_outcome *outcome)
{
	struct value *object = value_new_map();
	struct value *components = value_new_list();
	struct value *repositories = value_new_list();
	g_autofree char *job = dependency_job_name(outcome);

	value_put_string(object, "job", job);
	for (guint i = 0; i < outcome->components->len; i++)
		value_append_take(components, value_of_component(outcome->components->pdata[i]));
	for (guint i = 0; i < outcome->repositories->len; i++) {
		const Forge__ResolvedRepository *repository = outcome->repositories->pdata[i];
		struct value *map = value_new_map();

		value_put_string(map, "repository", repository->repository);
		value_put_take(map, "refs", text_or_null(repository->refs));
		value_put_boolean(map, "gone", repository->gone);
		value_append_take(repositories, map);
	}
	value_put_take(object, "components", components);
	value_put_take(object, "repositories", repositories);
	value_put_take(object, "unneeded", list_of_texts(outcome->unneeded));
	value_put_take(object, "warnings", list_of_texts(outcome->warnings));
	return object;
}

/* Whether COMPONENT goes back to an older version. */
static gboolean is_lower(const Forge__ResolvedComponent *component)
{
	scoped(semver) now = semver_parse(component->version, SEMVER_STRICT);
	scoped(semver) before = semver_parse(component->before_version, SEMVER_STRICT);

	return now && before && semver_compare(now, before) < 0;
}

/* `menu 1.0.0 → 2.0.0: forge.yaml …`, or NULL where nothing changes. */
static char *line_of_change(const Forge__ResolvedComponent *component)
{
	g_autofree char *now = dependency_shown(component->version, component->commit);
	g_autofree char *before = NULL;

	if (!*component->why)
		return NULL;
	if (!*component->before_commit)
		return g_strdup_printf("+ %s %s: %s", component->name, now, component->why);
	before = dependency_shown(component->before_version, component->before_commit);
	return g_strdup_printf("%s %s %s → %s: %s", is_lower(component) ? "↓" : "↑",
		component->name, before, now, component->why);
}

static void show_changes(
	const struct invocation *invocation, const struct dependency_outcome *outcome)
{
	guint changes = 0;

	for (guint i = 0; i < outcome->components->len; i++) {
		g_autofree char *line = line_of_change(outcome->components->pdata[i]);

		if (!line)
			continue;
		component_line(invocation, "%s", line);
		changes++;
	}
	for (guint i = 0; i < outcome->unneeded->len; i++, changes++)
		component_line(invocation, "- %s: nothing needs it any more",
			(char *)outcome->unneeded->pdata[i]);
	output_line(invocation, "%u component%s resolved%s", outcome->components->len,
		outcome->components->len == 1 ? "" : "s",
		changes ? "" : ", forge.lock has them already");
	if (changes) {
		g_autofree char *job = dependency_job_name(outcome);

		output_remark(invocation,
			"This resolution is job %s (`forge job show --workspace %s`).", job, job);
	}
}

/* ---- resolve and update ------------------------------------------------------------------- */

/* A command that resolves and follows. */
struct errand {
	struct invocation *invocation;
	struct client *client;
	const char *root;
	char **notes; /* the components in which the outcome is noted (none: all); NULL: in none */
};

/* Names that nobody has are refused before anything moves. */
static gboolean check_names(
	const struct errand *errand, const struct dependency_outcome *outcome, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *question = NULL;

	for (guint i = 0; i < outcome->components->len; i++)
		g_ptr_array_add(
			names, ((Forge__ResolvedComponent *)outcome->components->pdata[i])->name);
	g_ptr_array_add(names, NULL);
	for (char **name = errand->notes; name && *name; name++) {
		if (dependency_find(outcome, *name))
			continue;
		question = nearest_question(*name, (const char *const *)names->pdata);
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"no component is called '%s' in this workspace%s%s", *name,
			question ? "; " : "", question ? question : "");
		return FALSE;
	}
	return TRUE;
}

/* What forge.lock would say. Times of lines that stay are LOCKED's. Caller frees. */
static struct lock_file *foreseen_lock(
	const struct dependency_outcome *outcome, const struct lock_file *locked)
{
	struct lock_file *file = g_new0(struct lock_file, 1);

	file->components = g_ptr_array_new_with_free_func(locked_component_free);
	for (guint i = 0; i < outcome->components->len; i++) {
		const Forge__ResolvedComponent *from = outcome->components->pdata[i];
		const struct locked_component *before = lock_file_find(locked, from->name);
		struct locked_component *component = g_new0(struct locked_component, 1);

		component->component = g_strdup(from->name);
		component->repository = g_strdup(from->repository);
		component->version = *from->version ? g_strdup(from->version) : NULL;
		component->commit = g_strdup(from->commit);
		component->resolved_at = before && strcmp(before->commit, from->commit) == 0
			? g_strdup(before->resolved_at)
			: clock_format(clock_now().wall_us);
		g_ptr_array_add(file->components, component);
	}
	return file;
}

static GHashTable *names_that_move(const struct dependency_outcome *outcome)
{
	GHashTable *names = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (guint i = 0; i < outcome->components->len; i++) {
		const Forge__ResolvedComponent *component = outcome->components->pdata[i];

		if (*component->why)
			g_hash_table_add(names, component->name);
	}
	return names;
}

/* Notes the outcome in the components' own files; ROWS gets what came of it. */
static gboolean note_outcome(const struct errand *errand, const struct dependency_outcome *outcome,
	gboolean dry_run, struct value *rows, int *status, GError **error)
{
	scoped(lock_file) locked = workspace_locked_read(errand->root, error);
	scoped(lock_file) foreseen = NULL;
	g_autoptr(GHashTable) moving = names_that_move(outcome);
	struct hint_writing writing = {.invocation = errand->invocation,
		.client = errand->client,
		.root = errand->root,
		.names = errand->notes,
		.dry_run = dry_run,
		.moving = moving};

	if (!locked)
		return FALSE;
	if (dry_run)
		foreseen = foreseen_lock(outcome, locked);
	writing.locked = dry_run ? foreseen : locked;
	return hint_writing_run(&writing, rows, status, error);
}

/* What was resolved becomes so, and is noted where that is asked for. */
static gboolean follow(const struct errand *errand, const struct dependency_outcome *outcome,
	struct value *rows, int *status, GError **error)
{
	struct invocation *invocation = errand->invocation;
	const struct dependency_install how = {
		.offline = invocation_flag(invocation, "offline"), .tells_no_object = TRUE};
	gboolean dry_run = invocation_flag(invocation, "dry-run");

	if (dry_run)
		output_remark(invocation, "A dry run: nothing was changed.");
	else if (!dependency_install(invocation, errand->client, outcome, &how, status, error))
		return FALSE;
	return !errand->notes || *status ||
		note_outcome(errand, outcome, dry_run, rows, status, error);
}

/* Asks, shows, and, unless --dry-run, follows. */
static int resolve_and_follow(
	const struct errand *errand, Forge__ResolveArguments *arguments, GError **error)
{
	struct invocation *invocation = errand->invocation;
	scoped_value(dependency_outcome) outcome = {0};
	scoped(value) object = NULL;
	struct value *rows;
	int status = 0;

	arguments->offline = invocation_flag(invocation, "offline");
	arguments->accept_moved_tags = invocation_flag(invocation, "accept-moved-tag");
	output_step(invocation, "Resolving dependencies...");
	if (!dependency_resolve(
		    invocation, errand->client, errand->root, arguments, &outcome, error))
		return 1;
	if (!outcome.components) {
		dependency_fail(&outcome, error);
		return 1;
	}
	if (!check_names(errand, &outcome, error))
		return 1;
	show_changes(invocation, &outcome);
	object = value_of_outcome(&outcome);
	rows = value_new_list();
	value_put_take(object, "noted", rows);
	if (!follow(errand, &outcome, rows, &status, error))
		return 1;
	if (invocation->format == OUTPUT_JSON || invocation->format == OUTPUT_YAML)
		output_value(invocation, object);
	return status;
}

/* Connects, finds the refs that --as-of names, and runs. */
static int run_errand(struct errand *errand, Forge__ResolveArguments *arguments, GError **error)
{
	struct invocation *invocation = errand->invocation;
	const char *as_of = invocation_text(invocation, "as-of");
	scoped_value(earlier_resolution) earlier = {0};
	scoped(client) client = NULL;

	if (as_of && !invocation_flag(invocation, "dry-run")) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--as-of shows what would have been resolved and is not followed: it goes with "
			"--dry-run");
		return 1;
	}
	client = workspace_connect(invocation, CLIENT_WORKS, &errand->root, error);
	if (!client || (as_of && !earlier_resolution_find(client, as_of, &earlier, error)))
		return 1;
	if (as_of) {
		arguments->as_of = (Forge__ResolvedRepository **)earlier.repositories->pdata;
		arguments->n_as_of = earlier.repositories->len;
	}
	errand->client = client;
	return resolve_and_follow(errand, arguments, error);
}

int cmd_deps_resolve(struct invocation *invocation, GError **error)
{
	Forge__ResolveArguments arguments = FORGE__RESOLVE_ARGUMENTS__INIT;
	struct errand errand = {.invocation = invocation};

	if (invocation_flag(invocation, "write"))
		errand.notes = invocation->arguments;
	else if (invocation->argument_count > 0) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"everything is resolved together; names say in what --write writes");
		return 1;
	}
	return run_errand(&errand, &arguments, error);
}

int cmd_deps_update(struct invocation *invocation, GError **error)
{
	Forge__ResolveArguments arguments = FORGE__RESOLVE_ARGUMENTS__INIT;
	Forge__WantedComponent exactly = FORGE__WANTED_COMPONENT__INIT;
	const char *precise = invocation_text(invocation, "precise");
	struct errand errand = {.invocation = invocation};

	if (precise && invocation->argument_count != 1) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--precise is the version of one component: name that one");
		return 1;
	}
	if (precise) {
		exactly.name = invocation->arguments[0];
		exactly.constraint = (char *)precise;
		arguments.exactly = &exactly;
	}
	arguments.unlock = invocation->arguments;
	arguments.n_unlock = invocation->argument_count;
	arguments.unlock_all = invocation->argument_count == 0;
	arguments.unlock_needs = invocation_flag(invocation, "aggressive");
	return run_errand(&errand, &arguments, error);
}

/* ---- outdated ----------------------------------------------------------------------------- */

static gboolean is_outdated(const Forge__ResolvedComponent *component)
{
	return strcmp(component->commit, component->before_commit) != 0 ||
		(*component->version && *component->latest &&
			strcmp(component->version, component->latest) != 0);
}

static void show_outdated(
	const struct invocation *invocation, const struct dependency_outcome *outcome)
{
	static const char *const titles[] = {
		"Component", "Current", "Wanted", "Latest", "Repository", NULL};
	scoped(table) table = table_new(titles);

	table_spare(table, 1);
	for (guint i = 0; i < outcome->components->len; i++) {
		const Forge__ResolvedComponent *component = outcome->components->pdata[i];
		char *cells[] = {g_strdup(component->name),
			*component->before_commit ? dependency_shown(component->before_version,
							    component->before_commit)
						  : g_strdup("-"),
			dependency_shown(component->version, component->commit),
			g_strdup(*component->latest ? component->latest : "-"),
			g_strdup(component->repository)};

		if (is_outdated(component)) {
			table_add_take(table, cells);
			continue;
		}
		for (size_t j = 0; j < G_N_ELEMENTS(cells); j++)
			g_free(cells[j]);
	}
	output_table(invocation, table, "All components are the newest that there are.");
}

static void list_outdated(
	const struct invocation *invocation, const struct dependency_outcome *outcome)
{
	scoped(value) list = value_new_list();

	for (guint i = 0; i < outcome->components->len; i++) {
		const Forge__ResolvedComponent *component = outcome->components->pdata[i];
		struct value *map;

		if (!is_outdated(component))
			continue;
		map = value_new_map();
		value_put_string(map, "component", component->name);
		value_put_take(map, "current", text_or_null(component->before_version));
		value_put_take(map, "current_commit", text_or_null(component->before_commit));
		value_put_take(map, "wanted", text_or_null(component->version));
		value_put_string(map, "wanted_commit", component->commit);
		value_put_take(map, "latest", text_or_null(component->latest));
		value_append_take(list, map);
	}
	output_rows(invocation, "components", list);
}

int cmd_deps_outdated(struct invocation *invocation, GError **error)
{
	Forge__ResolveArguments arguments = FORGE__RESOLVE_ARGUMENTS__INIT;
	scoped_value(dependency_outcome) outcome = {0};
	scoped(client) client = NULL;
	const char *root;

	arguments.unlock_all = TRUE;
	arguments.offline = invocation_flag(invocation, "offline");
	client = workspace_connect(invocation, CLIENT_WORKS, &root, error);
	if (!client || !dependency_resolve(invocation, client, root, &arguments, &outcome, error))
		return 1;
	if (!outcome.components) {
		dependency_fail(&outcome, error);
		return 1;
	}
	if (output_is_machine(invocation))
		list_outdated(invocation, &outcome);
	else
		show_outdated(invocation, &outcome);
	return 0;
}

/* ---- why-not ------------------------------------------------------------------------------ */

static void show_why_not(struct invocation *invocation, const struct dependency_outcome *outcome,
	const struct component_reference *reference)
{
	const char *name = reference->component;
	const char *version = reference->constraint->text;
	scoped(value) object = value_new_map();
	gboolean possible = outcome->components != NULL;

	value_put_string(object, "component", name);
	value_put_string(object, "version_constraint", version);
	value_put_boolean(object, "possible", possible);
	value_put_take(object, "explanation", list_of_texts(outcome->explanation));
	output_value(invocation, object);
	if (possible) {
		component_line(invocation,
			"✓ %s %s can be had: `forge deps update %s --precise %s`", name, version,
			name, version);
		return;
	}
	for (guint i = 0; i < outcome->explanation->len; i++)
		component_line(invocation, "%s", (char *)outcome->explanation->pdata[i]);
}

int cmd_deps_why_not(struct invocation *invocation, GError **error)
{
	Forge__ResolveArguments arguments = FORGE__RESOLVE_ARGUMENTS__INIT;
	Forge__WantedComponent exactly = FORGE__WANTED_COMPONENT__INIT;
	scoped_value(dependency_outcome) outcome = {0};
	scoped(component_reference)
		reference = component_reference_parse(invocation->arguments[0], error);
	g_autofree char *constraint = NULL;
	scoped(client) client = NULL;
	const char *root;

	if (!reference)
		return 1;
	if (reference->constraint->kind == CONSTRAINT_NONE) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"say which version: `forge deps why-not %s@VERSION`",
			invocation->arguments[0]);
		return 1;
	}
	constraint = component_reference_constraint(reference);
	exactly.name = reference->component;
	exactly.repository = reference->repository ? reference->repository : (char *)"";
	exactly.constraint = constraint;
	arguments.exactly = &exactly;
	arguments.suppose = TRUE;
	arguments.unlock_all = TRUE;
	arguments.offline = invocation_flag(invocation, "offline");
	client = workspace_connect(invocation, CLIENT_WORKS, &root, error);
	if (!client || !dependency_resolve(invocation, client, root, &arguments, &outcome, error))
		return 1;
	show_why_not(invocation, &outcome, reference);
	return 0;
}
