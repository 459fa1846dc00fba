/*
 * How batches come by their jobs: a small one whole in the entry that opens it, a large one bit by
 * bit, so that no entry is larger than entries may be and other requests are not kept waiting.
 */
#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/job_kinds.h"
#include "scheduler/decision.h"

/* The components of a workspace, which are few. */
static gboolean extend_by_all_components(struct decision *decision, const struct state *state,
	const struct batch_row *batch, Forge__BatchExtended *extended)
{
	for (guint i = 0; i < state->components->len; i++) {
		const struct component_row *row = state->components->pdata[i];

		if (row->installed_seq <= batch->cursor || row->installed_seq > batch->seq)
			continue;
		if (extended->n_targets == LIMIT_TARGETS_PER_EXTENSION)
			return FALSE;
		extended->targets[extended->n_targets++] = decision_text(
			decision, row->component->name);
		extended->cursor = row->installed_seq;
	}
	return TRUE;
}

/* Fills EXTENDED with the next forks of a batch that means all; TRUE once there are no more. */
static gboolean extend_by_all_forks(struct decision *decision, const struct state *state,
	const struct batch_row *batch, Forge__BatchExtended *extended)
{
	guint i = state_first_fork_after(state, batch->cursor);

	for (; i < state->forks->len && extended->n_targets < LIMIT_TARGETS_PER_EXTENSION; i++) {
		const struct fork_row *fork = state->forks->pdata[i];

		if (fork->registered_seq > batch->seq)
			return TRUE;
		extended->targets[extended->n_targets++] = decision_text(
			decision, fork->spec->name);
		extended->cursor = fork->registered_seq;
	}
	return i == state->forks->len;
}

static gboolean extend_by_list(
	struct decision *decision, const Forge__BatchOpened *opened, Forge__BatchExtended *extended)
{
	while (extended->cursor < opened->n_targets &&
		extended->n_targets < LIMIT_TARGETS_PER_EXTENSION)
		extended->targets[extended->n_targets++] = decision_text(
			decision, opened->targets[extended->cursor++]);
	return extended->cursor == opened->n_targets;
}

static gboolean extend_by_noops(const Forge__BatchOpened *opened, Forge__BatchExtended *extended)
{
	uint64_t left = opened->noops - extended->cursor;

	extended->noops = (uint32_t)MIN(left, LIMIT_NOOPS_PER_EXTENSION);
	extended->cursor += extended->noops;
	return extended->cursor == opened->noops;
}

static gboolean extend_as_opened(
	struct decision *decision, const Forge__BatchOpened *opened, Forge__BatchExtended *extended)
{
	return opened->noops > 0 ? extend_by_noops(opened, extended)
				 : extend_by_list(decision, opened, extended);
}

/* With room for N_TARGETS. */
static Forge__BatchExtended *new_extension(
	struct decision *decision, uint64_t batch, uint64_t cursor, size_t n_targets)
{
	Forge__BatchExtended *extended = decision_make(
		decision, &forge__batch_extended__descriptor);

	extended->batch = batch;
	extended->cursor = cursor;
	extended->targets = decision_room(decision, n_targets * sizeof(char *));
	return extended;
}

static void add_sealed(const struct view *view, struct decision *decision, uint64_t batch)
{
	Forge__BatchSealed *sealed = decision_make(decision, &forge__batch_sealed__descriptor);

	sealed->batch = batch;
	decision_add(view, decision, FORGE__EVENT__KIND_BATCH_SEALED, sealed);
}

gboolean decide_growth(const struct view *view, struct decision *decision)
{
	const struct batch_row *batch = g_queue_peek_head((GQueue *)&view->state->growing);
	Forge__BatchExtended *extended;
	gboolean whole;

	if (!batch)
		return FALSE;
	extended = new_extension(decision, batch->seq, batch->cursor, LIMIT_TARGETS_PER_EXTENSION);
	if (batch->cancel_requested)
		whole = TRUE;
	else if (batch->opened->all_forks)
		whole = job_kind_of(batch->opened->kind)->about == JOB_ABOUT_COMPONENT
			? extend_by_all_components(decision, view->state, batch, extended)
			: extend_by_all_forks(decision, view->state, batch, extended);
	else
		whole = extend_as_opened(decision, batch->opened, extended);
	if (extended->n_targets + extended->noops > 0)
		decision_add(view, decision, FORGE__EVENT__KIND_BATCH_EXTENDED, extended);
	if (whole)
		add_sealed(view, decision, batch->seq);
	return TRUE;
}

void decide_small_batch(const struct view *view, struct decision *decision, uint64_t batch,
	const Forge__BatchOpened *opened)
{
	Forge__BatchExtended *extended;
	gboolean whole;

	/* Jobs are added in the order of their batches, as lanes have them: none overtakes one that
	 * still grows. */
	if (view->state->growing.length > 0 || opened->all_forks ||
		opened->n_targets > LIMIT_TARGETS_AT_OPENING ||
		opened->noops > LIMIT_NOOPS_PER_EXTENSION)
		return;
	extended = new_extension(decision, batch, 0, opened->n_targets);
	whole = extend_as_opened(decision, opened, extended);
	g_assert(whole);
	decision_add(view, decision, FORGE__EVENT__KIND_BATCH_EXTENDED, extended);
	add_sealed(view, decision, batch);
}
