/*
 * What a command prints while a batch goes by, with a scheduler that is a script: the client's
 * functions are defined here, and answer from a list of events.
 */
#include "cli/batch_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "journal/base/errors.h"

#define BATCH 5
#define NAME "01JABCDEFGHJKMNPQRSTVWXYZ0"
#define STATUS(word) FORGE__BRANCH_STATUS__BRANCH_STATUS_##word

/* ---- a scheduler that is a script --------------------------------------------------------- */

struct end {
	const char *fork;
	const char *branch; /* NULL: the job failed as a whole, with CODE */
	Forge__BranchStatus status;
	uint32_t behind;
	const char *code;
};

struct client {
	const struct end *ends;
	size_t count;
	size_t next; /* page: 0 opens, N tells ends[N - 1], the last closes */
	gboolean interrupted_at_end;
	gboolean dry_run;
};

gboolean client_is_embedded(const struct client *client)
{
	return client != NULL;
}

char *client_request_id(void)
{
	return g_strdup("0123456789abcdef0123456789abcdef");
}

void client_interrupt(void)
{
}

void client_free(struct client *client)
{
	g_free(client);
}

struct client *client_new(
	const struct config *config, enum client_use use, uint32_t worker_jobs, GError **error)
{
	(void)config;
	(void)use;
	(void)worker_jobs;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE, "none here");
	return NULL;
}

/* Replies are freed by their reader, so they are made of bytes. */
static Forge__Reply *owned(const Forge__Reply *reply)
{
	size_t size = forge__reply__get_packed_size(reply);
	g_autofree uint8_t *bytes = g_malloc(size + 1);
	forge__reply__pack(reply, bytes);
	return forge__reply__unpack(NULL, size, bytes);
}

Forge__Reply *client_call(struct client *client, Forge__Request *request, GError **error)
{
	(void)client;
	(void)error;
	Forge__Reply reply = FORGE__REPLY__INIT;
	Forge__Submitted submitted = FORGE__SUBMITTED__INIT;
	Forge__ForkRows rows = FORGE__FORK_ROWS__INIT;
	Forge__ForkRow row = FORGE__FORK_ROW__INIT;
	Forge__ForkRow *row_list[] = {&row};
	Forge__Fork fork = FORGE__FORK__INIT;
	if (request->kind_case == FORGE__REQUEST__KIND_SUBMIT) {
		submitted.batch = BATCH;
		submitted.name = (char *)NAME;
		reply.kind_case = FORGE__REPLY__KIND_SUBMITTED;
		reply.submitted = &submitted;
	} else {
		g_assert_cmpint(request->kind_case, ==, FORGE__REQUEST__KIND_LIST_FORKS);
		fork.name = request->list_forks->names[0];
		fork.fork = (char *)"/srv/git/fork.git";
		fork.upstream = (char *)"/srv/git/up.git";
		row.fork = &fork;
		rows.rows = row_list;
		rows.n_rows = rows.total = 1;
		reply.kind_case = FORGE__REPLY__KIND_FORK_ROWS;
		reply.fork_rows = &rows;
	}
	return owned(&reply);
}

struct page {
	Forge__Events events;
	Forge__EventRow rows[4];
	Forge__EventRow *row_list[4];
	Forge__Event list[4];
};

static Forge__Event *add_event(struct page *page, uint64_t seq)
{
	size_t at = page->events.n_events++;
	forge__event_row__init(&page->rows[at]);
	forge__event__init(&page->list[at]);
	page->rows[at].seq = seq;
	page->rows[at].time_us = 1000000 * seq;
	page->rows[at].event = &page->list[at];
	page->row_list[at] = &page->rows[at];
	return &page->list[at];
}

static Forge__Reply *send_page(struct page *page)
{
	Forge__Reply reply = FORGE__REPLY__INIT;
	page->events.events = page->row_list;
	page->events.next = page->rows[page->events.n_events - 1].seq + 1;
	page->events.last_seq = 1000;
	reply.kind_case = FORGE__REPLY__KIND_EVENTS;
	reply.events = &page->events;
	return owned(&reply);
}

static Forge__Reply *open_page(const struct client *client)
{
	struct page page = {.events = FORGE__EVENTS__INIT};
	Forge__BatchOpened opened = FORGE__BATCH_OPENED__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	opened.batch = (char *)NAME;
	opened.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	arguments.dry_run = client->dry_run;
	opened.arguments = &arguments;
	Forge__Event *event = add_event(&page, BATCH);
	event->kind_case = FORGE__EVENT__KIND_BATCH_OPENED;
	event->batch_opened = &opened;
	char *targets[8];
	Forge__BatchExtended extended = FORGE__BATCH_EXTENDED__INIT;
	for (size_t i = 0; i < client->count; i++)
		targets[i] = (char *)client->ends[i].fork;
	extended.targets = targets;
	extended.n_targets = client->count;
	event = add_event(&page, BATCH + 1);
	event->kind_case = FORGE__EVENT__KIND_BATCH_EXTENDED;
	event->batch_extended = &extended;
	Forge__BatchSealed sealed = FORGE__BATCH_SEALED__INIT;
	event = add_event(&page, BATCH + 2);
	event->kind_case = FORGE__EVENT__KIND_BATCH_SEALED;
	event->batch_sealed = &sealed;
	return send_page(&page);
}

static Forge__Reply *end_page(const struct client *client, size_t at)
{
	const struct end *end = &client->ends[at];
	struct page page = {.events = FORGE__EVENTS__INIT};
	Forge__JobId id = FORGE__JOB_ID__INIT;
	id.batch = BATCH;
	id.number = (uint32_t)at + 1;
	Forge__Error error = FORGE__ERROR__INIT;
	error.code = (char *)end->code;
	error.message = (char *)"no answer";
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;
	synced.fork = (char *)end->fork;
	synced.branch = (char *)end->branch;
	synced.status = end->status;
	synced.behind = end->behind;
	synced.dry_run = client->dry_run;
	Forge__Fact fact = FORGE__FACT__INIT;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	Forge__Reported reported = FORGE__REPORTED__INIT;
	reported.job = &id;
	reported.fact = &fact;
	Forge__JobSucceeded succeeded = FORGE__JOB_SUCCEEDED__INIT;
	succeeded.job = &id;
	Forge__JobFailed failed = FORGE__JOB_FAILED__INIT;
	failed.job = &id;
	failed.error = &error;
	uint64_t seq = BATCH + 10 + 2 * at;
	if (end->branch) {
		Forge__Event *event = add_event(&page, seq);
		event->kind_case = FORGE__EVENT__KIND_REPORTED;
		event->reported = &reported;
	}
	Forge__Event *last = add_event(&page, seq + 1);
	if (end->branch) {
		last->kind_case = FORGE__EVENT__KIND_JOB_SUCCEEDED;
		last->job_succeeded = &succeeded;
	} else {
		last->kind_case = FORGE__EVENT__KIND_JOB_FAILED;
		last->job_failed = &failed;
	}
	return send_page(&page);
}

Forge__Reply *client_read_events(
	struct client *client, uint64_t from, uint64_t batch, uint32_t wait_ms, GError **error)
{
	(void)from;
	(void)wait_ms;
	g_assert_cmpuint(batch, ==, BATCH);
	size_t page_number = client->next++;
	if (page_number == 0)
		return open_page(client);
	if (page_number <= client->count)
		return end_page(client, page_number - 1);
	if (client->interrupted_at_end) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED, "interrupted");
		return NULL;
	}
	struct page page = {.events = FORGE__EVENTS__INIT};
	Forge__BatchClosed closed = FORGE__BATCH_CLOSED__INIT;
	Forge__Event *event = add_event(&page, BATCH + 100);
	event->kind_case = FORGE__EVENT__KIND_BATCH_CLOSED;
	event->batch_closed = &closed;
	return send_page(&page);
}

/* ---- running it --------------------------------------------------------------------------- */

static const struct end fleet[] = {
	{"my-crm-tools", "main", STATUS(UP_TO_DATE), 0, NULL},
	{"my-sales-tools", "main", STATUS(MERGED), 2, NULL},
	{"my-prompt-tools", "main", STATUS(CONFLICT), 3, NULL},
	{"gone", NULL, STATUS(UNSET), 0, "REPOSITORY_NOT_FOUND"},
};

static int run(struct client *client, const char *format, gboolean one_target, gboolean wait)
{
	char *words[] = {(char *)"forge", (char *)"--format", (char *)format, (char *)"fork",
		(char *)"sync", (char *)"x", NULL};
	struct terminal terminal = {.columns = G_MAXUINT};
	scoped(invocation) invocation = invocation_new(&terminal);
	g_assert_true(invocation_parse(invocation, 6, words, NULL));
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	arguments.dry_run = client->dry_run;
	submit.arguments = &arguments;
	struct batch_plan plan = {.submit = &submit, .wait = wait, .one_target = one_target};
	g_autoptr(GError) error = NULL;
	int status = batch_run(invocation, client, &plan, &error);
	fflush(stdout);
	return error ? forge_error_exit_status(forge_error_code(error)) : status;
}

struct run_case {
	const char *claim;
	size_t first, count; /* of fleet */
	const char *format;
	gboolean one_target;
	gboolean queue_only;
	gboolean dry_run;
	gboolean interrupted;
	int status;
	const char *out;
};

static const struct run_case cases[] = {
	{"a_batch_is_a_line_a_fork_and_the_way_out_of_a_conflict", 0, 4, "table", .status = 7,
		.out = "Synchronizing 4 forks...\n"
		       "✓ my-crm-tools: up to date\n"
		       "✓ my-sales-tools: 2 commits behind, merged\n"
		       "✗ my-prompt-tools: merge conflict, manual resolution required\n"
		       "    git clone --branch main /srv/git/fork.git my-prompt-tools-main\n"
		       "    cd my-prompt-tools-main\n"
		       "    git remote add upstream /srv/git/up.git\n"
		       "    git fetch upstream\n"
		       "    git merge upstream/main\n"
		       "    # edit what conflicts\n"
		       "    git commit --all --no-edit\n"
		       "    git push origin main\n"
		       "✗ gone: no answer\n"
		       "    hint: check the address; a private repository needs credentials to be seen\n"
		       "4 branches: 2 in order, 1 in conflict, 1 failed (100.0 s)\n"},
	{"one_fork_is_told_step_by_step", 1, 1, "table", .one_target = TRUE, .status = 0,
		.out = "Fetching upstream changes...\n"
		       "Merging upstream/main into fork/main...\n"
		       "✓ my-sales-tools: 2 commits behind, merged\n"
		       "✓ Fork synchronized with upstream\n"},
	{"a_dry_run_does_not_claim_a_merge", 1, 1, "table", .one_target = TRUE, .dry_run = TRUE,
		.status = 0,
		.out = "Fetching upstream changes...\n"
		       "✓ my-sales-tools: 2 commits behind, would be merged\n"},
	{"one_forks_error_is_the_exit_status", 3, 1, "table", .one_target = TRUE, .status = 8,
		.out = "Fetching upstream changes...\n"
		       "✗ gone: no answer\n"
		       "    hint: check the address; a private repository needs credentials to be seen\n"},
	{"of_a_batch_a_failure_is_1", 3, 1, "table", .status = 1,
		.out = "Synchronizing 1 fork...\n"
		       "✗ gone: no answer\n"
		       "    hint: check the address; a private repository needs credentials to be seen\n"
		       "1 branch: 0 in order, 1 failed (100.0 s)\n"},
	{"json_is_one_object_and_nothing_else", 0, 1, "json", .status = 0,
		.out = "{\n  \"batch\": \"" NAME "\",\n  \"total\": 1,\n  \"succeeded\": 1,\n"
		       "  \"conflicts\": 0,\n  \"failed\": 0,\n  \"skipped\": 0,\n  \"cancelled\": 0,\n"
		       "  \"seconds\": 100.0,\n  \"forks\": [\n    {\n"
		       "      \"name\": \"my-crm-tools\",\n      \"branch\": \"main\",\n"
		       "      \"status\": \"up_to_date\",\n      \"behind\": 0,\n      \"ahead\": 0,\n"
		       "      \"before\": null,\n      \"after\": null,\n      \"backup\": null,\n"
		       "      \"conflicts\": [],\n      \"error\": null\n    }\n  ]\n}\n"},
	{"a_batch_that_is_only_queued_is_named", 0, 1, "table", .queue_only = TRUE, .status = 0,
		.out = "Queued as batch " NAME "\n"},
	{"an_interrupted_batch_is_130", 0, 1, "table", .interrupted = TRUE, .status = 130,
		.out = "Synchronizing 1 fork...\n✓ my-crm-tools: up to date\n"},
};

/* Standard output goes to a file meanwhile; the test framework writes to it before and after. */
static void check_case(gconstpointer data)
{
	const struct run_case *row = data;
	struct client client = {.ends = fleet + row->first,
		.count = row->count,
		.interrupted_at_end = row->interrupted,
		.dry_run = row->dry_run};
	g_autofree char *path = NULL;
	int copy = g_file_open_tmp("forge-test-XXXXXX", &path, NULL);
	g_assert_cmpint(copy, >=, 0);
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	dup2(copy, STDOUT_FILENO);
	int status = run(&client, row->format, row->one_target, !row->queue_only);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(copy);
	g_autofree char *out = NULL;
	g_assert_true(g_file_get_contents(path, &out, NULL, NULL));
	unlink(path);
	g_assert_cmpstr(out, ==, row->out);
	g_assert_cmpint(status, ==, row->status);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/batch_run/%s", cases[i].claim);
		g_test_add_data_func(path, &cases[i], check_case);
	}
	return g_test_run();
}
