#ifndef FORGE_JOURNAL_ARENA_H
#define FORGE_JOURNAL_ARENA_H

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

/** Memory for the messages of one record: taken piece by
 * piece, given back all at once. Belongs to one thread. */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);

/** What protobuf-c unpacks into; borrowed. Its free does nothing. */
ProtobufCAllocator *arena_allocator(struct arena *arena);

/** Gives back everything taken so far; keeps the memory for the next record. */
void arena_reset(struct arena *arena);

#endif
