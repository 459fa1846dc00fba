#ifndef FORGE_WORKER_DEPENDENCY_REF_BOOK_H
#define FORGE_WORKER_DEPENDENCY_REF_BOOK_H

#include <git2.h>
#include <glib.h>

#include "worker/dependency/ref_record.h"

/*
 * Records of what repositories advertised, kept in a workspace's repository (FORGE below): a
 * history of commits for each repository, at `refs/upstreams/DIGEST`, so that a resolution can name
 * the very refs it was made of, and be made again.
 */

/** The newest record of REPOSITORY; NULL without an error if there is none. *COMMIT is the commit
 * that has it, else zero. BROKEN_REPOSITORY. Caller frees. */
struct ref_record *ref_book_newest(
	git_repository *forge, const char *repository, git_oid *commit, GError **error);

/** The record that COMMIT has. BROKEN_REPOSITORY. Caller frees. */
struct ref_record *ref_book_read(git_repository *forge, const git_oid *commit, GError **error);

/**
 * Keeps RECORD as its repository's newest, on top of BEFORE (zero: the first); *COMMIT names it.
 * Nothing is written where BEFORE has the same already. WHO dates the commit. REF_MOVED if somebody
 * else wrote meanwhile; BROKEN_REPOSITORY, STORE_BUSY.
 */
gboolean ref_book_keep(git_repository *forge, const struct ref_record *record,
	const git_oid *before, const git_signature *who, git_oid *commit, GError **error);

/** Removes the lock file that a killed process left on the ref of REPOSITORY. Whoever calls holds the
 * workspace against all others who keep records. */
void ref_book_unlock(git_repository *forge, const char *repository);

#endif
