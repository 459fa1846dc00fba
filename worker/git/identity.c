/*
 * The name and address on commits that forge makes. Name and address are looked for apart, as git
 * does: one may come from the configuration and the other from git's.
 */
#include "worker/git/identity.h"

#include "journal/base/errors.h"
#include "worker/git/git_settings.h"

/* The value of KEY in git's configuration, or NULL. Caller frees. */
static char *from_git(git_config *git, const char *key)
{
	git_buf value = GIT_BUF_INIT;
	char *copy = NULL;

	if (git && git_config_get_string_buf(&value, git, key) == 0 && *value.ptr)
		copy = g_strdup(value.ptr);
	git_buf_dispose(&value);
	return copy;
}

git_signature *identity_signature(const struct config *config, uint64_t when_us, GError **error)
{
	git_config *git = git_settings_open();
	g_autofree char *name = g_strdup(config->git_username);
	g_autofree char *email = g_strdup(config->git_email);
	git_signature *signature = NULL;

	if (!name)
		name = from_git(git, "user.name");
	if (!email)
		email = from_git(git, "user.email");
	git_config_free(git);
	if (!name)
		name = g_strdup("forge");
	if (!email)
		email = g_strdup_printf("forge@%s", g_get_host_name());
	if (git_signature_new(&signature, name, email, (git_time_t)(when_us / G_USEC_PER_SEC), 0) ==
		0)
		return signature;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
		"'%s <%s>' cannot sign a commit; set git.username and git.email", name, email);
	return NULL;
}
