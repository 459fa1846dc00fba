/*
 * forge.lock out of what is installed.
 *
 * What is installed stands in the refs of the workspace's repository, so a lock that was deleted can
 * be written anew. Only which version a commit was taken for, the refs do not know; that is in the
 * copy of the lock that stays in `.forge`. A component that forge.yaml does not list any more, and
 * that nothing it lists needs, is on its way out, and stays out of the lock.
 */
#include "worker/workspace/lock_restore.h"

#include <stdlib.h>
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/hash.h"
#include "worker/component/component_catalog.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_lock.h"
#include "worker/workspace/workspace_repository.h"

/* One restoration. */
struct restoring {
	git_repository *forge;
	const struct lock_file *locked; /* what the file says now */
	const struct lock_file *copy;   /* what forge wrote last */
	GHashTable *seen;               /* names, owned */
	GPtrArray *made;                /* of struct locked_component: new lines */
	GPtrArray *lost;                /* all lines that the file lacks */
	uint64_t now_us;
};

gboolean lock_lacks_lines(git_repository *forge, const struct lock_file *locked)
{
	g_auto(GStrv) names = workspace_refs_components(forge, NULL);

	for (char **name = names; name && *name; name++) {
		git_oid base;

		if (!lock_file_find(locked, *name) &&
			workspace_ref_get(forge, *name, COMPONENT_REF_BASE, &base, NULL) &&
			!git_oid_is_zero(&base))
			return TRUE;
	}
	return FALSE;
}

/* A component as it is installed: its line, without a version; NULL without an error if it is not. */
static struct locked_component *read_installed(
	const struct restoring *restoring, const char *name, GError **error)
{
	scoped_value(upstream_link) link = {0};
	struct locked_component *line;
	char hex[GIT_OID_HEXSZ + 1];
	git_oid base, tree;

	if (!workspace_ref_get(restoring->forge, name, COMPONENT_REF_BASE, &base, error) ||
		git_oid_is_zero(&base) ||
		!component_history_link(restoring->forge, &base, &link, error) ||
		!component_history_tree(restoring->forge, &base, &tree, error))
		return NULL;
	line = g_new0(struct locked_component, 1);
	line->component = g_strdup(name);
	line->repository = g_strdup(link.repository);
	line->path = g_strdup(link.path);
	line->commit = g_strdup(git_oid_tostr(hex, sizeof(hex), &link.commit));
	line->tree = g_strdup(git_oid_tostr(hex, sizeof(hex), &tree));
	line->resolved_at = clock_format((int64_t)restoring->now_us);
	return line;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that the component with the tree of LINE needs; none if its file cannot be read. */
static char **needs_of(const struct restoring *restoring, const struct locked_component *line)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	scoped(component_file) file = NULL;
	git_oid tree;

	if (git_oid_fromstr(&tree, line->tree) == 0)
		file = component_catalog_read(restoring->forge, &tree, line->path, NULL);
	for (guint i = 0; file && i < file->dependencies->len; i++) {
		const struct component_dependency *dependency = file->dependencies->pdata[i];

		g_ptr_array_add(names, g_strdup(dependency->component));
	}
	qsort(names->pdata, names->len, sizeof(gpointer), compare_names);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_steal(names, NULL);
}

/* A look moves the base past commits that leave the files alone, and no line of the lock. */
static gboolean says_the_same(
	const struct locked_component *line, const struct locked_component *installed)
{
	return strcmp(line->repository, installed->repository) == 0 &&
		strcmp(line->path, installed->path) == 0 &&
		strcmp(line->tree, installed->tree) == 0;
}

/* Looks at the component NAME and all that it needs. */
static gboolean collect(struct restoring *restoring, const char *name, GError **error)
{
	const struct locked_component *before = lock_file_find(restoring->copy, name);
	struct locked_component *line;
	GError *problem = NULL;

	if (!g_hash_table_add(restoring->seen, g_strdup(name)))
		return TRUE;
	line = read_installed(restoring, name, &problem);
	if (!line) {
		if (problem)
			g_propagate_error(error, problem);
		return problem == NULL;
	}
	g_ptr_array_add(restoring->made, line);
	line->dependencies = needs_of(restoring, line);
	if (!lock_file_find(restoring->locked, name))
		g_ptr_array_add(restoring->lost,
			before && says_the_same(before, line) ? (gpointer)before : line);
	for (char **needed = line->dependencies; *needed; needed++)
		if (!collect(restoring, *needed, error))
			return FALSE;
	return TRUE;
}

static gboolean read_again(const char *root, struct lock_file **locked, GError **error)
{
	struct lock_file *now = workspace_locked_read(root, error);

	if (!now)
		return FALSE;
	lock_file_free(*locked);
	*locked = now;
	return TRUE;
}

gboolean lock_restore(const char *root, git_repository *forge, const struct wanted_file *wanted,
	uint64_t now_us, const struct budget *budget, struct lock_file **locked, GError **error)
{
	scoped(workspace_lock) lock = workspace_lock_take(root, budget, error);
	scoped(lock_file) copy = NULL;
	g_autoptr(GHashTable)
		seen = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(locked_component_free);
	g_autoptr(GPtrArray) lost = g_ptr_array_new();
	struct restoring restoring = {
		.forge = forge, .seen = seen, .made = made, .lost = lost, .now_us = now_us};

	if (!lock || !read_again(root, locked, error))
		return FALSE;
	copy = workspace_locked_copy(root);
	restoring.locked = *locked;
	restoring.copy = copy;
	for (guint i = 0; i < wanted->components->len; i++)
		if (!collect(&restoring,
			    ((const struct wanted_component *)wanted->components->pdata[i])
				    ->component,
			    error))
			return FALSE;
	return lost->len == 0 ||
		(workspace_locked_add(root, lost, error) && read_again(root, locked, error));
}
