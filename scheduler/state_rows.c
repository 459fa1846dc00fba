/*
 * The rows of the state: made, looked up and freed. What fills them is the fold (state.c) or a
 * checkpoint (state_restore.c).
 */
#include "scheduler/state_rows.h"

#include <string.h>

#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/job_kinds.h"
#include "queue/repository_host.h"
#include "scheduler/component_rows.h"

/* ---- rows --------------------------------------------------------------------------------- */

static void free_branch(gpointer data)
{
	struct branch_row *branch = data;

	forge__fork_synced__free_unpacked(branch->last, NULL);
	g_free(branch);
}

static void clear_failure(struct fork_row *fork)
{
	if (fork->failure)
		forge__error__free_unpacked(fork->failure, NULL);
	fork->failure = NULL;
	fork->failure_us = 0;
}

static void free_fork(gpointer data)
{
	struct fork_row *fork = data;

	clear_failure(fork);
	forge__fork__free_unpacked(fork->spec, NULL);
	g_ptr_array_free(fork->branches, TRUE);
	g_free(fork->request_id);
	g_free(fork->host);
	g_free(fork);
}

static void free_intended(gpointer data)
{
	forge__push_intended__free_unpacked(data, NULL);
}

static void free_finished(gpointer data)
{
	forge__finished_branch__free_unpacked(data, NULL);
}

static void free_progress(gpointer data)
{
	struct job_progress *progress = data;

	g_ptr_array_free(progress->intended, TRUE);
	g_ptr_array_free(progress->finished, TRUE);
	g_free(progress);
}

static void free_batch(gpointer data)
{
	struct batch_row *batch = data;

	if (batch->opened)
		forge__batch_opened__free_unpacked(batch->opened, NULL);
	if (batch->progress)
		g_hash_table_destroy(batch->progress);
	g_free(batch);
}

static void free_closed(gpointer data)
{
	struct closed_row *closed = data;

	forge__batch_opened__free_unpacked(closed->opened, NULL);
	forge__batch_counts__free_unpacked(closed->counts, NULL);
	g_free(closed);
}

static void free_removal(gpointer data)
{
	struct removal_row *removal = data;

	g_free(removal->name);
	g_free(removal->request_id);
	g_free(removal);
}

static void free_session(gpointer data)
{
	struct session_row *session = data;

	g_free(session->name);
	g_free(session->owner);
	g_free(session);
}

struct state *state_new(void)
{
	struct state *state = g_new0(struct state, 1);

	state->forks = g_ptr_array_new_with_free_func(free_fork);
	state->fork_by_name = g_hash_table_new(hash_string_keyed, g_str_equal);
	state->components = g_ptr_array_new_with_free_func(component_row_free);
	state->component_by_name = g_hash_table_new(hash_string_keyed, g_str_equal);
	state->batch_by_seq = g_hash_table_new(g_int64_hash, g_int64_equal);
	state->batch_by_key = g_hash_table_new(hash_string_keyed, g_str_equal);
	state->request_by_id = g_hash_table_new(hash_string_keyed, g_str_equal);
	state->sessions = g_ptr_array_new_with_free_func(free_session);
	state->jobs = job_table_new();
	return state;
}

void state_free(struct state *state)
{
	if (!state)
		return;
	g_hash_table_destroy(state->fork_by_name);
	g_hash_table_destroy(state->component_by_name);
	g_hash_table_destroy(state->batch_by_seq);
	g_hash_table_destroy(state->batch_by_key);
	g_hash_table_destroy(state->request_by_id);
	g_queue_clear(&state->growing);
	g_queue_clear(&state->cancelling);
	g_queue_clear(&state->complete);
	g_queue_clear_full(&state->batches, free_batch);
	g_queue_clear_full(&state->closed, free_closed);
	g_queue_clear_full(&state->removals, free_removal);
	g_ptr_array_free(state->forks, TRUE);
	g_ptr_array_free(state->components, TRUE);
	g_ptr_array_free(state->sessions, TRUE);
	job_table_free(state->jobs);
	g_free(state);
}

/* ---- look-ups ----------------------------------------------------------------------------- */

struct fork_row *state_fork(const struct state *state, const char *name)
{
	return g_hash_table_lookup(state->fork_by_name, name);
}

struct fork_row *state_fork_of(
	const struct state *state, const struct batch_row *batch, const char *name)
{
	struct fork_row *fork = state_fork(state, name);

	return fork && fork->registered_seq < batch->seq ? fork : NULL;
}

struct batch_row *state_batch(const struct state *state, uint64_t seq)
{
	return g_hash_table_lookup(state->batch_by_seq, &seq);
}

const struct known_request *state_request(const struct state *state, const char *request_id)
{
	return g_hash_table_lookup(state->request_by_id, request_id);
}

gboolean state_has_removed(const struct state *state, const char *request_id, const char *name)
{
	for (GList *link = state->removals.tail; link && *request_id; link = link->prev) {
		const struct removal_row *removal = link->data;

		if (strcmp(removal->request_id, request_id) == 0 &&
			strcmp(removal->name, name) == 0)
			return TRUE;
	}
	return FALSE;
}

struct session_row *state_session(const struct state *state, uint64_t seq)
{
	for (guint i = 0; i < state->sessions->len; i++) {
		struct session_row *session = state->sessions->pdata[i];

		if (session->seq == seq)
			return session;
	}
	return NULL;
}

gboolean state_job(const struct state *state, const Forge__JobId *id, struct batch_row **batch,
	const struct job **job)
{
	*batch = id ? state_batch(state, id->batch) : NULL;
	*job = *batch ? job_table_job(state->jobs, (*batch)->jobs, id->number) : NULL;
	return *job != NULL;
}

const struct job_progress *state_progress(const struct batch_row *batch, uint32_t number)
{
	return batch->progress ? g_hash_table_lookup(batch->progress, GUINT_TO_POINTER(number))
			       : NULL;
}

Forge__BatchCounts state_counts(const struct batch_row *batch)
{
	Forge__BatchCounts counts = FORGE__BATCH_COUNTS__INIT;
	const uint32_t *by_state = batch->jobs->counts;

	counts.total = batch->jobs->rows->len;
	counts.queued = by_state[JOB_QUEUED];
	counts.waiting = by_state[JOB_WAITING];
	counts.leased = by_state[JOB_LEASED];
	counts.done = by_state[JOB_DONE];
	counts.conflict = by_state[JOB_CONFLICT];
	counts.skipped = by_state[JOB_SKIPPED];
	counts.failed = by_state[JOB_FAILED];
	counts.cancelled = by_state[JOB_CANCELLED];
	return counts;
}

guint state_first_fork_after(const struct state *state, uint64_t seq)
{
	guint low = 0, high = state->forks->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;
		const struct fork_row *fork = state->forks->pdata[middle];

		if (fork->registered_seq <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Jobs that BATCH will still add as it grows. */
static uint64_t jobs_to_come(const struct state *state, const struct batch_row *batch)
{
	const Forge__BatchOpened *opened = batch->opened;
	uint64_t end = opened->noops + opened->n_targets;
	uint64_t begin = batch->cursor;

	if (batch->cancel_requested)
		return 0;
	if (opened->all_forks && job_kind_of(opened->kind)->about == JOB_ABOUT_COMPONENT) {
		end = begin + state->components->len;
	} else if (opened->all_forks) {
		end = state_first_fork_after(state, batch->seq);
		begin = state_first_fork_after(state, batch->cursor);
	}
	return end - MIN(begin, end);
}

uint64_t state_unfinished(const struct state *state)
{
	uint64_t jobs = job_table_count(state->jobs, JOB_QUEUED) +
		job_table_count(state->jobs, JOB_WAITING);

	for (GList *link = state->growing.head; link; link = link->next)
		jobs += jobs_to_come(state, link->data);
	return jobs;
}

/* ---- making rows -------------------------------------------------------------------------- */

static void queue_add(GQueue *queue, GList **link, gpointer row)
{
	if (*link)
		return;
	g_queue_push_tail(queue, row);
	*link = queue->tail;
}

static void queue_drop(GQueue *queue, GList **link)
{
	if (*link)
		g_queue_delete_link(queue, *link);
	*link = NULL;
}

/* REQUEST stands in the row that has OPENED. */
static void know_request(struct state *state, struct known_request *request,
	const Forge__BatchOpened *opened, uint64_t seq)
{
	*request = (struct known_request){seq, opened->batch};
	if (*opened->request_id)
		g_hash_table_replace(state->request_by_id, opened->request_id, request);
}

static void forget_request(
	struct state *state, const struct known_request *request, const Forge__BatchOpened *opened)
{
	if (state_request(state, opened->request_id) == request)
		g_hash_table_remove(state->request_by_id, opened->request_id);
}

struct batch_row *batch_row_add(
	struct state *state, uint64_t seq, uint64_t opened_us, const Forge__BatchOpened *opened)
{
	struct batch_row *batch = g_new0(struct batch_row, 1);

	batch->seq = seq;
	batch->opened_us = opened_us;
	batch->opened = message_copy(&opened->base);
	batch->cancel_next = 1;
	batch->jobs = job_table_open(state->jobs, seq, opened->priority, batch);
	queue_add(&state->batches, &batch->link, batch);
	queue_add(&state->growing, &batch->growing_link, batch);
	g_hash_table_insert(state->batch_by_seq, &batch->seq, batch);
	if (*batch->opened->unique_key)
		g_hash_table_insert(state->batch_by_key, batch->opened->unique_key, batch);
	know_request(state, &batch->request, batch->opened, seq);
	return batch;
}

void batch_row_add_job(struct state *state, struct batch_row *batch, const char *target)
{
	const struct job_kind *kind = job_kind_of(batch->opened->kind);
	const struct fork_row *fork = target && kind->about == JOB_ABOUT_FORK
		? state_fork(state, target)
		: NULL;

	job_table_add(state->jobs, batch->jobs, target, kind->lane == JOB_LANE_TARGET,
		fork ? fork->host : "localhost");
}

void batch_row_seal(struct state *state, struct batch_row *batch)
{
	batch->sealed = TRUE;
	queue_drop(&state->growing, &batch->growing_link);
	batch_row_note_complete(state, batch);
}

void batch_row_cancel(struct state *state, struct batch_row *batch)
{
	batch->cancel_requested = TRUE;
	batch_row_pass_cancelled(state, batch);
	queue_add(&state->cancelling, &batch->cancelling_link, batch);
}

void batch_row_pass_cancelled(struct state *state, struct batch_row *batch)
{
	const struct job *job;

	while ((job = job_table_job(state->jobs, batch->jobs, batch->cancel_next)) &&
		job->state != JOB_QUEUED && job->state != JOB_WAITING)
		batch->cancel_next++;
}

void batch_row_note_complete(struct state *state, struct batch_row *batch)
{
	const uint32_t *counts = batch->jobs->counts;

	if (batch->sealed && counts[JOB_QUEUED] + counts[JOB_WAITING] + counts[JOB_LEASED] == 0)
		queue_add(&state->complete, &batch->complete_link, batch);
}

void batch_row_close(
	struct state *state, struct batch_row *batch, uint64_t closed_seq, uint64_t closed_us)
{
	Forge__BatchCounts counts = state_counts(batch);

	if (*batch->opened->unique_key)
		g_hash_table_remove(state->batch_by_key, batch->opened->unique_key);
	forget_request(state, &batch->request, batch->opened);
	closed_row_add(state, batch->seq, batch->opened_us, closed_seq, closed_us,
		g_steal_pointer(&batch->opened), &counts);
	queue_drop(&state->complete, &batch->complete_link);
	queue_drop(&state->cancelling, &batch->cancelling_link);
	queue_drop(&state->batches, &batch->link);
	g_hash_table_remove(state->batch_by_seq, &batch->seq);
	job_table_close(state->jobs, batch->jobs);
	free_batch(batch);
}

static void forget_oldest_closed(struct state *state)
{
	struct closed_row *oldest = g_queue_pop_head(&state->closed);

	forget_request(state, &oldest->request, oldest->opened);
	free_closed(oldest);
}

static void drop_targets(Forge__BatchOpened *opened)
{
	for (size_t i = 0; i < opened->n_targets; i++)
		g_free(opened->targets[i]);
	g_clear_pointer(&opened->targets, g_free);
	opened->n_targets = 0;
}

void closed_row_add(struct state *state, uint64_t seq, uint64_t opened_us, uint64_t closed_seq,
	uint64_t closed_us, Forge__BatchOpened *take_opened, const Forge__BatchCounts *counts)
{
	struct closed_row *closed = g_new0(struct closed_row, 1);

	drop_targets(take_opened);
	closed->seq = seq;
	closed->opened_us = opened_us;
	closed->closed_us = closed_us;
	closed->closed_seq = closed_seq;
	closed->opened = take_opened;
	closed->counts = message_copy(&counts->base);
	know_request(state, &closed->request, closed->opened, seq);
	g_queue_push_tail(&state->closed, closed);
	if (state->closed.length > LIMIT_CLOSED_BATCHES)
		forget_oldest_closed(state);
}

struct job_progress *batch_row_progress(struct batch_row *batch, uint32_t number)
{
	struct job_progress *progress;

	if (!batch->progress)
		batch->progress = g_hash_table_new_full(NULL, NULL, NULL, free_progress);
	progress = g_hash_table_lookup(batch->progress, GUINT_TO_POINTER(number));
	if (progress)
		return progress;
	progress = g_new0(struct job_progress, 1);
	progress->intended = g_ptr_array_new_with_free_func(free_intended);
	progress->finished = g_ptr_array_new_with_free_func(free_finished);
	g_hash_table_insert(batch->progress, GUINT_TO_POINTER(number), progress);
	return progress;
}

struct fork_row *fork_row_add(struct state *state, uint64_t seq, uint64_t registered_us,
	const Forge__Fork *spec, const char *request_id)
{
	struct fork_row *fork = g_new0(struct fork_row, 1);

	fork->spec = message_copy(&spec->base);
	fork->registered_us = registered_us;
	fork->registered_seq = seq;
	fork->request_id = g_strdup(request_id);
	fork->host = repository_host(spec->fork);
	fork->branches = g_ptr_array_new_with_free_func(free_branch);
	g_ptr_array_add(state->forks, fork);
	g_hash_table_insert(state->fork_by_name, fork->spec->name, fork);
	return fork;
}

void fork_row_remove(struct state *state, struct fork_row *fork)
{
	g_hash_table_remove(state->fork_by_name, fork->spec->name);
	g_ptr_array_remove(state->forks, fork);
}

void removal_row_add(struct state *state, const char *name, const char *request_id)
{
	struct removal_row *removal = g_new0(struct removal_row, 1);

	removal->name = g_strdup(name);
	removal->request_id = g_strdup(request_id);
	g_queue_push_tail(&state->removals, removal);
	if (state->removals.length > LIMIT_KNOWN_REMOVALS)
		free_removal(g_queue_pop_head(&state->removals));
}

void fork_row_note_branch(
	struct fork_row *fork, uint64_t seq, uint64_t time_us, const Forge__ForkSynced *fact)
{
	struct branch_row *branch = NULL;

	clear_failure(fork);
	for (guint i = 0; i < fork->branches->len && !branch; i++) {
		struct branch_row *other = fork->branches->pdata[i];

		if (strcmp(other->last->branch, fact->branch) == 0)
			branch = other;
	}
	if (!branch) {
		if (fork->branches->len >= LIMIT_BRANCHES_PER_FORK)
			return;
		branch = g_new0(struct branch_row, 1);
		g_ptr_array_add(fork->branches, branch);
	} else {
		forge__fork_synced__free_unpacked(branch->last, NULL);
	}
	branch->last = message_copy(&fact->base);
	branch->seq = seq;
	branch->time_us = time_us;
}

void fork_row_note_failure(struct fork_row *fork, uint64_t time_us, const Forge__Error *error)
{
	clear_failure(fork);
	fork->failure = message_copy(&error->base);
	fork->failure_us = time_us;
}

void session_row_add(
	struct state *state, uint64_t seq, const char *name, uint32_t slots, const char *owner)
{
	struct session_row *session = g_new0(struct session_row, 1);

	session->seq = seq;
	session->name = g_strdup(name);
	session->slots = slots;
	session->owner = g_strdup(owner);
	g_ptr_array_add(state->sessions, session);
}
