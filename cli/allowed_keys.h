#ifndef FORGE_CLI_ALLOWED_KEYS_H
#define FORGE_CLI_ALLOWED_KEYS_H

#include <glib.h>

/**
 * Changes to the list of those who may use the scheduler of the installation at HOME (queue/roles.h):
 * in place, comments and order stay; what comes out is read as the scheduler reads it before it
 * replaces the file, in one step and durably. Two at once wait for each other. A list that is not
 * there is made. Errors: CONFIGURATION_INVALID (with the line) for a list that is wrong already,
 * PERMISSION_DENIED, CACHE_UNUSABLE, and:
 */

/** Whoever proves PUBLIC_KEY is NAME from now on and has ROLES, and no others. VALIDATION_FAILED: what
 * makes no list; ALREADY_EXISTS: NAME has another key, or the key another name. */
gboolean allowed_keys_allow(const char *home, const char *name, const char *public_key,
	char *const *roles, GError **error);

/** NAME may nothing any more. KEY_NOT_FOUND, with the nearest name. */
gboolean allowed_keys_revoke(const char *home, const char *name, GError **error);

#endif
