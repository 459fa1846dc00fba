/*
 * Where git's own configuration is read, all of it: identity, proxies, authorities, insteadOf, ssh.
 *
 * libgit2 knows the usual places and none of the variables that move them (git(1)). The variables
 * that hold settings themselves (GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS) are not read.
 */
#include "worker/git/git_settings.h"

/* git's booleans; what is none of them is none. */
static gboolean is_set(const char *name)
{
	const char *value = g_getenv(name);
	int set = FALSE;

	return value && *value && git_config_parse_bool(&set, value) == 0 && set;
}

static gboolean add_file(git_config *config, const char *path, git_config_level_t level)
{
	/* An empty name is how one says: no file. */
	return !*path || git_config_add_file_ondisk(config, path, level, NULL, FALSE) == 0;
}

static gboolean add_found(git_config *config, int (*find)(git_buf *path), git_config_level_t level)
{
	git_buf path = GIT_BUF_INIT;
	gboolean added = find(&path) != 0 || add_file(config, path.ptr, level);

	git_buf_dispose(&path);
	return added;
}

static gboolean add_system(git_config *config)
{
	const char *moved = g_getenv("GIT_CONFIG_SYSTEM");

	if (is_set("GIT_CONFIG_NOSYSTEM"))
		return TRUE;
	return moved ? add_file(config, moved, GIT_CONFIG_LEVEL_SYSTEM)
		     : add_found(config, git_config_find_system, GIT_CONFIG_LEVEL_SYSTEM);
}

static gboolean add_users(git_config *config)
{
	const char *moved = g_getenv("GIT_CONFIG_GLOBAL");

	if (moved)
		return add_file(config, moved, GIT_CONFIG_LEVEL_GLOBAL);
	return add_found(config, git_config_find_xdg, GIT_CONFIG_LEVEL_XDG) &&
		add_found(config, git_config_find_global, GIT_CONFIG_LEVEL_GLOBAL);
}

git_config *git_settings_open(void)
{
	git_config *config = NULL;

	if (git_config_new(&config) == 0 && add_system(config) && add_users(config))
		return config;
	git_config_free(config);
	return NULL;
}

static void look_nowhere(git_config_level_t level)
{
	g_assert(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "") == 0);
}

void git_settings_restrict_library(void)
{
	if (is_set("GIT_CONFIG_NOSYSTEM") || g_getenv("GIT_CONFIG_SYSTEM"))
		look_nowhere(GIT_CONFIG_LEVEL_SYSTEM);
	if (g_getenv("GIT_CONFIG_GLOBAL")) {
		look_nowhere(GIT_CONFIG_LEVEL_XDG);
		look_nowhere(GIT_CONFIG_LEVEL_GLOBAL);
	}
}
