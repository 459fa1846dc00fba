#ifndef FORGE_JOURNAL_BASE_DOCUMENT_H
#define FORGE_JOURNAL_BASE_DOCUMENT_H

#include <glib.h>
#include <stddef.h>

#include "journal/base/errors.h"
#include "journal/base/value.h"

enum document_format {
	DOCUMENT_JSON, /**< RFC 8259 */
	DOCUMENT_YAML, /**< YAML with the core types of YAML 1.2: `yes` is text, `0777` the number
			  777 */
};

/** Whose document it is, for its errors. */
struct document_origin {
	const char *name;         /**< begins each message: `config.yaml:3: …` */
	enum forge_error invalid; /**< code of every error of reading: VALIDATION_FAILED,
				     CONFIGURATION_INVALID … */
};

/**
 * Reads one document of SIZE bytes at TEXT. Values carry their line, keys too. Refused, each with
 * its line: what is no UTF-8, NUL bytes, duplicate keys, keys that are no scalars, merge keys
 * (`<<`), tags beyond the core ones, more documents than one, and whatever exceeds
 * LIMIT_DOCUMENT_BYTES, _DEPTH or _NODES (counted with aliases expanded). An empty YAML document is
 * a null. Messages never quote values, which may be secrets.
 */
struct value *document_parse(enum document_format format, const struct document_origin *origin,
	const char *text, size_t size, GError **error);

/** Reads the file at PATH: JSON if it is called `*.json`,
 * else YAML. Its path is the origin's name. */
struct value *document_read_file(const char *path, enum forge_error invalid, GError **error);

/** Sets ERROR to `NAME:LINE: MESSAGE` (without the line if that is 0). */
void document_error(GError **error, const struct document_origin *origin, unsigned line,
	const char *format, ...) G_GNUC_PRINTF(4, 5);

enum document_layout {
	DOCUMENT_COMPACT,  /**< one line without spaces and without a line break at its end */
	DOCUMENT_INDENTED, /**< for people: two spaces a level, a line break at the end */
};

/**
 * VALUE as JSON, members in their order, numbers with as few digits as say them exactly; infinities
 * and NaN, which JSON lacks, are the texts `.inf`, `-.inf`, `.nan`. The same value gives the same
 * bytes. Caller frees.
 */
char *document_write_json(const struct value *value, enum document_layout layout);

/**
 * VALUE as YAML in block style. Text is quoted wherever a reader of YAML 1.1 or 1.2 might take it
 * for something else. Caller frees.
 */
char *document_write_yaml(const struct value *value);

#endif
