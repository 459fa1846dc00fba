/*
 * Which jobs go next. Looks at the lists that job_table.c keeps and changes nothing: what is picked
 * is leased by an event, and that moves batch and host to the end of their turns. Lists hold only
 * what can run, so a pick costs what it returns plus what the filter passes over, a batch's host at
 * a time.
 */
#include "journal/base/limits.h"
#include "queue/job_table_rows.h"

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
	/* No retry waits that long: the clock was ahead when
	 * it was told to wait, and has been put back. */
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
