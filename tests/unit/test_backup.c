/* Which backups of a branch are kept, one claim a test. */
#include <string.h>

#include "journal/base/limits.h"
#include "worker/fork/backup.h"

#define FOLDER "refs/forge/backup/main/"
#define DAY_US (86400 * G_GUINT64_CONSTANT(1000000))
#define NOW_US (20000 * DAY_US) /* 2024-10-04 */

static void free_ref(gpointer data)
{
	struct advertised_ref *ref = data;

	g_free(ref->name);
	g_free(ref);
}

static struct ref_listing *empty_listing(void)
{
	struct ref_listing *listing = g_new0(struct ref_listing, 1);

	listing->refs = g_ptr_array_new_with_free_func(free_ref);
	return listing;
}

static git_oid oid_of(unsigned char number)
{
	git_oid oid = {{0}};

	memset(oid.id, number, sizeof(oid.id));
	return oid;
}

static void add(struct ref_listing *listing, const char *name, git_oid oid)
{
	struct advertised_ref *ref = g_new0(struct advertised_ref, 1);

	ref->name = g_strdup(name);
	ref->oid = oid;
	g_ptr_array_add(listing->refs, ref);
}

/* A backup of the tip NUMBER that is so many days old. */
static void add_backup(struct ref_listing *listing, unsigned char number, unsigned days)
{
	git_oid oid = oid_of(number);
	g_autofree char *name = backup_name(FOLDER, &oid, NOW_US - days * DAY_US);

	add(listing, name, oid);
}

/* First bytes of the outdated ids, oldest first. */
static char *outdated(const struct ref_listing *listing)
{
	g_autoptr(GPtrArray) refs = backup_outdated(listing, FOLDER, NOW_US);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < refs->len; i++)
		g_string_append_printf(text, "%s%d", i > 0 ? " " : "",
			((struct advertised_ref *)refs->pdata[i])->oid.id[0]);
	return g_string_free(text, FALSE);
}

#define assert_outdated(listing, expected) \
	do { \
		g_autofree char *text_ = outdated(listing); \
		g_assert_cmpstr(text_, ==, expected); \
	} while (0)

static void name_has_the_tip_and_the_jobs_date(void)
{
	git_oid oid = oid_of(0xab);
	g_autofree char *folder = backup_folder("refs/forge/backup", "main");
	g_autofree char *name = backup_name(folder, &oid, NOW_US + 3723000007);

	g_assert_cmpstr(name, ==,
		"refs/forge/backup/main/abababababababababababababababababababab-"
		"20241004T010203Z");
}

static void newest_ten_are_kept_however_old(void)
{
	scoped(ref_listing) listing = empty_listing();

	for (unsigned char i = 1; i <= LIMIT_BACKUPS_KEPT; i++)
		add_backup(listing, i, 1000u + i);
	assert_outdated(listing, "");
	add_backup(listing, 50, 500);
	add_backup(listing, 51, 400);
	assert_outdated(listing, "10 9");
}

static void ninety_days_are_kept_however_many(void)
{
	scoped(ref_listing) listing = empty_listing();

	for (unsigned char i = 0; i < 50; i++)
		add_backup(listing, i + 1, LIMIT_BACKUP_DAYS);
	assert_outdated(listing, "");
	add_backup(listing, 99, LIMIT_BACKUP_DAYS + 1);
	assert_outdated(listing, "99");
}

static void tip_that_was_kept_again_stays_once(void)
{
	scoped(ref_listing) listing = empty_listing();

	add_backup(listing, 7, 3);
	add_backup(listing, 7, 200);
	add_backup(listing, 8, 100);
	assert_outdated(listing, "7");
}

static void what_forge_did_not_make_is_left_alone(void)
{
	scoped(ref_listing) listing = empty_listing();
	git_oid oid = oid_of(0x11), other = oid_of(0x22);
	g_autofree char *moved = backup_name(FOLDER, &oid, 0);
	g_autofree char *longer = g_strconcat(moved, "0", NULL);
	g_autofree char *below = g_strconcat(moved, "/x", NULL);
	g_autofree char *of_another = backup_name("refs/forge/backup/main/x/", &oid, 0);

	for (unsigned char i = 100; i < 120; i++)
		add_backup(listing, i, 1);
	add(listing, moved, other);
	add(listing, longer, oid);
	add(listing, below, oid);
	add(listing, of_another, oid);
	add(listing, FOLDER "1111111111111111111111111111111111111111", oid);
	add(listing, FOLDER "1111111111111111111111111111111111111111-yesterday0000000", oid);
	add(listing, FOLDER "mine", oid);
	add(listing, "refs/heads/main", oid);
	assert_outdated(listing, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/backup/" #name, name)
	TEST(name_has_the_tip_and_the_jobs_date);
	TEST(newest_ten_are_kept_however_old);
	TEST(ninety_days_are_kept_however_many);
	TEST(tip_that_was_kept_again_stays_once);
	TEST(what_forge_did_not_make_is_left_alone);
	return g_test_run();
}
