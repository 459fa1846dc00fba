/*
 * The refs that a server has, by HTTP: one POST of protocol version 2 that names just those wanted.
 * Where that brings nothing sensible (the server speaks version 0 only, or the repository moved)
 * the advertisement is asked for, with redirects, and tells how to go on. What was learnt is noted
 * for the host, so that the next listing is one request again. How the answers are read is
 * ref_listing's business.
 *
 * An error that says what is wrong (credentials, rights, not found, limits) is final; the detour is
 * for answers that could come from a server without version 2.
 */
#include "worker/remote/ls_refs.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/pkt_line.h"
#include "worker/remote/ref_listing.h"

#define SERVICE "git-upload-pack"
#define DISCOVERY "/info/refs?service=" SERVICE

/* What is noted of a host. Some servers of version 2 refuse an argument that they do not know, such
 * as unborn. */
enum dialect {
	DIALECT_UNKNOWN, /* assumed to be the newest */
	DIALECT_V2_UNBORN,
	DIALECT_V2,
	DIALECT_V0,
};

struct question {
	struct http *http;
	const struct remote *remote;
	const char *const *prefixes;
	struct budget *budget;
};

static gboolean check_prefixes(const char *const *prefixes, GError **error)
{
	for (size_t i = 0; prefixes[i]; i++) {
		if (strlen(prefixes[i]) <= LIMIT_REF_NAME_BYTES)
			continue;
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"a name of a ref has more than %d bytes", LIMIT_REF_NAME_BYTES);
		return FALSE;
	}
	return TRUE;
}

static GString *v2_body(const char *const *prefixes, enum dialect dialect)
{
	GString *body = g_string_new(NULL);

	pkt_append(body, "command=ls-refs");
	pkt_append(body, "agent=forge/" FORGE_VERSION);
	pkt_append_delimiter(body);
	pkt_append(body, "peel");
	pkt_append(body, "symrefs");
	if (dialect != DIALECT_V2)
		pkt_append(body, "unborn");
	for (size_t i = 0; prefixes[i]; i++) {
		g_autofree char *line = g_strconcat("ref-prefix ", prefixes[i], NULL);

		pkt_append(body, line);
	}
	pkt_append_flush(body);
	return body;
}

/* Says whether a failed POST of version 2 may mean that the server does not speak it. */
static gboolean may_lack_v2(int status, const GError *failure)
{
	if (status >= 300 && status < 400)
		return TRUE;
	if (status == 500 || status == 501)
		return TRUE;
	return g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
}

/* Asks at BASE in version 2. *DETOUR says whether a failure is worth asking for the advertisement.
 */
static struct ref_listing *ask_v2(const struct question *question, const char *base,
	enum dialect dialect, gboolean *detour, GError **error)
{
	static const char *const headers[] = {"Git-Protocol: version=2", NULL};
	g_autofree char *url = g_strconcat(base, "/" SERVICE, NULL);
	g_autoptr(GString) body = v2_body(question->prefixes, dialect);
	const struct http_request request = {
		.url = url,
		.content_type = "application/x-" SERVICE "-request",
		.accept = "application/x-" SERVICE "-result",
		.headers = headers,
		.body = body->str,
		.body_bytes = body->len,
		.accept_compressed = TRUE,
		.answer_bytes_max = LIMIT_REF_LISTING_BYTES,
	};
	scoped(http_exchange) exchange = http_exchange_new(
		question->http, question->remote, &request, question->budget);
	g_autoptr(GByteArray) answer = NULL;
	struct ref_listing *listing = NULL;
	GError *failure = NULL;

	answer = http_exchange_read_all(exchange, &failure);
	if (answer)
		listing = ref_listing_parse_v2((const char *)answer->data, answer->len,
			question->prefixes, question->remote, &failure);
	if (listing)
		return listing;
	*detour = may_lack_v2(http_exchange_status(exchange), failure);
	g_propagate_error(error, failure);
	return NULL;
}

/* The advertisement, and in *BASE the repository's URL where it was found in the end. */
static GByteArray *discover(const struct question *question, char **base, GError **error)
{
	static const char *const headers[] = {"Git-Protocol: version=2", NULL};
	g_autofree char *url = g_strconcat(question->remote->url, DISCOVERY, NULL);
	const struct http_request request = {
		.url = url,
		.accept = "application/x-" SERVICE "-advertisement",
		.headers = headers,
		.follow_redirects = TRUE,
		.accept_compressed = TRUE,
		.answer_bytes_max = LIMIT_REF_LISTING_BYTES,
	};
	scoped(http_exchange) exchange = http_exchange_new(
		question->http, question->remote, &request, question->budget);
	g_autoptr(GByteArray) answer = http_exchange_read_all(exchange, error);
	const char *found = http_exchange_url(exchange);

	if (!answer)
		return NULL;
	if (!g_str_has_suffix(found, DISCOVERY)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
			"%s: redirected to what is no repository", question->remote->shown);
		return NULL;
	}
	*base = g_strndup(found, strlen(found) - strlen(DISCOVERY));
	return g_steal_pointer(&answer);
}

static struct ref_listing *ask_by_discovery(const struct question *question, GError **error)
{
	g_autofree char *base = NULL;
	g_autoptr(GByteArray) answer = discover(question, &base, error);
	struct ref_capabilities capabilities;
	struct ref_listing *listing;
	enum dialect dialect = DIALECT_V0;
	gboolean detour;

	if (!answer)
		return NULL;
	if (!ref_capabilities_parse((const char *)answer->data, answer->len, question->remote,
		    &capabilities, error))
		return NULL;
	if (capabilities.speaks_v2) {
		dialect = capabilities.knows_unborn ? DIALECT_V2_UNBORN : DIALECT_V2;
		listing = ask_v2(question, base, dialect, &detour, error);
	} else {
		listing = ref_listing_parse_v0((const char *)answer->data, answer->len,
			question->prefixes, question->remote, error);
	}
	if (listing)
		http_note(question->http, base, (int)dialect);
	return listing;
}

struct ref_listing *ls_refs_http(struct http *http, const struct remote *remote,
	const char *const *prefixes, struct budget *budget, GError **error)
{
	const struct question question = {http, remote, prefixes, budget};
	enum dialect dialect = (enum dialect)http_noted(http, remote->url);
	struct ref_listing *listing;
	GError *failure = NULL;
	gboolean detour = FALSE;

	if (!check_prefixes(prefixes, error))
		return NULL;
	if (dialect == DIALECT_V0)
		return ask_by_discovery(&question, error);
	listing = ask_v2(&question, remote->url, dialect, &detour, &failure);
	if (listing)
		return listing;
	if (!detour) {
		g_propagate_error(error, failure);
		return NULL;
	}
	g_clear_error(&failure);
	return ask_by_discovery(&question, error);
}
