/*
 * The door to libsodium: digests for the journal's chain and the state, SipHash for tables of
 * foreign names, random bytes. The key of the tables differs from process to process on purpose.
 */
#include "journal/base/hash.h"

#include <sodium.h>
#include <string.h>

static void ensure_ready(void)
{
	/* Safe to call from any thread and any number of times; 1 means it was ready already. */
	g_assert(sodium_init() >= 0);
}

struct hash hash_chain(const struct hash *previous, const void *data, size_t size)
{
	crypto_generichash_state state;
	struct hash result;

	/* Before it, libsodium hashes with its slow portable code. */
	ensure_ready();
	crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
	if (previous)
		crypto_generichash_update(&state, previous->bytes, HASH_BYTES);
	crypto_generichash_update(&state, data, size);
	crypto_generichash_final(&state, result.bytes, HASH_BYTES);
	return result;
}

gboolean hash_equal(const struct hash *a, const struct hash *b)
{
	return memcmp(a->bytes, b->bytes, HASH_BYTES) == 0;
}

char *hash_hex(const struct hash *hash)
{
	char *text = g_malloc(HASH_BYTES * 2 + 1);

	return sodium_bin2hex(text, HASH_BYTES * 2 + 1, hash->bytes, HASH_BYTES);
}

void hash_random(void *data, size_t size)
{
	ensure_ready();
	randombytes_buf(data, size);
}

static gpointer draw_table_key(gpointer unused)
{
	uint8_t *key = g_malloc(crypto_shorthash_KEYBYTES);

	(void)unused;
	hash_random(key, crypto_shorthash_KEYBYTES);
	return key;
}

static guint hash_keyed(gconstpointer data, size_t size)
{
	static GOnce once = G_ONCE_INIT;
	const uint8_t *key = g_once(&once, draw_table_key, NULL);
	uint8_t out[crypto_shorthash_BYTES];
	guint value;

	crypto_shorthash(out, data, size, key);
	memcpy(&value, out, sizeof(value));
	return value;
}

guint hash_string_keyed(gconstpointer string)
{
	return hash_keyed(string, strlen(string));
}

guint hash_bytes_keyed(gconstpointer bytes)
{
	gsize size;
	gconstpointer data = g_bytes_get_data((GBytes *)bytes, &size);

	return hash_keyed(data, size);
}
