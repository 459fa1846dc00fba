/*
 * From the base that a component is to have to everything that follows from it: its line in
 * forge.lock, the message for the journal, the refs.
 */
#include "worker/sync/workspace_change.h"

#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/message.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/component_texts.h"

static char *or_null(const char *text)
{
	return *text ? g_strdup(text) : NULL;
}

/* A line that says the same keeps the time at which it was resolved. */
static char *resolved_at(const struct component_job *job, const Forge__Component *component)
{
	const struct locked_component *locked = lock_file_find(job->locked, job->name);

	if (locked && locked->resolved_at && strcmp(locked->commit, component->commit) == 0 &&
		strcmp(locked->repository, component->repository) == 0 &&
		strcmp(locked->path, component->path) == 0)
		return g_strdup(locked->resolved_at);
	return clock_format((int64_t)job->operation->job->opened_us);
}

gboolean workspace_change_to(struct workspace_change *change, struct component_job *job,
	const git_oid *base, GError **error)
{
	struct locked_component *locked = &change->locked;
	Forge__Component *component = component_job_component(job, base, error);
	git_oid tree;

	if (!component)
		return FALSE;
	change->component = component;
	git_oid_fromstr(&tree, component->tree);
	if (!component_texts_dependencies(job->forge, &tree, &locked->dependencies, error))
		return FALSE;
	locked->component = g_strdup(job->name);
	locked->repository = g_strdup(component->repository);
	locked->path = g_strdup(component->path);
	locked->version = or_null(component->version);
	locked->commit = g_strdup(component->commit);
	locked->tree = g_strdup(component->tree);
	locked->resolved_at = resolved_at(job, component);
	change->settlement.name = job->name;
	change->settlement.folder = job->folder;
	git_oid_cpy(&change->settlement.base, base);
	git_oid_cpy(&change->settlement.local, &job->local_commit);
	change->settlement.locked = locked;
	return TRUE;
}

gboolean workspace_change_apply(struct workspace_change *change, struct component_job *job,
	const git_oid *from, const git_oid *to, GError **error)
{
	change->settlement.file_bytes_max = job->operation->workshop->config->sync_file_bytes;
	change->settlement.base_before = job->base;
	change->settlement.local_before = job->local_commit;
	if (!settle_apply(job->root, job->forge, &change->settlement, from, to,
		    job->operation->budget, &change->report, error))
		return FALSE;
	settle_tell_kept(job->name, &change->report);
	job->installed = !change->settlement.removes;
	git_oid_cpy(&job->base, &change->settlement.base);
	git_oid_cpy(&job->local_commit, &change->settlement.local);
	job->local_tree = to ? *to : (git_oid){{0}};
	return change->settlement.removes ||
		component_history_tree(job->forge, &job->base, &job->base_tree, error);
}

gboolean workspace_change_tell_recovered(struct component_job *job, GError **error)
{
	const struct settled_pull *pull = &job->recovered;
	Forge__ComponentPulled *pulled;
	Forge__Component *component;
	Forge__Fact *fact;

	if (pull->strategy == FORGE__STRATEGY__STRATEGY_UNSET || !job->installed)
		return TRUE;
	component = component_job_component(job, &job->base, error);
	if (!component)
		return FALSE;
	pulled = g_new(Forge__ComponentPulled, 1);
	forge__component_pulled__init(pulled);
	pulled->component = component;
	pulled->strategy = pull->strategy;
	component_fact_set_oid(&pulled->before, &pull->before);
	component_fact_set_oid(&pulled->local_before, &pull->local_before);
	component_fact_set_oid(&pulled->local_after, &pull->local_after);
	component_fact_set_oid(&pulled->stash, &pull->stash);
	fact = g_new(Forge__Fact, 1);
	forge__fact__init(fact);
	fact->kind_case = FORGE__FACT__KIND_COMPONENT_PULLED;
	fact->component_pulled = pulled;
	operation_note(job->operation, fact);
	return operation_report(job->operation, error);
}

void workspace_change_clear(struct workspace_change *change)
{
	if (change->component)
		forge__component__free_unpacked(change->component, NULL);
	g_free(change->locked.component);
	g_free(change->locked.repository);
	g_free(change->locked.path);
	g_free(change->locked.version);
	g_free(change->locked.commit);
	g_free(change->locked.tree);
	g_free(change->locked.resolved_at);
	g_strfreev(change->locked.dependencies);
	apply_report_clear(&change->report);
}
