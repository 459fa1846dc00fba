/*
 * A pending merge and the component's folder: are the files still what the merge was made of, which
 * files get markers, and what somebody made of them.
 *
 * Nothing here changes the folder. The job does, and looks again before.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_texts.h"
#include "worker/sync/pending.h"
#include "worker/sync/resolution_parts.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/folder_snapshot.h"
#include "worker/workspace/workspace_repository.h"

static gboolean look(struct resolution *resolution, git_oid *tree, GError **error)
{
	const Forge__Component *component = resolution->pending->component;
	g_autofree char *folder = g_build_filename(resolution->root, component->folder, NULL);
	struct snapshot_options options = {0};
	git_oid base, base_tree;

	if (!workspace_ref_get(
		    resolution->forge, resolution->name, COMPONENT_REF_BASE, &base, error) ||
		!component_history_tree(resolution->forge, &base, &base_tree, error))
		return FALSE;
	options.tracked = &base_tree;
	options.file_bytes_max = resolution->config->sync_file_bytes;
	if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
		if (!component_history_empty_tree(resolution->forge, tree, error))
			return FALSE;
	} else if (!folder_snapshot(resolution->forge, folder, &options, tree, NULL, error)) {
		return FALSE;
	}
	git_oid_tostr(resolution->files, sizeof(resolution->files), tree);
	return TRUE;
}

gboolean resolution_check_files(struct resolution *resolution, GError **error)
{
	const char *name = resolution->name;
	git_oid tree;

	if (!look(resolution, &tree, error))
		return FALSE;
	if (git_oid_equal(&tree, &resolution->local_tree) ||
		git_oid_equal(&tree, &resolution->markers_tree))
		return TRUE;
	if (git_oid_is_zero(&resolution->markers_tree))
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_EDITED_MEANWHILE,
			"files of '%s' were edited since the pull; nothing was changed: "
			"`forge sync resolve %s --abort` keeps them as they are, then pull again",
			name, name);
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_EDITED_MEANWHILE,
			"files of '%s' were edited since the markers were written: `forge sync "
			"resolve %s --continue` takes them, `--abort` gives the pull up",
			name, name);
	return FALSE;
}

const char *resolution_files(const struct resolution *resolution)
{
	return resolution->files;
}

/* ---- markers ------------------------------------------------------------------------------ */

static gboolean mark_one(struct resolution *resolution, git_index *index, guint at, GError **error)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	g_autoptr(GBytes) text = NULL;
	const void *data;
	gsize size;

	if (conflict->shown.choice != RESOLUTION_OPEN || conflict->shown.shape != RESOLUTION_TEXT)
		return TRUE;
	text = resolution_text(resolution, at, error);
	if (!text)
		return FALSE;
	data = g_bytes_get_data(text, &size);
	return resolution_put_text(resolution->forge, index, conflict->shown.path,
		conflict->stages[MERGE_STAGE_OURS].mode, data, size, error);
}

gboolean resolution_mark(struct resolution *resolution, const char **tree, GError **error)
{
	git_index *index = resolution_copy_index(resolution, error);
	git_oid oid, commit;
	gboolean ok = index != NULL;

	for (guint i = 0; ok && i < resolution->conflicts->len; i++)
		ok = mark_one(resolution, index, i, error);
	ok = ok &&
		resolution_keep(resolution, index, PENDING_MARKERS, NULL,
			"A pull's conflicts between markers", &oid, &commit, error);
	git_index_free(index);
	if (!ok)
		return FALSE;
	git_oid_cpy(&resolution->markers_tree, &oid);
	*tree = git_oid_tostr(resolution->marked, sizeof(resolution->marked), &oid);
	return TRUE;
}

/* ---- what somebody made of them ----------------------------------------------------------- */

static void find_version(
	struct resolution *resolution, const git_oid *root, const char *path, git_oid *oid)
{
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;

	memset(oid, 0, sizeof(*oid));
	if (git_tree_lookup(&tree, resolution->forge, root) == 0 &&
		git_tree_entry_bypath(&entry, tree, path) == 0)
		git_oid_cpy(oid, git_tree_entry_id(entry));
	git_tree_entry_free(entry);
	git_tree_free(tree);
}

static enum resolution_choice choice_seen(
	const struct resolving_conflict *conflict, const git_oid *found)
{
	if (git_oid_equal(found, &conflict->stages[MERGE_STAGE_OURS].oid))
		return RESOLUTION_LOCAL;
	if (git_oid_equal(found, &conflict->stages[MERGE_STAGE_THEIRS].oid))
		return RESOLUTION_UPSTREAM;
	return RESOLUTION_EDITED;
}

static gboolean read_one(
	struct resolution *resolution, const git_oid *tree, guint at, GError **error)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	const char *path = conflict->shown.path;
	g_autoptr(GBytes) text = NULL;
	g_autoptr(GError) problem = NULL;
	git_oid found;
	guint line;

	text = component_texts_read(resolution->forge, tree, path, &problem);
	line = text ? resolution_marker_line(resolution, at, text) : 0;
	if (line > 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
			"%s:%u: a conflict's marker is left; decide there, then --continue again",
			path, line);
		return FALSE;
	}
	if (conflict->shown.choice != RESOLUTION_OPEN)
		return TRUE;
	find_version(resolution, tree, path, &found);
	/* Local's file means nothing where a rule is broken: whoever goes on accepts it. */
	conflict->shown.choice = conflict->shown.shape == RESOLUTION_RULE
		? RESOLUTION_EDITED
		: choice_seen(conflict, &found);
	return TRUE;
}

gboolean resolution_read_files(struct resolution *resolution, GError **error)
{
	const char *name = resolution->name;
	git_oid tree;

	if (git_oid_is_zero(&resolution->markers_tree)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"nothing to continue: `forge sync resolve %s --strategy manual` comes first",
			name);
		return FALSE;
	}
	if (!look(resolution, &tree, error))
		return FALSE;
	if (git_oid_equal(&tree, &resolution->local_tree) &&
		!git_oid_equal(&tree, &resolution->markers_tree)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
			"the files of '%s' are as before the pull: `forge sync resolve %s "
			"--strategy manual` writes what merged, and the markers",
			name, name);
		return FALSE;
	}
	for (guint i = 0; i < resolution->conflicts->len; i++)
		if (!read_one(resolution, &tree, i, error))
			return FALSE;
	return resolution_judge_tree(resolution, &tree, error);
}
