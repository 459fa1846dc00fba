/*
 * A journal in a folder of this machine: RocksDB keeps the records, and around it stand the things
 * that RocksDB cannot promise: one writer (`lock`), nothing lost in silence (`mark`), and no file
 * touched before that is known.
 *
 * Opening looks first, read-only: the head names the journal that the mark means, every record
 * since some way before the mark is whole and chained, and where the mark stands the journal is the
 * same. Only then it is opened for writing, because RocksDB's recovery removes what it cannot read.
 * After a clean stop (`clean` is there) the look begins at the mark itself, which is the last
 * record; the file goes before the first write.
 *
 * A new journal comes to be in an order that leaves no doubt after a crash: records under another
 * name, the mark, then the rename. So records without a mark were not left by a crash: the mark was
 * taken away, and they are refused.
 *
 * Read-only beside a live writer, the mark is the end: it stands only on what is durable, and files
 * that the writer replaces meanwhile make the look start over.
 */
#include "journal/journal_rocksdb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/checkpoint.h"
#include "journal/folder.h"
#include "journal/journal_backend.h"
#include "journal/journal_head.h"
#include "journal/mark.h"
#include "journal/record.h"
#include "journal/rocksdb_records.h"

#define RECORDS "records"
#define RECORDS_NEW "records.new"
#define MARK "mark"
#define CLEAN "clean"
#define LOOK_AGAIN_US 2000

struct store {
	char *folder;
	struct journal_lock *lock; /* NULL: read-only */
	struct mark *mark;
	struct rocksdb_records *records;
	struct journal_front front;
	int64_t mark_synced_ms;
	gboolean making; /* not in its place yet: nothing is durable before it is settled */
};

static void store_free(struct store *store)
{
	rocksdb_records_close(store->records);
	mark_free(store->mark);
	journal_lock_free(store->lock);
	g_free(store->folder);
	g_free(store);
}
SCOPED_POINTER(store, store_free)

static char *path_of(const char *folder, const char *name)
{
	return g_build_filename(folder, name, NULL);
}

static gboolean is_there(const char *folder, const char *name)
{
	g_autofree char *path = path_of(folder, name);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* ---- making ------------------------------------------------------------------------------- */

/* Makes an empty journal in FOLDER. */
static gboolean make_journal(
	const char *folder, const struct journal_head *new_head, GError **error)
{
	g_autofree char *records = path_of(folder, RECORDS);
	g_autofree char *records_new = path_of(folder, RECORDS_NEW);
	g_autoptr(GBytes) head = journal_head_pack(new_head);
	struct mark_value first = {.position = new_head->front.before};

	memcpy(first.journal_id, new_head->journal_id, sizeof(first.journal_id));
	if (!rocksdb_records_make(records_new, head, error) ||
		!mark_make(folder, MARK, &first, error))
		return FALSE;
	if (rename(records_new, records) != 0)
		return folder_error(error, errno, "rename", records_new);
	return folder_sync(folder, error);
}

/* Makes the journal if there is none; records that are gone are not "none". */
static gboolean make_if_missing(const char *folder, GError **error)
{
	g_autofree char *mark_path = path_of(folder, MARK);
	struct journal_head head = {0};

	if (is_there(folder, RECORDS))
		return TRUE;
	if (is_there(folder, MARK)) {
		scoped(mark) mark = mark_open(mark_path, FALSE, error);

		if (!mark)
			return FALSE;
		if (mark_value(mark)->position.seq > 0) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
				"its records are gone; the mark stands at sequence %" G_GUINT64_FORMAT,
				mark_value(mark)->position.seq);
			return FALSE;
		}
	}
	journal_head_draw_id(head.journal_id);
	head.front.before = record_genesis(head.journal_id);
	return make_journal(folder, &head, error);
}

static gboolean make_folder(const char *folder, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(folder);

	if (g_file_test(folder, G_FILE_TEST_IS_DIR))
		return TRUE;
	if (g_mkdir_with_parents(folder, 0700) != 0)
		return folder_error(error, errno, "make", folder);
	return folder_sync(parent, error);
}

/* ---- looking ------------------------------------------------------------------------------ */

static gboolean check_head(struct store *store, const struct mark_value *mark, GError **error)
{
	g_autoptr(GBytes) bytes = rocksdb_records_head(store->records, error);
	struct journal_head head;

	if (!bytes || !journal_head_read(bytes, &head, error))
		return FALSE;
	if (!g_str_equal(head.journal_id, mark->journal_id)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"its records are not those of journal %s, which the mark means",
			mark->journal_id);
		return FALSE;
	}
	if (head.front.before.seq > mark->position.seq) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"it begins after sequence %" G_GUINT64_FORMAT
			", but the mark stands at %" G_GUINT64_FORMAT,
			head.front.before.seq, mark->position.seq);
		return FALSE;
	}
	store->front = head.front;
	return TRUE;
}

static gboolean differs_at_mark(const struct mark_value *mark, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
		"it is not the journal that the mark was made on: they differ at sequence "
		"%" G_GUINT64_FORMAT,
		mark->position.seq);
	return FALSE;
}

/*
 * Walks the records from the one that holds FROM_SEQ to the last, checking each one, the chain, and
 * that the journal passes through MARK. END is where it ends.
 */
static gboolean check_chain(const struct store *store, const struct mark_value *mark,
	uint64_t from_seq, struct journal_position *end, GError **error)
{
	scoped(rocksdb_cursor) cursor = rocksdb_cursor_new(store->records);
	struct journal_position front = store->front.before, at = front;
	enum journal_read_result result;
	const uint8_t *value;
	size_t size;

	rocksdb_cursor_seek(cursor, MAX(from_seq, front.seq + 1));
	while ((result = rocksdb_cursor_next(cursor, &value, &size, error)) ==
		JOURNAL_READ_RECORD) {
		struct record record;

		if (!record_read(value, size, &record, error)) {
			g_prefix_error(error, "after sequence %" G_GUINT64_FORMAT ": ", at.seq);
			return FALSE;
		}
		/* What lies before the first record looked at was checked at another opening. */
		if (at.seq == front.seq && from_seq > front.seq + 1 &&
			record.first_seq > front.seq + 1)
			at = (struct journal_position){record.first_seq - 1, record.previous};
		if (!record_follows(&record, &at, error))
			return FALSE;
		if (at.seq < mark->position.seq && record.last_seq > mark->position.seq)
			return differs_at_mark(mark, error);
		at = record_end(&record);
		if (at.seq == mark->position.seq && !hash_equal(&at.hash, &mark->position.hash))
			return differs_at_mark(mark, error);
	}
	if (result == JOURNAL_READ_ERROR)
		return FALSE;
	if (at.seq < mark->position.seq) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"it ends at sequence %" G_GUINT64_FORMAT ", but was at %" G_GUINT64_FORMAT
			" at least: records are missing",
			at.seq, mark->position.seq);
		return FALSE;
	}
	*end = at;
	return TRUE;
}

/* Opens mark and records of STORE, the records read-only, and checks them. */
static gboolean look(
	struct store *store, gboolean live, struct journal_position *end, GError **error)
{
	g_autofree char *mark_path = path_of(store->folder, MARK);
	g_autofree char *records_path = path_of(store->folder, RECORDS);
	const struct mark_value *mark;
	uint64_t from_seq;

	/* The mark first: what is read later holds at least what it says. */
	store->mark = mark_open(mark_path, store->lock != NULL, error);
	if (!store->mark)
		return FALSE;
	mark = mark_value(store->mark);
	store->records = rocksdb_records_open(records_path, FALSE, error);
	if (!store->records || !check_head(store, mark, error))
		return FALSE;
	if (live)
		rocksdb_records_limit(store->records, mark->position.seq);

	from_seq = mark->position.seq;
	if (live || !is_there(store->folder, CLEAN))
		from_seq -= MIN(from_seq, LIMIT_LOOK_EVENTS);
	return check_chain(store, mark, from_seq, end, error);
}

/* ---- the backend -------------------------------------------------------------------------- */

static gboolean append(void *data, uint64_t first_seq, const uint8_t *value, size_t size,
	const struct journal_position *end, GError **error)
{
	struct store *store = data;
	int64_t now_ms;

	if (!rocksdb_records_put(store->records, first_seq, value, size, error))
		return FALSE;
	if (store->making)
		return TRUE;
	if (!mark_write(store->mark, end, error))
		return FALSE;
	now_ms = clock_now().monotonic_ms;
	if (now_ms - store->mark_synced_ms < LIMIT_MARK_SYNC_MS)
		return TRUE;
	store->mark_synced_ms = now_ms;
	return mark_sync(store->mark, error);
}

/* The mark, which stands at the end, is synced before anything is removed: after a power cut it may
 * not stand where nothing is any more. */
static gboolean cut(void *data, const struct journal_front *front, GError **error)
{
	struct store *store = data;
	struct journal_head head = {.front = *front};
	g_autoptr(GBytes) bytes = NULL;

	memcpy(head.journal_id, mark_value(store->mark)->journal_id, sizeof(head.journal_id));
	bytes = journal_head_pack(&head);
	if (!mark_sync(store->mark, error) ||
		!rocksdb_records_cut(store->records, bytes, front->before.seq, error))
		return FALSE;
	store->front = *front;
	return TRUE;
}

static gboolean settle(void *data, const struct journal_position *end, GError **error)
{
	struct store *store = data;

	return !store->making ||
		(rocksdb_records_settle(store->records, error) &&
			mark_write(store->mark, end, error) && mark_sync(store->mark, error));
}

static void *cursor_new(void *data)
{
	return rocksdb_cursor_new(((struct store *)data)->records);
}

static void cursor_free(void *cursor)
{
	rocksdb_cursor_free(cursor);
}

static void cursor_seek(void *cursor, uint64_t seq)
{
	rocksdb_cursor_seek(cursor, seq);
}

static enum journal_read_result cursor_next(
	void *cursor, const uint8_t **value, size_t *size, GError **error)
{
	return rocksdb_cursor_next(cursor, value, size, error);
}

static gboolean save_checkpoint(void *data, const struct journal_position *position,
	const char *tag, GBytes *blob, GError **error)
{
	struct store *store = data;

	return checkpoint_save(
		store->folder, mark_value(store->mark)->journal_id, position, tag, blob, error);
}

static GBytes *load_checkpoint(
	void *data, const char *tag, uint64_t seq_max, struct journal_position *position)
{
	struct store *store = data;

	return checkpoint_load(
		store->folder, mark_value(store->mark)->journal_id, tag, seq_max, position);
}

/* A stop is clean when nothing failed: then, and with everything closed, it is noted. */
static void close_store(void *data, gboolean failed)
{
	struct store *store = data;
	g_autoptr(GError) error = NULL;

	rocksdb_records_close(g_steal_pointer(&store->records));
	if (store->lock && !failed &&
		(!mark_sync(store->mark, &error) ||
			!folder_write(store->folder, CLEAN, NULL, 0, &error)))
		g_warning("journal not noted as closed folder=%s error=%s", store->folder,
			error->message);
	store_free(store);
}

/* ---- opening ------------------------------------------------------------------------------ */

static const struct journal_backend writing_backend = {
	.append = append,
	.cut = cut,
	.settle = settle,
	.cursor_new = cursor_new,
	.cursor_free = cursor_free,
	.cursor_seek = cursor_seek,
	.cursor_next = cursor_next,
	.save_checkpoint = save_checkpoint,
	.load_checkpoint = load_checkpoint,
	.close = close_store,
};

static const struct journal_backend reading_backend = {
	.cursor_new = cursor_new,
	.cursor_free = cursor_free,
	.cursor_seek = cursor_seek,
	.cursor_next = cursor_next,
	.load_checkpoint = load_checkpoint,
	.close = close_store,
};

static struct store *store_new(const char *folder)
{
	struct store *store = g_new0(struct store, 1);

	store->folder = g_strdup(folder);
	return store;
}

/* The look has shown that nothing is lost by it: lets RocksDB recover, and the mark catch up. */
static gboolean reopen_for_writing(
	struct store *store, const struct journal_position *looked, GError **error)
{
	g_autofree char *records = path_of(store->folder, RECORDS);
	struct journal_position end;

	rocksdb_records_close(g_steal_pointer(&store->records));
	if (is_there(store->folder, CLEAN) && !folder_remove(store->folder, CLEAN, error))
		return FALSE;
	store->records = rocksdb_records_open(records, TRUE, error);
	if (!store->records ||
		!check_chain(store, mark_value(store->mark), looked->seq, &end, error))
		return FALSE;
	if (end.seq != looked->seq || !hash_equal(&end.hash, &looked->hash)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"opened for writing it ends at sequence %" G_GUINT64_FORMAT
			", read-only at %" G_GUINT64_FORMAT,
			end.seq, looked->seq);
		return FALSE;
	}
	/* Recovery has made durable what lay behind the mark. */
	return end.seq == mark_value(store->mark)->position.seq ||
		(mark_write(store->mark, &end, error) && mark_sync(store->mark, error));
}

/* RocksDB aborts the process when it cannot write while it recovers, and at times when it cannot
 * write at all, so it is not begun on a disk that has no room for BYTES and some more. */
static gboolean has_room(const char *folder, uint64_t bytes, GError **error)
{
	struct statvfs disk;

	bytes += LIMIT_JOURNAL_FREE_BYTES;
	if (statvfs(folder, &disk) != 0 || (uint64_t)disk.f_bavail * disk.f_frsize >= bytes)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED,
		"the disk is full: opening takes %" G_GUINT64_FORMAT " MiB of room", bytes >> 20);
	return FALSE;
}

static struct store *open_to_write(
	const char *folder, const char *purpose, struct journal_position *end, GError **error)
{
	scoped(store) store = store_new(folder);

	if (!make_folder(folder, error))
		return NULL;
	store->lock = journal_lock_take(folder, purpose, error);
	if (!store->lock || !has_room(folder, 0, error) || !make_if_missing(folder, error) ||
		!look(store, FALSE, end, error) || !reopen_for_writing(store, end, error))
		return NULL;
	return g_steal_pointer(&store);
}

static struct store *open_to_read(const char *folder, struct journal_position *end, GError **error)
{
	if (!journal_rocksdb_is_there(folder)) {
		g_set_error_literal(
			error, FORGE_ERROR, FORGE_ERROR_FAILED, "there is no journal yet");
		return NULL;
	}
	for (int try = 1;; try++) {
		scoped(store) store = store_new(folder);
		g_autoptr(GError) failure = NULL;
		struct journal_holder holder;
		gboolean live = journal_lock_holder(folder, &holder);

		if (look(store, live, end, &failure))
			return g_steal_pointer(&store);
		live = live || journal_lock_holder(folder, &holder);
		if (!live || try == LIMIT_LOOK_TRIES ||
			!g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED)) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return NULL;
		}
		g_usleep(LOOK_AGAIN_US);
	}
}

struct journal *journal_rocksdb_open(
	const char *folder, enum journal_mode mode, const char *purpose, GError **error)
{
	struct journal_position end;
	struct store *store = mode == JOURNAL_WRITE ? open_to_write(folder, purpose, &end, error)
						    : open_to_read(folder, &end, error);

	if (!store) {
		/* Who holds it is told with the folder already. */
		if (!error || !g_error_matches(*error, FORGE_ERROR, FORGE_ERROR_JOURNAL_HELD))
			g_prefix_error(error, "journal '%s': ", folder);
		return NULL;
	}
	return journal_new(mode == JOURNAL_WRITE ? &writing_backend : &reading_backend, store,
		folder, mark_value(store->mark)->journal_id, &store->front, &end);
}

/* Opens what make_journal() has just made. */
static struct store *open_made(const char *folder, const char *purpose,
	const struct journal_head *head, uint64_t bytes, GError **error)
{
	scoped(store) store = store_new(folder);
	g_autofree char *mark_path = path_of(folder, MARK);
	g_autofree char *records = path_of(folder, RECORDS);

	store->lock = journal_lock_take(folder, purpose, error);
	if (!store->lock || !has_room(folder, bytes, error) || !make_journal(folder, head, error))
		return NULL;
	store->making = TRUE;
	store->front = head->front;
	store->mark = mark_open(mark_path, TRUE, error);
	store->records = store->mark ? rocksdb_records_open(records, TRUE, error) : NULL;
	if (!store->records)
		return NULL;
	rocksdb_records_relax(store->records);
	return g_steal_pointer(&store);
}

struct journal *journal_rocksdb_make(const char *folder, const char *purpose,
	const struct journal_head *head, uint64_t bytes, GError **error)
{
	struct store *store = open_made(folder, purpose, head, bytes, error);

	if (!store) {
		g_prefix_error(error, "journal '%s': ", folder);
		return NULL;
	}
	return journal_new(&writing_backend, store, folder, head->journal_id, &head->front,
		&head->front.before);
}

gboolean journal_rocksdb_is_there(const char *folder)
{
	return is_there(folder, RECORDS) || is_there(folder, MARK);
}

gboolean journal_rocksdb_holder(const char *folder, struct journal_holder *holder)
{
	return journal_lock_holder(folder, holder);
}
