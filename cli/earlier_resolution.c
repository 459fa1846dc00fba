/*
 * `--as-of JOB`: from the name of a job to the refs that it knew.
 *
 * They are in its facts alone, which the journal keeps as long as it keeps the batch.
 */
#include "cli/earlier_resolution.h"

#include "cli/render.h"
#include "journal/base/errors.h"

void earlier_resolution_clear(struct earlier_resolution *earlier)
{
	g_clear_pointer(&earlier->repositories, g_ptr_array_unref);
	g_clear_pointer(&earlier->history, history_free);
}

/* An attempt that was repeated tells its refs again; the later ones are the ones that count. */
static void take_facts(struct earlier_resolution *earlier, const struct history_job *job)
{
	for (guint i = 0; job->facts && i < job->facts->len; i++) {
		const Forge__Fact *fact = job->facts->pdata[i];
		const Forge__DependenciesResolved *resolved = fact->kind_case ==
				FORGE__FACT__KIND_DEPENDENCIES_RESOLVED
			? fact->dependencies_resolved
			: NULL;

		for (size_t k = 0; resolved && k < resolved->n_repositories; k++)
			if (*resolved->repositories[k]->refs)
				g_ptr_array_add(earlier->repositories, resolved->repositories[k]);
	}
}

static gboolean resolves(const struct history *history, const char *name, GError **error)
{
	if (history->opened &&
		history->opened->kind == FORGE__JOB_KIND__JOB_KIND_DEPENDENCIES_RESOLVE)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"--as-of: %s is a %s, which resolves no dependencies", name,
		history->opened ? render_kind(history->opened->kind) : "batch without a beginning");
	return FALSE;
}

gboolean earlier_resolution_find(
	struct client *client, const char *name, struct earlier_resolution *earlier, GError **error)
{
	scoped_value(job_name) found = {0};
	const struct history_job *job;

	if (!requests_find_job(client, name, &found, error))
		return FALSE;
	earlier->repositories = g_ptr_array_new();
	earlier->history = requests_history(client, found.batch, error);
	if (!earlier->history || !resolves(earlier->history, name, error))
		return FALSE;
	job = history_job(earlier->history, found.number ? found.number : 1);
	if (job)
		take_facts(earlier, job);
	if (earlier->repositories->len > 0)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"--as-of: %s ended before it knew what any repository had", name);
	return FALSE;
}
