#ifndef FORGE_SCHEDULER_MAILBOX_H
#define FORGE_SCHEDULER_MAILBOX_H

#include <glib.h>

#include "journal/base/scope.h"
#include "queue/messages.pb-c.h"

/** A request that waits for its turn. */
struct letter {
	GBytes *routing;
	const Forge__Request *request; /**< the letter's */
};

/**
 * Unpacked requests. Each is unpacked into a block of its own, and blocks are used again: requests
 * come by the thousand and go by the thousand, which no allocator likes when each is a handful of
 * small pieces.
 */
struct mailbox;

struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox *mailbox);
SCOPED_POINTER(mailbox, mailbox_free)

/** MESSAGE from ROUTING (taken) unpacked, or NULL if it is no request. */
struct letter *mailbox_open(struct mailbox *mailbox, GBytes *take_routing, GBytes *message);

/** LETTER is of no more use. */
void mailbox_drop(struct mailbox *mailbox, struct letter *letter);

#endif
