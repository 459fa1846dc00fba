#ifndef FORGE_WORKER_WORKSPACE_BENEATH_H
#define FORGE_WORKER_WORKSPACE_BENEATH_H

#include <glib.h>

/** TRUE if PATH names something below a folder: no empty name, `.` or `..`, not absolute, nothing
 * that path_safety_fault() refuses. */
gboolean beneath_is_clean(const char *path);

/** Opens the directory PATH (empty: the folder itself) below the folder FD, through no symlink.
 * -1 with errno: ELOOP or ENOTDIR where a symlink or file is in the way. */
int beneath_open(int fd, const char *path);

/** As beneath_open(), but of the deepest directory of PATH that is there. */
int beneath_open_nearest(int fd, const char *path);

/** PATH's directory (empty if it has none); caller frees. */
char *beneath_parent(const char *path);

/** PATH's last name; within PATH. */
const char *beneath_name(const char *path);

#endif
