/*
 * Small files of repositories that are read without git: pointers and answers of git-lfs, git's
 * configuration, .gitmodules, .gitignore. The first byte says which.
 */
#include <string.h>

#include "tests/fuzz/input.h"
#include "worker/content/config_text.h"
#include "worker/content/gitmodules.h"
#include "worker/content/lfs_batch.h"
#include "worker/content/lfs_pointer.h"
#include "worker/workspace/glob_pattern.h"
#include "worker/workspace/ignore_rules.h"

static gboolean look_at_setting(const char *section, const char *subsection, const char *key,
	const char *value, gpointer count)
{
	g_assert_true(section && *key);
	g_assert_true(!subsection || strlen(subsection) < G_MAXSSIZE);
	g_assert_true(!value || strlen(value) < G_MAXSSIZE);
	return ++*(unsigned *)count < 100000;
}

static void read_pointer(const char *text, size_t size)
{
	struct lfs_pointer pointer;

	if (!lfs_pointer_parse(text, size, &pointer))
		return;
	g_assert_cmpuint(strlen(pointer.oid), ==, LFS_OID_HEXSZ);
	g_assert_cmpint(pointer.size, >=, 0);
}

static void read_answer(const char *text, size_t size)
{
	struct lfs_pointer one = {.size = 1}, two = {.size = 2};
	const struct lfs_pointer *const objects[] = {&one, &two};
	gboolean present[2];
	g_autoptr(GError) error = NULL;
	gboolean good;

	memset(one.oid, 'a', LFS_OID_HEXSZ);
	memset(two.oid, 'b', LFS_OID_HEXSZ);
	good = lfs_batch_answer(text, size, "host", objects, 2, present, &error);
	g_assert_true(good == (error == NULL));
}

static void read_modules(const char *text, size_t size)
{
	const struct remote remote = {.kind = REMOTE_HTTP,
		.shown = (char *)"https://host/owner/name",
		.url = (char *)"https://host/owner/name",
		.host = (char *)"host"};
	g_autoptr(GHashTable) modules = gitmodules_parse(text, size);
	GHashTableIter iterator;
	gpointer url;

	g_hash_table_iter_init(&iterator, modules);
	while (g_hash_table_iter_next(&iterator, NULL, &url)) {
		g_autofree char *address = gitmodules_resolve(&remote, url);

		if (address)
			g_assert_true(g_str_has_prefix(address, "https://host"));
	}
}

static void read_ignores(struct fuzz_input *input)
{
	struct fuzz_input part = input_part(input);
	g_autofree char *text = input_exact(&part);
	g_autofree char *path = input_text(input);
	gboolean too_many;
	scoped(ignore_rules) top = ignore_rules_new(NULL, "", text, part.size, &too_many);
	scoped(ignore_rules) below = ignore_rules_new(top, "a", text, part.size, &too_many);
	g_autofree char *deeper = g_strconcat("a/", path, NULL);
	struct glob_pattern *pattern = glob_pattern_new(text, part.size);

	ignore_rules_match(top, path, FALSE);
	ignore_rules_match(below, deeper, TRUE);
	glob_pattern_matches(pattern, path);
	glob_pattern_free(pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t how = input_byte(&input);
	g_autofree char *text = input_exact(&input);
	unsigned count = 0;

	switch (how) {
	case 'p':
		read_pointer(text, input.size);
		break;
	case 'a':
		read_answer(text, input.size);
		break;
	case 'm':
		read_modules(text, input.size);
		break;
	case 'i':
		read_ignores(&input);
		break;
	default:
		config_text_each(text, input.size, look_at_setting, &count);
	}
	return 0;
}
