/*
 * The mark: two slots in a file whose blocks are all there from the start, so that writing one
 * changes no size and no block list and syncing it is as cheap as a sync can be.
 *
 * Slots are written in turn, each in one write inside one sector, each with a generation and a
 * checksum of its own. A torn slot is not whole, and the other one, one record older, counts: the
 * mark is a lower bound and may be late, never early. Whoever writes the mark has made the record
 * durable before.
 *
 * A slot: magic, version, generation, sequence, journal id, hash of the record that ends there,
 * checksum of all that.
 */
#include "journal/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/bytes.h"
#include "journal/folder.h"

#define MARK_VERSION 1
#define SLOT_COUNT 2
#define SLOT_STRIDE 4096 /* slots never share a block, so a torn write takes one of them */

/* Offsets in a slot. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_GENERATION = 8,
	AT_SEQ = 16,
	AT_ID = 24,
	AT_HASH = AT_ID + JOURNAL_ID_BYTES,
	AT_CHECKSUM = AT_HASH + HASH_BYTES,
	SLOT_BYTES = AT_CHECKSUM + HASH_BYTES,
};

struct mark {
	int descriptor;
	char *path;
	uint64_t generation; /* of `value`; its slot is this modulo SLOT_COUNT */
	struct mark_value value;
};

static const uint8_t magic[4] = {'F', 'J', 'M', '1'};

static void pack_slot(uint8_t slot[SLOT_BYTES], uint64_t generation, const struct mark_value *value)
{
	struct hash checksum;

	memcpy(slot + AT_MAGIC, magic, sizeof(magic));
	bytes_put_u32(slot + AT_VERSION, MARK_VERSION);
	bytes_put_u64(slot + AT_GENERATION, generation);
	bytes_put_u64(slot + AT_SEQ, value->position.seq);
	memcpy(slot + AT_ID, value->journal_id, JOURNAL_ID_BYTES);
	memcpy(slot + AT_HASH, value->position.hash.bytes, HASH_BYTES);
	checksum = hash_chain(NULL, slot, AT_CHECKSUM);
	memcpy(slot + AT_CHECKSUM, checksum.bytes, HASH_BYTES);
}

static gboolean slot_is_whole(const uint8_t slot[SLOT_BYTES])
{
	struct hash checksum = hash_chain(NULL, slot, AT_CHECKSUM);

	return memcmp(slot + AT_MAGIC, magic, sizeof(magic)) == 0 &&
		memcmp(slot + AT_CHECKSUM, checksum.bytes, HASH_BYTES) == 0;
}

gboolean mark_make(
	const char *folder, const char *name, const struct mark_value *value, GError **error)
{
	uint8_t file[SLOT_COUNT * SLOT_STRIDE] = {0};
	struct folder_part whole = {file, sizeof(file)};

	g_assert(strlen(value->journal_id) == JOURNAL_ID_BYTES);
	pack_slot(file, 0, value);
	return folder_write(folder, name, &whole, 1, error);
}

/* Takes the newest whole slot into MARK. */
static gboolean read_slots(struct mark *mark, GError **error)
{
	gboolean found = FALSE;
	uint32_t version = 0;

	for (int i = 0; i < SLOT_COUNT; i++) {
		uint8_t slot[SLOT_BYTES];
		uint64_t generation;
		ssize_t size = pread(mark->descriptor, slot, sizeof(slot), (off_t)i * SLOT_STRIDE);

		if (size != (ssize_t)sizeof(slot) || !slot_is_whole(slot))
			continue;
		generation = bytes_get_u64(slot + AT_GENERATION);
		if (found && generation < mark->generation)
			continue;
		found = TRUE;
		version = bytes_get_u32(slot + AT_VERSION);
		mark->generation = generation;
		mark->value.position.seq = bytes_get_u64(slot + AT_SEQ);
		memcpy(mark->value.journal_id, slot + AT_ID, JOURNAL_ID_BYTES);
		memcpy(mark->value.position.hash.bytes, slot + AT_HASH, HASH_BYTES);
	}
	if (!found) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"the mark '%s' is not readable, so nobody can tell whether records are missing",
			mark->path);
		return FALSE;
	}
	if (version != MARK_VERSION) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_TOO_NEW,
			"the mark '%s' has version %u; this forge reads %d", mark->path, version,
			MARK_VERSION);
		return FALSE;
	}
	return TRUE;
}

struct mark *mark_open(const char *path, gboolean writable, GError **error)
{
	scoped(mark) mark = g_new0(struct mark, 1);

	mark->path = g_strdup(path);
	mark->descriptor = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
	if (mark->descriptor < 0 && errno == ENOENT) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"the mark '%s' is missing, so nobody can tell whether records are missing too",
			path);
		return NULL;
	}
	if (mark->descriptor < 0) {
		folder_error(error, errno, "open", path);
		return NULL;
	}
	return read_slots(mark, error) ? g_steal_pointer(&mark) : NULL;
}

void mark_free(struct mark *mark)
{
	if (!mark)
		return;
	if (mark->descriptor >= 0)
		close(mark->descriptor);
	g_free(mark->path);
	g_free(mark);
}

const struct mark_value *mark_value(const struct mark *mark)
{
	return &mark->value;
}

gboolean mark_write(struct mark *mark, const struct journal_position *position, GError **error)
{
	uint8_t slot[SLOT_BYTES];
	uint64_t generation = mark->generation + 1;
	off_t place = (off_t)(generation % SLOT_COUNT) * SLOT_STRIDE;
	ssize_t written;

	mark->value.position = *position;
	pack_slot(slot, generation, &mark->value);
	written = pwrite(mark->descriptor, slot, sizeof(slot), place);
	if (written != (ssize_t)sizeof(slot))
		return folder_error(error, written < 0 ? errno : EIO, "write", mark->path);
	mark->generation = generation;
	return TRUE;
}

gboolean mark_sync(struct mark *mark, GError **error)
{
	return fdatasync(mark->descriptor) == 0 || folder_error(error, errno, "sync", mark->path);
}
