#ifndef FORGE_WORKER_COMPONENT_COMPONENT_FILE_H
#define FORGE_WORKER_COMPONENT_COMPONENT_FILE_H

#include <glib.h>

#include "journal/base/document.h"
#include "journal/base/scope.h"
#include "worker/component/component_name.h"

/** What a component needs another one for. */
struct component_dependency {
	enum component_kind kind; /**< of the list that has it */
	char *repository;         /**< NULL: the component's own */
	char *component;
	char *constraint;       /**< `version_constraint`, or `version`; NULL: none */
	char *resolved_version; /**< the last three are hints; NULL where not there */
	char *commit;
	char *resolved_at;
	unsigned line; /**< where it begins in the file */
};

/** What `component.yaml` says. Texts that are not there are NULL. */
struct component_file {
	enum component_kind kind; /**< COMPONENT_UNKNOWN if it does not say */
	char *name;               /**< never NULL */
	char *version;            /**< never NULL; a version as semver.org has it */
	char *description;
	char *author;
	char *license;
	GPtrArray *dependencies;    /**< of struct component_dependency: tools, prompts, agents */
	struct value *document;     /**< the whole file */
	const struct value *config; /**< the map under `config`, or NULL; part of `document` */
};

/**
 * Reads the SIZE bytes at TEXT. All that is wrong is put into PROBLEMS (NULL, or an array of char *
 * that it then owns), as `component.yaml:7: metadata.name: …`; the first is the error too, of
 * ORIGIN's code. Refused are wrong values and keys that look mistyped; other unknown keys are let
 * be, and `config`, `spec` and `metadata` may hold anything. Caller frees.
 */
struct component_file *component_file_parse(const struct document_origin *origin, const char *text,
	size_t size, GPtrArray *problems, GError **error);
void component_file_free(struct component_file *file);
SCOPED_POINTER(component_file, component_file_free)

/** What is wrong with TEXT as a version, strictly as semver.org has it; NULL: nothing. Static. */
const char *component_version_wrong(const char *text);

/** What is wrong with TEXT as a constraint; NULL: nothing. Static. */
const char *component_constraint_wrong(const char *text);

/** What is wrong with TEXT as the id of a commit, in full or its beginning; NULL: nothing. Static.
 */
const char *component_commit_wrong(const char *text);

#endif
