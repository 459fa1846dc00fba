/*
 * What a workspace wants (`forge.yaml`) and what it got (`forge.lock`).
 *
 * The first is a person's, the second forge's own; both are in version control, so both are read as
 * if a stranger had written them. The lock is written canonically, and in place where it exists
 * already (workspace_edit.c): a merge of two people's locks should conflict only where they differ.
 */
#include "worker/component/workspace_files.h"

#include <string.h>

#include "journal/base/document_yaml.h"
#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/component/checklist.h"
#include "worker/component/component_file.h"
#include "worker/component/component_name.h"

#define LOCK_FORMAT 1

static void free_wanted(gpointer data)
{
	struct wanted_component *component = data;

	g_free(component->repository);
	g_free(component->component);
	g_free(component->constraint);
	g_free(component->path);
	g_free(component);
}

void wanted_file_free(struct wanted_file *file)
{
	if (!file)
		return;
	g_ptr_array_unref(file->components);
	g_free(file);
}

void locked_component_free(gpointer data)
{
	struct locked_component *component = data;

	g_free(component->component);
	g_free(component->repository);
	g_free(component->path);
	g_free(component->version);
	g_free(component->commit);
	g_free(component->tree);
	g_free(component->resolved_at);
	g_strfreev(component->dependencies);
	g_free(component);
}

void lock_file_free(struct lock_file *file)
{
	if (!file)
		return;
	g_ptr_array_unref(file->components);
	g_free(file);
}

/* ---- what both have ---- */

/* Notes it if NAME of WHERE is in LINES (name to line) already; LINES keeps NAME. */
static void check_unique(
	struct checklist *list, struct checked_map where, const char *name, GHashTable *lines)
{
	unsigned other = name ? GPOINTER_TO_UINT(g_hash_table_lookup(lines, name)) : 0;

	if (other > 0)
		checklist_note(list, where, "component",
			value_line(value_get(where.map, "component")),
			"'%s' is in line %u already; a workspace holds a name once, whatever the "
			"repository",
			name, other);
	else if (name)
		g_hash_table_insert(
			lines, (gpointer)name, GUINT_TO_POINTER(MAX(value_line(where.map), 1)));
}

/* The member `path`, clean. */
static char *read_path(struct checklist *list, struct checked_map where, enum checked_need need)
{
	g_autofree char *path = checklist_text(list, where, "path", need, component_path_wrong);

	return path ? component_path_clean(path) : NULL;
}

/* DOCUMENT as a map; FALSE if there is nothing to read in it. */
static gboolean check_whole(struct checklist *list, const struct value *document)
{
	struct checked_map whole = {document, ""};

	if (value_kind(document) == VALUE_MAP)
		return TRUE;
	if (value_kind(document) != VALUE_NULL)
		checklist_note(list, whole, NULL, value_line(document), "expected a map of keys");
	return FALSE;
}

/* ---- forge.yaml ---- */

static struct wanted_component *read_wanted(struct checklist *list, struct checked_map where)
{
	static const char *const keys[] = {
		"repository", "component", "version_constraint", "version", "path", NULL};
	struct wanted_component *component = g_new0(struct wanted_component, 1);
	g_autofree char *alias = NULL;

	checklist_mistyped(list, where, keys);
	component->line = value_line(where.map);
	component->repository = checklist_text(
		list, where, "repository", CHECKED_REQUIRED, component_repository_wrong);
	component->component = checklist_text(
		list, where, "component", CHECKED_REQUIRED, component_name_wrong);
	component->constraint = checklist_text(
		list, where, "version_constraint", CHECKED_OPTIONAL, component_constraint_wrong);
	alias = checklist_text(
		list, where, "version", CHECKED_OPTIONAL, component_constraint_wrong);
	if (alias && component->constraint && strcmp(alias, component->constraint) != 0)
		checklist_note(list, where, "version", value_line(value_get(where.map, "version")),
			"differs from version_constraint, which means the same");
	if (!component->constraint)
		component->constraint = g_steal_pointer(&alias);
	component->path = read_path(list, where, CHECKED_OPTIONAL);
	return component;
}

static void read_all_wanted(
	struct wanted_file *file, struct checklist *list, const struct value *document)
{
	static const char *const keys[] = {"components", NULL};
	struct checked_map whole = {document, ""};
	g_autoptr(GHashTable) lines = g_hash_table_new(hash_string_keyed, g_str_equal);
	const struct value *items;

	if (!check_whole(list, document))
		return;
	checklist_mistyped(list, whole, keys);
	items = checklist_list(list, whole, "components", LIMIT_WORKSPACE_COMPONENTS);
	for (size_t i = 0; items && i < value_count(items); i++) {
		g_autofree char *path = NULL;
		struct checked_map item;
		struct wanted_component *component;

		if (!checklist_item(list, whole, "components", items, i, &path, &item))
			continue;
		component = read_wanted(list, item);
		g_ptr_array_add(file->components, component);
		check_unique(list, item, component->component, lines);
	}
}

struct wanted_file *wanted_file_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error)
{
	scoped(value) document = document_parse(DOCUMENT_YAML, origin, text, size, error);
	scoped(wanted_file) file = NULL;
	scoped_value(checklist) list;

	checklist_init(&list, origin);
	if (!document)
		return NULL;
	file = g_new0(struct wanted_file, 1);
	file->components = g_ptr_array_new_with_free_func(free_wanted);
	read_all_wanted(file, &list, document);
	return checklist_end(&list, error) ? g_steal_pointer(&file) : NULL;
}

const struct wanted_component *wanted_file_find(const struct wanted_file *file, const char *name)
{
	for (guint i = 0; i < file->components->len; i++) {
		const struct wanted_component *component = file->components->pdata[i];

		if (strcmp(component->component, name) == 0)
			return component;
	}
	return NULL;
}

/* ---- forge.lock ---- */

static const char *wrong_id(const char *text)
{
	return strlen(text) == 40 && !component_commit_wrong(text)
		? NULL
		: "expected an object id of 40 hexadecimal digits";
}

static const char *wrong_time(const char *text)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);

	return time ? NULL : "expected a time such as 2026-01-15T10:30:00Z";
}

static void refuse_unknown(
	struct checklist *list, struct checked_map where, const char *const *keys)
{
	for (size_t i = 0; i < value_count(where.map); i++)
		if (!g_strv_contains(keys, value_key_at(where.map, i)))
			checklist_note(list, where, value_key_at(where.map, i),
				value_key_line_at(where.map, i), "unknown key");
}

static struct locked_component *read_locked(struct checklist *list, struct checked_map where)
{
	static const char *const keys[] = {"component", "repository", "path", "version", "commit",
		"tree", "resolved_at", "dependencies", NULL};
	struct locked_component *component = g_new0(struct locked_component, 1);

	refuse_unknown(list, where, keys);
	component->line = value_line(where.map);
	component->component = checklist_text(
		list, where, "component", CHECKED_REQUIRED, component_name_wrong);
	component->repository = checklist_text(
		list, where, "repository", CHECKED_REQUIRED, component_repository_wrong);
	component->path = read_path(list, where, CHECKED_REQUIRED);
	component->version = checklist_text(
		list, where, "version", CHECKED_OPTIONAL, component_version_wrong);
	component->commit = checklist_text(list, where, "commit", CHECKED_REQUIRED, wrong_id);
	component->tree = checklist_text(list, where, "tree", CHECKED_REQUIRED, wrong_id);
	component->resolved_at = checklist_text(
		list, where, "resolved_at", CHECKED_REQUIRED, wrong_time);
	component->dependencies = checklist_texts(
		list, where, "dependencies", LIMIT_COMPONENT_DEPENDENCIES, component_name_wrong);
	if (!component->dependencies)
		component->dependencies = g_new0(char *, 1);
	return component;
}

/* What comes before the components: a format that this version of forge knows. */
static gboolean check_format(
	const struct document_origin *origin, const struct value *document, GError **error)
{
	const struct value *version = value_get(document, "version");

	if (!version)
		document_error(error, origin, value_line(document), "version: is missing");
	else if (value_kind(version) != VALUE_INTEGER)
		document_error(
			error, origin, value_line(version), "version: expected a whole number");
	else if (value_integer(version) != LOCK_FORMAT)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
			"%s:%u: version: another forge wrote this, whose locks this one cannot read",
			origin->name, value_line(version));
	else
		return TRUE;
	return FALSE;
}

static void read_all_locked(
	struct lock_file *file, struct checklist *list, const struct value *document)
{
	static const char *const keys[] = {"version", "components", NULL};
	struct checked_map whole = {document, ""};
	g_autoptr(GHashTable) lines = g_hash_table_new(hash_string_keyed, g_str_equal);
	const struct value *items;

	refuse_unknown(list, whole, keys);
	items = checklist_list(list, whole, "components", LIMIT_WORKSPACE_COMPONENTS);
	for (size_t i = 0; items && i < value_count(items); i++) {
		g_autofree char *path = NULL;
		struct checked_map item;
		struct locked_component *component;

		if (!checklist_item(list, whole, "components", items, i, &path, &item))
			continue;
		component = read_locked(list, item);
		g_ptr_array_add(file->components, component);
		check_unique(list, item, component->component, lines);
	}
}

struct lock_file *lock_file_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error)
{
	scoped(value) document = document_parse(DOCUMENT_YAML, origin, text, size, error);
	scoped(lock_file) file = NULL;
	scoped_value(checklist) list;

	checklist_init(&list, origin);
	if (!document)
		return NULL;
	file = g_new0(struct lock_file, 1);
	file->components = g_ptr_array_new_with_free_func(locked_component_free);
	if (check_whole(&list, document)) {
		if (!check_format(origin, document, error))
			return NULL;
		read_all_locked(file, &list, document);
	}
	return checklist_end(&list, error) ? g_steal_pointer(&file) : NULL;
}

const struct locked_component *lock_file_find(const struct lock_file *file, const char *name)
{
	for (guint i = 0; i < file->components->len; i++) {
		const struct locked_component *component = file->components->pdata[i];

		if (strcmp(component->component, name) == 0)
			return component;
	}
	return NULL;
}

gboolean locked_component_same_place(
	const struct locked_component *a, const struct locked_component *b)
{
	return strcmp(a->repository, b->repository) == 0 && strcmp(a->path, b->path) == 0 &&
		g_strcmp0(a->version, b->version) == 0 && strcmp(a->commit, b->commit) == 0 &&
		strcmp(a->tree, b->tree) == 0;
}

/* ---- writing ---- */

/* TEXT in YAML. Versions, ids and times need no quotes unless they read as numbers. */
static void write_text(GString *out, const char *text)
{
	static const char plain[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:+-";
	scoped(value) meant = document_yaml_resolve(text);
	scoped(value) value = value_new_string(text);
	g_autofree char *written = NULL;

	if (value_kind(meant) == VALUE_STRING && g_ascii_isdigit(*text) &&
		g_ascii_isalnum(text[strlen(text) - 1]) && strspn(text, plain) == strlen(text)) {
		g_string_append(out, text);
		return;
	}
	written = g_strchomp(document_write_yaml(value));
	g_string_append(out, written);
}

static void write_member(GString *out, const char *key, const char *text)
{
	g_string_append_printf(out, "%s: ", key);
	write_text(out, text);
	g_string_append_c(out, '\n');
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void write_dependencies(GString *out, char *const *dependencies)
{
	guint count = dependencies ? g_strv_length((char **)dependencies) : 0;
	g_autofree const char **sorted = g_new0(const char *, count + 1);

	for (guint i = 0; i < count; i++)
		sorted[i] = dependencies[i];
	qsort(sorted, count, sizeof(*sorted), compare_names);
	g_string_append(out, "    dependencies: [");
	for (guint i = 0; i < count; i++) {
		if (i > 0)
			g_string_append(out, ", ");
		write_text(out, sorted[i]);
	}
	g_string_append(out, "]\n");
}

static void write_component(GString *out, const struct locked_component *component)
{
	write_member(out, "  - component", component->component);
	write_member(out, "    repository", component->repository);
	write_member(out, "    path", *component->path ? component->path : ".");
	if (component->version)
		write_member(out, "    version", component->version);
	write_member(out, "    commit", component->commit);
	write_member(out, "    tree", component->tree);
	write_member(out, "    resolved_at", component->resolved_at);
	write_dependencies(out, component->dependencies);
}

static int compare_components(const void *a, const void *b)
{
	const struct locked_component *first = *(const struct locked_component *const *)a;
	const struct locked_component *second = *(const struct locked_component *const *)b;

	return strcmp(first->component, second->component);
}

char *lock_file_write(const GPtrArray *components)
{
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < components->len; i++)
		g_ptr_array_add(sorted, components->pdata[i]);
	if (sorted->len > 0)
		qsort(sorted->pdata, sorted->len, sizeof(gpointer), compare_components);
	g_string_append_printf(out, "version: %d\n", LOCK_FORMAT);
	g_string_append(out, sorted->len > 0 ? "components:\n" : "components: []\n");
	for (guint i = 0; i < sorted->len; i++)
		write_component(out, sorted->pdata[i]);
	return g_string_free(out, FALSE);
}
