#ifndef FORGE_JOURNAL_BASE_DOCUMENT_JSON_H
#define FORGE_JOURNAL_BASE_DOCUMENT_JSON_H

#include "journal/base/document.h"

/** The JSON half of document_parse(): TEXT is UTF-8 without NUL, of a size within the limit. */
struct value *document_json_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error);

#endif
