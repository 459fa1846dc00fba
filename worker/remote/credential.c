/*
 * Credentials from git's own helpers (git-credential(1)), for servers that want one and whose host
 * has no token.
 *
 * Nobody is asked on a terminal. Secrets travel through pipes, never through arguments, errors or
 * logs; they stay in this process's memory and are wiped when they are dropped. A helper's answer
 * covers all repositories of a host, unless it says for which path it holds
 * (credential.useHttpPath).
 */
#include "worker/remote/credential.h"

#include <pthread.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/remote/child.h"

struct credential {
	char *prefix; /* of the URLs for which it holds, with a slash at its end */
	char *answer;
	char *username;
	char *password;
};

struct credentials {
	pthread_mutex_t lock; /* not GMutex: the thread sanitizer does not see through it */
	GPtrArray *known;     /* of struct credential */
};

static void free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	g_free(secret);
}

static void free_credential(gpointer data)
{
	struct credential *credential = data;

	g_free(credential->prefix);
	g_free(credential->username);
	free_secret(credential->answer);
	free_secret(credential->password);
	g_free(credential);
}

struct credentials *credentials_new(void)
{
	struct credentials *credentials = g_new0(struct credentials, 1);

	pthread_mutex_init(&credentials->lock, NULL);
	credentials->known = g_ptr_array_new_with_free_func(free_credential);
	return credentials;
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	g_ptr_array_unref(credentials->known);
	pthread_mutex_destroy(&credentials->lock);
	g_free(credentials);
}

/* ---- what is known ---- */

static void use(struct login *login, char *take_answer, char *take_username, char *take_password)
{
	free_secret(login->answer);
	free_secret(login->password);
	g_free(login->username);
	login->answer = take_answer;
	login->remote.username = login->username = take_username;
	login->remote.password = login->password = take_password;
}

static void use_known(struct login *login)
{
	struct credentials *credentials = login->credentials;
	g_autofree char *url = g_strconcat(login->remote.url, "/", NULL);

	pthread_mutex_lock(&credentials->lock);
	for (guint i = 0; i < credentials->known->len && !login->password; i++) {
		const struct credential *credential = g_ptr_array_index(credentials->known, i);

		/* Who is named in the address is nobody else. */
		if (g_str_has_prefix(url, credential->prefix) &&
			(!login->asked_username ||
				strcmp(credential->username, login->asked_username) == 0))
			use(login, g_strdup(credential->answer), g_strdup(credential->username),
				g_strdup(credential->password));
	}
	pthread_mutex_unlock(&credentials->lock);
}

static void forget(struct credentials *credentials, const char *answer)
{
	pthread_mutex_lock(&credentials->lock);
	for (guint i = credentials->known->len; i > 0; i--) {
		const struct credential *credential = g_ptr_array_index(credentials->known, i - 1);

		if (strcmp(credential->answer, answer) == 0)
			g_ptr_array_remove_index(credentials->known, i - 1);
	}
	pthread_mutex_unlock(&credentials->lock);
}

/* The value of KEY in ANSWER's lines of KEY=VALUE, or NULL. Caller frees. */
static char *value_of(const char *answer, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = answer; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, key, length) == 0 && line[length] == '=')
			return g_strndup(line + length + 1, strcspn(line + length + 1, "\r\n"));
	return NULL;
}

static void remember(struct login *login)
{
	struct credential *credential = g_new0(struct credential, 1);
	g_autofree char *path = value_of(login->answer, "path");
	g_autoptr(GUri) uri = g_uri_parse(login->remote.url, G_URI_FLAGS_ENCODED, NULL);
	g_autofree char *root = g_uri_join(G_URI_FLAGS_ENCODED, g_uri_get_scheme(uri), NULL,
		g_uri_get_host(uri), g_uri_get_port(uri), "/", NULL, NULL);

	credential->prefix = path ? g_strconcat(login->remote.url, "/", NULL) : g_strdup(root);
	credential->answer = g_strdup(login->answer);
	credential->username = g_strdup(login->username);
	credential->password = g_strdup(login->password);
	pthread_mutex_lock(&login->credentials->lock);
	if (login->credentials->known->len == LIMIT_CREDENTIALS)
		g_ptr_array_remove_index(login->credentials->known, 0);
	g_ptr_array_add(login->credentials->known, credential);
	pthread_mutex_unlock(&login->credentials->lock);
}

/* ---- git's helpers ---- */

/* What git is told about REMOTE; NULL if it cannot be said in lines. Caller frees. */
static char *question(const struct remote *remote, const char *username)
{
	g_autoptr(GUri) uri = g_uri_parse(remote->url, G_URI_FLAGS_ENCODED, NULL);
	const char *encoded = uri ? g_uri_get_path(uri) : "";
	g_autofree char *path = uri
		? g_uri_unescape_string(*encoded == '/' ? encoded + 1 : encoded, NULL)
		: NULL;
	g_autofree char *port = uri && g_uri_get_port(uri) > 0
		? g_strdup_printf(":%d", g_uri_get_port(uri))
		: g_strdup("");
	gboolean is_address = uri && strchr(g_uri_get_host(uri), ':') != NULL;

	if (!path || strpbrk(path, "\r\n") || (username && strpbrk(username, "\r\n")))
		return NULL;
	return g_strdup_printf("protocol=%s\nhost=%s%s%s%s\npath=%s\n%s%s%s\n",
		g_uri_get_scheme(uri), is_address ? "[" : "", g_uri_get_host(uri),
		is_address ? "]" : "", port, path, username ? "username=" : "",
		username ? username : "", username ? "\n" : "");
}

/* Runs `git credential ACTION` with INPUT. What it answered, or NULL if it failed. Caller frees
 * with free_secret(). */
static char *ask_git(const char *action, const char *input, struct budget *budget)
{
	const char *const arguments[] = {"git", "credential", action, NULL};
	scoped(child) child = child_new(arguments, budget, NULL);
	char *answer;
	size_t length = 0, n = 1;

	if (!child || !child_write(child, input, strlen(input), NULL))
		return NULL;
	child_close_input(child);
	answer = g_malloc0(LIMIT_CREDENTIAL_BYTES + 1);
	while (n > 0 && length < LIMIT_CREDENTIAL_BYTES) {
		if (!child_read(child, answer + length, LIMIT_CREDENTIAL_BYTES - length, &n, NULL))
			break;
		length += n;
	}
	if (n == 0 && child_finish(child) == 0)
		return answer;
	free_secret(answer);
	return NULL;
}

static void tell_git(const char *action, const char *answer, struct budget *budget)
{
	/* A helper that does not store it is none of the transfer's business. */
	free_secret(ask_git(action, answer, budget));
}

/* Asks for a credential; FALSE if there is none, or the one that was just refused again. */
static gboolean fill(struct login *login, const char *asked_username, struct budget *budget)
{
	g_autofree char *input = question(&login->remote, asked_username);
	char *answer = input ? ask_git("fill", input, budget) : NULL;
	char *username = answer ? value_of(answer, "username") : NULL;
	char *password = answer ? value_of(answer, "password") : NULL;

	if (!username || !password || (login->password && strcmp(login->password, password) == 0)) {
		free_secret(answer);
		free_secret(password);
		g_free(username);
		return FALSE;
	}
	use(login, answer, username, password);
	login->unproven = TRUE;
	return TRUE;
}

/* ---- one transfer ---- */

void login_init(struct login *login, struct credentials *credentials, const struct remote *remote)
{
	*login = (struct login){
		.remote = *remote, .credentials = credentials, .asked_username = remote->username};
	if (remote->kind == REMOTE_HTTP && !remote->password && credentials)
		use_known(login);
}

void login_clear(struct login *login)
{
	use(login, NULL, NULL, NULL);
}

gboolean login_again(struct login *login, struct budget *budget, GError **failure)
{
	gboolean has_own = login->remote.password && !login->password;

	if (forge_error_code(*failure) != FORGE_ERROR_AUTHENTICATION_FAILED ||
		login->remote.kind != REMOTE_HTTP || !login->credentials || has_own ||
		login->tries >= LIMIT_CREDENTIAL_TRIES)
		return FALSE;
	if (login->answer) {
		forget(login->credentials, login->answer);
		tell_git("reject", login->answer, budget);
	}
	login->tries++;
	if (fill(login, login->asked_username, budget)) {
		g_clear_error(failure);
		return TRUE;
	}
	/* That the job was stopped meanwhile says more than that nobody logged in. */
	if (!budget_check(budget, NULL)) {
		g_clear_error(failure);
		budget_check(budget, failure);
	}
	return FALSE;
}

void login_accepted(struct login *login, struct budget *budget)
{
	if (!login->unproven)
		return;
	login->unproven = FALSE;
	remember(login);
	tell_git("approve", login->answer, budget);
}
