/*
 * Puts the worker's shared things together, for embedded workers and for `forge worker`.
 */
#include "cli/workshop.h"

struct workshop *workshop_new(const struct config *config)
{
	struct workshop *workshop = g_new0(struct workshop, 1);
	g_autofree char *cache = g_build_filename(config->home, "cache", NULL);

	workshop->config = config;
	workshop->workspace = config->workspace;
	workshop->http = http_new();
	workshop->stores = stores_new(cache, workshop->http);
	workshop->upstream_refs = upstream_refs_new(workshop->http);
	return workshop;
}

void workshop_free(struct workshop *workshop)
{
	if (!workshop)
		return;
	stores_evict(workshop->stores, workshop->config->worker_cache_bytes);
	upstream_refs_free(workshop->upstream_refs);
	stores_free(workshop->stores);
	http_free(workshop->http);
	g_free(workshop);
}
