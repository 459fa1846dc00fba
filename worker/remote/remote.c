/*
 * From what people write to how a repository is reached.
 *
 * HOST/OWNER/NAME becomes a URL through `hosts:`, any URL passes git's `url.BASE.insteadOf` (as
 * git-config(1) has it: the longest match, once), and what comes out is taken apart. Secrets leave
 * the URL here and never return to it: the user part of an HTTP URL goes to username and password,
 * a password in an ssh URL is dropped, for ssh takes none. A host's token goes only to addresses
 * under that host's own clone prefix or, by https, to the host it is named after; an insteadOf that
 * leads elsewhere takes no token along.
 *
 * What would be read as an option by ssh or git is refused, and so are git's `TRANSPORT::ADDRESS`
 * commands.
 */
#include "worker/remote/remote.h"

#include <git2.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/git/git_settings.h"

void remote_free(struct remote *remote)
{
	if (!remote)
		return;
	g_free(remote->shown);
	g_free(remote->url);
	g_free(remote->host);
	g_free(remote->login);
	g_free(remote->port);
	g_free(remote->path);
	g_free(remote->username);
	g_free(remote->password);
	g_free(remote->identity);
	g_free(remote);
}

static gboolean refuse(enum forge_error code, const char *what, const char *why, GError **error)
{
	g_set_error(error, FORGE_ERROR, (int)code, "'%s' %s", what, why);
	return FALSE;
}

static gboolean has_control(const char *text)
{
	for (; *text; text++)
		if (g_ascii_iscntrl(*text))
			return TRUE;
	return FALSE;
}

/* The last '@' of the part of URL before its host, or NULL: a password may hold an unquoted '@',
 * '/' or ':'. */
static const char *end_of_user(const char *authority)
{
	size_t length = strcspn(authority, "/?#");
	const char *at = g_strrstr_len(authority, (gssize)length, "@");
	const char *colon = memchr(authority, ':', length);

	if (at || !colon || authority[0] == '[' ||
		colon + 1 + strspn(colon + 1, "0123456789") == authority + length)
		return at;
	/* What stands behind the colon is no port, so it can be the beginning of a password. */
	return strrchr(authority, '@');
}

/* Whether the scheme that ends at END, not before TEXT, is that of HTTP. */
static gboolean is_http_scheme(const char *text, const char *end)
{
	g_autofree char *before = g_ascii_strdown(text, end - text);

	return g_str_has_suffix(before, "http") || g_str_has_suffix(before, "https");
}

/* TEXT without what may be secret in it, even where it is no valid URL at all, or one in another.
 * Caller frees. */
static char *without_secrets(const char *text)
{
	GString *shown = g_string_new(NULL);
	const char *scheme;

	while ((scheme = strstr(text, "://"))) {
		const char *user = scheme + strlen("://");
		const char *at = end_of_user(user);
		gboolean keeps_user = !is_http_scheme(text, scheme);

		g_string_append_len(shown, text, user - text);
		if (at && keeps_user)
			g_string_append_len(shown, user, (gssize)strcspn(user, ":@/"));
		text = !at ? user : keeps_user ? at : at + 1;
	}
	g_string_append(shown, text);
	return g_string_free(shown, FALSE);
}

static gboolean is_path(const char *text)
{
	return text[0] == '/' || g_str_has_prefix(text, "./") || g_str_has_prefix(text, "../") ||
		strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
}

static char *without_trailing_slashes(const char *text)
{
	size_t length = strlen(text);

	while (length > 1 && text[length - 1] == '/')
		length--;
	return g_strndup(text, length);
}

/* ---- addresses ---- */

/* USER[:PASSWORD] of an HTTP URL, LENGTH bytes, encoded. */
static void take_user(struct remote *remote, const char *user, size_t length)
{
	g_autofree char *name = g_strndup(user, length);
	char *password = strchr(name, ':');

	if (password) {
		*password++ = '\0';
		if (*password)
			remote->password = g_uri_unescape_string(password, NULL);
	}
	if (*name)
		remote->username = g_uri_unescape_string(name, NULL);
}

static gboolean parse_http(struct remote *remote, const char *url, GError **error)
{
	const char *user = strstr(url, "://") + strlen("://");
	const char *at = end_of_user(user);
	g_autofree char *bare = g_strdup_printf(
		"%.*s%s", (int)(user - url), url, at ? at + 1 : user);
	g_autoptr(GUri) uri = g_uri_parse(bare, G_URI_FLAGS_ENCODED, NULL);
	g_autofree char *path = uri ? without_trailing_slashes(g_uri_get_path(uri)) : NULL;

	if (!uri || !g_uri_get_host(uri) || *g_uri_get_host(uri) == '\0' || strlen(path) < 2 ||
		(at && memchr(user, '/', (size_t)(at - user))))
		return refuse(FORGE_ERROR_VALIDATION_FAILED, remote->shown,
			"is no valid URL of a repository", error);
	if (g_uri_get_query(uri) || g_uri_get_fragment(uri)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%.*s' has a query or a fragment behind it, which no repository's URL has",
			(int)strcspn(remote->shown, "?#"), remote->shown);
		return FALSE;
	}
	remote->kind = REMOTE_HTTP;
	remote->host = g_ascii_strdown(g_uri_get_host(uri), -1);
	remote->url = g_uri_join(G_URI_FLAGS_ENCODED, g_uri_get_scheme(uri), NULL, remote->host,
		g_uri_get_port(uri), path, NULL, NULL);
	if (at)
		take_user(remote, user, (size_t)(at - user));
	return TRUE;
}

/* LOGIN is what stands before the path: [USER@]HOST[:PORT], HOST perhaps in brackets. */
static gboolean parse_login(struct remote *remote, const char *login, GError **error)
{
	g_autoptr(GRegex) regex = g_regex_new(
		"^(?:([^@:]+(?:@[^@:]+)*)(?::[^@]*)?@)?(?:\\[([0-9a-fA-F:.%]+)\\]|([^:\\[\\]@]+))(?::([0-9]{1,5})?)?$",
		0, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree char *user = NULL;
	g_autofree char *host = NULL;
	char *port = NULL;

	if (!g_regex_match(regex, login, 0, &match))
		return refuse(
			FORGE_ERROR_VALIDATION_FAILED, remote->shown, "names no valid host", error);
	user = g_match_info_fetch(match, 1);
	host = g_match_info_fetch(match, 2);
	if (*host == '\0') {
		g_free(host);
		host = g_match_info_fetch(match, 3);
	}
	if (user[0] == '-' || host[0] == '-')
		return refuse(FORGE_ERROR_SECURITY_REFUSED, remote->shown,
			"names a host that ssh would take for an option", error);
	if (!g_regex_match_simple("^[A-Za-z0-9._+~@=-]*$", user, G_REGEX_DOLLAR_ENDONLY, 0) ||
		!g_regex_match_simple("^[A-Za-z0-9._:%-]+$", host, G_REGEX_DOLLAR_ENDONLY, 0))
		return refuse(
			FORGE_ERROR_VALIDATION_FAILED, remote->shown, "names no valid host", error);
	remote->host = g_ascii_strdown(host, -1);
	remote->login = *user ? g_strconcat(user, "@", host, NULL) : g_strdup(host);
	port = g_match_info_fetch(match, 4);
	if (port && *port)
		remote->port = g_steal_pointer(&port);
	g_free(port);
	return TRUE;
}

static gboolean parse_ssh(
	struct remote *remote, const char *login, const char *path, GError **error)
{
	remote->kind = REMOTE_SSH;
	if (!parse_login(remote, login, error))
		return FALSE;
	if (path[0] == '\0' || strcmp(path, "/") == 0)
		return refuse(FORGE_ERROR_VALIDATION_FAILED, remote->shown,
			"names no repository on its host", error);
	if (path[0] == '-')
		return refuse(FORGE_ERROR_SECURITY_REFUSED, remote->shown,
			"names a path that git would take for an option", error);
	remote->path = without_trailing_slashes(path);
	return TRUE;
}

/* The path of URL behind its host, decoded; NULL and an error if there is none. */
static char *decoded_path(const struct remote *remote, const char *encoded, GError **error)
{
	g_autofree char *path = g_uri_unescape_string(encoded, NULL);

	if (path && *path == '/' && !has_control(path) && g_utf8_validate(path, -1, NULL))
		return g_steal_pointer(&path);
	refuse(FORGE_ERROR_VALIDATION_FAILED, remote->shown, "has no valid path", error);
	return NULL;
}

static gboolean parse_ssh_url(struct remote *remote, const char *rest, GError **error)
{
	size_t length = strcspn(rest, "/");
	g_autofree char *login = g_strndup(rest, length);
	g_autofree char *path = decoded_path(remote, rest + length, error);

	/* /~USER/ is a home folder, as in git-clone(1) */
	if (!path || !parse_ssh(remote, login, path[1] == '~' ? path + 1 : path, error))
		return FALSE;
	remote->url = g_strdup_printf("ssh://%s%s%s%s", remote->login, remote->port ? ":" : "",
		remote->port ? remote->port : "", rest + length);
	return TRUE;
}

/* HOST:PATH or USER@HOST:PATH, HOST perhaps in brackets; the colon stands before any slash. */
static gboolean parse_scp(struct remote *remote, const char *text, GError **error)
{
	g_autoptr(GRegex) regex = g_regex_new(
		"^((?:[^/:\\[\\]]+@)?(?:\\[[^\\]/]+\\]|[^/:\\[\\]]+)):([^:].*)$", 0, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree char *login = NULL;
	g_autofree char *path = NULL;

	if (!g_regex_match(regex, text, 0, &match))
		return refuse(FORGE_ERROR_VALIDATION_FAILED, remote->shown,
			"is no valid address of a repository", error);
	login = g_match_info_fetch(match, 1);
	path = g_match_info_fetch(match, 2);
	remote->url = g_strdup(text);
	return parse_ssh(remote, login, path, error);
}

static gboolean parse_path(struct remote *remote, const char *path)
{
	g_autofree char *absolute = path[0] == '/' ? g_strdup(path)
						   : g_canonicalize_filename(path, NULL);

	remote->kind = REMOTE_PATH;
	remote->path = without_trailing_slashes(absolute);
	remote->url = g_strdup(remote->path);
	remote->host = g_strdup("localhost");
	return TRUE;
}

static gboolean parse_file_url(struct remote *remote, const char *rest, GError **error)
{
	g_autofree char *path = NULL;

	if (g_str_has_prefix(rest, "localhost/"))
		rest += strlen("localhost");
	path = decoded_path(remote, rest, error);
	return path && parse_path(remote, path);
}

static gboolean parse_address(struct remote *remote, const char *address, GError **error)
{
	g_autofree char *scheme = g_uri_parse_scheme(address);
	const char *rest = strstr(address, "://");

	if (!rest)
		return is_path(address) ? parse_path(remote, address)
					: parse_scp(remote, address, error);
	rest += strlen("://");
	if (!scheme)
		return refuse(
			FORGE_ERROR_VALIDATION_FAILED, remote->shown, "is no valid URL", error);
	if (g_ascii_strcasecmp(scheme, "http") == 0 || g_ascii_strcasecmp(scheme, "https") == 0)
		return parse_http(remote, address, error);
	if (g_ascii_strcasecmp(scheme, "ssh") == 0 || g_ascii_strcasecmp(scheme, "git+ssh") == 0 ||
		g_ascii_strcasecmp(scheme, "ssh+git") == 0)
		return parse_ssh_url(remote, rest, error);
	if (g_ascii_strcasecmp(scheme, "file") == 0)
		return parse_file_url(remote, rest, error);
	return refuse(FORGE_ERROR_VALIDATION_FAILED, remote->shown,
		"is reached by no protocol that forge speaks (https, http, ssh, file)", error);
}

/* ---- HOST/OWNER/NAME ---- */

static const struct config_host *find_host(const struct config *config, const char *name)
{
	for (guint i = 0; i < config->hosts->len; i++) {
		const struct config_host *host = g_ptr_array_index(config->hosts, i);

		if (g_ascii_strcasecmp(host->name, name) == 0)
			return host;
	}
	return NULL;
}

/* TRUE for a name that can only be a host's: it has a dot or a port, or is this machine. */
static gboolean looks_like_host(const char *name)
{
	return g_regex_match_simple(
		"^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+|localhost)(?::[0-9]{1,5})?$",
		name, G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean is_owner_and_name(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, "/", -1);

	for (size_t i = 0; parts[i]; i++)
		if (!g_regex_match_simple("^[A-Za-z0-9._+~][A-Za-z0-9._+~-]*$", parts[i],
			    G_REGEX_DOLLAR_ENDONLY, 0) ||
			strspn(parts[i], ".") == strlen(parts[i]))
			return FALSE;
	return g_strv_length(parts) >= 2;
}

/* TRUE if TEXT is HOST/OWNER/NAME, which HOST:PORT/OWNER/NAME is and HOST:PATH is not. */
static gboolean is_short(const struct config *config, const char *text)
{
	size_t length = strcspn(text, "/");
	g_autofree char *first = g_strndup(text, length);

	if (strstr(text, "://") || is_path(text))
		return FALSE;
	return !strchr(first, ':') || find_host(config, first) ||
		(looks_like_host(first) && g_ascii_isdigit(strchr(first, ':')[1]));
}

gboolean remote_is_of_table(const struct config *config, const char *repository)
{
	g_autofree char *name = g_strndup(repository, strcspn(repository, "/"));

	return is_short(config, repository) && find_host(config, name);
}

/* The URL of HOST/OWNER/NAME, or NULL. Caller frees. */
static char *expand_short(const struct config *config, const char *text, GError **error)
{
	size_t length = strcspn(text, "/");
	g_autofree char *name = g_strndup(text, length);
	const char *rest = text[length] ? text + length + 1 : "";
	const struct config_host *host = find_host(config, name);
	g_autofree char *clone = NULL;

	if (!is_owner_and_name(rest)) {
		refuse(FORGE_ERROR_VALIDATION_FAILED, text,
			"is no repository: expected HOST/OWNER/NAME, a URL, or a path that begins with / or ./",
			error);
		return NULL;
	}
	if (host && host->clone) {
		clone = without_trailing_slashes(host->clone);
		return g_strconcat(clone, g_str_has_suffix(clone, ":") ? "" : "/", rest, NULL);
	}
	if (host || looks_like_host(name))
		return g_strconcat("https://", name, "/", rest, NULL);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
		"'%s': the host '%s' is not under hosts: in the configuration", text, name);
	return NULL;
}

/*
 * URL as git rewrites it: the base whose insteadOf is the longest prefix. Every entry is looked at,
 * because libgit2's own selection by pattern leaks 20 KB for each entry that does not match. Caller
 * frees.
 */
static char *apply_instead_of(const char *url)
{
	git_config *config = git_settings_open();
	git_config_iterator *iterator = NULL;
	git_config_entry *entry;
	g_autofree char *base = NULL;
	size_t longest = 0;

	if (config && git_config_iterator_new(&iterator, config) == 0) {
		while (git_config_next(&entry, iterator) == 0) {
			size_t length = entry->value ? strlen(entry->value) : 0;
			size_t around = strlen("url.") + strlen(".insteadof");

			if (length <= longest || strlen(entry->name) <= around ||
				!g_str_has_prefix(entry->name, "url.") ||
				!g_str_has_suffix(entry->name, ".insteadof") ||
				!g_str_has_prefix(url, entry->value))
				continue;
			longest = length;
			g_free(base);
			base = g_strndup(
				entry->name + strlen("url."), strlen(entry->name) - around);
		}
	}
	git_config_iterator_free(iterator);
	git_config_free(config);
	return g_strconcat(base ? base : "", url + longest, NULL);
}

/* ---- credentials ---- */

/* The URL that all repositories under CLONE begin with, taken apart as remotes' own are; NULL if it
 * is not HTTP. */
static char *http_prefix(const char *clone)
{
	g_autofree char *prefix = without_trailing_slashes(clone);
	g_autofree char *below = g_strconcat(prefix, "/x", NULL);
	scoped(remote) remote = g_new0(struct remote, 1);

	remote->shown = g_strdup("");
	if (!parse_address(remote, below, NULL) || remote->kind != REMOTE_HTTP)
		return NULL;
	return g_strndup(remote->url, strlen(remote->url) - 1);
}

/* TRUE if REMOTE is under HOST's clone prefix, or HOST is called like the server that is reached by
 * https. */
static gboolean belongs_to(const struct remote *remote, const struct config_host *host)
{
	g_autofree char *prefix = host->clone ? http_prefix(host->clone) : NULL;
	g_autofree char *named = g_strconcat("https://", host->name, "/", NULL);

	return (prefix && g_str_has_prefix(remote->url, prefix)) ||
		g_ascii_strncasecmp(remote->url, named, strlen(named)) == 0;
}

static void add_token(struct remote *remote, const struct config *config)
{
	for (guint i = 0; i < config->hosts->len && !remote->password; i++) {
		const struct config_host *host = g_ptr_array_index(config->hosts, i);
		const char *token = host->token_env ? g_getenv(host->token_env) : NULL;

		if (!token || !*token || !belongs_to(remote, host))
			continue;
		remote->password = g_strstrip(g_strdup(token));
		if (!remote->username)
			remote->username = g_strdup("x-access-token");
	}
}

static char *identity_of(const struct remote *remote)
{
	const char *const parts[] = {remote->url, remote->username ? remote->username : "",
		remote->password ? remote->password : ""};
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	struct hash hash;

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		g_byte_array_append(bytes, (const guint8 *)parts[i], (guint)strlen(parts[i]) + 1);
	hash = hash_chain(NULL, bytes->data, bytes->len - 1);
	return hash_hex(&hash);
}

struct remote *remote_new(const struct config *config, const char *repository, GError **error)
{
	scoped(remote) remote = g_new0(struct remote, 1);
	g_autofree char *url = NULL;
	g_autofree char *address = NULL;

	remote->shown = without_secrets(repository);
	if (*repository == '\0' || strlen(repository) > LIMIT_URL_BYTES ||
		has_control(repository) || !g_utf8_validate(repository, -1, NULL) ||
		*repository == '-') {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"a repository is HOST/OWNER/NAME, a URL or a path, of at most %d characters and no control characters",
			LIMIT_URL_BYTES);
		return NULL;
	}
	url = is_short(config, repository) ? expand_short(config, repository, error)
					   : g_strdup(repository);
	if (!url)
		return NULL;
	address = apply_instead_of(url);
	if (!parse_address(remote, address, error))
		return NULL;
	if (remote->kind == REMOTE_HTTP)
		add_token(remote, config);
	remote->identity = identity_of(remote);
	return g_steal_pointer(&remote);
}
