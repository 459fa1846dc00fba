#ifndef FORGE_QUEUE_KEY_PAIR_H
#define FORGE_QUEUE_KEY_PAIR_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/** A key of CURVE (Curve25519) as bytes, and as text: Z85, ZeroMQ's RFC 32. */
#define KEY_BYTES 32
#define KEY_CHARACTERS 40

/**
 * The two keys by which an installation is known to others. The secret one is in memory that is
 * neither swapped nor dumped and is cleared when it is freed; nothing prints it.
 */
struct key_pair;

/** A new pair, drawn at random. */
struct key_pair *key_pair_new(void);
void key_pair_free(struct key_pair *pair);
SCOPED_POINTER(key_pair, key_pair_free)

/** The public key as text. Borrowed. */
const char *key_pair_public(const struct key_pair *pair);

/** The secret key, KEY_BYTES. Borrowed; never to be copied to where it may be seen. */
const uint8_t *key_pair_secret(const struct key_pair *pair);

/** The file that holds the secret key of the installation at HOME. Caller frees. */
char *key_pair_path(const char *home);

/**
 * The pair of the installation at HOME. CONFIGURATION_INVALID: there is none, and how to make one,
 * or the file is no key; SECURITY_REFUSED: others may read it, or it is another user's;
 * PERMISSION_DENIED.
 */
struct key_pair *key_pair_read(const char *home, GError **error);

/**
 * Makes PAIR that of the installation at HOME, durably, in a file that only its owner can read. A
 * pair that is there already is never overwritten: ALREADY_EXISTS, or, where ASIDE is not NULL, it
 * is kept in the file that *ASIDE names then (NULL if there was none; caller frees). Killed at any
 * moment there is the old pair or the new one. PERMISSION_DENIED, CACHE_UNUSABLE.
 */
gboolean key_pair_write(
	const struct key_pair *pair, const char *home, char **aside, GError **error);

/** TRUE if TEXT is a public key: as many characters of Z85 as it takes, and the bytes they mean. */
gboolean key_text_is_valid(const char *text);

/** KEY (KEY_BYTES) as text. TEXT has room for KEY_CHARACTERS and a NUL. */
void key_text_write(const uint8_t *key, char *text);

#endif
