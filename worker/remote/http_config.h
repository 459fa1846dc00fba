#ifndef FORGE_WORKER_REMOTE_HTTP_CONFIG_H
#define FORGE_WORKER_REMOTE_HTTP_CONFIG_H

#include <glib.h>

#include "journal/base/scope.h"

/**
 * What git's configuration and environment say about HTTP: `http.KEY`, `http.URL.KEY` and the
 * variables that go before them (GIT_SSL_CAINFO, GIT_SSL_NO_VERIFY, …). Read once; immutable, so
 * threads may share it.
 */
struct http_config;

struct http_config *http_config_new(void);
void http_config_free(struct http_config *config);
SCOPED_POINTER(http_config, http_config_free)

/**
 * The value of KEY (lower case: `sslcainfo`, `proxy`) for requests to URL, or NULL. The variable
 * that goes before it wins, then the row with the most specific URL, then the later row, as in
 * git-config(1), http.<url>.*. Paths have their `~/` expanded. Borrowed from CONFIG.
 */
const char *http_config_get(const struct http_config *config, const char *url, const char *key);

/** FALSE if certificates are not to be checked for URL (http.sslVerify, GIT_SSL_NO_VERIFY). */
gboolean http_config_verifies(const struct http_config *config, const char *url);

#endif
