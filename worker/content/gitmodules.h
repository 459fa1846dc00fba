#ifndef FORGE_WORKER_CONTENT_GITMODULES_H
#define FORGE_WORKER_CONTENT_GITMODULES_H

#include <glib.h>
#include <stddef.h>

#include "worker/remote/remote.h"

/**
 * What the SIZE bytes of a .gitmodules at TEXT say: a map from a submodule's path to its URL, both
 * as written and of at most LIMIT_URL_BYTES; of several for one name or path the first counts, as
 * in git. Empty if the text is malformed, for git makes nothing of it either. Never NULL; caller
 * frees with g_hash_table_unref(). Pure.
 */
GHashTable *gitmodules_parse(const char *text, size_t size);

/**
 * The address of a submodule whose URL begins with `./` or `../`, as gitsubmodules(7) resolves it
 * against the URL of REMOTE, its superproject. NULL if URL is not relative, or leads away from
 * REMOTE's server: neither depends on what that server has. Caller frees. Pure.
 */
char *gitmodules_resolve(const struct remote *remote, const char *url);

#endif
