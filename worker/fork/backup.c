/*
 * Names of the refs that keep what was overwritten, and which of them have been kept long enough.
 *
 * A server does not tell how old a ref is, and the age of the commit says nothing of it, so a
 * backup's name has the date: that of the job, so that a retry makes the same name. A ref under
 * another name, or one that is not at the id in its name, was made or moved by somebody else and is
 * left alone. Pure; who pushes is branch_push.c.
 */
#include "worker/fork/backup.h"

#include <string.h>

#include "journal/base/limits.h"

#define DATE_FORMAT "%Y%m%dT%H%M%SZ"
#define DATE_SHAPE "00000000T000000Z"
#define SECOND_US G_GUINT64_CONSTANT(1000000)

char *backup_folder(const char *place, const char *branch)
{
	return g_strdup_printf("%s/%s/", place, branch);
}

/* Dates of four digits' years sort as text. */
static char *date_text(uint64_t at_us)
{
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc((gint64)(at_us / SECOND_US));

	return date ? g_date_time_format(date, DATE_FORMAT) : g_strdup(DATE_SHAPE);
}

char *backup_name(const char *folder, const git_oid *tip, uint64_t made_us)
{
	g_autofree char *date = date_text(made_us);
	char hex[GIT_OID_HEXSZ + 1];

	return g_strdup_printf("%s%s-%s", folder, git_oid_tostr(hex, sizeof(hex), tip), date);
}

static gboolean is_date(const char *text)
{
	for (size_t i = 0; i < strlen(DATE_SHAPE); i++)
		if (DATE_SHAPE[i] == '0' ? !g_ascii_isdigit(text[i]) : text[i] != DATE_SHAPE[i])
			return FALSE;
	return text[strlen(DATE_SHAPE)] == '\0';
}

/* The date in the name of a backup of FOLDER; NULL if REF is none. Borrowed. */
static const char *date_of(const struct advertised_ref *ref, const char *folder)
{
	char hex[GIT_OID_HEXSZ + 1];
	const char *tail;

	if (!g_str_has_prefix(ref->name, folder))
		return NULL;
	tail = ref->name + strlen(folder);
	git_oid_tostr(hex, sizeof(hex), &ref->oid);
	if (!g_str_has_prefix(tail, hex) || tail[GIT_OID_HEXSZ] != '-' ||
		!is_date(tail + GIT_OID_HEXSZ + 1))
		return NULL;
	return tail + GIT_OID_HEXSZ + 1;
}

/* Of two refs that are backups: the date is all that follows the last dash. */
static gint newer_first(gconstpointer a, gconstpointer b)
{
	const struct advertised_ref *left = *(const struct advertised_ref *const *)a;
	const struct advertised_ref *right = *(const struct advertised_ref *const *)b;

	return strcmp(strrchr(right->name, '-'), strrchr(left->name, '-'));
}

static GPtrArray *backups_of(const struct ref_listing *listing, const char *folder)
{
	GPtrArray *backups = g_ptr_array_new();

	for (guint i = 0; i < listing->refs->len; i++) {
		struct advertised_ref *ref = listing->refs->pdata[i];

		if (date_of(ref, folder))
			g_ptr_array_add(backups, ref);
	}
	g_ptr_array_sort(backups, newer_first);
	return backups;
}

static gboolean has_tip(const GPtrArray *refs, const git_oid *tip)
{
	for (guint i = 0; i < refs->len; i++)
		if (git_oid_equal(&((struct advertised_ref *)refs->pdata[i])->oid, tip))
			return TRUE;
	return FALSE;
}

GPtrArray *backup_outdated(const struct ref_listing *listing, const char *folder, uint64_t now_us)
{
	const uint64_t kept_us = LIMIT_BACKUP_DAYS * G_GUINT64_CONSTANT(86400) * SECOND_US;
	g_autofree char *oldest = date_text(now_us > kept_us ? now_us - kept_us : 0);
	g_autoptr(GPtrArray) backups = backups_of(listing, folder);
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	GPtrArray *outdated = g_ptr_array_new();

	for (guint i = 0; i < backups->len; i++) {
		struct advertised_ref *ref = backups->pdata[i];

		if (!has_tip(kept, &ref->oid) &&
			(kept->len < LIMIT_BACKUPS_KEPT ||
				strcmp(date_of(ref, folder), oldest) >= 0))
			g_ptr_array_add(kept, ref);
		else
			g_ptr_array_insert(outdated, 0, ref);
	}
	return outdated;
}
