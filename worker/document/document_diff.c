/*
 * What changed between two versions of a file, for a status and for machines.
 *
 * The entries are compared first (there or not, link, mode), then what is in them, by the finest
 * means that fits both: fields of documents, lines of texts, sizes of anything else. A change that
 * no field shows (comments, order of keys, quotes) is said to be one of layout, never nothing: two
 * versions that differ always have a summary.
 */
#include "worker/document/document_diff.h"

#include <git2.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/limits.h"
#include "journal/base/printable.h"
#include "worker/document/value_text.h"

enum entry_kind {
	ENTRY_FILE,
	ENTRY_LINK,
	ENTRY_SUBMODULE,
};

static enum entry_kind kind_of(const struct file_version *version)
{
	switch (version->mode & 0170000) {
	case 0120000:
		return ENTRY_LINK;
	case 0160000:
		return ENTRY_SUBMODULE;
	default:
		return ENTRY_FILE;
	}
}

static gboolean is_executable(const struct file_version *version)
{
	return (version->mode & 0111) != 0;
}

static gboolean same_bytes(const struct file_version *a, const struct file_version *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static gboolean same_versions(const struct file_version *a, const struct file_version *b)
{
	if (a->absent || b->absent)
		return a->absent && b->absent;
	if (kind_of(a) != kind_of(b) || !same_bytes(a, b))
		return FALSE;
	return kind_of(a) != ENTRY_FILE || is_executable(a) == is_executable(b);
}

void file_change_free(struct file_change *change)
{
	if (!change)
		return;
	g_free(change->file);
	field_diff_free(change->fields);
	g_free(change->diff);
	g_ptr_array_unref(change->wording);
	g_free(change->summary);
	g_free(change);
}

G_GNUC_PRINTF(2, 3)
static void say(struct file_change *change, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_ptr_array_add(change->wording, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

static struct text_version text_of(const struct file_version *version)
{
	if (version->absent)
		return (struct text_version){NULL, 0};
	return (struct text_version){version->data, version->size};
}

static gboolean is_text(const struct file_version *version)
{
	struct text_version text = text_of(version);

	return version->absent ||
		(kind_of(version) == ENTRY_FILE && text.size <= LIMIT_MERGE_BLOB_BYTES &&
			!text_is_binary(&text));
}

/* What a link leads to or which commit a submodule is at, for a line. */
static char *target_text(const struct file_version *version)
{
	g_autofree char *valid = g_utf8_make_valid(
		version->data ? version->data : "", (gssize)version->size);
	scoped(value) string = value_new_string(valid);

	return value_text_short(string);
}

static char *name_without_line_breaks(const char *name)
{
	g_autofree char *valid = g_utf8_make_valid(name, -1);

	return printable_text(valid);
}

static unsigned mode_of(const struct file_version *version)
{
	return is_executable(version) ? 0100755 : 0100644;
}

static char *short_oid(const struct file_version *version)
{
	git_oid oid = {0};
	char hex[8];

	if (!version->absent)
		g_assert(git_odb_hash(&oid, version->size > 0 ? version->data : "", version->size,
				 GIT_OBJECT_BLOB) == 0);
	return g_strdup(git_oid_tostr(hex, sizeof(hex), &oid));
}

/* git's lines above the hunks. */
static char *header_of(const char *file, const struct file_version *before,
	const struct file_version *after, gboolean has_hunks)
{
	g_autofree char *name = name_without_line_breaks(file);
	g_autofree char *from = short_oid(before);
	g_autofree char *to = short_oid(after);
	GString *header = g_string_new(NULL);
	gboolean in_both = !before->absent && !after->absent;
	gboolean same_mode = in_both && mode_of(before) == mode_of(after);

	g_string_append_printf(header, "diff --git a/%s b/%s\n", name, name);
	if (before->absent)
		g_string_append_printf(header, "new file mode %o\n", mode_of(after));
	else if (after->absent)
		g_string_append_printf(header, "deleted file mode %o\n", mode_of(before));
	else if (!same_mode)
		g_string_append_printf(
			header, "old mode %o\nnew mode %o\n", mode_of(before), mode_of(after));
	if (strcmp(from, to) != 0 && same_mode)
		g_string_append_printf(header, "index %s..%s %o\n", from, to, mode_of(before));
	else if (strcmp(from, to) != 0)
		g_string_append_printf(header, "index %s..%s\n", from, to);
	if (has_hunks)
		g_string_append_printf(header, "--- %s%s\n+++ %s%s\n", before->absent ? "" : "a/",
			before->absent ? "/dev/null" : name, after->absent ? "" : "b/",
			after->absent ? "/dev/null" : name);
	return g_string_free(header, FALSE);
}

static void compare_texts(struct file_change *change, const struct file_version *before,
	const struct file_version *after)
{
	struct text_version from = text_of(before), to = text_of(after);
	g_autofree char *hunks = unified_diff(&from, &to, &change->lines, NULL);
	g_autofree char *header = NULL;

	if (!hunks)
		return;
	header = header_of(change->file, before, after, *hunks != '\0');
	change->diff = g_strconcat(header, hunks, NULL);
}

static gboolean is_document(const char *file, enum document_format *format)
{
	*format = g_str_has_suffix(file, ".json") ? DOCUMENT_JSON : DOCUMENT_YAML;
	return *format == DOCUMENT_JSON || g_str_has_suffix(file, ".yaml") ||
		g_str_has_suffix(file, ".yml");
}

static gboolean is_schema(const char *file, const struct value *document)
{
	g_autofree char *base = g_path_get_basename(file);

	return strcmp(base, "schema.json") == 0 || g_str_has_suffix(base, ".schema.json") ||
		(value_kind(document) == VALUE_MAP && value_get(document, "$schema"));
}

static struct value *read_version(
	const char *file, enum document_format format, const struct file_version *version)
{
	const struct document_origin origin = {file, FORGE_ERROR_VALIDATION_FAILED};

	return document_parse(
		format, &origin, version->size > 0 ? version->data : "", version->size, NULL);
}

/* The fields that changed, or NULL if one version is no document. */
static struct field_diff *compare_documents(
	const char *file, const struct file_version *before, const struct file_version *after)
{
	enum document_format format;
	scoped(value) from = NULL;
	scoped(value) to = NULL;

	if (before->absent || after->absent || !is_document(file, &format))
		return NULL;
	from = read_version(file, format, before);
	to = from ? read_version(file, format, after) : NULL;
	return to ? field_diff_new(from, to, is_schema(file, to)) : NULL;
}

static char *count_text(size_t n, const char *what)
{
	return g_strdup_printf("%" G_GSIZE_FORMAT " %s%s", n, what, n == 1 ? "" : "s");
}

static void say_lines(struct file_change *change)
{
	g_autofree char *added = count_text(change->lines.added, "line");
	g_autofree char *removed = count_text(change->lines.removed, "line");

	if (change->lines.added > 0 && change->lines.removed > 0)
		say(change, "%s added, %" G_GSIZE_FORMAT " removed", added, change->lines.removed);
	else if (change->lines.added > 0)
		say(change, "%s added", added);
	else
		say(change, "%s removed", removed);
}

static void say_fields(struct file_change *change)
{
	g_autoptr(GPtrArray) lines = field_diff_wording(change->fields);

	if (lines->len == 0)
		say(change, "only layout or comments changed");
	for (guint i = 0; i < lines->len; i++)
		say(change, "%s", (const char *)lines->pdata[i]);
}

static void compare_contents(struct file_change *change, const struct file_version *before,
	const struct file_version *after)
{
	if (same_bytes(before, after))
		return;
	if (!is_text(before) || !is_text(after)) {
		say(change, "binary files differ (%" G_GSIZE_FORMAT " → %" G_GSIZE_FORMAT " bytes)",
			before->size, after->size);
		return;
	}
	change->fields = compare_documents(change->file, before, after);
	if (change->fields)
		say_fields(change);
	else if (change->diff)
		say_lines(change);
	else
		say(change, "changed");
}

static void say_alone(struct file_change *change, const char *what,
	const struct file_version *version, size_t lines)
{
	g_autofree char *target = NULL;
	g_autofree char *count = NULL;

	if (kind_of(version) == ENTRY_FILE) {
		gboolean text = is_text(version);

		count = count_text(text ? lines : version->size, text ? "line" : "byte");
		say(change, "%s (%s%s%s)", what, text ? "" : "binary, ", count,
			is_executable(version) ? ", executable" : "");
		return;
	}
	target = target_text(version);
	say(change, kind_of(version) == ENTRY_LINK ? "%s (link to %s)" : "%s (submodule at %s)",
		what, target);
}

static void compare_targets(struct file_change *change, const struct file_version *before,
	const struct file_version *after)
{
	g_autofree char *from = target_text(before);
	g_autofree char *to = target_text(after);

	say(change, kind_of(after) == ENTRY_LINK ? "link (%s → %s)" : "submodule (%s → %s)", from,
		to);
}

static void say_new_kind(struct file_change *change, const struct file_version *after)
{
	g_autofree char *target = NULL;

	if (kind_of(after) == ENTRY_FILE) {
		say(change, "now a file");
		return;
	}
	target = target_text(after);
	say(change, kind_of(after) == ENTRY_LINK ? "now a link to %s" : "now a submodule at %s",
		target);
}

static void describe(struct file_change *change, const struct file_version *before,
	const struct file_version *after)
{
	if (before->absent) {
		say_alone(change, "added", after, change->lines.added);
		return;
	}
	if (after->absent) {
		say_alone(change, "deleted", before, change->lines.removed);
		return;
	}
	if (kind_of(before) != kind_of(after)) {
		say_new_kind(change, after);
		return;
	}
	if (kind_of(after) != ENTRY_FILE) {
		compare_targets(change, before, after);
		return;
	}
	compare_contents(change, before, after);
	if (is_executable(before) != is_executable(after))
		say(change, is_executable(after) ? "now executable" : "no longer executable");
}

static char *summary_of(const struct file_change *change)
{
	const GPtrArray *wording = change->wording;
	size_t shown = MIN(wording->len, LIMIT_SHOWN_CHANGES);
	size_t more = wording->len - shown;
	GString *summary = g_string_new(NULL);

	/* Fields that are not kept have a line together, which is one of these. */
	if (change->fields && change->fields->n > change->fields->changes->len)
		more += change->fields->n - change->fields->changes->len - 1;
	for (size_t i = 0; i < shown; i++)
		g_string_append_printf(
			summary, "%s%s", i > 0 ? ", " : "", (const char *)wording->pdata[i]);
	if (more > 0)
		g_string_append_printf(summary, " and %" G_GSIZE_FORMAT " more change%s", more,
			more == 1 ? "" : "s");
	return g_string_free(summary, FALSE);
}

struct file_change *file_change_new(
	const char *file, const struct file_version *before, const struct file_version *after)
{
	struct file_change *change;

	if (same_versions(before, after))
		return NULL;
	change = g_new0(struct file_change, 1);
	change->file = g_strdup(file);
	change->wording = g_ptr_array_new_with_free_func(g_free);
	if (is_text(before) && is_text(after))
		compare_texts(change, before, after);
	describe(change, before, after);
	g_assert(change->wording->len > 0);
	change->summary = summary_of(change);
	return change;
}

char *file_change_line(const struct file_change *change)
{
	g_autofree char *name = name_without_line_breaks(change->file);

	return g_strdup_printf("%s: %s", name, change->summary);
}

static void append_summary_row(const struct file_change *change, struct value *list)
{
	struct value *row = value_new_map();

	value_put_string(row, "file", change->file);
	value_put_string(row, "path", NULL);
	value_put_string(row, "summary", change->summary);
	value_append_take(list, row);
}

void file_change_append_rows(const struct file_change *change, struct value *list)
{
	const GPtrArray *fields = change->fields ? change->fields->changes : NULL;

	for (guint i = 0; fields && i < fields->len; i++) {
		const struct field_change *field = fields->pdata[i];
		struct value *row = value_new_map();

		value_put_string(row, "file", change->file);
		value_put_string(row, "path", field->path);
		if (field->from)
			value_put_take(row, "old", value_copy(field->from));
		if (field->to)
			value_put_take(row, "new", value_copy(field->to));
		value_append_take(list, row);
	}
	if (!fields || fields->len == 0 || change->fields->n > fields->len)
		append_summary_row(change, list);
}
