/*
 * Questions to the scheduler, each as one call: pages are put together, and names that people
 * abbreviate are looked up.
 *
 * Rows are moved out of the replies they came in, so a caller sees one array however many pages
 * there were.
 */
#include "cli/requests.h"

#include <signal.h>

#include "cli/output.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "queue/batch_name.h"
#include "worker/workspace/workspace.h"

static void free_reply(Forge__Reply *reply)
{
	forge__reply__free_unpacked(reply, NULL);
}

static void on_signal(int number)
{
	(void)number;
	client_interrupt();
}

/* Without SA_RESTART a wait ends at once; with SA_RESETHAND a second signal ends the process. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* --workspace: the jobs and events of the workspace that the current folder is in. */
static gboolean enter_workspace(struct invocation *invocation, GError **error)
{
	g_autofree char *here = NULL;
	g_autofree char *root = NULL;

	if (invocation->config->workspace || !invocation_has_option(invocation, "workspace") ||
		!invocation_flag(invocation, "workspace"))
		return TRUE;
	here = g_get_current_dir();
	root = workspace_find(here, error);
	if (root)
		config_enter_workspace(invocation->config, root);
	return root != NULL;
}

struct client *requests_connect(
	struct invocation *invocation, enum client_use use, uint32_t jobs, GError **error)
{
	const struct config *config = invocation_config(invocation, error);

	if (!config || !enter_workspace(invocation, error))
		return NULL;
	catch_signals();
	return client_new(config, use, jobs, error);
}

gboolean requests_jobs_option(
	const struct invocation *invocation, uint64_t fallback, uint64_t *jobs, GError **error)
{
	if (!invocation_number_within(invocation, "jobs", fallback, LIMIT_WORKER_JOBS, jobs, error))
		return FALSE;
	if (*jobs > 0 || !invocation_flag(invocation, "jobs"))
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE, "--jobs: expected at least 1");
	return FALSE;
}

struct client *requests_connect_with_jobs(
	struct invocation *invocation, enum client_use use, GError **error)
{
	const struct config *config;
	uint64_t jobs;

	if (!requests_jobs_option(invocation, 0, &jobs, error))
		return NULL;
	config = invocation_config(invocation, error);
	if (!config)
		return NULL;
	if (jobs > 0 && config->scheduler_endpoint)
		output_remark(invocation,
			"--jobs is ignored: the workers of the scheduler at %s run the jobs.",
			config->scheduler_endpoint);
	return requests_connect(invocation, use, (uint32_t)jobs, error);
}

/* A reply of another kind than was asked for is the scheduler's mistake. */
static Forge__Reply *call(struct client *client, Forge__Request *request,
	Forge__Reply__KindCase expected, GError **error)
{
	Forge__Reply *reply = client_call(client, request, error);

	if (!reply || reply->kind_case == expected)
		return reply;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
		"the scheduler answered with a reply of another kind (%d)", (int)reply->kind_case);
	free_reply(reply);
	return NULL;
}

gboolean requests_do(struct client *client, Forge__Request *request, GError **error)
{
	Forge__Reply *reply = call(client, request, FORGE__REPLY__KIND_DONE, error);

	if (!reply)
		return FALSE;
	free_reply(reply);
	return TRUE;
}

static void free_fork_row(gpointer row)
{
	forge__fork_row__free_unpacked(row, NULL);
}

static void free_batch_row(gpointer row)
{
	forge__batch_row__free_unpacked(row, NULL);
}

static void free_job_row(gpointer row)
{
	forge__job_row__free_unpacked(row, NULL);
}

/* A list that is asked for page by page. */
struct listing {
	Forge__Request request;
	uint32_t *after; /* of the request: how many rows it passes over */
	Forge__Reply__KindCase expected;
	GDestroyNotify free_row;
};

/* The rows of REPLY, of whichever kind it is. */
static gpointer *rows_of(Forge__Reply *reply, size_t **count, uint32_t *total)
{
	if (reply->kind_case == FORGE__REPLY__KIND_FORK_ROWS) {
		*count = &reply->fork_rows->n_rows;
		*total = reply->fork_rows->total;
		return (gpointer *)reply->fork_rows->rows;
	}
	if (reply->kind_case == FORGE__REPLY__KIND_COMPONENT_ROWS) {
		*count = &reply->component_rows->n_rows;
		*total = reply->component_rows->total;
		return (gpointer *)reply->component_rows->rows;
	}
	if (reply->kind_case == FORGE__REPLY__KIND_BATCH_ROWS) {
		*count = &reply->batch_rows->n_rows;
		*total = reply->batch_rows->total;
		return (gpointer *)reply->batch_rows->rows;
	}
	*count = &reply->job_rows->n_rows;
	*total = reply->job_rows->total;
	return (gpointer *)reply->job_rows->rows;
}

/* Every row of LISTING, page after page, moved out of the replies they came in. */
static GPtrArray *list_all(struct client *client, struct listing *listing, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(listing->free_row);
	uint32_t total;
	size_t page;

	do {
		Forge__Reply *reply;
		gpointer *rows;
		size_t *count;

		*listing->after = all->len;
		reply = call(client, &listing->request, listing->expected, error);
		if (!reply)
			return NULL;
		rows = rows_of(reply, &count, &total);
		page = *count;
		for (size_t i = 0; i < page; i++)
			g_ptr_array_add(all, rows[i]);
		*count = 0;
		free_reply(reply);
	} while (page > 0 && all->len < total);
	return g_steal_pointer(&all);
}

static void free_component_row(gpointer row)
{
	forge__component_row__free_unpacked(row, NULL);
}

GPtrArray *requests_components(struct client *client, char **names, GError **error)
{
	Forge__ListComponents list = FORGE__LIST_COMPONENTS__INIT;
	struct listing listing = {.request = FORGE__REQUEST__INIT,
		.after = &list.after,
		.expected = FORGE__REPLY__KIND_COMPONENT_ROWS,
		.free_row = free_component_row};

	list.names = names;
	list.n_names = names ? g_strv_length(names) : 0;
	list.limit = LIMIT_ROWS_PAGE;
	listing.request.kind_case = FORGE__REQUEST__KIND_LIST_COMPONENTS;
	listing.request.list_components = &list;
	return list_all(client, &listing, error);
}

GPtrArray *requests_forks(struct client *client, char **names, GError **error)
{
	Forge__ListForks list = FORGE__LIST_FORKS__INIT;
	struct listing listing = {.request = FORGE__REQUEST__INIT,
		.after = &list.after,
		.expected = FORGE__REPLY__KIND_FORK_ROWS,
		.free_row = free_fork_row};

	list.names = names;
	list.n_names = names ? g_strv_length(names) : 0;
	list.limit = LIMIT_ROWS_PAGE;
	listing.request.kind_case = FORGE__REQUEST__KIND_LIST_FORKS;
	listing.request.list_forks = &list;
	return list_all(client, &listing, error);
}

static GPtrArray *list_batches(
	struct client *client, const char *name, gboolean closed, GError **error)
{
	Forge__ListBatches list = FORGE__LIST_BATCHES__INIT;
	struct listing listing = {.request = FORGE__REQUEST__INIT,
		.after = &list.after,
		.expected = FORGE__REPLY__KIND_BATCH_ROWS,
		.free_row = free_batch_row};

	list.closed_too = closed;
	list.limit = LIMIT_ROWS_PAGE;
	if (name)
		list.batch = (char *)name;
	listing.request.kind_case = FORGE__REQUEST__KIND_LIST_BATCHES;
	listing.request.list_batches = &list;
	return list_all(client, &listing, error);
}

GPtrArray *requests_batches(struct client *client, gboolean closed, GError **error)
{
	return list_batches(client, NULL, closed, error);
}

Forge__BatchRow *requests_batch(struct client *client, const char *name, GError **error)
{
	g_autofree char *batch = NULL;
	uint32_t number;
	g_autoptr(GPtrArray) rows = NULL;

	if (!batch_name_parse(name, &batch, &number) || number != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BATCH_NOT_FOUND,
			"'%s' is no name of a batch", name);
		return NULL;
	}
	rows = list_batches(client, batch, TRUE, error);
	if (!rows)
		return NULL;
	if (rows->len == 1)
		return g_ptr_array_steal_index(rows, 0);
	if (rows->len == 0)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BATCH_NOT_FOUND,
			"there is no batch '%s'", name);
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%s' is the beginning of %u batches' names", name, rows->len);
	return NULL;
}

GPtrArray *requests_jobs(struct client *client, const char *batch, GError **error)
{
	Forge__ListJobs list = FORGE__LIST_JOBS__INIT;
	struct listing listing = {.request = FORGE__REQUEST__INIT,
		.after = &list.after,
		.expected = FORGE__REPLY__KIND_JOB_ROWS,
		.free_row = free_job_row};

	if (batch)
		list.batch = (char *)batch;
	list.limit = LIMIT_ROWS_PAGE;
	listing.request.kind_case = FORGE__REQUEST__KIND_LIST_JOBS;
	listing.request.list_jobs = &list;
	return list_all(client, &listing, error);
}

Forge__Reply *requests_stats(struct client *client, GError **error)
{
	Forge__GetStats stats = FORGE__GET_STATS__INIT;
	Forge__Request request = FORGE__REQUEST__INIT;

	request.kind_case = FORGE__REQUEST__KIND_GET_STATS;
	stats.digest = TRUE;
	request.get_stats = &stats;
	return call(client, &request, FORGE__REPLY__KIND_STATS, error);
}

gboolean requests_events(struct client *client, uint64_t from, uint64_t batch, gboolean follow,
	requests_page *page, gpointer user_data, GError **error)
{
	uint64_t next = from;
	uint64_t last = 0;

	for (;;) {
		uint32_t wait_ms = follow ? LIMIT_TAIL_WAIT_MS : 0;
		Forge__Reply *reply = client_read_events(client, next, batch, wait_ms, error);
		gboolean more;
		gboolean moved;

		if (!reply)
			return FALSE;
		if (last == 0)
			last = reply->events->last_seq;
		more = page(reply->events, user_data);
		moved = reply->events->next > next;
		next = reply->events->next;
		free_reply(reply);
		if (!more || (!follow && (next > last || !moved)))
			return TRUE;
	}
}

Forge__Reply *requests_submit(struct client *client, Forge__Submit *submit, GError **error)
{
	g_autofree char *request_id = client_request_id();
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Reply *reply;

	submit->request_id = request_id;
	request.kind_case = FORGE__REQUEST__KIND_SUBMIT;
	request.submit = submit;
	reply = client_call(client, &request, error);
	submit->request_id = (char *)protobuf_c_empty_string;
	if (reply && reply->kind_case != FORGE__REPLY__KIND_SUBMITTED) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
			"the scheduler did not say which batch was made");
		g_clear_pointer(&reply, free_reply);
	}
	return reply;
}

static gboolean apply_page(const Forge__Events *page, gpointer user_data)
{
	struct history *history = user_data;

	for (size_t i = 0; i < page->n_events; i++)
		history_apply(history, page->events[i]);
	return history->closed_seq == 0;
}

struct history *requests_history(
	struct client *client, const Forge__BatchRow *batch, GError **error)
{
	scoped(history) history = history_new();

	if (!requests_events(client, batch->batch, batch->batch, FALSE, apply_page, history, error))
		return NULL;
	if (!history->opened) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BATCH_NOT_FOUND,
			"the journal no longer holds the events of batch %s", batch->name);
		return NULL;
	}
	return g_steal_pointer(&history);
}

void job_name_clear(struct job_name *name)
{
	forge__batch_row__free_unpacked(name->batch, NULL);
	name->batch = NULL;
}

gboolean requests_find_job(
	struct client *client, const char *name, struct job_name *found, GError **error)
{
	g_autofree char *beginning = NULL;
	uint32_t number;
	Forge__BatchRow *batch;

	if (!batch_name_parse(name, &beginning, &number)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOB_NOT_FOUND,
			"'%s' is neither a job (BATCH.NUMBER) nor a batch", name);
		return FALSE;
	}
	batch = requests_batch(client, beginning, error);
	if (!batch)
		return FALSE;
	if (batch->counts && number > batch->counts->total) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOB_NOT_FOUND,
			"batch %s has no job %u; its last is %u", batch->name, number,
			batch->counts->total);
		forge__batch_row__free_unpacked(batch, NULL);
		return FALSE;
	}
	found->batch = batch;
	found->number = number;
	return TRUE;
}
