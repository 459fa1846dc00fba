/*
 * Merge bases.
 *
 * Both sides' histories are painted backwards, latest commits first. A commit that has both paints
 * is a base, and what is behind it is stale; the walk ends when nothing but stale commits is
 * waiting. Dates can lie, so what was found is checked pair by pair for ancestors of each other.
 * This is git's algorithm with git's order. libgit2 has it too, but looks through all that is
 * waiting at each step and reads its commits anew for each question.
 */
#include "worker/git/commit_graph.h"

#include <string.h>

#include "journal/base/errors.h"
#include "worker/git/object_stage.h"
#include "worker/git/oid_set.h"

enum commit_paint {
	PAINT_OURS = 1 << 0,
	PAINT_THEIRS = 1 << 1,
	PAINT_STALE = 1 << 2,
	PAINT_FOUND = 1 << 3,
};

#define PAINT_BOTH ((unsigned)PAINT_OURS | (unsigned)PAINT_THEIRS)

struct commit {
	git_oid oid;
	git_oid tree;
	int64_t time;
	gboolean loaded;
	struct commit **parents;
	size_t n_parents;
	unsigned paint;
	unsigned waiting; /**< how often it is in the queue */
};

struct commit_graph {
	git_odb *odb;
	GHashTable *commits; /**< git_oid, inside the value → struct commit */
	GPtrArray *painted;  /**< of struct commit: those whose paint is not 0 */
};

/** A painting in progress. */
struct painting {
	struct commit_graph *graph;
	GSequence *queue; /**< of struct waiting */
	uint64_t n_queued;
	size_t n_fresh; /**< entries of the queue that are not stale */
	size_t painted_max;
	GPtrArray *found; /**< of struct commit, in the order of discovery */
};

struct waiting {
	struct commit *commit;
	uint64_t order;
};

static guint commit_hash(gconstpointer key)
{
	guint hash;

	memcpy(&hash, ((const git_oid *)key)->id, sizeof(hash));
	return hash;
}

static gboolean commit_equal(gconstpointer a, gconstpointer b)
{
	return git_oid_equal(a, b);
}

static void commit_free(gpointer pointer)
{
	struct commit *commit = pointer;

	g_free(commit->parents);
	g_free(commit);
}

struct commit_graph *commit_graph_new(git_repository *repository, GError **error)
{
	git_odb *odb;

	if (git_repository_odb(&odb, repository) < 0) {
		object_stage_set_error(error, "cannot open the object database");
		return NULL;
	}
	struct commit_graph *graph = g_new(struct commit_graph, 1);
	graph->odb = odb;
	graph->commits = g_hash_table_new_full(commit_hash, commit_equal, NULL, commit_free);
	graph->painted = g_ptr_array_new();
	return graph;
}

void commit_graph_free(struct commit_graph *graph)
{
	if (graph == NULL)
		return;
	g_ptr_array_unref(graph->painted);
	g_hash_table_unref(graph->commits);
	git_odb_free(graph->odb);
	g_free(graph);
}

static struct commit *commit_of(struct commit_graph *graph, const git_oid *oid)
{
	struct commit *commit = g_hash_table_lookup(graph->commits, oid);

	if (commit == NULL) {
		commit = g_new0(struct commit, 1);
		commit->oid = *oid;
		g_hash_table_insert(graph->commits, &commit->oid, commit);
	}
	return commit;
}

/** Reads `NAME ID\n` at *AT. */
static gboolean take_id(const char **at, const char *end, const char *name, git_oid *oid)
{
	size_t length = strlen(name);

	if ((size_t)(end - *at) < length + GIT_OID_HEXSZ + 1 || memcmp(*at, name, length) != 0 ||
		(*at)[length + GIT_OID_HEXSZ] != '\n' ||
		git_oid_fromstrn(oid, *at + length, GIT_OID_HEXSZ) < 0)
		return FALSE;
	*at += length + GIT_OID_HEXSZ + 1;
	return TRUE;
}

/** The committer's time in the headers after the parents; 0 if it cannot be made out, as for git.
 */
static int64_t parse_time(const char *at, const char *end)
{
	const char *author_end = memchr(at, '\n', (size_t)(end - at));
	const char *committer = author_end != NULL ? author_end + 1 : end;
	const char *line_end = memchr(committer, '\n', (size_t)(end - committer));
	const char *mail_end = line_end != NULL
		? memrchr(committer, '>', (size_t)(line_end - committer))
		: NULL;

	if (mail_end == NULL || line_end - committer < 10 ||
		memcmp(committer, "committer ", 10) != 0)
		return 0;
	/* The line ends in a line feed, so the number ends before it. */
	return (int64_t)MIN(g_ascii_strtoull(mail_end + 1, NULL, 10), (guint64)G_MAXINT64);
}

static gboolean commit_parse(
	struct commit_graph *graph, struct commit *commit, const char *content, size_t size)
{
	const char *at = content;
	const char *end = content + size;
	g_autoptr(GPtrArray) parents = g_ptr_array_new();
	git_oid parent;

	if (!take_id(&at, end, "tree ", &commit->tree))
		return FALSE;
	while (take_id(&at, end, "parent ", &parent))
		g_ptr_array_add(parents, commit_of(graph, &parent));
	commit->time = parse_time(at, end);
	commit->n_parents = parents->len;
	commit->parents = g_new(struct commit *, parents->len);
	for (guint i = 0; i < parents->len; i++)
		commit->parents[i] = parents->pdata[i];
	commit->loaded = TRUE;
	return TRUE;
}

static gboolean commit_load(struct commit_graph *graph, struct commit *commit, GError **error)
{
	git_odb_object *object;
	gboolean ok;

	if (commit->loaded)
		return TRUE;
	if (git_odb_read(&object, graph->odb, &commit->oid) < 0) {
		object_stage_set_error(error, "cannot read a commit");
		return FALSE;
	}
	ok = git_odb_object_type(object) == GIT_OBJECT_COMMIT &&
		commit_parse(
			graph, commit, git_odb_object_data(object), git_odb_object_size(object));
	git_odb_object_free(object);
	if (!ok)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"object %s is no commit", git_oid_tostr_s(&commit->oid));
	return ok;
}

gboolean commit_graph_tree(
	struct commit_graph *graph, const git_oid *oid, git_oid *tree, GError **error)
{
	struct commit *commit = commit_of(graph, oid);

	if (!commit_load(graph, commit, error))
		return FALSE;
	*tree = commit->tree;
	return TRUE;
}

/** Latest first; of equal times, the one that came first. */
static gint compare_waiting(gconstpointer a, gconstpointer b, gpointer unused)
{
	const struct waiting *one = a, *two = b;

	(void)unused;
	if (one->commit->time != two->commit->time)
		return one->commit->time > two->commit->time ? -1 : 1;
	return one->order < two->order ? -1 : 1;
}

static gboolean paint_commit(
	struct painting *painting, struct commit *commit, unsigned paint, GError **error)
{
	struct waiting *waiting;

	if (painting->graph->painted->len > painting->painted_max) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"more than %zu commits lie between", painting->painted_max);
		return FALSE;
	}
	if (!commit_load(painting->graph, commit, error))
		return FALSE;
	if ((paint & PAINT_STALE) != 0 && (commit->paint & PAINT_STALE) == 0)
		painting->n_fresh -= commit->waiting;
	if (commit->paint == 0)
		g_ptr_array_add(painting->graph->painted, commit);
	commit->paint |= paint;
	commit->waiting++;
	painting->n_fresh += (commit->paint & PAINT_STALE) == 0;
	waiting = g_new(struct waiting, 1);
	waiting->commit = commit;
	waiting->order = painting->n_queued++;
	g_sequence_insert_sorted(painting->queue, waiting, compare_waiting, NULL);
	return TRUE;
}

/** Takes the latest commit off the queue and paints its parents. */
static gboolean paint_next(struct painting *painting, GError **error)
{
	GSequenceIter *first = g_sequence_get_begin_iter(painting->queue);
	struct commit *commit = ((struct waiting *)g_sequence_get(first))->commit;
	unsigned paint = commit->paint & (PAINT_BOTH | (unsigned)PAINT_STALE);

	g_sequence_remove(first);
	commit->waiting--;
	painting->n_fresh -= (commit->paint & PAINT_STALE) == 0;
	if (paint == PAINT_BOTH) {
		if ((commit->paint & PAINT_FOUND) == 0)
			g_ptr_array_add(painting->found, commit);
		commit->paint |= PAINT_FOUND;
		paint |= PAINT_STALE;
	}
	for (size_t i = 0; i < commit->n_parents; i++)
		if ((commit->parents[i]->paint & paint) != paint &&
			!paint_commit(painting, commit->parents[i], paint, error))
			return FALSE;
	return TRUE;
}

static void forget_paint(struct commit_graph *graph)
{
	for (guint i = 0; i < graph->painted->len; i++) {
		struct commit *commit = graph->painted->pdata[i];
		commit->paint = commit->waiting = 0;
	}
	g_ptr_array_set_size(graph->painted, 0);
}

/** Paints from OURS and THEIRS; FOUND are the commits that got both paints, in the order of
 * discovery. */
static gboolean paint_down(struct commit_graph *graph, struct commit *const *ours, size_t n_ours,
	struct commit *const *theirs, size_t n_theirs, size_t painted_max, GPtrArray *found,
	GError **error)
{
	struct painting painting = {.graph = graph,
		.queue = g_sequence_new(g_free),
		.painted_max = painted_max,
		.found = found};
	gboolean ok = TRUE;

	forget_paint(graph);
	for (size_t i = 0; i < n_ours && ok; i++)
		ok = paint_commit(&painting, ours[i], PAINT_OURS, error);
	for (size_t i = 0; i < n_theirs && ok; i++)
		ok = paint_commit(&painting, theirs[i], PAINT_THEIRS, error);
	while (ok && painting.n_fresh > 0)
		ok = paint_next(&painting, error);
	g_sequence_free(painting.queue);
	return ok;
}

static gint compare_by_time(gconstpointer a, gconstpointer b)
{
	const struct commit *one = *(const struct commit *const *)a;
	const struct commit *two = *(const struct commit *const *)b;

	return one->time > two->time ? -1 : one->time < two->time;
}

/** Takes out of FOUND whatever is an ancestor of another. */
static gboolean remove_ancestors(struct commit_graph *graph, GPtrArray *found, GError **error)
{
	g_autoptr(GHashTable) behind = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < found->len; i++) {
		g_autoptr(GPtrArray) others = g_ptr_array_new();
		g_autoptr(GPtrArray) common = g_ptr_array_new();
		struct commit *one = found->pdata[i];
		for (guint j = 0; j < found->len; j++)
			if (j != i && !g_hash_table_contains(behind, found->pdata[j]))
				g_ptr_array_add(others, found->pdata[j]);
		if (g_hash_table_contains(behind, one))
			continue;
		if (!paint_down(graph, &one, 1, (struct commit *const *)others->pdata, others->len,
			    SIZE_MAX, common, error))
			return FALSE;
		if ((one->paint & PAINT_THEIRS) != 0)
			g_hash_table_add(behind, one);
		for (guint j = 0; j < others->len; j++)
			if ((((struct commit *)others->pdata[j])->paint & PAINT_OURS) != 0)
				g_hash_table_add(behind, others->pdata[j]);
	}
	for (guint i = found->len; i-- > 0;)
		if (g_hash_table_contains(behind, found->pdata[i]))
			g_ptr_array_remove_index(found, i);
	return TRUE;
}

GArray *commit_graph_merge_bases(struct commit_graph *graph, const git_oid *ours, size_t n_ours,
	const git_oid *theirs, GError **error)
{
	g_autoptr(GPtrArray) our_commits = g_ptr_array_new();
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	struct commit *their_commit = commit_of(graph, theirs);
	GArray *bases;

	for (size_t i = 0; i < n_ours; i++)
		g_ptr_array_add(our_commits, commit_of(graph, &ours[i]));
	if (!paint_down(graph, (struct commit *const *)our_commits->pdata, our_commits->len,
		    &their_commit, 1, SIZE_MAX, found, error))
		return NULL;
	for (guint i = found->len; i-- > 0;)
		if ((((struct commit *)found->pdata[i])->paint & PAINT_STALE) != 0)
			g_ptr_array_remove_index(found, i);
	/* g_ptr_array_sort() is stable, so equal times keep the order of discovery. */
	g_ptr_array_sort(found, compare_by_time);
	if (found->len > 1 && !remove_ancestors(graph, found, error))
		return NULL;
	bases = g_array_new(FALSE, FALSE, sizeof(git_oid));
	for (guint i = 0; i < found->len; i++)
		g_array_append_val(bases, ((struct commit *)found->pdata[i])->oid);
	return bases;
}

GArray *commit_graph_parents(struct commit_graph *graph, const git_oid *oid, GError **error)
{
	struct commit *commit = commit_of(graph, oid);
	GArray *parents;

	if (!commit_load(graph, commit, error))
		return NULL;
	parents = g_array_new(FALSE, FALSE, sizeof(git_oid));
	for (size_t i = 0; i < commit->n_parents; i++)
		g_array_append_val(parents, commit->parents[i]->oid);
	return parents;
}

/** Takes our paint to all painted ancestors of what has it: a commit may have been met from their
 * side before its date let ours get there. */
static void spread_our_paint(struct commit_graph *graph)
{
	g_autoptr(GPtrArray) waiting = g_ptr_array_new();

	for (guint i = 0; i < graph->painted->len; i++)
		if ((((struct commit *)graph->painted->pdata[i])->paint & PAINT_OURS) != 0)
			g_ptr_array_add(waiting, graph->painted->pdata[i]);
	while (waiting->len > 0) {
		const struct commit *commit = g_ptr_array_steal_index(waiting, waiting->len - 1);
		for (size_t i = 0; i < commit->n_parents; i++) {
			struct commit *parent = commit->parents[i];
			if (parent->paint == 0 || (parent->paint & PAINT_OURS) != 0)
				continue;
			parent->paint |= PAINT_OURS;
			g_ptr_array_add(waiting, parent);
		}
	}
}

GHashTable *commit_graph_beyond(struct commit_graph *graph, const git_oid *from, const git_oid *to,
	size_t commits_max, gboolean *descends, gboolean *related, GError **error)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	struct commit *ours = commit_of(graph, from);
	struct commit *theirs = commit_of(graph, to);
	GHashTable *beyond;

	if (!paint_down(graph, &ours, 1, &theirs, 1, commits_max, found, error))
		return NULL;
	spread_our_paint(graph);
	*descends = (ours->paint & PAINT_THEIRS) != 0;
	*related = found->len > 0;
	beyond = oid_set_new();
	for (guint i = 0; i < graph->painted->len; i++) {
		const struct commit *commit = graph->painted->pdata[i];
		if ((commit->paint & PAINT_BOTH) == PAINT_THEIRS)
			oid_set_add(beyond, &commit->oid);
	}
	return beyond;
}
