/*
 * git's settings for HTTP, so that a host that git reaches is reached in the same way: authorities,
 * client certificates, proxies. The rows of the configuration are kept as they are and matched for
 * each request; there are a handful. The proxy variables (https_proxy, NO_PROXY, …) are read by
 * libcurl itself. What changes a request's meaning (http.extraHeader, cookies) is not taken over:
 * credentials come from forge's own configuration.
 */
#include "worker/remote/http_config.h"

#include <git2.h>
#include <string.h>

#include "worker/git/git_settings.h"

/* A variable of the environment that goes before the configuration (first), or behind it (last). */
static const struct {
	const char *key;
	const char *first;
	const char *last;
} variables[] = {
	{"sslcainfo", "GIT_SSL_CAINFO", "SSL_CERT_FILE"},
	{"sslcapath", "GIT_SSL_CAPATH", "SSL_CERT_DIR"},
	{"sslcert", "GIT_SSL_CERT", NULL},
	{"sslkey", "GIT_SSL_KEY", NULL},
};

struct row {
	GUri *url; /* NULL: for all */
	char *key;
	char *value;
};

struct http_config {
	GPtrArray *rows;
	GHashTable *first; /* key → value of the variable that goes before */
	GHashTable *last;
	gboolean no_verify;
};

static void row_free(gpointer data)
{
	struct row *row = data;

	g_clear_pointer(&row->url, g_uri_unref);
	g_free(row->key);
	g_free(row->value);
	g_free(row);
}

static char *expand_path(const char *value)
{
	git_buf path = {0};
	char *expanded;

	if (git_config_parse_path(&path, value) < 0)
		return g_strdup(value);
	expanded = g_strdup(path.ptr);
	git_buf_dispose(&path);
	return expanded;
}

/* NAME is http.KEY or http.URL.KEY; libgit2 has made http and KEY lower case. */
static void add_row(struct http_config *config, const char *name, const char *value)
{
	const char *key = strrchr(name, '.') + 1;
	const char *after_section = name + strlen("http.");
	g_autoptr(GUri) url = NULL;
	struct row *row;

	if (key > after_section) {
		g_autofree char *text = g_strndup(after_section, (gsize)(key - after_section) - 1);

		url = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
		if (!url || !g_uri_get_host(url))
			return;
	}
	row = g_new0(struct row, 1);
	row->url = g_steal_pointer(&url);
	row->key = g_strdup(key);
	row->value = g_str_has_prefix(key, "ssl") ? expand_path(value) : g_strdup(value);
	g_ptr_array_add(config->rows, row);
}

static void read_git(struct http_config *config)
{
	git_config *git = git_settings_open();
	git_config_iterator *iterator = NULL;
	git_config_entry *entry;

	/* No configuration at all is the usual case in a container, and a broken one is git's to
	 * complain about. */
	if (!git)
		return;
	/* Not by a pattern: libgit2 1.5.1 leaks some 20 KB for each row that it matches against
	 * one. */
	if (git_config_iterator_new(&iterator, git) == 0)
		while (git_config_next(&entry, iterator) == 0)
			if (g_str_has_prefix(entry->name, "http."))
				add_row(config, entry->name, entry->value ? entry->value : "true");
	git_config_iterator_free(iterator);
	git_config_free(git);
}

static void read_variable(GHashTable *values, const char *key, const char *name)
{
	const char *value = name ? g_getenv(name) : NULL;

	if (value && *value)
		g_hash_table_insert(values, (gpointer)key, g_strdup(value));
}

struct http_config *http_config_new(void)
{
	struct http_config *config = g_new0(struct http_config, 1);

	config->rows = g_ptr_array_new_with_free_func(row_free);
	config->first = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	config->last = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	config->no_verify = g_getenv("GIT_SSL_NO_VERIFY") != NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
		read_variable(config->first, variables[i].key, variables[i].first);
		read_variable(config->last, variables[i].key, variables[i].last);
	}
	read_git(config);
	return config;
}

void http_config_free(struct http_config *config)
{
	if (!config)
		return;
	g_ptr_array_unref(config->rows);
	g_hash_table_unref(config->first);
	g_hash_table_unref(config->last);
	g_free(config);
}

static int port_of(GUri *url)
{
	int port = g_uri_get_port(url);

	if (port > 0)
		return port;
	return strcmp(g_uri_get_scheme(url), "https") == 0 ? 443 : 80;
}

/* How well PATTERN fits URL: 0 if not at all, else more for a longer path. Hosts have no wildcards
 * here. */
static size_t fit(GUri *pattern, GUri *url)
{
	const char *prefix = g_uri_get_path(pattern);
	const char *path = g_uri_get_path(url);
	size_t length = strlen(prefix);

	if (strcmp(g_uri_get_scheme(pattern), g_uri_get_scheme(url)) != 0)
		return 0;
	if (g_ascii_strcasecmp(g_uri_get_host(pattern), g_uri_get_host(url)) != 0)
		return 0;
	if (port_of(pattern) != port_of(url))
		return 0;
	while (length > 0 && prefix[length - 1] == '/')
		length--;
	if (strncmp(prefix, path, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return 0;
	return 2 + length;
}

const char *http_config_get(const struct http_config *config, const char *url, const char *key)
{
	g_autoptr(GUri) parsed = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
	const gboolean has_host = parsed && g_uri_get_host(parsed);
	const char *best = g_hash_table_lookup(config->first, key);
	size_t best_fit = 0;

	if (best)
		return best;
	for (guint i = 0; i < config->rows->len; i++) {
		const struct row *row = config->rows->pdata[i];
		size_t row_fit = 1;

		if (strcmp(row->key, key) != 0)
			continue;
		if (row->url)
			row_fit = has_host ? fit(row->url, parsed) : 0;
		if (row_fit >= MAX(best_fit, 1)) {
			best = row->value;
			best_fit = row_fit;
		}
	}
	return best ? best : g_hash_table_lookup(config->last, key);
}

gboolean http_config_verifies(const struct http_config *config, const char *url)
{
	const char *value = http_config_get(config, url, "sslverify");
	int verify = TRUE;

	if (config->no_verify)
		return FALSE;
	/* A word that is no boolean must not switch the check off. */
	if (value && git_config_parse_bool(&verify, value) < 0)
		return TRUE;
	return verify;
}
