/*
 * `component.yaml`: what a component says of itself.
 *
 * The author of a component reads all problems at once (`forge dev validate`); whoever installs one
 * needs the first. What decides what is installed (name, version, dependencies) is read strictly,
 * the rest is the author's own affair. Dependencies under `spec` count like those at the top.
 */
#include "worker/component/component_file.h"

#include <string.h>

#include "journal/base/limits.h"
#include "worker/component/checklist.h"
#include "worker/component/component_constraint.h"
#include "worker/component/semver.h"

#define API_VERSION "forge.dev/v1"

static void free_dependency(gpointer data)
{
	struct component_dependency *dependency = data;

	g_free(dependency->repository);
	g_free(dependency->component);
	g_free(dependency->constraint);
	g_free(dependency->resolved_version);
	g_free(dependency->commit);
	g_free(dependency->resolved_at);
	g_free(dependency);
}

void component_file_free(struct component_file *file)
{
	if (!file)
		return;
	g_free(file->name);
	g_free(file->version);
	g_free(file->description);
	g_free(file->author);
	g_free(file->license);
	g_ptr_array_unref(file->dependencies);
	value_free(file->document);
	g_free(file);
}

/* ---- what is wrong with a text ---- */

const char *component_version_wrong(const char *text)
{
	scoped(semver) version = g_ascii_isdigit(*text) ? semver_parse(text, SEMVER_STRICT) : NULL;

	if (!version || g_ascii_isspace(text[strlen(text) - 1]))
		return "expected a version such as 1.2.3";
	return NULL;
}

const char *component_constraint_wrong(const char *text)
{
	scoped(component_constraint) constraint = component_constraint_parse(text, NULL);

	return constraint ? NULL
			  : "expected a range of versions (^1.2), latest, @COMMIT, a tag or a "
			    "branch";
}

const char *component_commit_wrong(const char *text)
{
	size_t size = strlen(text);

	if (size < 4 || size > 40 || strspn(text, "0123456789abcdef") != size)
		return "expected the id of a commit";
	return NULL;
}

static const char *wrong_kind(const char *text)
{
	return component_kind_from_name(text) == COMPONENT_UNKNOWN
		? "expected one of Tool, Prompt, Agent"
		: NULL;
}

static const char *wrong_api(const char *text)
{
	return strcmp(text, API_VERSION) == 0 ? NULL : "expected " API_VERSION;
}

/* ---- dependencies ---- */

/* `version_constraint`, or its alias; both only if they say the same. */
static char *read_constraint(struct checklist *list, struct checked_map where)
{
	char *constraint = checklist_text(
		list, where, "version_constraint", CHECKED_OPTIONAL, component_constraint_wrong);
	g_autofree char *alias = checklist_text(
		list, where, "version", CHECKED_OPTIONAL, component_constraint_wrong);

	if (constraint && alias && strcmp(constraint, alias) != 0)
		checklist_note(list, where, "version", value_line(value_get(where.map, "version")),
			"differs from version_constraint, which means the same");
	return constraint ? constraint : g_steal_pointer(&alias);
}

static struct component_dependency *read_dependency(
	struct checklist *list, struct checked_map where, enum component_kind kind)
{
	static const char *const keys[] = {"repository", "component", "version_constraint",
		"version", "resolved_version", "commit", "resolved_at", NULL};
	struct component_dependency *dependency = g_new0(struct component_dependency, 1);

	checklist_mistyped(list, where, keys);
	dependency->kind = kind;
	dependency->line = value_line(where.map);
	dependency->repository = checklist_text(
		list, where, "repository", CHECKED_OPTIONAL, component_repository_wrong);
	dependency->component = checklist_text(
		list, where, "component", CHECKED_REQUIRED, component_name_wrong);
	dependency->constraint = read_constraint(list, where);
	dependency->resolved_version = checklist_text(
		list, where, "resolved_version", CHECKED_OPTIONAL, component_version_wrong);
	dependency->commit = checklist_text(
		list, where, "commit", CHECKED_OPTIONAL, component_commit_wrong);
	dependency->resolved_at = checklist_text(
		list, where, "resolved_at", CHECKED_OPTIONAL, NULL);
	return dependency;
}

static gboolean same_component(
	const struct component_dependency *a, const struct component_dependency *b)
{
	return g_strcmp0(a->component, b->component) == 0 &&
		g_strcmp0(a->repository, b->repository) == 0;
}

static void add_dependency(struct component_file *file, struct checklist *list,
	struct checked_map where, struct component_dependency *take_dependency)
{
	for (guint i = 0; take_dependency->component && i < file->dependencies->len; i++) {
		const struct component_dependency *other = file->dependencies->pdata[i];

		if (same_component(other, take_dependency))
			checklist_note(list, where, NULL, take_dependency->line,
				"the same component as in line %u", other->line);
	}
	g_ptr_array_add(file->dependencies, take_dependency);
}

static void read_kind_of_dependencies(struct component_file *file, struct checklist *list,
	struct checked_map where, enum component_kind kind)
{
	const char *key = component_kind_plural(kind);
	const struct value *items = checklist_list(list, where, key, LIMIT_COMPONENT_DEPENDENCIES);

	for (size_t i = 0; items && i < value_count(items); i++) {
		g_autofree char *path = NULL;
		struct checked_map item;

		if (checklist_item(list, where, key, items, i, &path, &item))
			add_dependency(file, list, item, read_dependency(list, item, kind));
	}
}

/* A kind of dependency that nobody knows would silently not be installed. */
static void refuse_unknown_kinds(struct checklist *list, struct checked_map where)
{
	for (size_t i = 0; i < value_count(where.map); i++)
		if (component_kind_from_plural(value_key_at(where.map, i)) == COMPONENT_UNKNOWN)
			checklist_note(list, where, value_key_at(where.map, i),
				value_key_line_at(where.map, i),
				"unknown key; expected tools, prompts or agents");
}

static void read_dependencies(
	struct component_file *file, struct checklist *list, struct checked_map where)
{
	const struct value *map = checklist_map(list, where, "dependencies");
	g_autofree char *path = g_strconcat(
		where.path, *where.path ? "." : "", "dependencies", NULL);
	struct checked_map dependencies = {map, path};

	if (!map)
		return;
	refuse_unknown_kinds(list, dependencies);
	for (unsigned kind = 0; kind < COMPONENT_KINDS; kind++)
		read_kind_of_dependencies(file, list, dependencies, (enum component_kind)kind);
}

/* ---- the file ---- */

static void read_metadata(
	struct component_file *file, struct checklist *list, struct checked_map whole)
{
	const struct value *map = checklist_map(list, whole, "metadata");
	const struct value *given = value_get(whole.map, "metadata");
	struct checked_map metadata = {map, "metadata"};

	if (!map) {
		if (!given || value_kind(given) == VALUE_NULL)
			checklist_note(
				list, whole, "metadata", value_line(whole.map), "is missing");
		return;
	}
	file->name = checklist_text(list, metadata, "name", CHECKED_REQUIRED, component_name_wrong);
	file->version = checklist_text(
		list, metadata, "version", CHECKED_REQUIRED, component_version_wrong);
	file->description = checklist_text(list, metadata, "description", CHECKED_OPTIONAL, NULL);
	file->author = checklist_text(list, metadata, "author", CHECKED_OPTIONAL, NULL);
	file->license = checklist_text(list, metadata, "license", CHECKED_OPTIONAL, NULL);
}

static void read_spec(struct component_file *file, struct checklist *list, struct checked_map whole)
{
	const struct value *spec = value_get(whole.map, "spec");

	if (spec && value_kind(spec) == VALUE_MAP)
		read_dependencies(file, list, (struct checked_map){spec, "spec"});
}

static void read_whole(struct component_file *file, struct checklist *list)
{
	static const char *const keys[] = {
		"apiVersion", "kind", "metadata", "config", "spec", "dependencies", NULL};
	struct checked_map whole = {file->document, ""};
	g_autofree char *api = NULL;
	g_autofree char *kind = NULL;

	if (value_kind(file->document) != VALUE_MAP) {
		checklist_note(list, whole, NULL, MAX(value_line(file->document), 1),
			"expected a map of keys");
		return;
	}
	checklist_mistyped(list, whole, keys);
	api = checklist_text(list, whole, "apiVersion", CHECKED_OPTIONAL, wrong_api);
	kind = checklist_text(list, whole, "kind", CHECKED_OPTIONAL, wrong_kind);
	file->kind = kind ? component_kind_from_name(kind) : COMPONENT_UNKNOWN;
	read_metadata(file, list, whole);
	file->config = checklist_map(list, whole, "config");
	read_dependencies(file, list, whole);
	read_spec(file, list, whole);
}

static void take_problems(GPtrArray *problems, struct checklist *list)
{
	for (guint i = 0; i < list->problems->len; i++)
		g_ptr_array_add(problems, g_strdup(g_ptr_array_index(list->problems, i)));
}

struct component_file *component_file_parse(const struct document_origin *origin, const char *text,
	size_t size, GPtrArray *problems, GError **error)
{
	scoped(component_file) file = g_new0(struct component_file, 1);
	scoped_value(checklist) list;
	g_autoptr(GError) failure = NULL;

	checklist_init(&list, origin);
	file->dependencies = g_ptr_array_new_with_free_func(free_dependency);
	file->document = document_parse(DOCUMENT_YAML, origin, text, size, &failure);
	if (file->document)
		read_whole(file, &list);
	else
		g_ptr_array_add(list.problems, g_strdup(failure->message));
	if (problems)
		take_problems(problems, &list);
	if (!checklist_end(&list, error))
		return NULL;
	return g_steal_pointer(&file);
}
