/*
 * When keys are needed: scheduler.server_key set means that everybody on that address, the scheduler
 * too, proves who it is; off this machine there is no other way.
 */
#include "cli/scheduler_keys.h"

#include <string.h>

#include "journal/base/errors.h"
#include "queue/bus.h"

gboolean scheduler_keys_read(const struct config *config, struct key_pair **own, GError **error)
{
	*own = NULL;
	if (config->scheduler_server_key) {
		*own = key_pair_read(config->home, error);
		return *own != NULL;
	}
	if (bus_endpoint_is_local(config->scheduler_endpoint))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
		"%s is not on this machine: set scheduler.server_key, so that both sides prove who "
		"they are",
		config->scheduler_endpoint);
	return FALSE;
}

gboolean scheduler_keys_read_own(const struct config *config, struct key_pair **own, GError **error)
{
	scoped(key_pair) pair = NULL;

	if (!scheduler_keys_read(config, &pair, error))
		return FALSE;
	if (pair && strcmp(key_pair_public(pair), config->scheduler_server_key) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
			"scheduler.server_key is another's: a scheduler's own public key is '%s' "
			"here (`forge config keys`)",
			key_pair_public(pair));
		return FALSE;
	}
	*own = g_steal_pointer(&pair);
	return TRUE;
}
