/*
 * .gitmodules: which repository belongs to a gitlink, and where a relative address leads.
 *
 * Both are written by whoever writes to the upstream. An address is only followed where it stays on
 * the superproject's own server: git itself goes on removing directories until the host's name is
 * removed too, and would then talk to a server of the writer's choice.
 */
#include "worker/content/gitmodules.h"

#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/content/config_text.h"

struct submodule {
	char *path;
	char *url;
};

struct parsed {
	GHashTable *named; /* name → struct submodule */
	GPtrArray *order;  /* the same, as they came */
};

static void free_submodule(gpointer data)
{
	struct submodule *submodule = data;

	g_free(submodule->path);
	g_free(submodule->url);
	g_free(submodule);
}

static struct submodule *submodule_called(struct parsed *parsed, const char *name)
{
	struct submodule *submodule = g_hash_table_lookup(parsed->named, name);

	if (!submodule) {
		submodule = g_new0(struct submodule, 1);
		g_hash_table_insert(parsed->named, g_strdup(name), submodule);
		g_ptr_array_add(parsed->order, submodule);
	}
	return submodule;
}

static gboolean note(const char *section, const char *name, const char *key, const char *value,
	gpointer user_data)
{
	struct submodule *submodule;
	char **field;

	if (strcmp(section, "submodule") != 0 || !name || !value || *value == '\0' ||
		strlen(value) > LIMIT_URL_BYTES)
		return TRUE;
	if (strcmp(key, "path") != 0 && strcmp(key, "url") != 0)
		return TRUE;
	submodule = submodule_called(user_data, name);
	field = strcmp(key, "path") == 0 ? &submodule->path : &submodule->url;
	if (!*field)
		*field = g_strdup(value);
	return TRUE;
}

GHashTable *gitmodules_parse(const char *text, size_t size)
{
	GHashTable *urls = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, g_free);
	g_autoptr(GHashTable)
		named = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) order = g_ptr_array_new_with_free_func(free_submodule);
	struct parsed parsed = {named, order};

	if (!config_text_each(text, size, note, &parsed))
		return urls;
	for (guint i = 0; i < order->len; i++) {
		const struct submodule *submodule = order->pdata[i];

		if (submodule->path && submodule->url &&
			!g_hash_table_contains(urls, submodule->path))
			g_hash_table_insert(
				urls, g_strdup(submodule->path), g_strdup(submodule->url));
	}
	return urls;
}

/* ---- relative addresses ------------------------------------------------------------------- */

/* Bytes of URL, REMOTE's, that name its server: `https://host:port`, `git@host:`, nothing. */
static size_t server_bytes(const struct remote *remote, const char *url)
{
	const char *scheme = strstr(url, "://");

	switch (remote->kind) {
	case REMOTE_PATH:
		return 0;
	case REMOTE_SSH:
		if (!scheme)
			return strlen(url) - strlen(remote->path);
		break;
	case REMOTE_HTTP:
		break;
	}
	g_assert(scheme);
	return (size_t)(scheme - url) + 3 + strcspn(scheme + 3, "/");
}

char *gitmodules_resolve(const struct remote *remote, const char *url)
{
	g_autoptr(GString) base = g_string_new(remote->url);
	gboolean after_colon = FALSE; /* nothing is left of `HOST:PATH` but `HOST:` */
	size_t fixed, length;

	if (!g_str_has_prefix(url, "./") && !g_str_has_prefix(url, "../"))
		return NULL;
	while (base->len > 0 && base->str[base->len - 1] == '/')
		g_string_truncate(base, base->len - 1);
	fixed = server_bytes(remote, base->str);
	while (g_str_has_prefix(url, "./") || g_str_has_prefix(url, "../")) {
		const char *slash = strrchr(base->str + fixed, '/');

		url += 2;
		if (url[-1] == '/')
			continue;
		url++;
		if (base->len == fixed)
			return NULL;
		after_colon = !slash;
		g_string_truncate(base, slash ? (gsize)(slash - base->str) : fixed);
	}
	length = strlen(url);
	if (length > 0 && url[length - 1] == '/')
		length--;
	if (!after_colon)
		g_string_append_c(base, '/');
	g_string_append_len(base, url, (gssize)length);
	return g_string_free(g_steal_pointer(&base), FALSE);
}
