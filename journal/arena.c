/*
 * Bump allocation for unpacking records: replay unpacks millions of small messages that all die
 * together, and a malloc each would cost more than the decoding.
 *
 * Blocks double, so a record of any size needs a handful. At a reset everything but the largest
 * block goes, and that one too where it is larger than what ordinary records need: one huge record
 * does not keep its memory for ever. What a record can ask for is bounded by LIMIT_RECORD_BYTES
 * times the worst ratio of a message in memory to its packed form (an empty message: two bytes
 * packed, some dozens in memory).
 */
#include "journal/arena.h"

#include <stddef.h>
#include <stdint.h>

#define FIRST_BLOCK_BYTES ((size_t)64 * 1024)
#define KEPT_BLOCK_BYTES ((size_t)4 * 1024 * 1024)
#define ALIGNMENT _Alignof(max_align_t)

struct block {
	struct block *before;
	size_t size; /* of `data` */
	_Alignas(max_align_t) uint8_t data[];
};

struct arena {
	ProtobufCAllocator allocator;
	struct block *block; /* the newest and largest */
	size_t used;         /* of the newest block */
};

static struct block *block_new(size_t size, struct block *before)
{
	struct block *block = g_malloc(sizeof(*block) + size);

	block->before = before;
	block->size = size;
	return block;
}

static void *take(void *data, size_t size)
{
	struct arena *arena = data;
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	void *piece;

	if (rounded < size)
		return NULL;
	if (rounded > arena->block->size - arena->used) {
		arena->block = block_new(MAX(rounded, arena->block->size * 2), arena->block);
		arena->used = 0;
	}
	piece = arena->block->data + arena->used;
	arena->used += rounded;
	return piece;
}

static void give_back_later(void *data, void *piece)
{
	(void)data;
	(void)piece;
}

struct arena *arena_new(void)
{
	struct arena *arena = g_new0(struct arena, 1);

	arena->allocator = (ProtobufCAllocator){take, give_back_later, arena};
	arena->block = block_new(FIRST_BLOCK_BYTES, NULL);
	return arena;
}

static void free_blocks(struct block *block)
{
	while (block) {
		struct block *before = block->before;

		g_free(block);
		block = before;
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	free_blocks(arena->block);
	g_free(arena);
}

ProtobufCAllocator *arena_allocator(struct arena *arena)
{
	return &arena->allocator;
}

void arena_reset(struct arena *arena)
{
	free_blocks(arena->block->before);
	arena->block->before = NULL;
	arena->used = 0;
	if (arena->block->size > KEPT_BLOCK_BYTES) {
		free_blocks(arena->block);
		arena->block = block_new(FIRST_BLOCK_BYTES, NULL);
	}
}
