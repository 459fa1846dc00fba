/*
 * One tree, from one repository into another that is to own it.
 *
 * That a tree object is there does not prove that what it names is: an interrupted copy of somebody
 * else's may have left it. So nothing is taken on trust but what stands at the same path in a tree
 * known to be whole; everything else is walked, each object once however often it occurs, so a tree
 * that names one subtree a thousand times on each of ten levels costs ten reads.
 *
 * The walk comes first and only lists what is missing, children before parents, so that limits are
 * seen before anything is written. Then the objects are written one by one in that order; or, since
 * each costs a sync of the disk or two, as one pack where they are many. A pack is made beside its
 * place and synced before it can be seen.
 */
#include "worker/workspace/object_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/git/oid_set.h"
#include "worker/git/tree_entries.h"

#define MODE_DIRECTORY 0040000u
#define MODE_GITLINK 0160000u

struct missing_object {
	git_oid oid;
	git_object_t type;
};

struct copy {
	git_odb *from;
	git_odb *to;
	GHashTable *seen;
	GArray *missing; /* of struct missing_object, children first */
	GString *path;
	guint64 bytes;
	unsigned depth;
};

static gboolean too_large(const struct copy *copy, const char *what, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "'%.300s': %s",
		copy->path->len > 0 ? copy->path->str : "the component's folder", what);
	return FALSE;
}

/* The entries of the tree OID of ODB; *OBJECT holds their names. */
static GArray *read_entries(const struct copy *copy, git_odb *odb, const git_oid *oid,
	git_odb_object **object, GError **error)
{
	GArray *entries = NULL;

	if (git_odb_read(object, odb, oid) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"cannot read the folder '%.300s'", copy->path->str);
		return NULL;
	}
	if (git_odb_object_type(*object) != GIT_OBJECT_TREE) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"'%.300s': object %s is no tree", copy->path->str, git_oid_tostr_s(oid));
	} else {
		entries = tree_entries_parse(
			git_odb_object_data(*object), git_odb_object_size(*object), error);
		if (!entries)
			g_prefix_error(error, "tree %s: ", git_oid_tostr_s(oid));
	}
	if (!entries) {
		git_odb_object_free(*object);
		*object = NULL;
	}
	return entries;
}

/* Counts the object OID of SIZE bytes, and lists it if it is missing. */
static gboolean take_object(
	struct copy *copy, const git_oid *oid, git_object_t type, size_t size, GError **error)
{
	struct missing_object missing = {*oid, type};

	copy->bytes += size;
	if (g_hash_table_size(copy->seen) > LIMIT_COMPONENT_OBJECTS)
		return too_large(copy, "more files and folders than a component may have", error);
	if (copy->bytes > LIMIT_COMPONENT_BYTES)
		return too_large(copy, "more bytes than a component may have", error);
	/* A miss is not looked for again; at worst something is written twice. */
	if (!git_odb_exists_ext(copy->to, oid, GIT_ODB_LOOKUP_NO_REFRESH))
		g_array_append_val(copy->missing, missing);
	return TRUE;
}

static gboolean walk_blob(struct copy *copy, const git_oid *oid, GError **error)
{
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, copy->from, oid) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot read '%.300s'",
			copy->path->str);
		return FALSE;
	}
	if (type != GIT_OBJECT_BLOB) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"'%.300s': object %s is no file", copy->path->str, git_oid_tostr_s(oid));
		return FALSE;
	}
	if (size > LIMIT_COMPONENT_BYTES)
		return too_large(copy, "larger than a component's file may be", error);
	return take_object(copy, oid, GIT_OBJECT_BLOB, size, error);
}

static gboolean walk_tree(
	struct copy *copy, const git_oid *oid, const git_oid *known, GError **error);

/* KNOWN (or NULL) is what the whole tree has under the same name. */
static gboolean walk_entry(struct copy *copy, const struct tree_entry *entry,
	const struct tree_entry *known, GError **error)
{
	gsize path_bytes = copy->path->len;
	gboolean ok = TRUE;

	if (entry->mode == MODE_GITLINK)
		return TRUE;
	if (known && git_oid_equal(&known->oid, &entry->oid) && known->mode != MODE_GITLINK &&
		(known->mode == MODE_DIRECTORY) == (entry->mode == MODE_DIRECTORY))
		return TRUE;
	if (!oid_set_add(copy->seen, &entry->oid))
		return TRUE;
	if (path_bytes > 0)
		g_string_append_c(copy->path, '/');
	g_string_append(copy->path, entry->name);
	if (entry->mode == MODE_DIRECTORY)
		ok = walk_tree(copy, &entry->oid,
			known && known->mode == MODE_DIRECTORY ? &known->oid : NULL, error);
	else
		ok = walk_blob(copy, &entry->oid, error);
	g_string_truncate(copy->path, path_bytes);
	return ok;
}

static gboolean walk_entries(struct copy *copy, GArray *entries, GArray *known, GError **error)
{
	guint at = 0;

	for (guint i = 0; i < entries->len; i++) {
		const struct tree_entry *entry = &g_array_index(entries, struct tree_entry, i);
		const struct tree_entry *same = NULL;

		while (known && at < known->len) {
			const struct tree_entry *other = &g_array_index(
				known, struct tree_entry, at);
			int order = tree_entries_compare(
				other->name, other->mode, entry->name, entry->mode);

			if (order > 0)
				break;
			at++;
			if (order == 0)
				same = other;
		}
		if (!walk_entry(copy, entry, same, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean walk_tree(
	struct copy *copy, const git_oid *oid, const git_oid *known, GError **error)
{
	git_odb_object *object = NULL;
	git_odb_object *known_object = NULL;
	g_autoptr(GArray) entries = NULL;
	g_autoptr(GArray) known_entries = NULL;
	gboolean ok;

	if (++copy->depth > LIMIT_TREE_DEPTH)
		return too_large(copy, "too many folders deep", error);
	entries = read_entries(copy, copy->from, oid, &object, error);
	if (!entries)
		return FALSE;
	/* A known tree that cannot be read is not known. */
	if (known)
		known_entries = read_entries(copy, copy->to, known, &known_object, NULL);
	ok = walk_entries(copy, entries, known_entries, error) &&
		take_object(copy, oid, GIT_OBJECT_TREE, git_odb_object_size(object), error);
	git_odb_object_free(object);
	git_odb_object_free(known_object);
	copy->depth--;
	return ok;
}

static gboolean unusable(const char *what, const char *path, GError **error)
{
	int failure = errno;

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE, "cannot %s %s: %s", what, path,
		g_strerror(failure));
	return FALSE;
}

static gboolean sync_path(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	gboolean done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		unusable("sync", path, error);
	if (fd >= 0)
		close(fd);
	return done;
}

/* Moves the pack made in MAKING to PACKS, its index last: without that nobody sees it. */
static gboolean publish_pack(
	const char *making, const char *packs, const char *name, GError **error)
{
	static const char *const suffixes[] = {".pack", ".idx"};

	for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *from = g_strconcat(making, "/pack-", name, suffixes[i], NULL);
		g_autofree char *to = g_strconcat(packs, "/pack-", name, suffixes[i], NULL);

		if (!sync_path(from, error))
			return FALSE;
		if (g_rename(from, to) != 0)
			return unusable("make", to, error);
		if (!sync_path(packs, error))
			return FALSE;
	}
	return TRUE;
}

static void remove_folder(const char *path)
{
	g_autoptr(GDir) names = g_dir_open(path, 0, NULL);
	const char *name;

	while (names && (name = g_dir_read_name(names))) {
		g_autofree char *inner = g_build_filename(path, name, NULL);

		(void)!g_unlink(inner);
	}
	(void)!g_rmdir(path);
}

static gboolean write_pack(
	const struct copy *copy, git_repository *from, git_repository *to, GError **error)
{
	g_autofree char *packs = g_build_filename(git_repository_path(to), "objects", "pack", NULL);
	g_autofree char *making = g_build_filename(
		git_repository_path(to), "objects", "making-XXXXXX", NULL);
	git_packbuilder *pack = NULL;
	gboolean done = FALSE;
	int result;

	if (!g_mkdtemp_full(making, 0700))
		return unusable("make a folder", making, error);
	result = git_packbuilder_new(&pack, from);
	for (guint i = 0; i < copy->missing->len && result == 0; i++)
		result = git_packbuilder_insert(
			pack, &g_array_index(copy->missing, struct missing_object, i).oid, NULL);
	if (result == 0)
		result = git_packbuilder_write(pack, making, 0, NULL, NULL);
	if (result == 0)
		done = publish_pack(making, packs, git_packbuilder_name(pack), error);
	else
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot copy %u objects",
			copy->missing->len);
	git_packbuilder_free(pack);
	remove_folder(making);
	if (done && git_odb_refresh(copy->to) != 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot read the objects again");
		done = FALSE;
	}
	return done;
}

static gboolean write_loose(const struct copy *copy, GError **error)
{
	for (guint i = 0; i < copy->missing->len; i++) {
		const struct missing_object *missing = &g_array_index(
			copy->missing, struct missing_object, i);
		git_odb_object *object = NULL;
		git_oid oid;
		int result = git_odb_read(&object, copy->from, &missing->oid);

		if (result == 0)
			result = git_odb_write(&oid, copy->to, git_odb_object_data(object),
				git_odb_object_size(object), missing->type);
		git_odb_object_free(object);
		if (result != 0) {
			git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
				"cannot copy the object %s", git_oid_tostr_s(&missing->oid));
			return FALSE;
		}
		/* libgit2 checked on reading that the bytes have this id. */
		g_assert(git_oid_equal(&oid, &missing->oid));
	}
	return TRUE;
}

gboolean object_copy_tree(git_repository *from, git_repository *to, const git_oid *tree,
	const git_oid *known, GError **error)
{
	g_autoptr(GHashTable) seen = oid_set_new();
	g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(struct missing_object));
	struct copy copy = {.seen = seen, .missing = missing};
	gboolean ok = FALSE;

	if (known && git_oid_equal(tree, known))
		return TRUE;
	copy.path = g_string_new(NULL);
	if (git_repository_odb(&copy.from, from) != 0 || git_repository_odb(&copy.to, to) != 0)
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open the object database");
	else
		ok = walk_tree(&copy, tree, known, error) &&
			(missing->len > LIMIT_LOOSE_COPIES ? write_pack(&copy, from, to, error)
							   : write_loose(&copy, error));
	git_odb_free(copy.from);
	git_odb_free(copy.to);
	g_string_free(copy.path, TRUE);
	return ok;
}
