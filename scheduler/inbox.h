#ifndef FORGE_SCHEDULER_INBOX_H
#define FORGE_SCHEDULER_INBOX_H

#include <glib.h>

#include "journal/base/scope.h"
#include "queue/bus.h"
#include "queue/messages.pb-c.h"
#include "queue/roles.h"

/** A request that no turn has decided yet. */
struct received {
	GBytes *routing;
	Forge__Request *request;
	const struct identity
		*identity; /**< of its sender; NULL: a peer on this machine. Borrowed */
	gsize bytes;       /**< packed */
};

/** The requests for the next turns: what workers say first, each kind in the order it came. */
struct inbox {
	GQueue requests; /**< of struct received, owned */
	gsize bytes;
};

/** TRUE if RECEIVED was dealt with at once and is not for a turn. */
typedef gboolean inbox_serve(struct received *received, gpointer user_data);

void inbox_clear(struct inbox *inbox);
SCOPED_VALUE(inbox, inbox_clear)

/**
 * Receives what is there at SOCKET, as long as there is room: LIMIT_INPUTS_PER_TURN and
 * LIMIT_INPUT_BYTES; the rest stays where it is. ROLES (NULL: a socket without keys) say who its
 * senders are; what others sent is dropped, and so is what makes no sense. SERVE sees each first.
 */
void inbox_fill(struct inbox *inbox, struct bus_socket *socket, const struct roles *roles,
	inbox_serve *serve, gpointer user_data);

/** The first request was decided. */
void inbox_drop_first(struct inbox *inbox);

/** ROLES are in force from now on, also for what came before: what those sent who are not listed any
 * more is dropped. */
void inbox_follow_roles(struct inbox *inbox, const struct roles *roles);

#endif
