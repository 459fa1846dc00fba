/*
 * From what a person wants edited to the tree that holds it.
 *
 * Everything is read from the snapshot and written as new objects, so the folder is untouched until
 * a job brings it there, and a refused edit leaves nothing behind that anybody sees. An edit is
 * refused for problems it makes, not for those that were there: else a broken component could not
 * be mended field by field.
 */
#include "worker/sync/component_edit.h"

#include <git2.h>
#include <string.h>

#include "journal/base/document_text.h"
#include "journal/base/errors.h"
#include "journal/base/nearest.h"
#include "journal/base/value.h"
#include "worker/document/document_edit.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_texts.h"
#include "worker/sync/component_validity.h"
#include "worker/workspace/upstream_history.h"
#include "worker/workspace/workspace_repository.h"

/* ---- one edit's room ---------------------------------------------------------------------- */

struct edit_room {
	const struct edit_place *place;
	git_repository *forge;
	git_oid tree;
	git_oid base; /* the tree that is gone back to, or zero */
};

static gboolean read_id(const char *text, git_oid *oid, GError **error)
{
	if (git_oid_fromstr(oid, text) == 0)
		return TRUE;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "'%.50s' is no tree", text);
	return FALSE;
}

static void edit_room_leave(struct edit_room *room)
{
	git_repository_free(room->forge);
	git_library_stop();
}

/* A room that was entered is left, also after an error. */
static gboolean edit_room_enter(
	struct edit_room *room, const struct edit_place *place, const char *base, GError **error)
{
	git_library_start();
	*room = (struct edit_room){.place = place};
	room->forge = workspace_repository_open(place->root, error);
	if (!room->forge)
		return FALSE;
	if (!*place->tree) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_FILE_NOT_FOUND,
			"the component has no folder: `forge dev revert` brings it back");
		return FALSE;
	}
	return read_id(place->tree, &room->tree, error) &&
		(!base || read_id(base, &room->base, error));
}

static char *hex_of(const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	return g_strdup(git_oid_tostr(hex, sizeof(hex), oid));
}

/* ---- files of a tree ---------------------------------------------------------------------- */

/* The entry of FILE in the tree OID; NULL without an error if there is none. Caller frees. */
static git_tree_entry *find_entry(
	git_repository *forge, const git_oid *oid, const char *file, GError **error)
{
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	int result = git_tree_lookup(&tree, forge, oid);

	if (result == 0)
		result = git_tree_entry_bypath(&entry, tree, file);
	git_tree_free(tree);
	if (result == 0)
		return entry;
	if (result != GIT_ENOTFOUND)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"the component's files cannot be read");
	return NULL;
}

static int add_name(const char *folder, const git_tree_entry *entry, void *names)
{
	git_filemode_t mode = git_tree_entry_filemode(entry);

	if (mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE)
		g_ptr_array_add(names, g_strconcat(folder, git_tree_entry_name(entry), NULL));
	return 0;
}

static void fail_for_file(const struct edit_room *room, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *question = NULL;
	git_tree *tree = NULL;

	if (git_tree_lookup(&tree, room->forge, &room->tree) == 0)
		git_tree_walk(tree, GIT_TREEWALK_PRE, add_name, names);
	git_tree_free(tree);
	g_ptr_array_add(names, NULL);
	question = nearest_question(room->place->file, (const char *const *)names->pdata);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_FILE_NOT_FOUND,
		"the component has no file '%s'%s%s", room->place->file, question ? "; " : "",
		question ? question : "");
}

static gboolean name_is_fine(const struct edit_room *room, GError **error)
{
	if (*room->place->file && upstream_path_is_valid(room->place->file))
		return TRUE;
	fail_for_file(room, error);
	return FALSE;
}

static GBytes *read_file(const struct edit_room *room, GError **error)
{
	g_autoptr(GError) problem = NULL;
	GBytes *bytes;

	if (!name_is_fine(room, error))
		return NULL;
	bytes = component_texts_read(room->forge, &room->tree, room->place->file, &problem);
	if (problem)
		g_propagate_error(error, g_steal_pointer(&problem));
	else if (!bytes)
		fail_for_file(room, error);
	return bytes;
}

static gboolean update_tree(const struct edit_room *room, const git_tree_update *update,
	git_oid *result, GError **error)
{
	git_tree *tree = NULL;
	gboolean ok = git_tree_lookup(&tree, room->forge, &room->tree) == 0 &&
		git_tree_create_updated(result, room->forge, tree, 1, update) == 0;

	git_tree_free(tree);
	if (!ok)
		git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "%s cannot be written",
			room->place->file);
	return ok;
}

/* The tree in which the file holds TEXT. */
static gboolean write_text(
	const struct edit_room *room, const GString *text, git_oid *result, GError **error)
{
	git_tree_update update = {.action = GIT_TREE_UPDATE_UPSERT, .path = room->place->file};
	git_tree_entry *entry = find_entry(room->forge, &room->tree, room->place->file, error);

	if (!entry)
		return FALSE;
	update.filemode = git_tree_entry_filemode(entry);
	git_tree_entry_free(entry);
	if (git_blob_create_from_buffer(&update.id, room->forge, text->str, text->len) != 0) {
		git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "%s cannot be written",
			room->place->file);
		return FALSE;
	}
	return update_tree(room, &update, result, error);
}

/* ---- documents ---------------------------------------------------------------------------- */

static gboolean format_of(const char *file, enum document_format *format, GError **error)
{
	*format = g_str_has_suffix(file, ".json") ? DOCUMENT_JSON : DOCUMENT_YAML;
	if (*format == DOCUMENT_JSON || g_str_has_suffix(file, ".yaml") ||
		g_str_has_suffix(file, ".yml"))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"%s has no fields: it is no .yaml, .yml or .json file", file);
	return FALSE;
}

static gboolean refuse_new_problems(
	const struct edit_room *room, const git_oid *result, GError **error)
{
	g_autofree char *problem = NULL;

	if (!component_validity_broken(room->forge, &room->tree, 1, result, &problem, error))
		return FALSE;
	if (problem)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"%s; nothing was changed", problem);
	return problem == NULL;
}

static gboolean set_field(const struct edit_room *room, const char *path, const char *value,
	const char *type, git_oid *result, GError **error)
{
	const struct document_origin origin = {room->place->file, FORGE_ERROR_VALIDATION_FAILED};
	enum document_format format;
	g_autoptr(GBytes) bytes = NULL;
	scoped(value) old = NULL;
	scoped(value) new = NULL;
	struct value *old_value = NULL, *new_value = NULL;
	GString *text = NULL;
	const char *data;
	gsize size;
	gboolean ok;

	if (!name_is_fine(room, error) || !format_of(room->place->file, &format, error))
		return FALSE;
	bytes = read_file(room, error);
	if (!bytes)
		return FALSE;
	data = g_bytes_get_data(bytes, &size);
	ok = document_edit_field(format, &origin, data ? data : "", size, path, value, type, &text,
		&old_value, &new_value, error);
	if (!ok)
		return FALSE;
	old = old_value;
	new = new_value;
	/* A value that is there already keeps its spelling. */
	if (old && value_equal(old, new) && g_strcmp0(value_written(old), value_written(new)) == 0)
		*result = room->tree;
	else
		ok = write_text(room, text, result, error) &&
			refuse_new_problems(room, result, error);
	g_string_free(text, TRUE);
	return ok;
}

char *component_edit_field(const struct edit_place *place, const char *path, const char *value,
	const char *type, GError **error)
{
	struct edit_room room;
	git_oid result;
	gboolean ok = edit_room_enter(&room, place, NULL, error) &&
		set_field(&room, path, value, type, &result, error);

	edit_room_leave(&room);
	return ok ? hex_of(&result) : NULL;
}

/* ---- dependencies ------------------------------------------------------------------------- */

static gboolean write_hints(const struct edit_room *room, const char *repository,
	const struct lock_file *locked, struct dependency_notes *notes, git_oid *result,
	GError **error)
{
	const struct document_origin origin = {room->place->file, FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GBytes) bytes = read_file(room, error);
	const char *data;
	GString *text;
	gsize size;
	gboolean ok = TRUE;

	if (!bytes)
		return FALSE;
	data = g_bytes_get_data(bytes, &size);
	text = dependency_hints_write(
		&origin, data ? data : "", size, repository, locked, notes, error);
	if (!text)
		return FALSE;
	if (text->len == size && memcmp(text->str, data, size) == 0)
		*result = room->tree;
	else
		ok = write_text(room, text, result, error) &&
			refuse_new_problems(room, result, error);
	g_string_free(text, TRUE);
	return ok;
}

char *component_edit_hints(const struct edit_place *place, const char *repository,
	const struct lock_file *locked, struct dependency_notes *notes, GError **error)
{
	struct edit_room room;
	git_oid result;
	gboolean ok = edit_room_enter(&room, place, NULL, error) &&
		write_hints(&room, repository, locked, notes, &result, error);

	edit_room_leave(&room);
	return ok ? hex_of(&result) : NULL;
}

/* ---- back to the base --------------------------------------------------------------------- */

/* The document FILE of the base; NULL without an error if the base has none that can be read. */
static struct document_text *read_base(
	const struct edit_room *room, enum document_format format, GError **error)
{
	const struct document_origin origin = {room->place->file, FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GBytes)
		bytes = component_texts_read(room->forge, &room->base, room->place->file, error);
	const char *data;
	gsize size;

	if (!bytes)
		return NULL;
	data = g_bytes_get_data(bytes, &size);
	return document_text_parse(format, &origin, data ? data : "", size, error);
}

static gboolean revert_edits(const struct edit_room *room, const char *path_text,
	const struct document_text *base, const struct value *now, GPtrArray *edits, GError **error)
{
	scoped(document_path) path = document_path_parse(path_text, error);
	const struct document_node *node;
	const struct value *value;

	if (!path)
		return FALSE;
	value = base ? document_path_value(path, document_text_value(base)) : NULL;
	node = base ? document_path_node(path, document_text_root(base)) : NULL;
	if (value) {
		g_ptr_array_add(
			edits, document_edit_new_set(path, value, node ? base : NULL, node));
		return TRUE;
	}
	if (document_path_value(path, now)) {
		g_ptr_array_add(edits, document_edit_new_remove(path));
		return TRUE;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"%s has no field %s, neither now nor in its base", room->place->file, path_text);
	return FALSE;
}

static gboolean revert_field(
	const struct edit_room *room, const char *path, git_oid *result, GError **error)
{
	const struct document_origin origin = {room->place->file, FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GPtrArray) edits = document_edits_new();
	g_autoptr(GError) problem = NULL;
	g_autoptr(GBytes) bytes = NULL;
	enum document_format format;
	scoped(document_text) base = NULL;
	scoped(value) now = NULL;
	const char *data;
	GString *text;
	gsize size;
	gboolean ok;

	if (!name_is_fine(room, error) || !format_of(room->place->file, &format, error))
		return FALSE;
	bytes = read_file(room, error);
	if (!bytes)
		return FALSE;
	data = g_bytes_get_data(bytes, &size);
	now = document_parse(format, &origin, data ? data : "", size, error);
	if (!now)
		return FALSE;
	base = read_base(room, format, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!revert_edits(room, path, base, now, edits, error))
		return FALSE;
	text = document_edit_apply(format, &origin, data ? data : "", size, edits, error);
	if (!text)
		return FALSE;
	ok = write_text(room, text, result, error);
	g_string_free(text, TRUE);
	return ok;
}

char *component_edit_revert_field(
	const struct edit_place *place, const char *base, const char *path, GError **error)
{
	struct edit_room room;
	git_oid result;
	gboolean ok = edit_room_enter(&room, place, base, error) &&
		revert_field(&room, path, &result, error);

	edit_room_leave(&room);
	return ok ? hex_of(&result) : NULL;
}

static gboolean revert_file(const struct edit_room *room, git_oid *result, GError **error)
{
	const char *file = room->place->file;
	git_tree_update update = {.action = GIT_TREE_UPDATE_REMOVE, .path = file};
	g_autoptr(GError) problem = NULL;
	git_tree_entry *entry;

	if (!name_is_fine(room, error))
		return FALSE;
	entry = find_entry(room->forge, &room->base, file, &problem);
	if (entry) {
		update.action = GIT_TREE_UPDATE_UPSERT;
		update.filemode = git_tree_entry_filemode(entry);
		update.id = *git_tree_entry_id(entry);
	} else if (!problem) {
		entry = find_entry(room->forge, &room->tree, file, &problem);
		update.filemode = entry ? git_tree_entry_filemode(entry) : GIT_FILEMODE_BLOB;
	}
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!entry || update.filemode == GIT_FILEMODE_TREE) {
		git_tree_entry_free(entry);
		fail_for_file(room, error);
		return FALSE;
	}
	git_tree_entry_free(entry);
	return update_tree(room, &update, result, error);
}

char *component_edit_revert_file(const struct edit_place *place, const char *base, GError **error)
{
	struct edit_room room;
	git_oid result;
	gboolean ok = edit_room_enter(&room, place, base, error) &&
		revert_file(&room, &result, error);

	edit_room_leave(&room);
	return ok ? hex_of(&result) : NULL;
}

gboolean component_edit_has_file(const struct edit_place *place, GError **error)
{
	struct edit_room room;
	g_autoptr(GBytes) bytes = NULL;
	gboolean ok = edit_room_enter(&room, place, NULL, error);

	if (ok)
		bytes = read_file(&room, error);
	edit_room_leave(&room);
	return bytes != NULL;
}
