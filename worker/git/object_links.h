#ifndef FORGE_WORKER_GIT_OBJECT_LINKS_H
#define FORGE_WORKER_GIT_OBJECT_LINKS_H

#include <git2.h>
#include <glib.h>

/** One object that another names. */
struct object_link {
	git_oid oid;
	git_object_t type; /**< what it is named as */
	const char
		*name; /**< of a tree's entry: its name, in the bytes that were read; else NULL */
};

/** Called for each link, in the object's order; FALSE stops. */
typedef gboolean (*object_link_func)(const struct object_link *link, gpointer user_data);

/**
 * Calls EACH for what the object of TYPE with these bytes names: a commit's tree and parents, a
 * tree's entries but for gitlinks, a tag's object. FALSE with *MALFORMED set if the bytes are not
 * such an object, or without if EACH stopped.
 */
gboolean object_links(git_object_t type, const char *data, gsize size, object_link_func each,
	gpointer user_data, gboolean *malformed);

#endif
