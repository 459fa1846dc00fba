/*
 * Rebasing without a work tree: each commit's change is merged into what the ones before it came to.
 *
 * A commit is replayed by one merge of three trees: its parent's as the base, the tree so far as
 * ours, its own as theirs. New commits are written as text, not through libgit2's signatures, so
 * that an author's line, a message in another encoding, or one with odd bytes stays as it is.
 *
 * Order and choice are those of git's sequencer (sequencer_make_script(), revision.c). What git can
 * do besides is left out: nothing is squashed, no merge is made again.
 */
#include "worker/fork/commit_replay.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/fork/patch_identity.h"
#include "worker/git/commit_graph.h"
#include "worker/git/git_library.h"
#include "worker/git/oid_set.h"

void commit_replay_clear(struct commit_replay *replay)
{
	g_clear_pointer(&replay->subject, g_free);
	g_clear_pointer(&replay->conflicts, g_ptr_array_unref);
}

struct replaying {
	git_repository *git;
	git_odb *odb;
	struct commit_graph *graph;
	struct tree_merger *merger;
	const git_signature *committer;
	const struct budget *budget;
	struct commit_replay *replay;
	git_oid tree; /* of the tip so far */
};

static void replaying_clear(struct replaying *replaying)
{
	tree_merger_free(replaying->merger);
	commit_graph_free(replaying->graph);
	git_odb_free(replaying->odb);
}
SCOPED_VALUE(replaying, replaying_clear)

/* ---- which commits, in which order -------------------------------------------------------- */

/* How many of OWN are children of each. */
static GHashTable *count_children(struct commit_graph *graph, GHashTable *own, GError **error)
{
	g_autoptr(GHashTable) children = oid_map_new();
	GHashTableIter iterator;
	gpointer oid;

	g_hash_table_iter_init(&iterator, own);
	while (g_hash_table_iter_next(&iterator, &oid, NULL)) {
		g_autoptr(GArray) parents = commit_graph_parents(graph, oid, error);

		if (!parents)
			return NULL;
		for (guint i = 0; i < parents->len; i++) {
			const git_oid *parent = &g_array_index(parents, git_oid, i);

			oid_map_set(children, parent, oid_map_get(children, parent) + 1);
		}
	}
	return g_steal_pointer(&children);
}

/*
 * OWN, parents before children, as `git rev-list --topo-order --reverse` lists them: from TIP
 * backwards, of a merge's parents the last one's line first. Of git_oid; caller unrefs.
 */
static GArray *sort_own(
	struct commit_graph *graph, GHashTable *own, const git_oid *tip, GError **error)
{
	g_autoptr(GHashTable) children = count_children(graph, own, error);
	g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(git_oid));
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(git_oid));
	GArray *sorted;

	if (!children)
		return NULL;
	g_array_append_vals(waiting, tip, 1);
	while (waiting->len > 0) {
		git_oid next = g_array_index(waiting, git_oid, waiting->len - 1);
		g_autoptr(GArray) parents = commit_graph_parents(graph, &next, error);

		if (!parents)
			return NULL;
		g_array_set_size(waiting, waiting->len - 1);
		g_array_append_val(found, next);
		for (guint i = 0; i < parents->len; i++) {
			const git_oid *parent = &g_array_index(parents, git_oid, i);
			gint left = oid_map_get(children, parent) - 1;

			oid_map_set(children, parent, left);
			if (left == 0 && oid_set_has(own, parent))
				g_array_append_vals(waiting, parent, 1);
		}
	}
	sorted = g_array_sized_new(FALSE, FALSE, sizeof(git_oid), found->len);
	for (guint i = found->len; i-- > 0;)
		g_array_append_val(sorted, g_array_index(found, git_oid, i));
	return sorted;
}

/* The commits that TO reaches and FROM does not. NULL with TOO_LARGE past COMMITS_MAX. */
static GHashTable *beyond(struct commit_graph *graph, const git_oid *from, const git_oid *to,
	guint commits_max, const char *whose, GError **error)
{
	gboolean descends, related;
	g_autoptr(GHashTable) commits = commit_graph_beyond(
		graph, from, to, LIMIT_HISTORY_COMMITS, &descends, &related, error);

	if (!commits || g_hash_table_size(commits) <= commits_max)
		return g_steal_pointer(&commits);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
		"%s %u commits that the other lacks; at most %u can be looked at for a rebase, so "
		"use --strategy merge",
		whose, g_hash_table_size(commits), commits_max);
	return NULL;
}

static gboolean is_merge(
	struct commit_graph *graph, const git_oid *oid, gboolean *merge, GError **error)
{
	g_autoptr(GArray) parents = commit_graph_parents(graph, oid, error);

	*merge = parents && parents->len > 1;
	return parents != NULL;
}

/* Takes merges and what upstream has already out of COMMITS. */
static gboolean leave_out(
	struct replaying *replaying, GArray *commits, GHashTable *taken, GError **error)
{
	guint kept = 0;

	for (guint i = 0; i < commits->len; i++) {
		const git_oid oid = g_array_index(commits, git_oid, i);
		gboolean merge;

		if (!is_merge(replaying->graph, &oid, &merge, error))
			return FALSE;
		if (!merge && !oid_set_has(taken, &oid))
			g_array_index(commits, git_oid, kept++) = oid;
	}
	g_array_set_size(commits, kept);
	return TRUE;
}

/* What is to be replayed, oldest first; caller unrefs. */
static GArray *plan(
	struct replaying *replaying, const git_oid *tip, const git_oid *onto, GError **error)
{
	g_autoptr(GHashTable) own = NULL;
	g_autoptr(GHashTable) theirs = NULL;
	g_autoptr(GHashTable) taken = NULL;
	g_autoptr(GArray) commits = NULL;

	own = beyond(replaying->graph, onto, tip, LIMIT_REPLAYED_COMMITS, "the fork has", error);
	if (!own)
		return NULL;
	theirs = beyond(
		replaying->graph, tip, onto, LIMIT_REPLAY_UPSTREAM_COMMITS, "upstream has", error);
	if (!theirs)
		return NULL;
	taken = patch_identity_shared(replaying->git, own, theirs, replaying->budget, error);
	if (!taken)
		return NULL;
	commits = sort_own(replaying->graph, own, tip, error);
	if (!commits || !leave_out(replaying, commits, taken, error))
		return NULL;
	return g_steal_pointer(&commits);
}

/* ---- commits as text ---------------------------------------------------------------------- */

/* The line of the headers TEXT (up to END) that begins with NAME and a space: its value, *LENGTH
 * bytes, borrowed; NULL if there is none. */
static const char *find_header(const char *text, const char *end, const char *name, size_t *length)
{
	size_t name_length = strlen(name);

	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));
		const char *stop = line_end ? line_end : end;

		if ((size_t)(stop - text) > name_length && memcmp(text, name, name_length) == 0 &&
			text[name_length] == ' ') {
			*length = (size_t)(stop - text) - name_length - 1;
			return text + name_length + 1;
		}
		text = stop + 1;
	}
	return NULL;
}

/* The committer's name in the encoding that the commit says it has; in UTF-8 where that has no such
 * letters. Caller frees. */
static char *committer_name(const git_signature *committer, const char *encoding, size_t length)
{
	g_autofree char *charset = encoding ? g_strndup(encoding, length) : NULL;
	char *converted = charset
		? g_convert(committer->name, -1, charset, "UTF-8", NULL, NULL, NULL)
		: NULL;

	/* It is to stand on one line, between other words. */
	if (converted && !strpbrk(converted, "<>\n"))
		return converted;
	g_free(converted);
	return g_strdup(committer->name);
}

/* The original commit OLD, SIZE bytes, once more with TREE and PARENT. NULL if it is malformed.
 * Caller frees. */
static GString *rewrite(const char *old, size_t size, const git_oid *tree, const git_oid *parent,
	const git_signature *committer)
{
	const char *message = memmem(old, size, "\n\n", 2);
	const char *end = message ? message + 1 : old + size;
	size_t author_length, encoding_length = 0;
	const char *author = find_header(old, end, "author", &author_length);
	const char *encoding = find_header(old, end, "encoding", &encoding_length);
	g_autofree char *name = committer_name(committer, encoding, encoding_length);
	GString *text;

	if (!author)
		return NULL;
	text = g_string_new(NULL);
	g_string_append_printf(text, "tree %s\n", git_oid_tostr_s(tree));
	g_string_append_printf(text, "parent %s\n", git_oid_tostr_s(parent));
	g_string_append(text, "author ");
	g_string_append_len(text, author, (gssize)author_length);
	g_string_append_printf(text, "\ncommitter %s <%s> %" G_GINT64_FORMAT " +0000\n", name,
		committer->email, (gint64)committer->when.time);
	if (encoding) {
		g_string_append(text, "encoding ");
		g_string_append_len(text, encoding, (gssize)encoding_length);
		g_string_append_c(text, '\n');
	}
	g_string_append_len(text, end, (gssize)(old + size - end));
	return text;
}

/* Makes the commit of TREE that stands for OID on the tip so far, and moves the tip to it. */
static gboolean make_commit(
	struct replaying *replaying, const git_oid *oid, const git_oid *tree, GError **error)
{
	struct commit_replay *replay = replaying->replay;
	git_odb_object *old = NULL;
	g_autoptr(GString) text = NULL;
	git_oid made;
	int result = git_odb_read(&old, replaying->odb, oid);

	if (result == 0) {
		text = rewrite(git_odb_object_data(old), git_odb_object_size(old), tree,
			&replay->tip, replaying->committer);
		git_odb_object_free(old);
	}
	if (result == 0 && !text) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"commit %s has no author", git_oid_tostr_s(oid));
		return FALSE;
	}
	if (result != 0 ||
		git_odb_write(&made, replaying->odb, text->str, text->len, GIT_OBJECT_COMMIT) !=
			0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"commit %s cannot be made anew", git_oid_tostr_s(oid));
		return FALSE;
	}
	replay->tip = made;
	replay->replayed++;
	replaying->tree = *tree;
	return TRUE;
}

/* ---- replaying ---------------------------------------------------------------------------- */

/* The tree of the parent of OID; the empty one for a root. */
static gboolean parent_tree(
	struct replaying *replaying, const git_oid *oid, git_oid *tree, GError **error)
{
	g_autoptr(GArray) parents = commit_graph_parents(replaying->graph, oid, error);

	if (!parents)
		return FALSE;
	if (parents->len > 0)
		return commit_graph_tree(
			replaying->graph, &g_array_index(parents, git_oid, 0), tree, error);
	if (git_odb_write(tree, replaying->odb, "", 0, GIT_OBJECT_TREE) == 0)
		return TRUE;
	git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "the empty tree cannot be made");
	return FALSE;
}

static gboolean note_conflict(
	struct replaying *replaying, const git_oid *oid, struct tree_merge *merge, GError **error)
{
	struct commit_replay *replay = replaying->replay;
	git_commit *commit = NULL;
	const char *subject;

	if (git_commit_lookup(&commit, replaying->git, oid) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "commit %s cannot be read",
			git_oid_tostr_s(oid));
		return FALSE;
	}
	subject = git_commit_summary(commit);
	replay->subject = g_utf8_make_valid(subject ? subject : "", -1);
	replay->conflicting = *oid;
	replay->conflicts = g_steal_pointer(&merge->conflicts);
	git_commit_free(commit);
	return TRUE;
}

/* Replays OID on the tip so far; a conflict is noted. */
static gboolean replay_one(struct replaying *replaying, const git_oid *oid, GError **error)
{
	scoped_value(tree_merge) merge = {0};
	git_oid trees[MERGE_STAGES];

	if (!parent_tree(replaying, oid, &trees[MERGE_STAGE_BASE], error) ||
		!commit_graph_tree(replaying->graph, oid, &trees[MERGE_STAGE_THEIRS], error))
		return FALSE;
	trees[MERGE_STAGE_OURS] = replaying->tree;
	if (git_oid_equal(&trees[MERGE_STAGE_BASE], &trees[MERGE_STAGE_THEIRS]))
		return make_commit(replaying, oid, &replaying->tree, error);
	if (!tree_merger_replay(replaying->merger, trees, &merge, error))
		return FALSE;
	if (!merge.clean)
		return note_conflict(replaying, oid, &merge, error);
	/* All it did is there already. */
	if (git_oid_equal(&merge.tree, &replaying->tree))
		return TRUE;
	return make_commit(replaying, oid, &merge.tree, error);
}

static gboolean replay_all(struct replaying *replaying, const GArray *commits, GError **error)
{
	for (guint i = 0; i < commits->len && !replaying->replay->conflicts; i++) {
		const git_oid *oid = &g_array_index(commits, git_oid, i);

		if (!budget_check(replaying->budget, error))
			return FALSE;
		if (!replay_one(replaying, oid, error)) {
			g_prefix_error(error, "replaying commit %s: ", git_oid_tostr_s(oid));
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean begin(struct replaying *replaying, const git_oid *onto, GError **error)
{
	if (git_repository_odb(&replaying->odb, replaying->git) != 0) {
		git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "no objects");
		return FALSE;
	}
	replaying->graph = commit_graph_new(replaying->git, error);
	if (!replaying->graph)
		return FALSE;
	replaying->merger = tree_merger_new(replaying->git, error);
	return replaying->merger &&
		commit_graph_tree(replaying->graph, onto, &replaying->tree, error);
}

gboolean commit_replay(git_repository *git, const git_oid *tip, const git_oid *onto,
	const git_signature *committer, const struct budget *budget, struct commit_replay *replay,
	GError **error)
{
	scoped_value(commit_replay) result = {.tip = *onto};
	scoped_value(replaying) replaying = {
		.git = git, .committer = committer, .budget = budget, .replay = &result};
	g_autoptr(GArray) commits = NULL;

	if (!begin(&replaying, onto, error))
		return FALSE;
	commits = plan(&replaying, tip, onto, error);
	if (!commits)
		return FALSE;
	result.planned = commits->len;
	if (!replay_all(&replaying, commits, error))
		return FALSE;
	*replay = result;
	result = (struct commit_replay){0};
	return TRUE;
}
