#ifndef FORGE_WORKER_SYNC_COMPONENT_EDIT_H
#define FORGE_WORKER_SYNC_COMPONENT_EDIT_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/component/dependency_hints.h"

/*
 * Edits of a component's files as new trees in the workspace's repository: nothing in its folder
 * changes. Trees are hexadecimal ids of root trees; paths are from the component's folder on.
 */

/** Where an edit happens. */
struct edit_place {
	const char *root; /**< of the workspace */
	const char *tree; /**< the files as they are */
	const char *file; /**< the one that is edited */
};

/**
 * The tree in which the field PATH of the document FILE is what a person typed; VALUE and TYPE (may
 * be NULL) as for document_edit_field(). The text around it stays. It is the old tree where the
 * field has that value already. VALIDATION_FAILED if the file is no YAML or JSON, the value does not
 * fit, or the component would have a problem (component_validity()) that it does not have now;
 * FILE_NOT_FOUND; TOO_LARGE; BROKEN_REPOSITORY. Caller frees.
 */
char *component_edit_field(const struct edit_place *place, const char *path, const char *value,
	const char *type, GError **error);

/**
 * The tree in which the field PATH is what it is in the tree BASE: as written there, or gone if BASE
 * has none. VALIDATION_FAILED if it is in neither. Errors and result as component_edit_field(),
 * but nothing is validated: what was there may come back.
 */
char *component_edit_revert_field(
	const struct edit_place *place, const char *base, const char *path, GError **error);

/** The tree in which the file is what it is in the tree BASE; gone if BASE has none. FILE_NOT_FOUND
 * if it is in neither. Caller frees. */
char *component_edit_revert_file(const struct edit_place *place, const char *base, GError **error);

/**
 * The tree in which the dependencies of the document FILE, a component.yaml of a component of REPOSITORY,
 * say what LOCKED has of them; NOTES as for dependency_hints_write(). It is the old tree where nothing changes. Errors as
 * component_edit_field(). Caller frees.
 */
char *component_edit_hints(const struct edit_place *place, const char *repository,
	const struct lock_file *locked, struct dependency_notes *notes, GError **error);

/** TRUE if FILE is a file of the tree; else FILE_NOT_FOUND with the nearest name, or TOO_LARGE. */
gboolean component_edit_has_file(const struct edit_place *place, GError **error);

#endif
