#ifndef FORGE_WORKER_HTTP_H
#define FORGE_WORKER_HTTP_H

#include <glib.h>

#include "journal/base/scope.h"

/**
 * The pool of HTTP connections of one worker: shared by its slots, safe to use from many threads at once. Keeps
 * connections alive, speaks HTTP/2 where the server does, honours git's and the environment's proxies and TLS
 * authorities.
 */
struct http;

struct http *http_new(void);
void http_free(struct http *http);
SCOPED_POINTER(http, http_free)

#endif
