/* The fold: what every event makes of the state, what does
 * not fit, and the image there and back. */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "scheduler/state.h"

/* A state that is told one event after another. */
struct story {
	struct state *state;
	uint64_t seq;
};

static gboolean try_fold(struct story *story, Forge__Event__KindCase kind, gpointer payload)
{
	Forge__Event event = FORGE__EVENT__INIT;
	g_autoptr(GError) error = NULL;
	gboolean fits;

	event.kind_case = kind;
	event.reported = payload;
	fits = state_fold(story->state, story->seq + 1, (story->seq + 1) * 1000, &event, &error);
	if (fits)
		story->seq++;
	else
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);
	return fits;
}

static uint64_t fold(struct story *story, Forge__Event__KindCase kind, gpointer payload)
{
	g_assert_true(try_fold(story, kind, payload));
	return story->seq;
}

static void clear(struct story *story)
{
	state_free(story->state);
}
SCOPED_VALUE(story, clear)

static uint64_t join(struct story *story)
{
	Forge__WorkerJoined joined = FORGE__WORKER_JOINED__INIT;

	joined.name = (char *)"worker";
	joined.slots = 4;
	return fold(story, FORGE__EVENT__KIND_WORKER_JOINED, &joined);
}

static uint64_t register_fork(struct story *story, const char *name)
{
	Forge__ForkRegistered registered = FORGE__FORK_REGISTERED__INIT;
	Forge__Fork fork = FORGE__FORK__INIT;

	fork.name = (char *)name;
	fork.fork = (char *)"host/me/x";
	registered.fork = &fork;
	return fold(story, FORGE__EVENT__KIND_FORK_REGISTERED, &registered);
}

/* An open, sealed batch of a sync of TARGET, N times, or of N noops if it is NULL. */
static uint64_t open_batch(struct story *story, const char *target, uint32_t n)
{
	Forge__BatchOpened opened = FORGE__BATCH_OPENED__INIT;
	Forge__BatchExtended extended = FORGE__BATCH_EXTENDED__INIT;
	Forge__BatchSealed sealed = FORGE__BATCH_SEALED__INIT;
	g_autofree char *name = g_strdup_printf("B%" G_GUINT64_FORMAT, story->seq);
	char *targets[8];

	g_assert_cmpuint(n, <=, G_N_ELEMENTS(targets));
	for (size_t i = 0; i < n; i++)
		targets[i] = (char *)target;
	opened.batch = opened.request_id = name;
	opened.kind = target ? FORGE__JOB_KIND__JOB_KIND_FORK_SYNC : FORGE__JOB_KIND__JOB_KIND_NOOP;
	extended.batch = sealed.batch = fold(story, FORGE__EVENT__KIND_BATCH_OPENED, &opened);
	extended.targets = targets;
	extended.n_targets = target ? n : 0;
	extended.noops = target ? 0 : n;
	extended.cursor = n;
	fold(story, FORGE__EVENT__KIND_BATCH_EXTENDED, &extended);
	fold(story, FORGE__EVENT__KIND_BATCH_SEALED, &sealed);
	return extended.batch;
}

static gboolean try_lease(
	struct story *story, uint64_t session, uint64_t batch, uint32_t number, uint32_t attempt)
{
	Forge__JobsLeased leased = FORGE__JOBS_LEASED__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT, *ids[] = {&id};

	id.batch = batch;
	id.number = number;
	leased.session = session;
	leased.n_jobs = leased.n_attempts = 1;
	leased.jobs = ids;
	leased.attempts = &attempt;
	return try_fold(story, FORGE__EVENT__KIND_JOBS_LEASED, &leased);
}

static gboolean try_succeed(struct story *story, uint64_t batch, uint32_t number, uint32_t attempt)
{
	Forge__JobSucceeded succeeded = FORGE__JOB_SUCCEEDED__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;

	id.batch = batch;
	id.number = number;
	succeeded.job = &id;
	succeeded.attempt = attempt;
	return try_fold(story, FORGE__EVENT__KIND_JOB_SUCCEEDED, &succeeded);
}

static gboolean try_close(struct story *story, uint64_t batch)
{
	Forge__BatchClosed closed = FORGE__BATCH_CLOSED__INIT;

	closed.batch = batch;
	return try_fold(story, FORGE__EVENT__KIND_BATCH_CLOSED, &closed);
}

static void retry(struct story *story, uint64_t batch, uint32_t number, uint32_t attempt)
{
	Forge__JobRetryScheduled event = FORGE__JOB_RETRY_SCHEDULED__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;

	id.batch = batch;
	id.number = number;
	event.job = &id;
	event.attempt = attempt;
	event.not_before_us = 99;
	fold(story, FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED, &event);
}

static void tell(struct story *story, uint64_t batch, Forge__Fact *fact)
{
	Forge__Reported reported = FORGE__REPORTED__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;

	id.batch = batch;
	id.number = 1;
	reported.job = &id;
	reported.attempt = 1;
	reported.fact = fact;
	fold(story, FORGE__EVENT__KIND_REPORTED, &reported);
}

static void tell_intent(struct story *story, uint64_t batch, const char *ref)
{
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__PushIntended intent = FORGE__PUSH_INTENDED__INIT;

	intent.ref = (char *)ref;
	fact.kind_case = FORGE__FACT__KIND_PUSH_INTENDED;
	fact.push_intended = &intent;
	tell(story, batch, &fact);
}

static void tell_synced(struct story *story, uint64_t batch, const char *branch, gboolean dry_run)
{
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;

	synced.fork = (char *)"tools";
	synced.branch = (char *)branch;
	synced.dry_run = dry_run;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	tell(story, batch, &fact);
}

/* ---- what events make --------------------------------------------------------------------- */

static void test_a_batch_lives_from_its_opening_to_its_closing(void)
{
	scoped_value(story) story = {.state = state_new()};
	uint64_t session = join(&story), batch = open_batch(&story, NULL, 2);
	const struct closed_row *closed;

	g_assert_true(state_batch(story.state, batch)->sealed);
	g_assert_cmpuint(state_counts(state_batch(story.state, batch)).queued, ==, 2);
	g_assert_true(try_lease(&story, session, batch, 1, 1));
	g_assert_true(try_lease(&story, session, batch, 2, 1));
	g_assert_true(try_succeed(&story, batch, 1, 1));
	g_assert_cmpuint(story.state->complete.length, ==, 0);
	g_assert_true(try_succeed(&story, batch, 2, 1));
	g_assert_cmpuint(story.state->complete.length, ==, 1);
	g_assert_true(try_close(&story, batch));
	g_assert_null(state_batch(story.state, batch));
	closed = g_queue_peek_tail(&story.state->closed);
	g_assert_cmpuint(closed->counts->done, ==, 2);
	g_assert_cmpuint(closed->closed_seq, ==, story.seq);
	g_assert_cmpuint(state_request(story.state, closed->opened->request_id)->seq, ==, batch);
}

static void test_facts_show_on_the_fork_and_in_the_job(void)
{
	scoped_value(story) story = {.state = state_new()};
	uint64_t session = join(&story), batch;
	const struct job_progress *progress;
	const struct fork_row *fork;

	register_fork(&story, "tools");
	batch = open_batch(&story, "tools", 1);
	g_assert_true(try_lease(&story, session, batch, 1, 1));
	tell_intent(&story, batch, "refs/heads/main");
	tell_intent(&story, batch, "refs/heads/docs");
	tell_synced(&story, batch, "main", FALSE);
	tell_synced(&story, batch, "trial", TRUE);
	progress = state_progress(state_batch(story.state, batch), 1);
	g_assert_cmpuint(progress->intended->len, ==, 1);
	g_assert_cmpuint(progress->finished->len, ==, 2);
	fork = state_fork(story.state, "tools");
	g_assert_cmpuint(fork->branches->len, ==, 1);
	g_assert_true(try_succeed(&story, batch, 1, 1));
	g_assert_null(state_progress(state_batch(story.state, batch), 1));
}

static void test_only_so_many_closed_batches_and_their_requests_are_kept(void)
{
	scoped_value(story) story = {.state = state_new()};
	uint64_t first = open_batch(&story, NULL, 0);
	g_autofree char *request_id = g_strdup(state_batch(story.state, first)->opened->request_id);

	g_assert_true(try_close(&story, first));
	for (int i = 1; i < LIMIT_CLOSED_BATCHES; i++)
		g_assert_true(try_close(&story, open_batch(&story, NULL, 0)));
	g_assert_nonnull(state_request(story.state, request_id));
	g_assert_true(try_close(&story, open_batch(&story, NULL, 0)));
	g_assert_cmpuint(story.state->closed.length, ==, LIMIT_CLOSED_BATCHES);
	g_assert_null(state_request(story.state, request_id));
}

/* ---- what does not fit -------------------------------------------------------------------- */

static void test_events_that_cannot_follow_are_damage(void)
{
	scoped_value(story) story = {.state = state_new()};
	uint64_t session = join(&story), batch = open_batch(&story, NULL, 1);
	Forge__WorkerLeft left = FORGE__WORKER_LEFT__INIT;
	Forge__BatchSealed sealed = FORGE__BATCH_SEALED__INIT;
	Forge__BatchExtended extended = FORGE__BATCH_EXTENDED__INIT;
	Forge__BatchOpened opened = FORGE__BATCH_OPENED__INIT;
	Forge__BatchCancelRequested cancel = FORGE__BATCH_CANCEL_REQUESTED__INIT;
	Forge__ForkRemoved removed = FORGE__FORK_REMOVED__INIT;
	Forge__JobCancelled no_job = FORGE__JOB_CANCELLED__INIT;
	struct hash before = state_digest(story.state), after;

	left.session = cancel.batch = 77;
	sealed.batch = extended.batch = batch;
	removed.name = (char *)"nobody";
	g_assert_false(try_fold(&story, FORGE__EVENT__KIND_WORKER_LEFT, &left));
	g_assert_false(try_fold(&story, FORGE__EVENT__KIND_BATCH_SEALED, &sealed));
	g_assert_false(try_fold(&story, FORGE__EVENT__KIND_BATCH_EXTENDED, &extended));
	g_assert_false(try_fold(&story, FORGE__EVENT__KIND_BATCH_OPENED, &opened));
	g_assert_false(try_fold(&story, FORGE__EVENT__KIND_BATCH_CANCEL_REQUESTED, &cancel));
	g_assert_false(try_fold(&story, FORGE__EVENT__KIND_FORK_REMOVED, &removed));
	g_assert_false(try_fold(&story, FORGE__EVENT__KIND_JOB_CANCELLED, &no_job));
	g_assert_false(try_fold(&story, FORGE__EVENT__KIND__NOT_SET, NULL));
	g_assert_false(try_close(&story, batch));
	g_assert_false(try_lease(&story, session + 100, batch, 1, 1));
	g_assert_false(try_lease(&story, session, batch, 2, 1));
	g_assert_false(try_lease(&story, session, batch, 1, 2));
	g_assert_false(try_succeed(&story, batch, 1, 1));
	after = state_digest(story.state);
	g_assert_true(hash_equal(&before, &after));
}

static void test_an_end_of_another_attempt_is_damage(void)
{
	scoped_value(story) story = {.state = state_new()};
	uint64_t session = join(&story), batch = open_batch(&story, NULL, 1);

	g_assert_true(try_lease(&story, session, batch, 1, 1));
	retry(&story, batch, 1, 1);
	g_assert_true(try_lease(&story, session, batch, 1, 2));
	g_assert_false(try_succeed(&story, batch, 1, 1));
	g_assert_true(try_succeed(&story, batch, 1, 2));
}

static void test_a_second_lease_in_a_lane_is_damage(void)
{
	scoped_value(story) story = {.state = state_new()};
	uint64_t session = join(&story), batch;

	register_fork(&story, "tools");
	batch = open_batch(&story, "tools", 2);
	g_assert_false(try_lease(&story, session, batch, 2, 1));
	g_assert_true(try_lease(&story, session, batch, 1, 1));
	g_assert_false(try_lease(&story, session, batch, 2, 1));
}

static void test_sequences_have_no_gaps(void)
{
	scoped(state) state = state_new();
	Forge__Event event = FORGE__EVENT__INIT;
	Forge__QueuePaused paused = FORGE__QUEUE_PAUSED__INIT;

	event.kind_case = FORGE__EVENT__KIND_QUEUE_PAUSED;
	event.queue_paused = &paused;
	g_assert_false(state_fold(state, 2, 0, &event, NULL));
	g_assert_true(state_fold(state, 1, 0, &event, NULL));
	g_assert_false(state_fold(state, 1, 0, &event, NULL));
	g_assert_true(state->paused);
}

/* ---- the image ---------------------------------------------------------------------------- */

static void assert_comes_back(const struct state *state)
{
	g_autoptr(GBytes) image = state_image(state);
	scoped(state) restored = state_from_image(image);
	struct hash before = state_digest(state), after;
	g_autofree char *why = NULL;

	g_assert_nonnull(restored);
	after = state_digest(restored);
	g_assert_true(hash_equal(&before, &after));
	job_table_audit(restored->jobs, &why);
	g_assert_cmpstr(why, ==, NULL);
}

static void test_the_image_comes_back_with_everything(void)
{
	scoped_value(story) story = {.state = state_new()};
	uint64_t session = join(&story), first, second;

	register_fork(&story, "tools");
	first = open_batch(&story, "tools", 3);
	second = open_batch(&story, "tools", 2);
	g_assert_true(try_close(&story, open_batch(&story, NULL, 0)));
	assert_comes_back(story.state);
	g_assert_true(try_lease(&story, session, first, 1, 1));
	tell_intent(&story, first, "refs/heads/docs");
	tell_synced(&story, first, "main", FALSE);
	assert_comes_back(story.state);
	/* The lane's order is another than that of the batches now. */
	retry(&story, first, 1, 1);
	g_assert_true(try_lease(&story, session, first, 2, 1));
	assert_comes_back(story.state);
	g_assert_true(try_succeed(&story, first, 2, 1));
	g_assert_true(try_lease(&story, session, first, 3, 1));
	retry(&story, first, 3, 1);
	g_assert_true(try_lease(&story, session, second, 1, 1));
	assert_comes_back(story.state);
}

static void test_a_damaged_image_is_no_state(void)
{
	scoped_value(story) story = {.state = state_new()};
	g_autoptr(GBytes) image = NULL, nonsense = g_bytes_new_static("nonsense", 8);
	g_autofree char *copy = NULL;
	gsize size;
	guint refused = 0;

	register_fork(&story, "tools");
	open_batch(&story, "tools", 3);
	image = state_image(story.state);
	copy = g_memdup2(g_bytes_get_data(image, &size), g_bytes_get_size(image));
	g_assert_null(state_from_image(nonsense));
	for (gsize cut = 1; cut < size; cut++) {
		g_autoptr(GBytes) part = g_bytes_new(copy, cut);
		scoped(state) restored = state_from_image(part);

		/* A prefix that is an image by itself lacks its
		 * last rows, and is one of another state. */
		refused += restored == NULL ? 1 : 0;
	}
	g_assert_cmpuint(refused, >, size / 2);
}

/* Each is what protobuf takes for an image, and no state: the rows rely on what is not there. */
static void test_an_image_that_lacks_parts_is_no_state(void)
{
	static const struct {
		const char *lacks;
		const char *bytes;
		gsize size;
	} images[] = {
		{"a fork's fork", "\x1a\x00", 2},
		{"a branch's last", "\x1a\x04\x0a\x00\x2a\x00", 6},
		{"a batch's opening", "\x22\x00", 2},
		{"a closed batch's opening", "\x2a\x00", 2},
		{"a component's component", "\x4a\x00", 2},
		{"two forks' names", "\x1a\x02\x0a\x00\x1a\x02\x0a\x00", 8},
		{"a lane's jobs", "\x3a\x05\x12\x03\x08\x07\x10", 7},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(images); i++) {
		g_autoptr(GBytes) image = g_bytes_new_static(images[i].bytes, images[i].size);

		if (state_from_image(image))
			g_error("an image that lacks %s was taken", images[i].lacks);
	}
}

static void test_states_that_differ_have_digests_that_differ(void)
{
	scoped_value(story) one = {.state = state_new()};
	scoped_value(story) other = {.state = state_new()};
	struct hash digests[2];

	register_fork(&one, "tools");
	register_fork(&other, "tools");
	digests[0] = state_digest(one.state);
	digests[1] = state_digest(other.state);
	g_assert_true(hash_equal(&digests[0], &digests[1]));
	open_batch(&one, NULL, 1);
	open_batch(&other, NULL, 2);
	digests[0] = state_digest(one.state);
	digests[1] = state_digest(other.state);
	g_assert_false(hash_equal(&digests[0], &digests[1]));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/state/" #name, test_##name)
	CLAIM(a_batch_lives_from_its_opening_to_its_closing);
	CLAIM(facts_show_on_the_fork_and_in_the_job);
	CLAIM(only_so_many_closed_batches_and_their_requests_are_kept);
	CLAIM(events_that_cannot_follow_are_damage);
	CLAIM(an_end_of_another_attempt_is_damage);
	CLAIM(a_second_lease_in_a_lane_is_damage);
	CLAIM(sequences_have_no_gaps);
	CLAIM(the_image_comes_back_with_everything);
	CLAIM(a_damaged_image_is_no_state);
	CLAIM(an_image_that_lacks_parts_is_no_state);
	CLAIM(states_that_differ_have_digests_that_differ);
	return g_test_run();
}
