/*
 * What a push would bring that points out of the repository: pointers of git-lfs and gitlinks.
 *
 * The two trees are walked side by side, and only where they differ. What is found is then looked
 * for in the whole of the tree before, since a file that was moved or copied is nothing new; that
 * second walk reads trees only, and is made only if something was found.
 *
 * Only the last tree counts. What came and went again between the two tips is not asked for:
 * whoever checks the branch out does not need it. Whether .gitattributes names git-lfs for the path
 * is not looked at either, as `git lfs push` and the hosts' own checks do not.
 */
#include "worker/content/new_content.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/git/oid_set.h"
#include "worker/git/tree_entries.h"

#define MODE_TREE 0040000u
#define MODE_SYMLINK 0120000u
#define MODE_GITLINK 0160000u
#define ENTRIES_PER_BUDGET_CHECK 4096

struct walk {
	git_odb *odb;
	const struct budget *budget;
	GHashTable *seen; /* blobs and whole trees that were looked at */
	GString *path;
	guint depth;
	guint64 n_entries;
	struct new_content *content;
};

/* A tree object and its entries; both empty for no tree. */
struct tree {
	git_odb_object *object;
	GArray *entries;
};

static void tree_clear(struct tree *tree)
{
	g_clear_pointer(&tree->entries, g_array_unref);
	git_odb_object_free(tree->object);
}
SCOPED_VALUE(tree, tree_clear)

static void free_pointer(gpointer data)
{
	struct new_pointer *pointer = data;

	g_free(pointer->path);
	g_free(pointer);
}

static void free_gitlink(gpointer data)
{
	struct new_gitlink *gitlink = data;

	g_free(gitlink->path);
	g_free(gitlink);
}

void new_content_clear(struct new_content *content)
{
	g_clear_pointer(&content->pointers, g_ptr_array_unref);
	g_clear_pointer(&content->gitlinks, g_ptr_array_unref);
}

static gboolean read_tree(
	const struct walk *walk, const git_oid *id, struct tree *tree, GError **error)
{
	if (git_odb_read(&tree->object, walk->odb, id) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "tree %s cannot be read",
			git_oid_tostr_s(id));
		return FALSE;
	}
	if (git_odb_object_type(tree->object) != GIT_OBJECT_TREE) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"object %s is no tree", git_oid_tostr_s(id));
		return FALSE;
	}
	tree->entries = tree_entries_parse(
		git_odb_object_data(tree->object), git_odb_object_size(tree->object), error);
	return tree->entries != NULL;
}

static gboolean may_go_on(struct walk *walk, GError **error)
{
	if (walk->n_entries++ % ENTRIES_PER_BUDGET_CHECK == 0 && !budget_check(walk->budget, error))
		return FALSE;
	if (walk->n_entries <= LIMIT_CONTENT_ENTRIES && walk->depth <= LIMIT_TREE_DEPTH)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
		"a tree of the branch is deeper than %d or has more than %d entries",
		LIMIT_TREE_DEPTH, LIMIT_CONTENT_ENTRIES);
	return FALSE;
}

/* ---- what is new -------------------------------------------------------------------------- */

static gboolean collect_blob(struct walk *walk, const git_oid *id, GError **error)
{
	struct lfs_pointer pointer;
	git_odb_object *object = NULL;
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, walk->odb, id) != 0 ||
		(size <= LIMIT_LFS_POINTER_BYTES && git_odb_read(&object, walk->odb, id) != 0)) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "file %s cannot be read",
			walk->path->str);
		return FALSE;
	}
	if (object && lfs_pointer_parse(git_odb_object_data(object), size, &pointer)) {
		struct new_pointer *found = g_new(struct new_pointer, 1);

		*found = (struct new_pointer){g_strdup(walk->path->str), *id, pointer};
		g_ptr_array_add(walk->content->pointers, found);
	}
	git_odb_object_free(object);
	return TRUE;
}

static void collect_gitlink(struct walk *walk, const git_oid *id)
{
	struct new_gitlink *found = g_new(struct new_gitlink, 1);

	*found = (struct new_gitlink){g_strdup(walk->path->str), *id};
	g_ptr_array_add(walk->content->gitlinks, found);
}

static gboolean collect_tree(
	struct walk *walk, const git_oid *before, const git_oid *after, GError **error);

/* The entry NEW, at walk->path, where OLD stood (NULL: nothing of its kind). */
static gboolean collect_entry(struct walk *walk, const struct tree_entry *old,
	const struct tree_entry *new, GError **error)
{
	/* Without another side a tree gives the same each time; with one it depends on that. */
	gboolean compared = old && old->mode == MODE_TREE && new->mode == MODE_TREE;

	if (old && git_oid_equal(&old->oid, &new->oid))
		return TRUE;
	if (new->mode == MODE_GITLINK) {
		collect_gitlink(walk, &new->oid);
		return TRUE;
	}
	if (new->mode == MODE_SYMLINK || (!compared && !oid_set_add(walk->seen, &new->oid)))
		return TRUE;
	return new->mode == MODE_TREE
		? collect_tree(walk, compared ? &old->oid : NULL, &new->oid, error)
		: collect_blob(walk, &new->oid, error);
}

static gboolean has_room(const struct walk *walk, GError **error)
{
	if (walk->content->pointers->len + walk->content->gitlinks->len <= LIMIT_CONTENT_FINDINGS)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
		"the branch brings more than %d LFS pointers and submodules",
		LIMIT_CONTENT_FINDINGS);
	return FALSE;
}

static gboolean collect_tree(
	struct walk *walk, const git_oid *before, const git_oid *after, GError **error)
{
	scoped_value(tree) old = {0};
	scoped_value(tree) new = {0};
	gsize length = walk->path->len;
	gboolean done = TRUE;

	if ((before && !read_tree(walk, before, &old, error)) ||
		!read_tree(walk, after, &new, error))
		return FALSE;
	walk->depth++;
	for (guint i = 0, at = 0; i < new.entries->len &&done; i++) {
		const struct tree_entry *entry = &g_array_index(new.entries, struct tree_entry, i);
		const struct tree_entry *other = NULL;
		int order = 1;

		while (before && at < old.entries->len) {
			other = &g_array_index(old.entries, struct tree_entry, at);
			order = tree_entries_compare(
				other->name, other->mode, entry->name, entry->mode);
			if (order >= 0)
				break;
			at++;
		}
		g_string_append_printf(walk->path, "%s%s", length > 0 ? "/" : "", entry->name);
		done = may_go_on(walk, error) && has_room(walk, error) &&
			collect_entry(walk, order == 0 ? other : NULL, entry, error);
		g_string_truncate(walk->path, length);
	}
	walk->depth--;
	return done;
}

/* ---- what was there before ---------------------------------------------------------------- */

/* Takes every id of the tree ID and below out of WANTED. */
static gboolean subtract(struct walk *walk, const git_oid *id, GHashTable *wanted, GError **error)
{
	scoped_value(tree) tree = {0};
	gboolean done = TRUE;

	if (g_hash_table_size(wanted) == 0 || !oid_set_add(walk->seen, id))
		return TRUE;
	if (!read_tree(walk, id, &tree, error))
		return FALSE;
	walk->depth++;
	for (guint i = 0; i < tree.entries->len && done; i++) {
		const struct tree_entry *entry = &g_array_index(tree.entries, struct tree_entry, i);

		done = may_go_on(walk, error);
		if (done && entry->mode == MODE_TREE)
			done = subtract(walk, &entry->oid, wanted, error);
		else if (done)
			g_hash_table_remove(wanted, &entry->oid);
	}
	walk->depth--;
	return done;
}

/* Leaves in CONTENT what the tree BEFORE has nowhere. */
static gboolean leave_new(struct walk *walk, const git_oid *before, GError **error)
{
	g_autoptr(GHashTable) wanted = oid_set_new();
	GPtrArray *pointers = walk->content->pointers;
	GPtrArray *gitlinks = walk->content->gitlinks;

	for (guint i = 0; i < pointers->len; i++)
		oid_set_add(wanted, &((struct new_pointer *)pointers->pdata[i])->blob);
	for (guint i = 0; i < gitlinks->len; i++)
		oid_set_add(wanted, &((struct new_gitlink *)gitlinks->pdata[i])->commit);
	walk->n_entries = 0;
	g_hash_table_remove_all(walk->seen);
	if (!subtract(walk, before, wanted, error))
		return FALSE;
	for (guint i = pointers->len; i > 0; i--)
		if (!oid_set_has(wanted, &((struct new_pointer *)pointers->pdata[i - 1])->blob))
			g_ptr_array_remove_index(pointers, i - 1);
	for (guint i = gitlinks->len; i > 0; i--)
		if (!oid_set_has(wanted, &((struct new_gitlink *)gitlinks->pdata[i - 1])->commit))
			g_ptr_array_remove_index(gitlinks, i - 1);
	return TRUE;
}

gboolean new_content_collect(git_odb *odb, const git_oid *before, const git_oid *after,
	const struct budget *budget, struct new_content *content, GError **error)
{
	g_autoptr(GHashTable) seen = oid_set_new();
	g_autoptr(GString) path = g_string_new(NULL);
	scoped_value(new_content) found = {
		g_ptr_array_new_with_free_func(free_pointer),
		g_ptr_array_new_with_free_func(free_gitlink),
	};
	struct walk walk = {
		.odb = odb, .budget = budget, .seen = seen, .path = path, .content = &found};

	if (before && git_oid_equal(before, after))
		before = NULL, after = NULL;
	if (after && !collect_tree(&walk, before, after, error))
		return FALSE;
	if (before && found.pointers->len + found.gitlinks->len > 0 &&
		!leave_new(&walk, before, error))
		return FALSE;
	*content = found;
	found = (struct new_content){0};
	return TRUE;
}
