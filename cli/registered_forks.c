/*
 * Which forks of a repository the user has. Commands of a workspace work on the workspace's own
 * journal; forks are in the user's, so this opens that one beside it, for reading.
 *
 * Two names are one repository if they lead to the same address.
 */
#include "cli/registered_forks.h"

#include <string.h>

#include "cli/client.h"
#include "cli/requests.h"
#include "worker/remote/remote.h"

/* The configuration as it is outside of workspaces. */
static struct config *load_config(const struct invocation *invocation, GError **error)
{
	const char *path = invocation->config->path;

	return config_load(g_file_test(path, G_FILE_TEST_EXISTS) ? path : NULL, error);
}

static gboolean was_ever_written(const struct config *config)
{
	g_autofree char *path = config_journal_path(config);

	return config->scheduler_endpoint || g_file_test(path, G_FILE_TEST_IS_DIR);
}

static gboolean is_same(
	const struct config *config, const struct remote *upstream, const char *repository)
{
	scoped(remote) remote = remote_new(config, repository, NULL);

	return remote && strcmp(remote->url, upstream->url) == 0;
}

static void add_once(GPtrArray *repositories, const char *repository)
{
	if (!g_ptr_array_find_with_equal_func(repositories, repository, g_str_equal, NULL))
		g_ptr_array_add(repositories, g_strdup(repository));
}

GPtrArray *registered_forks_of(
	const struct invocation *invocation, const char *upstream, GError **error)
{
	g_autoptr(GPtrArray) repositories = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) rows = NULL;
	scoped(config) config = load_config(invocation, error);
	scoped(remote) remote = NULL;
	scoped(client) client = NULL;

	if (!config)
		return NULL;
	if (!was_ever_written(config))
		return g_steal_pointer(&repositories);
	remote = remote_new(config, upstream, error);
	client = remote ? client_new(config, CLIENT_READS, 0, error) : NULL;
	rows = client ? requests_forks(client, NULL, error) : NULL;
	if (!rows)
		return NULL;
	for (guint i = 0; i < rows->len; i++) {
		const Forge__Fork *fork = ((const Forge__ForkRow *)rows->pdata[i])->fork;

		if (is_same(config, remote, fork->upstream))
			add_once(repositories, fork->fork);
	}
	return g_steal_pointer(&repositories);
}
