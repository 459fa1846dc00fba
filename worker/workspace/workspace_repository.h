#ifndef FORGE_WORKER_WORKSPACE_WORKSPACE_REPOSITORY_H
#define FORGE_WORKER_WORKSPACE_WORKSPACE_REPOSITORY_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/*
 * `.forge/repository`, the bare repository of a workspace: its own objects, and for each component
 * NAME the refs below `refs/forge/NAME/`:
 *
 *     base        the commit that stands for upstream's version (component_history_import())
 *     local       the newest checkpoint; absent while there is none
 *     pending/X   what a pending merge needs; the names are the caller's
 *     removed     the base of a component that was removed: the next installation goes on from it
 *     needed      there (and naming some base) while only other components need it: nobody asked for
 *                 it, so it goes with the last that does
 *     stash/N     stashes, numbered from 1, newest highest
 *
 * REF in the functions below is the part behind NAME (`base`, `pending/theirs`). What these refs
 * reach is whole; nothing else is kept for ever. NAME is a component's name as in component.yaml;
 * any other is VALIDATION_FAILED.
 */
#define COMPONENT_REF_BASE "base"
#define COMPONENT_REF_LOCAL "local"
#define COMPONENT_REF_PENDING "pending/"
#define COMPONENT_REF_STASH "stash/"
#define COMPONENT_REF_REMOVED "removed"
#define COMPONENT_REF_NEEDED "needed"

/**
 * Makes the repository of the workspace at the path WORKSPACE, and `.forge` for this user alone, if
 * they are not there. It is made beside its place and renamed, so it is whole or absent.
 * CACHE_UNUSABLE (the folder cannot be written).
 */
gboolean workspace_repository_make(const char *workspace, GError **error);

/**
 * Opens the repository of the workspace at the path WORKSPACE. BROKEN_REPOSITORY if it is not there
 * or is none. Free with git_repository_free().
 */
git_repository *workspace_repository_open(const char *workspace, GError **error);

/** Removes lock files of refs and half-made repositories that a killed process left. Whoever calls
 * holds the workspace against all other writers. */
void workspace_repository_recover(const char *workspace);

/** Removes lock files that a killed process left on the refs of the component NAME. Whoever calls is
 * the only one to write them: its job, or a change of its folder. */
void workspace_refs_unlock(git_repository *repository, const char *name);

/** The full name of the ref REF of the component NAME, or NULL with VALIDATION_FAILED. Caller
 * frees. */
char *workspace_ref_name(const char *name, const char *ref, GError **error);

/** What REF of the component NAME names; *OID is zero if it is not there. BROKEN_REPOSITORY. */
gboolean workspace_ref_get(git_repository *repository, const char *name, const char *ref,
	git_oid *oid, GError **error);

/**
 * Points REF at OID, which is there. EXPECTED is what it must name now: zero, it must not be there;
 * NULL, whatever it names. REF_MOVED if it names anything else; STORE_BUSY if somebody holds it.
 */
gboolean workspace_ref_set(git_repository *repository, const char *name, const char *ref,
	const git_oid *expected, const git_oid *oid, GError **error);

/** Deletes REF, which must name EXPECTED (NULL: whatever; fine if it is not there then). REF_MOVED,
 * STORE_BUSY. */
gboolean workspace_ref_delete(git_repository *repository, const char *name, const char *ref,
	const git_oid *expected, GError **error);

/** One ref of a component. */
struct workspace_ref {
	char *ref; /**< the part behind the component's name */
	git_oid oid;
};

/** The refs of the component NAME that begin with PREFIX ("": all), as a GPtrArray of struct
 * workspace_ref sorted by name. Caller unrefs. */
GPtrArray *workspace_refs_list(
	git_repository *repository, const char *name, const char *prefix, GError **error);

/** Deletes the refs of the component NAME that begin with PREFIX ("": all of them). */
gboolean workspace_refs_delete(
	git_repository *repository, const char *name, const char *prefix, GError **error);

/** The names of all components that have a ref, sorted. Caller frees with g_strfreev(). */
char **workspace_refs_components(git_repository *repository, GError **error);

struct workspace_stash {
	uint32_t number;
	git_oid oid;
};

/** Keeps OID as the newest stash of the component NAME; *NUMBER is its number. TOO_LARGE past
 * LIMIT_STASHES. Drop one with workspace_ref_delete(`stash/NUMBER`). */
gboolean workspace_stash_add(git_repository *repository, const char *name, const git_oid *oid,
	uint32_t *number, GError **error);

/** The stashes of the component NAME, newest first, as a GArray of struct workspace_stash. Caller
 * unrefs. */
GArray *workspace_stash_list(git_repository *repository, const char *name, GError **error);

#endif
