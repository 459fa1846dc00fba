#ifndef FORGE_WORKER_GIT_GIT_SETTINGS_H
#define FORGE_WORKER_GIT_GIT_SETTINGS_H

#include <git2.h>
#include <glib.h>

/**
 * The user's configuration as git reads it outside of a repository: the system's file, then the
 * user's two, later ones before earlier. GIT_CONFIG_SYSTEM and GIT_CONFIG_GLOBAL name other files,
 * GIT_CONFIG_NOSYSTEM leaves the system's out; a file that is not there says nothing. NULL if none
 * can be read, or one is broken, which is git's to complain about. Free with git_config_free().
 */
git_config *git_settings_open(void);

/** Has libgit2 look nowhere else either where the environment says so. Once, when it starts. */
void git_settings_restrict_library(void);

#endif
