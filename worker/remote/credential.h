#ifndef FORGE_WORKER_REMOTE_CREDENTIAL_H
#define FORGE_WORKER_REMOTE_CREDENTIAL_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/remote/remote.h"

/**
 * Credentials that git's helpers gave and a server then took, so that a batch asks them once a host
 * and not once a repository. In memory only; safe to use from many threads.
 */
struct credentials;

struct credentials *credentials_new(void);
void credentials_free(struct credentials *credentials);
SCOPED_POINTER(credentials, credentials_free)

/** What one transfer logs in with, from its first attempt to the last. Use `remote` for each
 * attempt. */
struct login {
	struct remote remote; /**< the remote that was given, perhaps with another login; borrows */
	struct credentials *credentials; /**< borrowed */
	const char *asked_username; /**< whom the remote's address names; NULL: nobody; borrowed */
	char *answer; /**< what the helper said, for approve and reject; NULL: no credential of its
		       */
	char *username;
	char *password;
	guint tries; /**< how often a helper was asked */
	gboolean unproven;
};

/** Begins with REMOTE's own credential, else one that CREDENTIALS (may be NULL) has for its host,
 * else none. */
void login_init(struct login *login, struct credentials *credentials, const struct remote *remote);
void login_clear(struct login *login);
SCOPED_VALUE(login, login_clear)

/**
 * After an attempt that ended in FAILURE: TRUE if there is another credential to try, and then
 * clears FAILURE. That is so where a server wants to know who asks (AUTHENTICATION_FAILED) and `git
 * credential fill` knows an answer, at most LIMIT_CREDENTIAL_TRIES times. A credential that was
 * refused is told to `git credential reject`. A remote that came with a credential of its own is
 * never asked about.
 */
gboolean login_again(struct login *login, struct budget *budget, GError **failure);

/** After an attempt that succeeded: remembers a new credential, and tells `git credential approve`.
 */
void login_accepted(struct login *login, struct budget *budget);

#endif
