#ifndef FORGE_JOURNAL_BASE_HASH_H
#define FORGE_JOURNAL_BASE_HASH_H

#include <glib.h>
#include <stdint.h>

#define HASH_BYTES 32

/** A BLAKE2b-256 digest. */
struct hash {
	uint8_t bytes[HASH_BYTES];
};

/** The digest of PREVIOUS followed by SIZE bytes at DATA; PREVIOUS may be NULL. */
struct hash hash_chain(const struct hash *previous, const void *data, size_t size);

gboolean hash_equal(const struct hash *a, const struct hash *b);

/** Lower-case hexadecimal, 64 characters. Caller frees. */
char *hash_hex(const struct hash *hash);

/** Fills DATA with SIZE random bytes of the system. For names of things, never inside the core. */
void hash_random(void *data, size_t size);

/**
 * A GHashFunc for strings that come from outside: SipHash under a key drawn once per process, so
 * that nobody can choose names that collide. Use with g_str_equal; never rely on the order of such
 * a table.
 */
guint hash_string_keyed(gconstpointer string);

/** The same for GBytes; use with g_bytes_equal. */
guint hash_bytes_keyed(gconstpointer bytes);

#endif
