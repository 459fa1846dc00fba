#ifndef FORGE_QUEUE_JOB_TABLE_ROWS_H
#define FORGE_QUEUE_JOB_TABLE_ROWS_H

#include "queue/job_table.h"

/* What the rooms of the job table share: job_table.c
 * changes it, job_pick.c and job_audit.c only look. */

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

/* Rows stand in blocks that never move: one array would be copied as it grows, and leave behind
 * holes that together are as large as itself. */
#define ROWS_PER_BLOCK 1024u

struct job_table {
	GPtrArray *blocks;  /* of ROWS_PER_BLOCK struct job each */
	uint32_t n_rows;    /* in use or free */
	uint32_t free_row;  /* the first, linked by `next`; JOB_NO_INDEX: none */
	GPtrArray *batches; /* by slot; NULL where free */
	GArray *free_batches;
	GArray *targets; /* of struct target */
	GArray *free_targets;
	GHashTable *target_by_name;         /* name (the target's own) → slot + 1 */
	GQueue ready[JOB_PRIORITY_MAX + 1]; /* of struct job_batch */
	GTree *waiting[WAITS];              /* sets of struct due */
	uint64_t counts[JOB_STATES];
};

static inline struct job *row_at(const struct job_table *table, uint32_t index)
{
	struct job *block;

	g_assert(index < table->n_rows);
	block = table->blocks->pdata[index / ROWS_PER_BLOCK];
	return &block[index % ROWS_PER_BLOCK];
}

static inline struct target *target_at(const struct job_table *table, uint32_t slot)
{
	g_assert(slot < table->targets->len);
	return &g_array_index(table->targets, struct target, slot);
}

static inline struct host_list *host_of(const struct job_batch *batch, const struct job *job)
{
	return batch->hosts->pdata[job->host];
}

#endif
