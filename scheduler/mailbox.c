/*
 * Blocks for requests. Ordinary ones (a submission, a report without facts) fit a block; pieces
 * that do not are allocated one by one and hang in a list.
 */
#include "scheduler/mailbox.h"

#include <stddef.h>
#include <stdint.h>

#include "journal/base/limits.h"

#define BLOCK_BYTES 1024
#define ALIGNMENT _Alignof(max_align_t)

struct piece {
	struct piece *next;
	_Alignas(max_align_t) uint8_t data[];
};

struct block {
	struct letter letter; /* first: a letter is its block */
	struct piece *pieces; /* what did not fit */
	size_t used;
	_Alignas(max_align_t) uint8_t data[BLOCK_BYTES];
};

struct mailbox {
	GPtrArray *free_blocks; /* at most as many as a turn takes */
};

struct mailbox *mailbox_new(void)
{
	struct mailbox *mailbox = g_new0(struct mailbox, 1);

	mailbox->free_blocks = g_ptr_array_new_with_free_func(g_free);
	return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	g_ptr_array_free(mailbox->free_blocks, TRUE);
	g_free(mailbox);
}

static void *take(void *data, size_t size)
{
	struct block *block = data;
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct piece *piece;

	if (size <= BLOCK_BYTES && rounded <= BLOCK_BYTES - block->used) {
		block->used += rounded;
		return block->data + block->used - rounded;
	}
	piece = g_malloc(sizeof(*piece) + size);
	piece->next = block->pieces;
	block->pieces = piece;
	return piece->data;
}

static void give_back_later(void *data, void *piece)
{
	(void)data;
	(void)piece;
}

struct letter *mailbox_open(struct mailbox *mailbox, GBytes *take_routing, GBytes *message)
{
	struct block *block = mailbox->free_blocks->len > 0
		? g_ptr_array_steal_index_fast(mailbox->free_blocks, mailbox->free_blocks->len - 1)
		: g_new(struct block, 1);
	ProtobufCAllocator allocator = {take, give_back_later, block};
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);

	block->pieces = NULL;
	block->used = 0;
	block->letter.routing = take_routing;
	block->letter.request = forge__request__unpack(&allocator, size, data);
	if (block->letter.request)
		return &block->letter;
	mailbox_drop(mailbox, &block->letter);
	return NULL;
}

void mailbox_drop(struct mailbox *mailbox, struct letter *letter)
{
	struct block *block = (struct block *)(void *)letter;

	g_bytes_unref(letter->routing);
	while (block->pieces) {
		struct piece *piece = block->pieces;

		block->pieces = piece->next;
		g_free(piece);
	}
	if (mailbox->free_blocks->len < LIMIT_INPUTS_PER_TURN)
		g_ptr_array_add(mailbox->free_blocks, block);
	else
		g_free(block);
}
