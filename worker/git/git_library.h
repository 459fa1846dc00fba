#ifndef FORGE_WORKER_GIT_GIT_LIBRARY_H
#define FORGE_WORKER_GIT_GIT_LIBRARY_H

#include <glib.h>

#include "journal/base/errors.h"

/** Starts libgit2 with our options. Counted: each start needs one stop; safe from any thread. */
void git_library_start(void);
void git_library_stop(void);

/**
 * Sets ERROR to CODE with the formatted text followed by what libgit2 said last in this thread. For
 * use right after a call of libgit2 that failed.
 */
void git_library_error(GError **error, enum forge_error code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

#endif
