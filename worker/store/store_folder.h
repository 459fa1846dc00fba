#ifndef FORGE_WORKER_STORE_STORE_FOLDER_H
#define FORGE_WORKER_STORE_STORE_FOLDER_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/** One repository folder of the cache and what lies beside it. All paths are absolute. */
struct store_folder {
	char *repository; /**< PARENT/NAME.git: the bare repository, once it is made */
	char *incoming;   /**< PARENT/NAME.incoming: the quarantine of a fetch that runs */
	char *next; /**< PARENT/NAME.next: what takes the repository's place, while it is made */
	char *lock; /**< PARENT/NAME.lock */
};

void store_folder_init(struct store_folder *folder, const char *parent, const char *name);
void store_folder_clear(struct store_folder *folder);
SCOPED_VALUE(store_folder, store_folder_clear)

/** Says which making of a repository this is. Two folders made at different times never have the
 * same. */
#define STORE_STAMP_BYTES 32

/** What a repository folder says of itself. */
struct store_stamp {
	char generation[STORE_STAMP_BYTES +
		1];                        /**< of this repository: kept when it is rewritten */
	char basis[STORE_STAMP_BYTES + 1]; /**< of the store it borrows from; "-": none */
	char boot[STORE_STAMP_BYTES + 1]; /**< of the machine, when it was last known to be whole */
};

/**
 * Makes an empty bare repository at PATH, whose parent exists: BORROWED (the absolute path of an
 * objects folder, for libgit2 follows relative ones from the first repository only; NULL: nothing)
 * goes into objects/info/alternates. CACHE_UNUSABLE; what was made stays then.
 */
gboolean store_folder_make(const char *path, const char *borrowed, GError **error);

/** Reads, and replaces at once, the stamp of the repository at PATH. BROKEN_REPOSITORY;
 * CACHE_UNUSABLE. */
gboolean store_stamp_read(struct store_stamp *stamp, const char *path, GError **error);
gboolean store_stamp_write(const struct store_stamp *stamp, const char *path, GError **error);

/** Removes the stamp of the repository at PATH, which counts as broken from then on. */
void store_stamp_remove(const char *path);

/** A stamp of this boot with a new generation, over the store of generation BASIS (NULL: none). */
struct store_stamp store_stamp_new(const char *basis);

/** TRUE if the machine has not been started again since STAMP was written: nothing can have been
 * lost. */
gboolean store_stamp_is_of_this_boot(const struct store_stamp *stamp);

/**
 * Reads every byte of the packs, their indices and the loose objects of the repository at PATH and
 * compares the checksums. BROKEN_REPOSITORY naming the file. Does not look for objects that are
 * wholly absent.
 */
gboolean store_folder_verify(const char *path, GError **error);

/** Removes PATH with all it holds, following no link; what is not there is fine. CACHE_UNUSABLE. */
gboolean store_folder_remove(const char *path, GError **error);

/**
 * Puts the repository that was made in FOLDER's next in the place of its repository, in one step,
 * and removes what was there. Whoever calls holds the folder for exclusive use. CACHE_UNUSABLE.
 */
gboolean store_folder_exchange(const struct store_folder *folder, GError **error);

/** Removes the lock files of refs that a killed process left in the repository at PATH, which
 * nobody else writes. */
void store_folder_unlock_refs(const char *path);

/** Bytes on disk below PATH; 0 if it is not there. */
uint64_t store_folder_bytes(const char *path);

/** Makes FOLDER with its parents, for this user alone. CACHE_UNUSABLE. */
gboolean store_folder_make_parents(const char *folder, GError **error);

#endif
