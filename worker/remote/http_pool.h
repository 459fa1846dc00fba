#ifndef FORGE_WORKER_REMOTE_HTTP_POOL_H
#define FORGE_WORKER_REMOTE_HTTP_POOL_H

#include <curl/curl.h>
#include <glib.h>

#include "worker/remote/http.h"
#include "worker/remote/http_config.h"

/**
 * A libcurl handle with connections of its own. While one is taken it belongs to that thread alone,
 * so libcurl's sharing between threads, documented as unsafe for connections, is not needed. For
 * http.c only.
 */
struct http_handle {
	CURL *easy;
	CURLM *multi;
	char *origin; /**< whom it spoke to last */
};

/** Scheme, host and port of URL (`https://example.org:443`), or NULL if it is no URL of HTTP.
 * Caller frees. */
char *http_origin(const char *url);

/** A handle, rather one that spoke to ORIGIN last. Options of an earlier request are reset. */
struct http_handle *http_take_handle(struct http *http, const char *origin);
void http_give_handle(struct http *http, struct http_handle *take_handle);

const struct http_config *http_configuration(const struct http *http);

#endif
