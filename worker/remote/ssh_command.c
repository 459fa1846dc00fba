/*
 * Which ssh, with which arguments. Follows git's connect.c, so that what works with git works here:
 * the same variables and settings in the same order, the same quoting of the path for the remote
 * shell, and the same families of programs (OpenSSH, PuTTY's plink, and "simple" ones that take
 * nothing but host and command).
 *
 * One thing differs: a command whose family is unknown is not run once more with -G to find out. It
 * is given a port as OpenSSH takes it, and no options of ours.
 */
#include "worker/remote/ssh_command.h"

#include <git2.h>

#include "journal/base/errors.h"
#include "worker/git/git_settings.h"

enum ssh_family {
	SSH_OPENSSH,
	SSH_PLINK, /* plink, putty, tortoiseplink */
	SSH_SIMPLE,
	SSH_UNKNOWN,
};

static const struct {
	const char *name;
	enum ssh_family family;
} families[] = {
	{"ssh", SSH_OPENSSH},
	{"plink", SSH_PLINK},
	{"putty", SSH_PLINK},
	{"tortoiseplink", SSH_PLINK},
	{"simple", SSH_SIMPLE},
};

static enum ssh_family family_called(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
		if (g_ascii_strcasecmp(families[i].name, name) == 0)
			return families[i].family;
	return SSH_UNKNOWN;
}

/* The value of NAME in git's own configuration, or NULL. Caller frees. */
static char *configured(const char *name)
{
	git_config *config = git_settings_open();
	git_buf buffer = {0};
	char *value = NULL;

	if (config && git_config_get_string_buf(&buffer, config, name) == 0)
		value = g_strdup(buffer.ptr);
	git_buf_dispose(&buffer);
	git_config_free(config);
	return value;
}

/* What is to be run: a line for the shell, or one program. */
struct ssh_program {
	char *shell_line;
	char *program;
};

static struct ssh_program find_program(void)
{
	struct ssh_program found = {g_strdup(g_getenv("GIT_SSH_COMMAND")), NULL};

	if (!found.shell_line)
		found.shell_line = configured("core.sshcommand");
	if (!found.shell_line)
		found.program = g_strdup(g_getenv("GIT_SSH") ? g_getenv("GIT_SSH") : "ssh");
	return found;
}

static enum ssh_family family_of(const struct ssh_program *program)
{
	g_autofree char *said = g_strdup(g_getenv("GIT_SSH_VARIANT"));
	g_auto(GStrv) words = NULL;
	g_autofree char *base = NULL;

	if (!said)
		said = configured("ssh.variant");
	if (said && family_called(said) != SSH_UNKNOWN)
		return family_called(said);
	if (program->shell_line && !g_shell_parse_argv(program->shell_line, NULL, &words, NULL))
		return SSH_UNKNOWN;
	base = g_path_get_basename(words ? words[0] : program->program);
	return family_called(base);
}

/* PATH as one word of the remote shell, quoted as git quotes it: `!` too, for csh. Caller frees. */
static char *quote(const char *path)
{
	GString *quoted = g_string_new("'");

	for (; *path; path++) {
		if (*path == '\'' || *path == '!')
			g_string_append_printf(quoted, "'\\%c'", *path);
		else
			g_string_append_c(quoted, *path);
	}
	g_string_append_c(quoted, '\'');
	return g_string_free(quoted, FALSE);
}

static void add_options(
	GStrvBuilder *builder, enum ssh_family family, const char *port, int64_t connect_ms)
{
	g_autofree char *connect = g_strdup_printf(
		"ConnectTimeout=%" G_GINT64_FORMAT, MAX(1, connect_ms / 1000));

	switch (family) {
	case SSH_OPENSSH:
		g_strv_builder_add_many(builder, "-o", "BatchMode=yes", "-o", connect, NULL);
		break;
	case SSH_PLINK:
		g_strv_builder_add(builder, "-batch");
		break;
	case SSH_SIMPLE:
	case SSH_UNKNOWN:
		break;
	}
	if (port)
		g_strv_builder_add_many(builder, family == SSH_PLINK ? "-P" : "-p", port, NULL);
}

char **ssh_command(
	const struct remote *remote, const char *service, int64_t connect_ms, GError **error)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	struct ssh_program program = find_program();
	g_autofree char *shell_line = program.shell_line;
	g_autofree char *direct = program.program;
	g_autofree char *path = quote(remote->path);
	g_autofree char *command = g_strconcat(service, " ", path, NULL);
	enum ssh_family family = family_of(&program);

	if (family == SSH_SIMPLE && remote->port) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
			"%s: the ssh command in use cannot be told a port", remote->shown);
		return NULL;
	}
	/* Both would be read as options by ssh or by git; remote_new() lets neither pass. */
	g_assert(remote->login[0] != '-');
	g_assert(remote->path[0] != '-');
	if (shell_line) {
		g_autofree char *line = g_strconcat(shell_line, " \"$@\"", NULL);

		g_strv_builder_add_many(builder, "sh", "-c", line, shell_line, NULL);
	} else {
		g_strv_builder_add(builder, direct);
	}
	add_options(builder, family, remote->port, connect_ms);
	g_strv_builder_add_many(builder, remote->login, command, NULL);
	return g_strv_builder_end(builder);
}
