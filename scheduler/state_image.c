/*
 * The state as an image and back. The image is canonical: rows stand in the order of their
 * sequences and lanes in the order of their names, so equal states have equal bytes, and the digest
 * is taken of those.
 *
 * Building borrows every string and submessage from the state; only the rows of the image itself
 * are allocated, in one arena that is dropped after packing.
 */
#include "scheduler/state.h"

#include <string.h>

#include "journal/arena.h"
#include "journal/message.h"
#include "scheduler/image.pb-c.h"

/* Everything allocated while an image is built. */
struct builder {
	const struct state *state;
	struct arena *arena;
};

static gpointer pooled(struct builder *builder, gsize size)
{
	ProtobufCAllocator *allocator = arena_allocator(builder->arena);

	return memset(allocator->alloc(allocator->allocator_data, size), 0, size);
}

#define POOLED_ROWS(builder, type, count) ((type **)pooled(builder, sizeof(type *) * MAX(1, count)))

static Forge__Image__ForkState *image_of_fork(struct builder *builder, const struct fork_row *fork)
{
	Forge__Image__ForkState *image = pooled(builder, sizeof(*image));

	forge__image__fork_state__init(image);
	image->fork = fork->spec;
	image->registered_us = fork->registered_us;
	image->failure = fork->failure;
	image->failure_us = fork->failure_us;
	image->registered_seq = fork->registered_seq;
	image->request_id = fork->request_id;
	image->n_branches = fork->branches->len;
	image->branches = POOLED_ROWS(builder, Forge__Image__Branch, fork->branches->len);
	for (guint i = 0; i < fork->branches->len; i++) {
		const struct branch_row *row = fork->branches->pdata[i];
		Forge__Image__Branch *branch = pooled(builder, sizeof(*branch));

		forge__image__branch__init(branch);
		branch->last = row->last;
		branch->time_us = row->time_us;
		branch->seq = row->seq;
		image->branches[i] = branch;
	}
	return image;
}

static Forge__Image__ComponentState *image_of_component(
	struct builder *builder, const struct component_row *row)
{
	Forge__Image__ComponentState *image = pooled(builder, sizeof(*image));

	forge__image__component_state__init(image);
	image->component = row->component;
	image->installed_seq = row->installed_seq;
	image->synced_us = row->synced_us;
	image->observed = row->observed;
	image->observed_us = row->observed_us;
	image->pending = row->pending;
	image->pushed = row->pushed;
	image->failure = row->failure;
	image->failure_us = row->failure_us;
	return image;
}

static Forge__Image__Job *image_of_job(
	struct builder *builder, const struct batch_row *batch, const struct job *job)
{
	Forge__Image__Job *image = pooled(builder, sizeof(*image));
	const struct job_progress *progress = state_progress(batch, job->number);

	forge__image__job__init(image);
	image->number = job->number;
	image->state = job->state;
	image->attempt = job->attempt;
	image->tries = job->tries;
	image->losses = job->losses;
	image->cancel_requested = job->cancel_requested;
	if (job->state == JOB_LEASED)
		image->session = job->term;
	if (job->state == JOB_WAITING)
		image->not_before_us = job->term;
	if (progress) {
		image->n_intended = progress->intended->len;
		image->intended = (Forge__PushIntended **)progress->intended->pdata;
		image->n_finished = progress->finished->len;
		image->finished = (Forge__FinishedBranch **)progress->finished->pdata;
	}
	return image;
}

static Forge__Image__Batch *image_of_batch(struct builder *builder, const struct batch_row *batch)
{
	const struct job_table *jobs = builder->state->jobs;
	guint n_jobs = batch->jobs->rows->len;
	Forge__Image__Batch *image = pooled(builder, sizeof(*image));
	Forge__BatchCounts *counts = pooled(builder, sizeof(*counts));

	forge__image__batch__init(image);
	*counts = state_counts(batch);
	image->seq = batch->seq;
	image->opened_us = batch->opened_us;
	image->opened = batch->opened;
	image->cursor = batch->cursor;
	image->sealed = batch->sealed;
	image->cancel_requested = batch->cancel_requested;
	image->counts = counts;
	image->n_jobs = image->n_targets = n_jobs;
	image->jobs = POOLED_ROWS(builder, Forge__Image__Job, n_jobs);
	image->targets = POOLED_ROWS(builder, char, n_jobs);
	for (guint i = 0; i < n_jobs; i++) {
		const struct job *job = job_table_job(jobs, batch->jobs, i + 1);
		const char *target = job_table_target(jobs, job);

		image->jobs[i] = image_of_job(builder, batch, job);
		image->targets[i] = (char *)(target ? target : "");
	}
	return image;
}

static Forge__Image__ClosedBatch *image_of_closed(
	struct builder *builder, const struct closed_row *closed)
{
	Forge__Image__ClosedBatch *image = pooled(builder, sizeof(*image));

	forge__image__closed_batch__init(image);
	image->seq = closed->seq;
	image->opened_us = closed->opened_us;
	image->closed_us = closed->closed_us;
	image->closed_seq = closed->closed_seq;
	image->opened = closed->opened;
	image->counts = closed->counts;
	return image;
}

static Forge__Image__Removal *image_of_removal(
	struct builder *builder, const struct removal_row *removal)
{
	Forge__Image__Removal *image = pooled(builder, sizeof(*image));

	forge__image__removal__init(image);
	image->name = removal->name;
	image->request_id = removal->request_id;
	return image;
}

static Forge__Image__Session *image_of_session(
	struct builder *builder, const struct session_row *session)
{
	Forge__Image__Session *image = pooled(builder, sizeof(*image));

	forge__image__session__init(image);
	image->seq = session->seq;
	image->name = session->name;
	image->slots = session->slots;
	image->owner = session->owner;
	return image;
}

struct lane_collector {
	struct builder *builder;
	GPtrArray *lanes; /* of Forge__Image__Lane */
	GPtrArray *jobs;  /* of the lane being collected */
};

static void finish_lane(struct lane_collector *collector)
{
	Forge__Image__Lane *lane;

	if (collector->lanes->len == 0)
		return;
	lane = collector->lanes->pdata[collector->lanes->len - 1];
	lane->n_jobs = collector->jobs->len;
	lane->jobs = POOLED_ROWS(collector->builder, Forge__JobId, collector->jobs->len);
	if (collector->jobs->len > 0)
		memcpy(lane->jobs, collector->jobs->pdata, sizeof(gpointer) * collector->jobs->len);
	g_ptr_array_set_size(collector->jobs, 0);
}

static void collect_lane(const char *name, const struct job *job, gpointer user_data)
{
	struct lane_collector *collector = user_data;
	struct builder *builder = collector->builder;
	Forge__Image__Lane *last = collector->lanes->len
		? collector->lanes->pdata[collector->lanes->len - 1]
		: NULL;
	Forge__JobId *id = pooled(builder, sizeof(*id));

	if (!last || strcmp(last->name, name) != 0) {
		Forge__Image__Lane *lane = pooled(builder, sizeof(*lane));

		finish_lane(collector);
		forge__image__lane__init(lane);
		lane->name = (char *)name;
		g_ptr_array_add(collector->lanes, lane);
	}
	forge__job_id__init(id);
	id->batch = job_table_batch(builder->state->jobs, job)->seq;
	id->number = job->number;
	g_ptr_array_add(collector->jobs, id);
}

static gint compare_lanes(gconstpointer a, gconstpointer b)
{
	const Forge__Image__Lane *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static void add_lanes(struct builder *builder, Forge__Image__State *image)
{
	g_autoptr(GPtrArray) jobs = g_ptr_array_new();
	g_autoptr(GPtrArray) lanes = g_ptr_array_new();
	struct lane_collector collector = {builder, lanes, jobs};

	job_table_each_lane(builder->state->jobs, collect_lane, &collector);
	finish_lane(&collector);
	g_ptr_array_sort(lanes, compare_lanes);
	image->n_lanes = lanes->len;
	image->lanes = POOLED_ROWS(builder, Forge__Image__Lane, lanes->len);
	if (lanes->len > 0)
		memcpy(image->lanes, lanes->pdata, sizeof(gpointer) * lanes->len);
}

GBytes *state_image(const struct state *state)
{
	struct builder builder = {state, arena_new()};
	GBytes *packed;
	Forge__Image__State image = FORGE__IMAGE__STATE__INIT;
	guint i = 0;

	image.last_seq = state->last_seq;
	image.paused = state->paused;
	image.n_forks = state->forks->len;
	image.forks = POOLED_ROWS(&builder, Forge__Image__ForkState, state->forks->len);
	for (i = 0; i < state->forks->len; i++)
		image.forks[i] = image_of_fork(&builder, state->forks->pdata[i]);
	image.n_components = state->components->len;
	image.components = POOLED_ROWS(
		&builder, Forge__Image__ComponentState, state->components->len);
	for (i = 0; i < state->components->len; i++)
		image.components[i] = image_of_component(&builder, state->components->pdata[i]);
	image.batches = POOLED_ROWS(&builder, Forge__Image__Batch, state->batches.length);
	for (GList *link = state->batches.head; link; link = link->next)
		image.batches[image.n_batches++] = image_of_batch(&builder, link->data);
	image.closed = POOLED_ROWS(&builder, Forge__Image__ClosedBatch, state->closed.length);
	for (GList *link = state->closed.head; link; link = link->next)
		image.closed[image.n_closed++] = image_of_closed(&builder, link->data);
	image.removals = POOLED_ROWS(&builder, Forge__Image__Removal, state->removals.length);
	for (GList *link = state->removals.head; link; link = link->next)
		image.removals[image.n_removals++] = image_of_removal(&builder, link->data);
	image.n_sessions = state->sessions->len;
	image.sessions = POOLED_ROWS(&builder, Forge__Image__Session, state->sessions->len);
	for (i = 0; i < state->sessions->len; i++)
		image.sessions[i] = image_of_session(&builder, state->sessions->pdata[i]);
	add_lanes(&builder, &image);
	packed = message_pack(&image.base);
	arena_free(builder.arena);
	return packed;
}

struct hash state_digest(const struct state *state)
{
	g_autoptr(GBytes) image = state_image(state);
	gsize size;
	const void *data = g_bytes_get_data(image, &size);

	return hash_chain(NULL, data, size);
}
