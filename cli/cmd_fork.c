/*
 * `forge fork add|list|remove`: the registry of forks, which is the scheduler's.
 *
 * Names and addresses are checked here, so that a mistake is told at once; whether a name is taken
 * is the scheduler's to say.
 */
#include <string.h>

#include "cli/fork_name.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/requests.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/nearest.h"
#include "worker/remote/remote.h"

/* ---- add ---------------------------------------------------------------------------------- */

static gboolean check_add(const struct invocation *invocation, GError **error)
{
	char **branches;

	if (!fork_name_check(invocation->arguments[0], error))
		return FALSE;
	if (!invocation_text(invocation, "fork") || !invocation_text(invocation, "upstream")) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"`forge fork add` needs --fork REPOSITORY and --upstream REPOSITORY");
		return FALSE;
	}
	branches = invocation_list(invocation, "branch");
	if (branches && g_strv_length(branches) > LIMIT_BRANCH_PATTERNS) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"--branch was given more than %d times", LIMIT_BRANCH_PATTERNS);
		return FALSE;
	}
	for (char **branch = branches; branch && *branch; branch++) {
		if (**branch && strlen(*branch) <= LIMIT_NAME_BYTES)
			continue;
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"--branch: expected a name or pattern of at most %d bytes",
			LIMIT_NAME_BYTES);
		return FALSE;
	}
	return TRUE;
}

/*
 * The repository that OPTION names, as it is registered. What could be none under any configuration
 * is refused here; whether it is reached is an outcome of syncing. Caller frees.
 */
static char *repository_option(struct invocation *invocation, const char *option, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	g_autofree char *repository = config
		? fork_name_repository(option, invocation_text(invocation, option), error)
		: NULL;
	g_autoptr(GError) problem = NULL;
	scoped(remote) remote = NULL;

	if (!repository)
		return NULL;
	remote = remote_new(config, repository, &problem);
	if (!remote && forge_error_code(problem) != FORGE_ERROR_CONFIGURATION_INVALID) {
		g_propagate_prefixed_error(error, g_steal_pointer(&problem), "--%s: ", option);
		return NULL;
	}
	return g_steal_pointer(&repository);
}

static gboolean register_fork(struct client *client, Forge__Fork *fork, GError **error)
{
	g_autofree char *request_id = client_request_id();
	Forge__RegisterFork message = FORGE__REGISTER_FORK__INIT;
	Forge__Request request = FORGE__REQUEST__INIT;

	message.fork = fork;
	message.request_id = request_id;
	request.kind_case = FORGE__REQUEST__KIND_REGISTER_FORK;
	request.register_fork = &message;
	return requests_do(client, &request, error);
}

int cmd_fork_add(struct invocation *invocation, GError **error)
{
	Forge__Fork fork = FORGE__FORK__INIT;
	const char *strategy;
	g_autofree char *fork_repository = NULL;
	g_autofree char *upstream = NULL;
	scoped(client) client = NULL;
	Forge__ForkRow row = FORGE__FORK_ROW__INIT;
	scoped(value) value = NULL;
	g_autofree char *line = NULL;

	if (!check_add(invocation, error))
		return 1;
	strategy = invocation_text(invocation, "strategy");
	if (strategy && !render_parse_strategy(strategy, &fork.strategy, error))
		return 1;
	fork_repository = repository_option(invocation, "fork", error);
	if (!fork_repository)
		return 1;
	upstream = repository_option(invocation, "upstream", error);
	if (!upstream)
		return 1;
	fork.name = invocation->arguments[0];
	fork.fork = fork_repository;
	fork.upstream = upstream;
	fork.branches = invocation_list(invocation, "branch");
	fork.n_branches = fork.branches ? g_strv_length(fork.branches) : 0;
	fork.tags = invocation_flag(invocation, "tags");

	client = requests_connect(invocation, CLIENT_READS, 0, error);
	if (!client || !register_fork(client, &fork, error))
		return 1;
	row.fork = &fork;
	value = render_fork_row(&row);
	output_value(invocation, value);
	line = g_strdup_printf("✓ %s: registered; `forge fork sync %s` brings it up to date",
		fork.name, fork.name);
	output_marked(invocation, line);
	return 0;
}

/* ---- list --------------------------------------------------------------------------------- */

/* How a branch stands. What it was before the newest sync failed is not how it stands. */
static char *status_of(const Forge__ForkRow *row, const Forge__BranchRow *branch)
{
	if (row->failure)
		return g_strdup_printf("failed: %s", row->failure->code);
	return g_strdup(branch ? render_status(branch->last) : "never synced");
}

static void add_row(struct table *table, const Forge__ForkRow *row, const Forge__BranchRow *branch,
	int64_t now_us)
{
	char *cells[] = {
		g_strdup(row->fork->name),
		g_strdup(branch ? branch->last->branch : ""),
		status_of(row, branch),
		g_strndup(branch ? branch->last->after : "", 7),
		clock_format_age(branch ? (int64_t)branch->time_us : 0, now_us),
		g_strdup(row->fork->fork),
		g_strdup(row->fork->upstream),
	};

	table_add_take(table, cells);
}

static void show_forks(const struct invocation *invocation, const GPtrArray *rows)
{
	static const char *const titles[] = {
		"Fork", "Branch", "Status", "Commit", "Last Sync", "Repository", "Upstream", NULL};
	scoped(table) table = table_new(titles);
	scoped(value) list = NULL;
	int64_t now_us;

	table_spare(table, 2);
	list = value_new_list();
	now_us = clock_now().wall_us;
	for (guint i = 0; i < rows->len; i++) {
		const Forge__ForkRow *row = g_ptr_array_index(rows, i);

		value_append_take(list, render_fork_row(row));
		if (row->n_branches == 0)
			add_row(table, row, NULL, now_us);
		for (size_t j = 0; j < row->n_branches; j++)
			add_row(table, row, row->branches[j], now_us);
	}
	if (output_is_machine(invocation))
		output_rows(invocation, "forks", list);
	else
		output_table(
			invocation, table, "No forks are registered; `forge fork add` does that.");
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	const Forge__ForkRow *const *first = a;
	const Forge__ForkRow *const *second = b;
	return strcmp((*first)->fork->name, (*second)->fork->name);
}

static gboolean holds_name(const GPtrArray *rows, const char *name)
{
	for (guint i = 0; i < rows->len; i++) {
		const Forge__ForkRow *row = g_ptr_array_index(rows, i);

		if (strcmp(row->fork->name, name) == 0)
			return TRUE;
	}
	return FALSE;
}

/* `did you mean 'NAME'?`, from all forks there are; NULL if none is near. Caller frees. */
static char *question(struct client *client, const char *wanted)
{
	g_autoptr(GPtrArray) rows = requests_forks(client, NULL, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (guint i = 0; rows && i < rows->len; i++)
		g_ptr_array_add(names, ((Forge__ForkRow *)g_ptr_array_index(rows, i))->fork->name);
	g_ptr_array_add(names, NULL);
	return nearest_question(wanted, (const char *const *)names->pdata);
}

/* A name that was asked for and is not among ROWS is a mistake, not an empty answer. */
static gboolean check_found(
	struct client *client, const GPtrArray *rows, char *const *names, GError **error)
{
	for (; *names; names++) {
		g_autofree char *nearest = NULL;

		if (holds_name(rows, *names))
			continue;
		nearest = question(client, *names);
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_FORK_NOT_FOUND,
			"no fork is called '%s'%s%s", *names, nearest ? "; " : "",
			nearest ? nearest : "");
		return FALSE;
	}
	return TRUE;
}

int cmd_fork_list(struct invocation *invocation, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	g_autoptr(GPtrArray) rows = NULL;

	if (!client)
		return 1;
	rows = requests_forks(
		client, invocation->argument_count > 0 ? invocation->arguments : NULL, error);
	if (!rows || !check_found(client, rows, invocation->arguments, error))
		return 1;
	g_ptr_array_sort(rows, compare_names);
	show_forks(invocation, rows);
	return 0;
}

/* ---- remove ------------------------------------------------------------------------------- */

static gboolean remove_fork(struct client *client, char *name, GError **error)
{
	g_autofree char *request_id = client_request_id();
	Forge__RemoveFork message = FORGE__REMOVE_FORK__INIT;
	Forge__Request request = FORGE__REQUEST__INIT;

	message.name = name;
	message.request_id = request_id;
	request.kind_case = FORGE__REQUEST__KIND_REMOVE_FORK;
	request.remove_fork = &message;
	return requests_do(client, &request, error);
}

int cmd_fork_remove(struct invocation *invocation, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	scoped(value) removed = NULL;
	scoped(value) object = NULL;

	if (!client)
		return 1;
	removed = value_new_list();
	for (char **name = invocation->arguments; *name; name++) {
		g_autofree char *line = NULL;

		if (!remove_fork(client, *name, error))
			return 1;
		value_append_take(removed, value_new_string(*name));
		line = g_strdup_printf("✓ %s: removed", *name);
		output_marked(invocation, line);
	}
	object = value_new_map();
	value_put_take(object, "removed", g_steal_pointer(&removed));
	output_value(invocation, object);
	return 0;
}
