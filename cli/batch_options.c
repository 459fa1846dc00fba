/*
 * From options to what is submitted, for the commands that sync forks.
 */
#include "cli/batch_options.h"

#include "cli/render.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

static gboolean check_targets(
	const struct invocation *invocation, guint count, gboolean all, GError **error)
{
	const char *words = invocation->words;

	if (all && count > 0)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"`forge %s` takes names or --all, not both", words);
	else if (!all && count == 0)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"`forge %s` needs the names of forks, or --all", words);
	else if (count > LIMIT_TARGETS_PER_REQUEST)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"more than %d names at once; --all takes every fork",
			LIMIT_TARGETS_PER_REQUEST);
	else
		return TRUE;
	return FALSE;
}

gboolean batch_options_for_forks(
	const struct invocation *invocation, char **names, Forge__Submit *submit, GError **error)
{
	Forge__BatchArguments *arguments = submit->arguments;
	guint count = g_strv_length(names);
	gboolean all = invocation_flag(invocation, "all");
	const char *strategy;
	char **branches;
	guint branch_count;

	if (!check_targets(invocation, count, all, error))
		return FALSE;
	strategy = invocation_text(invocation, "strategy");
	if (strategy && !render_parse_strategy(strategy, &arguments->strategy, error))
		return FALSE;
	branches = invocation_list(invocation, "branch");
	branch_count = branches ? g_strv_length(branches) : 0;
	if (branch_count > LIMIT_BRANCH_PATTERNS) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--branch was given more than %d times", LIMIT_BRANCH_PATTERNS);
		return FALSE;
	}
	arguments->dry_run = invocation_flag(invocation, "dry-run");
	arguments->branches = branches;
	arguments->n_branches = branch_count;
	submit->kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	submit->all_forks = all;
	submit->targets = names;
	submit->n_targets = count;
	return TRUE;
}
