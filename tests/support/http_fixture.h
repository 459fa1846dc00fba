#ifndef FORGE_TESTS_SUPPORT_HTTP_FIXTURE_H
#define FORGE_TESTS_SUPPORT_HTTP_FIXTURE_H

#include <glib.h>

#include "worker/remote/http.h"

/** Answers to what http_fixture_get() asks: without the
 * headers' end, and whole with the body "hi". */
#define HTTP_FIXTURE_OK_HEADERS "HTTP/1.1 200 OK\r\nContent-Type: text/x-ok\r\n"
#define HTTP_FIXTURE_OK_ANSWER HTTP_FIXTURE_OK_HEADERS "Content-Length: 2\r\n\r\nhi"

/** Makes an empty home for git's configuration and keeps proxies of the environment from the
 * loopback. To be called first in main(). Caller removes the folder and frees its path. */
char *http_fixture_set_home(void);

/** A minute in all, half of it to connect or without a
 * byte: only a test that lowers them gets there. */
struct budget http_fixture_budget(void);

/** A remote at URL, shown as "the-remote", for sam with secret-word. Borrows URL. */
struct remote http_fixture_remote(const char *url);

/** A request for URL that wants text/x-ok of at most 1,000,000 bytes. Borrows URL. */
struct http_request http_fixture_get(const char *url);

/** Does REQUEST and reads all: the answer as text, or NULL
 * with the exchange's error. Caller frees. */
char *http_fixture_perform(struct http *http, const struct remote *remote,
	const struct http_request *request, struct budget *budget, GError **error);

/** As http_fixture_perform() for http_fixture_get(URL), with connections of its own. */
char *http_fixture_get_once(const char *url, struct budget *budget, GError **error);

#endif
