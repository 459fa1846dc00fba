#ifndef FORGE_WORKER_REMOTE_HTTP_H
#define FORGE_WORKER_REMOTE_HTTP_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/base/errors.h"
#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/remote/credential.h"
#include "worker/remote/remote.h"

/**
 * The pool of HTTP connections of one worker: shared by its slots, safe to use from many threads at
 * once. Keeps connections alive, speaks HTTP/2 where the server does, honours git's and the
 * environment's proxies and TLS authorities.
 */
struct http;

struct http *http_new(void);

/** No exchange may be open any more. */
void http_free(struct http *http);
SCOPED_POINTER(http, http_free)

/** What git's credential helpers gave for its hosts. Lives as long as HTTP. */
struct credentials *http_credentials(struct http *http);

/** What to ask. Everything is borrowed, until http_exchange_new() returns. */
struct http_request {
	const char *url;          /**< http:// or https://, without a user part */
	const char *content_type; /**< of the body: makes it a POST; NULL: a GET */
	const char *body;         /**< of a POST; NULL: it follows through http_exchange_write() */
	size_t body_bytes;
	const char *accept;         /**< the type that the answer must have; NULL: any */
	const char *const *headers; /**< more headers, NULL-terminated; may be NULL */
	gboolean follow_redirects;  /**< never from https to http */
	gboolean accept_compressed;
	uint64_t answer_bytes_max; /**< an answer that is longer, uncompressed, is TOO_LARGE */
};

/**
 * One request and its answer. Belongs to one thread. REMOTE's credentials go along at once if the
 * URL is of the same scheme, host and port as REMOTE's, and never to where a redirect leads
 * elsewhere. HTTP, REMOTE and BUDGET must outlive it. Never fails: nothing is sent before the first
 * read, or before a written body has grown past LIMIT_HTTP_WHOLE_BODY_BYTES (up to there it gets a
 * Content-Length, past it it is chunked).
 */
struct http_exchange;

struct http_exchange *http_exchange_new(struct http *http, const struct remote *remote,
	const struct http_request *request, struct budget *budget);

/** Gives the connection back, to be used again if the answer was read to its end or soon ends. NULL
 * is fine. */
void http_exchange_free(struct http_exchange *exchange);
SCOPED_POINTER(http_exchange, http_exchange_free)

/** Appends SIZE bytes to the body. Errors as http_exchange_read(): the server may refuse before it
 * has read all. */
gboolean http_exchange_write(
	struct http_exchange *exchange, const void *data, size_t size, GError **error);

/**
 * Ends the body, waits for the answer and puts the next 1 to SIZE bytes of it into BUFFER; *N_READ
 * is 0 at its end. Counts requests and bytes in the budget. Errors: what http_status_error() makes
 * of the status, PROTOCOL_ERROR for another type than was asked for or an answer cut short,
 * REPOSITORY_UNREACHABLE, TIMEOUT, INTERRUPTED, TOO_LARGE. The text names the remote and has at
 * most the first line of the server's words, without secrets.
 */
gboolean http_exchange_read(
	struct http_exchange *exchange, void *buffer, size_t size, size_t *n_read, GError **error);

/** The whole answer, terminated by a zero that does not count, or NULL. */
GByteArray *http_exchange_read_all(struct http_exchange *exchange, GError **error);

/** Once a read returned, even with an error: the status, 0 if there was no answer. */
int http_exchange_status(const struct http_exchange *exchange);

/** Once a read returned: the URL that answered in the end, after redirects. Borrowed. */
const char *http_exchange_url(const struct http_exchange *exchange);

/**
 * TRUE if STATUS is one of failure, and then *CODE is its error. LIMITED: the answer says that a
 * limit of requests is used up (Retry-After, x-ratelimit-remaining: 0), which tells a 403 for being
 * too eager from one for good. Pure.
 */
gboolean http_status_error(int status, gboolean limited, enum forge_error *code);

/**
 * A small number that the callers remember of the host behind URL (which protocol it speaks), so
 * that they ask once; 0 where nothing was noted. Any thread.
 */
int http_noted(struct http *http, const char *url);
void http_note(struct http *http, const char *url, int value);

#endif
