#ifndef FORGE_CLI_SCHEDULER_KEYS_H
#define FORGE_CLI_SCHEDULER_KEYS_H

#include <glib.h>

#include "journal/base/config.h"
#include "queue/key_pair.h"

/**
 * The keys that the way to CONFIG's scheduler needs: this installation's own pair if
 * scheduler.server_key is set, else *OWN is NULL. Errors: as key_pair_read(); SECURITY_REFUSED for
 * an address off this machine without a server_key.
 */
gboolean scheduler_keys_read(const struct config *config, struct key_pair **own, GError **error);

/** The same for the scheduler itself, whose own public key scheduler.server_key must be. */
gboolean scheduler_keys_read_own(
	const struct config *config, struct key_pair **own, GError **error);

#endif
