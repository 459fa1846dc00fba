#ifndef FORGE_WORKER_DOCUMENT_FIELD_DIFF_H
#define FORGE_WORKER_DOCUMENT_FIELD_DIFF_H

#include <glib.h>
#include <stddef.h>

#include "journal/base/scope.h"
#include "journal/base/value.h"

enum field_change_kind {
	FIELD_CHANGED,
	FIELD_ADDED,
	FIELD_REMOVED,
	FIELD_REORDERED, /**< a list whose items are known by name has them in another order */
};

/** What a change is a part of, which decides how it is worded. */
enum field_owner {
	FIELD_OF_MAP,
	FIELD_OF_LIST,
	FIELD_OF_SCHEMA, /**< a property that a JSON schema describes */
};

struct field_change {
	enum field_change_kind kind;
	enum field_owner owner;
	char *path;         /**< `tools[1].version`; counted in the old version if it was removed */
	char *label;        /**< the same for people: `tools[crm].version`; in a schema `a.b` for
			       `properties.a.properties.b` */
	char *parent;       /**< label of what it is a part of; empty: of the document */
	char *name;         /**< its last step, alone: `version`, `crm`; empty for the document */
	struct value *from; /**< NULL: added */
	struct value *to;   /**< NULL: removed */
};

/** The changes from one version of a document to another. */
struct field_diff {
	GPtrArray *changes; /**< of struct field_change, the first LIMIT_FIELD_CHANGES */
	size_t n;           /**< how many there are */
};

/**
 * What changed between the trees FROM and TO. Maps are compared by key, whatever the order. Lists
 * of maps are compared by `name`, `id` or `component`, if that is in every item and unique on both
 * sides; other lists item by item where their lengths agree or items were put in or taken out in
 * one place, else as a whole. A value that is new or gone is one change, whatever is in it. A
 * number that is written in another way counts as changed (`1.10`, `1.1`). With IS_SCHEMA the
 * documents are JSON schemas.
 */
struct field_diff *field_diff_new(
	const struct value *from, const struct value *to, gboolean is_schema);
void field_diff_free(struct field_diff *diff);
SCOPED_POINTER(field_diff, field_diff_free)

/**
 * DIFF in lines for people: `config.timeout (30 → 60)`, `added config.retries (5)`, `removed
 * config.retries`, `added pagination fields`. What was added or removed side by side shares a line.
 * A GPtrArray that owns its texts.
 */
GPtrArray *field_diff_wording(const struct field_diff *diff);

#endif
