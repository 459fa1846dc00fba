#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"
#include "worker/content/lfs_pointer.h"

#define DIGEST "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
#define VERSION "version https://git-lfs.github.com/spec/v1\n"
#define OID "oid sha256:" DIGEST "\n"

static const struct {
	const char *what;
	const char *text;
	gboolean is_pointer;
	gint64 size;
} cases[] = {
	{"as git-lfs writes it", VERSION OID "size 12345\n", TRUE, 12345},
	{"no line break at the end", VERSION OID "size 1", TRUE, 1},
	{"space around the end", VERSION OID "size 1\n\n  \n", TRUE, 1},
	{"line ends of Windows",
		"version https://git-lfs.github.com/spec/v1\r\noid sha256:" DIGEST "\r\nsize 7\r\n",
		TRUE, 7},
	{"extensions",
		VERSION "ext-0-foo sha256:" DIGEST "\next-1-bar sha256:" DIGEST "\n" OID "size 9\n",
		TRUE, 9},
	{"the version before the release",
		"version https://hawser.github.com/spec/v1\n" OID "size 2\n", TRUE, 2},
	{"an empty object", VERSION OID "size 0\n", TRUE, 0},
	{"the largest size", VERSION OID "size 9223372036854775807\n", TRUE, G_MAXINT64},
	{"nothing", "", FALSE, 0},
	{"the version alone", VERSION, FALSE, 0},
	{"no size", VERSION OID, FALSE, 0},
	{"another version", "version https://example.com/spec/v9\n" OID "size 1\n", FALSE, 0},
	{"the version not first", OID VERSION "size 1\n", FALSE, 0},
	{"size before oid", VERSION "size 1\n" OID, FALSE, 0},
	{"another key between", VERSION "name x\n" OID "size 1\n", FALSE, 0},
	{"more behind", VERSION OID "size 1\nmore text\n", FALSE, 0},
	{"a second pointer behind", VERSION OID "size 1\n" VERSION OID "size 1\n", FALSE, 0},
	{"upper-case digits",
		VERSION
		"oid sha256:4D7A214614AB2935C943F9E0FF69D22EADBB8F32B1258DAAA5E2CA24D17E2393\nsize 1\n",
		FALSE, 0},
	{"a short digest", VERSION "oid sha256:4d7a2146\nsize 1\n", FALSE, 0},
	{"a long digest", VERSION "oid sha256:" DIGEST "00\nsize 1\n", FALSE, 0},
	{"a digest that is a path",
		VERSION
		"oid sha256:../../../../../../../../../../../../../../../../../../../../etc/passwd\nsize 1\n",
		FALSE, 0},
	{"another method", VERSION "oid sha1:" DIGEST "\nsize 1\n", FALSE, 0},
	{"a negative size", VERSION OID "size -1\n", FALSE, 0},
	{"a signed size", VERSION OID "size +1\n", FALSE, 0},
	{"a size beyond 63 bits", VERSION OID "size 9223372036854775808\n", FALSE, 0},
	{"a size that is no number", VERSION OID "size 1k\n", FALSE, 0},
	{"an empty size", VERSION OID "size \n", FALSE, 0},
	{"prose about pointers", "version https://git-lfs.github.com/spec/v1 is the first line\n",
		FALSE, 0},
};

static void pointers_are_told_from_other_texts(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct lfs_pointer pointer = {.size = -7};
		gboolean found = lfs_pointer_parse(cases[i].text, strlen(cases[i].text), &pointer);

		g_test_message("%s", cases[i].what);
		g_assert_cmpint(found, ==, cases[i].is_pointer);
		g_assert_cmpint(pointer.size, ==, found ? cases[i].size : -7);
		if (found)
			g_assert_cmpstr(pointer.oid, ==, DIGEST);
	}
}

/* Every beginning of a pointer is read within its bounds; the sanitizers see if not. */
static void a_pointer_cut_short_is_none(void)
{
	static const char text[] = VERSION OID "size 12345\n";
	gsize complete = strlen(text) - strlen("2345\n");

	for (gsize size = 0; size < complete; size++) {
		g_autofree char *exact = g_memdup2(text, size);
		struct lfs_pointer pointer;

		g_assert_false(lfs_pointer_parse(exact, size, &pointer));
	}
}

static void more_than_a_pointer_may_have_is_none(void)
{
	g_autoptr(GString) text = g_string_new(VERSION OID "size 1\n");
	struct lfs_pointer pointer;

	while (text->len < LIMIT_LFS_POINTER_BYTES)
		g_string_append_c(text, '\n');
	g_assert_true(lfs_pointer_parse(text->str, text->len, &pointer));
	g_string_append_c(text, '\n');
	g_assert_false(lfs_pointer_parse(text->str, text->len, &pointer));
}

static void bytes_of_zero_are_no_pointer(void)
{
	static const char text[] = VERSION OID "size 1\0002\n";
	static const char zeros[64] = {0};
	struct lfs_pointer pointer;

	g_assert_false(lfs_pointer_parse(text, sizeof(text) - 1, &pointer));
	g_assert_false(lfs_pointer_parse(zeros, sizeof(zeros), &pointer));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/lfs_pointer/" #name, name)
	TEST(pointers_are_told_from_other_texts);
	TEST(a_pointer_cut_short_is_none);
	TEST(more_than_a_pointer_may_have_is_none);
	TEST(bytes_of_zero_are_no_pointer);
	return g_test_run();
}
