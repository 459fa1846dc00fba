/*
 * What renames do to a merge.
 *
 * The plain case: one side moved a file, the other changed it. Then the other side's version (and
 * the base's) is taken to the new path, and the old path is settled as empty. Besides that: both
 * moved it to one place; both moved it to different places (conflict); one moved and the other
 * deleted it (conflict); the new path is taken by something the other side added (the moved content
 * is merged first, then the two as an add on both sides); or the other side put something of
 * another type in the old place. Each follows git, since the next step merges what stands in the
 * nodes.
 */
#include "worker/merge/rename_apply.h"

#include <string.h>

#include "worker/merge/entry_merge.h"
#include "worker/merge/renames.h"

static gint compare_pairs(gconstpointer a, gconstpointer b, gpointer unused)
{
	(void)unused;
	return strcmp(((const struct rename_pair *)a)->from->path,
		((const struct rename_pair *)b)->from->path);
}

static void settle_as_absent(struct merge_node *node)
{
	node->resolved = TRUE;
	node->absent = TRUE;
}

/** How much longer markers are in content that is merged before its place is. */
static unsigned early_marker_extra(const struct merge_run *run)
{
	return 1 + 2 * run->depth;
}

/** Both sides moved the file. */
static gboolean apply_twice_renamed(struct merge_run *run, const struct rename_pair *ours,
	const struct rename_pair *theirs, GError **error)
{
	struct merge_node *source = ours->from;
	const char *paths[MERGE_STAGES] = {source->path, ours->to->path, theirs->to->path};
	struct tree_version *our_version = &ours->to->stages[MERGE_STAGE_OURS];
	struct tree_version *their_version = &theirs->to->stages[MERGE_STAGE_THEIRS];
	struct tree_version merged;
	gboolean clean;

	if (ours->to == theirs->to) {
		ours->to->stages[MERGE_STAGE_BASE] = source->stages[MERGE_STAGE_BASE];
		ours->to->files |= MERGE_IN_BASE;
		settle_as_absent(source);
		return TRUE;
	}
	if (!entry_merge(run, paths, &source->stages[MERGE_STAGE_BASE], our_version, their_version,
		    early_marker_extra(run), &merged, &clean, error))
		return FALSE;
	/* What cannot be merged (a binary) comes back as ours; their path then keeps theirs. */
	gboolean unmerged = !clean && tree_version_equal(&merged, our_version);
	if (clean || !merge_run_is_partial(run)) {
		*our_version = merged;
		if (!unmerged)
			*their_version = merged;
	}
	source->path_conflict = ours->to->path_conflict = theirs->to->path_conflict = TRUE;
	return TRUE;
}

/** The other side has something of its own at the new path. *MOVED is FALSE if the moved content
 * stays where it was, because it conflicts and no markers are wanted. */
static gboolean apply_collision(
	struct merge_run *run, const struct rename_pair *pair, gboolean *moved, GError **error)
{
	enum merge_stage other = pair->side == MERGE_STAGE_OURS ? MERGE_STAGE_THEIRS
								: MERGE_STAGE_OURS;
	struct merge_node *from = pair->from;
	struct merge_node *to = pair->to;
	const char *paths[MERGE_STAGES];
	const struct tree_version *versions[MERGE_STAGES];
	struct tree_version merged;
	gboolean clean;

	paths[MERGE_STAGE_BASE] = paths[other] = from->path;
	paths[pair->side] = to->path;
	versions[other] = &from->stages[other];
	versions[pair->side] = &to->stages[pair->side];
	if (!entry_merge(run, paths, &from->stages[MERGE_STAGE_BASE], versions[MERGE_STAGE_OURS],
		    versions[MERGE_STAGE_THEIRS], early_marker_extra(run), &merged, &clean, error))
		return FALSE;
	*moved = clean || !merge_run_is_partial(run);
	if (*moved)
		to->stages[pair->side] = merged;
	else
		to->path_conflict = from->path_conflict = TRUE;
	/* git relies on the add on both sides to conflict; where that is settled already, markers
	 * would slip through. */
	if (!clean)
		merge_run_conflict(run, to->path);
	return TRUE;
}

static gboolean apply_one(struct merge_run *run, const struct rename_pair *pair, GError **error)
{
	enum merge_stage other = pair->side == MERGE_STAGE_OURS ? MERGE_STAGE_THEIRS
								: MERGE_STAGE_OURS;
	struct merge_node *from = pair->from;
	struct merge_node *to = pair->to;
	gboolean deleted = from->files == MERGE_IN_BASE;
	gboolean collides = (to->files & (1u << other)) != 0;
	gboolean retyped = !deleted &&
		merge_mode_is_file(from->stages[other].mode) !=
			merge_mode_is_file(to->stages[pair->side].mode);

	gboolean moved = TRUE;

	if (collides && !retyped && !deleted) {
		if (!apply_collision(run, pair, &moved, error))
			return FALSE;
	} else if (collides && deleted) {
		to->path_conflict = TRUE;
	} else {
		to->stages[MERGE_STAGE_BASE] = from->stages[MERGE_STAGE_BASE];
		to->stage_paths[MERGE_STAGE_BASE] = from->path;
		to->files |= MERGE_IN_BASE;
		if (retyped) {
			from->stages[MERGE_STAGE_BASE] = (struct tree_version){0};
			from->files &= MERGE_IN_BOTH_SIDES;
		} else if (deleted) {
			to->path_conflict = TRUE;
		} else {
			to->stages[other] = from->stages[other];
			to->stage_paths[other] = from->path;
			to->files |= 1u << other;
		}
	}
	if (!retyped && moved)
		settle_as_absent(from);
	return TRUE;
}

gboolean rename_apply(struct merge_run *run, GArray *pairs, GError **error)
{
	/* Stable, so that of two renames of one source ours stays first. */
	g_qsort_with_data(
		pairs->data, (gint)pairs->len, sizeof(struct rename_pair), compare_pairs, NULL);
	for (guint i = 0; i < pairs->len; i++) {
		const struct rename_pair *pair = &g_array_index(pairs, struct rename_pair, i);
		const struct rename_pair *next = i + 1 < pairs->len
			? &g_array_index(pairs, struct rename_pair, i + 1)
			: NULL;
		if (pair->from->resolved)
			continue;
		if (next != NULL && next->from == pair->from) {
			if (!apply_twice_renamed(run, pair, next, error))
				return FALSE;
			i++;
		} else if (!apply_one(run, pair, error)) {
			return FALSE;
		}
	}
	return TRUE;
}
