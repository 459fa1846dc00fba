/*
 * The state that an image describes. An image comes from a checkpoint file or a base, whose checksum
 * has been verified, but it may still have been written by a build with a defect: the image of the
 * result must equal the image read, or it is not used. An older version's base is the exception: its
 * image may lack what this version knows. Before a row is made of anything, all that the rows take
 * for granted is checked: parts that are there, names and sequences that are there once.
 */
#include "scheduler/state_rows.h"

#include "journal/base/hash.h"
#include "journal/event_check.h"
#include "journal/message.h"
#include "queue/job_kinds.h"
#include "scheduler/component_rows.h"
#include "scheduler/image.pb-c.h"

/* ---- whether it can be one ---------------------------------------------------------------- */

static gboolean are_whole_forks(Forge__Image__ForkState *const *forks, size_t count)
{
	g_autoptr(GHashTable) names = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (size_t i = 0; i < count; i++) {
		if (!forks[i]->fork || !g_hash_table_add(names, forks[i]->fork->name))
			return FALSE;
		for (size_t k = 0; k < forks[i]->n_branches; k++)
			if (!forks[i]->branches[k]->last)
				return FALSE;
	}
	return TRUE;
}

static gboolean are_whole_components(Forge__Image__ComponentState *const *components, size_t count)
{
	g_autoptr(GHashTable) names = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (size_t i = 0; i < count; i++)
		if (!components[i]->component ||
			!g_hash_table_add(names, components[i]->component->name))
			return FALSE;
	return TRUE;
}

/* Jobs are numbered from 1 in their order, each there once. */
static gboolean is_whole_batch(const Forge__Image__Batch *batch)
{
	if (!batch->opened || !job_kind_of(batch->opened->kind) ||
		batch->n_targets != batch->n_jobs)
		return FALSE;
	for (size_t i = 0; i < batch->n_jobs; i++)
		if (batch->jobs[i]->number != i + 1 || batch->jobs[i]->state >= JOB_STATES)
			return FALSE;
	return TRUE;
}

static gboolean is_whole(const Forge__Image__State *image)
{
	uint64_t last_seq = 0;

	for (size_t i = 0; i < image->n_closed; i++)
		if (!image->closed[i]->opened || !image->closed[i]->counts)
			return FALSE;
	for (size_t i = 0; i < image->n_batches; i++) {
		if (!is_whole_batch(image->batches[i]) || image->batches[i]->seq <= last_seq)
			return FALSE;
		last_seq = image->batches[i]->seq;
	}
	return are_whole_forks(image->forks, image->n_forks) &&
		are_whole_components(image->components, image->n_components);
}

/* ---- rows --------------------------------------------------------------------------------- */

static void restore_fork(struct state *state, const Forge__Image__ForkState *image)
{
	struct fork_row *fork = fork_row_add(
		state, image->registered_seq, image->registered_us, image->fork, image->request_id);

	for (size_t i = 0; i < image->n_branches; i++)
		fork_row_note_branch(fork, image->branches[i]->seq, image->branches[i]->time_us,
			image->branches[i]->last);
	if (image->failure)
		fork_row_note_failure(fork, image->failure_us, image->failure);
}

static void restore_component(struct state *state, const Forge__Image__ComponentState *image)
{
	struct component_row saved = {.component = image->component,
		.installed_seq = image->installed_seq,
		.synced_us = image->synced_us,
		.observed = image->observed,
		.observed_us = image->observed_us,
		.pending = image->pending,
		.pushed = image->pushed,
		.failure = image->failure,
		.failure_us = image->failure_us};

	component_row_restore(state, &saved);
}

static void add_batch(struct state *state, const Forge__Image__Batch *image)
{
	struct batch_row *batch = batch_row_add(state, image->seq, image->opened_us, image->opened);

	batch->cursor = image->cursor;
	for (size_t i = 0; i < image->n_jobs; i++)
		batch_row_add_job(state, batch, *image->targets[i] ? image->targets[i] : NULL);
}

static void restore_job(
	struct state *state, struct batch_row *batch, const Forge__Image__Job *image)
{
	struct job_progress *progress;
	struct job saved = {.state = (uint8_t)image->state,
		.attempt = (uint16_t)image->attempt,
		.tries = (uint8_t)image->tries,
		.losses = (uint8_t)image->losses,
		.cancel_requested = image->cancel_requested ? 1 : 0,
		.term = image->state == JOB_LEASED ? image->session : image->not_before_us};

	job_table_restore(state->jobs, batch->jobs, image->number, &saved);
	if (image->n_intended + image->n_finished == 0)
		return;
	progress = batch_row_progress(batch, image->number);
	for (size_t i = 0; i < image->n_intended; i++)
		g_ptr_array_add(progress->intended, message_copy(&image->intended[i]->base));
	for (size_t i = 0; i < image->n_finished; i++)
		g_ptr_array_add(progress->finished, message_copy(&image->finished[i]->base));
}

static void restore_batch(struct state *state, const Forge__Image__Batch *image)
{
	struct batch_row *batch = state_batch(state, image->seq);

	for (size_t i = 0; i < image->n_jobs; i++)
		restore_job(state, batch, image->jobs[i]);
	if (image->cancel_requested)
		batch_row_cancel(state, batch);
	if (image->sealed)
		batch_row_seal(state, batch);
}

static gboolean restore_lane(struct state *state, const Forge__Image__Lane *lane)
{
	for (size_t i = 0; i < lane->n_jobs; i++) {
		struct batch_row *batch;
		const struct job *job;

		if (!state_job(state, lane->jobs[i], &batch, &job))
			return FALSE;
		job_table_restore_lane_order(state->jobs, batch->jobs, job->number);
	}
	return TRUE;
}

/* Closed rows first, since their requests are older than those of open batches; all jobs before any
 * of their states, since a lane's head is the job that was added first. */
static gboolean restore(struct state *state, const Forge__Image__State *image)
{
	for (size_t i = 0; i < image->n_forks; i++)
		restore_fork(state, image->forks[i]);
	for (size_t i = 0; i < image->n_components; i++)
		restore_component(state, image->components[i]);
	for (size_t i = 0; i < image->n_closed; i++) {
		const Forge__Image__ClosedBatch *closed = image->closed[i];

		closed_row_add(state, closed->seq, closed->opened_us, closed->closed_seq,
			closed->closed_us, message_copy(&closed->opened->base), closed->counts);
	}
	for (size_t i = 0; i < image->n_removals; i++)
		removal_row_add(state, image->removals[i]->name, image->removals[i]->request_id);
	for (size_t i = 0; i < image->n_sessions; i++)
		session_row_add(state, image->sessions[i]->seq, image->sessions[i]->name,
			image->sessions[i]->slots, image->sessions[i]->owner);
	for (size_t i = 0; i < image->n_batches; i++)
		add_batch(state, image->batches[i]);
	for (size_t i = 0; i < image->n_batches; i++)
		restore_batch(state, image->batches[i]);
	for (size_t i = 0; i < image->n_lanes; i++)
		if (!restore_lane(state, image->lanes[i]))
			return FALSE;
	state->paused = image->paused;
	state->last_seq = image->last_seq;
	return TRUE;
}

struct state *state_from_older_image(GBytes *bytes)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(bytes, &size);
	Forge__Image__State *image = forge__image__state__unpack(NULL, size, data);
	scoped(state) state = state_new();
	gboolean restored;

	if (!image)
		return NULL;
	/* A base is kept for ever: what is not known of it would be lost without a word. */
	restored = event_check(&image->base, NULL) && is_whole(image) && restore(state, image);
	forge__image__state__free_unpacked(image, NULL);
	return restored ? g_steal_pointer(&state) : NULL;
}

struct state *state_from_image(GBytes *bytes)
{
	scoped(state) state = state_from_older_image(bytes);
	g_autoptr(GBytes) again = state ? state_image(state) : NULL;

	return state && g_bytes_equal(bytes, again) ? g_steal_pointer(&state) : NULL;
}
