/*
 * What people call a fork and its repositories, checked before it becomes an event that cannot be
 * taken back.
 *
 * Whether a repository can be reached is not asked here; that is an outcome of syncing.
 */
#include "cli/fork_name.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/secret.h"

gboolean fork_name_check(const char *name, GError **error)
{
	gboolean good = g_ascii_isalnum(name[0]) && strlen(name) <= LIMIT_NAME_BYTES;

	for (const char *at = name; *at && good; at++)
		good = g_ascii_isalnum(*at) || strchr("._-", *at);
	if (good)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"'%s' cannot be the name of a fork: up to %d letters, digits, `.`, `_` and `-`, "
		"beginning with a letter or digit",
		name, LIMIT_NAME_BYTES);
	return FALSE;
}

static gboolean refuse(const char *option, const char *what, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "--%s: %s", option, what);
	return FALSE;
}

static gboolean check_repository(const char *option, const char *repository, GError **error)
{
	if (!*repository)
		return refuse(option, "expected a repository, not an empty text", error);
	if (strlen(repository) > LIMIT_URL_BYTES)
		return refuse(option, "the repository's address is too long", error);
	if (repository[0] == '-')
		return refuse(option, "a repository cannot begin with a dash", error);
	for (const char *at = repository; *at; at++)
		if (g_ascii_iscntrl(*at))
			return refuse(option, "a repository cannot hold control characters", error);
	if (secret_in_address(repository))
		return refuse(option,
			"the URL holds a password or token, which would stay in the journal; use hosts.HOST.token_env "
			"or git's credential helpers",
			error);
	return TRUE;
}

static gboolean is_relative_path(const char *repository)
{
	if (g_path_is_absolute(repository) || strstr(repository, "://"))
		return FALSE;
	if (strcmp(repository, ".") == 0 || strcmp(repository, "..") == 0 ||
		g_str_has_prefix(repository, "./") || g_str_has_prefix(repository, "../"))
		return TRUE;
	/* Neither `user@host:path` nor HOST/OWNER/NAME, unless there is such a folder. */
	return !strchr(repository, ':') && g_file_test(repository, G_FILE_TEST_IS_DIR);
}

char *fork_name_repository(const char *option, const char *repository, GError **error)
{
	g_autofree char *absolute = NULL;

	if (!check_repository(option, repository, error))
		return NULL;
	if (!is_relative_path(repository))
		return g_strdup(repository);
	absolute = g_canonicalize_filename(repository, NULL);
	if (!g_utf8_validate(absolute, -1, NULL)) {
		refuse(option, "the path is not UTF-8", error);
		return NULL;
	}
	return g_steal_pointer(&absolute);
}
