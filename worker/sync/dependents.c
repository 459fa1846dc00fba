/*
 * Who needs a component. Asked of the files as they are, not of forge.lock: an edit that drops a
 * dependency counts before it is pushed, and so does one that adds one.
 */
#include "worker/sync/dependents.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/component/component_file.h"
#include "worker/sync/component_texts.h"
#include "worker/workspace/beneath.h"
#include "worker/workspace/file_read.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_repository.h"

static const struct document_origin origin = {"component.yaml", FORGE_ERROR_VALIDATION_FAILED};

/* The file in FOLDER of the workspace; NULL if there is none that can be read. */
static GBytes *read_file(const char *root, const char *folder)
{
	int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = root_fd >= 0 ? beneath_open(root_fd, folder) : -1;
	GBytes *bytes = NULL;
	struct stat status;

	if (fd >= 0 && fstatat(fd, origin.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(status.st_mode))
		bytes = file_read_at(
			fd, origin.name, origin.name, LIMIT_COMPONENT_YAML_BYTES, &status, NULL);
	if (fd >= 0)
		close(fd);
	if (root_fd >= 0)
		close(root_fd);
	return bytes;
}

static gboolean file_needs(const struct component_file *file, const char *name)
{
	for (guint i = 0; i < file->dependencies->len; i++) {
		const struct component_dependency *dependency = file->dependencies->pdata[i];

		if (strcmp(dependency->component, name) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean base_needs(
	const struct component_job *job, const git_oid *base, gboolean *needs, GError **error)
{
	g_auto(GStrv) names = NULL;
	git_oid tree;

	if (!component_history_tree(job->forge, base, &tree, error) ||
		!component_texts_dependencies(job->forge, &tree, &names, error))
		return FALSE;
	*needs = g_strv_contains((const char *const *)names, job->name);
	return TRUE;
}

/* Sets *NEEDS to whether the installed component OTHER needs the job's. */
static gboolean looks_needed(
	const struct component_job *job, const char *other, gboolean *needs, GError **error)
{
	const struct wanted_component *wanted = wanted_file_find(job->wanted, other);
	scoped_value(upstream_link) link = {0};
	scoped(component_file) file = NULL;
	g_autofree char *folder = NULL;
	g_autoptr(GBytes) bytes = NULL;
	git_oid base;
	gsize size = 0;
	const char *text;

	*needs = FALSE;
	if (!workspace_ref_get(job->forge, other, COMPONENT_REF_BASE, &base, error))
		return FALSE;
	if (git_oid_is_zero(&base))
		return TRUE;
	if (!component_history_link(job->forge, &base, &link, error))
		return FALSE;
	folder = workspace_folder_of(other, wanted ? wanted->path : NULL, link.path);
	bytes = read_file(job->root, folder);
	text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
	file = text ? component_file_parse(&origin, text, size, NULL, NULL) : NULL;
	if (!file)
		return base_needs(job, &base, needs, error);
	*needs = file_needs(file, job->name);
	return TRUE;
}

char **dependents_of(const struct component_job *job, GError **error)
{
	g_auto(GStrv) installed = workspace_refs_components(job->forge, error);
	g_autoptr(GStrvBuilder) dependents = g_strv_builder_new();

	if (!installed)
		return NULL;
	for (char **other = installed; *other; other++) {
		gboolean needs;

		if (strcmp(*other, job->name) == 0)
			continue;
		if (!looks_needed(job, *other, &needs, error))
			return NULL;
		if (needs)
			g_strv_builder_add(dependents, *other);
	}
	return g_strv_builder_end(dependents);
}

/* What the installed component OTHER says of the job's, or NULL. */
static char *constraint_of(const struct component_job *job, const char *other)
{
	scoped(component_file) file = component_texts_installed(job->forge, other);

	for (guint i = 0; file && i < file->dependencies->len; i++) {
		const struct component_dependency *dependency = file->dependencies->pdata[i];

		if (strcmp(dependency->component, job->name) == 0)
			return g_strdup(dependency->constraint);
	}
	return NULL;
}

char *dependents_constraint(const struct component_job *job)
{
	g_autoptr(GStrvBuilder) constraints = g_strv_builder_new();
	g_auto(GStrv) all = NULL;

	for (guint i = 0; i < job->locked->components->len; i++) {
		const struct locked_component *other = job->locked->components->pdata[i];
		g_autofree char *constraint = NULL;

		if (!g_strv_contains((const char *const *)other->dependencies, job->name))
			continue;
		constraint = constraint_of(job, other->component);
		if (constraint)
			g_strv_builder_add(constraints, constraint);
	}
	all = g_strv_builder_end(constraints);
	return component_constraint_all((const char *const *)all);
}
