/*
 * `forge sync pull`: upstream's version into the workspace. What happened is told from the facts of
 * the job, in the words of one component or a line each of many.
 */
#include <string.h>

#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/history.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/render_component.h"
#include "cli/render_needs.h"
#include "cli/workspace_client.h"
#include "cli/workspace_rows.h"
#include "journal/base/errors.h"
#include "worker/dependency/workspace_graph.h"

struct showing {
	struct invocation *invocation;
	gboolean one;
	GPtrArray *before; /* of Forge__ComponentRow: as the journal knew them */
};

/* ---- the strategy ------------------------------------------------------------------------- */

struct strategy_flag {
	const char *flag;
	const char *word; /* for --strategy */
	Forge__Strategy strategy;
};

static const struct strategy_flag strategy_flags[] = {
	{"ff-only", "fast_forward", FORGE__STRATEGY__STRATEGY_FAST_FORWARD},
	{"merge", "merge", FORGE__STRATEGY__STRATEGY_MERGE},
	{"rebase", "rebase", FORGE__STRATEGY__STRATEGY_REBASE},
	{"overwrite", "overwrite", FORGE__STRATEGY__STRATEGY_OVERWRITE},
};

/* Forks have a list of their own: they cannot be rebased yet. */
static gboolean parse_word(const char *word, Forge__Strategy *strategy, GError **error)
{
	g_autofree char *underscored = g_strdelimit(g_strdup(word), "-", '_');

	for (size_t i = 0; i < G_N_ELEMENTS(strategy_flags); i++)
		if (strcmp(strategy_flags[i].word, underscored) == 0) {
			*strategy = strategy_flags[i].strategy;
			return TRUE;
		}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"--strategy: expected fast_forward, merge, rebase or overwrite, not '%s'", word);
	return FALSE;
}

static gboolean read_strategy(const struct invocation *invocation, Forge__Strategy *strategy,
	gboolean *stash, GError **error)
{
	const char *word = invocation_text(invocation, "strategy");
	guint given = word ? 1 : 0;

	*stash = invocation_flag(invocation, "stash");
	given += *stash ? 1 : 0;
	if (word && !parse_word(word, strategy, error))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(strategy_flags); i++) {
		if (!invocation_flag(invocation, strategy_flags[i].flag))
			continue;
		*strategy = strategy_flags[i].strategy;
		given++;
	}
	if (given <= 1)
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
		"only one of --stash, --merge, --rebase, --overwrite, --ff-only and --strategy can be given");
	return FALSE;
}

/* ---- for people --------------------------------------------------------------------------- */

static void warn_of_changes(const struct showing *showing, const char *name)
{
	struct invocation *invocation = showing->invocation;

	output_line(invocation, "Warning: Component has local changes");
	output_line(invocation, "Options:");
	output_line(invocation, "  1. Stash changes and pull: forge sync pull %s --stash", name);
	output_line(invocation, "  2. Merge with upstream: forge sync pull %s --merge", name);
	output_line(invocation, "  3. Rebase on upstream: forge sync pull %s --rebase", name);
	output_line(
		invocation, "  4. Overwrite local changes: forge sync pull %s --overwrite", name);
}

static void list_paths(
	const struct showing *showing, const char *title, char *const *paths, size_t n_paths)
{
	for (size_t i = 0; i < n_paths; i++)
		component_line(showing->invocation, "%s: %s", title, paths[i]);
}

static void show_merging(const struct showing *showing, Forge__Strategy strategy)
{
	if (strategy == FORGE__STRATEGY__STRATEGY_MERGE)
		output_step(showing->invocation,
			"Merging upstream changes with local modifications...");
	else if (strategy == FORGE__STRATEGY__STRATEGY_REBASE)
		output_step(showing->invocation, "Rebasing local modifications on upstream...");
}

static void show_conflict(const struct showing *showing, const Forge__ComponentConflicted *fact)
{
	const char *name = fact->component->name;

	show_merging(showing, fact->strategy);
	list_paths(showing, "Auto-merge successful for", fact->merged, fact->n_merged);
	for (size_t i = 0; i < fact->n_conflicts; i++) {
		const Forge__Conflict *conflict = fact->conflicts[i];

		component_line(showing->invocation, "Conflict in: %s%s%s%s", conflict->path,
			*conflict->place ? " (" : "", conflict->place, *conflict->place ? ")" : "");
	}
	if (fact->conflict_count > fact->n_conflicts)
		output_line(showing->invocation, "and %zu more",
			fact->conflict_count - fact->n_conflicts);
	output_line(showing->invocation, "Run 'forge sync resolve %s' to resolve conflicts", name);
}

static const Forge__ComponentRow *row_before(const struct showing *showing, const char *name)
{
	for (guint i = 0; i < showing->before->len; i++) {
		const Forge__ComponentRow *row = showing->before->pdata[i];

		if (g_strcmp0(row->component->name, name) == 0)
			return row;
	}
	return NULL;
}

/* TRUE if the pull changed nothing but, perhaps, which commit the component stands for. */
static gboolean changed_nothing(const Forge__ComponentPulled *fact)
{
	return fact->strategy == FORGE__STRATEGY__STRATEGY_UNSET;
}

static void show_pulled(const struct showing *showing, const Forge__ComponentPulled *fact)
{
	struct invocation *invocation = showing->invocation;
	const char *name = fact->component->name;
	const Forge__ComponentRow *before = row_before(showing, name);
	g_autofree char *from = render_short_id(before ? before->component->commit : "");
	g_autofree char *to = render_short_id(fact->component->commit);
	g_autofree char *line = NULL;

	if (changed_nothing(fact)) {
		line = g_strdup_printf("✓ %s%s", showing->one ? "Component is up to date" : name,
			showing->one ? "" : ": up to date");
		output_marked(invocation, line);
		return;
	}
	if (showing->one) {
		show_merging(showing, fact->strategy);
		list_paths(showing, "Auto-merge successful for", fact->merged, fact->n_merged);
		output_step(invocation, "Updating %s: %s → %s", name, from, to);
	}
	if (*fact->rule_used)
		component_line(invocation, "Versions settled: %s", fact->rule_used);
	if (*fact->stash)
		output_line(invocation, "%s: forge dev stash pop %s",
			fact->strategy == FORGE__STRATEGY__STRATEGY_OVERWRITE
				? "What was replaced is kept; to get it back"
				: "Local changes are stashed; to get them back",
			name);
	line = showing->one ? g_strdup("✓ Component updated successfully")
			    : g_strdup_printf("✓ %s: %s → %s", name, from, to);
	output_marked(invocation, line);
}

static void show_failed(const struct showing *showing, const struct history_job *job)
{
	const Forge__Error *failure = component_run_error(job);

	if (failure && showing->one &&
		forge_error_from_name(failure->code) == FORGE_ERROR_LOCAL_CHANGES) {
		warn_of_changes(showing, job->target);
		return;
	}
	component_show_failure(showing->invocation, job);
}

static void show_job(const struct history_job *job, gpointer user_data)
{
	const struct showing *showing = user_data;
	const Forge__Fact *pulled = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_PULLED);
	const Forge__Fact *conflicted = component_run_fact(
		job, FORGE__FACT__KIND_COMPONENT_CONFLICTED);

	if (job->state == JOB_CONFLICT && conflicted && showing->one)
		show_conflict(showing, conflicted->component_conflicted);
	else if (job->state == JOB_CONFLICT) {
		g_autofree char *line = g_strdup_printf(
			"✗ %s: conflict; run 'forge sync resolve %s'", job->target, job->target);

		output_marked(showing->invocation, line);
	} else if (job->state == JOB_DONE && pulled)
		show_pulled(showing, pulled->component_pulled);
	else
		show_failed(showing, job);
}

/* ---- what is needed now ------------------------------------------------------------------- */

/* The needs that the workspace does not meet, of a component that JOB pulled; NULL: it pulled none, or
 * GRAPH (NULL: it cannot be read) does not say. */
static GArray *unmet_after(const struct lock_graph *graph, const struct history_job *job)
{
	return graph && job->state == JOB_DONE &&
			component_run_fact(job, FORGE__FACT__KIND_COMPONENT_PULLED)
		? lock_graph_unmet(graph, job->target)
		: NULL;
}

/* Told once all have ended: a later pull may bring what an earlier one needs. */
static void show_unmet(const struct showing *showing, const struct lock_graph *graph,
	const struct component_run *run)
{
	for (guint i = 0; i < run->history->jobs->len; i++) {
		const struct history_job *job = run->history->jobs->pdata[i];
		g_autoptr(GArray) unmet = unmet_after(graph, job);

		for (guint k = 0; unmet && k < unmet->len; k++) {
			g_autofree char *line = render_unmet(
				job->target, &g_array_index(unmet, struct unmet_need, k));

			component_line(showing->invocation, "%s", line);
		}
	}
}

/* ---- for machines ------------------------------------------------------------------------- */

static struct value *value_of_job(const struct history_job *job, const struct lock_graph *graph)
{
	g_autoptr(GArray) unmet = unmet_after(graph, job);
	const Forge__Fact *pulled = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_PULLED);
	const Forge__Fact *conflicted = component_run_fact(
		job, FORGE__FACT__KIND_COMPONENT_CONFLICTED);
	struct value *map = component_value_of_job(job);

	if (pulled) {
		const Forge__ComponentPulled *fact = pulled->component_pulled;

		value_put_boolean(map, "changed", !changed_nothing(fact));
		value_put_string(map, "commit", fact->component->commit);
		value_put_string(map, "stash", *fact->stash ? fact->stash : NULL);
		value_put_string(map, "rule_used", *fact->rule_used ? fact->rule_used : NULL);
	}
	if (unmet)
		value_put_take(map, "unmet", render_unmet_value(unmet));
	if (conflicted)
		value_put_take(map, "conflicts",
			component_value_of_conflicts(conflicted->component_conflicted));
	return map;
}

static void show_object(const struct showing *showing, const struct lock_graph *graph,
	const struct component_run *run)
{
	scoped(value) object = value_new_map();
	struct value *list = value_new_list();

	for (guint i = 0; i < run->history->jobs->len; i++)
		value_append_take(list, value_of_job(run->history->jobs->pdata[i], graph));
	value_put_take(object, "components", list);
	output_value(showing->invocation, object);
}

/* ---- the command -------------------------------------------------------------------------- */

int cmd_sync_pull(struct invocation *invocation, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	scoped_value(component_run) run = {0};
	scoped(client) client = NULL;
	scoped(lock_graph) graph = NULL;
	g_autoptr(GPtrArray) before = NULL;
	struct showing showing = {.invocation = invocation};
	const char *root;
	gboolean stash;

	if (!component_targets(invocation, &submit, error) ||
		!read_strategy(invocation, &arguments.strategy, &stash, error))
		return 1;
	component.stash = stash;
	arguments.component = &component;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_PULL;
	submit.arguments = &arguments;
	client = workspace_connect(invocation, CLIENT_WORKS, &root, error);
	before = client ? requests_components(client, NULL, error) : NULL;
	if (!before)
		return 1;
	showing.before = before;
	showing.one = submit.n_targets == 1;
	if (showing.one) {
		const Forge__ComponentRow *row = row_before(&showing, submit.targets[0]);

		if (row)
			output_step(invocation, "Fetching latest from %s...",
				row->component->repository);
	}
	if (!component_run(invocation, client, &submit, show_job, &showing, &run, error))
		return 1;
	/* The pull is done; where the graph cannot be read, this hint is all that is missing. */
	graph = workspace_graph_read(root, NULL);
	show_unmet(&showing, graph, &run);
	if (invocation->format == OUTPUT_JSON || invocation->format == OUTPUT_YAML)
		show_object(&showing, graph, &run);
	if (submit.all_forks)
		workspace_rows_remark(invocation, before);
	return run.status;
}
