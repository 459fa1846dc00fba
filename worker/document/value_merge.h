#ifndef FORGE_WORKER_DOCUMENT_VALUE_MERGE_H
#define FORGE_WORKER_DOCUMENT_VALUE_MERGE_H

#include <glib.h>

#include "journal/base/scope.h"
#include "journal/base/value.h"
#include "worker/document/version_line.h"

/** What is made of a conflict. */
enum value_preference {
	VALUE_PREFER_NONE, /**< it stays one */
	VALUE_PREFER_OURS,
	VALUE_PREFER_THEIRS,
	/** Lists get the items of both, what one side deleted and the other changed stays; other
	 * conflicts stay. */
	VALUE_PREFER_BOTH,
};

struct value_merge_options {
	enum version_rule version_rule;
	enum value_preference preference;
	/** Path (text) to an enum value_preference that goes before PREFERENCE, or NULL. Borrowed.
	 */
	GHashTable *choices;
};

/** Three versions of a value, borrowed; NULL where a version has none. */
struct value_versions {
	const struct value *base;
	const struct value *ours;
	const struct value *theirs;
	/**
	 * What a merge by lines made of the document, its conflicts taken from ours and from
	 * theirs; both or neither. Where the two agree on something new, a conflict of two lists or
	 * texts is settled by it.
	 */
	const struct value *lines_ours;
	const struct value *lines_theirs;
};

struct value_conflict {
	char *path; /**< as document_path_format() writes it: `config.timeout`; "" is the whole. An
		       item of a list of named maps has its place in our list, or, where ours has
		       none, its name behind a dot. */
	struct value *base; /**< NULL where that version has none; so the other two */
	struct value *ours;
	struct value *theirs;
	enum value_preference settled; /**< NONE for a conflict that stays */
};
void value_conflict_free(struct value_conflict *conflict);

/** A version that a rule settled. */
struct value_version {
	char *path;
	enum version_rule rule; /**< the one that was followed */
	char *version;
};

struct value_merge {
	struct value *value;  /**< with ours where a conflict stays; NULL if nothing is left */
	GPtrArray *conflicts; /**< of struct value_conflict: those that stay */
	GPtrArray *settled;   /**< of struct value_conflict: those that a preference settled */
	GPtrArray *versions;  /**< of struct value_version */
};
void value_merge_free(struct value_merge *merge);
SCOPED_POINTER(value_merge, value_merge_free)

/**
 * Merges three versions of a value. What only one side changed is taken from it, what both changed
 * alike too. Maps are merged by key; lists of maps with a unique `name` or `id` item by item; lists
 * of unique scalars as sets that keep their order. Any other list is one value. Everything else is
 * a conflict unless the options settle it. Never fails; caller frees.
 */
struct value_merge *value_merge_new(
	const struct value_versions *versions, const struct value_merge_options *options);

/** TRUE if A and B are the same data: the order of members does not count, how a number is spelled
 * does (1.10 may be a version). Both may be NULL. */
gboolean value_same(const struct value *a, const struct value *b);

#endif
