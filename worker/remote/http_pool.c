/*
 * The handles of libcurl that a worker's slots take and give back, and what is remembered of each
 * host. The one lock here guards two small tables for a few instructions; no transfer happens under
 * it. The last handle given back for a host is the first to be taken for it, so few connections
 * stay warm rather than many cold.
 */
#include "worker/remote/http_pool.h"

#include <git2.h>
#include <pthread.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"

struct http {
	struct http_config *config;
	pthread_mutex_t lock; /* not GMutex: the thread sanitizer does not see through it */
	GPtrArray *idle;      /* of struct http_handle, the longest unused first */
	GHashTable *noted;    /* origin → number */
	struct credentials *credentials;
};

static gpointer start_libcurl(gpointer unused)
{
	(void)unused;
	g_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	return NULL;
}

static void handle_free(gpointer data)
{
	struct http_handle *handle = data;

	curl_easy_cleanup(handle->easy);
	curl_multi_cleanup(handle->multi);
	g_free(handle->origin);
	g_free(handle);
}

static struct http_handle *handle_new(void)
{
	struct http_handle *handle = g_new0(struct http_handle, 1);

	handle->easy = curl_easy_init();
	handle->multi = curl_multi_init();
	g_assert(handle->easy && handle->multi);
	curl_multi_setopt(
		handle->multi, CURLMOPT_MAXCONNECTS, (long)LIMIT_HTTP_CONNECTIONS_PER_HANDLE);
	return handle;
}

struct http *http_new(void)
{
	static GOnce once = G_ONCE_INIT;
	struct http *http = g_new0(struct http, 1);

	g_once(&once, start_libcurl, NULL);
	git_libgit2_init();
	pthread_mutex_init(&http->lock, NULL);
	http->config = http_config_new();
	http->credentials = credentials_new();
	http->idle = g_ptr_array_new_with_free_func(handle_free);
	http->noted = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	g_ptr_array_unref(http->idle);
	g_hash_table_unref(http->noted);
	http_config_free(http->config);
	credentials_free(http->credentials);
	pthread_mutex_destroy(&http->lock);
	git_libgit2_shutdown();
	g_free(http);
}

const struct http_config *http_configuration(const struct http *http)
{
	return http->config;
}

struct credentials *http_credentials(struct http *http)
{
	return http->credentials;
}

char *http_origin(const char *url)
{
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
	g_autofree char *host = NULL;
	gboolean secure;
	int port;

	if (!uri || !g_uri_get_host(uri))
		return NULL;
	secure = g_strcmp0(g_uri_get_scheme(uri), "https") == 0;
	if (!secure && g_strcmp0(g_uri_get_scheme(uri), "http") != 0)
		return NULL;
	port = g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : secure ? 443 : 80;
	host = g_ascii_strdown(g_uri_get_host(uri), -1);
	return g_strdup_printf("%s://%s:%d", g_uri_get_scheme(uri), host, port);
}

struct http_handle *http_take_handle(struct http *http, const char *origin)
{
	struct http_handle *handle = NULL;

	pthread_mutex_lock(&http->lock);
	for (guint i = http->idle->len; i > 0 && !handle; i--) {
		const struct http_handle *idle = http->idle->pdata[i - 1];

		if (g_strcmp0(idle->origin, origin) == 0)
			handle = g_ptr_array_steal_index(http->idle, i - 1);
	}
	if (!handle && http->idle->len > 0)
		handle = g_ptr_array_steal_index(http->idle, 0);
	pthread_mutex_unlock(&http->lock);

	if (!handle)
		handle = handle_new();
	g_free(handle->origin);
	handle->origin = g_strdup(origin);
	curl_easy_reset(handle->easy);
	return handle;
}

void http_give_handle(struct http *http, struct http_handle *take_handle)
{
	struct http_handle *surplus = NULL;

	pthread_mutex_lock(&http->lock);
	g_ptr_array_add(http->idle, take_handle);
	if (http->idle->len > LIMIT_HTTP_IDLE_HANDLES)
		surplus = g_ptr_array_steal_index(http->idle, 0);
	pthread_mutex_unlock(&http->lock);
	/* Closing connections may take a moment and is done outside the lock. */
	if (surplus)
		handle_free(surplus);
}

int http_noted(struct http *http, const char *url)
{
	g_autofree char *origin = http_origin(url);
	int value;

	if (!origin)
		return 0;
	pthread_mutex_lock(&http->lock);
	value = GPOINTER_TO_INT(g_hash_table_lookup(http->noted, origin));
	pthread_mutex_unlock(&http->lock);
	return value;
}

void http_note(struct http *http, const char *url, int value)
{
	char *origin = http_origin(url);

	if (!origin)
		return;
	pthread_mutex_lock(&http->lock);
	/* A note saves a request and is nothing to keep for ever: when there are too many, all are
	 * learnt again. */
	if (g_hash_table_size(http->noted) >= LIMIT_HTTP_ORIGINS)
		g_hash_table_remove_all(http->noted);
	g_hash_table_insert(http->noted, origin, GINT_TO_POINTER(value));
	pthread_mutex_unlock(&http->lock);
}
