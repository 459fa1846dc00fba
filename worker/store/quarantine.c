/*
 * A fetch, kept apart until it is known to be whole.
 *
 * What a server sends lands in a repository of its own that borrows the one it is meant for. Only
 * when every object of it is connected are its packs moved in, the pack before its index: an index
 * without its pack would make objects "exist" that cannot be read, a pack without its index is not
 * seen at all. A server that names what it never sent, or a kill in the middle, leaves a folder
 * that the next fetch removes and nothing else.
 */
#include "worker/store/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "worker/store/connectivity.h"
#include "worker/git/git_library.h"

static gboolean move_file(const char *from, const char *to_folder, GError **error)
{
	g_autofree char *name = g_path_get_basename(from);
	g_autofree char *to = g_build_filename(to_folder, name, NULL);

	if (rename(from, to) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE,
			"cannot move %s to %s: %s", from, to_folder, g_strerror(errno));
		return FALSE;
	}
	return TRUE;
}

static gboolean move_packs(const struct store_folder *folder, GError **error)
{
	g_autofree char *from = g_build_filename(folder->incoming, "objects", "pack", NULL);
	g_autofree char *to = g_build_filename(folder->repository, "objects", "pack", NULL);
	g_autoptr(GDir) names = g_dir_open(from, 0, error);
	const char *name;

	if (!names)
		return FALSE;
	while ((name = g_dir_read_name(names))) {
		g_autofree char *index = g_build_filename(from, name, NULL);
		g_autofree char *pack = NULL;

		if (!g_str_has_suffix(name, ".idx"))
			continue;
		pack = g_strdup_printf("%.*s.pack", (int)(strlen(index) - strlen(".idx")), index);
		if (!move_file(pack, to, error) || !move_file(index, to, error))
			return FALSE;
	}
	return TRUE;
}

/* What a transfer ends with that could not write what came. Whatever else it ended with has a
 * reason of its own: who cancelled a job did not ask for room on the disk. */
static gboolean may_be_the_disk(const GError *error)
{
	return g_error_matches(error, FORGE_ERROR, FORGE_ERROR_FAILED) ||
		g_error_matches(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY) ||
		g_error_matches(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
}

/* A disk that is full, or a folder that is read-only, looks like a broken transfer: say so instead.
 */
static void blame_disk(const char *path, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(path);
	struct statvfs disk;

	if (!may_be_the_disk(*error))
		return;
	if (access(parent, W_OK) != 0) {
		g_clear_error(error);
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE,
			"cannot write to %s: %s", parent, g_strerror(errno));
	} else if (statvfs(parent, &disk) == 0 && disk.f_bavail == 0) {
		g_clear_error(error);
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE,
			"the disk that holds %s is full", parent);
	}
}

/* The transfer itself: into refs named by number, since the callers' names may clash with each
 * other here. */
static gboolean receive(const char *path, struct http *http, const struct remote *remote,
	const struct fetch_ref *refs, size_t n_refs, struct budget *budget, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree struct fetch_ref *arriving = g_new(struct fetch_ref, n_refs);
	git_repository *git = NULL;
	gboolean done;

	if (git_repository_open_bare(&git, path) != 0) {
		git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "cannot open %s", path);
		return FALSE;
	}
	for (size_t i = 0; i < n_refs; i++) {
		char *name = g_strdup_printf("refs/arrived/%" G_GSIZE_FORMAT, i);

		g_ptr_array_add(names, name);
		arriving[i] = refs[i];
		arriving[i].local_name = name;
	}
	done = transfer_fetch(http, git, remote, arriving, n_refs, budget, error);
	git_repository_free(git);
	return done;
}

static gboolean check(const char *path, const struct fetch_ref *refs, size_t n_refs,
	const struct budget *budget, GError **error)
{
	g_autofree git_oid *tips = g_new(git_oid, n_refs);

	for (size_t i = 0; i < n_refs; i++)
		tips[i] = refs[i].oid;
	return connectivity_check(path, tips, n_refs, budget, error);
}

gboolean quarantine_fetch(const struct store_folder *folder, struct http *http,
	const struct remote *remote, const struct fetch_ref *refs, size_t n_refs,
	const struct negotiation *negotiation, struct budget *budget, GError **error)
{
	g_autofree char *borrowed = g_build_filename(folder->repository, "objects", NULL);
	GError *failure = NULL;
	gboolean done = store_folder_remove(folder->incoming, &failure) &&
		store_folder_make(folder->incoming, borrowed, &failure) &&
		negotiation_write(negotiation, folder->incoming, &failure);

	if (done) {
		done = receive(folder->incoming, http, remote, refs, n_refs, budget, &failure);
		if (!done)
			blame_disk(folder->incoming, &failure);
	}
	done = done && negotiation_forget(folder->incoming, &failure);
	if (done && !check(folder->incoming, refs, n_refs, budget, &failure)) {
		done = FALSE;
		g_prefix_error(&failure, "%s%s: ", remote->shown,
			g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY)
				? " sent an incomplete history"
				: "");
	}
	done = done && move_packs(folder, &failure);
	/* What cannot be removed now is removed before the next fetch, which says why if it cannot
	 * either. */
	store_folder_remove(folder->incoming, NULL);
	if (!done)
		g_propagate_error(error, failure);
	return done;
}
