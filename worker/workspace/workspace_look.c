/*
 * A look at a workspace's own folder for whoever wants to know whether it is whole. Nothing is
 * locked, completed or repaired here.
 */
#include "worker/workspace/workspace_look.h"

#include "worker/git/git_library.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/workspace.h"
#include "worker/workspace/workspace_repository.h"

static void free_look(gpointer data)
{
	struct component_look *look = data;

	g_free(look->name);
	g_clear_error(&look->problem);
	g_free(look);
}

/* Do the commits that component NAME's refs name lead to trees? */
static void look_at_refs(git_repository *repository, struct component_look *look)
{
	g_autoptr(GPtrArray) refs = workspace_refs_list(repository, look->name, "", &look->problem);

	for (guint i = 0; refs && !look->problem && i < refs->len; i++) {
		const struct workspace_ref *ref = refs->pdata[i];
		git_oid tree;

		look->installed = look->installed || g_str_equal(ref->ref, COMPONENT_REF_BASE);
		look->pending = look->pending || g_str_has_prefix(ref->ref, COMPONENT_REF_PENDING);
		component_history_tree(repository, &ref->oid, &tree, &look->problem);
	}
}

static GPtrArray *look_at_components(git_repository *repository, GError **error)
{
	g_auto(GStrv) names = workspace_refs_components(repository, error);
	GPtrArray *looks;

	if (!names)
		return NULL;
	looks = g_ptr_array_new_with_free_func(free_look);
	for (char **name = names; *name; name++) {
		struct component_look *look = g_new0(struct component_look, 1);

		look->name = g_strdup(*name);
		look_at_refs(repository, look);
		g_ptr_array_add(looks, look);
	}
	return looks;
}

GPtrArray *workspace_look(const char *root, GError **error)
{
	git_repository *repository;
	GPtrArray *looks;

	git_library_start();
	repository = workspace_repository_open(root, error);
	looks = repository ? look_at_components(repository, error) : NULL;
	git_repository_free(repository);
	git_library_stop();
	return looks;
}

gboolean workspace_look_interrupted(const char *root)
{
	g_autofree char *folder = g_build_filename(root, WORKSPACE_OWN, "apply", NULL);
	g_autoptr(GDir) changes = g_dir_open(folder, 0, NULL);

	return changes && g_dir_read_name(changes);
}
