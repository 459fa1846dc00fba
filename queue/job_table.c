/*
 * Rows, lists and lanes of jobs.
 *
 * Invariants, which job_table_audit() checks: a job stands in exactly one place. If it heads its lane (or has none) and is
 * queued, it is in the ready list of its batch and host; if it heads its lane and waits, it is in the tree of times; if it
 * is leased it is in no list but still heads its lane. A job that does not head its lane is in the lane's list,
 * queued or waiting. A job that has ended is in no list. set_state() is the only place where counts change.
 *
 * A job that waits lets those queued in its lane go first: a head waits only if all behind it wait too.
 *
 * A batch is in the queue of its priority exactly while one of its hosts has a ready job; leasing moves batch and host to
 * the end of their queues, which makes turns fair, the same way live and at replay.
 */
#include "queue/job_table.h"

#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"

struct host_list {
	char *name;
	uint32_t first, last;
	GList *ready_link; /* in the batch's ready_hosts; NULL while empty */
};

/* A target of jobs, and the lane they share if their kind has lanes. Lives while a job names it. */
struct target {
	char *name;
	uint32_t references;
	uint32_t head;        /* the job that may run; JOB_NO_INDEX: the lane is free */
	uint32_t first, last; /* those behind it */
};

struct due {
	uint64_t at_us;
	uint64_t batch;
	uint32_t number;
	uint32_t index;
};

/* What a waiting job waits for. */
enum wait {
	WAIT_START, /* the time that its batch names, which may be far away */
	WAIT_RETRY, /* its next try, never longer than LIMIT_RETRY_AFTER_MS */
	WAITS,
};

struct job_table {
	GArray *rows; /* of struct job */
	GArray *free_rows; /* of uint32_t */
	GPtrArray *batches; /* by slot; NULL where free */
	GArray *free_batches;
	GArray *targets; /* of struct target */
	GArray *free_targets;
	GHashTable *target_by_name; /* name (the target's own) → slot + 1 */
	GQueue ready[JOB_PRIORITY_MAX + 1]; /* of struct job_batch */
	GTree *waiting[WAITS]; /* sets of struct due */
	uint64_t counts[JOB_STATES];
};

static const char *const state_words[JOB_STATES] = {
	"queued", "waiting", "leased", "done", "conflict", "skipped", "failed", "cancelled"};

const char *job_state_word(enum job_state state)
{
	return state_words[state];
}

static struct job *row_at(const struct job_table *table, uint32_t index)
{
	g_assert(index < table->rows->len);
	return &g_array_index(table->rows, struct job, index);
}

static struct target *target_at(const struct job_table *table, uint32_t slot)
{
	g_assert(slot < table->targets->len);
	return &g_array_index(table->targets, struct target, slot);
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

	table->rows = g_array_new(FALSE, FALSE, sizeof(struct job));
	table->free_rows = g_array_new(FALSE, FALSE, sizeof(uint32_t));
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
	g_array_free(table->rows, TRUE);
	g_array_free(table->free_rows, TRUE);
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

static struct host_list *host_of(const struct job_batch *batch, const struct job *job)
{
	return batch->hosts->pdata[job->host];
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
		batch->slot =
			g_array_index(table->free_batches, uint32_t, table->free_batches->len - 1);
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
	uint32_t index;

	if (table->free_rows->len > 0) {
		index = g_array_index(table->free_rows, uint32_t, table->free_rows->len - 1);
		g_array_set_size(table->free_rows, table->free_rows->len - 1);
		*row_at(table, index) = *row;
		return index;
	}
	g_array_append_val(table->rows, *row);
	return table->rows->len - 1;
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
		g_array_append_val(table->free_rows, index);
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

void job_table_restore(struct job_table *table, struct job_batch *batch, uint32_t number,
	const struct job *saved)
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

/* ---- picking ------------------------------------------------------------------------------ */

/* Where a round of picking stands in one batch: a host's list, and the next job of it. */
struct pick_cursor {
	struct job_batch *batch;
	GList *host_link;
	GArray *next; /* of uint32_t, one a ready host, in order */
};

/* Where a round of picking puts what it finds. */
struct picking {
	const struct job_table *table;
	job_filter filter;
	gpointer user_data;
	struct job_pick *picks;
	uint32_t n, max;
};

static void pick_waiting(struct picking *picking, const struct due *due)
{
	const struct job *job = row_at(picking->table, due->index);
	struct job_batch *batch = picking->table->batches->pdata[job->batch];

	if (picking->filter(batch, host_of(batch, job)->name, picking->user_data))
		picking->picks[picking->n++] = (struct job_pick){batch, job->number};
}

static uint32_t pick_due(const struct job_table *table, uint64_t now_us, job_filter filter,
	gpointer user_data, struct job_pick *picks, uint32_t max)
{
	struct picking picking = {table, filter, user_data, picks, 0, max};
	uint64_t longest_us = now_us + (uint64_t)LIMIT_RETRY_AFTER_MS * 1000;

	for (int i = 0; i < WAITS; i++)
		for (GTreeNode *node = g_tree_node_first(table->waiting[i]);
			node && picking.n < max; node = g_tree_node_next(node)) {
			const struct due *due = g_tree_node_key(node);

			if (due->at_us > now_us)
				break;
			pick_waiting(&picking, due);
		}
	/* No retry waits that long: the clock was ahead when it was told to wait, and has been put back. */
	for (GTreeNode *node = g_tree_node_last(table->waiting[WAIT_RETRY]);
		node && picking.n < max; node = g_tree_node_previous(node)) {
		const struct due *due = g_tree_node_key(node);

		if (due->at_us <= longest_us)
			break;
		pick_waiting(&picking, due);
	}
	return picking.n;
}

/* One job of the batch, its hosts in turn; FALSE once none is left. */
static gboolean pick_one(const struct job_table *table, struct pick_cursor *cursor,
	job_filter filter, gpointer user_data, struct job_pick *pick)
{
	guint n_hosts = cursor->batch->ready_hosts.length;

	for (guint i = 0; i < n_hosts; i++) {
		struct host_list *host = cursor->host_link->data;
		gint position = g_queue_link_index(&cursor->batch->ready_hosts, cursor->host_link);
		uint32_t *next = &g_array_index(cursor->next, uint32_t, (guint)position);

		cursor->host_link = cursor->host_link->next ? cursor->host_link->next
							    : cursor->batch->ready_hosts.head;
		if (*next == JOB_NO_INDEX || !filter(cursor->batch, host->name, user_data))
			continue;
		*pick = (struct job_pick){cursor->batch, row_at(table, *next)->number};
		*next = row_at(table, *next)->next;
		return TRUE;
	}
	return FALSE;
}

static void clear_cursor(gpointer data)
{
	struct pick_cursor *cursor = data;

	g_array_free(cursor->next, TRUE);
}

static uint32_t pick_ready(const struct job_table *table, const GQueue *ready, job_filter filter,
	gpointer user_data, struct job_pick *picks, uint32_t max)
{
	g_autoptr(GArray) cursors = g_array_new(FALSE, FALSE, sizeof(struct pick_cursor));
	uint32_t n = 0;

	g_array_set_clear_func(cursors, clear_cursor);
	/* First one of each batch; only if that is not enough, round and round what is left. */
	for (GList *link = ready->head; link && n < max; link = link->next) {
		struct pick_cursor cursor = {.batch = link->data};

		cursor.host_link = cursor.batch->ready_hosts.head;
		cursor.next = g_array_new(FALSE, FALSE, sizeof(uint32_t));
		for (GList *host = cursor.host_link; host; host = host->next)
			g_array_append_val(cursor.next, ((struct host_list *)host->data)->first);
		if (pick_one(table, &cursor, filter, user_data, &picks[n])) {
			n++;
			g_array_append_val(cursors, cursor);
		} else {
			clear_cursor(&cursor);
		}
	}
	for (guint at = 0; n < max && cursors->len > 0;) {
		struct pick_cursor *cursor = &g_array_index(cursors, struct pick_cursor, at);

		if (pick_one(table, cursor, filter, user_data, &picks[n])) {
			n++;
			at++;
		} else {
			g_array_remove_index(cursors, at);
		}
		if (at >= cursors->len)
			at = 0;
	}
	return n;
}

uint32_t job_table_pick(const struct job_table *table, uint64_t now_us, job_filter filter,
	gpointer user_data, struct job_pick *picks, uint32_t max)
{
	uint32_t n = pick_due(table, now_us, filter, user_data, picks, max);

	for (int priority = JOB_PRIORITY_MAX; priority >= 0 && n < max; priority--)
		n += pick_ready(
			table, &table->ready[priority], filter, user_data, picks + n, max - n);
	return n;
}

/* ---- lanes and audit ---------------------------------------------------------------------- */

void job_table_each_lane(const struct job_table *table, job_lane_visit visit, gpointer user_data)
{
	for (guint slot = 0; slot < table->targets->len; slot++) {
		const struct target *target = target_at(table, slot);

		if (!target->name || target->head == JOB_NO_INDEX || target->first == JOB_NO_INDEX)
			continue;
		visit(target->name, row_at(table, target->head), user_data);
		for (uint32_t i = target->first; i != JOB_NO_INDEX; i = row_at(table, i)->next)
			visit(target->name, row_at(table, i), user_data);
	}
}

/* Marks every job that LIST leads to in SEEN; FALSE if one was seen before. */
static gboolean mark_list(const struct job_table *table, uint32_t first, GByteArray *seen)
{
	for (uint32_t i = first; i != JOB_NO_INDEX; i = row_at(table, i)->next)
		if (seen->data[i]++)
			return FALSE;
	return TRUE;
}

static gboolean mark_lists(const struct job_table *table, GByteArray *seen)
{
	for (guint b = 0; b < table->batches->len; b++) {
		const struct job_batch *batch = table->batches->pdata[b];

		for (guint h = 0; batch && h < batch->hosts->len; h++)
			if (!mark_list(table, ((struct host_list *)batch->hosts->pdata[h])->first, seen))
				return FALSE;
	}
	for (guint t = 0; t < table->targets->len; t++)
		if (target_at(table, t)->name && !mark_list(table, target_at(table, t)->first, seen))
			return FALSE;
	for (int i = 0; i < WAITS; i++)
		for (GTreeNode *node = g_tree_node_first(table->waiting[i]); node;
			node = g_tree_node_next(node))
			if (seen->data[((const struct due *)g_tree_node_key(node))->index]++)
				return FALSE;
	return TRUE;
}

/* Nobody who could run stands behind a job that waits. */
static gboolean lanes_flow(const struct job_table *table)
{
	for (guint t = 0; t < table->targets->len; t++) {
		const struct target *target = target_at(table, t);

		if (!target->name || target->head == JOB_NO_INDEX ||
			row_at(table, target->head)->state != JOB_WAITING)
			continue;
		for (uint32_t i = target->first; i != JOB_NO_INDEX; i = row_at(table, i)->next)
			if (row_at(table, i)->state == JOB_QUEUED)
				return FALSE;
	}
	return TRUE;
}

gboolean job_table_audit(const struct job_table *table, char **why)
{
	g_autoptr(GByteArray) seen = g_byte_array_new();
	uint64_t totals[JOB_STATES] = {0};

	g_byte_array_set_size(seen, table->rows->len + 1);
	memset(seen->data, 0, seen->len);
	if (!mark_lists(table, seen)) {
		*why = g_strdup("a job stands in two lists");
		return FALSE;
	}
	if (!lanes_flow(table)) {
		*why = g_strdup("a queued job stands behind one that waits");
		return FALSE;
	}
	for (guint b = 0; b < table->batches->len; b++) {
		const struct job_batch *batch = table->batches->pdata[b];
		uint32_t counts[JOB_STATES] = {0};

		for (guint i = 0; batch && i < batch->rows->len; i++) {
			uint32_t index = g_array_index(batch->rows, uint32_t, i);
			const struct job *job = row_at(table, index);
			gboolean listed = job->state == JOB_QUEUED || job->state == JOB_WAITING;

			counts[job->state]++;
			totals[job->state]++;
			if (seen->data[index] != (listed ? 1 : 0)) {
				*why = g_strdup_printf("job %u of batch %" G_GUINT64_FORMAT
						       " is %s and stands in %u lists",
					job->number, batch->seq, job_state_word(job->state),
					seen->data[index]);
				return FALSE;
			}
		}
		if (batch && memcmp(counts, batch->counts, sizeof(counts)) != 0) {
			*why = g_strdup_printf(
				"the counts of batch %" G_GUINT64_FORMAT " are wrong", batch->seq);
			return FALSE;
		}
	}
	if (memcmp(totals, table->counts, sizeof(totals)) != 0) {
		*why = g_strdup("the counts over all batches are wrong");
		return FALSE;
	}
	return TRUE;
}
