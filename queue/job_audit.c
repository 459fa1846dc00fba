/*
 * Looking at the whole table at once: lanes for the image of the state, and the audit, which
 * recomputes from the rows what job_table.c keeps up to date step by step.
 */
#include <string.h>

#include "queue/job_table_rows.h"

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
			if (!mark_list(table, ((struct host_list *)batch->hosts->pdata[h])->first,
				    seen))
				return FALSE;
	}
	for (guint t = 0; t < table->targets->len; t++)
		if (target_at(table, t)->name &&
			!mark_list(table, target_at(table, t)->first, seen))
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

	g_byte_array_set_size(seen, table->n_rows + 1);
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
