#ifndef FORGE_TESTS_SUPPORT_BACKEND_FIXTURE_H
#define FORGE_TESTS_SUPPORT_BACKEND_FIXTURE_H

#include "journal/journal_head.h"
#include "journal/journal_memory.h"

/* What claims about every journal run on: a backend each, as a place where journals are opened, closed
 * and opened again. */

enum backend {
	BACKEND_MEMORY,
	BACKEND_ROCKSDB,
};

struct place {
	enum backend backend;
	struct journal_disk *disk; /**< BACKEND_MEMORY */
	char *folder;              /**< BACKEND_ROCKSDB */
};

/** An empty place. BACKEND is an enum backend as a pointer. */
void place_init(struct place *place, gconstpointer backend);
void place_clear(struct place *place);
SCOPED_VALUE(place, place_clear)

/** Opens the journal at PLACE for writing, which must succeed. */
struct journal *place_open(struct place *place);

/** Makes a journal with HEAD at PLACE, where none is yet, to be filled and settled. */
struct journal *place_make(struct place *place, const struct journal_head *head);

/** Adds CHECK once for each backend, as /ROOM/memory/CLAIM and /ROOM/rocksdb/CLAIM. */
void place_add_claim(const char *room, const char *claim, GTestDataFunc check);

/* ---- records ------------------------------------------------------------------------------ */

/** Appends a record of EVENTS events that say TEXT; the new end. */
struct journal_position place_append(struct journal *journal, size_t events, const char *text);

/** A reader from SEQ on, which must succeed. */
struct journal_reader *place_read(struct journal *journal, uint64_t seq);

/** The next record must be that of FIRST_SEQ to LAST_SEQ, whose events say TEXT. */
void place_assert_next(
	struct journal_reader *reader, uint64_t first_seq, uint64_t last_seq, const char *text);

void place_assert_end(struct journal_reader *reader);

#endif
