#ifndef FORGE_JOURNAL_JOURNAL_BACKEND_H
#define FORGE_JOURNAL_JOURNAL_BACKEND_H

#include "journal/journal.h"

/**
 * What a place to keep records in has to do. It deals in values it does not understand, each under
 * the sequence of its first event; sizes, sequence, chain and the refusal after a failure are
 * journal.c's, the same for all.
 *
 * `append`, `save_checkpoint`, `load_checkpoint` and `close` are called by the thread that writes
 * (checkpoints may be saved by another one, one at a time); cursors by any, each cursor by one.
 */
struct journal_backend {
	/**
	 * Keeps the SIZE bytes at VALUE under FIRST_SEQ and returns once they are durable; END is
	 * where the journal is then. Errors: JOURNAL_CONFLICT (certainly not written),
	 * JOURNAL_WRITE_FAILED (nobody knows). NULL: read-only.
	 */
	gboolean (*append)(void *store, uint64_t first_seq, const uint8_t *value, size_t size,
		const struct journal_position *end, GError **error);

	/**
	 * Remembers FRONT in place of the one before and removes all values before it, both or
	 * nothing. Errors: as append. NULL: read-only.
	 */
	gboolean (*cut)(void *store, const struct journal_front *front, GError **error);

	/** See journal_settle(). NULL: there is nothing to do. */
	gboolean (*settle)(void *store, const struct journal_position *end, GError **error);

	/** A cursor over what is durable now; to be placed with cursor_seek first. */
	void *(*cursor_new)(void *store);
	void (*cursor_free)(void *cursor);
	/** Places CURSOR at the last value whose first sequence is at most SEQ, or at the first
	 * value if there is none. */
	void (*cursor_seek)(void *cursor, uint64_t seq);
	/** The value at the cursor, borrowed until its next
	 * call; moves behind it. Errors: JOURNAL_DAMAGED. */
	enum journal_read_result (*cursor_next)(
		void *cursor, const uint8_t **value, size_t *size, GError **error);

	/** Keeps BLOB, the state at POSITION, in place of older ones. */
	gboolean (*save_checkpoint)(void *store, const struct journal_position *position,
		const char *tag, GBytes *blob, GError **error);
	/** The newest whole checkpoint with TAG at or before SEQ_MAX; NULL if there is none. */
	GBytes *(*load_checkpoint)(
		void *store, const char *tag, uint64_t seq_max, struct journal_position *position);

	/** FAILED: an append failed, so what is on disk is not known to be whole. */
	void (*close)(void *store, gboolean failed);
};

/**
 * A journal on STORE, which it owns from now on. NAME is what errors call it (a folder), ID its own,
 * FRONT and END where it begins and ends now.
 */
struct journal *journal_new(const struct journal_backend *backend, void *take_store,
	const char *name, const char *id, const struct journal_front *front,
	const struct journal_position *end);

#endif
