#ifndef FORGE_WORKER_REMOTE_REMOTE_H
#define FORGE_WORKER_REMOTE_REMOTE_H

#include <glib.h>

#include "journal/base/config.h"
#include "journal/base/scope.h"

enum remote_kind {
	REMOTE_HTTP, /**< http:// or https:// */
	REMOTE_SSH,  /**< ssh://, user@host:path */
	REMOTE_PATH, /**< file:// or a path */
};

/** One repository as a worker reaches it, with its credentials. Immutable once made; one job's
 * thread owns it. */
struct remote {
	enum remote_kind kind;
	char *shown; /**< as people wrote it, without secrets: for messages and events */
	char *url;   /**< where it is, after hosts: and insteadOf; no user part for HTTP */
	char *host;  /**< for lanes and limits: host name, or "localhost" for paths */
	char *login; /**< for ssh: its destination, `HOST` or `USER@HOST`; else NULL */
	char *port;  /**< for ssh, where it is named; else NULL */
	char *path;  /**< for ssh and paths: the folder on that machine, not encoded; else NULL */
	char *username; /**< for HTTP basic authentication; NULL: none (yet) */
	char *password; /**< likewise; a token, or from a URL's user part. Secret. */
	char *identity; /**< hexadecimal digest of url and credential: names the store. Never the
			   secret itself */
};

/**
 * How REPOSITORY (HOST/OWNER/NAME, URL, user@host:path, file:// or a path) is reached. The token of
 * a host comes from the variable its configuration names. CONFIGURATION_INVALID if the host is in
 * no table and the name is no URL; VALIDATION_FAILED for what is no repository at all (control
 * characters, a leading dash, …).
 */
struct remote *remote_new(const struct config *config, const char *repository, GError **error);
/** TRUE if REPOSITORY is HOST/OWNER/NAME with a HOST of the configuration's table: what a daemon's
 * worker may be sent to. */
gboolean remote_is_of_table(const struct config *config, const char *repository);

void remote_free(struct remote *remote);
SCOPED_POINTER(remote, remote_free)

#endif
