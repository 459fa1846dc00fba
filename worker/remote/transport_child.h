#ifndef FORGE_WORKER_REMOTE_TRANSPORT_CHILD_H
#define FORGE_WORKER_REMOTE_TRANSPORT_CHILD_H

#include <git2.h>

/**
 * A git_transport_cb for remotes over ssh and for paths: libgit2 speaks git's protocol through the
 * standard input and output of a child, `ssh HOST git-upload-pack PATH` or `git upload-pack PATH`.
 * PARAM is a struct transport_context, borrowed for as long as OWNER lives; its error says what
 * went wrong when libgit2 reports failure.
 */
int transport_child_new(git_transport **out, git_remote *owner, void *param);

#endif
