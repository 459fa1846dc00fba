/*
 * libgit2's smart transport over forge's own HTTP. libgit2 speaks git; here each of its four
 * actions becomes one exchange, made when libgit2 asks and ended when it frees the stream. All that
 * libgit2's built-in transport lacks (time limits, cancellation, size limits, kept connections,
 * proxies as git has them) comes from worker/http.
 *
 * The protocol is version 0, the only one that libgit2 speaks, so no Git-Protocol header is sent.
 * Credentials are those of the remote; libgit2's callback for them is never called.
 */
#include "worker/remote/transport_http.h"

#include <git2/sys/transport.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"
#include "worker/remote/verdict.h"

struct stream {
	git_smart_subtransport_stream parent; /* first: libgit2 hands this back */
	struct transport_context *context;
	struct subtransport *subtransport;
	struct http_exchange *exchange;
	const char *discovery; /* of an action that lists refs: what follows the base in its URL;
				  else NULL */
	gboolean may_refuse;   /* of a fetch, before the first byte of its answer */
};

struct subtransport {
	git_smart_subtransport parent; /* first, likewise */
	struct transport_context *context;
	char *base; /* URL of the repository, after redirects */
};

/* Keeps the first failure for our caller and tells libgit2 to stop. */
static int stop(struct transport_context *context, GError *take_error)
{
	git_error_set_str(GIT_ERROR_NET, take_error->message);
	if (context->error)
		g_error_free(take_error);
	else
		context->error = take_error;
	return GIT_EUSER;
}

/* After the first request: where the repository was found is where the next requests go. */
static GError *note_base(struct stream *stream)
{
	const char *url = http_exchange_url(stream->exchange);
	struct subtransport *subtransport = stream->subtransport;

	if (!g_str_has_suffix(url, stream->discovery))
		return g_error_new(FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
			"%s: redirected to what is no repository", stream->context->remote->shown);
	g_free(subtransport->base);
	subtransport->base = g_strndup(url, strlen(url) - strlen(stream->discovery));
	return NULL;
}

/* Reads on until BUFFER has WANTED of its SIZE bytes or the answer ends. */
static gboolean read_up_to(struct stream *stream, char *buffer, size_t size, size_t wanted,
	size_t *n_read, GError **error)
{
	size_t n = 1;

	while (n > 0 && *n_read < MIN(wanted, size)) {
		if (!http_exchange_read(
			    stream->exchange, buffer + *n_read, size - *n_read, &n, error))
			return FALSE;
		*n_read += n;
	}
	return TRUE;
}

/*
 * A server that will not give what was asked for says so in a packet `ERR words` of its own. To
 * libgit2 that is no more than a packet of a kind that it did not expect.
 */
static gboolean read_beginning(
	struct stream *stream, char *buffer, size_t size, size_t *n_read, GError **error)
{
	const size_t head_bytes = strlen("0000ERR ");
	g_autofree char *words = NULL, *redacted = NULL, *line = NULL;
	enum forge_error code;

	*n_read = 0;
	if (!read_up_to(stream, buffer, size, head_bytes, n_read, error))
		return FALSE;
	if (*n_read < head_bytes || memcmp(buffer + 4, "ERR ", 4) != 0)
		return TRUE;
	if (!read_up_to(stream, buffer, size, LIMIT_ERROR_TEXT_BYTES, n_read, error))
		return FALSE;
	words = g_strndup(
		buffer + head_bytes, MIN(*n_read - head_bytes, LIMIT_ERROR_TEXT_BYTES / 2));
	redacted = log_redact(words, NULL);
	code = verdict_of_words(redacted, FORGE_ERROR_PROTOCOL_ERROR, &line);
	g_set_error(error, FORGE_ERROR, (gint)code, "%s: the server says: %s",
		stream->context->remote->shown, line);
	return FALSE;
}

static gboolean read_some(
	struct stream *stream, char *buffer, size_t size, size_t *n_read, GError **error)
{
	if (!stream->may_refuse)
		return http_exchange_read(stream->exchange, buffer, size, n_read, error);
	stream->may_refuse = FALSE;
	return read_beginning(stream, buffer, size, n_read, error);
}

static int stream_read(
	git_smart_subtransport_stream *parent, char *buffer, size_t size, size_t *n_read)
{
	struct stream *stream = (struct stream *)(void *)parent;
	GError *error = NULL;

	if (!read_some(stream, buffer, size, n_read, &error))
		return stop(stream->context, error);
	if (stream->discovery) {
		error = note_base(stream);
		stream->discovery = NULL;
	}
	return error ? stop(stream->context, error) : 0;
}

static int stream_write(git_smart_subtransport_stream *parent, const char *bytes, size_t size)
{
	struct stream *stream = (struct stream *)(void *)parent;
	GError *error = NULL;

	if (!http_exchange_write(stream->exchange, bytes, size, &error))
		return stop(stream->context, error);
	return 0;
}

static void stream_free(git_smart_subtransport_stream *parent)
{
	struct stream *stream = (struct stream *)(void *)parent;

	http_exchange_free(stream->exchange);
	g_free(stream);
}

struct action {
	const char *path;
	const char *content_type; /* NULL: lists refs */
	const char *accept;
};

static const struct action *action_of(git_smart_service_t service)
{
	static const struct action upload_pack_ls = {"/info/refs?service=git-upload-pack", NULL,
		"application/x-git-upload-pack-advertisement"};
	static const struct action upload_pack = {"/git-upload-pack",
		"application/x-git-upload-pack-request", "application/x-git-upload-pack-result"};
	static const struct action receive_pack_ls = {"/info/refs?service=git-receive-pack", NULL,
		"application/x-git-receive-pack-advertisement"};
	static const struct action receive_pack = {"/git-receive-pack",
		"application/x-git-receive-pack-request", "application/x-git-receive-pack-result"};

	switch (service) {
	case GIT_SERVICE_UPLOADPACK_LS:
		return &upload_pack_ls;
	case GIT_SERVICE_UPLOADPACK:
		return &upload_pack;
	case GIT_SERVICE_RECEIVEPACK_LS:
		return &receive_pack_ls;
	case GIT_SERVICE_RECEIVEPACK:
		return &receive_pack;
	}
	g_assert_not_reached();
}

static uint64_t answer_bytes_max(
	const struct transport_context *context, git_smart_service_t service)
{
	if (service == GIT_SERVICE_UPLOADPACK)
		return (uint64_t)context->budget->pack_bytes_max;
	if (service == GIT_SERVICE_RECEIVEPACK)
		return LIMIT_PUSH_REPORT_BYTES;
	return LIMIT_REF_LISTING_BYTES;
}

static int subtransport_action(git_smart_subtransport_stream **out, git_smart_subtransport *parent,
	const char *unused_url, git_smart_service_t service)
{
	struct subtransport *subtransport = (struct subtransport *)(void *)parent;
	struct transport_context *context = subtransport->context;
	const struct action *action = action_of(service);
	g_autofree char *url = g_strconcat(subtransport->base, action->path, NULL);
	const gboolean lists = action->content_type == NULL;
	const struct http_request request = {
		.url = url,
		.content_type = action->content_type,
		.accept = action->accept,
		.follow_redirects = lists,
		.accept_compressed = lists,
		.answer_bytes_max = answer_bytes_max(context, service),
	};
	struct stream *stream = g_new0(struct stream, 1);

	(void)unused_url;
	stream->parent.subtransport = parent;
	stream->parent.read = stream_read;
	stream->parent.write = stream_write;
	stream->parent.free = stream_free;
	stream->context = context;
	stream->subtransport = subtransport;
	stream->discovery = lists ? action->path : NULL;
	stream->may_refuse = service == GIT_SERVICE_UPLOADPACK;
	stream->exchange = http_exchange_new(
		context->http, context->remote, &request, context->budget);
	*out = &stream->parent;
	return 0;
}

static int subtransport_close(git_smart_subtransport *parent)
{
	struct subtransport *subtransport = (struct subtransport *)(void *)parent;

	/* The next connection begins where the remote says it is. */
	g_free(subtransport->base);
	subtransport->base = g_strdup(subtransport->context->remote->url);
	return 0;
}

static void subtransport_free(git_smart_subtransport *parent)
{
	struct subtransport *subtransport = (struct subtransport *)(void *)parent;

	g_free(subtransport->base);
	g_free(subtransport);
}

static int subtransport_new(git_smart_subtransport **out, git_transport *owner, void *param)
{
	struct subtransport *subtransport = g_new0(struct subtransport, 1);

	(void)owner;
	subtransport->parent.action = subtransport_action;
	subtransport->parent.close = subtransport_close;
	subtransport->parent.free = subtransport_free;
	subtransport->context = param;
	subtransport->base = g_strdup(subtransport->context->remote->url);
	*out = &subtransport->parent;
	return 0;
}

int transport_http_new(git_transport **out, git_remote *owner, void *param)
{
	git_smart_subtransport_definition definition = {subtransport_new, 1, param};

	return git_transport_smart(out, owner, &definition);
}
