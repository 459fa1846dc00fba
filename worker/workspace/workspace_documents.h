#ifndef FORGE_WORKER_WORKSPACE_WORKSPACE_DOCUMENTS_H
#define FORGE_WORKER_WORKSPACE_WORKSPACE_DOCUMENTS_H

#include <glib.h>

#include "worker/component/workspace_files.h"

/*
 * forge.yaml and forge.lock of the workspace at ROOT, on disk. Who changes one holds the
 * workspace's lock; a file is replaced as a whole, durably, so readers see the old one or the new
 * one. Errors of reading are WORKSPACE_INVALID with file, line and key; of writing
 * PERMISSION_DENIED and CACHE_UNUSABLE.
 */

/** What is wanted; nothing if there is no file. Caller frees. */
struct wanted_file *workspace_wanted_read(const char *root, GError **error);

/** What was resolved; nothing if there is no file. Caller frees. */
struct lock_file *workspace_locked_read(const char *root, GError **error);

/** Makes WANTED the entry of its name: changed where it is listed, else added before the entry of the
 * component BEFORE; at the end if that is NULL or not there. */
gboolean workspace_wanted_write(const char *root, const struct wanted_component *wanted,
	const char *before, GError **error);

/**
 * Which entry a new one is to be added before, so that those of one request stand in its order
 * whichever is written first: LATER (NULL-terminated) are the names that come after it there. It is
 * the first of the entries at the file's end that are all among them; NULL, without an error, if
 * there is none, or the file cannot be read. Caller frees.
 */
char *workspace_wanted_place(const char *root, const char *const *later);

/** Makes LOCKED the lock's word on its name. */
gboolean workspace_locked_write(
	const char *root, const struct locked_component *locked, GError **error);

/** Makes each of LINES (of struct locked_component) the lock's word on its name. */
gboolean workspace_locked_add(const char *root, const GPtrArray *lines, GError **error);

/** What forge.lock said when forge wrote it last, by the copy in `.forge`; nothing if there is none
 * that can be read. It may be older than what is installed. Caller frees. */
struct lock_file *workspace_locked_copy(const char *root);

/** Takes COMPONENT out of both files; fine where it is in neither. */
gboolean workspace_entry_remove(const char *root, const char *component, GError **error);

/**
 * The folder, below the root, of the component NAME: WANTED_PATH where forge.yaml says so, else as
 * in its repository, else (it is the repository's root) `components/NAME`. Caller frees.
 */
char *workspace_folder_of(const char *name, const char *wanted_path, const char *repository_path);

#endif
