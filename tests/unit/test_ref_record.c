/* What a repository was seen to advertise: as a text, and from one sight to the next. */
#include "worker/dependency/ref_record.h"

#include <string.h>

#include "journal/base/errors.h"
#include "worker/git/git_library.h"

#define FIRST_US 1000
#define LATER_US 2000

static git_oid oid_of(char digit)
{
	g_autofree char *hex = g_strnfill(GIT_OID_HEXSZ, digit);
	git_oid oid;

	g_assert_cmpint(git_oid_fromstr(&oid, hex), ==, 0);
	return oid;
}

/* What REFS say: `NAME DIGIT` each, several with commas between. */
static struct ref_record *seen(const char *refs)
{
	struct ref_record *record = ref_record_new("github.com/o/n");
	g_auto(GStrv) all = g_strsplit(refs, ",", -1);

	record->head = g_strdup("refs/heads/main");
	record->head_oid = oid_of('f');
	for (char **one = all; *one; one++) {
		g_auto(GStrv) parts = g_strsplit(*one, " ", 2);
		git_oid oid = oid_of(*parts[1]);

		ref_record_add(record, parts[0], &oid);
	}
	ref_record_sort(record);
	return record;
}

/* `NAME DIGIT TIME`, with `!` where it is gone. */
static char *shown(const struct ref_record *record)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < record->refs->len; i++) {
		const struct recorded_ref *ref = record->refs->pdata[i];

		g_string_append_printf(text, "%s%s %c %" G_GUINT64_FORMAT "%s", i ? "," : "",
			ref->name, *git_oid_tostr_s(&ref->oid), ref->first_seen_us,
			ref->gone ? "!" : "");
	}
	return g_string_free(text, FALSE);
}

static void assert_update(const struct ref_record *old, const char *refs, gboolean accept,
	const char *expected, const char *expected_moved)
{
	scoped(ref_record) now = seen(refs);
	g_autoptr(GPtrArray) moved = moved_tags_new();
	g_autoptr(GString) told = g_string_new(NULL);
	scoped(ref_record) record = ref_record_update(old, now, LATER_US, accept, moved);
	g_autofree char *text = shown(record);

	g_assert_cmpstr(text, ==, expected);
	for (guint i = 0; i < moved->len; i++) {
		const struct moved_tag *tag = moved->pdata[i];

		g_string_append_printf(told, "%s %c", tag->name, *git_oid_tostr_s(&tag->before));
		g_string_append_printf(told, ">%c", *git_oid_tostr_s(&tag->after));
	}
	g_assert_cmpstr(told->str, ==, expected_moved);
	g_assert_cmpstr(record->head, ==, "refs/heads/main");
}

static struct ref_record *known_since(const char *refs, uint64_t now_us)
{
	scoped(ref_record) first = seen(refs);
	g_autoptr(GPtrArray) moved = moved_tags_new();

	return ref_record_update(NULL, first, now_us, FALSE, moved);
}

/* ---- text --------------------------------------------------------------------------------- */

static void a_record_reads_back_as_it_was_written(void)
{
	scoped(ref_record) record = seen(
		"refs/heads/main f,refs/tags/a@1.0.0 1,refs/tags/v2.0.0 2,refs/tags/\xc3\xbc 3");
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) text = NULL, again = NULL;
	scoped(ref_record) read = NULL;

	((struct recorded_ref *)record->refs->pdata[1])->first_seen_us = G_MAXINT64;
	((struct recorded_ref *)record->refs->pdata[2])->gone = TRUE;
	text = ref_record_text(record);
	read = ref_record_parse(text->str, text->len, &error);
	g_assert_no_error(error);
	again = ref_record_text(read);
	g_assert_cmpstr(again->str, ==, text->str);
	g_assert_cmpstr(read->repository, ==, "github.com/o/n");
	g_assert_true(git_oid_equal(&read->head_oid, &record->head_oid));
	g_assert_null(ref_record_find(read, "refs/tags/v2.0.0"));
	g_assert_nonnull(ref_record_find(read, "refs/tags/a@1.0.0"));
}

static void a_repository_without_anything_is_a_record_too(void)
{
	scoped(ref_record) record = ref_record_new("/srv/with a space");
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) text = ref_record_text(record);
	scoped(ref_record) read = ref_record_parse(text->str, text->len, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(read->repository, ==, "/srv/with a space");
	g_assert_null(read->head);
	g_assert_true(git_oid_is_zero(&read->head_oid));
	g_assert_cmpuint(read->refs->len, ==, 0);
	g_assert_null(ref_record_find(read, "refs/heads/main"));
}

static void the_text_does_not_depend_on_the_order_in_which_refs_came(void)
{
	scoped(ref_record) one = seen("refs/tags/b 1,refs/tags/a 2,refs/heads/x 3");
	scoped(ref_record) other = seen("refs/heads/x 3,refs/tags/a 2,refs/tags/b 1");
	g_autoptr(GString) one_text = ref_record_text(one);
	g_autoptr(GString) other_text = ref_record_text(other);

	g_assert_cmpstr(one_text->str, ==, other_text->str);
}

static void more_refs_than_one_repository_may_advertise_are_read_back(void)
{
	/* Tags that are gone are kept, so a record may have more than any listing. */
	enum { COUNT = 200500 };
	scoped(ref_record) record = ref_record_new("github.com/o/n");
	git_oid oid = oid_of('1');
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) text = NULL;
	scoped(ref_record) read = NULL;

	for (guint i = 0; i < COUNT; i++) {
		g_autofree char *name = g_strdup_printf("refs/tags/v1.0.%u", i);

		ref_record_add(record, name, &oid);
	}
	ref_record_sort(record);
	text = ref_record_text(record);
	read = ref_record_parse(text->str, text->len, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(read->refs->len, ==, COUNT);
}

#define OID "1111111111111111111111111111111111111111"
#define START "forge refs 1\nrepository r\nhead " OID " refs/heads/main\n"

static void each_damaged_line_is_refused_by_its_number(void)
{
	static const struct {
		const char *text;
		const char *message;
	} rows[] = {
		{"", "end too soon"},
		{"forge refs 1\n", "end too soon"},
		{"forge refs 1\nrepository r\n", "end too soon"},
		{"forge refs 2\nrepository r\nhead " OID " -\n", "line 1 "},
		{"\nforge refs 1\nrepository r\nhead " OID " -\n", "line 1 "},
		{"forge refs 1\nrepo r\nhead " OID " -\n", "line 2 "},
		{"forge refs 1\nrepository r\nhead " OID "\n", "line 3 "},
		{"forge refs 1\nrepository r\nhead 111 -\n", "line 3 "},
		{"forge refs 1\nrepository r\nfoot " OID " -\n", "line 3 "},
		{START "\n" OID " 1 there refs/tags/a\n", "line 4 "},
		{START OID " 1 there refs/tags/a\n\n" OID " 1 there refs/tags/b\n", "line 5 "},
		{START OID " 1 there\n", "line 4 "},
		{START OID " 1 there tags/a\n", "line 4 "},
		{START OID " 1 here refs/tags/a\n", "line 4 "},
		{START OID " -1 there refs/tags/a\n", "line 4 "},
		{START OID " 1x there refs/tags/a\n", "line 4 "},
		{START OID " 9223372036854775808 there refs/tags/a\n", "line 4 "},
		{START OID "1 1 there refs/tags/a\n", "line 4 "},
		{START "g111111111111111111111111111111111111111 1 there refs/tags/a\n", "line 4 "},
		{START OID " 1 there refs/tags/a\n" OID " 2 there refs/tags/a\n", "line 5 "},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", rows[i].text);
		g_assert_null(ref_record_parse(rows[i].text, strlen(rows[i].text), &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
		g_assert_nonnull(strstr(error->message, rows[i].message));
	}
}

static void a_text_that_goes_on_behind_a_zero_byte_is_refused(void)
{
	static const char text[] = START OID " 1 there refs/tags/a\n\0" OID
					     " 1 there refs/tags/b\n";
	g_autoptr(GError) error = NULL;

	g_assert_null(ref_record_parse(text, sizeof(text) - 1, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
}

/* Whatever a single damaged byte makes of a record: an error, or a record that writes itself. */
static void no_damaged_byte_is_worse_than_an_error(void)
{
	scoped(ref_record) record = seen("refs/heads/main f,refs/tags/a 1,refs/tags/b 2");
	g_autoptr(GString) text = ref_record_text(record);

	for (gsize at = 0; at < text->len; at++) {
		for (guint byte = 0; byte < 256; byte += 5) {
			g_autofree char *damaged = g_memdup2(text->str, text->len);
			g_autoptr(GError) error = NULL;
			scoped(ref_record) read = NULL;
			g_autoptr(GString) again = NULL;
			scoped(ref_record) reread = NULL;

			damaged[at] = (char)byte;
			read = ref_record_parse(damaged, text->len, &error);
			if (!read) {
				g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
				continue;
			}
			again = ref_record_text(read);
			reread = ref_record_parse(again->str, again->len, &error);
			g_assert_no_error(error);
			g_assert_cmpuint(reread->refs->len, ==, read->refs->len);
		}
	}
}

/* ---- updates ------------------------------------------------------------------------------ */

static void a_tag_is_known_since_it_was_first_seen(void)
{
	scoped(ref_record) old = known_since("refs/heads/main 1,refs/tags/a 1", FIRST_US);
	g_autofree char *text = shown(old);

	g_assert_cmpstr(text, ==, "refs/heads/main 1 0,refs/tags/a 1 1000");
	assert_update(old, "refs/heads/main 2,refs/tags/a 1,refs/tags/b 2", FALSE,
		"refs/heads/main 2 0,refs/tags/a 1 1000,refs/tags/b 2 2000", "");
}

static void branches_move_and_go_without_a_word(void)
{
	scoped(ref_record)
		old = known_since("refs/heads/gone 1,refs/heads/main 1,refs/tags/a 1", FIRST_US);

	assert_update(old, "refs/heads/main 2,refs/tags/a 1", FALSE,
		"refs/heads/main 2 0,refs/tags/a 1 1000", "");
}

static void a_moved_tag_keeps_what_it_was_until_that_is_accepted(void)
{
	scoped(ref_record) old = known_since("refs/tags/a 1,refs/tags/b 1", FIRST_US);
	scoped(ref_record) now = seen("refs/tags/a 2,refs/tags/b 1");
	g_autoptr(GPtrArray) moved = moved_tags_new();
	scoped(ref_record) kept = NULL;

	assert_update(old, "refs/tags/a 2,refs/tags/b 1", FALSE,
		"refs/tags/a 1 1000,refs/tags/b 1 1000", "refs/tags/a 1>2");
	kept = ref_record_update(old, now, LATER_US, FALSE, moved);
	assert_update(kept, "refs/tags/a 2,refs/tags/b 1", FALSE,
		"refs/tags/a 1 1000,refs/tags/b 1 1000", "refs/tags/a 1>2");
	assert_update(kept, "refs/tags/a 2,refs/tags/b 1", TRUE,
		"refs/tags/a 2 2000,refs/tags/b 1 1000", "");
}

static void a_tag_that_was_moved_back_is_as_it_was(void)
{
	scoped(ref_record) old = known_since("refs/tags/a 1", FIRST_US);
	scoped(ref_record) now = seen("refs/tags/a 2");
	g_autoptr(GPtrArray) moved = moved_tags_new();
	scoped(ref_record) kept = ref_record_update(old, now, LATER_US, FALSE, moved);

	assert_update(kept, "refs/tags/a 1", FALSE, "refs/tags/a 1 1000", "");
}

static void a_tag_that_is_gone_is_remembered_and_noticed_where_it_comes_back(void)
{
	scoped(ref_record) old = known_since("refs/tags/a 1,refs/tags/b 1", FIRST_US);
	scoped(ref_record) now = seen("refs/tags/b 1");
	g_autoptr(GPtrArray) moved = moved_tags_new();
	scoped(ref_record) gone = ref_record_update(old, now, LATER_US, FALSE, moved);
	scoped(ref_record) still = ref_record_update(gone, now, LATER_US, TRUE, moved);
	g_autofree char *text = shown(still);

	g_assert_cmpstr(text, ==, "refs/tags/a 1 1000!,refs/tags/b 1 1000");
	g_assert_null(ref_record_find(still, "refs/tags/a"));
	assert_update(still, "refs/tags/a 1,refs/tags/b 1", FALSE,
		"refs/tags/a 1 1000,refs/tags/b 1 1000", "");
	assert_update(still, "refs/tags/a 3,refs/tags/b 1", FALSE,
		"refs/tags/a 1 1000,refs/tags/b 1 1000", "refs/tags/a 1>3");
	assert_update(still, "refs/tags/a 3,refs/tags/b 1", TRUE,
		"refs/tags/a 3 2000,refs/tags/b 1 1000", "");
}

static void the_same_sight_makes_the_same_text(void)
{
	scoped(ref_record) old = known_since("refs/heads/main 1,refs/tags/a 1", FIRST_US);
	scoped(ref_record) now = seen("refs/heads/main 1,refs/tags/a 1");
	g_autoptr(GPtrArray) moved = moved_tags_new();
	scoped(ref_record) again = ref_record_update(old, now, LATER_US, FALSE, moved);
	g_autoptr(GString) before = ref_record_text(old);
	g_autoptr(GString) after = ref_record_text(again);

	g_assert_cmpstr(before->str, ==, after->str);
}

/* No server that is in order says a name twice; what one says must not spoil the book for ever. */
static void a_name_that_was_said_twice_is_recorded_once(void)
{
	scoped(ref_record) now = seen("refs/tags/b 2,refs/tags/a 1,refs/tags/b 3,refs/tags/b 4");
	g_autoptr(GString) text = ref_record_text(now);
	g_autoptr(GError) error = NULL;
	scoped(ref_record) read = ref_record_parse(text->str, text->len, &error);
	g_autofree char *found = NULL;

	g_assert_no_error(error);
	found = shown(read);
	g_assert_cmpstr(found, ==, "refs/tags/a 1 0,refs/tags/b 2 0");
}

#define ADD(name) g_test_add_func("/ref_record/" #name, name)

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	git_library_start();
	ADD(a_record_reads_back_as_it_was_written);
	ADD(a_repository_without_anything_is_a_record_too);
	ADD(the_text_does_not_depend_on_the_order_in_which_refs_came);
	ADD(more_refs_than_one_repository_may_advertise_are_read_back);
	ADD(each_damaged_line_is_refused_by_its_number);
	ADD(a_text_that_goes_on_behind_a_zero_byte_is_refused);
	ADD(no_damaged_byte_is_worse_than_an_error);
	ADD(a_tag_is_known_since_it_was_first_seen);
	ADD(branches_move_and_go_without_a_word);
	ADD(a_moved_tag_keeps_what_it_was_until_that_is_accepted);
	ADD(a_tag_that_was_moved_back_is_as_it_was);
	ADD(a_tag_that_is_gone_is_remembered_and_noticed_where_it_comes_back);
	ADD(the_same_sight_makes_the_same_text);
	ADD(a_name_that_was_said_twice_is_recorded_once);
	status = g_test_run();
	git_library_stop();
	return status;
}
