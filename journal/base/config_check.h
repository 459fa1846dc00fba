#ifndef FORGE_JOURNAL_BASE_CONFIG_CHECK_H
#define FORGE_JOURNAL_BASE_CONFIG_CHECK_H

#include <glib.h>

/*
 * What the values of the configuration must look like. Each returns NULL for a good one, else what
 * is wrong with it: a static text that never holds the value, since a secret may have been put in
 * the wrong place.
 */

/** A ZeroMQ address: `ipc:///absolute/path` or `tcp://HOST:PORT`. */
const char *config_check_endpoint(const char *text);

/** TRUE if what is sent to this good endpoint leaves the machine. */
gboolean config_endpoint_is_remote(const char *endpoint);

/** A CURVE public key: 40 characters of Z85. */
const char *config_check_server_key(const char *text);

/** The name of an environment variable, and not a token. */
const char *config_check_token_variable(const char *text);

/** An http(s) address without credentials. */
const char *config_check_api(const char *text);

/** What comes before /OWNER/NAME: http, https, ssh or file
 * address, `user@host`, or an absolute path; no password. */
const char *config_check_clone(const char *text);

/** A user's name or mail address, as it stands in a commit. */
const char *config_check_identity(const char *text);

/** `rocksdb` or `rocksdb:PATH`. */
const char *config_check_journal(const char *text);

/** The name of a host, with a port if it has one. */
const char *config_check_host(const char *text);

#endif
