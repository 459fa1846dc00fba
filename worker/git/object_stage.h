#ifndef FORGE_WORKER_GIT_OBJECT_STAGE_H
#define FORGE_WORKER_GIT_OBJECT_STAGE_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"

/**
 * Objects of a repository, and new ones beside them that exist in memory only. A merge reads and
 * makes objects here; what a merge of merge bases made is needed for reading alone, so nothing
 * reaches the repository until it is asked for. Belongs to one thread.
 */
struct object_stage;

struct object_stage *object_stage_new(git_repository *repository, GError **error);
void object_stage_free(struct object_stage *stage);
SCOPED_POINTER(object_stage, object_stage_free)

/**
 * The content of the object OID of TYPE, borrowed until the stage is freed or
 * object_stage_release() names it. *SIZE in bytes. BROKEN_REPOSITORY if it is not there or of
 * another type.
 */
const void *object_stage_read(struct object_stage *stage, const git_oid *oid, git_object_t type,
	size_t *size, GError **error);

/** Lets go of what object_stage_read() gave for OID; a staged object stays. */
void object_stage_release(struct object_stage *stage, const git_oid *oid);

/** The size in bytes of the object OID, without reading it where the repository can tell. */
gboolean object_stage_size(
	struct object_stage *stage, const git_oid *oid, size_t *size, GError **error);

/** Keeps a copy of SIZE bytes at DATA as an object of TYPE in memory; *OID is its id. */
gboolean object_stage_add(struct object_stage *stage, git_object_t type, const void *data,
	size_t size, git_oid *oid, GError **error);

/** Everything added so far stays readable, but the next object_stage_write() leaves it out. */
void object_stage_forget_added(struct object_stage *stage);

/** Writes what was added since the last object_stage_forget_added() to the repository, blobs before
 * trees. */
gboolean object_stage_write(struct object_stage *stage, GError **error);

/**
 * Forgets what was added, and what was read if that has grown past LIMIT_OBJECTS_KEPT_BYTES.
 * Nothing borrowed may be in use.
 */
void object_stage_reset(struct object_stage *stage);

/** Prefixes libgit2's last error of this thread with WHAT, as a BROKEN_REPOSITORY error. */
void object_stage_set_error(GError **error, const char *what);

#endif
