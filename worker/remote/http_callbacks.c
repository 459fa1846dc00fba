/*
 * What libcurl calls while a transfer runs: headers, the answer's body, the request's body. Each
 * only moves bytes between libcurl and the exchange, and ends the transfer where a bound is passed.
 *
 * Of an answer that says failure just the beginning is kept, for the error's text. The first byte
 * of a good one decides whether its type is what was asked for.
 */
#include "worker/remote/http_exchange.h"

#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"

/* TEXT without the secrets of the exchange, its first line, not too long. */
char *http_exchange_presentable(const struct http_exchange *exchange, const char *text)
{
	const char *username = exchange->remote->username ? exchange->remote->username : "";
	const char *password = exchange->remote->password ? exchange->remote->password : "";
	g_autofree char *pair = g_strdup_printf("%s:%s", username, password);
	g_autofree char *encoded = g_base64_encode((const guchar *)pair, strlen(pair));
	const char *secrets[] = {password, encoded, NULL};
	char *line = log_redact(text, secrets);

	g_strchug(line);
	line[strcspn(line, "\r\n")] = '\0';
	/* Cut only now: half a secret would not be recognised. */
	if (strlen(line) > LIMIT_ERROR_TEXT_BYTES)
		*g_utf8_find_prev_char(line, line + LIMIT_ERROR_TEXT_BYTES) = '\0';
	return g_strchomp(line);
}

void http_exchange_fail(
	struct http_exchange *exchange, enum forge_error code, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;

	if (exchange->failure)
		return;
	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(&exchange->failure, FORGE_ERROR, (int)code, "%s: %s", exchange->remote->shown,
		text);
}

/* The value of the header NAME if LINE is one, without its line break; caller frees. */
static char *header_value(const char *line, size_t size, const char *name)
{
	size_t length = strlen(name);

	if (size <= length || line[length] != ':' || g_ascii_strncasecmp(line, name, length) != 0)
		return NULL;
	return g_strstrip(g_strndup(line + length + 1, size - length - 1));
}

/* Retry-After is seconds or a date; x-ratelimit-reset is seconds since 1970. */
static int64_t wait_of(const char *value, gboolean is_instant)
{
	char *end;
	int64_t seconds = g_ascii_strtoll(value, &end, 10);

	if (end == value || *end != '\0' || seconds < 0)
		return MAX(
			0, (int64_t)curl_getdate(value, NULL) * 1000 - clock_now().wall_us / 1000);
	seconds = MIN(seconds, G_MAXINT64 / G_USEC_PER_SEC);
	return is_instant ? MAX(0, seconds * 1000 - clock_now().wall_us / 1000) : seconds * 1000;
}

size_t http_on_header(char *line, size_t one, size_t size, void *data)
{
	struct http_exchange *exchange = data;
	g_autofree char *retry = header_value(line, size, "retry-after");
	g_autofree char *remaining = header_value(line, size, "x-ratelimit-remaining");
	g_autofree char *reset = header_value(line, size, "x-ratelimit-reset");
	char *location = header_value(line, size, "location");

	(void)one;
	exchange->header_bytes += size;
	if (exchange->header_bytes > LIMIT_HTTP_HEADER_BYTES) {
		http_exchange_fail(exchange, FORGE_ERROR_TOO_LARGE,
			"the answer's headers have more than %d bytes", LIMIT_HTTP_HEADER_BYTES);
		g_free(location);
		return 0;
	}
	if (location) {
		g_free(exchange->location);
		exchange->location = location;
	}
	if (retry || g_strcmp0(remaining, "0") == 0)
		exchange->limited = TRUE;
	if (retry)
		exchange->retry_after_ms = wait_of(retry, FALSE);
	else if (reset && exchange->retry_after_ms == 0)
		exchange->retry_after_ms = wait_of(reset, TRUE);
	return size;
}

gboolean http_exchange_has_type(struct http_exchange *exchange)
{
	char *type = NULL;
	size_t length;

	if (!exchange->accept)
		return TRUE;
	curl_easy_getinfo(exchange->handle->easy, CURLINFO_CONTENT_TYPE, &type);
	length = type ? strcspn(type, "; \t") : 0;
	if (length == strlen(exchange->accept) &&
		g_ascii_strncasecmp(type, exchange->accept, length) == 0)
		return TRUE;

	g_autofree char *shown = http_exchange_presentable(exchange, type ? type : "no type");
	http_exchange_fail(exchange, FORGE_ERROR_PROTOCOL_ERROR,
		"the server does not speak git here: %s instead of %s", shown, exchange->accept);
	return FALSE;
}

size_t http_on_body(char *bytes, size_t one, size_t size, void *data)
{
	struct http_exchange *exchange = data;
	enum forge_error code;

	(void)one;
	if (http_status_error(http_exchange_status(exchange), exchange->limited, &code)) {
		size_t room = 2 * LIMIT_ERROR_TEXT_BYTES - exchange->words->len;

		g_string_append_len(exchange->words, bytes, (gssize)MIN(room, size));
		/* No more is wanted than the first line: the connection is not worth an endless
		 * body. */
		exchange->answer_bytes += size;
		return exchange->answer_bytes > LIMIT_HTTP_BLOCK_BYTES ? 0 : size;
	}
	if (exchange->answer_bytes == 0 && !http_exchange_has_type(exchange))
		return 0;
	exchange->answer_bytes += size;
	if (exchange->answer_bytes > exchange->answer_bytes_max) {
		http_exchange_fail(exchange, FORGE_ERROR_TOO_LARGE,
			"the answer has more than %" G_GUINT64_FORMAT " bytes",
			exchange->answer_bytes_max);
		return 0;
	}
	g_byte_array_append(exchange->in, (const guint8 *)bytes, (guint)size);
	return size;
}

size_t http_on_send(char *buffer, size_t one, size_t size, void *data)
{
	struct http_exchange *exchange = data;
	size_t left = exchange->out->len - exchange->out_offset;
	size_t part = MIN(left, one * size);

	if (left == 0 && !exchange->out_ended) {
		exchange->paused = TRUE;
		return CURL_READFUNC_PAUSE;
	}
	if (part > 0)
		memcpy(buffer, exchange->out->data + exchange->out_offset, part);
	exchange->out_offset += part;
	return part;
}

/* libcurl begins again when a kept connection turns out to be closed. */
int http_on_rewind(void *data, curl_off_t offset, int origin)
{
	struct http_exchange *exchange = data;

	if (exchange->out_forgotten || origin != SEEK_SET || offset != 0)
		return CURL_SEEKFUNC_CANTSEEK;
	exchange->out_offset = 0;
	return CURL_SEEKFUNC_OK;
}
