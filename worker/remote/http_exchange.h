#ifndef FORGE_WORKER_REMOTE_HTTP_EXCHANGE_H
#define FORGE_WORKER_REMOTE_HTTP_EXCHANGE_H

#include "worker/remote/http.h"
#include "worker/remote/http_pool.h"

/*
 * An exchange from the inside: shared by the room that drives it (http.c) and the one that libcurl
 * calls (http_callbacks.c), and by nobody else.
 */

struct http_exchange {
	struct http *http;
	const struct remote *remote;
	struct budget *budget;
	int64_t due_ms; /* monotonic; all of it must be done by then */
	struct http_handle *handle;

	char *url;
	char *accept;
	struct curl_slist *headers;
	gboolean is_post;
	gboolean follow_redirects;
	gboolean accept_compressed;
	uint64_t answer_bytes_max;

	GByteArray *out; /* the body, as far as it is known */
	size_t out_offset;
	gboolean out_ended;
	gboolean out_forgotten; /* some of the body is gone: it cannot be sent again */
	gboolean paused;

	GByteArray *in; /* what was received and not yet read */
	size_t in_offset;
	uint64_t answer_bytes;

	gboolean started;
	gboolean done;
	CURLcode result;
	GError *failure; /* why it ended before its time; every later call says the same */
	GString *words;  /* of a failed answer's body, the beginning */
	char *location;  /* where a redirect points */
	size_t header_bytes;
	gboolean limited; /* a limit of requests is used up */
	int64_t retry_after_ms;
	uint64_t received; /* as counted in the budget so far */
	uint64_t sent;
	char curl_text[CURL_ERROR_SIZE];
};

/** Keeps the first failure of EXCHANGE, behind the remote's name. */
void http_exchange_fail(struct http_exchange *exchange, enum forge_error code, const char *format,
	...) G_GNUC_PRINTF(3, 4);

/** TEXT without the secrets of the exchange, its first line, not too long. Caller frees. */
char *http_exchange_presentable(const struct http_exchange *exchange, const char *text);

/** TRUE if the answer has the type that was asked for; else that is the exchange's failure. */
gboolean http_exchange_has_type(struct http_exchange *exchange);

/* libcurl's callbacks; DATA is the exchange. */
size_t http_on_header(char *line, size_t one, size_t size, void *data);
size_t http_on_body(char *bytes, size_t one, size_t size, void *data);
size_t http_on_send(char *buffer, size_t one, size_t size, void *data);
int http_on_rewind(void *data, curl_off_t offset, int origin);

#endif
