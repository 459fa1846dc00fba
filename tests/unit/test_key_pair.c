/*
 * An installation's keys on a disk: what is kept, what is refused, and that the secret one is seen
 * nowhere else.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "journal/base/errors.h"
#include "queue/key_pair.h"
#include "tests/unit/sandbox.h"

struct fixture {
	char *home;
	char *path;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	fixture->home = g_dir_make_tmp("forge-keys-XXXXXX", NULL);
	fixture->path = key_pair_path(fixture->home);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	g_free(fixture->path);
	sandbox_remove(fixture->home);
}

/* Stores a new pair and returns its public key. Caller frees. */
static char *make(struct fixture *fixture)
{
	scoped(key_pair) pair = key_pair_new();
	g_autoptr(GError) error = NULL;

	key_pair_write(pair, fixture->home, NULL, &error);
	g_assert_no_error(error);
	return g_strdup(key_pair_public(pair));
}

static char *contents(const char *path)
{
	char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static void text_is_that_of_the_specification(void)
{
	/* The public key of the example in ZeroMQ's RFC 32 and of libzmq's documentation. */
	static const uint8_t key[KEY_BYTES] = {0xBB, 0x88, 0x47, 0x1D, 0x65, 0xE2, 0x65, 0x9B, 0x30,
		0xC5, 0x5A, 0x53, 0x21, 0xCE, 0xBB, 0x5A, 0xAB, 0x2B, 0x70, 0xA3, 0x98, 0x64, 0x5C,
		0x26, 0xDC, 0xA2, 0xB2, 0xFC, 0xB4, 0x3F, 0xC5, 0x18};
	char text[KEY_CHARACTERS + 1];

	key_text_write(key, text);
	g_assert_cmpstr(text, ==, "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
	g_assert_true(key_text_is_valid(text));
	g_assert_false(key_text_is_valid("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI"));
	g_assert_false(key_text_is_valid("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hIDD"));
	g_assert_false(key_text_is_valid("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI~"));
	/* Five digits that mean more than four bytes. */
	g_assert_false(key_text_is_valid("#####w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"));
}

static void public_key_is_that_of_the_secret_one_and_never_looks_like_an_option(void)
{
	for (int i = 0; i < 300; i++) {
		scoped(key_pair) pair = key_pair_new();
		char secret[KEY_CHARACTERS + 1], expected[KEY_CHARACTERS + 1];

		key_text_write(key_pair_secret(pair), secret);
		g_assert_cmpint(zmq_curve_public(expected, secret), ==, 0);
		g_assert_cmpstr(key_pair_public(pair), ==, expected);
		g_assert_cmpint(key_pair_public(pair)[0], !=, '-');
	}
}

static void pair_is_read_back_as_it_was_written(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *made = make(fixture);
	scoped(key_pair) pair = key_pair_read(fixture->home, &error);
	struct stat status;

	(void)unused;
	g_assert_no_error(error);
	g_assert_cmpstr(key_pair_public(pair), ==, made);
	g_assert_cmpint(stat(fixture->path, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 07777, ==, 0600);
}

static void pair_that_is_there_is_not_overwritten(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *made = make(fixture);
	g_autofree char *before = contents(fixture->path);
	g_autofree char *after = NULL;
	g_autoptr(GError) error = NULL;
	scoped(key_pair) another = key_pair_new();

	(void)unused;
	g_assert_false(key_pair_write(another, fixture->home, NULL, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS);
	after = contents(fixture->path);
	g_assert_cmpstr(after, ==, before);
}

static void pair_that_is_replaced_is_kept_aside(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *first = make(fixture);
	g_autofree char *before = contents(fixture->path);

	(void)unused;
	for (int i = 0; i < 3; i++) {
		scoped(key_pair) another = key_pair_new();
		scoped(key_pair) read = NULL;
		g_autofree char *kept = NULL;
		g_autofree char *old = NULL;
		g_autoptr(GError) error = NULL;
		struct stat status;

		key_pair_write(another, fixture->home, &kept, &error);
		g_assert_no_error(error);
		old = contents(kept);
		g_assert_cmpstr(old, ==, before);
		g_assert_cmpint(stat(kept, &status), ==, 0);
		g_assert_cmpint(status.st_mode & 07777, ==, 0600);
		read = key_pair_read(fixture->home, &error);
		g_assert_cmpstr(key_pair_public(read), ==, key_pair_public(another));
		g_free(before);
		before = contents(fixture->path);
	}
}

static void first_pair_may_be_forced_and_nothing_is_kept(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(key_pair) pair = key_pair_new();
	g_autofree char *kept = g_strdup("untouched");
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_clear_pointer(&kept, g_free);
	key_pair_write(pair, fixture->home, &kept, &error);
	g_assert_no_error(error);
	g_assert_null(kept);
}

static gpointer make_in_thread(gpointer home)
{
	scoped(key_pair) pair = key_pair_new();

	return GINT_TO_POINTER(key_pair_write(pair, home, NULL, NULL));
}

static void of_many_that_make_one_at_once_one_does(struct fixture *fixture, gconstpointer unused)
{
	GThread *threads[8];
	int made = 0;

	(void)unused;
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("make", make_in_thread, fixture->home);
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		made += GPOINTER_TO_INT(g_thread_join(threads[i]));
	g_assert_cmpint(made, ==, 1);
	key_pair_free(key_pair_read(fixture->home, NULL));
}

static void assert_refused(struct fixture *fixture, enum forge_error code)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(key_pair_read(fixture->home, &error));
	g_assert_error(error, FORGE_ERROR, (gint)code);
	g_assert_nonnull(strstr(error->message, "forge config keys --new"));
}

static void missing_pair_says_how_to_make_one(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	assert_refused(fixture, FORGE_ERROR_CONFIGURATION_INVALID);
}

static void secret_that_others_may_read_is_refused(struct fixture *fixture, gconstpointer unused)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0666};
	g_autofree char *made = make(fixture);

	(void)unused;
	for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_assert_cmpint(g_chmod(fixture->path, modes[i]), ==, 0);
		assert_refused(fixture, FORGE_ERROR_SECURITY_REFUSED);
	}
	g_assert_cmpint(g_chmod(fixture->path, 0400), ==, 0);
	key_pair_free(key_pair_read(fixture->home, NULL));
}

static void what_is_no_key_is_refused_and_not_quoted(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *made = make(fixture);
	g_autofree char *good = contents(fixture->path);
	g_autofree char *key = g_strndup(good, KEY_CHARACTERS);
	g_autofree char *shorter = g_strndup(good, KEY_CHARACTERS - 1);
	g_autofree char *longer = g_strconcat(good, "x", NULL);
	g_autofree char *blank = g_strconcat(key, " ", NULL);
	g_autofree char *spoilt = g_strdup(good);
	const char *wrong[] = {"", "\n", shorter, longer, blank, spoilt};

	(void)unused;
	spoilt[7] = '~';
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_true(g_file_set_contents_full(
			fixture->path, wrong[i], -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
		g_assert_null(key_pair_read(fixture->home, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID);
		g_assert_null(strstr(error->message, shorter + 8));
	}
	/* A key without a line break is one. */
	g_assert_true(g_file_set_contents_full(
		fixture->path, key, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
	key_pair_free(key_pair_read(fixture->home, NULL));
}

#define ADD(test) g_test_add("/key_pair/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/key_pair/text_is_that_of_the_specification", text_is_that_of_the_specification);
	g_test_add_func(
		"/key_pair/public_key_is_that_of_the_secret_one_and_never_looks_like_an_option",
		public_key_is_that_of_the_secret_one_and_never_looks_like_an_option);
	ADD(pair_is_read_back_as_it_was_written);
	ADD(pair_that_is_there_is_not_overwritten);
	ADD(pair_that_is_replaced_is_kept_aside);
	ADD(first_pair_may_be_forced_and_nothing_is_kept);
	ADD(of_many_that_make_one_at_once_one_does);
	ADD(missing_pair_says_how_to_make_one);
	ADD(secret_that_others_may_read_is_refused);
	ADD(what_is_no_key_is_refused_and_not_quoted);
	return g_test_run();
}
