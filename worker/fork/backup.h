#ifndef FORGE_WORKER_FORK_BACKUP_H
#define FORGE_WORKER_FORK_BACKUP_H

#include <git2.h>
#include <glib.h>

#include "worker/remote/ref_listing.h"

/** Where backups of BRANCH lie under PLACE, with the slash: `refs/forge/backup/main/`. Caller
 * frees. */
char *backup_folder(const char *place, const char *branch);

/**
 * The ref under FOLDER for TIP, kept at MADE_US (wall clock): `…/OLDOID-20260131T235959Z`. The same
 * for the same job, however often it is tried. Caller frees.
 */
char *backup_name(const char *folder, const git_oid *tip, uint64_t made_us);

/**
 * The backups of FOLDER in LISTING that need not be kept at NOW_US: those both older than
 * LIMIT_BACKUP_DAYS and not among the newest LIMIT_BACKUPS_KEPT, and those of a tip that has a
 * newer one. Refs whose names or ids are not as backup_name() makes them are nobody's backups and
 * not among these. Of struct advertised_ref, borrowed from LISTING; oldest first; caller unrefs.
 * Pure.
 */
GPtrArray *backup_outdated(const struct ref_listing *listing, const char *folder, uint64_t now_us);

#endif
