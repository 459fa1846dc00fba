/*
 * A journal gives up its past and keeps its state: what a scheduler knows before and after is the
 * same, on every backend, wherever it fails on the way.
 *
 * Histories come from a real scheduler and are copied to the place a claim runs on.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/journal_backup.h"
#include "journal/message.h"
#include "scheduler/retention.h"
#include "scheduler/state_base.h"
#include "tests/support/backend_fixture.h"
#include "tests/support/core_fixture.h"

static const struct retention keep_nothing = {.events = 0, .not_before_us = G_MAXUINT64};

/* A journal with the events of CORE at PLACE. */
static struct journal *copy_to(struct place *place, const struct core *core)
{
	struct journal_head head = {.front = journal_front(core->journal)};
	g_autoptr(GError) error = NULL;
	scoped(journal) journal = NULL;

	g_strlcpy(head.journal_id, journal_id(core->journal), sizeof(head.journal_id));
	journal = place_make(place, &head);
	g_assert_true(journal_backup_copy(core->journal, journal, &error));
	g_assert_true(journal_settle(journal, &error));
	g_clear_pointer(&journal, journal_close);
	return place_open(place);
}

/* Digest of STATE as if it were at sequence 0: bases say nothing new, but they have sequences. */
static struct hash digest_of(struct state *take_state)
{
	scoped(state) state = take_state;

	g_assert_nonnull(state);
	state->last_seq = 0;
	return state_digest(state);
}

static struct hash digest(struct journal *journal)
{
	g_autoptr(GError) error = NULL;
	struct hash ignored;

	scheduler_verify(journal, &ignored, &error);
	g_assert_no_error(error);
	return digest_of(scheduler_replay(journal, NULL));
}

static void assert_digest(struct journal *journal, const struct hash *wanted)
{
	struct hash found = digest(journal);

	g_assert_true(hash_equal(&found, wanted));
}

static struct retention_result apply(
	struct journal *journal, const struct retention *retention, const struct core *core)
{
	g_autoptr(GError) error = NULL;
	struct retention_result result;

	retention_apply(journal, retention, core->now, &result, &error);
	g_assert_no_error(error);
	return result;
}

/* One batch of NOOPS that ran and closed; its sequence. */
static uint64_t run_batch(struct core *core, const char *request_id, uint32_t noops)
{
	uint64_t batch = core_submit_noops(core, "client", request_id, noops);

	for (uint32_t i = 1; i <= noops; i++)
		core_end(core, "worker", batch, i, 1, NULL);
	core_pass(core, 10);
	g_assert_null(state_batch(core_state(core), batch));
	return batch;
}

/* A scheduler with a past: forks, closed batches, and a worker. */
static struct core *core_with_past(void)
{
	struct core *core = core_new_with_client();

	core_greet_worker(core, "worker", 8);
	core_register(core, "client", "tools");
	core_register(core, "client", "prompts");
	run_batch(core, "one", 3);
	run_batch(core, "two", 5);
	return core;
}

static void append_event(struct journal *journal, Forge__Event__KindCase kind, gpointer content)
{
	Forge__Event event = FORGE__EVENT__INIT;
	Forge__Event *events[] = {&event};
	Forge__Entry entry = FORGE__ENTRY__INIT;
	Forge__Entry *entry_list[] = {&entry};
	Forge__Entries entries = FORGE__ENTRIES__INIT;
	struct journal_position end;
	g_autoptr(GError) error = NULL;

	event.kind_case = kind;
	event.base_begun = content;
	entry.n_events = entries.n_entries = 1;
	entry.events = events;
	entries.entries = entry_list;
	journal_append(journal, journal_end(journal).seq, &entries, &end, &error);
	g_assert_no_error(error);
}

/* A scheduler that knows 600 forks with long names: its state is larger than three records. */
static struct core *core_with_large_state(void)
{
	scoped(core) core = core_new_with_client();
	g_autofree char *url = g_strnfill(LIMIT_URL_BYTES, 'u');

	for (int i = 0; i < 600; i++) {
		Forge__Fork fork = FORGE__FORK__INIT;
		Forge__ForkRegistered registered = FORGE__FORK_REGISTERED__INIT;
		g_autofree char *name = g_strdup_printf("fork-%d", i);

		fork.name = name;
		fork.fork = fork.upstream = url;
		registered.fork = &fork;
		append_event(core->journal, FORGE__EVENT__KIND_FORK_REGISTERED, &registered);
	}
	core_restart(core);
	return g_steal_pointer(&core);
}

static void state_stays_and_events_go_also_after_reopening(gconstpointer backend)
{
	scoped(core) core = core_with_past();
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = copy_to(&place, core);
	struct hash before = digest(journal);
	uint64_t end = journal_end(journal).seq;
	struct retention_result result = apply(journal, &keep_nothing, core);

	g_assert_true(result.base_is_new);
	g_assert_cmpuint(result.first_before, ==, 1);
	g_assert_cmpuint(result.base_seq, ==, end + 1);
	g_assert_cmpuint(result.first, ==, end + 1);
	assert_digest(journal, &before);
	g_clear_pointer(&journal, journal_close);
	journal = place_open(&place);
	assert_digest(journal, &before);
	g_assert_null(journal_read(journal, end, NULL));
}

static void scheduler_goes_on_from_a_base_as_from_its_past(void)
{
	scoped(core) core = core_with_past();
	uint64_t batch = core_submit_noops(core, "client", "open", 20);
	uint64_t same;

	core_end(core, "worker", batch, 1, 1, NULL);
	apply(core->journal, &keep_nothing, core);
	core_restart(core);
	core_greet_client(core, "client");
	/* The request is known, so it makes no second batch; its jobs are where they were. */
	same = core_submit_noops(core, "client", "open", 20);
	g_assert_cmpuint(same, ==, batch);
	core_assert_jobs(core, batch, JOB_DONE, 1);
	core_pass(core, LIMIT_LEASE_MS + 1000);
	core_greet_worker(core, "another", 20);
	core_assert_jobs(core, batch, JOB_LEASED, 19);
	for (uint32_t i = 2; i <= 20; i++)
		core_end(core, "another", batch, i, core_job(core, batch, i)->attempt, NULL);
	core_pass(core, 10);
	g_assert_null(state_batch(core_state(core), batch));
}

static void second_time_there_is_nothing_to_do(gconstpointer backend)
{
	scoped(core) core = core_with_past();
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = copy_to(&place, core);
	struct retention_result first = apply(journal, &keep_nothing, core), second;
	uint64_t end = journal_end(journal).seq;

	second = apply(journal, &keep_nothing, core);
	g_assert_false(second.base_is_new);
	g_assert_cmpuint(second.base_seq, ==, first.base_seq);
	g_assert_cmpuint(second.first, ==, second.first_before);
	g_assert_cmpuint(journal_end(journal).seq, ==, end);
	g_assert_true(hash_equal(&first.digest, &second.digest));
}

static void newest_events_and_days_are_kept(gconstpointer backend)
{
	scoped(core) core = core_with_past();
	uint64_t then_us = (uint64_t)core->now.wall_us + 1000 * 1000;
	struct retention by_count = {.events = 10, .not_before_us = G_MAXUINT64};
	struct retention by_age = {.events = 0, .not_before_us = then_us};
	struct retention_result result;
	uint64_t young, end;

	core_pass(core, 5000);
	young = run_batch(core, "young", 4);
	end = journal_end(core->journal).seq;
	{
		scoped_value(place) place;
		place_init(&place, backend);
		scoped(journal) journal = copy_to(&place, core);
		struct hash before = digest(journal);

		result = apply(journal, &by_count, core);
		g_assert_cmpuint(result.first, >, 1);
		g_assert_cmpuint(result.first, <=, end - 10 + 1);
		assert_digest(journal, &before);
	}
	{
		scoped_value(place) place;
		place_init(&place, backend);
		scoped(journal) journal = copy_to(&place, core);
		struct hash before = digest(journal);

		result = apply(journal, &by_age, core);
		g_assert_cmpuint(result.first, >, 1);
		g_assert_cmpuint(result.first, <=, young);
		assert_digest(journal, &before);
		/* Everything is older now. */
		by_age.not_before_us = (uint64_t)core->now.wall_us + 1;
		result = apply(journal, &by_age, core);
		g_assert_cmpuint(result.first, >, young);
	}
}

static void open_batch_keeps_its_events(gconstpointer backend)
{
	scoped(core) core = core_with_past();
	uint64_t batch = core_submit_fork(core, "client", "open", "tools");
	scoped_value(place) place;
	struct retention_result result;

	run_batch(core, "later", 1);
	place_init(&place, backend);
	scoped(journal) journal = copy_to(&place, core);
	result = apply(journal, &keep_nothing, core);
	g_assert_cmpuint(result.open_batch, ==, batch);
	g_assert_cmpuint(result.first, <=, batch);
	g_assert_cmpuint(result.first, >, 1);
	scoped(journal_reader) reader = place_read(journal, batch);
	g_assert_nonnull(reader);
}

static void large_state_takes_many_records(gconstpointer backend)
{
	scoped(core) core = core_with_large_state();
	scoped_value(place) place;
	struct retention_result result;
	struct hash before;

	place_init(&place, backend);
	scoped(journal) journal = copy_to(&place, core);
	before = digest(journal);
	result = apply(journal, &keep_nothing, core);
	g_assert_cmpuint(
		journal_end(journal).seq - result.base_seq, >, 3 * LIMIT_BASE_CHUNKS_PER_RECORD);
	assert_digest(journal, &before);
}

static void journal_with_base_and_first_event_folds_from_both(gconstpointer backend)
{
	scoped(core) core = core_with_past();
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = copy_to(&place, core);
	struct retention keep_all = {.events = G_MAXUINT64, .not_before_us = G_MAXUINT64};
	struct hash before = digest(journal);
	struct retention_result result = apply(journal, &keep_all, core);

	g_assert_cmpuint(result.first, ==, 1);
	g_assert_cmpuint(journal_front(journal).base_seq, ==, result.base_seq);
	assert_digest(journal, &before);
}

/* ---- bases that cannot be used ------------------------------------------------------------ */

/* Appends IMAGE as a base of FOLD whose digest is DIGEST, and names it; its first event. */
static uint64_t append_base(
	struct journal *journal, GBytes *image, uint32_t fold, const struct hash *digest)
{
	Forge__BaseBegun begun = FORGE__BASE_BEGUN__INIT;
	Forge__BaseChunk chunk = FORGE__BASE_CHUNK__INIT;
	g_autofree char *hex = hash_hex(digest);
	uint64_t base_seq = journal_end(journal).seq + 1;
	gsize size;
	const void *data = g_bytes_get_data(image, &size);

	begun.fold_version = fold;
	begun.build = (char *)"9.9";
	begun.image_bytes = size;
	begun.chunks = chunk.number = 1;
	begun.digest = hex;
	chunk.image = (ProtobufCBinaryData){size, (uint8_t *)data};
	append_event(journal, FORGE__EVENT__KIND_BASE_BEGUN, &begun);
	append_event(journal, FORGE__EVENT__KIND_BASE_CHUNK, &chunk);
	g_assert_true(journal_cut(journal, base_seq - 1, base_seq, NULL));
	return base_seq;
}

static void assert_no_scheduler(const struct core *core, enum forge_error code, const char *says)
{
	g_autoptr(GError) error = NULL;
	struct hash ignored;

	g_assert_null(scheduler_new(core->journal, "host", 1, core->now, &error));
	g_assert_error(error, FORGE_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, says));
	g_assert_false(scheduler_verify(core->journal, &ignored, NULL));
}

static struct hash hash_of(GBytes *image)
{
	return hash_chain(NULL, g_bytes_get_data(image, NULL), g_bytes_get_size(image));
}

static void base_of_a_newer_version_is_refused(void)
{
	scoped(core) core = core_with_past();
	g_autoptr(GBytes) image = state_image(core_state(core));
	struct hash right = hash_of(image);

	append_base(core->journal, image, FOLD_VERSION + 1, &right);
	assert_no_scheduler(core, FORGE_ERROR_JOURNAL_TOO_NEW, "forge 9.9");
}

static void base_of_an_older_version_is_taken(void)
{
	scoped(core) core = core_with_past();
	g_autoptr(GBytes) image = state_image(core_state(core));
	struct hash right = hash_of(image), before = digest(core->journal);

	append_base(core->journal, image, FOLD_VERSION - 1, &right);
	assert_digest(core->journal, &before);
}

/* Field 99 of a state, and one of a fork: no version so far has them. */
static void base_with_what_this_version_does_not_know_is_refused(void)
{
	static const uint8_t unknown[] = {0x98, 0x06, 0x01};

	for (uint32_t fold = FOLD_VERSION - 1; fold <= FOLD_VERSION; fold++) {
		scoped(core) core = core_with_past();
		g_autoptr(GBytes) image = state_image(core_state(core));
		g_autoptr(GByteArray) longer = g_byte_array_new();
		g_autoptr(GBytes) strange = NULL;
		struct hash right;

		g_byte_array_append(
			longer, g_bytes_get_data(image, NULL), (guint)g_bytes_get_size(image));
		g_byte_array_append(longer, unknown, sizeof(unknown));
		strange = g_bytes_new(longer->data, longer->len);
		right = hash_of(strange);
		append_base(core->journal, strange, fold, &right);
		assert_no_scheduler(core, FORGE_ERROR_JOURNAL_DAMAGED, "no state");
	}
}

static void base_that_is_not_what_it_says_is_refused(void)
{
	scoped(core) core = core_with_past();
	g_autoptr(GBytes) image = state_image(core_state(core));
	struct hash wrong = {{1}};
	Forge__BaseBegun half = FORGE__BASE_BEGUN__INIT;
	uint64_t seq;

	append_base(core->journal, image, FOLD_VERSION, &wrong);
	assert_no_scheduler(core, FORGE_ERROR_JOURNAL_DAMAGED, "digest");
	half.fold_version = FOLD_VERSION;
	half.chunks = 1;
	half.image_bytes = 10;
	append_event(core->journal, FORGE__EVENT__KIND_BASE_BEGUN, &half);
	seq = journal_end(core->journal).seq;
	g_assert_true(journal_cut(core->journal, seq - 1, seq, NULL));
	assert_no_scheduler(core, FORGE_ERROR_JOURNAL_DAMAGED, "not whole");
}

/* ---- faults ------------------------------------------------------------------------------- */

/* Each append and the cut fails once, the change lost or made; a large state takes several appends. */
static void failure_at_any_step_loses_nothing(gconstpointer fault)
{
	scoped(core) core = core_with_large_state();
	struct hash before;
	int step;

	before = digest(core->journal);
	for (step = 0; step < 50; step++) {
		scoped_value(place) place;
		place_init(&place, GINT_TO_POINTER(BACKEND_MEMORY));
		scoped(journal) journal = copy_to(&place, core);
		g_autoptr(GError) error = NULL;
		struct retention_result result;

		journal_disk_set_fault_after(
			place.disk, (enum journal_fault)GPOINTER_TO_INT(fault), (guint)step);
		if (retention_apply(journal, &keep_nothing, core->now, &result, &error))
			break;
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED);
		g_clear_pointer(&journal, journal_close);
		journal = place_open(&place);
		assert_digest(journal, &before);
		apply(journal, &keep_nothing, core);
		assert_digest(journal, &before);
	}
	/* Three appends at least, and the cut. */
	g_assert_cmpint(step, >, 3);
	g_assert_cmpint(step, <, 50);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) place_add_claim("retention", #name, name)
	CLAIM(state_stays_and_events_go_also_after_reopening);
	CLAIM(second_time_there_is_nothing_to_do);
	CLAIM(newest_events_and_days_are_kept);
	CLAIM(open_batch_keeps_its_events);
	CLAIM(large_state_takes_many_records);
	CLAIM(journal_with_base_and_first_event_folds_from_both);
#undef CLAIM
#define CLAIM(name) g_test_add_func("/retention/" #name, name)
	CLAIM(scheduler_goes_on_from_a_base_as_from_its_past);
	CLAIM(base_of_a_newer_version_is_refused);
	CLAIM(base_of_an_older_version_is_taken);
	CLAIM(base_with_what_this_version_does_not_know_is_refused);
	CLAIM(base_that_is_not_what_it_says_is_refused);
#undef CLAIM
	g_test_add_data_func("/retention/lost_write_at_any_step_loses_nothing",
		GINT_TO_POINTER(JOURNAL_FAULT_LOST), failure_at_any_step_loses_nothing);
	g_test_add_data_func("/retention/failed_write_that_happened_loses_nothing",
		GINT_TO_POINTER(JOURNAL_FAULT_WRITTEN), failure_at_any_step_loses_nothing);
	return g_test_run();
}
