/*
 * One request over libcurl and its answer, driven from the thread of the job that wants it. Bytes
 * are pushed in and pulled out; in between, the transfer runs in turns of at most
 * LIMIT_HTTP_TURN_MS, and the budget is asked before each, so that a job ends soon after it is
 * cancelled or late, whether the server is slow, silent or endless.
 *
 * An answer is never paused in libcurl: what one turn brings is held until it is read, which
 * libcurl bounds by its own buffers where nothing is compressed, and answer_bytes_max where it is.
 * Only the body going up pauses, while its writer prepares more. The status is looked at before the
 * first byte is handed out: a reader sees answers of 2xx only.
 *
 * Not done here: asking for credentials, retrying, following redirects of a POST. The caller
 * decides.
 */
#include "worker/remote/http_exchange.h"

#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/limits.h"

int http_exchange_status(const struct http_exchange *exchange)
{
	long status = 0;

	curl_easy_getinfo(exchange->handle->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

const char *http_exchange_url(const struct http_exchange *exchange)
{
	char *url = NULL;

	curl_easy_getinfo(exchange->handle->easy, CURLINFO_EFFECTIVE_URL, &url);
	return url ? url : exchange->url;
}

/* ---- starting ---- */

static void add_header(struct http_exchange *exchange, const char *header)
{
	exchange->headers = curl_slist_append(exchange->headers, header);
	g_assert(exchange->headers);
}

static long positive_ms(int64_t ms, int64_t otherwise)
{
	return (long)CLAMP(ms > 0 ? ms : otherwise, 1, G_MAXINT32);
}

static void set_credentials(struct http_exchange *exchange)
{
	g_autofree char *home = http_origin(exchange->remote->url);
	CURL *easy = exchange->handle->easy;

	if (!exchange->remote->password || g_strcmp0(home, exchange->handle->origin) != 0)
		return;
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(easy, CURLOPT_USERNAME,
		exchange->remote->username ? exchange->remote->username : "");
	curl_easy_setopt(easy, CURLOPT_PASSWORD, exchange->remote->password);
}

static void set_as_git_does(struct http_exchange *exchange)
{
	static const struct {
		const char *key;
		CURLoption option;
	} settings[] = {
		{"sslcainfo", CURLOPT_CAINFO},
		{"sslcapath", CURLOPT_CAPATH},
		{"sslcert", CURLOPT_SSLCERT},
		{"sslkey", CURLOPT_SSLKEY},
		{"proxy", CURLOPT_PROXY},
	};
	const struct http_config *config = http_configuration(exchange->http);
	CURL *easy = exchange->handle->easy;

	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
		const char *value = http_config_get(config, exchange->url, settings[i].key);

		if (value)
			curl_easy_setopt(easy, settings[i].option, value);
	}
	curl_easy_setopt(easy, CURLOPT_PROXYAUTH, CURLAUTH_ANY);
	if (!http_config_verifies(config, exchange->url)) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_body(struct http_exchange *exchange)
{
	CURL *easy = exchange->handle->easy;

	if (!exchange->is_post)
		return;
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	if (exchange->out_ended) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->out->data);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->out->len);
		return;
	}
	add_header(exchange, "Transfer-Encoding: chunked");
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, http_on_send);
	curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, http_on_rewind);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
}

static void start(struct http_exchange *exchange)
{
	CURL *easy = exchange->handle->easy;
	const char *protocols = g_ascii_strncasecmp(exchange->url, "https:", 6) == 0 ? "https"
										     : "http,https";

	curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, exchange->follow_redirects ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)LIMIT_HTTP_REDIRECTS);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		positive_ms(exchange->budget->connect_ms, LIMIT_CONNECT_MS));
	/* Servers choose by the beginning of this name; libgit2 says the same. */
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "git/2.0 (forge " FORGE_VERSION ")");
	if (exchange->accept_compressed)
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_text);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	set_as_git_does(exchange);
	set_credentials(exchange);
	set_body(exchange);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);

	g_assert(curl_multi_add_handle(exchange->handle->multi, easy) == CURLM_OK);
	exchange->started = TRUE;
	exchange->budget->requests++;
}

/* ---- running ---- */

/* Counts what moved since the last call; TRUE if anything did. */
static gboolean count(struct http_exchange *exchange)
{
	curl_off_t received = 0;
	curl_off_t sent = 0;
	gboolean moved;

	curl_easy_getinfo(exchange->handle->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
	curl_easy_getinfo(exchange->handle->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	moved = (uint64_t)received != exchange->received || (uint64_t)sent != exchange->sent;
	/* libcurl begins from 0 again after a redirect. */
	exchange->budget->bytes_received += (uint64_t)received -
		((uint64_t)received >= exchange->received ? exchange->received : 0);
	exchange->budget->bytes_sent += (uint64_t)sent -
		((uint64_t)sent >= exchange->sent ? exchange->sent : 0);
	exchange->received = (uint64_t)received;
	exchange->sent = (uint64_t)sent;
	return moved;
}

static enum forge_error code_of(CURLcode result)
{
	/* No list of the rest: libcurl's other codes of a transfer are all ways in which a network
	 * fails. */
	if (result == CURLE_OPERATION_TIMEDOUT)
		return FORGE_ERROR_TIMEOUT;
	if (result == CURLE_PARTIAL_FILE || result == CURLE_WEIRD_SERVER_REPLY ||
		result == CURLE_BAD_CONTENT_ENCODING || result == CURLE_TOO_MANY_REDIRECTS)
		return FORGE_ERROR_PROTOCOL_ERROR;
	if (result == CURLE_UNSUPPORTED_PROTOCOL)
		return FORGE_ERROR_SECURITY_REFUSED;
	if (result == CURLE_URL_MALFORMAT)
		return FORGE_ERROR_VALIDATION_FAILED;
	return FORGE_ERROR_REPOSITORY_UNREACHABLE;
}

static void fail_by_status(struct http_exchange *exchange, int status, enum forge_error code)
{
	char *type = NULL;
	g_autoptr(GString) text = g_string_new(NULL);

	curl_easy_getinfo(exchange->handle->easy, CURLINFO_CONTENT_TYPE, &type);
	g_string_append_printf(text, "the server answered %d", status);
	if (status >= 300 && status < 400 && exchange->location) {
		g_autofree char *location = http_exchange_presentable(exchange, exchange->location);

		g_string_append_printf(text, ", moved to %s", location);
	}
	/* The first line of a page of HTML tells nobody anything. */
	if (exchange->words->len > 0 && type && !g_str_has_prefix(type, "text/html")) {
		g_autofree char *words = http_exchange_presentable(exchange, exchange->words->str);

		g_string_append_printf(text, ": %s", words);
	}
	if (code == FORGE_ERROR_RATE_LIMIT_EXCEEDED)
		exchange->budget->retry_after_ms = exchange->retry_after_ms;
	http_exchange_fail(exchange, code, "%s", text->str);
}

/* The transfer is over: finds out whether it went well. */
static void conclude(struct http_exchange *exchange)
{
	int status = http_exchange_status(exchange);
	long redirects = 0;
	enum forge_error code;

	curl_easy_getinfo(exchange->handle->easy, CURLINFO_REDIRECT_COUNT, &redirects);
	exchange->budget->requests += (uint64_t)MAX(redirects, 0);
	if (exchange->failure)
		return;
	if (exchange->result == CURLE_OK || exchange->result == CURLE_WRITE_ERROR) {
		if (http_status_error(status, exchange->limited, &code))
			fail_by_status(exchange, status, code);
		else if (exchange->answer_bytes == 0)
			(void)http_exchange_has_type(exchange);
		return;
	}

	g_autofree char *text = http_exchange_presentable(exchange,
		*exchange->curl_text ? exchange->curl_text : curl_easy_strerror(exchange->result));
	http_exchange_fail(exchange, code_of(exchange->result), "%s", text);
}

static void take_turn(struct http_exchange *exchange)
{
	size_t left = exchange->out->len - exchange->out_offset;
	CURLMsg *message;
	int number;

	if (exchange->paused && (left > 0 || exchange->out_ended)) {
		exchange->paused = FALSE;
		curl_easy_pause(exchange->handle->easy, CURLPAUSE_CONT);
	}
	g_assert(curl_multi_perform(exchange->handle->multi, &number) == CURLM_OK);
	while ((message = curl_multi_info_read(exchange->handle->multi, &number))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		exchange->done = TRUE;
		exchange->result = message->data.result;
	}
}

/* Runs the transfer until READY, its end or its failure. */
static void run_until(
	struct http_exchange *exchange, gboolean (*ready)(const struct http_exchange *))
{
	const int64_t patience_ms = positive_ms(exchange->budget->low_speed_ms, LIMIT_LOW_SPEED_MS);
	int64_t moved_ms = clock_now().monotonic_ms;

	while (!exchange->done && !exchange->failure && !ready(exchange)) {
		int64_t now_ms = clock_now().monotonic_ms;

		if (!budget_check_request(exchange->budget, exchange->due_ms, &exchange->failure)) {
			g_prefix_error(&exchange->failure, "%s: ", exchange->remote->shown);
			return;
		}
		if (!exchange->started)
			start(exchange);
		take_turn(exchange);
		if (count(exchange))
			moved_ms = now_ms;
		if (exchange->done) {
			conclude(exchange);
			return;
		}
		if (now_ms - moved_ms > patience_ms) {
			http_exchange_fail(exchange, FORGE_ERROR_TIMEOUT,
				"nothing moved for %" G_GINT64_FORMAT " ms", patience_ms);
			return;
		}
		if (!ready(exchange))
			curl_multi_poll(exchange->handle->multi, NULL, 0,
				(int)MIN(LIMIT_HTTP_TURN_MS, budget_remaining_ms(exchange->budget)),
				NULL);
	}
}

static gboolean has_input(const struct http_exchange *exchange)
{
	return exchange->in->len > exchange->in_offset;
}

static gboolean has_sent(const struct http_exchange *exchange)
{
	return exchange->out_offset == exchange->out->len;
}

/* ---- public ---- */

struct http_exchange *http_exchange_new(struct http *http, const struct remote *remote,
	const struct http_request *request, struct budget *budget)
{
	struct http_exchange *exchange = g_new0(struct http_exchange, 1);
	g_autofree char *origin = http_origin(request->url);

	exchange->http = http;
	exchange->remote = remote;
	exchange->budget = budget;
	exchange->due_ms = budget_request_due_ms(budget);
	exchange->url = g_strdup(request->url);
	exchange->accept = g_strdup(request->accept);
	exchange->is_post = request->content_type != NULL;
	exchange->follow_redirects = request->follow_redirects;
	exchange->accept_compressed = request->accept_compressed;
	exchange->answer_bytes_max = request->answer_bytes_max;
	exchange->out = g_byte_array_new();
	exchange->in = g_byte_array_new();
	exchange->words = g_string_new(NULL);
	exchange->handle = http_take_handle(http, origin);

	/* libcurl would wait up to a second for a 100 that few servers send. */
	add_header(exchange, "Expect:");
	if (request->accept) {
		g_autofree char *header = g_strdup_printf("Accept: %s", request->accept);

		add_header(exchange, header);
	}
	if (request->content_type) {
		g_autofree char *header = g_strdup_printf(
			"Content-Type: %s", request->content_type);

		add_header(exchange, header);
	}
	for (size_t i = 0; request->headers && request->headers[i]; i++)
		add_header(exchange, request->headers[i]);
	if (request->body)
		g_byte_array_append(
			exchange->out, (const guint8 *)request->body, (guint)request->body_bytes);
	exchange->out_ended = !exchange->is_post || request->body;
	return exchange;
}

gboolean http_exchange_write(
	struct http_exchange *exchange, const void *data, size_t size, GError **error)
{
	g_assert(!exchange->out_ended);
	g_assert(size <= G_MAXINT32);
	if (exchange->done && !exchange->failure)
		return TRUE; /* The server answered well without the rest; what it says is what
				counts. */
	if (!exchange->failure)
		g_byte_array_append(exchange->out, data, (guint)size);
	if (exchange->out->len - exchange->out_offset >
		(size_t)(exchange->started ? LIMIT_HTTP_BLOCK_BYTES
					   : LIMIT_HTTP_WHOLE_BODY_BYTES)) {
		run_until(exchange, has_sent);
		exchange->out_forgotten = TRUE;
		g_byte_array_set_size(exchange->out, 0);
		exchange->out_offset = 0;
	}
	if (exchange->failure) {
		g_propagate_error(error, g_error_copy(exchange->failure));
		return FALSE;
	}
	return TRUE;
}

gboolean http_exchange_read(
	struct http_exchange *exchange, void *buffer, size_t size, size_t *n_read, GError **error)
{
	size_t part;

	exchange->out_ended = TRUE;
	run_until(exchange, has_input);

	part = MIN(size, exchange->in->len - exchange->in_offset);
	if (part == 0 && exchange->failure) {
		g_propagate_error(error, g_error_copy(exchange->failure));
		return FALSE;
	}
	if (part > 0)
		memcpy(buffer, exchange->in->data + exchange->in_offset, part);
	exchange->in_offset += part;
	if (exchange->in_offset == exchange->in->len) {
		g_byte_array_set_size(exchange->in, 0);
		exchange->in_offset = 0;
	}
	*n_read = part;
	return TRUE;
}

GByteArray *http_exchange_read_all(struct http_exchange *exchange, GError **error)
{
	g_autoptr(GByteArray) answer = g_byte_array_new();
	g_autofree guint8 *block = g_malloc(LIMIT_HTTP_BLOCK_BYTES);
	size_t part = 0;

	do {
		if (!http_exchange_read(exchange, block, LIMIT_HTTP_BLOCK_BYTES, &part, error))
			return NULL;
		g_byte_array_append(answer, block, (guint)part);
	} while (part > 0);
	g_byte_array_append(answer, (const guint8 *)"", 1);
	g_byte_array_set_size(answer, answer->len - 1);
	return g_steal_pointer(&answer);
}

/* An answer whose reader has what it wanted mostly lacks only its end: taking that keeps the
 * connection. */
static void drain(struct http_exchange *exchange)
{
	const int64_t until_ms = clock_now().monotonic_ms + LIMIT_HTTP_DRAIN_MS;
	const uint64_t until_bytes = exchange->answer_bytes + LIMIT_HTTP_BLOCK_BYTES;

	while (!exchange->done && !exchange->failure && exchange->answer_bytes <= until_bytes) {
		int64_t left_ms = until_ms - clock_now().monotonic_ms;

		if (left_ms <= 0 || !budget_check(exchange->budget, NULL))
			return;
		curl_multi_poll(exchange->handle->multi, NULL, 0, (int)left_ms, NULL);
		take_turn(exchange);
		count(exchange);
	}
}

void http_exchange_free(struct http_exchange *exchange)
{
	if (!exchange)
		return;
	if (exchange->started) {
		if (exchange->out_ended && exchange->answer_bytes > 0)
			drain(exchange);
		/* Closes the connection if the transfer still runs. */
		curl_multi_remove_handle(exchange->handle->multi, exchange->handle->easy);
	}
	/* The handle must not point into memory that goes away now. */
	curl_easy_reset(exchange->handle->easy);
	http_give_handle(exchange->http, exchange->handle);
	curl_slist_free_all(exchange->headers);
	g_clear_error(&exchange->failure);
	g_byte_array_unref(exchange->out);
	g_byte_array_unref(exchange->in);
	g_string_free(exchange->words, TRUE);
	g_free(exchange->location);
	g_free(exchange->accept);
	g_free(exchange->url);
	g_free(exchange);
}
