/*
 * A connection of libgit2 to a remote: which transport, which callbacks, whose error.
 *
 * The transports leave errors of ours in the context, and so do the callbacks here; libgit2's own
 * words are used only where neither did. session_fail() always leaves an error in the context, for
 * the transport waits politely for a child when all went well and ends it at once when not.
 */
#include "worker/remote/session.h"

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"
#include "worker/remote/transport_child.h"
#include "worker/remote/verdict.h"

static void set_error(struct session *session, GError *take_error)
{
	if (session->context.error)
		g_error_free(take_error);
	else
		session->context.error = take_error;
}

static int make_transport(git_transport **out, git_remote *owner, void *payload)
{
	struct session *session = payload;

	switch (session->context.remote->kind) {
	case REMOTE_HTTP:
		return transport_http_new(out, owner, &session->context);
	case REMOTE_SSH:
	case REMOTE_PATH:
		return transport_child_new(out, owner, &session->context);
	}
	g_assert_not_reached();
}

static int stopped(struct session *session)
{
	GError *error = NULL;

	if (budget_check_request(session->context.budget, session->due_ms, &error))
		return 0;
	g_prefix_error(&error, "%s: ", session->context.remote->shown);
	set_error(session, error);
	return GIT_EUSER;
}

static void show_progress(struct session *session, const char *text, uint64_t bytes)
{
	struct budget *budget = session->context.budget;
	int64_t now_ms = clock_now().monotonic_ms;

	if (!budget->progress || now_ms < session->progress_due_ms)
		return;
	session->progress_due_ms = now_ms + LIMIT_PROGRESS_MS;
	budget->progress(budget, text, bytes, budget->progress_data);
}

static int on_receive(const git_indexer_progress *stats, void *payload)
{
	struct session *session = payload;
	int64_t bytes_max = session->context.budget->pack_bytes_max;

	if ((int64_t)stats->received_bytes > bytes_max) {
		set_error(session,
			g_error_new(FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
				"%s: the pack is larger than %" G_GINT64_FORMAT " bytes",
				session->context.remote->shown, bytes_max));
		return GIT_EUSER;
	}
	show_progress(session, "receiving", stats->received_bytes);
	return stopped(session);
}

static int on_pack(int stage, uint32_t current, uint32_t total, void *payload)
{
	(void)stage;
	(void)current;
	(void)total;
	return stopped(payload);
}

static int on_send(unsigned int current, unsigned int total, size_t bytes, void *payload)
{
	(void)current;
	(void)total;
	show_progress(payload, "sending", bytes);
	return stopped(payload);
}

static int on_remark(const char *text, int length, void *payload)
{
	struct session *session = payload;
	size_t room = LIMIT_CHILD_COMPLAINT_BYTES - session->remarks->len;

	g_string_append_len(session->remarks, text, (gssize)MIN((size_t)length, room));
	return stopped(session);
}

void session_callbacks(struct session *session, git_remote_callbacks *callbacks)
{
	callbacks->transport = make_transport;
	callbacks->transfer_progress = on_receive;
	callbacks->pack_progress = on_pack;
	callbacks->push_transfer_progress = on_send;
	callbacks->sideband_progress = on_remark;
	callbacks->payload = session;
}

gboolean session_open(struct session *session, struct http *http, git_repository *repository,
	const struct remote *remote, git_direction direction, struct budget *budget, GError **error)
{
	git_remote_create_options create = GIT_REMOTE_CREATE_OPTIONS_INIT;
	git_remote_connect_options connect = GIT_REMOTE_CONNECT_OPTIONS_INIT;

	*session = (struct session){
		.context = {.http = http, .remote = remote, .budget = budget},
		.remarks = g_string_new(NULL),
		.due_ms = budget_request_due_ms(budget),
	};
	create.repository = repository;
	create.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
	session_callbacks(session, &connect.callbacks);
	if (budget_check(budget, &session->context.error) &&
		git_remote_create_with_opts(&session->remote, remote->url, &create) == 0 &&
		git_remote_connect_ext(session->remote, direction, &connect) == 0)
		return TRUE;
	session_fail(session, error);
	session_clear(session);
	return FALSE;
}

void session_clear(struct session *session)
{
	if (session->remote)
		git_remote_disconnect(session->remote);
	g_clear_pointer(&session->remote, git_remote_free);
	g_clear_error(&session->context.error);
	if (session->remarks)
		g_string_free(session->remarks, TRUE);
	session->remarks = NULL;
}

gboolean session_refs(struct session *session, const git_remote_head *const **heads,
	size_t *n_heads, GError **error)
{
	const git_remote_head **found = NULL;

	if (git_remote_ls(&found, n_heads, session->remote) < 0)
		return session_fail(session, error);
	if (*n_heads > LIMIT_REFS_PER_REPOSITORY) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "%s: more than %d refs",
			session->context.remote->shown, LIMIT_REFS_PER_REPOSITORY);
		return FALSE;
	}
	*heads = found;
	return TRUE;
}

/* The code for a failure of libgit2 itself, by the part of it that failed. */
static enum forge_error code_of_class(int error_class)
{
	switch ((git_error_t)error_class) {
	case GIT_ERROR_NET:
	case GIT_ERROR_HTTP:
	case GIT_ERROR_SSL:
	case GIT_ERROR_SSH:
		return FORGE_ERROR_PROTOCOL_ERROR;
	case GIT_ERROR_ZLIB:
	case GIT_ERROR_ODB:
	case GIT_ERROR_OBJECT:
	case GIT_ERROR_TAG:
	case GIT_ERROR_TREE:
	case GIT_ERROR_INDEXER:
	case GIT_ERROR_SHA:
		return FORGE_ERROR_BROKEN_REPOSITORY;
	case GIT_ERROR_NONE:
	case GIT_ERROR_NOMEMORY:
	case GIT_ERROR_OS:
	case GIT_ERROR_INVALID:
	case GIT_ERROR_REFERENCE:
	case GIT_ERROR_REPOSITORY:
	case GIT_ERROR_CONFIG:
	case GIT_ERROR_REGEX:
	case GIT_ERROR_INDEX:
	case GIT_ERROR_SUBMODULE:
	case GIT_ERROR_THREAD:
	case GIT_ERROR_STASH:
	case GIT_ERROR_CHECKOUT:
	case GIT_ERROR_FETCHHEAD:
	case GIT_ERROR_MERGE:
	case GIT_ERROR_FILTER:
	case GIT_ERROR_REVERT:
	case GIT_ERROR_CALLBACK:
	case GIT_ERROR_CHERRYPICK:
	case GIT_ERROR_DESCRIBE:
	case GIT_ERROR_REBASE:
	case GIT_ERROR_FILESYSTEM:
	case GIT_ERROR_PATCH:
	case GIT_ERROR_WORKTREE:
	case GIT_ERROR_INTERNAL:
		return FORGE_ERROR_FAILED;
	}
	return FORGE_ERROR_FAILED;
}

GError *session_library_error(const char *shown)
{
	const git_error *last = git_error_last();
	const char *words = last && last->message ? last->message : "an unknown error";
	g_autofree char *redacted = log_redact(words, NULL);
	g_autofree char *line = NULL;
	enum forge_error code = last ? code_of_class(last->klass) : FORGE_ERROR_FAILED;

	/* As git_memory.c has it. */
	if (last && last->klass == GIT_ERROR_NOMEMORY)
		return g_error_new(FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"%s: an object, or a list of them, is too large to be taken", shown);
	code = verdict_of_words(redacted, code, &line);
	return g_error_new(FORGE_ERROR, (int)code, "%s: %s", shown, line);
}

gboolean session_fail(struct session *session, GError **error)
{
	if (!session->context.error)
		session->context.error = session_library_error(session->context.remote->shown);
	g_propagate_error(error, g_error_copy(session->context.error));
	return FALSE;
}
