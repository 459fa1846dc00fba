/*
 * Asking a fork's git-lfs whether it has objects.
 *
 * Over HTTP the endpoint is where git-lfs looks for it without configuration: URL.git/info/lfs.
 * That nobody answers there (404, 405, 410, 501) is an answer: such a server has no object. A
 * failure of any other kind is no answer, and an error. A repository on this machine keeps its
 * objects in files, which are looked at.
 *
 * Over ssh git-lfs asks a program of the host for an address and a token (git-lfs-authenticate).
 * That is not done here.
 */
#include "worker/content/lfs_server.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "journal/base/limits.h"
#include "worker/remote/credential.h"
#include "worker/content/lfs_batch.h"

/* ---- files -------------------------------------------------------------------------------- */

static gboolean is_whole_file(const char *path, int64_t size)
{
	GStatBuf status;

	return g_stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == size;
}

static gboolean find_file(const struct remote *remote, const struct lfs_pointer *object)
{
	/* Where git finds the repository behind a path. */
	static const char *const suffixes[] = {"", "/.git", ".git", ".git/.git"};

	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *path = g_strdup_printf("%s%s/lfs/objects/%.2s/%.2s/%s",
			remote->path, suffixes[i], object->oid, object->oid + 2, object->oid);

		if (is_whole_file(path, object->size))
			return TRUE;
	}
	return FALSE;
}

/* ---- HTTP --------------------------------------------------------------------------------- */

struct question {
	struct http *http;
	const char *url;
	const struct lfs_pointer *const *objects;
	size_t n;
	gboolean *present;
	gboolean *speaks_lfs;
	struct budget *budget;
};

static gboolean is_no_endpoint(int status)
{
	return status == 404 || status == 405 || status == 410 || status == 501;
}

static gboolean ask_once(
	const struct question *question, const struct remote *remote, GError **error)
{
	static const char *const headers[] = {"Accept: " LFS_BATCH_TYPE, NULL};
	g_autofree char *body = lfs_batch_request(question->objects, question->n);
	const struct http_request request = {
		.url = question->url,
		.content_type = LFS_BATCH_TYPE,
		.body = body,
		.body_bytes = strlen(body),
		.headers = headers,
		.accept_compressed = TRUE,
		.answer_bytes_max = LIMIT_DOCUMENT_BYTES,
	};
	scoped(http_exchange)
		exchange = http_exchange_new(question->http, remote, &request, question->budget);
	g_autoptr(GError) failure = NULL;
	g_autoptr(GByteArray) answer = http_exchange_read_all(exchange, &failure);

	*question->speaks_lfs = answer || !is_no_endpoint(http_exchange_status(exchange));
	if (answer)
		return lfs_batch_answer((const char *)answer->data, answer->len, remote->shown,
			question->objects, question->n, question->present, error);
	if (!*question->speaks_lfs)
		return TRUE;
	g_propagate_prefixed_error(error, g_steal_pointer(&failure), "git-lfs of ");
	return FALSE;
}

static gboolean ask(const struct question *question, const struct remote *remote, GError **error)
{
	scoped_value(login) login = {0};
	GError *failure = NULL;
	gboolean done;

	login_init(&login, http_credentials(question->http), remote);
	do {
		done = ask_once(question, &login.remote, &failure);
	} while (!done && login_again(&login, question->budget, &failure));
	if (done)
		login_accepted(&login, question->budget);
	else
		g_propagate_error(error, failure);
	return done;
}

static gboolean ask_http(struct http *http, const struct remote *remote,
	const struct lfs_pointer *const *objects, size_t n, gboolean *present, gboolean *speaks_lfs,
	struct budget *budget, GError **error)
{
	g_autofree char *url = g_strconcat(remote->url,
		g_str_has_suffix(remote->url, ".git") ? "" : ".git", "/info/lfs/objects/batch",
		NULL);

	for (size_t at = 0; at < n && *speaks_lfs; at += LIMIT_LFS_BATCH_OBJECTS) {
		const struct question question = {http, url, objects + at,
			MIN(n - at, LIMIT_LFS_BATCH_OBJECTS), present + at, speaks_lfs, budget};

		if (!ask(&question, remote, error))
			return FALSE;
	}
	return TRUE;
}

gboolean lfs_server_ask(struct http *http, const struct remote *remote,
	const struct lfs_pointer *const *objects, size_t n, gboolean *present, gboolean *speaks_lfs,
	struct budget *budget, GError **error)
{
	for (size_t i = 0; i < n; i++)
		present[i] = FALSE;
	*speaks_lfs = TRUE;
	switch (remote->kind) {
	case REMOTE_HTTP:
		return ask_http(http, remote, objects, n, present, speaks_lfs, budget, error);
	case REMOTE_PATH:
		for (size_t i = 0; i < n; i++)
			present[i] = find_file(remote, objects[i]);
		return TRUE;
	case REMOTE_SSH:
		break;
	}
	g_assert_not_reached();
}
