#ifndef FORGE_WORKER_COMPONENT_WORKSPACE_EDIT_H
#define FORGE_WORKER_COMPONENT_WORKSPACE_EDIT_H

#include <glib.h>

#include "worker/component/workspace_files.h"

/*
 * `forge.yaml` and `forge.lock` changed in place: the old text in (NULL: there is no file yet), the
 * new one out, freed by the caller. What is not changed stays byte for byte, comments, order and
 * line ends too. TEXT must be a file that wanted_file_parse() or lock_file_parse() takes; errors
 * are theirs, with NAME (`forge.yaml`) as the origin's, and those of document_edit_apply().
 */

/** Adds COMPONENT before the one called BEFORE; at the end if that is NULL or not there.
 * ALREADY_EXISTS if its name is there. */
char *workspace_wanted_add(const char *name, const char *text,
	const struct wanted_component *component, const char *before, GError **error);

/** Takes COMPONENT out. COMPONENT_NOT_FOUND suggests the nearest name. */
char *workspace_wanted_remove(
	const char *name, const char *text, const char *component, GError **error);

/** Makes COMPONENT's entry, where it stands, say what COMPONENT says. COMPONENT_NOT_FOUND as above. */
char *workspace_wanted_set(const char *name, const char *text,
	const struct wanted_component *component, GError **error);

/**
 * Makes each of COMPONENTS (of struct locked_component, names once) the lock's word on its name:
 * changed where it stands, or put where its name belongs in a sorted list. Where it says the same as
 * before, `resolved_at` stays.
 */
char *workspace_lock_set(
	const char *name, const char *text, const GPtrArray *components, GError **error);

/** Takes COMPONENT out. COMPONENT_NOT_FOUND as above. */
char *workspace_lock_remove(
	const char *name, const char *text, const char *component, GError **error);

#endif
