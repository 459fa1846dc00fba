/*
 * A journal in memory, for the simulation and for tests: the same bytes as on a disk, so that
 * whoever runs on it also runs the codec. The disk survives a crash, the journal does not: to
 * crash, close the journal and open the disk again.
 *
 * The disk is the store, and it alone has a lock: cursors of other threads read while one thread
 * appends. Values never change while they are there, so a cursor holds a reference and no lock while
 * its caller looks at one.
 *
 * It knows no mark: nothing can be lost here behind the journal's back.
 */
#include "journal/journal_memory.h"

#include <pthread.h>

#include "journal/base/errors.h"
#include "journal/journal_backend.h"
#include "journal/record.h"

struct value {
	uint64_t first_seq;
	GBytes *bytes;
};

struct journal_disk {
	pthread_mutex_t lock; /* not GMutex: ThreadSanitizer cannot see into GLib */
	char *id;
	struct journal_front front;
	GArray *values; /* struct value, by first_seq */
	enum journal_fault fault;
	guint fault_after; /* so many changes go well before it */
	unsigned openings; /* a journal of an earlier opening may not write any more */
	char *checkpoint_tag;
	struct journal_position checkpoint_position;
	GBytes *checkpoint;
};

struct store {
	struct journal_disk *disk;
	unsigned opening;
};

struct cursor {
	struct journal_disk *disk;
	guint next;
	guint end;       /* values there were when the cursor was made */
	GBytes *current; /* what the caller may be looking at */
};

/* The disk's lock for the rest of a scope. */
struct held {
	struct journal_disk *disk;
};

static void held_clear(struct held *held)
{
	pthread_mutex_unlock(&held->disk->lock);
}
SCOPED_VALUE(held, held_clear)

static struct held hold(struct journal_disk *disk)
{
	pthread_mutex_lock(&disk->lock);
	return (struct held){disk};
}

static void clear_value(gpointer value)
{
	g_bytes_unref(((struct value *)value)->bytes);
}

struct journal_disk *journal_disk_new(const char *journal_id)
{
	struct journal_front front = {.before = record_genesis(journal_id)};

	return journal_disk_new_at(journal_id, &front);
}

struct journal_disk *journal_disk_new_at(const char *journal_id, const struct journal_front *front)
{
	struct journal_disk *disk = g_new0(struct journal_disk, 1);

	pthread_mutex_init(&disk->lock, NULL);
	disk->id = g_strdup(journal_id);
	disk->front = *front;
	disk->values = g_array_new(FALSE, FALSE, sizeof(struct value));
	g_array_set_clear_func(disk->values, clear_value);
	return disk;
}

void journal_disk_free(struct journal_disk *disk)
{
	if (!disk)
		return;
	g_array_unref(disk->values);
	g_clear_pointer(&disk->checkpoint, g_bytes_unref);
	g_free(disk->checkpoint_tag);
	g_free(disk->id);
	pthread_mutex_destroy(&disk->lock);
	g_free(disk);
}

void journal_disk_set_fault_after(
	struct journal_disk *disk, enum journal_fault fault, guint changes)
{
	G_GNUC_UNUSED scoped_value(held) held = hold(disk);

	disk->fault = fault;
	disk->fault_after = changes;
}

void journal_disk_set_fault(struct journal_disk *disk, enum journal_fault fault)
{
	journal_disk_set_fault_after(disk, fault, 0);
}

/* Whether STORE may still change its disk, and which FAULT
 * the change is to have; the disk is healthy after. */
static gboolean begin_change(struct store *store, enum journal_fault *fault, GError **error)
{
	if (store->disk->openings != store->opening) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_CONFLICT,
			"somebody else has opened it since");
		return FALSE;
	}
	*fault = JOURNAL_FAULT_NONE;
	if (store->disk->fault_after > 0) {
		store->disk->fault_after--;
		return TRUE;
	}
	*fault = store->disk->fault;
	store->disk->fault = JOURNAL_FAULT_NONE;
	return TRUE;
}

static gboolean fail_as_asked(GError **error)
{
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED,
		"the disk failed, as the test asked");
	return FALSE;
}

static gboolean append(void *data, uint64_t first_seq, const uint8_t *value, size_t size,
	const struct journal_position *end, GError **error)
{
	struct store *store = data;
	struct journal_disk *disk = store->disk;
	G_GNUC_UNUSED scoped_value(held) held = hold(disk);
	enum journal_fault fault;

	(void)end;
	if (!begin_change(store, &fault, error))
		return FALSE;
	if (fault != JOURNAL_FAULT_LOST) {
		struct value kept = {first_seq, g_bytes_new(value, size)};

		g_array_append_val(disk->values, kept);
	}
	return fault == JOURNAL_FAULT_NONE || fail_as_asked(error);
}

static gboolean cut(void *data, const struct journal_front *front, GError **error)
{
	struct store *store = data;
	struct journal_disk *disk = store->disk;
	G_GNUC_UNUSED scoped_value(held) held = hold(disk);
	enum journal_fault fault;
	guint gone = 0;

	if (!begin_change(store, &fault, error))
		return FALSE;
	while (gone < disk->values->len &&
		g_array_index(disk->values, struct value, gone).first_seq <= front->before.seq)
		gone++;
	if (fault != JOURNAL_FAULT_LOST) {
		disk->front = *front;
		if (gone > 0)
			g_array_remove_range(disk->values, 0, gone);
	}
	return fault == JOURNAL_FAULT_NONE || fail_as_asked(error);
}

static void *cursor_new(void *data)
{
	struct store *store = data;
	struct cursor *cursor = g_new0(struct cursor, 1);
	G_GNUC_UNUSED scoped_value(held) held = hold(store->disk);

	cursor->disk = store->disk;
	cursor->end = store->disk->values->len;
	return cursor;
}

static void cursor_free(void *data)
{
	struct cursor *cursor = data;

	g_clear_pointer(&cursor->current, g_bytes_unref);
	g_free(cursor);
}

static void cursor_seek(void *data, uint64_t seq)
{
	struct cursor *cursor = data;
	G_GNUC_UNUSED scoped_value(held) held = hold(cursor->disk);
	guint low = 0, high = cursor->end;

	/* The first value that begins after SEQ; the one wanted is before it. */
	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(cursor->disk->values, struct value, middle).first_seq <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	cursor->next = low > 0 ? low - 1 : 0;
}

static enum journal_read_result cursor_next(
	void *data, const uint8_t **value, size_t *size, GError **error)
{
	struct cursor *cursor = data;
	G_GNUC_UNUSED scoped_value(held) held = hold(cursor->disk);

	(void)error;
	g_clear_pointer(&cursor->current, g_bytes_unref);
	if (cursor->next == cursor->end)
		return JOURNAL_READ_END;
	cursor->current = g_bytes_ref(
		g_array_index(cursor->disk->values, struct value, cursor->next++).bytes);
	*value = g_bytes_get_data(cursor->current, size);
	return JOURNAL_READ_RECORD;
}

static gboolean save_checkpoint(void *data, const struct journal_position *position,
	const char *tag, GBytes *blob, GError **error)
{
	struct journal_disk *disk = ((struct store *)data)->disk;
	G_GNUC_UNUSED scoped_value(held) held = hold(disk);

	(void)error;
	g_clear_pointer(&disk->checkpoint, g_bytes_unref);
	g_free(disk->checkpoint_tag);
	disk->checkpoint = g_bytes_ref(blob);
	disk->checkpoint_tag = g_strdup(tag);
	disk->checkpoint_position = *position;
	return TRUE;
}

static GBytes *load_checkpoint(
	void *data, const char *tag, uint64_t seq_max, struct journal_position *position)
{
	struct journal_disk *disk = ((struct store *)data)->disk;
	G_GNUC_UNUSED scoped_value(held) held = hold(disk);

	if (!disk->checkpoint || !g_str_equal(disk->checkpoint_tag, tag) ||
		disk->checkpoint_position.seq > seq_max)
		return NULL;
	*position = disk->checkpoint_position;
	return g_bytes_ref(disk->checkpoint);
}

static void close_store(void *data, gboolean failed)
{
	(void)failed;
	g_free(data);
}

struct journal *journal_memory_open(struct journal_disk *disk)
{
	static const struct journal_backend backend = {
		.append = append,
		.cut = cut,
		.cursor_new = cursor_new,
		.cursor_free = cursor_free,
		.cursor_seek = cursor_seek,
		.cursor_next = cursor_next,
		.save_checkpoint = save_checkpoint,
		.load_checkpoint = load_checkpoint,
		.close = close_store,
	};
	struct journal_position end = disk->front.before;
	struct store *store = g_new0(struct store, 1);
	G_GNUC_UNUSED scoped_value(held) held = hold(disk);

	if (disk->values->len > 0) {
		GBytes *last =
			g_array_index(disk->values, struct value, disk->values->len - 1).bytes;
		gsize size;
		const uint8_t *value = g_bytes_get_data(last, &size);
		struct record record;

		/* Nothing but record_pack() puts values here. */
		g_assert(record_read(value, size, &record, NULL));
		end = record_end(&record);
	}
	store->disk = disk;
	store->opening = ++disk->openings;
	return journal_new(&backend, store, "memory", disk->id, &disk->front, &end);
}
