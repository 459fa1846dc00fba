/*
 * Stores: what upstreams have sent, once for all their forks.
 *
 * A store is opened twice over: first for reading, which is all that is needed when the tips are
 * there, then, if they are not, under the lock of writers. Whoever waited for that lock looks again
 * before fetching, so of many who want the same tips one fetches. Users hold the folder shared for
 * as long as they work with it, and a fetch only adds to it, so nobody waits for a fetch but those
 * who want one.
 */
#include "worker/store/store.h"

#include "journal/base/errors.h"
#include "worker/store/cache_repository.h"
#include "worker/git/git_library.h"
#include "worker/store/store_evict.h"
#include "worker/store/store_lines.h"

/* How far back a store's fetch looks for commits to offer, should the upstream have rewritten its
 * history; and for how many of its branches. */
#define REWRITTEN_COMMITS_MAX 1024
#define REWRITTEN_BRANCHES_MAX 4

struct stores {
	char *stores_folder;
	char *forks_folder;
	struct http *http;
};

struct store {
	struct stores *stores;
	char *identity;
	struct cache_repository repository;
};

struct stores *stores_new(const char *cache_folder, struct http *http)
{
	struct stores *stores = g_new0(struct stores, 1);
	g_autofree char *absolute = g_canonicalize_filename(cache_folder, NULL);

	git_library_start();
	stores->stores_folder = g_build_filename(absolute, "stores", NULL);
	stores->forks_folder = g_build_filename(absolute, "forks", NULL);
	stores->http = http;
	return stores;
}

void stores_free(struct stores *stores)
{
	if (!stores)
		return;
	g_free(stores->stores_folder);
	g_free(stores->forks_folder);
	g_free(stores);
	git_library_stop();
}

uint64_t stores_evict(struct stores *stores, uint64_t bytes_max)
{
	const char *const folders[] = {stores->stores_folder, stores->forks_folder, NULL};

	return store_evict(folders, bytes_max);
}

const char *stores_forks_folder(const struct stores *stores)
{
	return stores->forks_folder;
}

struct http *stores_http(const struct stores *stores)
{
	return stores->http;
}

/* TRUE if the loaded store has all TIPS, and its anchors say so. */
static gboolean is_up_to_date(
	const struct store *store, const struct fetch_ref *tips, size_t n_tips)
{
	for (size_t i = 0; i < n_tips; i++) {
		const git_oid *anchor = anchors_find(
			&store->repository.anchors, tips[i].local_name);

		if (!anchor || !git_oid_equal(anchor, &tips[i].oid))
			return FALSE;
	}
	return TRUE;
}

/* Those of TIPS whose objects are not there. Caller frees. */
static GArray *list_missing(const struct store *store, const struct fetch_ref *tips, size_t n_tips)
{
	GArray *missing = g_array_new(FALSE, FALSE, sizeof(struct fetch_ref));

	for (size_t i = 0; i < n_tips; i++)
		if (!store_has(store, &tips[i].oid))
			g_array_append_val(missing, tips[i]);
	return missing;
}

static gboolean offer_branch(gpointer name, gpointer oid, gpointer negotiation)
{
	return !anchor_is_of_tag(name) && !negotiation_offer(negotiation, oid);
}

struct tag_offer {
	struct negotiation *negotiation;
	git_repository *git;
};

static gboolean offer_tag(gpointer name, gpointer oid, gpointer user_data)
{
	const struct tag_offer *offer = user_data;

	return anchor_is_of_tag(name) &&
		!negotiation_offer_tag(offer->negotiation, offer->git, oid);
}

/* What the same branches were when last seen, how they came there, what other branches
 * were, and what tags there are. */
static gboolean offer_known(struct store *store, struct negotiation *negotiation,
	const struct fetch_ref *tips, size_t n_tips, GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	g_autoptr(GHashTable) seen = oid_set_new();
	struct tag_offer tags = {negotiation, store->repository.git};

	for (size_t i = 0; i < n_tips; i++) {
		const git_oid *anchor = anchors_find(
			&store->repository.anchors, tips[i].local_name);
		GArray *line;
		git_oid met;

		if (!anchor || lines->len == REWRITTEN_BRANCHES_MAX)
			continue;
		line = negotiation_line(
			store->repository.git, anchor, REWRITTEN_COMMITS_MAX, seen, &met, error);
		if (!line)
			return FALSE;
		g_ptr_array_add(lines, line);
	}
	negotiation_offer_sparse(negotiation, lines, 1);
	g_tree_foreach(store->repository.anchors.by_name, offer_branch, negotiation);
	g_tree_foreach(store->repository.anchors.by_name, offer_tag, &tags);
	return TRUE;
}

/* One fetch of what is missing; nothing if nothing is. */
static gboolean fetch_missing(struct store *store, const struct remote *upstream,
	const struct fetch_ref *tips, size_t n_tips, struct budget *budget, GError **error)
{
	scoped_value(negotiation) negotiation;
	g_autoptr(GArray) missing = list_missing(store, tips, n_tips);

	negotiation_init(&negotiation);
	return missing->len == 0 ||
		(offer_known(store, &negotiation, tips, n_tips, error) &&
			cache_repository_fetch(&store->repository, store->stores->http, upstream,
				(const struct fetch_ref *)(const void *)missing->data, missing->len,
				&negotiation, budget, error));
}

/* Fetches, and once more into an empty store if the first failed because of what was in this one.
 */
static gboolean fetch(struct store *store, const struct remote *upstream,
	const struct fetch_ref *tips, size_t n_tips, struct budget *budget, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (fetch_missing(store, upstream, tips, n_tips, budget, &failure))
		return TRUE;
	if (g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY) &&
		cache_repository_is_broken(&store->repository, budget)) {
		g_message("store=rebuilt path=%s reason=\"%s\"",
			store->repository.folder.repository, failure->message);
		return cache_repository_remake(&store->repository, budget, error) &&
			fetch_missing(store, upstream, tips, n_tips, budget, error);
	}
	g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}

static gboolean fill(struct store *store, const struct remote *upstream,
	const struct fetch_ref *tips, size_t n_tips, struct budget *budget, GError **error)
{
	struct cache_repository *repository = &store->repository;

	if (!store_lock_take(
		    repository->lock, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE, budget, error) ||
		!cache_repository_prepare(repository, budget, error) ||
		!fetch(store, upstream, tips, n_tips, budget, error) ||
		!cache_repository_keep(repository, tips, n_tips, error) ||
		!cache_repository_rewrite_if_due(repository, budget, error))
		return FALSE;
	store_lock_drop(repository->lock, STORE_LOCK_WRITE);
	return TRUE;
}

static gboolean begin_use(struct store_lock *lock, const struct budget *budget, GError **error)
{
	gboolean taken = store_lock_take(lock, STORE_LOCK_GATE, STORE_LOCK_SHARED, budget, error) &&
		store_lock_take(lock, STORE_LOCK_USE, STORE_LOCK_SHARED, budget, error);

	store_lock_drop(lock, STORE_LOCK_GATE);
	return taken;
}

struct store *store_open(struct stores *stores, const struct remote *upstream,
	const struct fetch_ref *tips, size_t n_tips, struct budget *budget, GError **error)
{
	scoped(store) store = g_new0(struct store, 1);

	store->stores = stores;
	store->identity = g_strdup(upstream->identity);
	if (!cache_repository_init(&store->repository, stores->stores_folder, store->identity, NULL,
		    NULL, error) ||
		!begin_use(store->repository.lock, budget, error))
		return NULL;
	store_lock_touch(store->repository.lock);
	if (!cache_repository_load(&store->repository, NULL) ||
		!is_up_to_date(store, tips, n_tips)) {
		store_lock_drop(store->repository.lock, STORE_LOCK_USE);
		if (!fill(store, upstream, tips, n_tips, budget, error))
			return NULL;
	}
	return g_steal_pointer(&store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	cache_repository_clear(&store->repository);
	g_free(store->identity);
	g_free(store);
}

const char *store_path(const struct store *store)
{
	return store->repository.folder.repository;
}

const char *store_identity(const struct store *store)
{
	return store->identity;
}

const char *store_generation(const struct store *store)
{
	return store->repository.stamp.generation;
}

static void free_tip(gpointer data)
{
	struct store_tip *tip = data;

	g_free(tip->name);
	g_free(tip);
}

static gboolean add_tip(gpointer anchor, gpointer oid, gpointer tips)
{
	char *name = anchor_remote_name("tip", anchor);
	struct store_tip *tip;

	if (!name)
		return FALSE;
	tip = g_new(struct store_tip, 1);
	tip->name = name;
	tip->oid = *(const git_oid *)oid;
	g_ptr_array_add(tips, tip);
	return FALSE;
}

GPtrArray *store_tips(const struct store *store)
{
	GPtrArray *tips = g_ptr_array_new_with_free_func(free_tip);

	g_tree_foreach(store->repository.anchors.by_name, add_tip, tips);
	return tips;
}

git_repository *store_git(const struct store *store, GError **error)
{
	git_repository *git = NULL;

	if (git_repository_open_bare(&git, store_path(store)) != 0)
		git_library_error(error, FORGE_ERROR_STORE_BUSY, "the store cannot be opened");
	return git;
}

gboolean store_has(const struct store *store, const git_oid *oid)
{
	return cache_repository_has(&store->repository, oid);
}

gboolean store_is_damaged(struct store *store, const struct budget *budget)
{
	if (!cache_repository_is_broken(&store->repository, budget))
		return FALSE;
	cache_repository_condemn(&store->repository);
	return TRUE;
}

GPtrArray *store_lines(struct store *store, GError **error)
{
	return store_lines_get(store->repository.git, store->repository.folder.repository,
		&store->repository.anchors, error);
}
