#ifndef FORGE_WORKER_GIT_OID_SET_H
#define FORGE_WORKER_GIT_OID_SET_H

#include <git2.h>
#include <glib.h>

/** A set of object ids that owns its keys. Caller frees with g_hash_table_unref(). */
GHashTable *oid_set_new(void);

/** Adds a copy of OID; FALSE if it was there. */
gboolean oid_set_add(GHashTable *set, const git_oid *oid);

gboolean oid_set_has(GHashTable *set, const git_oid *oid);

/** A map of object ids to numbers that are not 0; looks up as 0 what is not there. Owns its keys.
 * Caller frees. */
GHashTable *oid_map_new(void);
/** The same for values that are freed with FREE_VALUE; used with g_hash_table_insert(). */
GHashTable *oid_map_of(GDestroyNotify free_value);
void oid_map_set(GHashTable *map, const git_oid *oid, gint value);
gint oid_map_get(GHashTable *map, const git_oid *oid);

#endif
