#ifndef FORGE_JOURNAL_JOURNAL_HEAD_H
#define FORGE_JOURNAL_JOURNAL_HEAD_H

#include "journal/journal.h"

/** What a journal in a folder says of itself as a whole, under key 0 of its records. */
struct journal_head {
	char journal_id[JOURNAL_ID_BYTES + 1];
	struct journal_front front;
};

/** HEAD as bytes: version 1 where nothing lies before the first event and there is no base. */
GBytes *journal_head_pack(const struct journal_head *head);

/** Reads BYTES. Errors: JOURNAL_DAMAGED, JOURNAL_TOO_NEW (whole, but of a later version). */
gboolean journal_head_read(GBytes *bytes, struct journal_head *head, GError **error);

/** Draws an id for a new journal. */
void journal_head_draw_id(char id[JOURNAL_ID_BYTES + 1]);

#endif
