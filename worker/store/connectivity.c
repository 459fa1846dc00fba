/*
 * The check after a fetch: a server may name objects that it never sent, or that we hold for
 * somebody else.
 *
 * It is made in a quarantine, before anything of the fetch is kept. Objects are checked one by one,
 * in the order of the packs, instead of being walked from the tips: what holds for each holds for
 * all that any of them reaches, so a store that only ever takes in checked packs never holds an
 * incomplete object, and "it exists" is "all of it is here". A walk would leave unchecked what a
 * server sends beyond its tips, to be named as a tip later.
 *
 * Only a failure is walked, to tell a person which commit and path lack the object.
 */
#include "worker/store/connectivity.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/scope.h"
#include "worker/git/git_library.h"
#include "worker/git/object_links.h"
#include "worker/git/oid_set.h"

/* How many objects are looked at between two looks at the clock. */
#define OBJECTS_PER_BUDGET_CHECK 256

struct check {
	git_odb *all;       /* the folder and its alternates */
	GHashTable *known;  /* git_oid → its type, of objects seen to be there */
	GArray *todo;       /* of git_oid: still to be read; NULL unless everything is walked */
	GPtrArray *indices; /* paths of the arrived packs' indices */
	const struct budget *budget;
	guint n_objects;
	git_oid current; /* the object whose links are followed */
	git_oid missing;
	GError *failure;
};

static void check_clear(struct check *check)
{
	git_odb_free(check->all);
	g_clear_pointer(&check->known, g_hash_table_unref);
	g_clear_pointer(&check->todo, g_array_unref);
	g_clear_pointer(&check->indices, g_ptr_array_unref);
	g_clear_error(&check->failure);
}
SCOPED_VALUE(check, check_clear)

static gboolean check_open(
	struct check *check, const char *folder, const struct budget *budget, GError **error)
{
	g_autofree char *objects = g_build_filename(folder, "objects", NULL);
	g_autofree char *packs = g_build_filename(objects, "pack", NULL);
	g_autoptr(GDir) names = g_dir_open(packs, 0, NULL);
	const char *name;

	check->known = oid_map_new();
	check->indices = g_ptr_array_new_with_free_func(g_free);
	check->budget = budget;
	while (names && (name = g_dir_read_name(names)))
		if (g_str_has_suffix(name, ".idx"))
			g_ptr_array_add(check->indices, g_build_filename(packs, name, NULL));
	if (git_odb_open(&check->all, objects) != 0) {
		git_library_error(
			error, FORGE_ERROR_CACHE_UNUSABLE, "cannot open the objects of %s", folder);
		return FALSE;
	}
	return TRUE;
}

static gboolean keep_going(struct check *check)
{
	return check->n_objects++ % OBJECTS_PER_BUDGET_CHECK != 0 ||
		budget_check(check->budget, &check->failure);
}

/* The type of the object OID, which must be there. Each object's header is read once. */
static gboolean find_type(struct check *check, const git_oid *oid, git_object_t *type)
{
	size_t size;

	*type = (git_object_t)oid_map_get(check->known, oid);
	if (*type != 0)
		return TRUE;
	if (git_odb_read_header(&size, type, check->all, oid) != 0) {
		check->missing = *oid;
		return FALSE;
	}
	if (size > (*type == GIT_OBJECT_BLOB ? LIMIT_BLOB_BYTES : LIMIT_LINKING_OBJECT_BYTES)) {
		g_set_error(&check->failure, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"the %s %s has %" G_GSIZE_FORMAT " bytes", git_object_type2string(*type),
			git_oid_tostr_s(oid), size);
		return FALSE;
	}
	oid_map_set(check->known, oid, (gint)*type);
	if (check->todo && *type != GIT_OBJECT_BLOB)
		g_array_append_val(check->todo, *oid);
	return TRUE;
}

static gboolean link_is_there(const struct object_link *link, gpointer user_data)
{
	struct check *check = user_data;
	git_object_t type;

	if (!find_type(check, &link->oid, &type))
		return FALSE;
	if (type != link->type) {
		g_set_error(&check->failure, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"object %s is a %s where a %s is named", git_oid_tostr_s(&link->oid),
			git_object_type2string(type), git_object_type2string(link->type));
		return FALSE;
	}
	return TRUE;
}

/* Reads OID, if it is of a kind that names others, and follows its links by one step. */
static gboolean check_object(
	struct check *check, const git_oid *oid, object_link_func each, gpointer user_data)
{
	git_odb_object *object = NULL;
	git_object_t type;
	gboolean done, malformed;

	check->current = *oid;
	if (!keep_going(check) || !find_type(check, oid, &type))
		return FALSE;
	if (type == GIT_OBJECT_BLOB)
		return TRUE;
	if (git_odb_read(&object, check->all, oid) != 0) {
		git_library_error(&check->failure, FORGE_ERROR_BROKEN_REPOSITORY,
			"object %s cannot be read", git_oid_tostr_s(oid));
		return FALSE;
	}
	done = object_links(type, git_odb_object_data(object), git_odb_object_size(object), each,
		user_data, &malformed);
	git_odb_object_free(object);
	if (malformed)
		g_set_error(&check->failure, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"the %s %s is malformed", git_object_type2string(type),
			git_oid_tostr_s(oid));
	return done;
}

static int check_arrived(const git_oid *oid, void *user_data)
{
	return check_object(user_data, oid, link_is_there, user_data) ? 0 : -1;
}

/* Calls EACH for each object of the pack whose index is at PATH. */
static gboolean each_in_pack(
	struct check *check, const char *path, git_odb_foreach_cb each, void *user_data)
{
	git_odb_backend *backend = NULL;
	git_odb *odb = NULL;
	int result = git_odb_new(&odb);

	if (result == 0)
		result = git_odb_backend_one_pack(&backend, path);
	if (result == 0)
		result = git_odb_add_backend(odb, backend, 1);
	if (result == 0)
		result = git_odb_foreach(odb, each, user_data);
	git_odb_free(odb);
	if (result != 0 && !check->failure && git_oid_is_zero(&check->missing))
		git_library_error(&check->failure, FORGE_ERROR_BROKEN_REPOSITORY,
			"the pack %s cannot be read", path);
	return result == 0;
}

/* Looking for who needs the missing object: a depth-first search of each arrived commit's tree,
 * with the path so far. */
struct search {
	struct check *check;
	git_oid missing;
	GHashTable *seen;
	GString *path;
	guint depth;
	gboolean found;
	git_oid commit; /* that needs it, if found */
};

static gboolean search_link(const struct object_link *link, gpointer user_data)
{
	struct search *search = user_data;
	gsize length = search->path->len;

	if (link->name)
		g_string_append_printf(search->path, "%s%s", length > 0 ? "/" : "", link->name);
	search->found = git_oid_equal(&link->oid, &search->missing);
	if (!search->found && link->type == GIT_OBJECT_TREE && search->depth < LIMIT_TREE_DEPTH &&
		oid_set_add(search->seen, &link->oid)) {
		search->depth++;
		check_object(search->check, &link->oid, search_link, search);
		search->depth--;
	}
	if (!search->found)
		g_string_truncate(search->path, length);
	return !search->found && !search->check->failure;
}

static int search_commit(const git_oid *oid, void *user_data)
{
	struct search *search = user_data;
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, search->check->all, oid) != 0 ||
		type != GIT_OBJECT_COMMIT)
		return 0;
	search->commit = *oid;
	g_string_truncate(search->path, 0);
	check_object(search->check, oid, search_link, search);
	return search->found || search->check->failure ? -1 : 0;
}

/* Says what is missing, and which commit needs it where; if no commit is found in time, the object
 * that names it. */
static void set_missing(struct check *check, GError **error)
{
	g_autoptr(GHashTable) seen = oid_set_new();
	g_autoptr(GString) path = g_string_new(NULL);
	struct search search = {
		.check = check, .missing = check->missing, .seen = seen, .path = path};
	char missing[GIT_OID_HEXSZ + 1];
	git_oid holder = check->current;

	git_oid_tostr(missing, sizeof(missing), &check->missing);
	for (guint i = 0; i < check->indices->len && !search.found && !check->failure; i++)
		each_in_pack(check, g_ptr_array_index(check->indices, i), search_commit, &search);
	if (!search.found || path->len == 0)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"object %s is missing, which %s needs", missing,
			git_oid_tostr_s(search.found ? &search.commit : &holder));
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"object %s is missing, which commit %s needs as %s", missing,
			git_oid_tostr_s(&search.commit), path->str);
}

static void set_failure(struct check *check, GError **error)
{
	if (check->failure)
		g_propagate_error(error, g_steal_pointer(&check->failure));
	else
		set_missing(check, error);
}

static gboolean tip_is_there(struct check *check, const git_oid *tip)
{
	git_object_t type;

	check->current = *tip;
	return find_type(check, tip, &type);
}

gboolean connectivity_check(const char *folder, const git_oid *tips, gsize n_tips,
	const struct budget *budget, GError **error)
{
	scoped_value(check) check = {0};
	gboolean whole = TRUE;

	if (!check_open(&check, folder, budget, error))
		return FALSE;
	for (guint i = 0; i < check.indices->len && whole; i++)
		whole = each_in_pack(
			&check, g_ptr_array_index(check.indices, i), check_arrived, &check);
	for (gsize i = 0; i < n_tips && whole; i++)
		whole = tip_is_there(&check, &tips[i]);
	if (!whole)
		set_failure(&check, error);
	return whole;
}

gboolean connectivity_check_all(const char *folder, const git_oid *tips, gsize n_tips,
	const struct budget *budget, GError **error)
{
	scoped_value(check) check = {0};
	gboolean whole = TRUE;

	if (!check_open(&check, folder, budget, error))
		return FALSE;
	check.todo = g_array_new(FALSE, FALSE, sizeof(git_oid));
	for (gsize i = 0; i < n_tips && whole; i++)
		whole = tip_is_there(&check, &tips[i]);
	while (whole && check.todo->len > 0) {
		git_oid next = g_array_index(check.todo, git_oid, check.todo->len - 1);

		g_array_set_size(check.todo, check.todo->len - 1);
		whole = check_object(&check, &next, link_is_there, &check);
	}
	if (!whole)
		set_failure(&check, error);
	return whole;
}
