/*
 * Is what somebody wrote for a conflict still a component? Judged when it is written, so that its
 * author, who knows what was meant, hears of it at once; the job judges the whole again.
 *
 * A text is not held against a file that is open still, of which nobody knows yet what it will be.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_validity.h"
#include "worker/sync/resolution_parts.h"

#define COMPONENT_YAML "component.yaml"
#define SCHEMA_JSON "schema.json"

git_index *resolution_copy_index(const struct resolution *resolution, GError **error)
{
	git_index *copy = NULL;
	git_tree *tree = NULL;
	git_oid oid;

	if (git_index_write_tree_to(&oid, resolution->index, resolution->forge) != 0 ||
		git_tree_lookup(&tree, resolution->forge, &oid) != 0 || git_index_new(&copy) != 0 ||
		git_index_read_tree(copy, tree) != 0) {
		git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE,
			"what was decided cannot be written to .forge");
		g_clear_pointer(&copy, git_index_free);
	}
	git_tree_free(tree);
	return copy;
}

/* *PROBLEM: what TREE breaks, in FILE or (NULL) anywhere; else NULL. */
static gboolean find_problem(const struct resolution *resolution, const git_oid *tree,
	const char *file, char **problem, GError **error)
{
	const git_oid before[] = {resolution->local_tree, resolution->upstream_tree};

	return component_validity_broken(
		resolution->forge, before, G_N_ELEMENTS(before), tree, file, problem, error);
}

gboolean resolution_judge_tree(
	const struct resolution *resolution, const git_oid *tree, GError **error)
{
	g_autofree char *problem = NULL;

	if (!find_problem(resolution, tree, NULL, &problem, error))
		return FALSE;
	if (problem)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"%s; nothing is resolved yet", problem);
	return problem == NULL;
}

static gboolean is_open(const struct resolution *resolution, const char *path)
{
	for (guint i = 0; i < resolution->conflicts->len; i++) {
		const struct resolution_conflict *conflict = resolution_at(resolution, i);

		if (conflict->choice == RESOLUTION_OPEN && strcmp(conflict->path, path) == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean resolution_judge_text(
	struct resolution *resolution, guint at, GBytes *text, char **problem, GError **error)
{
	const char *path = resolution_at(resolution, at)->path;
	gboolean is_schema = strcmp(path, SCHEMA_JSON) == 0;
	const char *other = is_schema ? COMPONENT_YAML : SCHEMA_JSON;
	git_index *index;
	gsize size;
	const void *data = g_bytes_get_data(text, &size);
	git_oid tree;
	gboolean ok;

	*problem = NULL;
	if (!is_schema && strcmp(path, COMPONENT_YAML) != 0)
		return TRUE;
	index = resolution_copy_index(resolution, error);
	ok = index &&
		resolution_put_text(
			resolution->forge, index, path, GIT_FILEMODE_BLOB, data, size, error);
	if (ok && is_open(resolution, other))
		git_index_remove(index, other, 0);
	else
		other = NULL;
	if (ok && git_index_write_tree_to(&tree, index, resolution->forge) != 0) {
		git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "%s cannot be put down", path);
		ok = FALSE;
	}
	git_index_free(index);
	return ok && find_problem(resolution, &tree, other ? path : NULL, problem, error);
}
