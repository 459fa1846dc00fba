/*
 * Questions about the state. Replies borrow their strings from the state and are packed at once;
 * lists are paged, and every list has an order that does not depend on hash tables.
 */
#include "scheduler/query.h"

#include <string.h>

#include "journal/base/limits.h"
#include "scheduler/component_rows.h"

/* The rows of one page, allocated together and dropped after packing. */
struct page {
	uint32_t after;
	uint32_t limit;
	uint32_t total;
	GPtrArray *rows; /* of messages, freed with g_free only: they own nothing */
	GPtrArray *pool; /* what the rows point at */
};

static void page_init(struct page *page, uint32_t after, uint32_t limit)
{
	page->after = after;
	page->limit = limit == 0 ? LIMIT_ROWS_PAGE : MIN(limit, LIMIT_ROWS_PAGE);
	page->total = 0;
	page->rows = g_ptr_array_new_with_free_func(g_free);
	page->pool = g_ptr_array_new_with_free_func(g_free);
}

static void page_clear(struct page *page)
{
	g_ptr_array_free(page->rows, TRUE);
	g_ptr_array_free(page->pool, TRUE);
}
SCOPED_VALUE(page, page_clear)

/* Counts one more row; TRUE if it belongs on this page. */
static gboolean page_wants(struct page *page)
{
	uint32_t place = page->total++;

	return place >= page->after && page->rows->len < page->limit;
}

/* Answers with the page's rows as LIST, the message that a reply of KIND holds. */
#define ANSWER_PAGE(asking, page, kind, list) \
	do { \
		(list).n_rows = (page).rows->len; \
		(list).rows = (gpointer)(page).rows->pdata; \
		(list).total = (page).total; \
		asking_answer(asking, kind, &(list)); \
	} while (0)

/* ---- forks -------------------------------------------------------------------------------- */

static gboolean is_named(char *const *names, size_t n_names, const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i], name) == 0)
			return TRUE;
	return n_names == 0;
}

static gpointer keep(GPtrArray *pool, gpointer block)
{
	g_ptr_array_add(pool, block);
	return block;
}

/* A row must fit a message: one too large is told without
 * the paths that conflict, whose count stays. */
static void leave_out_paths(Forge__ForkRow *row, GPtrArray *pool)
{
	for (size_t i = 0; i < row->n_branches; i++) {
		Forge__ForkSynced *last = keep(pool, g_new(Forge__ForkSynced, 1));

		*last = *row->branches[i]->last;
		last->n_conflicts = 0;
		row->branches[i]->last = last;
	}
}

static Forge__ForkRow *row_of_fork(const struct fork_row *fork, GPtrArray *pool)
{
	Forge__ForkRow *row = g_new(Forge__ForkRow, 1);

	forge__fork_row__init(row);
	row->fork = fork->spec;
	row->registered_us = fork->registered_us;
	row->failure = fork->failure;
	row->failure_us = fork->failure_us;
	row->branches = keep(pool, g_new(Forge__BranchRow *, MAX(1, fork->branches->len)));
	for (guint i = 0; i < fork->branches->len; i++) {
		const struct branch_row *branch = fork->branches->pdata[i];
		Forge__BranchRow *branch_message = keep(pool, g_new(Forge__BranchRow, 1));

		forge__branch_row__init(branch_message);
		branch_message->last = branch->last;
		branch_message->time_us = branch->time_us;
		branch_message->seq = branch->seq;
		row->branches[row->n_branches++] = branch_message;
	}
	if (protobuf_c_message_get_packed_size(&row->base) > LIMIT_MESSAGE_BYTES / 2)
		leave_out_paths(row, pool);
	return row;
}

void query_forks(const struct asking *asking, const Forge__ListForks *list)
{
	const struct view *view = asking->view;
	Forge__ForkRows rows = FORGE__FORK_ROWS__INIT;
	scoped_value(page) page = {0};
	size_t bytes = 0;

	page_init(&page, list->after, list->limit);
	for (guint i = 0; i < view->state->forks->len; i++) {
		const struct fork_row *fork = view->state->forks->pdata[i];
		Forge__ForkRow *row;

		if (!is_named(list->names, list->n_names, fork->spec->name) || !page_wants(&page))
			continue;
		row = row_of_fork(fork, page.pool);
		bytes += protobuf_c_message_get_packed_size(&row->base);
		/* Forks may have very many branches: a page
		 * ends early rather than grow too large. */
		if (page.rows->len > 0 && bytes > LIMIT_MESSAGE_BYTES / 2) {
			page.limit = page.rows->len;
			g_free(row);
			continue;
		}
		g_ptr_array_add(page.rows, row);
	}
	ANSWER_PAGE(asking, page, FORGE__REPLY__KIND_FORK_ROWS, rows);
}

/* ---- components --------------------------------------------------------------------------- */

static Forge__ComponentRow *row_of_component(const struct component_row *component)
{
	Forge__ComponentRow *row = g_new(Forge__ComponentRow, 1);

	forge__component_row__init(row);
	row->component = component->component;
	row->status = component_status(component);
	row->observed = component->observed;
	row->observed_us = component->observed_us;
	row->synced_us = component->synced_us;
	row->pending = component->pending;
	row->pushed = component->pushed;
	row->failure = component->failure;
	row->failure_us = component->failure_us;
	return row;
}

void query_components(const struct asking *asking, const Forge__ListComponents *list)
{
	const struct state *state = asking->view->state;
	Forge__ComponentRows rows = FORGE__COMPONENT_ROWS__INIT;
	scoped_value(page) page = {0};
	size_t bytes = 0;

	page_init(&page, list->after, list->limit);
	for (guint i = 0; i < state->components->len; i++) {
		const struct component_row *component = state->components->pdata[i];
		Forge__ComponentRow *row;

		if (!is_named(list->names, list->n_names, component->component->name) ||
			!page_wants(&page))
			continue;
		row = row_of_component(component);
		bytes += protobuf_c_message_get_packed_size(&row->base);
		g_ptr_array_add(page.rows, row);
		if (bytes > LIMIT_MESSAGE_BYTES / 4)
			page.limit = page.rows->len;
	}
	ANSWER_PAGE(asking, page, FORGE__REPLY__KIND_COMPONENT_ROWS, rows);
}

/* ---- batches ------------------------------------------------------------------------------ */

static Forge__BatchRow *row_of_opened(
	const Forge__BatchOpened *opened, uint64_t seq, uint64_t opened_us)
{
	Forge__BatchRow *row = g_new(Forge__BatchRow, 1);

	forge__batch_row__init(row);
	row->batch = seq;
	row->name = opened->batch;
	row->kind = opened->kind;
	row->opened_us = opened_us;
	row->arguments = opened->arguments;
	row->actor = opened->actor;
	row->retry_of = opened->retry_of;
	return row;
}

static void add_open_batches(
	const struct view *view, const Forge__ListBatches *list, struct page *page)
{
	for (GList *link = view->state->batches.tail; link; link = link->prev) {
		const struct batch_row *batch = link->data;
		Forge__BatchRow *row;

		if (!g_str_has_prefix(batch->opened->batch, list->batch) || !page_wants(page))
			continue;
		row = row_of_opened(batch->opened, batch->seq, batch->opened_us);
		row->sealed = batch->sealed;
		row->counts = keep(page->pool, g_new(Forge__BatchCounts, 1));
		*row->counts = state_counts(batch);
		g_ptr_array_add(page->rows, row);
	}
}

static void add_closed_batches(
	const struct view *view, const Forge__ListBatches *list, struct page *page)
{
	for (GList *link = view->state->closed.tail; link; link = link->prev) {
		const struct closed_row *closed = link->data;
		Forge__BatchRow *row;

		if (!g_str_has_prefix(closed->opened->batch, list->batch) || !page_wants(page))
			continue;
		row = row_of_opened(closed->opened, closed->seq, closed->opened_us);
		row->sealed = row->closed = TRUE;
		row->closed_us = closed->closed_us;
		row->closed_seq = closed->closed_seq;
		row->counts = closed->counts;
		g_ptr_array_add(page->rows, row);
	}
}

void query_batches(const struct asking *asking, const Forge__ListBatches *list)
{
	const struct view *view = asking->view;
	Forge__BatchRows rows = FORGE__BATCH_ROWS__INIT;
	scoped_value(page) page = {0};

	page_init(&page, list->after, list->limit);
	add_open_batches(view, list, &page);
	if (list->closed_too || *list->batch)
		add_closed_batches(view, list, &page);
	ANSWER_PAGE(asking, page, FORGE__REPLY__KIND_BATCH_ROWS, rows);
}

/* ---- jobs --------------------------------------------------------------------------------- */

static Forge__JobRow *row_of_job(
	const struct asking *asking, const struct batch_row *batch, const struct job *job)
{
	Forge__JobRow *row = g_new(Forge__JobRow, 1);
	const char *target = job_table_target(asking->view->state->jobs, job);

	forge__job_row__init(row);
	row->job = decide_job_id(asking->decision, batch->seq, job->number);
	row->batch_name = batch->opened->batch;
	row->target = (char *)(target ? target : "");
	row->state = (char *)job_state_word(job->state);
	row->attempt = job->attempt;
	if (job->state == JOB_WAITING)
		row->not_before_us = job->term;
	return row;
}

void query_jobs(const struct asking *asking, const Forge__ListJobs *list)
{
	const struct view *view = asking->view;
	Forge__JobRows rows = FORGE__JOB_ROWS__INIT;
	scoped_value(page) page = {0};

	page_init(&page, list->after, list->limit);
	for (GList *link = view->state->batches.head; link; link = link->next) {
		const struct batch_row *batch = link->data;

		if (*list->batch && strcmp(batch->opened->batch, list->batch) != 0)
			continue;
		for (guint i = 1; i <= batch->jobs->rows->len; i++)
			if (page_wants(&page))
				g_ptr_array_add(page.rows,
					row_of_job(asking, batch,
						job_table_job(view->state->jobs, batch->jobs, i)));
	}
	ANSWER_PAGE(asking, page, FORGE__REPLY__KIND_JOB_ROWS, rows);
}

/* ---- stats -------------------------------------------------------------------------------- */

static Forge__WorkerRow *row_of_seat(const struct view *view, const struct seat *seat)
{
	const struct session_row *session = state_session(view->state, seat->session);
	Forge__WorkerRow *row = g_new(Forge__WorkerRow, 1);

	forge__worker_row__init(row);
	row->session = seat->session;
	row->name = session->name;
	row->slots = seat->slots;
	row->leased = seat->leases->len;
	row->owned = *seat->owner != '\0';
	return row;
}

void query_stats(const struct asking *asking, gboolean with_digest)
{
	const struct view *view = asking->view;
	const struct state *state = view->state;
	g_autoptr(GPtrArray) workers = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *digest_hex = NULL;
	Forge__Stats stats = FORGE__STATS__INIT;

	for (guint i = 0; i < view->pool->seats->len && i < LIMIT_ROWS_PAGE; i++)
		g_ptr_array_add(workers, row_of_seat(view, view->pool->seats->pdata[i]));
	stats.journal_id = (char *)view->journal_id;
	stats.last_seq = state->last_seq;
	if (with_digest) {
		struct hash digest = state_digest(state);

		stats.digest = digest_hex = hash_hex(&digest);
	}
	stats.forks = state->forks->len;
	stats.open_batches = state->batches.length;
	stats.queued = job_table_count(state->jobs, JOB_QUEUED);
	stats.leased = job_table_count(state->jobs, JOB_LEASED);
	stats.waiting = job_table_count(state->jobs, JOB_WAITING);
	stats.n_workers = workers->len;
	stats.workers = (Forge__WorkerRow **)workers->pdata;
	stats.paused = state->paused;
	stats.started_us = view->started_us;
	stats.pid = view->pid;
	stats.host = (char *)view->host;
	asking_answer(asking, FORGE__REPLY__KIND_STATS, &stats);
}
