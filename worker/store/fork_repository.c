/*
 * The repository of one fork, over the store of its upstream.
 *
 * What it borrows, it borrows by the store's path, so a store that is rewritten and exchanged stays
 * borrowed. A store that was made anew is another matter: it may lack what this fork builds on, so
 * the stamp names the store's generation, and a fork over another generation starts afresh. One job
 * holds a fork at a time; the scheduler's lanes see to that, and the lock to what the lanes cannot
 * see.
 */
#include "worker/store/fork_repository.h"

#include "journal/base/errors.h"
#include "worker/store/cache_repository.h"

/* Own anchors that come before anything of the upstream's: what was wanted before is likely to be
 * there still. The rest of the first twenty haves, which travel together, doubles its depth into
 * the upstream's history. */
#define OWN_ANCHORS_FIRST 4
/* With nothing of its own to offer, the gaps stay below a twentieth of the depth. */
#define FIRST_FETCH_DENSITY 20

struct fork_repository {
	struct stores *stores;
	struct store *store;
	const struct remote *remote;
	struct cache_repository repository;
};

struct fork_repository *fork_repository_open(struct stores *stores, struct store *store,
	const struct remote *fork, struct budget *budget, GError **error)
{
	scoped(fork_repository) opened = g_new0(struct fork_repository, 1);
	g_autofree char *name = g_strdup_printf("%s-of-%s", fork->identity, store_identity(store));
	g_autofree char *borrowed = g_build_filename(store_path(store), "objects", NULL);

	opened->stores = stores;
	opened->store = store;
	opened->remote = fork;
	if (!cache_repository_init(&opened->repository, stores_forks_folder(stores), name, borrowed,
		    store_generation(store), error) ||
		!store_lock_take(opened->repository.lock, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE,
			budget, error) ||
		!cache_repository_prepare(&opened->repository, budget, error) ||
		!cache_repository_rewrite_if_due(&opened->repository, budget, error))
		return NULL;
	store_lock_touch(opened->repository.lock);
	return g_steal_pointer(&opened);
}

void fork_repository_close(struct fork_repository *fork)
{
	if (!fork)
		return;
	cache_repository_clear(&fork->repository);
	g_free(fork);
}

git_repository *fork_repository_git(struct fork_repository *fork)
{
	return fork->repository.git;
}

gboolean fork_repository_has(struct fork_repository *fork, const git_oid *oid)
{
	git_commit *commit = NULL;
	gboolean there = git_commit_lookup(&commit, fork->repository.git, oid) == 0;

	git_commit_free(commit);
	return there;
}

static gboolean offer_anchor(gpointer name, gpointer oid, gpointer negotiation)
{
	(void)name;
	return !negotiation_offer(negotiation, oid);
}

static gboolean offer_known(struct fork_repository *fork, struct negotiation *negotiation,
	const struct fetch_ref *tips, size_t n_tips, GError **error)
{
	g_autoptr(GPtrArray) lines = store_lines(fork->store, error);
	const struct anchors *anchors = &fork->repository.anchors;

	if (!lines)
		return FALSE;
	for (size_t i = 0; i < n_tips && negotiation->haves->len < OWN_ANCHORS_FIRST; i++) {
		const git_oid *anchor = anchors_find(anchors, tips[i].local_name);

		if (anchor)
			negotiation_offer(negotiation, anchor);
	}
	if (g_tree_nnodes(anchors->by_name) > 0) {
		negotiation_offer_sparse(negotiation, lines, 1);
		g_tree_foreach(anchors->by_name, offer_anchor, negotiation);
	}
	negotiation_offer_sparse(negotiation, lines, FIRST_FETCH_DENSITY);
	return TRUE;
}

static gboolean fetch_missing(struct fork_repository *fork, const struct fetch_ref *tips,
	size_t n_tips, struct budget *budget, GError **error)
{
	scoped_value(negotiation) negotiation;
	g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(struct fetch_ref));

	negotiation_init(&negotiation);
	for (size_t i = 0; i < n_tips; i++)
		if (!cache_repository_has(&fork->repository, &tips[i].oid))
			g_array_append_val(missing, tips[i]);
	return missing->len == 0 ||
		(offer_known(fork, &negotiation, tips, n_tips, error) &&
			cache_repository_fetch(&fork->repository, stores_http(fork->stores),
				fork->remote, (const struct fetch_ref *)(const void *)missing->data,
				missing->len, &negotiation, budget, error));
}

gboolean fork_repository_is_damaged(struct fork_repository *fork, const struct budget *budget)
{
	gboolean damaged = store_is_damaged(fork->store, budget);

	if (cache_repository_is_broken(&fork->repository, budget)) {
		cache_repository_condemn(&fork->repository);
		damaged = TRUE;
	}
	return damaged;
}

/* A fetch lacked something. The server is to blame only if all that was here before is whole; else
 * what is not is made anew: the fork's own repository now, to be fetched into once more, the store
 * when it is opened next. */
static gboolean fetch_again(struct fork_repository *fork, const struct fetch_ref *tips,
	size_t n_tips, struct budget *budget, GError *take_failure, GError **error)
{
	g_autoptr(GError) failure = take_failure;
	struct cache_repository *repository = &fork->repository;

	if (!g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY)) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	if (store_is_damaged(fork->store, budget)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY,
			"%s was damaged and will be made anew: %s", store_path(fork->store),
			failure->message);
		return FALSE;
	}
	if (!cache_repository_is_broken(repository, budget)) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	g_message("store=rebuilt path=%s reason=\"%s\"", repository->folder.repository,
		failure->message);
	return cache_repository_remake(repository, budget, error) &&
		fetch_missing(fork, tips, n_tips, budget, error);
}

gboolean fork_repository_fetch(struct fork_repository *fork, const struct fetch_ref *tips,
	size_t n_tips, struct budget *budget, GError **error)
{
	GError *failure = NULL;

	return (fetch_missing(fork, tips, n_tips, budget, &failure) ||
		       fetch_again(fork, tips, n_tips, budget, failure, error)) &&
		cache_repository_keep(&fork->repository, tips, n_tips, error);
}

gboolean fork_repository_anchor(
	struct fork_repository *fork, const char *branch, const git_oid *oid, GError **error)
{
	g_autofree char *name = anchor_name("synced", branch);
	struct fetch_ref ref = {.remote_name = branch, .oid = *oid, .local_name = name};

	return cache_repository_keep(&fork->repository, &ref, 1, error);
}
