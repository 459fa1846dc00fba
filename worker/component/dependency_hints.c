/*
 * What a resolution found, noted where a component names what it needs.
 *
 * These are hints for people and for tools that know nothing of forge.lock: nothing is ever resolved
 * by them. So a dependency of which the lock has something else than it asks for, as when its author
 * has just changed what it asks for, keeps what it says: a hint that contradicts its own constraint
 * would be worse than an old one.
 */
#include "worker/component/dependency_hints.h"

#include <string.h>

#include "worker/component/component_constraint.h"
#include "worker/component/component_file.h"
#include "worker/document/document_edit.h"

struct hinting {
	const char *repository; /* of the component itself */
	const struct lock_file *locked;
	GPtrArray *edits;
	struct dependency_notes *notes;
};

void dependency_notes_init(struct dependency_notes *notes)
{
	notes->noted = g_ptr_array_new_with_free_func(g_free);
	notes->left = g_ptr_array_new_with_free_func(g_free);
}

void dependency_notes_clear(struct dependency_notes *notes)
{
	g_clear_pointer(&notes->noted, g_ptr_array_unref);
	g_clear_pointer(&notes->left, g_ptr_array_unref);
}

/* ---- one entry ---------------------------------------------------------------------------- */

/* A text, also one that reads as a number without quotes; NULL if there is none. */
static const char *text_of(const struct value *entry, const char *key)
{
	const struct value *value = value_get(entry, key);

	if (!value)
		return NULL;
	return value_kind(value) == VALUE_STRING ? value_string(value) : value_written(value);
}

static void set_text(struct hinting *hinting, const struct document_path *entry, const char *key,
	const char *text)
{
	scoped(document_path) path = document_path_copy(entry);
	scoped(value) value = value_new_string(text);

	document_path_append_key(path, key);
	g_ptr_array_add(hinting->edits, document_edit_new_set(path, value, NULL, NULL));
}

static void remove_key(struct hinting *hinting, const struct document_path *entry, const char *key)
{
	scoped(document_path) path = document_path_copy(entry);

	document_path_append_key(path, key);
	g_ptr_array_add(hinting->edits, document_edit_new_remove(path));
}

/* What the lock has of the dependency ENTRY; NULL where that is not what it asks for. */
static const struct locked_component *answer_to(struct hinting *hinting, const struct value *entry)
{
	const char *name = text_of(entry, "component");
	const char *repository = text_of(entry, "repository");
	const char *constraint = text_of(entry, "version_constraint");
	const struct locked_component *locked = lock_file_find(hinting->locked, name);
	GPtrArray *left = hinting->notes->left;

	if (!repository)
		repository = hinting->repository;
	if (!constraint)
		constraint = text_of(entry, "version");
	if (!locked)
		g_ptr_array_add(left, g_strdup_printf("forge.lock has no %s", name));
	else if (strcmp(locked->repository, repository) != 0)
		g_ptr_array_add(left,
			g_strdup_printf("it needs %s of %s, forge.lock has that of %s", name,
				repository, locked->repository));
	else if (!component_constraint_allows(constraint, locked->version))
		g_ptr_array_add(left,
			g_strdup_printf("it needs %s %s, forge.lock has %s", name, constraint,
				locked->version));
	else
		return locked;
	return NULL;
}

static char *note_of(const struct locked_component *locked)
{
	return locked->version ? g_strdup_printf("%s %s (%.7s)", locked->component, locked->version,
					 locked->commit)
			       : g_strdup_printf("%s %.7s", locked->component, locked->commit);
}

static void hint(
	struct hinting *hinting, const struct document_path *path, const struct value *entry)
{
	const struct locked_component *locked = answer_to(hinting, entry);
	guint before = hinting->edits->len;

	if (!locked)
		return;
	if (!locked->version && value_get(entry, "resolved_version"))
		remove_key(hinting, path, "resolved_version");
	else if (locked->version &&
		g_strcmp0(text_of(entry, "resolved_version"), locked->version) != 0)
		set_text(hinting, path, "resolved_version", locked->version);
	if (g_strcmp0(text_of(entry, "commit"), locked->commit) != 0)
		set_text(hinting, path, "commit", locked->commit);
	if (locked->resolved_at &&
		(hinting->edits->len > before || !text_of(entry, "resolved_at")) &&
		g_strcmp0(text_of(entry, "resolved_at"), locked->resolved_at) != 0)
		set_text(hinting, path, "resolved_at", locked->resolved_at);
	if (hinting->edits->len > before)
		g_ptr_array_add(hinting->notes->noted, note_of(locked));
}

/* ---- the file ----------------------------------------------------------------------------- */

/* The dependencies of WHERE, the map that PATH leads to. */
static void hint_all(struct hinting *hinting, struct document_path *path, const struct value *where)
{
	const struct value *map = value_get(where, "dependencies");

	if (!map || value_kind(map) != VALUE_MAP)
		return;
	document_path_append_key(path, "dependencies");
	for (size_t kind = 0; kind < value_count(map); kind++) {
		const struct value *list = value_at(map, kind);

		document_path_append_key(path, value_key_at(map, kind));
		for (size_t i = 0; value_kind(list) == VALUE_LIST && i < value_count(list); i++) {
			document_path_append_index(path, i);
			hint(hinting, path, value_at(list, i));
			document_path_drop(path);
		}
		document_path_drop(path);
	}
	document_path_drop(path);
}

GString *dependency_hints_write(const struct document_origin *origin, const char *text, size_t size,
	const char *repository, const struct lock_file *locked, struct dependency_notes *notes,
	GError **error)
{
	scoped(component_file) file = component_file_parse(origin, text, size, NULL, error);
	scoped(document_path) path = document_path_new();
	g_autoptr(GPtrArray) edits = document_edits_new();
	struct hinting hinting = {repository, locked, edits, notes};
	const struct value *spec;

	if (!file)
		return NULL;
	hint_all(&hinting, path, file->document);
	spec = value_get(file->document, "spec");
	if (spec && value_kind(spec) == VALUE_MAP) {
		document_path_append_key(path, "spec");
		hint_all(&hinting, path, spec);
	}
	if (edits->len == 0)
		return g_string_new_len(text, (gssize)size);
	return document_edit_apply(DOCUMENT_YAML, origin, text, size, edits, error);
}
