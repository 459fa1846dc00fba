/*
 * Sets and maps of object ids.
 *
 * The hash is eight bytes of the id folded under a factor, which suffices among honest ids. Who
 * would make ids collide has to find SHA-1 digests that agree in these bytes, for every single one;
 * the job's deadline ends what that slows.
 */
#include "worker/git/oid_set.h"

#include <string.h>

static guint oid_hash(gconstpointer key)
{
	guint64 value;

	memcpy(&value, ((const git_oid *)key)->id + 8, sizeof(value));
	return (guint)((value * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15)) >> 32);
}

static gboolean oid_same(gconstpointer a, gconstpointer b)
{
	return git_oid_equal(a, b);
}

GHashTable *oid_set_new(void)
{
	return g_hash_table_new_full(oid_hash, oid_same, g_free, NULL);
}

gboolean oid_set_add(GHashTable *set, const git_oid *oid)
{
	if (g_hash_table_contains(set, oid))
		return FALSE;
	return g_hash_table_add(set, g_memdup2(oid, sizeof(*oid)));
}

gboolean oid_set_has(GHashTable *set, const git_oid *oid)
{
	return g_hash_table_contains(set, oid);
}

GHashTable *oid_map_of(GDestroyNotify free_value)
{
	return g_hash_table_new_full(oid_hash, oid_same, g_free, free_value);
}

GHashTable *oid_map_new(void)
{
	return oid_set_new();
}

void oid_map_set(GHashTable *map, const git_oid *oid, gint value)
{
	g_hash_table_insert(map, g_memdup2(oid, sizeof(*oid)), GINT_TO_POINTER(value));
}

gint oid_map_get(GHashTable *map, const git_oid *oid)
{
	return GPOINTER_TO_INT(g_hash_table_lookup(map, oid));
}
