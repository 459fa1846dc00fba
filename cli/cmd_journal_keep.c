/*
 * `forge journal backup|restore|import|compact`: journals as things that are kept, moved and
 * trimmed. They act on files of this machine, whatever scheduler is configured.
 *
 * What is made is verified, folded and all, before it gets its name; what is there gives way only to
 * that, and is moved, never deleted.
 */
#include <string.h>
#include <sys/stat.h>

#include "cli/handlers.h"
#include "cli/journal_named.h"
#include "cli/output.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/journal_backup.h"
#include "journal/journal_import.h"
#include "journal/journal_place.h"
#include "journal/journal_rocksdb.h"
#include "scheduler/retention.h"
#include "scheduler/turn.h"

#define DAY_US (UINT64_C(24) * 60 * 60 * G_USEC_PER_SEC)
#define DEFAULT_KEEP "30d"

/* What is said of a journal that was read whole. */
struct account {
	uint64_t records;
	struct hash digest;
};

static gboolean count_records(struct journal *journal, uint64_t *records, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, 0, error);
	struct journal_record record;

	*records = 0;
	while (reader) {
		switch (journal_reader_next(reader, &record, error)) {
		case JOURNAL_READ_RECORD:
			++*records;
			break;
		case JOURNAL_READ_END:
			return TRUE;
		case JOURNAL_READ_ERROR:
			return FALSE;
		}
	}
	return FALSE;
}

static gboolean take_account(struct journal *journal, struct account *account, GError **error)
{
	return count_records(journal, &account->records, error) &&
		scheduler_verify(journal, &account->digest, error);
}

static struct value *account_value(const struct journal *journal, const struct account *account)
{
	struct journal_position end = journal_end(journal);
	uint64_t before = journal_front(journal).before.seq;
	g_autofree char *hash = hash_hex(&end.hash);
	g_autofree char *digest = hash_hex(&account->digest);
	struct value *object = value_new_map();

	value_put_string(object, "journal", journal_id(journal));
	value_put_take(object, "records", value_new_unsigned(account->records));
	value_put_take(object, "events", value_new_unsigned(end.seq - before));
	value_put_take(object, "first_seq", value_new_unsigned(before + 1));
	value_put_take(object, "last_seq", value_new_unsigned(end.seq));
	value_put_string(object, "hash", hash);
	value_put_string(object, "digest", digest);
	return object;
}

/* `134 events in 55 records up to sequence 134, state fd5b1e8a2ba7` */
static char *account_text(const struct journal *journal, const struct account *account)
{
	struct journal_position end = journal_end(journal);
	g_autofree char *digest = hash_hex(&account->digest);

	return g_strdup_printf("%" G_GUINT64_FORMAT " events in %" G_GUINT64_FORMAT
			       " records up to sequence %" G_GUINT64_FORMAT ", state %.12s",
		end.seq - journal_front(journal).before.seq, account->records, end.seq, digest);
}

/* ---- backup ------------------------------------------------------------------------------- */

/* TARGET, or a file in it that says what it holds. */
static char *backup_path(const struct journal *journal, const char *target)
{
	g_autofree char *name = NULL;

	if (!g_file_test(target, G_FILE_TEST_IS_DIR))
		return g_strdup(target);
	name = g_strdup_printf("forge-journal-%.8s-%" G_GUINT64_FORMAT ".backup",
		journal_id(journal), journal_end(journal).seq);
	return g_build_filename(target, name, NULL);
}

int cmd_journal_backup(struct invocation *invocation, GError **error)
{
	g_autofree char *folder = journal_named(invocation, 1, error);
	scoped(journal) journal = folder ? journal_named_read(folder, error) : NULL;
	scoped(journal) backup = NULL;
	scoped(value) object = NULL;
	g_autofree char *path = NULL;
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;
	struct account account;

	if (!journal)
		return 1;
	path = backup_path(journal, invocation->arguments[0]);
	if (!journal_backup_write(journal, path, error))
		return 1;
	backup = journal_backup_open(path, error);
	if (!backup || !take_account(backup, &account, error))
		return 1;
	object = account_value(backup, &account);
	value_put_string(object, "file", path);
	output_value(invocation, object);
	text = account_text(backup, &account);
	line = g_strdup_printf("✓ backup %s of journal %s: %s", path, journal_id(backup), text);
	output_marked(invocation, line);
	return 0;
}

/* ---- making journals ---------------------------------------------------------------------- */

/* A file that is to become a journal. */
struct origin {
	const char *path;
	const char *purpose; /* of the command */
	/* Fills the journal with SOURCE. */
	gboolean (*fill)(struct journal *journal, gpointer source, GError **error);
	gpointer source;
	const struct hash *digest; /* of the state it must lead to; NULL: any */
};

static uint64_t file_bytes(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static gboolean fill_aside(const char *folder, const struct journal_head *head,
	const struct origin *origin, GError **error)
{
	scoped(journal) journal = journal_rocksdb_make(
		folder, origin->purpose, head, file_bytes(origin->path), error);

	return journal && origin->fill(journal, origin->source, error) &&
		journal_settle(journal, error);
}

/* Says what was made of the journal now in FOLDER, and where what was there is. */
static void show_made(struct invocation *invocation, struct value *object, const char *what,
	const char *text, const char *folder, const char *replaced)
{
	g_autofree char *line = g_strdup_printf("✓ %s: %s", what, text);

	value_put_string(object, "folder", folder);
	value_put_string(object, "replaced", replaced);
	output_value(invocation, object);
	output_marked(invocation, line);
	if (replaced)
		output_line(invocation, "What was there before is in %s", replaced);
}

/* Makes the journal HEAD of ORIGIN in FOLDER, where it must be sound. Returns what to say of it. */
static struct value *make_journal(const char *folder, gboolean replace,
	const struct journal_head *head, const struct origin *origin, char **text, char **replaced,
	GError **error)
{
	scoped(journal_place) place = journal_place_new(folder, origin->purpose, replace, error);
	scoped(journal) made = NULL;
	scoped(value) object = NULL;
	struct account account;

	if (!place || !fill_aside(journal_place_aside(place), head, origin, error))
		return NULL;
	made = journal_rocksdb_open(
		journal_place_aside(place), JOURNAL_READ_ONLY, origin->purpose, error);
	if (!made || !take_account(made, &account, error))
		return NULL;
	if (origin->digest && !hash_equal(origin->digest, &account.digest)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"the journal that was made has another state than the backup");
		return NULL;
	}
	object = account_value(made, &account);
	*text = account_text(made, &account);
	g_clear_pointer(&made, journal_close);
	if (!journal_place_put(place, replaced, error))
		return NULL;
	return g_steal_pointer(&object);
}

/* What can be done about a folder that is taken is this command's to say. */
static void name_force(gboolean force, GError **error)
{
	if (force || !error || !g_error_matches(*error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS))
		return;
	g_autofree char *said = (*error)->message;

	(*error)->message = g_strconcat(said, "; --force moves it aside", NULL);
}

static gboolean fill_from_backup(struct journal *journal, gpointer source, GError **error)
{
	return journal_backup_copy(source, journal, error);
}

int cmd_journal_restore(struct invocation *invocation, GError **error)
{
	const char *path = invocation->arguments[0];
	gboolean force = invocation_flag(invocation, "force");
	g_autofree char *folder = journal_named(invocation, 1, error);
	scoped(journal) backup = folder ? journal_backup_open(path, error) : NULL;
	scoped(value) object = NULL;
	struct journal_head head;
	struct account account;
	struct origin origin;
	g_autofree char *text = NULL;
	g_autofree char *replaced = NULL;
	g_autofree char *what = NULL;

	if (!backup || !take_account(backup, &account, error))
		return 1;
	head.front = journal_front(backup);
	g_strlcpy(head.journal_id, journal_id(backup), sizeof(head.journal_id));
	origin = (struct origin){path, "restore", fill_from_backup, backup, &account.digest};
	object = make_journal(folder, force, &head, &origin, &text, &replaced, error);
	if (!object) {
		name_force(force, error);
		return 1;
	}
	what = g_strdup_printf("journal %s restored in %s", head.journal_id, folder);
	show_made(invocation, object, what, text, folder, replaced);
	return 0;
}

static gboolean fill_from_export(struct journal *journal, gpointer source, GError **error)
{
	return journal_import_run(journal, source, (uint64_t)clock_now().wall_us, error);
}

/* Events that fit no state are the file's fault, not a disk's. */
static void blame_file(const char *path, GError **error)
{
	if (!error || !g_error_matches(*error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED))
		return;
	(*error)->code = FORGE_ERROR_VALIDATION_FAILED;
	g_prefix_error(error, "the events of %s make no state: ", path);
}

int cmd_journal_import(struct invocation *invocation, GError **error)
{
	g_autofree char *folder = journal_named(invocation, 1, error);
	struct journal_import import;
	struct journal_head head;
	struct origin origin;
	scoped(value) object = NULL;
	g_autofree char *text = NULL;
	g_autofree char *replaced = NULL;
	g_autofree char *what = NULL;
	g_autofree char *digest = NULL;

	if (!folder || !journal_import_look(invocation->arguments[0], &import, error))
		return 1;
	journal_head_draw_id(head.journal_id);
	head.front = journal_import_front(head.journal_id, &import);
	origin = (struct origin){import.path, "import", fill_from_export, &import, NULL};
	object = make_journal(folder, FALSE, &head, &origin, &text, &replaced, error);
	if (!object) {
		blame_file(import.path, error);
		return 1;
	}
	digest = hash_hex(&import.digest);
	value_put_string(object, "import_digest", digest);
	what = g_strdup_printf("journal %s made in %s", head.journal_id, folder);
	show_made(invocation, object, what, text, folder, replaced);
	return 0;
}

/* ---- compact ------------------------------------------------------------------------------ */

static gboolean parse_keep(
	const char *text, struct instant now, struct retention *retention, GError **error)
{
	g_autofree char *digits = g_strdup(text);
	size_t length = strlen(text);
	gboolean days = length > 1 && text[length - 1] == 'd';
	uint64_t number;

	if (days)
		digits[length - 1] = '\0';
	if (!g_ascii_string_to_unsigned(
		    digits, 10, 0, days ? G_MAXUINT64 / DAY_US : G_MAXUINT64, &number, NULL)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--keep takes a number of events (10000) or of days (30d), not '%s'", text);
		return FALSE;
	}
	*retention = (struct retention){.events = days ? 0 : number, .not_before_us = G_MAXUINT64};
	if (days) {
		uint64_t now_us = (uint64_t)now.wall_us;

		retention->not_before_us = now_us - MIN(now_us, number * DAY_US);
	}
	return TRUE;
}

static struct value *result_value(const struct journal *journal,
	const struct retention_result *result, uint64_t bytes_before, uint64_t bytes)
{
	g_autofree char *digest = hash_hex(&result->digest);
	struct value *object = value_new_map();

	value_put_string(object, "journal", journal_id(journal));
	value_put_take(object, "removed", value_new_unsigned(result->first - result->first_before));
	value_put_take(object, "first_seq", value_new_unsigned(result->first));
	value_put_take(object, "last_seq", value_new_unsigned(journal_end(journal).seq));
	value_put_take(object, "base_seq", value_new_unsigned(result->base_seq));
	value_put_take(object, "bytes_before", value_new_unsigned(bytes_before));
	value_put_take(object, "bytes", value_new_unsigned(bytes));
	value_put_string(object, "digest", digest);
	return object;
}

static void show_result(struct invocation *invocation, const struct journal *journal,
	const struct retention_result *result, uint64_t bytes_before, uint64_t bytes)
{
	scoped(value) object = result_value(journal, result, bytes_before, bytes);
	g_autofree char *digest = hash_hex(&result->digest);
	g_autofree char *line = g_strdup_printf("✓ journal %s: %" G_GUINT64_FORMAT
						" events removed, the first there is has sequence "
						"%" G_GUINT64_FORMAT ", state %.12s; "
						"%.1f MB instead of %.1f MB",
		journal_id(journal), result->first - result->first_before, result->first, digest,
		(double)bytes / 1e6, (double)bytes_before / 1e6);

	output_value(invocation, object);
	output_marked(invocation, line);
	if (result->open_batch > 0)
		output_line(invocation,
			"More would go, but the batch that began with event %" G_GUINT64_FORMAT
			" is open",
			result->open_batch);
}

int cmd_journal_compact(struct invocation *invocation, GError **error)
{
	const char *keep = invocation_text(invocation, "keep");
	g_autofree char *folder = journal_named(invocation, 0, error);
	struct instant now = clock_now();
	struct retention retention;
	struct retention_result result;
	uint64_t bytes_before;
	scoped(journal) journal = NULL;

	if (!folder || !parse_keep(keep ? keep : DEFAULT_KEEP, now, &retention, error))
		return 1;
	bytes_before = journal_named_bytes(folder);
	journal = journal_named_write(folder, "compact", error);
	if (!journal || !retention_apply(journal, &retention, now, &result, error))
		return 1;
	show_result(invocation, journal, &result, bytes_before, journal_named_bytes(folder));
	return 0;
}
