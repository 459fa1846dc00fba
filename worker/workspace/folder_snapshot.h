#ifndef FORGE_WORKER_WORKSPACE_FOLDER_SNAPSHOT_H
#define FORGE_WORKER_WORKSPACE_FOLDER_SNAPSHOT_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"

struct snapshot_options {
	/** The tree the folder was last brought to (base or local commit): what it names counts
	 * also where `.gitignore` says otherwise, as a tracked file does in git. NULL: nothing is
	 * tracked. */
	const git_oid *tracked;
	/** File of the stat cache, `WORKSPACE/.forge/index/NAME`; its folder is made. NULL: none.
	 */
	const char *cache;
	uint64_t file_bytes_max;     /**< a larger file is TOO_LARGE; 0: LIMIT_FOLDER_FILE_BYTES */
	const struct budget *budget; /**< asked at every directory; may be NULL */
};

enum snapshot_omission {
	SNAPSHOT_OMITTED_SPECIAL, /**< a fifo, socket or device */
	SNAPSHOT_OMITTED_GIT, /**< `.git`, at the top or in a folder below: git's own, not descended
			       */
	SNAPSHOT_OMITTED_FORGE, /**< `.forge` at the top */
};

/** Something in the folder that no tree can hold. Ignored files are no note. */
struct snapshot_note {
	enum snapshot_omission omission;
	char *path; /**< in the folder, as the bytes on disk */
};

struct snapshot_notes {
	GPtrArray *omitted;  /**< of struct snapshot_note, in order; the first LIMIT_SNAPSHOT_NOTES;
				NULL if none */
	uint32_t files;      /**< files and symlinks in the tree */
	uint32_t files_read; /**< of these, read because the cache did not know them */
	uint32_t objects_written; /**< blobs and trees that the repository did not have */
};

void snapshot_notes_clear(struct snapshot_notes *notes);
SCOPED_VALUE(snapshot_notes, snapshot_notes_clear)

/**
 * The files of FOLDER as a tree of REPOSITORY: *TREE. Bytes are taken without filters; the
 * executable bit is the owner's; empty directories are not there; `.gitignore` files of the folder
 * and below are honoured by git's rules, and no other lists of ignored files. `.git` never counts,
 * the files beside a nested one do. Writes only objects that are new. OPTIONS and NOTES may be
 * NULL; NOTES must be zeroed or cleared, the caller clears it. Nothing outside FOLDER is read
 * whatever symlinks are put into it meanwhile; FOLDER itself may be reached through symlinks.
 *
 * Errors name the path: a FOLDER that is not there is
 * VALIDATION_FAILED; PERMISSION_DENIED; TOO_LARGE; SECURITY_REFUSED for a name that
 * path_safety_fault() refuses; BUSY for a file that changed whenever it was read; CACHE_UNUSABLE
 * for other troubles of the disk; INTERRUPTED, TIMEOUT.
 */
gboolean folder_snapshot(git_repository *repository, const char *folder,
	const struct snapshot_options *options, git_oid *tree, struct snapshot_notes *notes,
	GError **error);

#endif
