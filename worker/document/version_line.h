#ifndef FORGE_WORKER_DOCUMENT_VERSION_LINE_H
#define FORGE_WORKER_DOCUMENT_VERSION_LINE_H

#include <glib.h>

#include "worker/document/document_path.h"

/** What becomes of a version that both sides moved. */
enum version_rule {
	VERSION_RULE_CONFLICT, /**< a person decides */
	VERSION_RULE_HIGHER,   /**< the higher of the two, by semver's precedence */
	VERSION_RULE_REPLAY,   /**< our step from the base (major, minor, patch, prerelease) is made
				  from theirs */
	VERSION_RULE_OURS,
	VERSION_RULE_THEIRS,
};

/** `conflict`, `higher`, `replay`, `ours`, `theirs`. FALSE, and RULE untouched, for anything else.
 */
gboolean version_rule_parse(const char *name, enum version_rule *rule);
const char *version_rule_name(enum version_rule rule);

/** Whose version it is that stands somewhere in a document. */
enum version_line {
	VERSION_LINE_NONE,    /**< no version line */
	VERSION_LINE_OWN,     /**< of what the file describes: `version`, `metadata.version` */
	VERSION_LINE_FOREIGN, /**< of something else: `appVersion`, `newTag`, a dependency */
};

/** What stands at PATH, as its keys tell. */
enum version_line version_line_at(const struct document_path *path);

/**
 * Settles the version at PATH that was BASE (NULL: both sides added it) and is OURS here and THEIRS
 * there, all three different. Each must be a semantic version, perhaps behind a `v`; in a map of
 * dependencies, also behind an operator (`^`, `~`, `>=` …); the same on all three. Returns the text
 * for it (caller frees) and in USED the rule that was followed: a version of something else is
 * never replayed, since that would name a release which nobody made; there REPLAY follows HIGHER.
 * NULL if it is no such line, if RULE is CONFLICT, or where the rule has no answer (our step goes
 * down, or starts from what theirs left or nobody had).
 */
char *version_line_settle(const struct document_path *path, enum version_rule rule,
	const char *base, const char *ours, const char *theirs, enum version_rule *used);

#endif
