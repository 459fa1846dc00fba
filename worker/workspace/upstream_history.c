/*
 * What upstream's repository says of one folder: its tree at a commit, and how many commits touched
 * it.
 *
 * Counting follows git's default simplification (gitrevisions, "History Simplification"): a commit
 * counts if what stands at the path differs from its parents'; a merge that agrees with one of its
 * parents leads to that parent alone. Parents outside FROM..TO do not count, except FROM itself.
 * Only ids are compared, and each directory on the way is read once however many commits share it.
 */
#include "worker/workspace/upstream_history.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/commit_graph.h"
#include "worker/git/git_library.h"
#include "worker/git/oid_set.h"

#define EMPTY_TREE "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

gboolean upstream_path_is_valid(const char *path)
{
	const char *name = path;

	if (*path == '\0')
		return TRUE;
	if (strlen(path) >= LIMIT_PATH_BYTES)
		return FALSE;
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return FALSE;
	for (;;) {
		size_t size = strcspn(name, "/");

		if (size == 0 || (size == 1 && name[0] == '.') ||
			(size == 2 && name[0] == '.' && name[1] == '.') ||
			(size == 4 && g_ascii_strncasecmp(name, ".git", size) == 0))
			return FALSE;
		if (name[size] == '\0')
			return TRUE;
		name += size + 1;
	}
}

/* What stands at a path; mode 0: nothing. */
struct found_entry {
	uint32_t mode;
	git_oid oid;
};

/* Looks one path up in many trees. */
struct path_reader {
	git_repository *repository;
	char **names; /* of the path */
	guint n_names;
	GHashTable **known; /* for each name: tree (git_oid) → struct found_entry */
};

static gboolean path_reader_init(
	struct path_reader *reader, git_repository *repository, const char *path, GError **error)
{
	if (!upstream_path_is_valid(path)) {
		g_autofree char *shown = g_strescape(path, NULL);

		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%.300s' is no folder's path in a repository", shown);
		return FALSE;
	}
	reader->repository = repository;
	reader->names = g_strsplit(path, "/", -1);
	reader->n_names = g_strv_length(reader->names);
	reader->known = g_new(GHashTable *, reader->n_names + 1);
	for (guint i = 0; i < reader->n_names; i++)
		reader->known[i] = oid_map_of(g_free);
	return TRUE;
}

static void path_reader_clear(struct path_reader *reader)
{
	for (guint i = 0; i < reader->n_names; i++)
		g_hash_table_unref(reader->known[i]);
	g_free(reader->known);
	g_strfreev(reader->names);
}
SCOPED_VALUE(path_reader, path_reader_clear)

/* What TREE has under the path's name number AT. */
static const struct found_entry *read_name(
	struct path_reader *reader, const git_oid *tree_oid, guint at, GError **error)
{
	struct found_entry *found = g_hash_table_lookup(reader->known[at], tree_oid);
	const git_tree_entry *entry;
	git_tree *tree = NULL;

	if (found)
		return found;
	if (git_tree_lookup(&tree, reader->repository, tree_oid) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot read the tree %s",
			git_oid_tostr_s(tree_oid));
		return NULL;
	}
	found = g_new0(struct found_entry, 1);
	entry = git_tree_entry_byname(tree, reader->names[at]);
	if (entry) {
		found->mode = git_tree_entry_filemode(entry);
		found->oid = *git_tree_entry_id(entry);
	}
	git_tree_free(tree);
	g_hash_table_insert(reader->known[at], g_memdup2(tree_oid, sizeof(*tree_oid)), found);
	return found;
}

/* What ROOT has at the path. *DEPTH is how many names were found. */
static gboolean read_path(struct path_reader *reader, const git_oid *root,
	struct found_entry *entry, guint *depth, GError **error)
{
	*entry = (struct found_entry){GIT_FILEMODE_TREE, *root};
	for (*depth = 0; *depth < reader->n_names; ++*depth) {
		const struct found_entry *next;

		if (entry->mode != GIT_FILEMODE_TREE)
			return TRUE;
		next = read_name(reader, &entry->oid, *depth, error);
		if (!next)
			return FALSE;
		*entry = *next;
		if (entry->mode == 0)
			return TRUE;
	}
	return TRUE;
}

gboolean upstream_history_tree_at(git_repository *repository, const git_oid *commit,
	const char *path, enum folder_presence *presence, git_oid *tree, GError **error)
{
	scoped_value(path_reader) reader = {0};
	scoped(commit_graph) graph = NULL;
	struct found_entry entry;
	git_oid root;
	guint depth;

	if (!path_reader_init(&reader, repository, path, error))
		return FALSE;
	graph = commit_graph_new(repository, error);
	if (!graph || !commit_graph_tree(graph, commit, &root, error) ||
		!read_path(&reader, &root, &entry, &depth, error))
		return FALSE;
	*tree = (git_oid){{0}};
	if (entry.mode == 0)
		*presence = FOLDER_ABSENT;
	else if (entry.mode != GIT_FILEMODE_TREE)
		*presence = FOLDER_IS_NONE;
	else
		*presence = FOLDER_PRESENT;
	if (*presence == FOLDER_PRESENT)
		*tree = entry.oid;
	return TRUE;
}

/* ---- counting ----------------------------------------------------------------------------- */

struct counting {
	struct commit_graph *graph;
	struct path_reader reader;
	const git_oid *from;
	GHashTable *beyond;  /* set of the commits of FROM..TO */
	GHashTable *visited; /* set */
	GArray *waiting;     /* of git_oid */
};

/* What COMMIT has at the path, but nothing where the way there ends in a file, or for a folder
 * without files. */
static gboolean entry_of(
	struct counting *counting, const git_oid *commit, struct found_entry *entry, GError **error)
{
	git_oid root, empty;
	guint depth;

	if (!commit_graph_tree(counting->graph, commit, &root, error) ||
		!read_path(&counting->reader, &root, entry, &depth, error))
		return FALSE;
	git_oid_fromstr(&empty, EMPTY_TREE);
	if (depth < counting->reader.n_names ||
		(entry->mode == GIT_FILEMODE_TREE && git_oid_equal(&entry->oid, &empty)))
		*entry = (struct found_entry){0};
	return TRUE;
}

static gboolean entries_equal(const struct found_entry *a, const struct found_entry *b)
{
	return a->mode == b->mode && git_oid_equal(&a->oid, &b->oid);
}

static void visit_later(struct counting *counting, const git_oid *commit)
{
	if (oid_set_has(counting->beyond, commit) && oid_set_add(counting->visited, commit))
		g_array_append_val(counting->waiting, *commit);
}

/* Looks at COMMIT: *COUNTS if it touches the path; what it leads to waits. */
static gboolean visit(
	struct counting *counting, const git_oid *commit, gboolean *counts, GError **error)
{
	g_autoptr(GArray) parents = commit_graph_parents(counting->graph, commit, error);
	struct found_entry own, other;
	gboolean relevant_parents = FALSE, relevant_change = FALSE, other_change = FALSE;

	if (!parents || !entry_of(counting, commit, &own, error))
		return FALSE;
	if (parents->len == 0) {
		*counts = own.mode != 0;
		return TRUE;
	}
	for (guint i = 0; i < parents->len; i++) {
		const git_oid *parent = &g_array_index(parents, git_oid, i);
		gboolean relevant = oid_set_has(counting->beyond, parent) ||
			git_oid_equal(parent, counting->from);

		relevant_parents = relevant_parents || relevant;
		if (!entry_of(counting, parent, &other, error))
			return FALSE;
		if (!entries_equal(&own, &other)) {
			relevant_change = relevant_change || relevant;
			other_change = other_change || !relevant;
		} else if (relevant) {
			*counts = FALSE;
			visit_later(counting, parent);
			return TRUE;
		}
	}
	*counts = relevant_parents ? relevant_change : other_change;
	for (guint i = 0; i < parents->len; i++)
		visit_later(counting, &g_array_index(parents, git_oid, i));
	return TRUE;
}

static gboolean count_visits(struct counting *counting, const git_oid *to, uint32_t limit,
	struct history_count *count, GError **error)
{
	visit_later(counting, to);
	while (counting->waiting->len > 0 && count->exact) {
		git_oid commit = g_array_index(
			counting->waiting, git_oid, counting->waiting->len - 1);
		gboolean counts;

		g_array_set_size(counting->waiting, counting->waiting->len - 1);
		if (!visit(counting, &commit, &counts, error))
			return FALSE;
		if (counts && count->behind == limit)
			count->exact = FALSE;
		else if (counts)
			count->behind++;
		if (g_hash_table_size(counting->visited) > LIMIT_HISTORY_PATHS)
			count->exact = FALSE;
	}
	return TRUE;
}

gboolean upstream_history_count(git_repository *repository, const git_oid *from, const git_oid *to,
	const char *path, uint32_t limit, struct history_count *count, GError **error)
{
	scoped_value(path_reader) reader = {0};
	scoped(commit_graph) graph = commit_graph_new(repository, error);
	g_autoptr(GHashTable) beyond = NULL;
	g_autoptr(GHashTable) visited = oid_set_new();
	g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(git_oid));
	struct history_count result = {HISTORY_REWRITTEN, 0, TRUE};
	gboolean descends, related;

	if (!graph || !path_reader_init(&reader, repository, path, error))
		return FALSE;
	beyond = commit_graph_beyond(
		graph, from, to, LIMIT_HISTORY_COMMITS, &descends, &related, error);
	if (!beyond)
		return FALSE;
	if (git_oid_equal(from, to))
		result.relation = HISTORY_SAME;
	else if (descends)
		result.relation = HISTORY_FORWARD;
	else if (!related)
		result.relation = HISTORY_UNRELATED;
	struct counting counting = {graph, reader, from, beyond, visited, waiting};
	if (limit == 0)
		result.exact = g_hash_table_size(beyond) == 0;
	else if (!count_visits(&counting, to, limit, &result, error))
		return FALSE;
	*count = result;
	return TRUE;
}
