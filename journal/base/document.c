/*
 * What is the same for every document: files, sizes, encoding, how an error names its place.
 *
 * libyaml and jansson have their doors in document_yaml*.c and document_json.c; nothing else
 * includes them. A document is hostile until it is read: its bytes are counted before anything is
 * allocated by them, and checked to be UTF-8 before a library sees them.
 */
#include "journal/base/document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "journal/base/document_json.h"
#include "journal/base/document_yaml.h"
#include "journal/base/limits.h"
#include "journal/base/printable.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void document_error(GError **error, const struct document_origin *origin, unsigned line,
	const char *format, ...)
{
	g_autofree char *raw = NULL;
	g_autofree char *valid = NULL;
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	raw = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	/* Keys of the document may stand in it. */
	valid = g_utf8_make_valid(raw, -1);
	message = printable_text(valid);
	if (line > 0)
		g_set_error(error, FORGE_ERROR, (int)origin->invalid, "%s:%u: %s", origin->name,
			line, message);
	else
		g_set_error(
			error, FORGE_ERROR, (int)origin->invalid, "%s: %s", origin->name, message);
}

static unsigned line_of(const char *text, const char *place)
{
	unsigned line = 1;

	for (; text < place; text++)
		if (*text == '\n')
			line++;
	return line;
}

static gboolean check_text(
	const struct document_origin *origin, const char *text, size_t size, GError **error)
{
	const char *end;

	if (size > LIMIT_DOCUMENT_BYTES) {
		document_error(error, origin, 0, "larger than %d bytes", LIMIT_DOCUMENT_BYTES);
		return FALSE;
	}
	if (g_utf8_validate_len(text, size, &end))
		return TRUE;
	document_error(
		error, origin, line_of(text, end), "%s", *end == '\0' ? "a NUL byte" : "not UTF-8");
	return FALSE;
}

struct value *document_parse(enum document_format format, const struct document_origin *origin,
	const char *text, size_t size, GError **error)
{
	if (!check_text(origin, text, size, error))
		return NULL;
	if (size >= strlen(BYTE_ORDER_MARK) &&
		memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
		text += strlen(BYTE_ORDER_MARK);
		size -= strlen(BYTE_ORDER_MARK);
	}
	switch (format) {
	case DOCUMENT_JSON:
		return document_json_parse(origin, text, size, error);
	case DOCUMENT_YAML:
		return document_yaml_parse(origin, text, size, error);
	}
	g_assert_not_reached();
}

/* Not g_file_get_contents(): a device or a pipe may never
 * end. One byte too many is read, to be refused later. */
static GString *read_bounded(FILE *file)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char block[64 * 1024];

	while (text->len <= LIMIT_DOCUMENT_BYTES) {
		size_t got = fread(block, 1, sizeof(block), file);

		g_string_append_len(text, block, (gssize)got);
		if (got < sizeof(block))
			break;
	}
	return ferror(file) ? NULL : g_steal_pointer(&text);
}

struct value *document_read_file(const char *path, enum forge_error invalid, GError **error)
{
	const struct document_origin origin = {.name = path, .invalid = invalid};
	g_autoptr(GString) text = NULL;
	FILE *file = fopen(path, "re");

	if (!file) {
		document_error(error, &origin, 0, "%s", g_strerror(errno));
		return NULL;
	}
	text = read_bounded(file);
	if (!text)
		document_error(error, &origin, 0, "%s", g_strerror(errno));
	fclose(file);
	if (!text)
		return NULL;
	return document_parse(g_str_has_suffix(path, ".json") ? DOCUMENT_JSON : DOCUMENT_YAML,
		&origin, text->str, text->len, error);
}
