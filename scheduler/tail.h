#ifndef FORGE_SCHEDULER_TAIL_H
#define FORGE_SCHEDULER_TAIL_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "journal/journal.h"
#include "queue/bus.h"
#include "queue/messages.pb-c.h"

/**
 * Answers ReadEvents from the journal, in a thread of its own, so that a long look back holds up no
 * turn. Only what is durable is ever read.
 */
struct tail;

/** Reads JOURNAL (not owned) and pushes packed replies with
 * their routing into the pipe PIPE of BUS. */
struct tail *tail_new(struct journal *journal, struct bus *bus, const char *pipe);

/** Ends the thread; what it was asked and has not answered is dropped. */
void tail_free(struct tail *tail);
SCOPED_POINTER(tail, tail_free)

/** Asks for one page for request ID of ROUTING. LAST_SEQ is the newest durable sequence. FALSE, and
 * nothing is asked, while LIMIT_TAIL_QUESTIONS wait to be answered. */
gboolean tail_ask(struct tail *tail, GBytes *routing, uint64_t id, const Forge__ReadEvents *request,
	uint64_t last_seq);

#endif
