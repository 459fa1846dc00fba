#ifndef FORGE_WORKER_WORKSPACE_PATH_SAFETY_H
#define FORGE_WORKER_WORKSPACE_PATH_SAFETY_H

#include <glib.h>

/** TRUE if some file system takes NAME (one name, no path) for `.git`: other case, HFS+'s ignorable
 * characters, NTFS's short names, trailing dots and spaces, streams. */
gboolean path_safety_is_dotgit(const char *name);

/** TRUE if some file system takes NAME for `.forge` (case; ignorable characters; trailing dots). */
gboolean path_safety_is_forge(const char *name);

/** What is wrong with NAME as the name of a file or directory, or NULL. Static text. */
const char *path_safety_fault(const char *name);

/** NAME as a file system that ignores case and Unicode form sees it. Bytes that are not UTF-8 stay,
 * ASCII letters among them are folded. Caller frees. */
char *path_safety_fold(const char *name);

/** PATH for messages: UTF-8 without control characters. Caller frees. */
char *path_safety_shown(const char *path);

#endif
