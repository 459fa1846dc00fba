/*
 * Ways into a document: keys and indexes, one after the other.
 *
 * The text form is what people type and what conflicts and changes are called by: keys with dots
 * between them, indexes in brackets, anything odd in double quotes. Whatever keys a document has,
 * formatting a path and reading it again gives the same path. A path knows nothing of the document
 * that it is for; whether it leads anywhere is seen when it is followed.
 */
#include "worker/document/document_path.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

/* What ends a key without quotes, or cannot stand in one. */
#define KEY_ENDS ".[]\"\\ \t\r\n"

struct document_path {
	GArray *steps; /* of struct document_step, which own their keys */
};

static void clear_step(gpointer data)
{
	struct document_step *step = data;

	g_free((char *)step->key);
}

struct document_path *document_path_new(void)
{
	struct document_path *path = g_new0(struct document_path, 1);

	path->steps = g_array_new(FALSE, FALSE, sizeof(struct document_step));
	g_array_set_clear_func(path->steps, clear_step);
	return path;
}

struct document_path *document_path_copy(const struct document_path *path)
{
	struct document_path *copy = document_path_new();

	for (size_t i = 0; i < document_path_length(path); i++) {
		struct document_step step = document_path_step(path, i);

		if (step.key)
			document_path_append_key(copy, step.key);
		else
			document_path_append_index(copy, step.index);
	}
	return copy;
}

void document_path_free(struct document_path *path)
{
	if (!path)
		return;
	g_array_unref(path->steps);
	g_free(path);
}

void document_path_append_key(struct document_path *path, const char *key)
{
	struct document_step step = {.key = g_strdup(key)};

	g_array_append_val(path->steps, step);
}

void document_path_append_index(struct document_path *path, size_t index)
{
	struct document_step step = {.index = index};

	g_array_append_val(path->steps, step);
}

void document_path_drop(struct document_path *path)
{
	g_assert(path->steps->len > 0);
	g_array_set_size(path->steps, path->steps->len - 1);
}

size_t document_path_length(const struct document_path *path)
{
	return path->steps->len;
}

struct document_step document_path_step(const struct document_path *path, size_t at)
{
	g_assert(at < path->steps->len);
	return g_array_index(path->steps, struct document_step, at);
}

/* ---- reading ---- */

struct reading {
	const char *text;
	const char *at;
	struct document_path *path;
};

static gboolean wrong(const struct reading *reading, const char *why, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "path, byte %zu: %s",
		(size_t)(reading->at - reading->text) + 1, why);
	return FALSE;
}

/* `\u00XX`, at its backslash; only what has no other spelling. */
static gboolean read_control(struct reading *reading, GString *key, GError **error)
{
	int high, low;

	if (strncmp(reading->at, "\\u00", 4) != 0)
		return wrong(reading, "no such escape", error);
	high = g_ascii_xdigit_value(reading->at[4]);
	low = high < 0 ? -1 : g_ascii_xdigit_value(reading->at[5]);
	if (low < 0 || high * 16 + low == 0)
		return wrong(reading, "no such escape", error);
	g_string_append_unichar(key, (gunichar)(high * 16 + low));
	reading->at += 6;
	return TRUE;
}

static gboolean read_escape(struct reading *reading, GString *key, GError **error)
{
	static const char letters[] = "\"\\nrt";
	static const char meant[] = "\"\\\n\r\t";
	const char *letter = reading->at[1] ? strchr(letters, reading->at[1]) : NULL;

	if (!letter)
		return read_control(reading, key, error);
	g_string_append_c(key, meant[letter - letters]);
	reading->at += 2;
	return TRUE;
}

static gboolean read_quoted(struct reading *reading, GError **error)
{
	g_autoptr(GString) key = g_string_new(NULL);

	reading->at++;
	while (*reading->at != '"') {
		if (*reading->at == '\0')
			return wrong(reading, "the closing quote is missing", error);
		if (*reading->at == '\\') {
			if (!read_escape(reading, key, error))
				return FALSE;
		} else {
			g_string_append_c(key, *reading->at++);
		}
	}
	reading->at++;
	document_path_append_key(reading->path, key->str);
	return TRUE;
}

static gboolean read_key(struct reading *reading, GError **error)
{
	size_t size;
	g_autofree char *key = NULL;

	if (*reading->at == '"')
		return read_quoted(reading, error);
	size = strcspn(reading->at, KEY_ENDS);
	if (size == 0)
		return wrong(reading,
			"expected a key; one with odd characters stands in double quotes", error);
	key = g_strndup(reading->at, size);
	document_path_append_key(reading->path, key);
	reading->at += size;
	return TRUE;
}

static gboolean read_index(struct reading *reading, GError **error)
{
	g_autofree char *digits = NULL;
	size_t size;
	guint64 index;

	reading->at++;
	size = strspn(reading->at, "0123456789");
	digits = g_strndup(reading->at, size);
	if (!g_ascii_string_to_unsigned(digits, 10, 0, LIMIT_DOCUMENT_NODES, &index, NULL))
		return wrong(reading, "expected the number of an item, from 0", error);
	reading->at += size;
	if (*reading->at != ']')
		return wrong(reading, "expected `]`", error);
	reading->at++;
	document_path_append_index(reading->path, (size_t)index);
	return TRUE;
}

static gboolean read_step(struct reading *reading, GError **error)
{
	gboolean is_first = reading->at == reading->text;

	if (document_path_length(reading->path) >= LIMIT_DOCUMENT_DEPTH)
		return wrong(reading, "too many steps", error);
	if (*reading->at == '[')
		return read_index(reading, error);
	if (!is_first && *reading->at != '.')
		return wrong(reading, "expected `.` or `[`", error);
	reading->at += !is_first;
	return read_key(reading, error);
}

struct document_path *document_path_parse(const char *text, GError **error)
{
	scoped(document_path) path = document_path_new();
	struct reading reading = {.text = text, .at = text, .path = path};

	if (!g_utf8_validate(text, -1, &reading.at)) {
		wrong(&reading, "not UTF-8", error);
		return NULL;
	}
	reading.at = text;
	while (*reading.at != '\0')
		if (!read_step(&reading, error))
			return NULL;
	return g_steal_pointer(&path);
}

/* ---- formatting ---- */

static void format_quoted(GString *text, const char *key)
{
	g_string_append_c(text, '"');
	for (; *key != '\0'; key++) {
		if (*key == '"' || *key == '\\')
			g_string_append_printf(text, "\\%c", *key);
		else if (*key == '\n')
			g_string_append(text, "\\n");
		else if (*key == '\r')
			g_string_append(text, "\\r");
		else if (*key == '\t')
			g_string_append(text, "\\t");
		else if (g_ascii_iscntrl(*key))
			g_string_append_printf(text, "\\u%04x", (unsigned)*key);
		else
			g_string_append_c(text, *key);
	}
	g_string_append_c(text, '"');
}

static gboolean needs_quotes(const char *key)
{
	if (*key == '\0' || strpbrk(key, KEY_ENDS))
		return TRUE;
	for (; *key != '\0'; key++)
		if (g_ascii_iscntrl(*key))
			return TRUE;
	return FALSE;
}

char *document_path_format(const struct document_path *path)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < document_path_length(path); i++) {
		struct document_step step = document_path_step(path, i);

		if (!step.key) {
			g_string_append_printf(text, "[%zu]", step.index);
			continue;
		}
		if (i > 0)
			g_string_append_c(text, '.');
		if (needs_quotes(step.key))
			format_quoted(text, step.key);
		else
			g_string_append(text, step.key);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- following ---- */

static const struct value *value_below(const struct value *value, const struct document_step *step)
{
	if (step->key)
		return value_kind(value) == VALUE_MAP ? value_get(value, step->key) : NULL;
	return value_kind(value) == VALUE_LIST && step->index < value_count(value)
		? value_at(value, step->index)
		: NULL;
}

const struct value *document_path_value(const struct document_path *path, const struct value *root)
{
	const struct value *value = root;

	for (size_t i = 0; value && i < document_path_length(path); i++) {
		struct document_step step = document_path_step(path, i);

		value = value_below(value, &step);
	}
	return value;
}

const struct document_node *document_path_node(
	const struct document_path *path, const struct document_node *root)
{
	const struct document_node *node = root;

	for (size_t i = 0; node && i < document_path_length(path); i++) {
		struct document_step step = document_path_step(path, i);

		if (step.key)
			node = document_node_member(node, step.key);
		else
			node = node->kind == VALUE_LIST ? document_node_child(node, step.index)
							: NULL;
	}
	return node;
}

struct document_path *document_path_of(const struct document_node *node)
{
	struct document_path *path;
	guint index;

	if (!node->parent)
		return document_path_new();
	path = document_path_of(node->parent);
	if (node->name) {
		document_path_append_key(path, node->name);
	} else {
		gboolean found = g_ptr_array_find(node->parent->children, node, &index);

		g_assert(found);
		document_path_append_index(path, index);
	}
	return path;
}
