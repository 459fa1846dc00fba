#ifndef FORGE_JOURNAL_BASE_DOCUMENT_YAML_H
#define FORGE_JOURNAL_BASE_DOCUMENT_YAML_H

#include "journal/base/document.h"

/** The YAML half of document_parse(): TEXT is UTF-8 without NUL, of a size within the limit. */
struct value *document_yaml_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error);

/** What TEXT without quotes and tags means by the core
 * schema of YAML 1.2 (section 10.3.2). Caller frees. */
struct value *document_yaml_resolve(const char *text);

#endif
