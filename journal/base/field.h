#ifndef FORGE_JOURNAL_BASE_FIELD_H
#define FORGE_JOURNAL_BASE_FIELD_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/base/document.h"

/** What a field is in a document, and in the struct. */
enum field_type {
	FIELD_STRING,   /**< text; `char *` */
	FIELD_ENUM,     /**< one of `words`; `int`, the word's place */
	FIELD_BOOLEAN,  /**< `gboolean` */
	FIELD_COUNT,    /**< a whole number; `uint64_t` */
	FIELD_BYTES,    /**< a size such as `20GB`; `uint64_t`, bytes */
	FIELD_DURATION, /**< a duration such as `30s`; `uint64_t`, milliseconds */
	FIELD_STRINGS,  /**< a list of text; `char **`, NULL-terminated, or NULL */
	FIELD_STRUCTS,  /**< a list of maps; `GPtrArray *` of structs, never NULL */
	FIELD_NAMED,    /**< a map from names to maps; `GPtrArray *` likewise, the name at
			   `items->name_offset` */
};

struct field_table;

struct field {
	const char *path; /**< of keys: `worker.jobs` */
	enum field_type type;
	size_t offset; /**< offsetof the member */
	gboolean required;
	const char
		*fallback; /**< what it is where nobody says, as field_set() takes it; NULL: zero */
	uint64_t min, max; /**< of a number; of a text's bytes; of a list's items. A max of 0: a
			      bound by type */
	const char *const *words; /**< the only texts allowed, NULL-terminated; or NULL */
	const char *(*check)(const char
			*text); /**< of a text: NULL, or what is wrong with it, static; or NULL */
	const struct field_table *items; /**< of FIELD_STRUCTS, FIELD_NAMED */
	const char *about; /**< what it is for, in a few words, for manuals; or NULL */
};

/** A struct of SIZE bytes and its fields. */
struct field_table {
	const struct field *fields;
	size_t count;
	size_t size;
	size_t name_offset; /**< in items of FIELD_NAMED: a `char *` for the name */
};

/** A new struct with every fallback in place. Free with field_free(). */
gpointer field_new(const struct field_table *table);

/**
 * A new struct from DOCUMENT: a map, or a null for an empty one. Unknown keys, missing required
 * ones and wrong values are refused with origin->invalid, as `NAME:LINE: forks[1].strategy:
 * expected one of …`; a key without a value (`endpoint:`) counts as not there. A number that YAML
 * has without quotes is taken as written where text is wanted. LINES, unless NULL, has a place for
 * each field of TABLE and gets the line that set it, 0 where none did.
 */
gpointer field_read(const struct field_table *table, const struct value *document,
	const struct document_origin *origin, unsigned *lines, GError **error);

/**
 * Sets one field from TEXT, as an environment variable or an option has it: numbers, `true`,
 * `false`, lists with commas. Not for FIELD_STRUCTS and FIELD_NAMED. The error is `NAME: …` of
 * ORIGIN; OBJECT is untouched then.
 */
gboolean field_set(const struct field *field, gpointer object, const char *text,
	const struct document_origin *origin, GError **error);

/** What field_set() takes: `a whole number from 1 to 64`, `true or false`, `one of a, b`, `text`.
 * Caller frees. */
char *field_expects(const struct field *field);

/** The value as field_set() takes it; NULL for a text that
 * is not set and for structs. Caller frees. */
char *field_text(const struct field *field, gconstpointer object);

/** Frees OBJECT and all that its fields own; takes NULL.
 * Members that no field describes are the caller's. */
void field_free(const struct field_table *table, gpointer object);

#endif
