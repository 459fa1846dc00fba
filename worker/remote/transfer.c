/*
 * Listing, fetching and pushing refs of a remote, whatever its transport.
 *
 * A fetch compares what the server advertises with what was asked for before it downloads anything,
 * and sets local refs last, all or none: until then the repository's refs are as they were. A push
 * is compare-and-swap: refs that are not where the caller believes them are left out, and the
 * others are sent with the id just compared, which the server checks again. What became of each ref
 * is taken from the server's status of that ref alone.
 *
 * libgit2 pushes refs, not ids, so a pushed commit has a ref under refs/forge/push/ for as long as
 * the push takes. One that a killed process left behind is harmless: it names an object of the same
 * repository, and the retry removes it.
 */
#include "worker/remote/transfer.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"
#include "worker/remote/credential.h"
#include "worker/remote/session.h"
#include "worker/remote/verdict.h"

#define PUSH_NAMESPACE "refs/forge/push/"
/* A process usually may have 1024 files open, and a repository many more tags. */
#define REFS_AT_ONCE ((size_t)100)

static void begin_login(struct login *login, struct http *http, const struct remote *remote)
{
	login_init(login, http ? http_credentials(http) : NULL, remote);
}

/* FAILURE, if any, goes to ERROR. Gives TRUE if there is none. */
static gboolean end_login(
	struct login *login, struct budget *budget, GError *take_failure, GError **error)
{
	if (!take_failure) {
		login_accepted(login, budget);
		return TRUE;
	}
	g_propagate_error(error, take_failure);
	return FALSE;
}

static gboolean is_wanted(const char *name, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (g_str_has_prefix(name, *prefixes))
			return TRUE;
	return FALSE;
}

static void free_ref(gpointer data)
{
	struct advertised_ref *ref = data;

	g_free(ref->name);
	g_free(ref->symref_target);
	g_free(ref);
}

/* An annotated tag is followed by a second line, `NAME^{}`, with what it points at. */
static gboolean note_peeled(GPtrArray *refs, const git_remote_head *head)
{
	struct advertised_ref *tag;

	if (!g_str_has_suffix(head->name, "^{}"))
		return FALSE;
	tag = refs->len > 0 ? g_ptr_array_index(refs, refs->len - 1) : NULL;
	if (tag && strncmp(head->name, tag->name, strlen(tag->name)) == 0 &&
		strcmp(head->name + strlen(tag->name), "^{}") == 0)
		tag->peeled = head->oid;
	return TRUE;
}

static gboolean is_ref_name(const char *name)
{
	int valid = 0;

	return g_utf8_validate(name, -1, NULL) && strlen(name) <= LIMIT_REF_NAME_BYTES &&
		git_reference_name_is_valid(&valid, name) == 0 && valid;
}

/* Names go on to become local refs and events, so what no ref can be called is no answer of a git
 * server. */
static gboolean add_ref(struct ref_listing *listing, const git_remote_head *head,
	const struct remote *remote, GError **error)
{
	struct advertised_ref *ref;

	if (!is_ref_name(head->name) ||
		(head->symref_target && !is_ref_name(head->symref_target))) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
			"%s: the server lists a name that no ref can have", remote->shown);
		return FALSE;
	}
	ref = g_new0(struct advertised_ref, 1);
	ref->name = g_strdup(head->name);
	ref->oid = ref->peeled = head->oid;
	ref->symref_target = g_strdup(head->symref_target);
	g_ptr_array_add(listing->refs, ref);
	return TRUE;
}

static struct ref_listing *list_by_session(struct http *http, const struct remote *remote,
	const char *const *prefixes, struct budget *budget, GError **error)
{
	scoped_value(session) session = {0};
	scoped(ref_listing) listing = NULL;
	const git_remote_head *const *heads = NULL;
	size_t n_heads = 0;

	if (!session_open(&session, http, NULL, remote, GIT_DIRECTION_FETCH, budget, error) ||
		!session_refs(&session, &heads, &n_heads, error))
		return NULL;
	listing = g_new0(struct ref_listing, 1);
	listing->refs = g_ptr_array_new_with_free_func(free_ref);
	for (size_t i = 0; i < n_heads; i++) {
		if (!is_wanted(heads[i]->name, prefixes) || note_peeled(listing->refs, heads[i]))
			continue;
		if (!add_ref(listing, heads[i], remote, error))
			return NULL;
	}
	return g_steal_pointer(&listing);
}

static struct ref_listing *list_once(struct http *http, const struct remote *remote,
	const char *const *prefixes, struct budget *budget, GError **error)
{
	switch (remote->kind) {
	case REMOTE_HTTP:
		return ls_refs_http(http, remote, prefixes, budget, error);
	case REMOTE_SSH:
	case REMOTE_PATH:
		return list_by_session(http, remote, prefixes, budget, error);
	}
	g_assert_not_reached();
}

struct ref_listing *transfer_list(struct http *http, const struct remote *remote,
	const char *const *prefixes, struct budget *budget, GError **error)
{
	scoped_value(login) login = {0};
	GError *failure = NULL;
	struct ref_listing *listing;

	begin_login(&login, http, remote);
	do {
		listing = list_once(http, &login.remote, prefixes, budget, &failure);
	} while (!listing && login_again(&login, budget, &failure));
	end_login(&login, budget, failure, error);
	return listing;
}

/* What each ref is at on the server: name → git_oid, both borrowed from the session. */
static GHashTable *advertised_oids(struct session *session, GError **error)
{
	const git_remote_head *const *heads = NULL;
	GHashTable *oids;
	size_t n_heads = 0;

	if (!session_refs(session, &heads, &n_heads, error))
		return NULL;
	oids = g_hash_table_new(hash_string_keyed, g_str_equal);
	for (size_t i = 0; i < n_heads; i++)
		g_hash_table_insert(oids, heads[i]->name, (gpointer)&heads[i]->oid);
	return oids;
}

static gboolean check_unmoved(
	struct session *session, const struct fetch_ref *refs, size_t n_refs, GError **error)
{
	g_autoptr(GHashTable) oids = advertised_oids(session, error);

	if (!oids)
		return FALSE;
	for (size_t i = 0; i < n_refs; i++) {
		const git_oid *oid = g_hash_table_lookup(oids, refs[i].remote_name);

		if (oid && git_oid_equal(oid, &refs[i].oid))
			continue;
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED, "%s: %s %s",
			session->context.remote->shown, refs[i].remote_name,
			oid ? "moved since it was listed" : "is gone");
		return FALSE;
	}
	return TRUE;
}

static gboolean download(
	struct session *session, const struct fetch_ref *refs, size_t n_refs, GError **error)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) refspecs = NULL;
	git_fetch_options options = GIT_FETCH_OPTIONS_INIT;

	for (size_t i = 0; i < n_refs; i++) {
		g_autofree char *refspec = g_strdup_printf(
			"+%s:%s", refs[i].remote_name, refs[i].local_name);

		g_strv_builder_add(builder, refspec);
	}
	refspecs = g_strv_builder_end(builder);
	options.prune = GIT_FETCH_NO_PRUNE;
	options.update_fetchhead = 0;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	session_callbacks(session, &options.callbacks);
	if (git_remote_download(session->remote, &(git_strarray){refspecs, n_refs}, &options) < 0)
		return session_fail(session, error);
	return TRUE;
}

static gboolean check_received(git_repository *repository, const struct remote *remote,
	const struct fetch_ref *refs, size_t n_refs, GError **error)
{
	git_odb *odb = NULL;
	size_t present = 0;

	if (git_repository_odb(&odb, repository) < 0) {
		g_propagate_error(error, session_library_error(remote->shown));
		return FALSE;
	}
	while (present < n_refs && git_odb_exists(odb, &refs[present].oid))
		present++;
	git_odb_free(odb);
	if (present == n_refs)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
		"%s: %s was not among what the server sent", remote->shown,
		refs[present].remote_name);
	return FALSE;
}

/* All of them or none: every ref is locked before the first is set, and stays an open file. */
static gboolean set_refs_at_once(
	git_repository *repository, const struct fetch_ref *refs, size_t n_refs, GError **error)
{
	git_transaction *transaction = NULL;
	int status = git_transaction_new(&transaction, repository);

	for (size_t i = 0; status == 0 && i < n_refs; i++)
		status = git_transaction_lock_ref(transaction, refs[i].local_name);
	for (size_t i = 0; status == 0 && i < n_refs; i++)
		status = git_transaction_set_target(
			transaction, refs[i].local_name, &refs[i].oid, NULL, NULL);
	if (status == 0)
		status = git_transaction_commit(transaction);
	if (status < 0)
		g_propagate_error(error, session_library_error(git_repository_path(repository)));
	if (status == GIT_ELOCKED && error && *error)
		(*error)->code = FORGE_ERROR_STORE_BUSY;
	git_transaction_free(transaction);
	return status == 0;
}

static gboolean set_local_refs(
	git_repository *repository, const struct fetch_ref *refs, size_t n_refs, GError **error)
{
	for (size_t done = 0; done < n_refs; done += REFS_AT_ONCE)
		if (!set_refs_at_once(
			    repository, refs + done, MIN(n_refs - done, REFS_AT_ONCE), error))
			return FALSE;
	return TRUE;
}

/* TRUE if the server still lists each of REFS where it was. */
static gboolean lists_the_same(struct http *http, const struct remote *remote,
	const struct fetch_ref *refs, size_t n_refs, struct budget *budget)
{
	g_autofree const char **names = g_new0(const char *, n_refs + 1);
	scoped(ref_listing) listing = NULL;

	for (size_t i = 0; i < n_refs; i++)
		names[i] = refs[i].remote_name;
	listing = list_once(http, remote, names, budget, NULL);
	for (size_t i = 0; listing && i < n_refs; i++) {
		const struct advertised_ref *now = ref_listing_find(listing, names[i]);

		if (!now || !git_oid_equal(&now->oid, &refs[i].oid))
			return FALSE;
	}
	return listing != NULL;
}

/* A server refuses an id as none of its refs' if the ref moved between its two answers, or if it
 * cannot read what its ref names. The first passes, the second does not. */
static void judge_refusal(struct http *http, const struct remote *remote,
	const struct fetch_ref *refs, size_t n_refs, struct budget *budget, GError **refusal)
{
	if (!lists_the_same(http, remote, refs, n_refs, budget))
		return;
	(*refusal)->code = FORGE_ERROR_BROKEN_REPOSITORY;
	g_prefix_error(refusal, "the server lists what it cannot give: ");
}

/* Sets *REFUSED to whether it failed because the server would not give what it had just listed. */
static gboolean fetch_once(struct http *http, git_repository *repository,
	const struct remote *remote, const struct fetch_ref *refs, size_t n_refs,
	struct budget *budget, gboolean *refused, GError **error)
{
	scoped_value(session) session = {0};

	*refused = FALSE;
	if (!session_open(&session, http, repository, remote, GIT_DIRECTION_FETCH, budget, error) ||
		!check_unmoved(&session, refs, n_refs, error))
		return FALSE;
	if (!download(&session, refs, n_refs, error)) {
		*refused = g_error_matches(
			session.context.error, FORGE_ERROR, FORGE_ERROR_REF_MOVED);
		return FALSE;
	}
	return check_received(repository, remote, refs, n_refs, error) &&
		set_local_refs(repository, refs, n_refs, error);
}

gboolean transfer_fetch(struct http *http, git_repository *repository, const struct remote *remote,
	const struct fetch_ref *refs, size_t n_refs, struct budget *budget, GError **error)
{
	scoped_value(login) login = {0};
	GError *failure = NULL;
	gboolean refused = FALSE;

	begin_login(&login, http, remote);
	while (!fetch_once(
		       http, repository, &login.remote, refs, n_refs, budget, &refused, &failure) &&
		login_again(&login, budget, &failure))
		;
	if (refused)
		judge_refusal(http, &login.remote, refs, n_refs, budget, &failure);
	return end_login(&login, budget, failure, error);
}

/* One push: the session, the caller's refs, and what libgit2 is given for those that are sent. */
struct push {
	struct session session;
	git_repository *repository;
	struct push_ref *refs;
	size_t n_refs;
	GPtrArray *refspecs;  /* of char * */
	GPtrArray *temporary; /* of char *: names under PUSH_NAMESPACE */
};

static void push_clear(struct push *push)
{
	for (guint i = 0; i < push->temporary->len; i++)
		git_reference_remove(push->repository, g_ptr_array_index(push->temporary, i));
	g_ptr_array_unref(push->temporary);
	g_ptr_array_unref(push->refspecs);
	session_clear(&push->session);
}
SCOPED_VALUE(push, push_clear)

static gboolean add_refspec(struct push *push, const struct push_ref *ref, GError **error)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_reference *reference = NULL;
	char *name;

	if (git_oid_is_zero(&ref->after)) {
		g_ptr_array_add(push->refspecs, g_strconcat(":", ref->remote_name, NULL));
		return TRUE;
	}
	name = g_strconcat(PUSH_NAMESPACE, git_oid_tostr(hex, sizeof(hex), &ref->after), NULL);
	g_ptr_array_add(push->temporary, name);
	if (git_reference_create(&reference, push->repository, name, &ref->after, TRUE, NULL) < 0) {
		g_propagate_error(error, session_library_error(ref->remote_name));
		return FALSE;
	}
	git_reference_free(reference);
	g_ptr_array_add(push->refspecs, g_strconcat("+", name, ":", ref->remote_name, NULL));
	return TRUE;
}

/* Marks what moved, finishes what is there already, and collects refspecs for the rest. */
static gboolean compare(struct push *push, GError **error)
{
	static const git_oid absent = {0};
	g_autoptr(GHashTable) oids = advertised_oids(&push->session, error);

	if (!oids)
		return FALSE;
	for (size_t i = 0; i < push->n_refs; i++) {
		struct push_ref *ref = &push->refs[i];
		const git_oid *found = g_hash_table_lookup(oids, ref->remote_name);
		const git_oid *now = found ? found : &absent;
		char hex[GIT_OID_HEXSZ + 1];

		if (!git_oid_equal(now, &ref->before)) {
			ref->result = PUSH_MOVED;
			ref->message = git_oid_is_zero(now)
				? g_strdup("it is gone")
				: g_strdup_printf(
					  "it is at %s", git_oid_tostr(hex, sizeof(hex), now));
		} else if (git_oid_equal(now, &ref->after)) {
			ref->result = PUSH_DONE;
		} else if (!add_refspec(push, ref, error)) {
			return FALSE;
		}
	}
	return TRUE;
}

static void note_refusal(struct push *push, struct push_ref *ref, const char *status)
{
	const struct remote *remote = push->session.context.remote;
	g_autofree char *remarks = verdict_remarks(push->session.remarks->str);
	g_autofree char *text = g_strdup_printf("%s%s%s", status, *remarks ? ": " : "", remarks);

	ref->result = verdict_of_push(status, remarks);
	ref->message = log_redact(text, (const char *const[]){remote->password, NULL});
}

static int on_status(const char *name, const char *status, void *payload)
{
	/* The session is the first member: one payload serves its callbacks and this one. */
	struct push *push = payload;

	for (size_t i = 0; i < push->n_refs; i++) {
		struct push_ref *ref = &push->refs[i];

		if (ref->result != PUSH_NOT_TRIED || strcmp(ref->remote_name, name) != 0)
			continue;
		if (status)
			note_refusal(push, ref, status);
		else
			ref->result = PUSH_DONE;
	}
	return 0;
}

/* The server answered, but could not take the pack: then it touched no ref, and libgit2 passes on
 * no statuses. */
static gboolean was_not_unpacked(const struct push *push)
{
	const git_error *last = git_error_last();

	return !push->session.context.error && last && last->message &&
		strstr(last->message, "unpacking the sent packfile failed") != NULL;
}

static gboolean upload(struct push *push, GError **error)
{
	git_push_options options = GIT_PUSH_OPTIONS_INIT;
	const git_strarray refspecs = {(char **)push->refspecs->pdata, push->refspecs->len};

	session_callbacks(&push->session, &options.callbacks);
	options.callbacks.push_update_reference = on_status;
	if (git_remote_upload(push->session.remote, &refspecs, &options) < 0 &&
		!was_not_unpacked(push))
		return session_fail(&push->session, error);
	for (size_t i = 0; i < push->n_refs; i++)
		if (push->refs[i].result == PUSH_NOT_TRIED)
			note_refusal(
				push, &push->refs[i], "the server could not unpack what was sent");
	return TRUE;
}

static gboolean push_once(struct http *http, git_repository *repository,
	const struct remote *remote, struct push_ref *refs, size_t n_refs, struct budget *budget,
	GError **error)
{
	scoped_value(push) push = {
		.repository = repository,
		.refs = refs,
		.n_refs = n_refs,
		.refspecs = g_ptr_array_new_with_free_func(g_free),
		.temporary = g_ptr_array_new_with_free_func(g_free),
	};

	for (size_t i = 0; i < n_refs; i++) {
		refs[i].result = PUSH_NOT_TRIED;
		g_clear_pointer(&refs[i].message, g_free);
	}
	return session_open(&push.session, http, repository, remote, GIT_DIRECTION_PUSH, budget,
		       error) &&
		compare(&push, error) && (push.refspecs->len == 0 || upload(&push, error));
}

gboolean transfer_push(struct http *http, git_repository *repository, const struct remote *remote,
	struct push_ref *refs, size_t n_refs, struct budget *budget, GError **error)
{
	scoped_value(login) login = {0};
	GError *failure = NULL;

	for (size_t i = 0; i < n_refs; i++)
		refs[i].message = NULL;
	begin_login(&login, http, remote);
	while (!push_once(http, repository, &login.remote, refs, n_refs, budget, &failure) &&
		login_again(&login, budget, &failure))
		;
	return end_login(&login, budget, failure, error);
}
