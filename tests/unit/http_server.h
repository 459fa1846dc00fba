#ifndef FORGE_TESTS_UNIT_HTTP_SERVER_H
#define FORGE_TESTS_UNIT_HTTP_SERVER_H

#include <glib.h>

#include "journal/base/scope.h"

/**
 * A real lighttpd with git-http-backend in a folder of its own, on a free port of the loopback. Its
 * repositories answer under several prefixes of http://127.0.0.1:PORT:
 *
 *     /git/        as they are            /v0/       protocol version 0 only
 *     /private/    to sam:secret-word     /old/      moved (301) to /git/
 *     /page/       a page of HTML instead of git's answers
 */
struct git_server;

struct git_server *git_server_new(void);
void git_server_free(struct git_server *server);
SCOPED_POINTER(git_server, git_server_free)

/** http://127.0.0.1:PORT. Borrowed. */
const char *git_server_url(const struct git_server *server);

/** The folder that has everything of this server, for what else a test wants to keep. Borrowed. */
const char *git_server_folder(const struct git_server *server);

/** The path of the bare repository NAME (made with `git init --bare`, pushes allowed, if it is not
 * there yet). */
char *git_server_repository(struct git_server *server, const char *name);

/**
 * nginx before a git server: HTTP/2 over TLS, with a certificate for localhost that only its own
 * file vouches for. NULL where nginx or openssl is not installed.
 */
struct tls_server;

struct tls_server *tls_server_new(const struct git_server *behind);
void tls_server_free(struct tls_server *server);
SCOPED_POINTER(tls_server, tls_server_free)

/** https://localhost:PORT, and the path of its certificate. Borrowed. */
const char *tls_server_url(const struct tls_server *server);
const char *tls_server_certificate(const struct tls_server *server);

/** Runs a command by the shell in FOLDER with a fixed identity; its output, which the caller frees.
 * It must succeed. */
char *run_in(const char *folder, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** What a canned server does when it has sent its bytes. */
enum canned_end {
	CANNED_CLOSE,
	CANNED_RESET,  /**< the connection breaks */
	CANNED_HOLD,   /**< silence, until the client leaves */
	CANNED_REPEAT, /**< the bytes again and again, until the client leaves */
	CANNED_KEEP,   /**< the next answer goes to the next request of the same connection */
};

struct canned_answer {
	const char *
		bytes; /**< sent once a request has come whole (or its headers, if it is chunked) */
	gsize size;    /**< 0: strlen() */
	enum canned_end end;
};

/** A server that answers its Nth request with the Nth of ANSWERS (the last one for all that
 * follow). */
struct canned_server;

struct canned_server *canned_server_new(const struct canned_answer *answers, guint n_answers);
void canned_server_free(struct canned_server *server);
SCOPED_POINTER(canned_server, canned_server_free)

const char *canned_server_url(const struct canned_server *server);

/** The requests so far, and the text of the Nth (headers and body as read). Caller frees. */
guint canned_server_count(struct canned_server *server);
char *canned_server_request(struct canned_server *server, guint n);

/** Connections accepted so far. */
guint canned_server_connections(struct canned_server *server);

/** Blocks until that many requests have come. */
void canned_server_wait(struct canned_server *server, guint count);

#endif
