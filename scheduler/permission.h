#ifndef FORGE_SCHEDULER_PERMISSION_H
#define FORGE_SCHEDULER_PERMISSION_H

#include <glib.h>

#include "queue/messages.pb-c.h"
#include "queue/roles.h"

/*
 * Who may ask for what. An identity is that of a key its peer has proved; NULL is a peer on this
 * machine, who may open the scheduler's socket and so may do everything.
 */

/** The role (enum role) that REQUEST needs; 0: none. */
guint permission_needed(const Forge__Request *request);

/** PERMISSION_DENIED, with the role and the key's name, unless IDENTITY may ask for REQUEST. */
gboolean permission_check(
	const struct identity *identity, const Forge__Request *request, GError **error);

/** TRUE if whoever has IDENTITY may be greeted as ROLE. */
gboolean permission_may_be(const struct identity *identity, Forge__Role role);

/**
 * What whoever said HELLO is called in events: by its key's name if it has one, else as it says. A
 * worker's own name follows its key's, and with it what it may take up again. Caller frees.
 */
char *permission_name(const struct identity *identity, const Forge__Hello *hello);

#endif
