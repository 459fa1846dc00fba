#ifndef FORGE_WORKER_COMPONENT_COMPONENT_NAME_H
#define FORGE_WORKER_COMPONENT_COMPONENT_NAME_H

#include <glib.h>

/** What a component is. */
enum component_kind {
	COMPONENT_TOOL,
	COMPONENT_PROMPT,
	COMPONENT_AGENT,
	COMPONENT_UNKNOWN, /**< nobody says */
};

/** How many kinds there are; COMPONENT_UNKNOWN is none. */
#define COMPONENT_KINDS COMPONENT_UNKNOWN

/** `tools`, as lists and folders are called. Static; NULL for COMPONENT_UNKNOWN. */
const char *component_kind_plural(enum component_kind kind);

/** The kind called `Tool`, as `kind:` has it, or `tools`; COMPONENT_UNKNOWN if it is neither. */
enum component_kind component_kind_from_name(const char *name);
enum component_kind component_kind_from_plural(const char *plural);

/** What is wrong with a component's name, as formats have it; NULL: nothing. Static. */
const char *component_name_wrong(const char *name);

/**
 * What is wrong with PATH, of a folder in a repository; NULL: nothing. Refused are empty and
 * absolute paths, `..`, backslashes, control characters, and `.git` in any spelling that some file
 * system takes for it. `.` alone is the repository itself. Static.
 */
const char *component_path_wrong(const char *path);

/** PATH, which is right, as git writes it: no `.`, no slash doubled or at the end; empty for the
 * repository itself. Caller frees. */
char *component_path_clean(const char *path);

/** What is wrong with TEXT as where a repository is; NULL: nothing that can be seen without asking.
 * Static. */
const char *component_repository_wrong(const char *text);

#endif
