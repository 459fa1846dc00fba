#ifndef FORGE_QUEUE_ROLES_H
#define FORGE_QUEUE_ROLES_H

#include <glib.h>
#include <stddef.h>

#include "journal/base/scope.h"

/** What a peer may do. READ is part of SUBMIT, and both of OPERATE; WORKER stands apart. */
enum role {
	ROLE_READ = 1,
	ROLE_SUBMIT = 2,
	ROLE_OPERATE = 4,
	ROLE_WORKER = 8,
};

/** The words for the four, in their order, NULL-terminated. Static. */
const char *const *role_names(void);

/** `submit`. Static. */
const char *role_name(enum role role);

/** One entry of the list: a key, what it is called, and what it may. */
struct identity {
	char *name;
	char *public_key;
	char **role_words; /**< as written */
	guint roles;       /**< of enum role, those contained in others included */
};

/** The list of those who may use a scheduler. */
struct roles;

/** The file of the installation at HOME. Caller frees. */
char *roles_path(const char *home);

/**
 * Reads the list of SIZE bytes at TEXT: YAML as roles_new_text() begins it. CONFIGURATION_INVALID
 * names ORIGIN_NAME, line and key; two names for one key are refused too.
 */
struct roles *roles_parse(const char *origin_name, const char *text, size_t size, GError **error);

/**
 * Reads the list at PATH. CONFIGURATION_INVALID: there is none, and how to make one, or as
 * roles_parse(); SECURITY_REFUSED: others than its owner may change it; PERMISSION_DENIED.
 */
struct roles *roles_read(const char *path, GError **error);
void roles_free(struct roles *roles);
SCOPED_POINTER(roles, roles_free)

/** What a list that does not exist yet begins with. Static. */
const char *roles_new_text(void);

/** Who has PUBLIC_KEY; NULL: nobody. Borrowed. */
const struct identity *roles_find(const struct roles *roles, const char *public_key);

/** Everybody, in the order of the file (of struct identity). Borrowed. */
const GPtrArray *roles_all(const struct roles *roles);

/** TRUE if NAME can name a key: letters, digits, `.`, `_` and `-`, a letter or digit first. */
gboolean roles_name_is_valid(const char *name);

#endif
