/*
 * Changes of `forge.yaml` and `forge.lock` that leave alone what people wrote.
 *
 * Each is a list of edits of the document (worker/document/document_edit.h), made from what the
 * file says and what it should say. What is new is first written canonically and taken over from
 * there as it is written, so that a lock that was grown entry by entry has the bytes of one that
 * was written at once.
 */
#include "worker/component/workspace_edit.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/nearest.h"
#include "worker/document/document_edit.h"

#define LIST "components"

static struct document_origin origin_of(const char *name)
{
	return (struct document_origin){.name = name, .invalid = FORGE_ERROR_VALIDATION_FAILED};
}

/* ---- edits ---- */

/* `components[AT].KEY`; KEY may be NULL. */
static struct document_path *path_of(size_t at, const char *key)
{
	struct document_path *path = document_path_new();

	document_path_append_key(path, LIST);
	document_path_append_index(path, at);
	if (key)
		document_path_append_key(path, key);
	return path;
}

static struct document_path *list_path(void)
{
	struct document_path *path = document_path_new();

	document_path_append_key(path, LIST);
	return path;
}

static void set_text(GPtrArray *edits, size_t at, const char *key, const char *text)
{
	scoped(document_path) path = path_of(at, key);
	scoped(value) value = value_new_string(text);

	g_ptr_array_add(edits, document_edit_new_set(path, value, NULL, NULL));
}

static void remove_at(GPtrArray *edits, size_t at, const char *key)
{
	scoped(document_path) path = path_of(at, key);

	g_ptr_array_add(edits, document_edit_new_remove(path));
}

/* Whether the document holds a list of components whose manner a new one can take on. */
static gboolean has_list(const struct document_text *document)
{
	const struct value *root = document_text_value(document);
	const struct value *list = value_kind(root) == VALUE_MAP ? value_get(root, LIST) : NULL;

	return list && value_kind(list) == VALUE_LIST && value_count(list) > 0;
}

/* Puts item 0 of the list in SOURCE into the list as item AT; or, where there is NO_LIST, the list
 * itself. */
static void insert_from(
	GPtrArray *edits, size_t at, const struct document_text *source, gboolean no_list)
{
	scoped(document_path) path = list_path();
	const struct document_node *list = document_node_member(document_text_root(source), LIST);
	const struct document_node *item = document_node_child(list, 0);

	if (no_list)
		g_ptr_array_add(edits, document_edit_new_set(path, list->value, source, list));
	else
		g_ptr_array_add(
			edits, document_edit_new_insert(path, at, item->value, source, item));
}

static char *apply(const char *name, const char *text, const GPtrArray *edits, GError **error)
{
	const struct document_origin origin = origin_of(name);
	GString *edited;

	if (edits->len == 0)
		return g_strdup(text);
	edited = document_edit_apply(DOCUMENT_YAML, &origin, text, strlen(text), edits, error);
	return edited ? g_string_free(edited, FALSE) : NULL;
}

static struct document_text *parse_text(const char *name, const char *text, GError **error)
{
	const struct document_origin origin = origin_of(name);

	return document_text_parse(DOCUMENT_YAML, &origin, text, strlen(text), error);
}

static gpointer refuse_unknown(
	const char *file, const char *component, GPtrArray *names, GError **error)
{
	g_autofree char *question = NULL;

	g_ptr_array_add(names, NULL);
	question = nearest_question(component, (const char *const *)names->pdata);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"%s has no component '%s'%s%s", file, component, question ? "; " : "",
		question ? question : "");
	return NULL;
}

/* ---- forge.yaml ---- */

static struct wanted_file *parse_wanted(const char *name, const char *text, GError **error)
{
	const struct document_origin origin = origin_of(name);

	return wanted_file_parse(&origin, text, strlen(text), error);
}

/* Place of COMPONENT; FALSE, with an error that knows its neighbours, if it is not there. */
static gboolean find_wanted(const char *name, const struct wanted_file *file, const char *component,
	size_t *at, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (*at = 0; *at < file->components->len; (*at)++) {
		const struct wanted_component *other = file->components->pdata[*at];

		if (strcmp(other->component, component) == 0)
			return TRUE;
		g_ptr_array_add(names, other->component);
	}
	refuse_unknown(name, component, names, error);
	return FALSE;
}

/* A file that wants COMPONENT alone. */
static char *write_wanted(const struct wanted_component *component)
{
	struct value *item = value_new_map();
	struct value *list = value_new_list();
	scoped(value) whole = value_new_map();

	value_put_string(item, "repository", component->repository);
	value_put_string(item, "component", component->component);
	if (component->constraint)
		value_put_string(item, "version_constraint", component->constraint);
	if (component->path)
		value_put_string(item, "path", *component->path ? component->path : ".");
	value_append_take(list, item);
	value_put_take(whole, LIST, list);
	return document_write_yaml(whole);
}

/* Place of COMPONENT, which may be NULL, or that behind the last one. */
static size_t place_of(const struct wanted_file *file, const char *component)
{
	for (guint i = 0; component && i < file->components->len; i++) {
		const struct wanted_component *other = file->components->pdata[i];

		if (strcmp(other->component, component) == 0)
			return i;
	}
	return DOCUMENT_AT_END;
}

char *workspace_wanted_add(const char *name, const char *text,
	const struct wanted_component *component, const char *before, GError **error)
{
	g_autofree char *alone = write_wanted(component);
	scoped(document_text) source = parse_text(name, alone, error);
	scoped(document_text) document = NULL;
	scoped(wanted_file) file = NULL;
	g_autoptr(GPtrArray) edits = document_edits_new();

	text = text ? text : "";
	file = source ? parse_wanted(name, text, error) : NULL;
	document = file ? parse_text(name, text, error) : NULL;
	if (!document)
		return NULL;
	if (wanted_file_find(file, component->component)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
			"%s:%u: '%s' is wanted already", name,
			wanted_file_find(file, component->component)->line, component->component);
		return NULL;
	}
	insert_from(edits, place_of(file, before), source, !has_list(document));
	return apply(name, text, edits, error);
}

char *workspace_wanted_remove(
	const char *name, const char *text, const char *component, GError **error)
{
	scoped(wanted_file) file = parse_wanted(name, text ? text : "", error);
	g_autoptr(GPtrArray) edits = document_edits_new();
	size_t at;

	if (!file || !find_wanted(name, file, component, &at, error))
		return NULL;
	remove_at(edits, at, NULL);
	return apply(name, text, edits, error);
}

/* Sets the member that says it, whichever of its two names it has; the other one goes. */
static void edit_constraint(
	GPtrArray *edits, size_t at, const struct document_node *item, const char *constraint)
{
	static const char *const keys[] = {"version_constraint", "version"};
	gboolean said = FALSE;

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (!value_get(item->value, keys[i]))
			continue;
		if (constraint && !said)
			set_text(edits, at, keys[i], constraint);
		else
			remove_at(edits, at, keys[i]);
		said = TRUE;
	}
	if (!said && constraint)
		set_text(edits, at, keys[0], constraint);
}

static void edit_path(GPtrArray *edits, size_t at, const char *old, const char *path)
{
	if (g_strcmp0(old, path) == 0)
		return;
	if (path)
		set_text(edits, at, "path", *path ? path : ".");
	else
		remove_at(edits, at, "path");
}

char *workspace_wanted_set(const char *name, const char *text,
	const struct wanted_component *component, GError **error)
{
	scoped(wanted_file) file = parse_wanted(name, text ? text : "", error);
	scoped(document_text) document = NULL;
	g_autoptr(GPtrArray) edits = document_edits_new();
	const struct wanted_component *old;
	const struct document_node *list;
	size_t at;

	if (!file || !find_wanted(name, file, component->component, &at, error))
		return NULL;
	old = file->components->pdata[at];
	document = parse_text(name, text, error);
	if (!document)
		return NULL;
	list = document_node_member(document_text_root(document), LIST);
	if (strcmp(old->repository, component->repository) != 0)
		set_text(edits, at, "repository", component->repository);
	if (g_strcmp0(old->constraint, component->constraint) != 0)
		edit_constraint(edits, at, document_node_child(list, at), component->constraint);
	edit_path(edits, at, old->path, component->path);
	return apply(name, text, edits, error);
}

/* ---- forge.lock ---- */

static struct lock_file *parse_lock(const char *name, const char *text, GError **error)
{
	const struct document_origin origin = origin_of(name);

	return lock_file_parse(&origin, text, strlen(text), error);
}

/* A lock being changed: names as they will be once EDITS are made. */
struct lock_change {
	const struct lock_file *file;
	GPtrArray *names; /* of char *, borrowed */
	GPtrArray *edits;
	GPtrArray *sources; /* of struct document_text, which edits borrow */
	gboolean no_list;
};

static void free_source(gpointer source)
{
	document_text_free(source);
}

static void lock_change_clear(struct lock_change *change)
{
	g_clear_pointer(&change->names, g_ptr_array_unref);
	g_clear_pointer(&change->edits, g_ptr_array_unref);
	g_clear_pointer(&change->sources, g_ptr_array_unref);
}
SCOPED_VALUE(lock_change, lock_change_clear)

static void lock_change_init(
	struct lock_change *change, const struct lock_file *file, const struct document_text *text)
{
	change->file = file;
	change->names = g_ptr_array_new();
	change->edits = document_edits_new();
	change->sources = g_ptr_array_new_with_free_func(free_source);
	change->no_list = !has_list(text);
	for (guint i = 0; i < file->components->len; i++) {
		const struct locked_component *component = file->components->pdata[i];

		g_ptr_array_add(change->names, component->component);
	}
}

static gboolean find_name(const struct lock_change *change, const char *name, guint *at)
{
	for (*at = 0; *at < change->names->len; (*at)++)
		if (strcmp(change->names->pdata[*at], name) == 0)
			return TRUE;
	return FALSE;
}

/* Where NAME belongs: before the first name that comes after it. */
static guint place_for(const struct lock_change *change, const char *name)
{
	guint at = 0;

	while (at < change->names->len && strcmp(change->names->pdata[at], name) < 0)
		at++;
	return at;
}

/* COMPONENT alone, as a lock; its list and values are taken from there as they are written. */
static struct document_text *source_of(
	struct lock_change *change, const struct locked_component *component)
{
	g_autoptr(GPtrArray) alone = g_ptr_array_new();
	g_autofree char *text = NULL;
	struct document_text *source;

	g_ptr_array_add(alone, (gpointer)component);
	text = lock_file_write(alone);
	source = parse_text("forge.lock", text, NULL);
	g_assert(source);
	g_ptr_array_add(change->sources, source);
	return source;
}

static void change_from_source(
	struct lock_change *change, guint at, const char *key, const struct document_text *source)
{
	scoped(document_path) path = path_of(at, key);
	const struct document_node *list = document_node_member(document_text_root(source), LIST);
	const struct document_node *member = document_node_member(
		document_node_child(list, 0), key);

	g_ptr_array_add(change->edits, document_edit_new_set(path, member->value, source, member));
}

/* Whether OLD, in whatever order, names what the list NOW does. */
static gboolean same_dependencies(char *const *old, const struct value *now)
{
	if (g_strv_length((char **)old) != value_count(now))
		return FALSE;
	for (size_t i = 0; i < value_count(now); i++)
		if (!g_strv_contains((const char *const *)old, value_string(value_at(now, i))))
			return FALSE;
	return TRUE;
}

static void change_component(struct lock_change *change, guint at,
	const struct locked_component *old, const struct locked_component *now)
{
	const struct document_text *source = source_of(change, now);
	const struct value *list = value_get(document_text_value(source), LIST);
	const struct value *item = value_at(list, 0);
	struct {
		const char *key, *old, *now;
	} members[] = {
		{"repository", old->repository, now->repository},
		{"path", old->path, now->path},
		{"version", old->version, now->version},
		{"commit", old->commit, now->commit},
		{"tree", old->tree, now->tree},
		{"resolved_at", old->resolved_at, now->resolved_at},
	};
	gboolean moved = !locked_component_same_place(old, now);

	for (size_t i = 0; moved && i < G_N_ELEMENTS(members); i++) {
		if (g_strcmp0(members[i].old, members[i].now) == 0)
			continue;
		if (members[i].now)
			change_from_source(change, at, members[i].key, source);
		else
			remove_at(change->edits, at, members[i].key);
	}
	if (!same_dependencies(old->dependencies, value_get(item, "dependencies")))
		change_from_source(change, at, "dependencies", source);
}

static void set_component(struct lock_change *change, const struct locked_component *component)
{
	guint at;

	if (find_name(change, component->component, &at)) {
		change_component(
			change, at, lock_file_find(change->file, component->component), component);
		return;
	}
	at = place_for(change, component->component);
	insert_from(change->edits, at, source_of(change, component), change->no_list);
	g_ptr_array_insert(change->names, (gint)at, component->component);
	change->no_list = FALSE;
}

/* A lock of comments alone says nothing of its format yet. */
static void set_format(struct lock_change *change)
{
	scoped(document_path) path = document_path_new();
	scoped(value) format = value_new_integer(1);

	document_path_append_key(path, "version");
	g_ptr_array_add(change->edits, document_edit_new_set(path, format, NULL, NULL));
}

static gboolean is_blank(const char *text)
{
	return !text || text[strspn(text, " \t\r\n")] == '\0';
}

char *workspace_lock_set(
	const char *name, const char *text, const GPtrArray *components, GError **error)
{
	scoped(lock_file) file = NULL;
	scoped(document_text) document = NULL;
	scoped_value(lock_change) change = {.names = NULL};

	if (is_blank(text))
		return lock_file_write(components);
	file = parse_lock(name, text, error);
	document = file ? parse_text(name, text, error) : NULL;
	if (!document)
		return NULL;
	lock_change_init(&change, file, document);
	if (value_kind(document_text_value(document)) == VALUE_NULL)
		set_format(&change);
	for (guint i = 0; i < components->len; i++)
		set_component(&change, components->pdata[i]);
	return apply(name, text, change.edits, error);
}

char *workspace_lock_remove(
	const char *name, const char *text, const char *component, GError **error)
{
	scoped(lock_file) file = parse_lock(name, text ? text : "", error);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) edits = document_edits_new();

	for (guint i = 0; file && i < file->components->len; i++) {
		const struct locked_component *other = file->components->pdata[i];

		if (strcmp(other->component, component) == 0) {
			remove_at(edits, i, NULL);
			return apply(name, text, edits, error);
		}
		g_ptr_array_add(names, other->component);
	}
	return file ? refuse_unknown(name, component, names, error) : NULL;
}
