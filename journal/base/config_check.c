/*
 * Checks of single values of the configuration: pure, and silent about the value itself.
 */
#include "journal/base/config_check.h"

#include <arpa/inet.h>
#include <string.h>

#include "journal/base/limits.h"
#include "journal/base/secret.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define Z85_KEY_CHARACTERS 40

static gboolean is_made_of(const char *text, const char *alphabet)
{
	return *text != '\0' && text[strspn(text, alphabet)] == '\0';
}

static gboolean has_control_or_space(const char *text)
{
	for (; *text; text++)
		if (g_ascii_iscntrl(*text) || *text == ' ')
			return TRUE;
	return FALSE;
}

static gboolean is_port(const char *text)
{
	guint64 port;

	return g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL);
}

const char *config_check_endpoint(const char *text)
{
	static const char *const expected = "expected ipc:///PATH or tcp://HOST:PORT";

	if (g_str_has_prefix(text, "ipc://")) {
		if (text[strlen("ipc://")] != '/' || has_control_or_space(text))
			return expected;
		return strlen(text) - strlen("ipc://") > LIMIT_SOCKET_PATH_BYTES
			? "the socket's path is too long"
			: NULL;
	}
	if (g_str_has_prefix(text, "tcp://")) {
		const char *host = text + strlen("tcp://");
		const char *port = strrchr(host, ':');
		g_autofree char *name = port ? g_strndup(host, (gsize)(port - host)) : NULL;

		if (!name || !is_port(port + 1) ||
			!is_made_of(name, LETTERS CAPITALS DIGITS ".-_*[]:"))
			return expected;
		return NULL;
	}
	return expected;
}

gboolean config_endpoint_is_remote(const char *endpoint)
{
	const char *host = endpoint + strlen("tcp://");
	g_autofree char *name = NULL;
	struct in_addr address;

	if (!g_str_has_prefix(endpoint, "tcp://"))
		return FALSE;
	name = g_strndup(host, (gsize)(strrchr(host, ':') - host));
	if (inet_pton(AF_INET, name, &address) == 1)
		return ntohl(address.s_addr) >> 24 != 127;
	return strcmp(name, "localhost") != 0 && strcmp(name, "[::1]") != 0;
}

const char *config_check_server_key(const char *text)
{
	if (strlen(text) == Z85_KEY_CHARACTERS &&
		is_made_of(text, LETTERS CAPITALS DIGITS ".-:+=^!/*?&<>()[]{}@%$#"))
		return NULL;
	return "expected a CURVE public key of 40 characters (Z85)";
}

const char *config_check_token_variable(const char *text)
{
	if (secret_looks_like_token(text))
		return "looks like a token; write the name of the environment variable that holds it, and "
		       "replace the token, which this file has exposed";
	if (!is_made_of(text, LETTERS CAPITALS DIGITS "_") || g_ascii_isdigit(*text))
		return "expected the name of an environment variable";
	return NULL;
}

/* The part of an address between `//` and the first slash may name a user, but never a password. */
static gboolean has_password(const char *address)
{
	const char *host = strstr(address, "://");
	size_t length;
	const char *at;

	if (!host)
		return FALSE;
	host += strlen("://");
	length = strcspn(host, "/");
	at = memchr(host, '@', length);
	return at && memchr(host, ':', (size_t)(at - host));
}

static gboolean has_user(const char *address)
{
	const char *host = strstr(address, "://") + strlen("://");

	return memchr(host, '@', strcspn(host, "/")) != NULL;
}

static gboolean is_http(const char *text)
{
	const char *host = strstr(text, "://");

	if (!g_str_has_prefix(text, "https://") && !g_str_has_prefix(text, "http://"))
		return FALSE;
	host += strlen("://");
	return *host != '\0' && *host != '/';
}

static const char *const no_credentials =
	"credentials do not belong here; name a variable in token_env";

const char *config_check_api(const char *text)
{
	if (!is_http(text) || has_control_or_space(text))
		return "expected an address such as https://api.github.com";
	return has_user(text) ? no_credentials : NULL;
}

const char *config_check_clone(const char *text)
{
	static const char *const expected =
		"expected the prefix of OWNER/NAME, such as https://github.com";

	if (has_control_or_space(text))
		return expected;
	if (has_password(text) || (is_http(text) && has_user(text)))
		return no_credentials;
	if (is_http(text) || g_str_has_prefix(text, "file:///") || *text == '/')
		return NULL;
	if (g_str_has_prefix(text, "ssh://") && text[strlen("ssh://")] != '\0')
		return NULL;
	/* git's short form: git@host or git@host:folder. */
	return strstr(text, "://") || !strchr(text, '@') ? expected : NULL;
}

const char *config_check_identity(const char *text)
{
	for (; *text; text++)
		if (g_ascii_iscntrl(*text) || strchr("<>", *text))
			return "must not hold line breaks, control characters, < or >";
	return NULL;
}

const char *config_check_journal(const char *text)
{
	if (strcmp(text, "rocksdb") == 0)
		return NULL;
	if (g_str_has_prefix(text, "rocksdb:") && text[strlen("rocksdb:")] != '\0')
		return NULL;
	return "expected rocksdb or rocksdb:PATH";
}

const char *config_check_host(const char *text)
{
	return is_made_of(text, LETTERS CAPITALS DIGITS ".-_:[]") ? NULL
								  : "expected the name of a host";
}
