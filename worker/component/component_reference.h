#ifndef FORGE_WORKER_COMPONENT_COMPONENT_REFERENCE_H
#define FORGE_WORKER_COMPONENT_COMPONENT_REFERENCE_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/component/component_constraint.h"

/** A component as people name it: `[REPOSITORY/]COMPONENT[@C]` or `ADDRESS#COMPONENT[@C]`. */
struct component_reference {
	char *repository; /**< HOST/OWNER/NAME, a URL, user@host:path or a path; NULL: not said */
	char *component;
	struct component_constraint
		*constraint; /**< never NULL; of kind NONE where nothing is said */
};

/**
 * Takes TEXT apart. VALIDATION_FAILED says what is missing or wrong: an address without
 * `#COMPONENT`, a name that no component has, nothing behind `@`, an address with a secret (which
 * is not repeated then). Whether any of it exists is not asked. Caller frees.
 */
struct component_reference *component_reference_parse(const char *text, GError **error);

/** What REFERENCE asks for, as component_constraint_parse() reads it: `^2.1`, `@a1b2c3d`; empty for
 * nothing. Caller frees. */
char *component_reference_constraint(const struct component_reference *reference);
/** How one types the component NAME of REPOSITORY at CONSTRAINT (NULL or empty: none) in a shell; it is
 * quoted where a shell asks for that. Caller frees. */
char *component_reference_typed(const char *repository, const char *name, const char *constraint);

void component_reference_free(struct component_reference *reference);
SCOPED_POINTER(component_reference, component_reference_free)

#endif
