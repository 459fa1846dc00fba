/*
 * Three versions of one entry: its mode, and its content.
 *
 * Only regular files are merged by content, and only texts. A symbolic link or a gitlink that both
 * sides changed is a conflict: git merges gitlinks where it finds the submodule's repository, which
 * no bare repository has.
 *
 * In a merge of merge bases a conflict has a result all the same, because the next merge needs a
 * tree: markers in a text, the base's version of anything else.
 */
#include "worker/merge/entry_merge.h"

#include "journal/base/limits.h"
#include "worker/merge/text_merge.h"

#define MARKER_SIZE 7

static uint32_t type_of(const struct tree_version *version)
{
	return version->mode & MERGE_MODE_TYPE;
}

static gboolean read_text(struct merge_run *run, const struct tree_version *version,
	struct text_version *text, gboolean *too_large, GError **error)
{
	if (!object_stage_size(run->stage, &version->oid, &text->size, error))
		return FALSE;
	if (text->size > LIMIT_MERGE_BLOB_BYTES) {
		*too_large = TRUE;
		return TRUE;
	}
	text->data = object_stage_read(
		run->stage, &version->oid, GIT_OBJECT_BLOB, &text->size, error);
	return text->data != NULL;
}

static gboolean merge_texts(struct merge_run *run, const char *const stage_paths[MERGE_STAGES],
	const struct text_version texts[MERGE_STAGES], unsigned extra, git_oid *result,
	gboolean *clean, GError **error)
{
	gboolean same_place = stage_paths[0] == stage_paths[1] && stage_paths[1] == stage_paths[2];
	g_autofree char *ours = same_place ? g_strdup(run->ours)
					   : g_strconcat(run->ours, ":", stage_paths[1], NULL);
	g_autofree char *theirs = same_place ? g_strdup(run->theirs)
					     : g_strconcat(run->theirs, ":", stage_paths[2], NULL);
	struct text_markers markers = {ours, theirs, MARKER_SIZE + extra};
	size_t conflicts;
	g_autoptr(GByteArray) merged = text_merge(&texts[MERGE_STAGE_BASE],
		&texts[MERGE_STAGE_OURS], &texts[MERGE_STAGE_THEIRS], &markers, &conflicts);

	*clean = conflicts == 0;
	return object_stage_add(
		run->stage, GIT_OBJECT_BLOB, merged->data, merged->len, result, error);
}

/** Merges the contents of regular files. A BASE of another type counts as empty. */
static gboolean merge_files(struct merge_run *run, const char *const stage_paths[MERGE_STAGES],
	const struct tree_version *base, const struct tree_version *ours,
	const struct tree_version *theirs, unsigned extra, git_oid *result, gboolean *clean,
	GError **error)
{
	const struct tree_version *versions[MERGE_STAGES] = {base, ours, theirs};
	struct text_version texts[MERGE_STAGES] = {{NULL, 0}};
	gboolean too_large = FALSE;
	gboolean ok = TRUE;

	*clean = FALSE;
	*result = ours->oid;
	for (int i = 0; i < MERGE_STAGES && ok; i++)
		if (i != MERGE_STAGE_BASE || type_of(base) == type_of(ours))
			ok = read_text(run, versions[i], &texts[i], &too_large, error);
	if (ok && too_large) {
		merge_run_block(run, stage_paths[MERGE_STAGE_OURS]);
	} else if (ok &&
		(text_is_binary(&texts[0]) || text_is_binary(&texts[1]) ||
			text_is_binary(&texts[2]))) {
		/* For a virtual base git takes the older version and calls it merged. */
		*clean = run->depth > 0;
		if (run->depth > 0 && texts[0].data == NULL)
			ok = object_stage_add(run->stage, GIT_OBJECT_BLOB, "", 0, result, error);
		else if (run->depth > 0)
			*result = base->oid;
	} else if (ok) {
		ok = merge_texts(run, stage_paths, texts, extra, result, clean, error);
	}
	for (int i = 0; i < MERGE_STAGES; i++)
		object_stage_release(run->stage, &versions[i]->oid);
	return ok;
}

/** The merged mode; FALSE if the sides disagree. */
static gboolean merge_modes(uint32_t base, uint32_t ours, uint32_t theirs, uint32_t *mode)
{
	if (ours == theirs || ours == base) {
		*mode = theirs;
		return TRUE;
	}
	*mode = ours;
	return theirs == base;
}

gboolean entry_merge(struct merge_run *run, const char *const stage_paths[MERGE_STAGES],
	const struct tree_version *base, const struct tree_version *ours,
	const struct tree_version *theirs, unsigned extra, struct tree_version *result,
	gboolean *clean, GError **error)
{
	gboolean mode_clean = merge_modes(base->mode, ours->mode, theirs->mode, &result->mode);

	*clean = TRUE;
	if (git_oid_equal(&ours->oid, &theirs->oid) || git_oid_equal(&ours->oid, &base->oid)) {
		result->oid = theirs->oid;
	} else if (git_oid_equal(&theirs->oid, &base->oid)) {
		result->oid = ours->oid;
	} else if (type_of(ours) != type_of(theirs)) {
		*clean = FALSE;
		result->oid = ours->oid;
	} else if (merge_mode_is_file(ours->mode)) {
		if (!merge_files(run, stage_paths, base, ours, theirs, extra, &result->oid, clean,
			    error))
			return FALSE;
	} else {
		gboolean gitlink = type_of(ours) == 0160000u;
		*clean = FALSE;
		result->oid = run->depth > 0 ? base->oid : ours->oid;
		if (run->depth > 0 && (!gitlink || type_of(base) != type_of(ours)))
			result->mode = base->mode;
	}
	*clean = *clean && mode_clean;
	return TRUE;
}
