/*
 * Is a tree fit to be written to disk?
 *
 * One walk, without recursion, names every path once: its name is judged by itself, its folded form
 * against all others, and what it is (file, directory, symlink) is noted. Symlinks are followed
 * when the whole tree is known, through the tree and not through the disk: one link may lead
 * through another, or through one that a later entry makes. What a link names and the tree lacks
 * counts as a directory that is empty: somebody may make it later.
 *
 * Two directories that differ in case alone become one where case does not count; that hurts nobody
 * until two of the paths in them are one. So only whole paths collide, a file with a file or a file
 * with a directory.
 */
#include "worker/workspace/tree_safety.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/base/scope.h"
#include "worker/git/git_library.h"
#include "worker/git/tree_entries.h"
#include "worker/workspace/path_safety.h"

#define MODE_TREE 0040000u
#define MODE_SYMLINK 0120000u
#define MODE_GITLINK 0160000u

struct node {
	char *path;
	uint32_t mode;
	git_oid oid;
	uint32_t depth; /**< of a directory; the top is 0 */
	char *target;   /**< of a symlink, once it has been read */
};

struct tree_check {
	git_odb *odb;
	struct tree_limits limits;
	GHashTable *nodes;   /**< path, inside the value → struct node */
	GHashTable *folded;  /**< folded path → struct node, the first that has it; borrowed */
	GQueue waiting;      /**< of struct node, directories that are to be read; borrowed */
	GPtrArray *symlinks; /**< of struct node, borrowed */
	uint64_t names_walked;
};

static void node_free(gpointer pointer)
{
	struct node *node = pointer;

	g_free(node->path);
	g_free(node->target);
	g_free(node);
}

/* SHOWN, or its beginning and end: what is wrong with a path must not be cut off behind it. */
static char *shorten(const char *shown)
{
	glong length = g_utf8_strlen(shown, -1);
	const glong side = LIMIT_SHOWN_PATH_CHARACTERS / 2;
	g_autofree char *begin = NULL;

	if (length <= LIMIT_SHOWN_PATH_CHARACTERS)
		return g_strdup(shown);
	begin = g_utf8_substring(shown, 0, side);
	return g_strconcat(begin, "…", g_utf8_offset_to_pointer(shown, length - side), NULL);
}

G_GNUC_PRINTF(4, 5)
static gboolean refuse(
	GError **error, enum forge_error code, const char *path, const char *format, ...)
{
	g_autofree char *whole = path_safety_shown(path);
	g_autofree char *shown = shorten(whole);
	g_autofree char *reason = NULL;
	va_list arguments;

	va_start(arguments, format);
	reason = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(
		error, FORGE_ERROR, (gint)code, "%s: %s", *shown != '\0' ? shown : "(top)", reason);
	return FALSE;
}

static char *join(const char *folder, const char *name)
{
	return *folder == '\0' ? g_strdup(name) : g_strconcat(folder, "/", name, NULL);
}

static gboolean check_name(const struct node *parent, const char *name, GError **error)
{
	g_autofree char *path = join(parent->path, name);
	const char *fault = path_safety_fault(name);

	if (fault != NULL)
		return refuse(error, FORGE_ERROR_SECURITY_REFUSED, path, "%s", fault);
	if (parent->depth == 0 && path_safety_is_forge(name))
		return refuse(error, FORGE_ERROR_SECURITY_REFUSED, path,
			"a name that some file systems take for forge's own folder");
	if (strlen(name) > LIMIT_FILE_NAME_BYTES)
		return refuse(error, FORGE_ERROR_TOO_LARGE, path, "a name of more than %d bytes",
			LIMIT_FILE_NAME_BYTES);
	if (strlen(path) > LIMIT_FOLDER_PATH_BYTES)
		return refuse(error, FORGE_ERROR_TOO_LARGE, path, "a path of more than %d bytes",
			LIMIT_FOLDER_PATH_BYTES);
	return TRUE;
}

static gboolean check_blob(struct tree_check *check, const struct node *node, GError **error)
{
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, check->odb, &node->oid) < 0) {
		g_autofree char *shown = path_safety_shown(node->path);

		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s", shown);
		return FALSE;
	}
	if (type != GIT_OBJECT_BLOB)
		return refuse(error, FORGE_ERROR_BROKEN_REPOSITORY, node->path,
			"its object is a %s, not a blob", git_object_type2string(type));
	if (node->mode == MODE_SYMLINK && size > LIMIT_FOLDER_PATH_BYTES)
		return refuse(error, FORGE_ERROR_TOO_LARGE, node->path,
			"a symlink to a path of more than %d bytes", LIMIT_FOLDER_PATH_BYTES);
	if (size > check->limits.blob_bytes_max)
		return refuse(error, FORGE_ERROR_TOO_LARGE, node->path,
			"%" G_GUINT64_FORMAT " bytes; the limit is %" G_GUINT64_FORMAT,
			(guint64)size, (guint64)check->limits.blob_bytes_max);
	return TRUE;
}

static gboolean check_collision(struct tree_check *check, struct node *node, GError **error)
{
	g_autofree char *folded = path_safety_fold(node->path);
	const struct node *other = g_hash_table_lookup(check->folded, folded);

	if (other == NULL) {
		g_hash_table_insert(check->folded, g_steal_pointer(&folded), node);
		return TRUE;
	}
	if (other->mode == MODE_TREE && node->mode == MODE_TREE &&
		strcmp(other->path, node->path) != 0)
		return TRUE;
	g_autofree char *shown = path_safety_shown(other->path);
	return refuse(error, FORGE_ERROR_SECURITY_REFUSED, node->path,
		"the same path as %s where case or Unicode form does not count", shown);
}

static gboolean add_entry(struct tree_check *check, const struct node *parent,
	const struct tree_entry *entry, GError **error)
{
	struct node *node = g_new0(struct node, 1);

	node->path = join(parent->path, entry->name);
	node->mode = entry->mode;
	node->oid = entry->oid;
	node->depth = parent->depth + 1;
	if (g_hash_table_contains(check->nodes, node->path)) {
		refuse(error, FORGE_ERROR_SECURITY_REFUSED, node->path, "two entries of one name");
		node_free(node);
		return FALSE;
	}
	g_hash_table_insert(check->nodes, node->path, node);
	if (g_hash_table_size(check->nodes) > check->limits.entries_max)
		return refuse(error, FORGE_ERROR_TOO_LARGE, node->path,
			"more than %u files and directories", check->limits.entries_max);
	if (node->mode == MODE_GITLINK)
		return refuse(error, FORGE_ERROR_UNSUPPORTED, node->path,
			"a submodule; components cannot hold any");
	if (!check_collision(check, node, error))
		return FALSE;
	if (node->mode == MODE_TREE) {
		if (node->depth > check->limits.depth_max)
			return refuse(error, FORGE_ERROR_TOO_LARGE, node->path,
				"more than %u directories within each other",
				check->limits.depth_max);
		g_queue_push_tail(&check->waiting, node);
		return TRUE;
	}
	if (node->mode == MODE_SYMLINK)
		g_ptr_array_add(check->symlinks, node);
	return check_blob(check, node, error);
}

/* The names as they are in the object, before anything that would call a bad one malformed. */
static gboolean check_names(
	const struct node *node, const char *content, size_t size, GError **error)
{
	const char *end = content + size;

	while (content < end) {
		const char *name = memchr(content, ' ', (size_t)(end - content));
		const char *stop = name != NULL ? memchr(name, '\0', (size_t)(end - name)) : NULL;

		if (stop == NULL || end - stop < 1 + GIT_OID_RAWSZ)
			return TRUE;
		if (!check_name(node, name + 1, error))
			return FALSE;
		content = stop + 1 + GIT_OID_RAWSZ;
	}
	return TRUE;
}

static gboolean read_directory(struct tree_check *check, const struct node *node, GError **error)
{
	g_autofree char *shown = path_safety_shown(node->path);
	g_autoptr(GArray) entries = NULL;
	git_odb_object *object;
	gboolean good;

	if (git_odb_read(&object, check->odb, &node->oid) < 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s",
			*shown != '\0' ? shown : "(top)");
		return FALSE;
	}
	good = git_odb_object_type(object) == GIT_OBJECT_TREE;
	if (!good)
		refuse(error, FORGE_ERROR_BROKEN_REPOSITORY, node->path, "its object is no tree");
	good = good &&
		check_names(node, git_odb_object_data(object), git_odb_object_size(object), error);
	if (good) {
		entries = tree_entries_parse(
			git_odb_object_data(object), git_odb_object_size(object), error);
		good = entries != NULL;
		if (!good)
			g_prefix_error(error, "%s: ", *shown != '\0' ? shown : "(top)");
	}
	for (guint i = 0; good && i < entries->len; i++)
		good = add_entry(check, node, &g_array_index(entries, struct tree_entry, i), error);
	git_odb_object_free(object);
	return good;
}

/* The target of a symlink, or NULL. */
static const char *read_target(struct tree_check *check, struct node *link, GError **error)
{
	git_odb_object *object;
	char *target;
	size_t size;

	if (link->target != NULL)
		return link->target;
	if (git_odb_read(&object, check->odb, &link->oid) < 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "a symlink's target");
		return NULL;
	}
	size = git_odb_object_size(object);
	target = g_strndup(git_odb_object_data(object), size);
	git_odb_object_free(object);
	if (strlen(target) == size && size > 0)
		return link->target = target;
	refuse(error, FORGE_ERROR_SECURITY_REFUSED, link->path, "a symlink to %s",
		size == 0 ? "nothing" : "a path with a NUL byte");
	g_free(target);
	return NULL;
}

/* Puts the names of TARGET before those that are to be walked. */
static void push_names(GQueue *names, const char *target)
{
	g_auto(GStrv) parts = g_strsplit(target, "/", -1);

	for (guint i = g_strv_length(parts); i-- > 0;)
		g_queue_push_head(names, g_strdup(parts[i]));
}

/* One name further from the directory AT; on a symlink, its target's names come first. */
static gboolean walk_name(struct tree_check *check, const struct node *link, const char *name,
	GString *at, GQueue *names, unsigned *hops, GError **error)
{
	struct node *node;

	if (++check->names_walked > LIMIT_SYMLINK_NAMES)
		return refuse(error, FORGE_ERROR_TOO_LARGE, link->path,
			"symlinks that lead through each other too often");
	if (*name == '\0' || strcmp(name, ".") == 0)
		return TRUE;
	if (strcmp(name, "..") == 0) {
		const char *slash = strrchr(at->str, '/');

		if (at->len == 0)
			return refuse(error, FORGE_ERROR_SECURITY_REFUSED, link->path,
				"a symlink that leaves the component");
		g_string_truncate(at, slash != NULL ? (gsize)(slash - at->str) : 0);
		return TRUE;
	}
	if (path_safety_is_dotgit(name) || (at->len == 0 && path_safety_is_forge(name)))
		return refuse(error, FORGE_ERROR_SECURITY_REFUSED, link->path,
			"a symlink into git's or forge's own folder");
	gsize before = at->len;
	g_string_append_printf(at, "%s%s", before > 0 ? "/" : "", name);
	node = at->len <= LIMIT_FOLDER_PATH_BYTES ? g_hash_table_lookup(check->nodes, at->str)
						  : NULL;
	/* Past the kernel's own bound of links in a row nothing can be opened. */
	if (node == NULL || node->mode != MODE_SYMLINK || ++*hops > LIMIT_SYMLINK_HOPS)
		return TRUE;
	const char *target = read_target(check, node, error);
	if (target == NULL)
		return FALSE;
	if (*target == '/')
		return refuse(error, FORGE_ERROR_SECURITY_REFUSED, link->path,
			"a symlink to an absolute path");
	g_string_truncate(at, before);
	push_names(names, target);
	return TRUE;
}

static gboolean check_symlink(struct tree_check *check, const struct node *link, GError **error)
{
	const char *name = strrchr(link->path, '/');
	g_autoptr(GString) at = g_string_new(NULL);
	GQueue names = G_QUEUE_INIT;
	unsigned hops = 0;
	gboolean good = TRUE;

	/* git itself refuses to follow it, since programs read it as configuration. */
	if (g_ascii_strcasecmp(name != NULL ? name + 1 : link->path, ".gitmodules") == 0)
		return refuse(error, FORGE_ERROR_SECURITY_REFUSED, link->path,
			"a symlink where git expects a file");
	push_names(&names, link->path);
	while (good && !g_queue_is_empty(&names)) {
		g_autofree char *next = g_queue_pop_head(&names);

		good = walk_name(check, link, next, at, &names, &hops, error);
	}
	g_queue_clear_full(&names, g_free);
	return good;
}

static gboolean check_all(struct tree_check *check, const git_oid *tree, GError **error)
{
	struct node top = {.path = (char *)"", .mode = MODE_TREE, .oid = *tree};

	if (!read_directory(check, &top, error))
		return FALSE;
	while (!g_queue_is_empty(&check->waiting))
		if (!read_directory(check, g_queue_pop_head(&check->waiting), error))
			return FALSE;
	for (guint i = 0; i < check->symlinks->len; i++)
		if (!check_symlink(check, check->symlinks->pdata[i], error))
			return FALSE;
	return TRUE;
}

gboolean tree_safety_check(git_repository *repository, const git_oid *tree,
	const struct tree_limits *limits, GError **error)
{
	struct tree_check check = {.limits = limits != NULL ? *limits : (struct tree_limits){0}};
	gboolean good;

	if (check.limits.blob_bytes_max == 0)
		check.limits.blob_bytes_max = LIMIT_FOLDER_FILE_BYTES;
	if (check.limits.entries_max == 0)
		check.limits.entries_max = LIMIT_FOLDER_ENTRIES;
	if (check.limits.depth_max == 0)
		check.limits.depth_max = LIMIT_TREE_DEPTH;
	if (git_repository_odb(&check.odb, repository) < 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open the object database");
		return FALSE;
	}
	check.nodes = g_hash_table_new_full(hash_string_keyed, g_str_equal, NULL, node_free);
	check.folded = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	check.symlinks = g_ptr_array_new();
	g_queue_init(&check.waiting);
	good = check_all(&check, tree, error);
	g_queue_clear(&check.waiting);
	g_ptr_array_unref(check.symlinks);
	g_hash_table_unref(check.folded);
	g_hash_table_unref(check.nodes);
	git_odb_free(check.odb);
	return good;
}
