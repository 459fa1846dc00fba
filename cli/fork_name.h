#ifndef FORGE_CLI_FORK_NAME_H
#define FORGE_CLI_FORK_NAME_H

#include <glib.h>

/**
 * TRUE if NAME may be a fork's: letters, digits, `.`, `_`, `-`, beginning with a letter or digit,
 * at most LIMIT_NAME_BYTES. Else VALIDATION_FAILED.
 */
gboolean fork_name_check(const char *name, GError **error);

/**
 * REPOSITORY as it is registered: a relative path (one that begins with `.`, or names a folder that
 * is there) made absolute, since jobs run elsewhere; anything else as it is. VALIDATION_FAILED for
 * what is empty, too long or holds control characters, and for a URL with a password in it. Caller
 * frees.
 */
char *fork_name_repository(const char *option, const char *repository, GError **error);

#endif
