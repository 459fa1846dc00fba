/*
 * New text for a document, in the manner of what is there.
 *
 * Which text can stand without quotes is document_write_yaml()'s word, since it already knows what
 * readers of YAML 1.1 and 1.2 take for something else; here that word is only made stricter inside
 * brackets, and bent to the quotes that the document uses. Texts of several lines become blocks
 * where their rules for spaces and empty lines are beyond doubt, else they are quoted on one line.
 * What is appended never ends in a line break, so that it can be put before one that is there.
 */
#include "worker/document/document_edit_write.h"

#include <string.h>

#include "journal/base/errors.h"

void document_write_line(GString *text, const struct document_manner *manner, unsigned column)
{
	g_string_append(text, manner->line_break);
	for (unsigned i = 0; i < column; i++)
		g_string_append_c(text, ' ');
}

gboolean document_is_filled(const struct value *value)
{
	return value_count(value) > 0;
}

/* ---- text ---- */

/* Characters that YAML wants escaped, or that a reader takes for a line break. */
static gboolean is_odd(gunichar character)
{
	return (character < 0x20 && character != '\t') || (character >= 0x7f && character < 0xa0) ||
		character == 0x2028 || character == 0x2029 || character == 0xfeff ||
		character == 0xfffe || character == 0xffff;
}

static gboolean has_odd(const char *string, gunichar except)
{
	for (; *string != '\0'; string = g_utf8_next_char(string)) {
		gunichar character = g_utf8_get_char(string);

		if (is_odd(character) && character != except)
			return TRUE;
	}
	return FALSE;
}

static void write_double(GString *text, const char *string)
{
	g_string_append_c(text, '"');
	for (; *string != '\0'; string = g_utf8_next_char(string)) {
		gunichar character = g_utf8_get_char(string);

		if (character == '"' || character == '\\')
			g_string_append_printf(text, "\\%c", (char)character);
		else if (character == '\n')
			g_string_append(text, "\\n");
		else if (character == '\r')
			g_string_append(text, "\\r");
		else if (character == '\t')
			g_string_append(text, "\\t");
		else if (is_odd(character))
			g_string_append_printf(text, "\\u%04x", (unsigned)character);
		else
			g_string_append_unichar(text, character);
	}
	g_string_append_c(text, '"');
}

static void write_single(GString *text, const char *string)
{
	g_string_append_c(text, '\'');
	for (; *string != '\0'; string++) {
		if (*string == '\'')
			g_string_append_c(text, '\'');
		g_string_append_c(text, *string);
	}
	g_string_append_c(text, '\'');
}

/* `2.1.3`, `1.0.0-beta.1`: begins with three numbers, which no reader takes for one, and dates have
 * no dots. Versions are what is edited most, and people write them without quotes. */
static gboolean is_version(const char *string)
{
	const char *at = string;

	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(at, "0123456789");

		if (digits == 0 || (i < 2 && at[digits] != '.'))
			return FALSE;
		at += digits + (i < 2);
	}
	return at[strspn(
		       at, "0123456789.-+abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] ==
		'\0';
}

/* Whether STRING, of one line, means itself without quotes. */
static gboolean may_be_plain(const char *string, gboolean in_flow)
{
	scoped(value) value = value_new_string(string);
	g_autofree char *written = document_write_yaml(value);

	if (is_version(string))
		return TRUE;
	if (in_flow && strpbrk(string, ",[]{}:?#\"'"))
		return FALSE;
	return g_str_has_prefix(written, string) && written[strlen(string)] == '\n';
}

/*
 * Whether the lines of STRING can stand in a block as they are. Blank or indented lines at the
 * ends, tabs, and blanks at the end of lines have subtle rules. Folding joins lines, so it takes
 * more.
 */
static gboolean may_be_block(const char *string, gboolean folded)
{
	if (!strchr(string, '\n') || has_odd(string, '\n') || strchr(string, '\t') ||
		strchr(" \n", *string) || strstr(string, " \n") ||
		g_str_has_suffix(string, "\n\n") || g_str_has_suffix(string, " "))
		return FALSE;
	return !folded || (!strstr(string, "\n ") && !strstr(string, "\n\n"));
}

static void write_block_text(GString *text, const struct document_manner *manner,
	const char *string, gboolean folded, unsigned column)
{
	size_t size = strlen(string);
	size_t ends = string[size - 1] == '\n' ? 1 : 0;
	g_autofree char *body = g_strndup(string, size - ends);
	g_auto(GStrv) lines = g_strsplit(body, "\n", -1);

	g_string_append_c(text, folded ? '>' : '|');
	if (!ends)
		g_string_append_c(text, '-');
	for (size_t i = 0; lines[i]; i++) {
		if (folded && i > 0)
			document_write_line(text, manner, 0);
		document_write_line(text, manner, *lines[i] ? column : 0);
		g_string_append(text, lines[i]);
	}
}

static void write_yaml_string(GString *text, const struct document_manner *manner,
	const char *string, enum document_style style, unsigned column, gboolean in_flow)
{
	gboolean folded = style == DOCUMENT_STYLE_FOLDED;

	if (column != DOCUMENT_ONE_LINE && !manner->no_text_blocks &&
		style != DOCUMENT_STYLE_DOUBLE && may_be_block(string, folded))
		write_block_text(text, manner, string, folded, column);
	else if (has_odd(string, '\t') || style == DOCUMENT_STYLE_DOUBLE)
		write_double(text, string);
	else if (style == DOCUMENT_STYLE_SINGLE)
		write_single(text, string);
	else if (may_be_plain(string, in_flow))
		g_string_append(text, string);
	else if (manner->quotes == DOCUMENT_STYLE_SINGLE)
		write_single(text, string);
	else
		write_double(text, string);
}

static void write_json(GString *text, const struct value *value)
{
	g_autofree char *json = document_write_json(value, DOCUMENT_COMPACT);

	g_string_append(text, json);
}

/* A number as somebody wrote it, if the document's language takes it so. */
static gboolean write_as_written(
	GString *text, const struct document_manner *manner, const struct value *value)
{
	static const struct document_origin origin = {"number", FORGE_ERROR_VALIDATION_FAILED};
	const char *written = value_written(value);
	scoped(value) read = NULL;

	if (written)
		read = document_parse(manner->format, &origin, written, strlen(written), NULL);
	if (!read || !value_equal(read, value))
		return FALSE;
	g_string_append(text, written);
	return TRUE;
}

static void write_yaml_plain(GString *text, const struct value *value)
{
	g_autofree char *yaml = document_write_yaml(value);

	g_string_append_len(text, yaml, (gssize)strcspn(yaml, "\n"));
}

void document_write_scalar(GString *text, const struct document_manner *manner,
	const struct value *value, enum document_style style, unsigned column, gboolean in_flow)
{
	g_assert(!document_is_filled(value));
	switch (value_kind(value)) {
	case VALUE_STRING:
		if (manner->format == DOCUMENT_JSON)
			write_json(text, value);
		else
			write_yaml_string(
				text, manner, value_string(value), style, column, in_flow);
		break;
	case VALUE_INTEGER:
	case VALUE_REAL:
		if (write_as_written(text, manner, value))
			break;
		/* fall through */
	case VALUE_NULL:
	case VALUE_BOOLEAN:
		if (manner->format == DOCUMENT_JSON)
			write_json(text, value);
		else
			write_yaml_plain(text, value);
		break;
	case VALUE_LIST:
		g_string_append(text, "[]");
		break;
	case VALUE_MAP:
		g_string_append(text, "{}");
		break;
	}
}

void document_write_key(
	GString *text, const struct document_manner *manner, const char *key, gboolean in_flow)
{
	scoped(value) value = value_new_string(key);

	document_write_scalar(
		text, manner, value, DOCUMENT_STYLE_PLAIN, DOCUMENT_ONE_LINE, in_flow);
}

/* ---- collections ---- */

void document_write_flow(GString *text, const struct document_manner *manner,
	const struct value *value, const char *margin)
{
	gboolean is_map = value_kind(value) == VALUE_MAP;
	g_autofree char *inner = margin ? g_strconcat(margin, manner->unit, NULL) : NULL;

	if (!document_is_filled(value)) {
		document_write_scalar(
			text, manner, value, DOCUMENT_STYLE_PLAIN, DOCUMENT_ONE_LINE, TRUE);
		return;
	}
	g_string_append_c(text, is_map ? '{' : '[');
	for (size_t i = 0; i < value_count(value); i++) {
		if (i > 0)
			g_string_append(text, margin ? "," : manner->comma);
		if (margin)
			g_string_append_printf(text, "%s%s", manner->line_break, inner);
		if (is_map) {
			document_write_key(text, manner, value_key_at(value, i), TRUE);
			g_string_append(text, manner->colon);
		}
		document_write_flow(text, manner, value_at(value, i), inner);
	}
	if (margin)
		g_string_append_printf(text, "%s%s", manner->line_break, margin);
	g_string_append_c(text, is_map ? '}' : ']');
}

void document_write_member(GString *text, const struct document_manner *manner, const char *key,
	const struct value *value, unsigned column)
{
	unsigned below = column +
		(value_kind(value) == VALUE_LIST ? manner->list_indent : manner->map_indent);

	document_write_key(text, manner, key, FALSE);
	g_string_append_c(text, ':');
	if (document_is_filled(value)) {
		document_write_line(text, manner, below);
		document_write_block(text, manner, value, below);
	} else {
		g_string_append_c(text, ' ');
		document_write_scalar(text, manner, value, DOCUMENT_STYLE_PLAIN, below, FALSE);
	}
}

void document_write_item(GString *text, const struct document_manner *manner,
	const struct value *value, unsigned column)
{
	g_string_append(text, "- ");
	if (document_is_filled(value))
		document_write_block(text, manner, value, column + 2);
	else
		document_write_scalar(text, manner, value, DOCUMENT_STYLE_PLAIN, column + 2, FALSE);
}

void document_write_block(GString *text, const struct document_manner *manner,
	const struct value *value, unsigned column)
{
	for (size_t i = 0; i < value_count(value); i++) {
		if (i > 0)
			document_write_line(text, manner, column);
		if (value_kind(value) == VALUE_MAP)
			document_write_member(
				text, manner, value_key_at(value, i), value_at(value, i), column);
		else
			document_write_item(text, manner, value_at(value, i), column);
	}
}
