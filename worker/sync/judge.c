/*
 * What text cannot tell: whether a pull's result is still a component, and whether it still fits
 * the others of the workspace.
 *
 * Only what the pull breaks counts. A file that was wrong before, on either side, is somebody's
 * business and not this pull's conflict.
 */
#include "worker/sync/judge.h"

#include <string.h>

#include "journal/base/errors.h"
#include "worker/component/component_constraint.h"
#include "worker/sync/component_texts.h"
#include "worker/sync/component_validity.h"
#include "worker/sync/judge_needs.h"

#define COMPONENT_YAML "component.yaml"
#define SCHEMA_JSON "schema.json"

static void free_conflict(gpointer data)
{
	struct component_conflict *conflict = data;

	g_free(conflict->path);
	g_free(conflict->place);
	g_free(conflict);
}

GPtrArray *component_conflicts_new(void)
{
	return g_ptr_array_new_with_free_func(free_conflict);
}

struct component_conflict *component_conflicts_add(
	GPtrArray *conflicts, const char *path, const char *type, const char *place)
{
	struct component_conflict *conflict = g_new0(struct component_conflict, 1);

	conflict->path = g_strdup(path);
	conflict->type = type;
	conflict->place = g_strdup(place);
	g_ptr_array_add(conflicts, conflict);
	return conflict;
}

/* ---- schema ------------------------------------------------------------------------------- */

static void set_ids(git_repository *forge, const struct judged_trees *trees,
	struct component_conflict *conflict)
{
	const git_oid *roots[] = {&trees->base, &trees->local, &trees->upstream};
	git_oid *ids[] = {&conflict->base, &conflict->local, &conflict->upstream};

	for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
		git_tree *tree = NULL;
		git_tree_entry *entry = NULL;

		if (git_tree_lookup(&tree, forge, roots[i]) == 0 &&
			git_tree_entry_bypath(&entry, tree, conflict->path) == 0)
			git_oid_cpy(ids[i], git_tree_entry_id(entry));
		git_tree_entry_free(entry);
		git_tree_free(tree);
	}
}

static gboolean judge_schema(const struct component_job *job, const struct judged_trees *trees,
	GPtrArray *conflicts, GError **error)
{
	const git_oid before[] = {trees->local, trees->upstream};
	g_autofree char *problem = NULL;
	gboolean in_schema;
	const char *place;

	if (!component_validity_broken(job->forge, before, G_N_ELEMENTS(before), &trees->result,
		    NULL, &problem, error))
		return FALSE;
	if (!problem)
		return TRUE;
	in_schema = g_str_has_prefix(problem, SCHEMA_JSON);
	place = g_str_has_prefix(problem, COMPONENT_YAML ": ")
		? problem + strlen(COMPONENT_YAML ": ")
		: problem;
	component_conflicts_add(
		conflicts, in_schema ? SCHEMA_JSON : COMPONENT_YAML, "schema", place);
	return TRUE;
}

/* ---- the other components ----------------------------------------------------------------- */

/* What was not allowed before is no news of this pull. */
static void judge_dependent(const struct component_job *job, const char *dependent,
	const char *version_before, const char *version, GPtrArray *conflicts)
{
	scoped(component_file) file = component_texts_installed(job->forge, dependent);

	for (guint i = 0; file && i < file->dependencies->len; i++) {
		const struct component_dependency *dependency = file->dependencies->pdata[i];
		g_autofree char *place = NULL;

		if (strcmp(dependency->component, job->name) != 0 ||
			component_constraint_allows(dependency->constraint, version) ||
			!component_constraint_allows(dependency->constraint, version_before))
			continue;
		place = g_strdup_printf("%s needs %s %s, upstream has %s", dependent, job->name,
			dependency->constraint, version);
		component_conflicts_add(conflicts, COMPONENT_YAML, "version", place);
	}
}

static gboolean judge_neighbours(const struct component_job *job, const struct judged_trees *trees,
	GPtrArray *conflicts, GError **error)
{
	g_autoptr(GError) ignored = NULL;
	scoped(component_file)
		before = component_texts_file(job->forge, &trees->base, NULL, &ignored);
	scoped(component_file) after = NULL;
	const char *version;

	g_clear_error(&ignored);
	after = component_texts_file(job->forge, &trees->result, NULL, &ignored);
	version = trees->version ? trees->version : after ? after->version : NULL;
	for (guint i = 0; version && i < job->locked->components->len; i++) {
		const struct locked_component *other = job->locked->components->pdata[i];

		if (strcmp(other->component, job->name) != 0)
			judge_dependent(job, other->component, before ? before->version : NULL,
				version, conflicts);
	}
	return !after || judge_needs(job, before, after, &trees->result, conflicts, error);
}

gboolean judge_result(const struct component_job *job, const struct judged_trees *trees,
	GPtrArray *conflicts, GError **error)
{
	guint before = conflicts->len;

	if (!judge_schema(job, trees, conflicts, error))
		return FALSE;
	if (!judge_neighbours(job, trees, conflicts, error))
		return FALSE;
	for (guint i = before; i < conflicts->len; i++) {
		set_ids(job->forge, trees, conflicts->pdata[i]);
		((struct component_conflict *)conflicts->pdata[i])->rule = TRUE;
	}
	return TRUE;
}
