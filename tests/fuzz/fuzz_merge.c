/*
 * Merges of files: a byte for format and preference, then base, ours and theirs. The claim is that
 * no clean result is wrong. Judged without the code that merges: where a merge by key says nothing
 * conflicts, each value of the result must come from a side that changed it, and be theirs where
 * only they changed it, ours where only we did.
 */
#include <string.h>

#include "tests/fuzz/input.h"
#include "worker/document/file_merge.h"

static const struct document_origin origin = {"fuzz", FORGE_ERROR_VALIDATION_FAILED};

static gboolean is_map(const struct value *value)
{
	return value && value_kind(value) == VALUE_MAP;
}

static const struct value *member(const struct value *map, const char *key)
{
	return is_map(map) ? value_get(map, key) : NULL;
}

static void judge(const struct value *base, const struct value *ours, const struct value *theirs,
	const struct value *result);

static void judge_members(const struct value *of, const struct value *base,
	const struct value *ours, const struct value *theirs, const struct value *result)
{
	for (size_t i = 0; i < value_count(of); i++) {
		const char *key = value_key_at(of, i);

		judge(member(base, key), member(ours, key), member(theirs, key),
			member(result, key));
	}
}

static void judge(const struct value *base, const struct value *ours, const struct value *theirs,
	const struct value *result)
{
	if (value_same(ours, theirs)) {
		g_assert_true(value_same(result, ours));
	} else if (value_same(base, ours)) {
		g_assert_true(value_same(result, theirs));
	} else if (value_same(base, theirs)) {
		g_assert_true(value_same(result, ours));
	} else if (is_map(ours) && is_map(theirs) && is_map(result)) {
		judge_members(ours, base, ours, theirs, result);
		judge_members(theirs, base, ours, theirs, result);
		judge_members(result, base, ours, theirs, result);
	} else {
		/* Only two collections of one kind, or two texts that lines merged, are merged. */
		g_assert_true(ours && theirs && result);
		g_assert_cmpint(value_kind(ours), ==, value_kind(theirs));
	}
}

static struct value *read_version(enum document_format format, const struct text_version *text)
{
	return document_parse(format, &origin, text->data, text->size, NULL);
}

static void judge_texts(enum document_format format, const struct file_versions *versions,
	const struct file_merge *merge)
{
	g_autoptr(GError) error = NULL;
	scoped(value) base = read_version(format, &versions->base);
	scoped(value) ours = read_version(format, &versions->ours);
	scoped(value) theirs = read_version(format, &versions->theirs);
	scoped(value) result = NULL;

	if (!base || !ours || !theirs)
		return;
	if (value_kind(ours) < VALUE_LIST || value_kind(theirs) < VALUE_LIST)
		return;
	result = document_parse(format, &origin, merge->text->str, merge->text->len, &error);
	g_assert_no_error(error);
	if (merge->by_key && merge->versions->len == 0)
		judge(value_kind(base) == VALUE_NULL ? NULL : base, ours, theirs, result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t how = input_byte(&input);
	enum document_format format = how & 1 ? DOCUMENT_JSON : DOCUMENT_YAML;
	struct file_merge_options options = {.structured = TRUE,
		.version_rule = how & 2 ? VERSION_RULE_HIGHER : VERSION_RULE_CONFLICT,
		.preference = how >> 2 & 3};
	struct file_versions versions = {.path = format == DOCUMENT_JSON ? "a.json" : "a.yaml"};
	struct text_version *const texts[] = {&versions.base, &versions.ours, &versions.theirs};
	char *copies[3];
	scoped(file_merge) merge = NULL;

	input_part(&input); /* the rest of the first line */
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct fuzz_input part = input_part(&input);

		copies[i] = input_exact(&part);
		texts[i]->data = copies[i];
		texts[i]->size = part.size;
	}
	merge = file_merge_new(&versions, &options);
	g_assert_nonnull(merge->text);
	if (merge->conflicts->len == 0 && options.preference == VALUE_PREFER_NONE)
		judge_texts(format, &versions, merge);
	for (size_t i = 0; i < G_N_ELEMENTS(copies); i++)
		g_free(copies[i]);
	return 0;
}
