/*
 * forge.lock out of what is installed.
 *
 * What is installed stands in the refs of the workspace's repository, so a lock that was deleted can
 * be written anew. Only which version a commit was taken for, the refs do not know; that is in the
 * copy of the lock that stays in `.forge`. A component that forge.yaml does not list any more is on
 * its way out, and stays out of the lock.
 */
#include "worker/sync/lock_restore.h"

#include <string.h>

#include "journal/base/clock.h"
#include "worker/sync/component_texts.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_lock.h"
#include "worker/workspace/workspace_repository.h"

static gboolean is_due(const struct component_job *job)
{
	return job->locked->components->len == 0 ||
		(job->installed && wanted_file_find(job->wanted, job->name) &&
			!lock_file_find(job->locked, job->name));
}

/* What a component is based on. */
struct base {
	struct upstream_link link;
	char commit[GIT_OID_HEXSZ + 1];
	git_oid tree;
	char tree_hex[GIT_OID_HEXSZ + 1];
};

static void base_clear(struct base *base)
{
	upstream_link_clear(&base->link);
}
SCOPED_VALUE(base, base_clear)

/* *FOUND tells whether the component NAME is installed. */
static gboolean read_base(const struct component_job *job, const char *name, struct base *base,
	gboolean *found, GError **error)
{
	git_oid oid;

	if (!workspace_ref_get(job->forge, name, COMPONENT_REF_BASE, &oid, error))
		return FALSE;
	*found = !git_oid_is_zero(&oid);
	if (!*found)
		return TRUE;
	if (!component_history_link(job->forge, &oid, &base->link, error) ||
		!component_history_tree(job->forge, &oid, &base->tree, error))
		return FALSE;
	git_oid_tostr(base->commit, sizeof(base->commit), &base->link.commit);
	git_oid_tostr(base->tree_hex, sizeof(base->tree_hex), &base->tree);
	return TRUE;
}

/* A look moves the base past commits that leave the files alone, and no line of the lock. */
static gboolean says_the_same(const struct locked_component *line, const struct base *base)
{
	return strcmp(line->repository, base->link.repository) == 0 &&
		strcmp(line->path, base->link.path) == 0 && strcmp(line->tree, base->tree_hex) == 0;
}

static gboolean add_made(const struct component_job *job, const char *name, const struct base *base,
	GPtrArray *made, GError **error)
{
	char **dependencies;
	struct locked_component *line;

	if (!component_texts_dependencies(job->forge, &base->tree, &dependencies, error))
		return FALSE;
	line = g_new0(struct locked_component, 1);
	line->component = g_strdup(name);
	line->repository = g_strdup(base->link.repository);
	line->path = g_strdup(base->link.path);
	line->commit = g_strdup(base->commit);
	line->tree = g_strdup(base->tree_hex);
	line->resolved_at = clock_format((int64_t)job->operation->job->opened_us);
	line->dependencies = dependencies;
	g_ptr_array_add(made, line);
	return TRUE;
}

/* Adds the line of the component NAME, if it is installed: to MADE, which owns it, or, one of COPY's,
 * to LOST. */
static gboolean add_line(const struct component_job *job, const char *name,
	const struct lock_file *copy, GPtrArray *made, GPtrArray *lost, GError **error)
{
	const struct locked_component *line = lock_file_find(copy, name);
	scoped_value(base) base = {0};
	gboolean found;

	if (!read_base(job, name, &base, &found, error))
		return FALSE;
	if (!found)
		return TRUE;
	if (!line || !says_the_same(line, &base))
		return add_made(job, name, &base, made, error);
	g_ptr_array_add(lost, (gpointer)line);
	return TRUE;
}

/* The lines that the file lacks, all in LOST; those that are new are MADE's. */
static gboolean collect(const struct component_job *job, const struct lock_file *copy,
	GPtrArray *made, GPtrArray *lost, GError **error)
{
	for (guint i = 0; i < job->wanted->components->len; i++) {
		const struct wanted_component *wanted = job->wanted->components->pdata[i];

		if (!lock_file_find(job->locked, wanted->component) &&
			!add_line(job, wanted->component, copy, made, lost, error))
			return FALSE;
	}
	g_ptr_array_extend(lost, made, NULL, NULL);
	return TRUE;
}

static gboolean read_again(struct component_job *job, GError **error)
{
	struct lock_file *now = workspace_locked_read(job->root, error);

	if (!now)
		return FALSE;
	lock_file_free(job->locked);
	job->locked = now;
	return TRUE;
}

gboolean lock_restore(struct component_job *job, GError **error)
{
	scoped(workspace_lock) lock = NULL;
	scoped(lock_file) copy = NULL;
	g_autoptr(GPtrArray) made = NULL;
	g_autoptr(GPtrArray) lost = NULL;

	if (!is_due(job))
		return TRUE;
	lock = workspace_lock_take(job->root, job->operation->budget, error);
	if (!lock || !read_again(job, error))
		return FALSE;
	copy = workspace_locked_copy(job->root);
	made = g_ptr_array_new_with_free_func(locked_component_free);
	lost = g_ptr_array_new();
	return collect(job, copy, made, lost, error) &&
		(lost->len == 0 ||
			(workspace_locked_add(job->root, lost, error) && read_again(job, error)));
}
