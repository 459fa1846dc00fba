/*
 * One repository folder of the cache, opened, judged, mended and filled: what stores and fork
 * repositories share.
 *
 * Everything in the cache can be fetched again, so there is one cure for whatever is wrong with a
 * folder: an empty one takes its place. What makes that rare is that every step leaves the folder
 * whole (store_folder.c, quarantine.c, store_rewrite.c, anchors.c); what makes it safe is that a
 * new folder has a new generation, by which those that borrowed the old one know that it is gone.
 *
 * A handle of libgit2 may have looked at the packs before the last one came; so what is missing is
 * believed only after loading afresh, and every change here ends with that.
 */
#include "worker/store/cache_repository.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/store/connectivity.h"
#include "worker/git/git_library.h"
#include "worker/store/quarantine.h"
#include "worker/store/store_rewrite.h"

gboolean cache_repository_init(struct cache_repository *repository, const char *parent,
	const char *name, const char *borrowed, const char *basis, GError **error)
{
	memset(repository, 0, sizeof(*repository));
	store_folder_init(&repository->folder, parent, name);
	repository->borrowed = g_strdup(borrowed);
	repository->basis = g_strdup(basis);
	/* The file that says what is borrowed has a path a line. */
	if (strpbrk(parent, "\r\n")) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE,
			"the cache folder's name has a line break: %s", parent);
		return FALSE;
	}
	if (!store_folder_make_parents(parent, error))
		return FALSE;
	repository->lock = store_lock_open(repository->folder.lock, error);
	return repository->lock != NULL;
}

static void unload(struct cache_repository *repository)
{
	git_repository_free(repository->git);
	repository->git = NULL;
	anchors_clear(&repository->anchors);
}

void cache_repository_clear(struct cache_repository *repository)
{
	unload(repository);
	g_clear_pointer(&repository->lock, store_lock_close);
	g_clear_pointer(&repository->borrowed, g_free);
	g_clear_pointer(&repository->basis, g_free);
	store_folder_clear(&repository->folder);
}

static gboolean broken(GError **error, const struct cache_repository *repository, const char *why)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY, "%s %s",
		repository->folder.repository, why);
	return FALSE;
}

static gboolean borrows_rightly(const struct cache_repository *repository)
{
	g_autofree char *path = g_build_filename(
		repository->folder.repository, "objects", "info", "alternates", NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return !repository->borrowed;
	return repository->borrowed && strcmp(g_strchomp(text), repository->borrowed) == 0;
}

struct lacking {
	git_odb *odb;
	const char *name;
};

static gboolean stop_at_lacking(gpointer name, gpointer oid, gpointer user_data)
{
	struct lacking *lacking = user_data;

	if (!git_odb_exists(lacking->odb, oid))
		lacking->name = name;
	return lacking->name != NULL;
}

static gboolean anchors_are_there(const struct cache_repository *repository, GError **error)
{
	struct lacking lacking = {0};

	if (git_repository_odb(&lacking.odb, repository->git) != 0)
		return broken(error, repository, "has no objects");
	g_tree_foreach(repository->anchors.by_name, stop_at_lacking, &lacking);
	git_odb_free(lacking.odb);
	return !lacking.name || broken(error, repository, "lacks what its refs name");
}

/* Loads all that needs no look at the time of the last boot. */
static gboolean load_any_boot(struct cache_repository *repository, GError **error)
{
	const char *path = repository->folder.repository;

	unload(repository);
	anchors_init(&repository->anchors);
	if (!store_stamp_read(&repository->stamp, path, error))
		return FALSE;
	if (strcmp(repository->stamp.basis, repository->basis ? repository->basis : "-") != 0 ||
		!borrows_rightly(repository))
		return broken(error, repository, "borrows from a store that is gone");
	if (!anchors_read(&repository->anchors, path, error))
		return FALSE;
	if (git_repository_open_bare(&repository->git, path) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open %s", path);
		return FALSE;
	}
	return anchors_are_there(repository, error);
}

gboolean cache_repository_load(struct cache_repository *repository, GError **error)
{
	return load_any_boot(repository, error) &&
		(store_stamp_is_of_this_boot(&repository->stamp) ||
			broken(error, repository, "was not read since the machine was started"));
}

/* Makes and loads the empty repository. Needs USE exclusively. */
static gboolean make_anew(struct cache_repository *repository, GError **error)
{
	struct store_stamp stamp = store_stamp_new(repository->basis);
	const struct store_folder *folder = &repository->folder;

	unload(repository);
	return store_folder_remove(folder->next, error) &&
		store_folder_make(folder->next, repository->borrowed, error) &&
		store_stamp_write(&stamp, folder->next, error) &&
		store_folder_exchange(folder, error) && load_any_boot(repository, error);
}

gboolean cache_repository_remake(
	struct cache_repository *repository, const struct budget *budget, GError **error)
{
	/* Whoever still uses the old one goes on with it; nobody else takes WRITE meanwhile. */
	return store_lock_take(
		       repository->lock, STORE_LOCK_USE, STORE_LOCK_EXCLUSIVE, budget, error) &&
		make_anew(repository, error) &&
		store_lock_take(repository->lock, STORE_LOCK_USE, STORE_LOCK_SHARED, budget, error);
}

/* What a stop of the machine may have cost is looked for once; then the folder counts as of this
 * boot. */
static gboolean vouch_for(struct cache_repository *repository, GError **error)
{
	struct store_stamp now = store_stamp_new(NULL);

	if (store_stamp_is_of_this_boot(&repository->stamp))
		return TRUE;
	if (!store_folder_verify(repository->folder.repository, error))
		return FALSE;
	memcpy(repository->stamp.boot, now.boot, sizeof(now.boot));
	return store_stamp_write(&repository->stamp, repository->folder.repository, error);
}

gboolean cache_repository_prepare(
	struct cache_repository *repository, const struct budget *budget, GError **error)
{
	g_autoptr(GError) damage = NULL;

	if (!store_lock_take(repository->lock, STORE_LOCK_USE, STORE_LOCK_SHARED, budget, error))
		return FALSE;
	store_folder_unlock_refs(repository->folder.repository);
	if (load_any_boot(repository, &damage) && vouch_for(repository, &damage))
		return TRUE;
	if (g_file_test(repository->folder.repository, G_FILE_TEST_EXISTS))
		g_message("store=rebuilt path=%s reason=\"%s\"", repository->folder.repository,
			damage->message);
	return cache_repository_remake(repository, budget, error);
}

gboolean cache_repository_has(const struct cache_repository *repository, const git_oid *oid)
{
	git_odb *odb = NULL;
	gboolean there;

	if (git_repository_odb(&odb, repository->git) != 0)
		return FALSE;
	there = git_odb_exists(odb, oid) == 1;
	git_odb_free(odb);
	return there;
}

gboolean cache_repository_keep(struct cache_repository *repository, const struct fetch_ref *refs,
	size_t n_refs, GError **error)
{
	gboolean changed = FALSE;

	for (size_t i = 0; i < n_refs; i++)
		changed |= anchors_set(&repository->anchors, refs[i].local_name, &refs[i].oid);
	anchors_thin(&repository->anchors, refs, n_refs);
	return !changed ||
		anchors_write(&repository->anchors, repository->folder.repository, error);
}

gboolean cache_repository_fetch(struct cache_repository *repository, struct http *http,
	const struct remote *remote, const struct fetch_ref *refs, size_t n_refs,
	const struct negotiation *negotiation, struct budget *budget, GError **error)
{
	return quarantine_fetch(&repository->folder, http, remote, refs, n_refs, negotiation,
		       budget, error) &&
		cache_repository_load(repository, error) &&
		cache_repository_keep(repository, refs, n_refs, error);
}

static gboolean add_oid(gpointer name, gpointer oid, gpointer oids)
{
	(void)name;
	g_array_append_vals(oids, oid, 1);
	return FALSE;
}

gboolean cache_repository_is_broken(
	struct cache_repository *repository, const struct budget *budget)
{
	g_autoptr(GArray) oids = g_array_new(FALSE, FALSE, sizeof(git_oid));
	g_autoptr(GError) failure = NULL;

	if (load_any_boot(repository, &failure) &&
		store_folder_verify(repository->folder.repository, &failure)) {
		g_tree_foreach(repository->anchors.by_name, add_oid, oids);
		connectivity_check_all(repository->folder.repository,
			(const git_oid *)(const void *)oids->data, oids->len, budget, &failure);
	}
	return g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
}

void cache_repository_condemn(const struct cache_repository *repository)
{
	g_message("store=condemned path=%s", repository->folder.repository);
	store_stamp_remove(repository->folder.repository);
}

/* Takes USE for this one alone: at once where nobody else has it, and where a rewrite is overdue
 * after a wait during which nobody new gets it. */
static gboolean take_alone(struct cache_repository *repository, const struct budget *budget)
{
	struct store_lock *lock = repository->lock;
	gboolean taken = store_lock_try(lock, STORE_LOCK_USE, STORE_LOCK_EXCLUSIVE);

	if (taken || !store_rewrite_is_overdue(repository->folder.repository))
		return taken;
	taken = store_lock_take_within(lock, STORE_LOCK_GATE, STORE_LOCK_EXCLUSIVE,
			LIMIT_STORE_REWRITE_WAIT_MS, budget, NULL) &&
		store_lock_take_within(lock, STORE_LOCK_USE, STORE_LOCK_EXCLUSIVE,
			LIMIT_STORE_REWRITE_WAIT_MS, budget, NULL);
	store_lock_drop(lock, STORE_LOCK_GATE);
	return taken;
}

gboolean cache_repository_rewrite_if_due(
	struct cache_repository *repository, const struct budget *budget, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (!store_rewrite_is_due(repository->folder.repository) || !take_alone(repository, budget))
		return TRUE;
	unload(repository);
	if (!store_rewrite(&repository->folder, repository->borrowed, budget, &failure))
		g_warning("store=not_rewritten path=%s reason=\"%s\"",
			repository->folder.repository, failure->message);
	return store_lock_take(
		       repository->lock, STORE_LOCK_USE, STORE_LOCK_SHARED, budget, error) &&
		cache_repository_load(repository, error);
}
