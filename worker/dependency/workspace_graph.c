/*
 * The graph of a workspace's lock, from its files and its own repository. A component that is locked
 * and not installed has its needs in the lock by name; what it asks of them is not known then.
 */
#include "worker/dependency/workspace_graph.h"

#include <git2.h>
#include <string.h>

#include "worker/component/component_catalog.h"
#include "worker/git/git_library.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_repository.h"

/* What the installed component says, if it is the one that is locked; else NULL. */
static struct component_file *file_of(git_repository *forge, const struct locked_component *locked)
{
	scoped_value(upstream_link) link = {0};
	git_oid base, tree;

	if (!workspace_ref_get(forge, locked->component, COMPONENT_REF_BASE, &base, NULL) ||
		git_oid_is_zero(&base) || !component_history_link(forge, &base, &link, NULL) ||
		strcmp(git_oid_tostr_s(&link.commit), locked->commit) != 0 ||
		!component_history_tree(forge, &base, &tree, NULL))
		return NULL;
	return component_catalog_read(forge, &tree, locked->path, NULL);
}

struct lock_graph *workspace_graph_read(const char *root, GError **error)
{
	scoped(wanted_file) wanted = workspace_wanted_read(root, error);
	scoped(lock_file) locked = wanted ? workspace_locked_read(root, error) : NULL;
	git_repository *forge;
	struct lock_graph *graph;

	if (!locked)
		return NULL;
	git_library_start();
	forge = workspace_repository_open(root, error);
	graph = forge ? lock_graph_new(wanted, locked) : NULL;
	for (guint i = 0; graph && i < locked->components->len; i++) {
		const struct locked_component *component = locked->components->pdata[i];
		scoped(component_file) file = file_of(forge, component);

		if (file)
			lock_graph_say_version(graph, component->component, file->version);
		for (guint j = 0; file && j < file->dependencies->len; j++) {
			const struct component_dependency *dependency =
				file->dependencies->pdata[j];

			lock_graph_say(graph, component->component, dependency->component,
				dependency->constraint);
		}
	}
	git_repository_free(forge);
	git_library_stop();
	return graph;
}
