/*
 * libgit2's smart protocol over a child's standard input and output.
 *
 * The connection is stateful: one child serves the advertisement and what follows, and the stream
 * handed to libgit2 is the same each time. Failures are kept in the context as errors of ours, the
 * first one only: what libgit2 says afterwards ("early EOF") is a consequence. When the output ends
 * early, the child's exit and complaints tell why.
 */
#include "worker/remote/transport_child.h"

#include <git2/sys/transport.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"
#include "worker/remote/child.h"
#include "worker/remote/ssh_command.h"
#include "worker/remote/transport_http.h"
#include "worker/remote/verdict.h"

struct child_transport {
	git_smart_subtransport parent;
	git_smart_subtransport_stream stream;
	struct transport_context *context;
	struct child *child;
	gboolean
		advertised; /* something was written: what is read no longer is the advertisement */
	uint64_t advertisement_bytes;
};

static struct child_transport *transport_of(git_smart_subtransport_stream *stream)
{
	return (struct child_transport *)stream->subtransport;
}

/* Keeps the first error of the transfer, names the remote in it, and gives what libgit2 wants to
 * see. */
static int fail(struct child_transport *transport, GError *take_error)
{
	g_prefix_error(&take_error, "%s: ", transport->context->remote->shown);
	if (transport->context->error)
		g_error_free(take_error);
	else
		transport->context->error = take_error;
	return -1;
}

/* The output ended: an error unless the child says that all went well. */
static int judge_end(struct child_transport *transport)
{
	int status = child_finish(transport->child);
	g_autofree char *words = log_redact(child_complaint(transport->child), NULL);
	g_autofree char *line = NULL;
	enum forge_error code;

	if (status == 0)
		return 0;
	code = verdict_of_words(words,
		transport->context->remote->kind == REMOTE_SSH ? FORGE_ERROR_REPOSITORY_UNREACHABLE
							       : FORGE_ERROR_PROTOCOL_ERROR,
		&line);
	if (*line == '\0') {
		g_free(line);
		line = g_strdup_printf("the connection ended with status %d", status);
	}
	return fail(transport, g_error_new_literal(FORGE_ERROR, (int)code, line));
}

static int stream_read(
	git_smart_subtransport_stream *stream, char *buffer, size_t size, size_t *n_read)
{
	struct child_transport *transport = transport_of(stream);
	GError *error = NULL;

	if (!child_read(transport->child, buffer, size, n_read, &error))
		return fail(transport, error);
	if (*n_read == 0)
		return judge_end(transport);
	if (transport->advertised)
		return 0;
	transport->advertisement_bytes += *n_read;
	if (transport->advertisement_bytes > LIMIT_REF_LISTING_BYTES)
		return fail(transport,
			g_error_new(FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
				"the list of refs is over %d bytes", LIMIT_REF_LISTING_BYTES));
	return 0;
}

static int stream_write(git_smart_subtransport_stream *stream, const char *data, size_t size)
{
	struct child_transport *transport = transport_of(stream);
	GError *error = NULL;

	transport->advertised = TRUE;
	if (child_write(transport->child, data, size, &error))
		return 0;
	/* A child that stopped reading has mostly said why. */
	if (forge_error_code(error) == FORGE_ERROR_REPOSITORY_UNREACHABLE &&
		judge_end(transport) < 0) {
		g_error_free(error);
		return -1;
	}
	return fail(transport, error);
}

static void stream_free(git_smart_subtransport_stream *stream)
{
	(void)stream; /* part of the transport, which goes with it */
}

static struct child *start(struct child_transport *transport, gboolean pushing, GError **error)
{
	const struct remote *remote = transport->context->remote;
	struct budget *budget = transport->context->budget;
	const char *const local[] = {
		"git", pushing ? "receive-pack" : "upload-pack", remote->path, NULL};
	g_auto(GStrv) ssh = NULL;

	if (remote->kind == REMOTE_PATH)
		return child_new(local, budget, error);
	ssh = ssh_command(remote, pushing ? "git-receive-pack" : "git-upload-pack",
		budget->connect_ms, error);
	return ssh ? child_new((const char *const *)ssh, budget, error) : NULL;
}

static int transport_action(git_smart_subtransport_stream **out,
	git_smart_subtransport *subtransport, const char *url, git_smart_service_t action)
{
	struct child_transport *transport = (struct child_transport *)subtransport;
	GError *error = NULL;

	(void)url;
	if (action == GIT_SERVICE_UPLOADPACK_LS || action == GIT_SERVICE_RECEIVEPACK_LS) {
		g_assert(!transport->child);
		transport->child = start(transport, action == GIT_SERVICE_RECEIVEPACK_LS, &error);
		if (!transport->child)
			return fail(transport, error);
	}
	if (!transport->child)
		return -1;
	*out = &transport->stream;
	return 0;
}

static int transport_close(git_smart_subtransport *subtransport)
{
	struct child_transport *transport = (struct child_transport *)subtransport;

	/* After a failure there is nothing to wait for; else the server may still have hooks to
	 * run. */
	if (transport->child && !transport->context->error)
		child_finish(transport->child);
	g_clear_pointer(&transport->child, child_free);
	transport->advertised = FALSE;
	transport->advertisement_bytes = 0;
	return 0;
}

static void transport_free(git_smart_subtransport *subtransport)
{
	transport_close(subtransport);
	g_free(subtransport);
}

static int subtransport_new(git_smart_subtransport **out, git_transport *owner, void *param)
{
	struct child_transport *transport = g_new0(struct child_transport, 1);

	(void)owner;
	transport->parent.action = transport_action;
	transport->parent.close = transport_close;
	transport->parent.free = transport_free;
	transport->stream.subtransport = &transport->parent;
	transport->stream.read = stream_read;
	transport->stream.write = stream_write;
	transport->stream.free = stream_free;
	transport->context = param;
	*out = &transport->parent;
	return 0;
}

int transport_child_new(git_transport **out, git_remote *owner, void *param)
{
	git_smart_subtransport_definition definition = {
		.callback = subtransport_new, .rpc = 0, .param = param};

	return git_transport_smart(out, owner, &definition);
}
