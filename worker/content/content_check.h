#ifndef FORGE_WORKER_CONTENT_CONTENT_CHECK_H
#define FORGE_WORKER_CONTENT_CONTENT_CHECK_H

#include <git2.h>
#include <glib.h>

#include "journal/base/config.h"
#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/remote/remote.h"

/**
 * The questions put to one fork's server about content that git does not push: objects of git-lfs,
 * and repositories of submodules beside the fork. Remembers the answers, so that a fork's many
 * branches ask once. Belongs to one thread.
 */
struct content_check;

/** Everything is borrowed until it is freed. */
struct content_check *content_check_new(const struct config *config, struct http *http,
	const struct remote *upstream, const struct remote *fork);
void content_check_free(struct content_check *check);
SCOPED_POINTER(content_check, content_check_free)

/**
 * TRUE if the fork's server has what the commit AFTER of GIT refers to outside its repository and
 * the commit BEFORE (zero: the branch is not there yet) does not. Nobody is asked where nothing is
 * new.
 *
 * MISSING_LFS_OBJECTS: an LFS pointer is new and the server lacks its object. Not asked if
 * .lfsconfig names a server of its own (lfs.url), which serves every fork alike, nor over ssh:
 * there it is believed if upstream is on the same host, for a host that lets git-lfs in by ssh is a
 * forge, whose forks commonly share what they store and whose own check refuses the push if they do
 * not; with upstream elsewhere it is MISSING_LFS_OBJECTS, saying that it could not be asked.
 *
 * MISSING_SUBMODULE: a gitlink is new, or names another commit, and .gitmodules places its
 * repository relative to the fork, where there is none. Whether that repository has the commit is
 * not asked. An address of another server passes, and so does a gitlink without an address:
 * upstream is as broken.
 *
 * Other errors are those of asking, with what was asked: as new_content_collect(),
 * lfs_server_ask(), transfer_list().
 */
gboolean content_check_branch(struct content_check *check, git_repository *git,
	const git_oid *before, const git_oid *after, struct budget *budget, GError **error);

#endif
