/*
 * The head: a journal's id, and where it begins.
 *
 * Version 1 says the id alone; a journal keeps it until records are removed from its front or a base
 * is named, so that older builds open what they can read and refuse the rest. Magic, version and
 * checksum (the last bytes, over all before them) stay where they are in every version, so that a
 * flipped bit says "damaged" and never "too new".
 */
#include "journal/journal_head.h"

#include "journal/base/errors.h"
#include "journal/bytes.h"
#include "journal/record.h"

enum {
	VERSION_ID = 1,    /* the id alone */
	VERSION_FRONT = 2, /* and where the journal begins */
};

/* Offsets; a head of version 1 ends after the id. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_ID = 8,
	AT_FRONT_SEQ = AT_ID + JOURNAL_ID_BYTES,
	AT_FRONT_HASH = AT_FRONT_SEQ + 8,
	AT_BASE_SEQ = AT_FRONT_HASH + HASH_BYTES,
	END_OF_FRONT = AT_BASE_SEQ + 8,
	BYTES_MAX = END_OF_FRONT + HASH_BYTES,
};

static const uint8_t magic[4] = {'F', 'J', 'H', '1'};

static gboolean is_whole_story(const struct journal_head *head)
{
	struct journal_position genesis = record_genesis(head->journal_id);

	return head->front.before.seq == 0 && head->front.base_seq == 0 &&
		hash_equal(&head->front.before.hash, &genesis.hash);
}

GBytes *journal_head_pack(const struct journal_head *head)
{
	uint8_t bytes[BYTES_MAX];
	gboolean whole_story = is_whole_story(head);
	size_t end = whole_story ? AT_FRONT_SEQ : END_OF_FRONT;
	struct hash checksum;

	memcpy(bytes + AT_MAGIC, magic, sizeof(magic));
	bytes_put_u32(bytes + AT_VERSION, whole_story ? VERSION_ID : VERSION_FRONT);
	memcpy(bytes + AT_ID, head->journal_id, JOURNAL_ID_BYTES);
	if (!whole_story) {
		bytes_put_u64(bytes + AT_FRONT_SEQ, head->front.before.seq);
		memcpy(bytes + AT_FRONT_HASH, head->front.before.hash.bytes, HASH_BYTES);
		bytes_put_u64(bytes + AT_BASE_SEQ, head->front.base_seq);
	}
	checksum = hash_chain(NULL, bytes, end);
	memcpy(bytes + end, checksum.bytes, HASH_BYTES);
	return g_bytes_new(bytes, end + HASH_BYTES);
}

static gboolean damaged(GError **error)
{
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
		"the journal's head is not what was written");
	return FALSE;
}

gboolean journal_head_read(GBytes *bytes, struct journal_head *head, GError **error)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(bytes, &size);
	struct hash checksum;
	uint32_t version;

	if (size < AT_FRONT_SEQ + HASH_BYTES || memcmp(data, magic, sizeof(magic)) != 0)
		return damaged(error);
	checksum = hash_chain(NULL, data, size - HASH_BYTES);
	if (memcmp(data + size - HASH_BYTES, checksum.bytes, HASH_BYTES) != 0)
		return damaged(error);
	version = bytes_get_u32(data + AT_VERSION);
	if (version > VERSION_FRONT) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_TOO_NEW,
			"it has format version %u; this forge reads %d", version, VERSION_FRONT);
		return FALSE;
	}
	if (size != (version == VERSION_FRONT ? END_OF_FRONT : AT_FRONT_SEQ) + HASH_BYTES)
		return damaged(error);

	memcpy(head->journal_id, data + AT_ID, JOURNAL_ID_BYTES);
	head->journal_id[JOURNAL_ID_BYTES] = '\0';
	head->front = (struct journal_front){.before = record_genesis(head->journal_id)};
	if (version == VERSION_FRONT) {
		head->front.before.seq = bytes_get_u64(data + AT_FRONT_SEQ);
		memcpy(head->front.before.hash.bytes, data + AT_FRONT_HASH, HASH_BYTES);
		head->front.base_seq = bytes_get_u64(data + AT_BASE_SEQ);
	}
	return TRUE;
}

void journal_head_draw_id(char id[JOURNAL_ID_BYTES + 1])
{
	uint8_t random[JOURNAL_ID_BYTES / 2];

	hash_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		g_snprintf(id + 2 * i, 3, "%02x", random[i]);
}
