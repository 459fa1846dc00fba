#ifndef FORGE_JOURNAL_BASE_SECRET_H
#define FORGE_JOURNAL_BASE_SECRET_H

#include <glib.h>

/**
 * TRUE if TEXT looks like a token of a host rather than a name: a known prefix (`ghp_`), or long
 * with small letters and digits mixed.
 */
gboolean secret_looks_like_token(const char *text);

/**
 * TRUE if ADDRESS carries a secret: a URL whose user part has a password (the last `@` before the
 * path ends it, though a password may hold slashes) or is itself a token. What is recorded must
 * not.
 */
gboolean secret_in_address(const char *address);

#endif
