/*
 * The turn: decide, fold, next input, …, what is due, one append, and only then the messages.
 *
 * A second decision of a turn sees the first one's effect on the state. Each decision is one entry,
 * so its events are read together or not at all; all entries of a turn are one record and cost one
 * sync. A decision that only answers makes no entry, but its answer waits for the turn's record all
 * the same, since it may show what that record says.
 */
#include "scheduler/turn.h"

#include <string.h>

#include "journal/arena.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "scheduler/check.h"
#include "scheduler/decision.h"
#include "scheduler/permission.h"
#include "scheduler/state_base.h"

#define FORMAT_VERSION 1
#define TAG_OF(version) "fold " G_STRINGIFY(version) " build " FORGE_VERSION

struct scheduler {
	struct journal *journal;
	struct state *state;
	struct pool *pool;
	struct arena *arena; /* what the turn's events are made of */
	char *host;
	uint32_t pid;
	uint64_t started_us;
	gboolean has_more;     /* that is due, but did not fit the last turn */
	gboolean said_started; /* only a scheduler that writes says that it was there */
};

/* What a turn has gathered so far. */
struct gathered {
	GPtrArray *entries; /* of Forge__Entry, in the arena */
	size_t bytes;
	GPtrArray *outgoing;
	struct decision *decision; /* the one being taken, one after the other */
};

const char *scheduler_checkpoint_tag(void)
{
	return TAG_OF(FOLD_VERSION);
}

/* ---- replay ------------------------------------------------------------------------------- */

static gboolean fold_record(
	struct state *state, const struct journal_record *record, GError **error)
{
	uint64_t seq = record->first_seq;

	for (size_t i = 0; i < record->entries->n_entries; i++) {
		const Forge__Entry *entry = record->entries->entries[i];

		for (size_t j = 0; j < entry->n_events; j++, seq++) {
			/* The first record read may begin before a checkpoint's sequence. */
			if (seq <= state->last_seq)
				continue;
			if (!state_fold(state, seq, entry->time_us, entry->events[j], error))
				return FALSE;
		}
	}
	return TRUE;
}

static gboolean replay_onto(struct state *state, struct journal *journal, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, state->last_seq + 1, error);
	struct journal_record record;

	if (!reader)
		return FALSE;
	for (;;) {
		switch (journal_reader_next(reader, &record, error)) {
		case JOURNAL_READ_RECORD:
			if (!fold_record(state, &record, error))
				return FALSE;
			break;
		case JOURNAL_READ_END:
			return TRUE;
		case JOURNAL_READ_ERROR:
			return FALSE;
		}
	}
}

/* The state before any event that JOURNAL folds: its base, or nothing. */
static struct state *first_state(struct journal *journal, GError **error)
{
	uint64_t base_seq = journal_front(journal).base_seq;

	return base_seq > 0 ? state_base_read(journal, base_seq, error) : state_new();
}

struct state *scheduler_replay(struct journal *journal, GError **error)
{
	scoped(state) state = first_state(journal, error);

	return state && replay_onto(state, journal, error) ? g_steal_pointer(&state) : NULL;
}

/* The state of the newest checkpoint, or NULL if there is none that can be used. */
static struct state *load_checkpoint(struct journal *journal)
{
	uint64_t seq = 0;
	g_autoptr(GBytes)
		image = journal_load_checkpoint(journal, scheduler_checkpoint_tag(), &seq);
	scoped(state) state = image ? state_from_image(image) : NULL;

	return state && state->last_seq == seq ? g_steal_pointer(&state) : NULL;
}

static struct state *load_state(struct journal *journal, GError **error)
{
	scoped(state) state = load_checkpoint(journal);

	if (!state)
		return scheduler_replay(journal, error);
	return replay_onto(state, journal, error) ? g_steal_pointer(&state) : NULL;
}

/* OTHER, folded to the end of JOURNAL, must be the state of DIGEST; it came from what FROM says. */
static gboolean leads_to(struct state *other, struct journal *journal, const struct hash *digest,
	const char *from, GError **error)
{
	struct hash found;

	if (!replay_onto(other, journal, error))
		return FALSE;
	found = state_digest(other);
	if (hash_equal(digest, &found))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
		"%s leads to another state than the journal's events", from);
	return FALSE;
}

/* Where a journal has a base and its first event too, both lead to one state. */
static gboolean check_from_first_event(
	struct journal *journal, const struct hash *digest, GError **error)
{
	struct journal_front front = journal_front(journal);
	scoped(state) state = state_new();

	return front.base_seq == 0 || front.before.seq > 0 ||
		leads_to(state, journal, digest, "the base", error);
}

gboolean scheduler_verify(struct journal *journal, struct hash *digest, GError **error)
{
	scoped(state) state = scheduler_replay(journal, error);
	scoped(state) resumed = load_checkpoint(journal);
	g_autofree char *why = NULL;

	if (!state)
		return FALSE;
	if (!job_table_audit(state->jobs, &why)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"the state folded from the journal contradicts itself: %s", why);
		return FALSE;
	}
	*digest = state_digest(state);
	return check_from_first_event(journal, digest, error) &&
		(!resumed || leads_to(resumed, journal, digest, "the newest checkpoint", error));
}

/* ---- making and freeing ------------------------------------------------------------------- */

struct scheduler *scheduler_new(
	struct journal *journal, const char *host, uint32_t pid, struct instant now, GError **error)
{
	scoped(scheduler) scheduler = g_new0(struct scheduler, 1);

	scheduler->journal = journal;
	scheduler->arena = arena_new();
	scheduler->state = load_state(journal, error);
	if (!scheduler->state)
		return NULL;
	scheduler->host = g_strdup(host);
	scheduler->pid = pid;
	scheduler->started_us = (uint64_t)now.wall_us;
	scheduler->pool = pool_new(scheduler->state, now);
	return g_steal_pointer(&scheduler);
}

void scheduler_free(struct scheduler *scheduler)
{
	if (!scheduler)
		return;
	pool_free(scheduler->pool);
	state_free(scheduler->state);
	arena_free(scheduler->arena);
	g_free(scheduler->host);
	g_free(scheduler);
}

struct view scheduler_view(const struct scheduler *scheduler, struct instant now)
{
	return (struct view){.state = scheduler->state,
		.pool = scheduler->pool,
		.journal_id = journal_id(scheduler->journal),
		.host = scheduler->host,
		.pid = scheduler->pid,
		.started_us = scheduler->started_us,
		.now = now};
}

GBytes *scheduler_image(const struct scheduler *scheduler, uint64_t *seq)
{
	*seq = scheduler->state->last_seq;
	return state_image(scheduler->state);
}

gboolean scheduler_has_more(const struct scheduler *scheduler)
{
	return scheduler->has_more;
}

gboolean scheduler_hears(struct scheduler *scheduler, GBytes *routing,
	const struct identity *identity, struct instant now)
{
	pool_meet(scheduler->pool, routing, identity);
	return pool_hear(scheduler->pool, routing, NULL, now) != NULL;
}

void scheduler_follow_roles(struct scheduler *scheduler, const struct roles *roles)
{
	pool_forget_unlisted(scheduler->pool, roles);
}

void scheduler_forgive(struct scheduler *scheduler, int64_t away_ms, struct instant now)
{
	pool_forgive(scheduler->pool, away_ms, now);
}

void scheduler_forget_silent(struct scheduler *scheduler, int64_t silence_ms, struct instant now)
{
	pool_forget_silent(scheduler->pool, silence_ms, now);
	pool_forget_owners(scheduler->pool, scheduler->state);
}

/* ---- turns -------------------------------------------------------------------------------- */

static void gathered_init(struct gathered *gathered, struct scheduler *scheduler)
{
	arena_reset(scheduler->arena);
	gathered->entries = g_ptr_array_new();
	gathered->bytes = 0;
	gathered->outgoing = decision_outgoing_new();
	gathered->decision = decision_new(scheduler->arena, gathered->outgoing);
}

/* Folds what was decided and makes an entry of it. */
static void take_decision(
	struct scheduler *scheduler, struct gathered *gathered, struct instant now)
{
	struct decision *decision = gathered->decision;
	guint n_events = decision->events->len;
	size_t size = n_events * sizeof(Forge__Event *);
	Forge__Entry *entry;

	if (n_events == 0)
		return;
	entry = decision_make(decision, &forge__entry__descriptor);
	entry->time_us = (uint64_t)now.wall_us;
	entry->n_events = n_events;
	entry->events = memcpy(decision_room(decision, size), decision->events->pdata, size);
	for (guint i = 0; i < n_events; i++) {
		g_autoptr(GError) error = NULL;
		uint64_t seq = scheduler->state->last_seq + 1;

		if (!state_fold(scheduler->state, seq, entry->time_us, entry->events[i], &error))
			g_error("the scheduler decided what it cannot fold: %s", error->message);
		pool_follow(scheduler->pool, seq, entry->events[i], now);
	}
	gathered->bytes += protobuf_c_message_get_packed_size(&entry->base) + 8;
	g_ptr_array_add(gathered->entries, entry);
}

/* The first entry of a scheduler's first record. */
static void say_started(struct scheduler *scheduler, struct gathered *gathered, struct instant now)
{
	struct decision *decision = gathered->decision;
	struct view view = scheduler_view(scheduler, now);
	Forge__SchedulerStarted *started = decision_make(
		decision, &forge__scheduler_started__descriptor);

	started->format_version = FORMAT_VERSION;
	started->build = decision_text(decision, FORGE_VERSION);
	started->host = decision_text(decision, scheduler->host);
	started->pid = scheduler->pid;
	decision_add(&view, decision, FORGE__EVENT__KIND_SCHEDULER_STARTED, started);
	scheduler->said_started = TRUE;
	take_decision(scheduler, gathered, now);
}

/* What an input says about connections goes to the pool
 * before the decision, a new session after it. */
static void note_before(struct scheduler *scheduler, const struct input *input, struct instant now)
{
	if (input->kind == INPUT_OWNER_GONE) {
		pool_bury_owner(scheduler->pool, input->owner);
		return;
	}
	if (input->request->kind_case == FORGE__REQUEST__KIND_HEARTBEAT)
		pool_hear(scheduler->pool, input->routing, input->request->heartbeat, now);
	else
		pool_hear(scheduler->pool, input->routing, NULL, now);
}

static void note_after(
	struct scheduler *scheduler, const struct input *input, uint64_t joined, struct instant now)
{
	const Forge__Hello *hello;
	g_autofree char *name = NULL;
	struct peer *peer;
	struct session_row *session;

	if (input->kind != INPUT_REQUEST)
		return;
	if (input->request->kind_case == FORGE__REQUEST__KIND_GOODBYE) {
		pool_forget_peer(scheduler->pool, input->routing);
		return;
	}
	if (input->request->kind_case != FORGE__REQUEST__KIND_HELLO)
		return;
	hello = input->request->hello;
	if (!check_hello(hello, NULL))
		return;
	pool_greet(scheduler->pool, input->routing, input->identity, hello, now);
	if (hello->role != FORGE__ROLE__ROLE_WORKER)
		return;
	peer = pool_peer(scheduler->pool, input->routing);
	session = state_session(scheduler->state,
		joined                  ? joined
			: peer->session ? peer->session
					: hello->resume_session);
	name = permission_name(input->identity, hello);
	if (session && g_str_equal(session->name, name) &&
		g_str_equal(session->owner, hello->owner))
		pool_sit(scheduler->pool, input->routing, session->seq, now);
}

/* What was refused for want of a role changes nothing, not even when its peer was heard of. */
static gboolean counts(struct scheduler *scheduler, const struct input *input)
{
	if (input->kind != INPUT_REQUEST)
		return TRUE;
	pool_meet(scheduler->pool, input->routing, input->identity);
	return permission_check(input->identity, input->request, NULL);
}

static void take_input(struct scheduler *scheduler, const struct input *input,
	struct gathered *gathered, struct instant now)
{
	gboolean counted = counts(scheduler, input);
	struct decision *decision = gathered->decision;
	struct view view = scheduler_view(scheduler, now);
	uint64_t joined = 0;

	if (counted)
		note_before(scheduler, input, now);
	decision_begin(decision);
	decide(&view, input, decision);
	if (decision->events->len > 0 && !scheduler->said_started) {
		/* Sequences change: decide again. */
		decision_drop(decision);
		say_started(scheduler, gathered, now);
		decision_begin(decision);
		decide(&view, input, decision);
	}
	if (decision->events->len > 0 &&
		((Forge__Event *)decision->events->pdata[0])->kind_case ==
			FORGE__EVENT__KIND_WORKER_JOINED)
		joined = scheduler->state->last_seq + 1;
	take_decision(scheduler, gathered, now);
	if (counted)
		note_after(scheduler, input, joined, now);
}

static void take_due(struct scheduler *scheduler, struct gathered *gathered, struct instant now)
{
	gboolean more = TRUE;

	while (more && gathered->bytes < LIMIT_TURN_BYTES) {
		struct decision *decision = gathered->decision;
		struct view view = scheduler_view(scheduler, now);

		decision_begin(decision);
		decide_due(&view, decision);
		more = decision->events->len > 0;
		if (more && !scheduler->said_started) {
			decision_drop(decision);
			say_started(scheduler, gathered, now);
			continue;
		}
		take_decision(scheduler, gathered, now);
	}
	scheduler->has_more = more;
}

GPtrArray *scheduler_turn(struct scheduler *scheduler, const struct input *inputs, size_t n_inputs,
	size_t *taken, struct instant now, GError **error)
{
	uint64_t after_seq = scheduler->state->last_seq;
	struct gathered gathered;
	struct journal_position end;
	gboolean appended = TRUE;

	gathered_init(&gathered, scheduler);
	*taken = 0;
	while (*taken < n_inputs && gathered.bytes < LIMIT_TURN_BYTES)
		take_input(scheduler, &inputs[(*taken)++], &gathered, now);
	take_due(scheduler, &gathered, now);
	if (gathered.entries->len > 0) {
		Forge__Entries entries = FORGE__ENTRIES__INIT;

		entries.n_entries = gathered.entries->len;
		entries.entries = (Forge__Entry **)gathered.entries->pdata;
		appended = journal_append(scheduler->journal, after_seq, &entries, &end, error);
	}
	decision_free(gathered.decision);
	g_ptr_array_free(gathered.entries, TRUE);
	if (!appended)
		g_clear_pointer(&gathered.outgoing, g_ptr_array_unref);
	return gathered.outgoing;
}
