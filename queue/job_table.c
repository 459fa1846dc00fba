/*
 * Rows, lists and lanes of jobs.
 *
 * Invariants, which job_table_audit() checks: a job stands in exactly one place. If it heads its
 * lane (or has none) and is queued, it is in the ready list of its batch and host; if it heads its
 * lane and waits, it is in the tree of times; if it is leased it is in no list but still heads its
 * lane. A job that does not head its lane is in the lane's list, queued or waiting. A job that has
 * ended is in no list. set_state() is the only place where counts change.
 *
 * A job that waits lets those queued in its lane go first: a head waits only if all behind it wait
 * too.
 *
 * A batch is in the queue of its priority exactly while one of its hosts has a ready job; leasing
 * moves batch and host to the end of their queues, which makes turns fair, the same way live and at
 * replay.
 */
#include "queue/job_table.h"

#include <string.h>

#include "journal/base/hash.h"
#include "queue/job_table_rows.h"

static const char *const state_words[JOB_STATES] = {
	"queued", "waiting", "leased", "done", "conflict", "skipped", "failed", "cancelled"};

const char *job_state_word(enum job_state state)
{
	return state_words[state];
}

static uint32_t index_of(const struct job_batch *batch, uint32_t number)
{
	g_assert(number >= 1 && number <= batch->rows->len);
	return g_array_index(batch->rows, uint32_t, number - 1);
}

static gint compare_due(gconstpointer a, gconstpointer b, gpointer unused)
{
	const struct due *left = a, *right = b;

	(void)unused;
	if (left->at_us != right->at_us)
		return left->at_us < right->at_us ? -1 : 1;
	if (left->batch != right->batch)
		return left->batch < right->batch ? -1 : 1;
	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return 0;
}

static void free_batch(struct job_batch *batch)
{
	g_array_free(batch->rows, TRUE);
	g_ptr_array_free(batch->hosts, TRUE);
	g_queue_clear(&batch->ready_hosts);
	g_free(batch);
}

static void free_host(gpointer data)
{
	struct host_list *host = data;

	g_free(host->name);
	g_free(host);
}

struct job_table *job_table_new(void)
{
	struct job_table *table = g_new0(struct job_table, 1);

	table->blocks = g_ptr_array_new_with_free_func(g_free);
	table->free_row = JOB_NO_INDEX;
	table->batches = g_ptr_array_new();
	table->free_batches = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	table->targets = g_array_new(FALSE, FALSE, sizeof(struct target));
	table->free_targets = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	table->target_by_name = g_hash_table_new(hash_string_keyed, g_str_equal);
	for (int i = 0; i < WAITS; i++)
		table->waiting[i] = g_tree_new_full(compare_due, NULL, g_free, NULL);
	return table;
}

void job_table_free(struct job_table *table)
{
	if (!table)
		return;
	for (guint i = 0; i < table->batches->len; i++)
		if (table->batches->pdata[i])
			free_batch(table->batches->pdata[i]);
	for (guint i = 0; i < table->targets->len; i++)
		g_free(target_at(table, i)->name);
	for (int i = 0; i <= JOB_PRIORITY_MAX; i++)
		g_queue_clear(&table->ready[i]);
	g_ptr_array_free(table->blocks, TRUE);
	g_ptr_array_free(table->batches, TRUE);
	g_array_free(table->free_batches, TRUE);
	g_array_free(table->targets, TRUE);
	g_array_free(table->free_targets, TRUE);
	g_hash_table_destroy(table->target_by_name);
	for (int i = 0; i < WAITS; i++)
		g_tree_destroy(table->waiting[i]);
	g_free(table);
}

/* ---- lists -------------------------------------------------------------------------------- */

static void list_append(struct job_table *table, uint32_t *first, uint32_t *last, uint32_t index)
{
	struct job *job = row_at(table, index);

	job->previous = *last;
	job->next = JOB_NO_INDEX;
	if (*last == JOB_NO_INDEX)
		*first = index;
	else
		row_at(table, *last)->next = index;
	*last = index;
}

static void list_prepend(struct job_table *table, uint32_t *first, uint32_t *last, uint32_t index)
{
	struct job *job = row_at(table, index);

	job->previous = JOB_NO_INDEX;
	job->next = *first;
	if (*first == JOB_NO_INDEX)
		*last = index;
	else
		row_at(table, *first)->previous = index;
	*first = index;
}

static void list_remove(struct job_table *table, uint32_t *first, uint32_t *last, uint32_t index)
{
	struct job *job = row_at(table, index);

	if (job->previous == JOB_NO_INDEX)
		*first = job->next;
	else
		row_at(table, job->previous)->next = job->next;
	if (job->next == JOB_NO_INDEX)
		*last = job->previous;
	else
		row_at(table, job->next)->previous = job->previous;
	job->previous = job->next = JOB_NO_INDEX;
}

/* Keeps the invariant of the ready queues after HOST's list changed. */
static void update_ready(struct job_table *table, struct job_batch *batch, struct host_list *host)
{
	GQueue *ready = &table->ready[batch->priority];

	if (host->first != JOB_NO_INDEX && !host->ready_link) {
		g_queue_push_tail(&batch->ready_hosts, host);
		host->ready_link = batch->ready_hosts.tail;
	} else if (host->first == JOB_NO_INDEX && host->ready_link) {
		g_queue_delete_link(&batch->ready_hosts, host->ready_link);
		host->ready_link = NULL;
	}
	if (batch->ready_hosts.length > 0 && !batch->ready_link) {
		g_queue_push_tail(ready, batch);
		batch->ready_link = ready->tail;
	} else if (batch->ready_hosts.length == 0 && batch->ready_link) {
		g_queue_delete_link(ready, batch->ready_link);
		batch->ready_link = NULL;
	}
}

static void rotate_to_end(GQueue *queue, GList *link)
{
	g_queue_unlink(queue, link);
	g_queue_push_tail_link(queue, link);
}

/* ---- places of a job ---------------------------------------------------------------------- */

enum place {
	PLACE_FRONT,
	PLACE_BACK,
};

static GTree *tree_of(const struct job_table *table, const struct job *job)
{
	return table->waiting[job->attempt > 0 ? WAIT_RETRY : WAIT_START];
}

static gboolean heads_lane(const struct job_table *table, uint32_t index, gboolean *has_lane)
{
	const struct job *job = row_at(table, index);
	const struct target *target;

	*has_lane = FALSE;
	if (job->target == JOB_NO_INDEX)
		return TRUE;
	target = target_at(table, job->target);
	/* A target whose lane was never entered belongs to a kind without lanes. */
	*has_lane = target->head != JOB_NO_INDEX;
	return !*has_lane || target->head == index;
}

/* Puts a job that may run by its lane where its state belongs. */
static void place_head(struct job_table *table, uint32_t index, enum place place)
{
	struct job *job = row_at(table, index);
	struct job_batch *batch = table->batches->pdata[job->batch];

	if (job->state == JOB_QUEUED) {
		struct host_list *host = host_of(batch, job);

		if (place == PLACE_FRONT)
			list_prepend(table, &host->first, &host->last, index);
		else
			list_append(table, &host->first, &host->last, index);
		update_ready(table, batch, host);
	} else if (job->state == JOB_WAITING) {
		struct due *due = g_new(struct due, 1);

		*due = (struct due){job->term, batch->seq, job->number, index};
		g_tree_insert(tree_of(table, job), due, due);
	}
}

/* Takes a job out of whatever list its state put it in. Its lane still knows it. */
static void unplace(struct job_table *table, uint32_t index)
{
	struct job *job = row_at(table, index);
	struct job_batch *batch = table->batches->pdata[job->batch];
	gboolean has_lane;

	if (job->state == JOB_LEASED || job_state_ended(job->state))
		return;
	if (!heads_lane(table, index, &has_lane)) {
		struct target *target = target_at(table, job->target);

		list_remove(table, &target->first, &target->last, index);
	} else if (job->state == JOB_QUEUED) {
		struct host_list *host = host_of(batch, job);

		list_remove(table, &host->first, &host->last, index);
		update_ready(table, batch, host);
	} else {
		struct due due = {job->term, batch->seq, job->number, index};

		g_tree_remove(tree_of(table, job), &due);
	}
}

static void make_head(struct job_table *table, struct target *target, uint32_t index)
{
	target->head = index;
	if (index == JOB_NO_INDEX)
		return;
	list_remove(table, &target->first, &target->last, index);
	place_head(table, index, PLACE_BACK);
}

/* Gives the lane to the first that is queued; if all wait, to the one whose wait ends first. */
static void promote_next(struct job_table *table, struct target *target)
{
	uint32_t best = target->first;

	for (uint32_t i = target->first; i != JOB_NO_INDEX; i = row_at(table, i)->next) {
		if (row_at(table, i)->state == JOB_QUEUED) {
			best = i;
			break;
		}
		if (row_at(table, i)->term < row_at(table, best)->term)
			best = i;
	}
	make_head(table, target, best);
}

/* The only place where a job's state, and with it any count, changes. */
static void set_state(struct job_table *table, struct job *job, enum job_state state)
{
	struct job_batch *batch = table->batches->pdata[job->batch];

	batch->counts[job->state]--;
	table->counts[job->state]--;
	job->state = (uint8_t)state;
	batch->counts[state]++;
	table->counts[state]++;
}

/* ---- batches and rows --------------------------------------------------------------------- */

struct job_batch *job_table_open(
	struct job_table *table, uint64_t seq, uint32_t priority, void *user_data)
{
	struct job_batch *batch = g_new0(struct job_batch, 1);

	batch->seq = seq;
	batch->priority = (uint8_t)MIN(priority, JOB_PRIORITY_MAX);
	batch->user_data = user_data;
	batch->rows = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	batch->hosts = g_ptr_array_new_with_free_func(free_host);
	if (table->free_batches->len > 0) {
		batch->slot = g_array_index(
			table->free_batches, uint32_t, table->free_batches->len - 1);
		g_array_set_size(table->free_batches, table->free_batches->len - 1);
		table->batches->pdata[batch->slot] = batch;
	} else {
		batch->slot = table->batches->len;
		g_ptr_array_add(table->batches, batch);
	}
	return batch;
}

static uint32_t intern_target(struct job_table *table, const char *name)
{
	guint found = GPOINTER_TO_UINT(g_hash_table_lookup(table->target_by_name, name));
	struct target fresh = {g_strdup(name), 0, JOB_NO_INDEX, JOB_NO_INDEX, JOB_NO_INDEX};
	uint32_t slot;

	if (found) {
		g_free(fresh.name);
		return found - 1;
	}
	if (table->free_targets->len > 0) {
		slot = g_array_index(table->free_targets, uint32_t, table->free_targets->len - 1);
		g_array_set_size(table->free_targets, table->free_targets->len - 1);
		*target_at(table, slot) = fresh;
	} else {
		slot = table->targets->len;
		g_array_append_val(table->targets, fresh);
	}
	g_hash_table_insert(table->target_by_name, fresh.name, GUINT_TO_POINTER(slot + 1));
	return slot;
}

static void release_target(struct job_table *table, uint32_t slot)
{
	struct target *target = target_at(table, slot);

	if (--target->references > 0)
		return;
	g_hash_table_remove(table->target_by_name, target->name);
	g_clear_pointer(&target->name, g_free);
	g_array_append_val(table->free_targets, slot);
}

static uint16_t intern_host(struct job_batch *batch, const char *name)
{
	struct host_list *host;

	/* Few: a batch that talks to more hosts than this many shares the last list. */
	for (guint i = 0; i < batch->hosts->len; i++) {
		host = batch->hosts->pdata[i];
		if (strcmp(host->name, name) == 0 || i == 255)
			return (uint16_t)i;
	}
	host = g_new0(struct host_list, 1);
	host->name = g_strdup(name);
	host->first = host->last = JOB_NO_INDEX;
	g_ptr_array_add(batch->hosts, host);
	return (uint16_t)(batch->hosts->len - 1);
}

static uint32_t take_row(struct job_table *table, const struct job *row)
{
	uint32_t index = table->free_row;

	if (index != JOB_NO_INDEX) {
		table->free_row = row_at(table, index)->next;
	} else {
		index = table->n_rows++;
		if (index % ROWS_PER_BLOCK == 0)
			g_ptr_array_add(table->blocks, g_new(struct job, ROWS_PER_BLOCK));
	}
	*row_at(table, index) = *row;
	return index;
}

uint32_t job_table_add(struct job_table *table, struct job_batch *batch, const char *target,
	gboolean lane, const char *host)
{
	struct job row = {.batch = batch->slot,
		.number = batch->rows->len + 1,
		.target = target ? intern_target(table, target) : JOB_NO_INDEX,
		.previous = JOB_NO_INDEX,
		.next = JOB_NO_INDEX,
		.host = intern_host(batch, host),
		.state = JOB_QUEUED};
	uint32_t index = take_row(table, &row);
	struct target *owner;

	g_array_append_val(batch->rows, index);
	batch->counts[JOB_QUEUED]++;
	table->counts[JOB_QUEUED]++;
	if (!target) {
		place_head(table, index, PLACE_BACK);
		return row.number;
	}
	owner = target_at(table, row.target);
	owner->references++;
	if (lane && owner->head != JOB_NO_INDEX &&
		row_at(table, owner->head)->state == JOB_WAITING) {
		unplace(table, owner->head);
		list_prepend(table, &owner->first, &owner->last, owner->head);
	} else if (lane && owner->head != JOB_NO_INDEX) {
		list_append(table, &owner->first, &owner->last, index);
		return row.number;
	}
	if (lane)
		owner->head = index;
	place_head(table, index, PLACE_BACK);
	return row.number;
}

void job_table_close(struct job_table *table, struct job_batch *batch)
{
	for (guint i = 0; i < batch->rows->len; i++) {
		uint32_t index = g_array_index(batch->rows, uint32_t, i);
		struct job *job = row_at(table, index);

		g_assert(job_state_ended(job->state));
		table->counts[job->state]--;
		if (job->target != JOB_NO_INDEX)
			release_target(table, job->target);
		job->batch = JOB_NO_INDEX;
		job->next = table->free_row;
		table->free_row = index;
	}
	g_assert(!batch->ready_link);
	table->batches->pdata[batch->slot] = NULL;
	g_array_append_val(table->free_batches, batch->slot);
	free_batch(batch);
}

/* ---- looking ------------------------------------------------------------------------------ */

const struct job *job_table_job(
	const struct job_table *table, const struct job_batch *batch, uint32_t number)
{
	if (number < 1 || number > batch->rows->len)
		return NULL;
	return row_at(table, index_of(batch, number));
}

const char *job_table_target(const struct job_table *table, const struct job *job)
{
	return job->target == JOB_NO_INDEX ? NULL : target_at(table, job->target)->name;
}

struct job_batch *job_table_batch(const struct job_table *table, const struct job *job)
{
	return table->batches->pdata[job->batch];
}

uint64_t job_table_count(const struct job_table *table, enum job_state state)
{
	return table->counts[state];
}

uint64_t job_table_next_due_us(const struct job_table *table)
{
	uint64_t next_us = 0;

	for (int i = 0; i < WAITS; i++) {
		GTreeNode *first = g_tree_node_first(table->waiting[i]);
		uint64_t at_us = first ? ((const struct due *)g_tree_node_key(first))->at_us : 0;

		if (at_us && (!next_us || at_us < next_us))
			next_us = at_us;
	}
	return next_us;
}

gboolean job_table_may_run(const struct job_table *table, const struct job *job)
{
	uint32_t index = index_of(table->batches->pdata[job->batch], job->number);
	gboolean has_lane;

	return heads_lane(table, index, &has_lane);
}

/* ---- moves -------------------------------------------------------------------------------- */

void job_table_lease(struct job_table *table, struct job_batch *batch, uint32_t number,
	uint16_t attempt, uint64_t session)
{
	uint32_t index = index_of(batch, number);
	struct job *job = row_at(table, index);
	struct host_list *host = host_of(batch, job);

	g_assert(job->state == JOB_QUEUED || job->state == JOB_WAITING);
	unplace(table, index);
	set_state(table, job, JOB_LEASED);
	job->attempt = attempt;
	job->tries++;
	job->term = session;
	if (host->ready_link)
		rotate_to_end(&batch->ready_hosts, host->ready_link);
	if (batch->ready_link)
		rotate_to_end(&table->ready[batch->priority], batch->ready_link);
}

void job_table_requeue(
	struct job_table *table, struct job_batch *batch, uint32_t number, gboolean lost)
{
	uint32_t index = index_of(batch, number);
	struct job *job = row_at(table, index);

	g_assert(job->state == JOB_LEASED);
	job->tries--;
	if (lost)
		job->losses++;
	job->term = 0;
	set_state(table, job, JOB_QUEUED);
	/* It still heads its lane, so it goes on before those that came later. */
	place_head(table, index, PLACE_FRONT);
}

void job_table_wait(
	struct job_table *table, struct job_batch *batch, uint32_t number, uint64_t not_before_us)
{
	uint32_t index = index_of(batch, number);
	struct job *job = row_at(table, index);
	struct target *target = job->target == JOB_NO_INDEX ? NULL : target_at(table, job->target);

	g_assert(job->state == JOB_LEASED || job->state == JOB_QUEUED);
	unplace(table, index);
	set_state(table, job, JOB_WAITING);
	job->term = not_before_us;
	/* Others of the lane need not wait for this one's time. */
	if (target && target->head == index && target->first != JOB_NO_INDEX) {
		list_append(table, &target->first, &target->last, index);
		promote_next(table, target);
	} else if (target && target->head != JOB_NO_INDEX && target->head != index) {
		list_append(table, &target->first, &target->last, index);
	} else {
		place_head(table, index, PLACE_BACK);
	}
}

void job_table_end(
	struct job_table *table, struct job_batch *batch, uint32_t number, enum job_state state)
{
	uint32_t index = index_of(batch, number);
	struct job *job = row_at(table, index);

	g_assert(job_state_ended(state) && !job_state_ended(job->state));
	unplace(table, index);
	set_state(table, job, state);
	job->term = 0;
	if (job->target != JOB_NO_INDEX && target_at(table, job->target)->head == index)
		promote_next(table, target_at(table, job->target));
}

void job_table_request_cancel(struct job_table *table, struct job_batch *batch, uint32_t number)
{
	row_at(table, index_of(batch, number))->cancel_requested = 1;
}

void job_table_restore(
	struct job_table *table, struct job_batch *batch, uint32_t number, const struct job *saved)
{
	struct job *job = row_at(table, index_of(batch, number));

	/* First, since it tells what the job waits for. */
	job->attempt = saved->attempt;
	if (saved->state == JOB_LEASED)
		job_table_lease(table, batch, number, saved->attempt, saved->term);
	else if (saved->state == JOB_WAITING)
		job_table_wait(table, batch, number, saved->term);
	else if (job_state_ended(saved->state))
		job_table_end(table, batch, number, saved->state);
	job->tries = saved->tries;
	job->losses = saved->losses;
	job->cancel_requested = saved->cancel_requested;
}

void job_table_restore_lane_order(struct job_table *table, struct job_batch *batch, uint32_t number)
{
	uint32_t index = index_of(batch, number);
	struct job *job = row_at(table, index);
	struct target *target;

	g_assert(job->target != JOB_NO_INDEX);
	target = target_at(table, job->target);
	if (target->head == index) {
		if (target->first == JOB_NO_INDEX || job->state == JOB_LEASED)
			return;
		unplace(table, index);
		list_append(table, &target->first, &target->last, index);
		make_head(table, target, target->first);
	} else {
		list_remove(table, &target->first, &target->last, index);
		list_append(table, &target->first, &target->last, index);
	}
}
