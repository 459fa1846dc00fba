/*
 * The scheduler's machine: what loop.c is around the turn, with a network and a disk that fail on
 * purpose. A crash takes state, pool and all messages with it and leaves the disk; it may come
 * before a turn, between its append and its messages, or in the middle of those.
 *
 * After each turn the oracle reads what the journal got, before any message of the turn is let go,
 * and the tables are audited.
 */
#include "tests/simulation/host.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/journal_memory.h"
#include "scheduler/retention.h"
#include "scheduler/turn.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle.h"

struct received {
	GBytes *routing;
	Forge__Request *request;
};

struct host {
	struct world *world;
	struct journal_disk *disk;
	struct journal *journal; /* NULL: no scheduler runs */
	struct scheduler *scheduler;
	GQueue received; /* of struct received */
	GHashTable *buried;
	int64_t owners_checked_ms;
	uint64_t life;   /* stamp of the plans of this scheduler */
	int64_t wake_ms; /* the earliest turn planned */
	guint turns;
};

static void free_received(gpointer data)
{
	struct received *received = data;

	g_bytes_unref(received->routing);
	forge__request__free_unpacked(received->request, NULL);
	g_free(received);
}

static void turn(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message);

static void plan_turn(struct host *host, int64_t delay_ms)
{
	if (host->world->now_ms + delay_ms >= host->wake_ms)
		return;
	host->wake_ms = host->world->now_ms + delay_ms;
	world_plan(host->world, delay_ms, turn, host, host->life, NULL, NULL);
}

/* ---- starting and crashing ---------------------------------------------------------------- */

static void start(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message);

static void stop(struct host *host)
{
	g_queue_clear_full(&host->received, free_received);
	g_clear_pointer(&host->scheduler, scheduler_free);
	g_clear_pointer(&host->journal, journal_close);
	host->life++;
	host->wake_ms = G_MAXINT64;
}

static void crash(struct host *host)
{
	struct world *world = host->world;

	stop(host);
	world_plan(world, world_between(world, 0, world->profile->downtime_ms), start, host,
		host->life, NULL, NULL);
}

static void check_same(struct host *host, const struct state *state, const char *which)
{
	struct view view = scheduler_view(host->scheduler, world_now(host->world));
	struct hash live = state_digest(view.state), other;

	if (!state) {
		world_fail(host->world, "the state cannot be made %s", which);
		return;
	}
	other = state_digest(state);
	if (!hash_equal(&live, &other))
		world_fail(host->world, "the digest %s is another at sequence %" G_GUINT64_FORMAT,
			which, view.state->last_seq);
}

static void check_replay(struct host *host)
{
	g_autoptr(GError) error = NULL;
	scoped(state) replayed = scheduler_replay(host->journal, &error);

	check_same(host, replayed, error ? error->message : "by replay");
}

static void check_image(struct host *host)
{
	struct view view = scheduler_view(host->scheduler, world_now(host->world));
	g_autoptr(GBytes) image = state_image(view.state);
	scoped(state) restored = state_from_image(image);
	g_autofree char *why = NULL;

	check_same(host, restored, "from its image");
	if (restored && !job_table_audit(restored->jobs, &why))
		world_fail(host->world, "restored from its image: %s", why);
}

/* What JOURNAL folds to, as if it were at sequence 0. */
static struct hash digest_of(struct world *world, struct journal *journal)
{
	g_autoptr(GError) error = NULL;
	scoped(state) state = scheduler_replay(journal, &error);

	if (!state) {
		world_fail(world, "the journal cannot be folded: %s", error->message);
		return (struct hash){{0}};
	}
	state->last_seq = 0;
	return state_digest(state);
}

/* Somebody compacts the journal while no scheduler runs; that may fail as a turn may. */
static void compact(struct host *host)
{
	struct world *world = host->world;
	scoped(journal) journal = journal_memory_open(host->disk);
	struct retention retention = {
		.events = (uint64_t)world_between(world, 0, 300), .not_before_us = G_MAXUINT64};
	struct retention_result result;
	g_autoptr(GError) error = NULL;
	struct hash before, after;

	oracle_follow(world->oracle, journal);
	before = digest_of(world, journal);
	if (world_misfortune(world, 300))
		journal_disk_set_fault_after(host->disk,
			world_misfortune(world, 500) ? JOURNAL_FAULT_LOST : JOURNAL_FAULT_WRITTEN,
			(guint)world_between(world, 0, 3));
	if (!retention_apply(journal, &retention, world_now(world), &result, &error) &&
		!g_error_matches(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED))
		world_fail(world, "the journal cannot be compacted: %s", error->message);
	journal_disk_set_fault(host->disk, JOURNAL_FAULT_NONE);
	g_clear_pointer(&journal, journal_close);
	journal = journal_memory_open(host->disk);
	after = digest_of(world, journal);
	if (!hash_equal(&before, &after))
		world_fail(world, "compacted, the journal folds to another state");
}

static gboolean open_scheduler(struct host *host)
{
	struct world *world = host->world;
	g_autoptr(GError) error = NULL;

	host->journal = journal_memory_open(host->disk);
	host->scheduler = scheduler_new(host->journal, "host", 1, world_now(world), &error);
	if (!host->scheduler &&
		!g_error_matches(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED))
		world_fail(world, "the scheduler does not start: %s", error->message);
	if (!host->scheduler)
		return FALSE;
	g_hash_table_remove_all(host->buried);
	host->owners_checked_ms = 0;
	oracle_follow(world->oracle, host->journal);
	/* It came from a checkpoint, if there was one. */
	check_replay(host);
	plan_turn(host, 1);
	return TRUE;
}

static void start(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	struct host *host = subject;

	(void)routing, (void)message;
	if (stamp != host->life)
		return;
	if (world_misfortune(world, world->profile->compaction))
		compact(host);
	if (world_misfortune(world, world->profile->append_lost))
		journal_disk_set_fault(host->disk, JOURNAL_FAULT_LOST);
	if (!open_scheduler(host))
		crash(host);
	journal_disk_set_fault(host->disk, JOURNAL_FAULT_NONE);
}

struct host *host_new(struct world *world)
{
	struct host *host = g_new0(struct host, 1);
	g_autofree char *id = chance_hex(&world->chance, 32);

	host->world = world;
	host->disk = journal_disk_new(id);
	host->buried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	host->wake_ms = G_MAXINT64;
	world_plan(world, 0, start, host, host->life, NULL, NULL);
	return host;
}

void host_free(struct host *host)
{
	stop(host);
	journal_disk_free(host->disk);
	g_hash_table_destroy(host->buried);
	g_free(host);
}

/* ---- receiving ---------------------------------------------------------------------------- */

/* Reports and heartbeats go first, as in the real loop. */
static void push_urgent(GQueue *queue, struct received *received)
{
	GList *link = queue->head;

	while (link &&
		(((struct received *)link->data)->request->kind_case ==
				FORGE__REQUEST__KIND_REPORT ||
			((struct received *)link->data)->request->kind_case ==
				FORGE__REQUEST__KIND_HEARTBEAT))
		link = link->next;
	g_queue_insert_before(queue, link, received);
}

void host_receive(struct host *host, GBytes *routing, GBytes *message)
{
	struct received *received;
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);

	if (!host->scheduler)
		return;
	received = g_new0(struct received, 1);
	received->routing = g_bytes_ref(routing);
	received->request = forge__request__unpack(NULL, size, data);
	g_assert_nonnull(received->request);
	if (received->request->kind_case == FORGE__REQUEST__KIND_REPORT ||
		received->request->kind_case == FORGE__REQUEST__KIND_HEARTBEAT)
		push_urgent(&host->received, received);
	else
		g_queue_push_tail(&host->received, received);
	/* Some messages share a turn. */
	plan_turn(host, world_between(host->world, 0, 3));
}

/* ---- turns -------------------------------------------------------------------------------- */

static void check_owner(struct host *host, const char *owner, GPtrArray *gone)
{
	if (*owner == '\0' || g_hash_table_contains(host->buried, owner) ||
		world_owner_lives(host->world, owner))
		return;
	g_hash_table_add(host->buried, g_strdup(owner));
	g_ptr_array_add(gone, g_strdup(owner));
}

static GPtrArray *find_gone_owners(struct host *host)
{
	struct world *world = host->world;
	GPtrArray *gone = g_ptr_array_new_with_free_func(g_free);
	const struct state *state = scheduler_view(host->scheduler, world_now(world)).state;

	if (world->now_ms < host->owners_checked_ms + LIMIT_OWNER_CHECK_MS)
		return gone;
	host->owners_checked_ms = world->now_ms;
	for (guint i = 0; i < state->sessions->len; i++)
		check_owner(host, ((struct session_row *)state->sessions->pdata[i])->owner, gone);
	for (GList *link = state->batches.head; link; link = link->next)
		check_owner(host, ((struct batch_row *)link->data)->opened->owner, gone);
	return gone;
}

static void check_seats(struct host *host, const struct view *view)
{
	uint64_t leases = 0;

	for (guint i = 0; i < view->pool->seats->len; i++) {
		const struct seat *seat = view->pool->seats->pdata[i];

		leases += seat->leases->len;
		for (guint j = 0; j < seat->leases->len; j++) {
			const struct lease *lease = &g_array_index(seat->leases, struct lease, j);
			Forge__JobId id = FORGE__JOB_ID__INIT;
			struct batch_row *batch;
			const struct job *job;

			id.batch = lease->batch;
			id.number = lease->number;
			if (!state_job(view->state, &id, &batch, &job) ||
				job->state != JOB_LEASED || job->term != seat->session ||
				job->attempt != lease->attempt)
				world_fail(host->world,
					"a seat has a lease that the state does not know");
		}
	}
	if (leases != job_table_count(view->state->jobs, JOB_LEASED))
		world_fail(host->world, "the state has a lease that no seat knows");
	if (view->pool->seats->len != view->state->sessions->len)
		world_fail(host->world, "seats and sessions differ");
}

static void check_turn(struct host *host)
{
	struct view view = scheduler_view(host->scheduler, world_now(host->world));
	g_autofree char *why = NULL;

	if (view.state->last_seq != journal_end(host->journal).seq)
		world_fail(host->world, "the state is not where the journal is");
	if (!job_table_audit(view.state->jobs, &why))
		world_fail(host->world, "%s", why);
	check_seats(host, &view);
	if (++host->turns % 128 == 0)
		check_replay(host);
	if (host->turns % 64 == 0)
		check_image(host);
}

static void send_part(struct host *host, const GPtrArray *outgoing, guint n)
{
	for (guint i = 0; i < n; i++) {
		const struct outgoing *message = outgoing->pdata[i];

		oracle_check_outgoing(host->world->oracle, message->message);
		network_to_actor(host->world, message->routing, message->message);
	}
}

/* As the real loop does after an append that failed. */
static void recover(struct host *host, const GError *failure)
{
	if (!g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED))
		world_fail(host->world, "a turn failed: %s", failure->message);
	stop(host);
	if (!open_scheduler(host))
		crash(host);
}

static size_t gather(struct host *host, const GPtrArray *gone, struct input *inputs)
{
	size_t n = 0;

	for (guint i = 0; i < gone->len; i++)
		inputs[n++] = (struct input){.kind = INPUT_OWNER_GONE, .owner = gone->pdata[i]};
	for (GList *link = host->received.head; link; link = link->next) {
		const struct received *received = link->data;

		inputs[n++] = (struct input){.kind = INPUT_REQUEST,
			.routing = received->routing,
			.request = received->request};
	}
	return n;
}

/* Another scheduler takes the journal over while this one lives: what this one decides from now on
 * must come to nothing. */
static void be_taken_over(struct host *host, const struct input *inputs, size_t n_inputs)
{
	struct world *world = host->world;
	struct journal *old_journal = g_steal_pointer(&host->journal);
	struct scheduler *old = g_steal_pointer(&host->scheduler);
	uint64_t last_seq = scheduler_view(old, world_now(world)).state->last_seq;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) outgoing = NULL;
	size_t taken;

	host->life++;
	host->wake_ms = G_MAXINT64;
	open_scheduler(host);
	outgoing = scheduler_turn(old, inputs, n_inputs, &taken, world_now(world), &error);
	if (outgoing && scheduler_view(old, world_now(world)).state->last_seq != last_seq)
		world_fail(world, "a scheduler that was replaced still wrote");
	if (!outgoing && !g_error_matches(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_CONFLICT))
		world_fail(world, "a scheduler that was replaced ended by: %s", error->message);
	scheduler_free(old);
	journal_close(old_journal);
	g_queue_clear_full(&host->received, free_received);
}

static void save_checkpoint(struct host *host)
{
	uint64_t seq;
	g_autoptr(GBytes) image = scheduler_image(host->scheduler, &seq);

	if (!journal_save_checkpoint(host->journal, seq, scheduler_checkpoint_tag(), image, NULL))
		world_fail(host->world, "no checkpoint can be written");
}

static void finish_turn(struct host *host, const GPtrArray *outgoing, size_t taken, size_t n_gone)
{
	struct world *world = host->world;
	struct view view = scheduler_view(host->scheduler, world_now(world));
	int64_t next_ms = decide_next_due_ms(&view);

	for (size_t i = n_gone; i < taken; i++)
		free_received(g_queue_pop_head(&host->received));
	if (world_misfortune(world, world->profile->crash_after)) {
		send_part(host, outgoing, (guint)world_between(world, 0, outgoing->len));
		crash(host);
		return;
	}
	send_part(host, outgoing, outgoing->len);
	if (world_misfortune(world, world->profile->checkpoint))
		save_checkpoint(host);
	next_ms = host->received.length > 0 ? world->now_ms : next_ms;
	plan_turn(host, CLAMP(next_ms - world->now_ms, 0, LIMIT_OWNER_CHECK_MS));
}

static void turn(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	struct host *host = subject;
	const struct profile *profile = world->profile;
	g_autoptr(GPtrArray) gone = NULL;
	g_autoptr(GPtrArray) outgoing = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree struct input *inputs = NULL;
	size_t n, taken = 0;

	(void)routing, (void)message;
	if (stamp != host->life || !host->scheduler || world->now_ms != host->wake_ms)
		return;
	host->wake_ms = G_MAXINT64;
	if (world_misfortune(world, profile->crash_before)) {
		crash(host);
		return;
	}
	gone = find_gone_owners(host);
	inputs = g_new0(struct input, gone->len + host->received.length + 1);
	n = gather(host, gone, inputs);
	if (world_misfortune(world, profile->takeover)) {
		be_taken_over(host, inputs, n);
		return;
	}
	if (world_misfortune(world, profile->append_lost))
		journal_disk_set_fault(host->disk, JOURNAL_FAULT_LOST);
	else if (world_misfortune(world, profile->append_unknown))
		journal_disk_set_fault(host->disk, JOURNAL_FAULT_WRITTEN);
	outgoing = scheduler_turn(host->scheduler, inputs, n, &taken, world_now(world), &error);
	journal_disk_set_fault(host->disk, JOURNAL_FAULT_NONE);
	if (!outgoing) {
		recover(host, error);
		return;
	}
	oracle_follow(world->oracle, host->journal);
	check_turn(host);
	finish_turn(host, outgoing, taken, gone->len);
}

void host_check_end(struct host *host)
{
	if (!host->scheduler) {
		world_fail(host->world, "no scheduler runs in the end");
		return;
	}
	check_turn(host);
	check_replay(host);
	check_image(host);
}
