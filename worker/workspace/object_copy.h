#ifndef FORGE_WORKER_WORKSPACE_OBJECT_COPY_H
#define FORGE_WORKER_WORKSPACE_OBJECT_COPY_H

#include <git2.h>
#include <glib.h>

/**
 * Copies the tree TREE of the repository FROM, and all below it but gitlinks' commits, to the
 * repository TO, where what is there already is left alone. KNOWN (or NULL) is a tree of TO that is
 * whole, such as one that a ref reaches: what stands in it at the same path is not looked at. No
 * other object's presence is taken to mean that what it names is there too. Children are written
 * before parents. BROKEN_REPOSITORY if an object is missing or not what it is named as; TOO_LARGE
 * (naming the path) past LIMIT_COMPONENT_OBJECTS, LIMIT_COMPONENT_BYTES
 * or LIMIT_TREE_DEPTH: nothing is written then; CACHE_UNUSABLE. Names are not judged.
 */
gboolean object_copy_tree(git_repository *from, git_repository *to, const git_oid *tree,
	const git_oid *known, GError **error);

#endif
