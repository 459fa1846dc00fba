/*
 * Which commits are the same change, though they are different commits.
 *
 * Most commits touch other files than most others, so the paths are compared first, which needs
 * trees alone; files are read only of commits whose paths meet. What is hashed are the lines of the
 * patch with their context and without white space, as git does it, so that a commit that upstream
 * took on another line, or indented otherwise, is known again.
 */
#include "worker/fork/patch_identity.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/scope.h"
#include "worker/git/git_library.h"
#include "worker/git/oid_set.h"

/* git's own: a patch id is made of three lines of context. */
#define CONTEXT_LINES 3

/* ---- one commit ---------------------------------------------------------------------------- */

static void hash_text(GChecksum *sum, const char *text)
{
	/* With its end, so that two texts never run into one. */
	g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
}

static void hash_file(GChecksum *sum, const git_diff_delta *delta)
{
	g_autofree char *modes = g_strdup_printf(
		"%o %o", (unsigned)delta->old_file.mode, (unsigned)delta->new_file.mode);

	hash_text(sum, delta->new_file.path);
	hash_text(sum, modes);
}

static int on_file(const git_diff_delta *delta, float progress, void *sum)
{
	(void)progress;
	hash_file(sum, delta);
	return 0;
}

static int on_binary(const git_diff_delta *delta, const git_diff_binary *binary, void *sum)
{
	(void)binary;
	g_checksum_update(sum, delta->old_file.id.id, GIT_OID_RAWSZ);
	g_checksum_update(sum, delta->new_file.id.id, GIT_OID_RAWSZ);
	return 0;
}

static int on_line(const git_diff_delta *delta, const git_diff_hunk *hunk,
	const git_diff_line *line, void *sum)
{
	const guchar origin = (guchar)line->origin;

	(void)delta;
	(void)hunk;
	/* That a file ends without a line feed is white space too. */
	if (origin != GIT_DIFF_LINE_CONTEXT && origin != GIT_DIFF_LINE_ADDITION &&
		origin != GIT_DIFF_LINE_DELETION)
		return 0;
	g_checksum_update(sum, &origin, 1);
	for (size_t i = 0; i < line->content_len; i++)
		if (!g_ascii_isspace(line->content[i]))
			g_checksum_update(sum, (const guchar *)line->content + i, 1);
	return 0;
}

/* What COMMIT changes against its only parent, or against nothing. *DIFF is NULL for a merge. */
static gboolean diff_of(git_repository *git, const git_oid *oid, git_diff **diff, GError **error)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_commit *commit = NULL, *parent = NULL;
	git_tree *old = NULL, *new = NULL;
	int result = git_commit_lookup(&commit, git, oid);
	gboolean is_patch = result == 0 && git_commit_parentcount(commit) <= 1;

	options.flags = GIT_DIFF_INDENT_HEURISTIC;
	options.context_lines = CONTEXT_LINES;
	options.max_size = LIMIT_MERGE_BLOB_BYTES;
	*diff = NULL;
	if (is_patch && git_commit_parentcount(commit) == 1) {
		result = git_commit_parent(&parent, commit, 0);
		if (result == 0)
			result = git_commit_tree(&old, parent);
	}
	if (is_patch && result == 0)
		result = git_commit_tree(&new, commit);
	if (is_patch && result == 0)
		result = git_diff_tree_to_tree(diff, git, old, new, &options);
	if (result != 0)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"what commit %s changes cannot be read", git_oid_tostr_s(oid));
	git_tree_free(new);
	git_tree_free(old);
	git_commit_free(parent);
	git_commit_free(commit);
	return result == 0;
}

/* A key of the files that DIFF is about; caller frees. */
static char *files_key(git_diff *diff)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

	for (size_t i = 0; i < git_diff_num_deltas(diff); i++)
		hash_file(sum, git_diff_get_delta(diff, i));
	return g_strdup(g_checksum_get_string(sum));
}

/* A key of all that DIFF is; caller frees. */
static char *patch_key(git_diff *diff, const git_oid *oid, GError **error)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

	if (git_diff_foreach(diff, on_file, on_binary, NULL, on_line, sum) == 0)
		return g_strdup(g_checksum_get_string(sum));
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
		"what commit %s changes cannot be read", git_oid_tostr_s(oid));
	return NULL;
}

/* ---- two sides ----------------------------------------------------------------------------- */

/* Our commits: by the files they change, and by their whole patch, which is made only for those
 * whose files meet one of theirs. */
struct sides {
	git_repository *git;
	const struct budget *budget;
	GHashTable *by_files; /* key → GArray of git_oid */
	GHashTable *by_patch; /* key → GArray of git_oid */
	GHashTable *hashed;   /* keys of by_files whose commits are in by_patch */
	GHashTable *shared;   /* the answer */
};

static void free_oids(gpointer oids)
{
	g_array_unref(oids);
}

static void sides_clear(struct sides *sides)
{
	g_clear_pointer(&sides->by_files, g_hash_table_unref);
	g_clear_pointer(&sides->by_patch, g_hash_table_unref);
	g_clear_pointer(&sides->hashed, g_hash_table_unref);
	g_clear_pointer(&sides->shared, g_hash_table_unref);
}
SCOPED_VALUE(sides, sides_clear)

static void note(GHashTable *table, char *take_key, const git_oid *oid)
{
	GArray *oids = g_hash_table_lookup(table, take_key);

	if (!oids) {
		oids = g_array_new(FALSE, FALSE, sizeof(git_oid));
		g_hash_table_insert(table, take_key, oids);
	} else {
		g_free(take_key);
	}
	g_array_append_vals(oids, oid, 1);
}

static gboolean add_ours(struct sides *sides, const git_oid *oid, GError **error)
{
	git_diff *diff;

	if (!budget_check(sides->budget, error) || !diff_of(sides->git, oid, &diff, error))
		return FALSE;
	if (diff && git_diff_num_deltas(diff) > 0)
		note(sides->by_files, files_key(diff), oid);
	git_diff_free(diff);
	return TRUE;
}

/* Puts our commits that change the files of KEY into by_patch. */
static gboolean hash_ours(struct sides *sides, const char *key, GError **error)
{
	const GArray *oids = g_hash_table_lookup(sides->by_files, key);

	if (!g_hash_table_add(sides->hashed, g_strdup(key)))
		return TRUE;
	for (guint i = 0; i < oids->len; i++) {
		const git_oid *oid = &g_array_index(oids, git_oid, i);
		git_diff *diff;
		char *patch;

		if (!budget_check(sides->budget, error) || !diff_of(sides->git, oid, &diff, error))
			return FALSE;
		patch = patch_key(diff, oid, error);
		git_diff_free(diff);
		if (!patch)
			return FALSE;
		note(sides->by_patch, patch, oid);
	}
	return TRUE;
}

/* Looks for DIFF, of their commit OID, among ours. */
static gboolean match_diff(struct sides *sides, git_diff *diff, const git_oid *oid, GError **error)
{
	g_autofree char *files = files_key(diff);
	g_autofree char *patch = NULL;
	const GArray *same;

	if (!g_hash_table_contains(sides->by_files, files))
		return TRUE;
	if (!hash_ours(sides, files, error))
		return FALSE;
	patch = patch_key(diff, oid, error);
	if (!patch)
		return FALSE;
	same = g_hash_table_lookup(sides->by_patch, patch);
	for (guint i = 0; same && i < same->len; i++)
		oid_set_add(sides->shared, &g_array_index(same, git_oid, i));
	return TRUE;
}

static gboolean match_theirs(struct sides *sides, const git_oid *oid, GError **error)
{
	git_diff *diff;
	gboolean done;

	if (!budget_check(sides->budget, error) || !diff_of(sides->git, oid, &diff, error))
		return FALSE;
	done = !diff || git_diff_num_deltas(diff) == 0 || match_diff(sides, diff, oid, error);
	git_diff_free(diff);
	return done;
}

GHashTable *patch_identity_shared(git_repository *git, GHashTable *ours, GHashTable *theirs,
	const struct budget *budget, GError **error)
{
	scoped_value(sides) sides = {
		.git = git,
		.budget = budget,
		.by_files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_oids),
		.by_patch = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_oids),
		.hashed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.shared = oid_set_new(),
	};
	GHashTableIter iterator;
	gpointer oid;

	g_hash_table_iter_init(&iterator, ours);
	while (g_hash_table_iter_next(&iterator, &oid, NULL))
		if (!add_ours(&sides, oid, error))
			return NULL;
	g_hash_table_iter_init(&iterator, theirs);
	while (g_hash_table_size(sides.by_files) > 0 &&
		g_hash_table_iter_next(&iterator, &oid, NULL))
		if (!match_theirs(&sides, oid, error))
			return NULL;
	return g_steal_pointer(&sides.shared);
}
