/*
 * The core without network and threads, for tests that ask it one thing at a time. After every turn
 * the job table is audited and the state compared with a replay of the journal, so no test needs to
 * ask for that.
 */
#include "tests/support/core_fixture.h"

#include <string.h>

#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/protocol.h"

static void free_sent(gpointer data)
{
	struct sent *sent = data;

	g_free(sent->to);
	forge__reply__free_unpacked(sent->reply, NULL);
	g_free(sent);
}

static void open_scheduler(struct core *core)
{
	g_autoptr(GError) error = NULL;

	core->journal = journal_memory_open(core->disk);
	core->scheduler = scheduler_new(core->journal, "host", 1, core->now, &error);
	g_assert_no_error(error);
}

struct core *core_new(void)
{
	struct core *core = g_new0(struct core, 1);

	core->disk = journal_disk_new("00000000000000000000000000000001");
	core->now = (struct instant){
		.wall_us = G_GINT64_CONSTANT(1767225600000000), .monotonic_ms = 1000000};
	core->next_id = 1;
	core->sent = g_ptr_array_new_with_free_func(free_sent);
	open_scheduler(core);
	return core;
}

struct core *core_new_with_client(void)
{
	struct core *core = core_new();

	core_greet_client(core, "client");
	return core;
}

void core_free(struct core *core)
{
	if (!core)
		return;
	scheduler_free(core->scheduler);
	journal_close(core->journal);
	journal_disk_free(core->disk);
	g_ptr_array_free(core->sent, TRUE);
	g_free(core);
}

void core_restart(struct core *core)
{
	scheduler_free(core->scheduler);
	journal_close(core->journal);
	open_scheduler(core);
}

/* ---- turns -------------------------------------------------------------------------------- */

static void keep_sent(struct core *core, const GPtrArray *outgoing)
{
	g_ptr_array_set_size(core->sent, 0);
	for (guint i = 0; i < outgoing->len; i++) {
		const struct outgoing *message = outgoing->pdata[i];
		struct sent *sent = g_new0(struct sent, 1);
		gsize size;
		const uint8_t *data = g_bytes_get_data(message->message, &size);
		gsize name_size;
		const char *name = g_bytes_get_data(message->routing, &name_size);

		sent->to = g_strndup(name, name_size);
		sent->reply = forge__reply__unpack(NULL, size, data);
		g_ptr_array_add(core->sent, sent);
	}
}

static void check_whole(const struct core *core)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *why = NULL;
	scoped(state) replayed = scheduler_replay(core->journal, &error);
	g_autoptr(GBytes) image = state_image(core_state(core));
	scoped(state) restored = state_from_image(image);
	struct hash live = state_digest(core_state(core)), again;

	g_assert_no_error(error);
	job_table_audit(core_state(core)->jobs, &why);
	g_assert_cmpstr(why, ==, NULL);
	g_assert_nonnull(restored);
	again = state_digest(replayed);
	g_assert_true(hash_equal(&live, &again));
}

static void run_turn(struct core *core, const struct input *inputs, size_t n)
{
	g_autoptr(GError) error = NULL;
	size_t taken;
	g_autoptr(GPtrArray)
		outgoing = scheduler_turn(core->scheduler, inputs, n, &taken, core->now, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(taken, ==, n);
	keep_sent(core, outgoing);
	check_whole(core);
}

void core_ask_all(struct core *core, const char *from, const Forge__Request *requests, size_t n)
{
	g_autoptr(GBytes) routing = g_bytes_new(from, strlen(from));
	g_autofree struct input *inputs = g_new0(struct input, n);

	for (size_t i = 0; i < n; i++)
		inputs[i] = (struct input){.kind = INPUT_REQUEST,
			.routing = routing,
			.request = &requests[i],
			.identity = core->identity};
	run_turn(core, inputs, n);
}

void core_ask(struct core *core, const char *from, Forge__Request__KindCase kind, gpointer payload)
{
	Forge__Request request = FORGE__REQUEST__INIT;

	request.id = core->next_id++;
	request.kind_case = kind;
	request.hello = payload;
	core_ask_all(core, from, &request, 1);
}

void core_pass(struct core *core, int64_t ms)
{
	core->now.monotonic_ms += ms;
	core->now.wall_us += ms * 1000;
	run_turn(core, NULL, 0);
}

void core_bury(struct core *core, const char *owner)
{
	struct input input = {.kind = INPUT_OWNER_GONE, .owner = owner};

	run_turn(core, &input, 1);
}

/* ---- looking ------------------------------------------------------------------------------ */

const Forge__Reply *core_sent(const struct core *core, const char *to, Forge__Reply__KindCase kind)
{
	for (guint i = 0; i < core->sent->len; i++) {
		const struct sent *sent = core->sent->pdata[i];

		if (strcmp(sent->to, to) == 0 && sent->reply->kind_case == kind)
			return sent->reply;
	}
	return NULL;
}

const Forge__Reply *core_reply(const struct core *core, const char *to, Forge__Reply__KindCase kind)
{
	const Forge__Reply *reply = core_sent(core, to, kind);

	g_assert_nonnull(reply);
	return reply;
}

const char *core_error(const struct core *core, const char *to)
{
	const Forge__Reply *reply = core_sent(core, to, FORGE__REPLY__KIND_ERROR);

	return reply ? reply->error->code : NULL;
}

const struct state *core_state(const struct core *core)
{
	return scheduler_view(core->scheduler, core->now).state;
}

static guint look_for(const struct core *core, Forge__Event__KindCase kind, Forge__Event **newest)
{
	scoped(journal_reader) reader = journal_read(core->journal, 1, NULL);
	struct journal_record record;
	guint n = 0;

	while (journal_reader_next(reader, &record, NULL) == JOURNAL_READ_RECORD)
		for (size_t i = 0; i < record.entries->n_entries; i++)
			for (size_t j = 0; j < record.entries->entries[i]->n_events; j++) {
				const Forge__Event *event = record.entries->entries[i]->events[j];

				if (event->kind_case != kind)
					continue;
				n++;
				if (!newest)
					continue;
				if (*newest)
					forge__event__free_unpacked(*newest, NULL);
				*newest = message_copy(&event->base);
			}
	return n;
}

guint core_count(const struct core *core, Forge__Event__KindCase kind)
{
	return look_for(core, kind, NULL);
}

Forge__Event *core_newest(const struct core *core, Forge__Event__KindCase kind)
{
	Forge__Event *newest = NULL;

	look_for(core, kind, &newest);
	g_assert_nonnull(newest);
	return newest;
}

const struct job *core_job(const struct core *core, uint64_t batch, uint32_t number)
{
	const struct job *job = job_table_job(
		core_state(core)->jobs, state_batch(core_state(core), batch)->jobs, number);

	g_assert_nonnull(job);
	return job;
}

/* ---- peers -------------------------------------------------------------------------------- */

void core_greet_client(struct core *core, const char *name)
{
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_CLIENT;
	hello.name = (char *)name;
	core_ask(core, name, FORGE__REQUEST__KIND_HELLO, &hello);
}

uint64_t core_greet_owned_worker(
	struct core *core, const char *name, uint32_t slots, const char *owner)
{
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_WORKER;
	hello.name = (char *)name;
	hello.owner = (char *)owner;
	hello.slots = slots;
	core_ask(core, name, FORGE__REQUEST__KIND_HELLO, &hello);
	return core_reply(core, name, FORGE__REPLY__KIND_WELCOME)->welcome->session;
}

uint64_t core_greet_worker(struct core *core, const char *name, uint32_t slots)
{
	return core_greet_owned_worker(core, name, slots, "");
}

void core_register(struct core *core, const char *from, const char *fork)
{
	Forge__RegisterFork message = FORGE__REGISTER_FORK__INIT;
	Forge__Fork spec = FORGE__FORK__INIT;
	g_autofree char *address = g_strdup_printf("host/me/%s", fork);
	g_autofree char *upstream = g_strdup_printf("host/them/%s", fork);

	spec.name = (char *)fork;
	spec.fork = address;
	spec.upstream = upstream;
	message.fork = &spec;
	core_ask(core, from, FORGE__REQUEST__KIND_REGISTER_FORK, &message);
	g_assert_cmpstr(core_error(core, from), ==, NULL);
}

static uint64_t submit(struct core *core, const char *from, Forge__Submit *message)
{
	core_ask(core, from, FORGE__REQUEST__KIND_SUBMIT, message);
	return core_reply(core, from, FORGE__REPLY__KIND_SUBMITTED)->submitted->batch;
}

uint64_t core_submit_noops(
	struct core *core, const char *from, const char *request_id, uint32_t noops)
{
	Forge__Submit message = FORGE__SUBMIT__INIT;

	message.request_id = (char *)request_id;
	message.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	message.noops = noops;
	return submit(core, from, &message);
}

uint64_t core_submit_fork(
	struct core *core, const char *from, const char *request_id, const char *fork)
{
	Forge__Submit message = FORGE__SUBMIT__INIT;
	char *targets[1] = {(char *)fork};

	message.request_id = (char *)request_id;
	message.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	message.n_targets = 1;
	message.targets = targets;
	return submit(core, from, &message);
}

uint64_t core_submit_all(struct core *core, const char *from, const char *request_id)
{
	Forge__Submit message = FORGE__SUBMIT__INIT;

	message.request_id = (char *)request_id;
	message.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	message.all_forks = TRUE;
	return submit(core, from, &message);
}

static void report(struct core *core, const char *from, uint64_t batch, uint32_t number,
	uint32_t attempt, Forge__Fact *fact, Forge__JobEnd *end)
{
	Forge__Report message = FORGE__REPORT__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;

	id.batch = batch;
	id.number = number;
	message.job = &id;
	message.attempt = attempt;
	message.n_facts = fact ? 1 : 0;
	message.facts = &fact;
	message.end = end;
	core_ask(core, from, FORGE__REQUEST__KIND_REPORT, &message);
}

void core_end(struct core *core, const char *from, uint64_t batch, uint32_t number,
	uint32_t attempt, const char *code)
{
	Forge__JobEnd end = FORGE__JOB_END__INIT;
	Forge__Error error = FORGE__ERROR__INIT;

	error.code = (char *)code;
	end.error = code ? &error : NULL;
	report(core, from, batch, number, attempt, NULL, &end);
}

void core_tell(struct core *core, const char *from, uint64_t batch, uint32_t number,
	uint32_t attempt, Forge__Fact *fact)
{
	report(core, from, batch, number, attempt, fact, NULL);
}

void core_beat_empty(struct core *core, const char *from)
{
	Forge__Heartbeat heartbeat = FORGE__HEARTBEAT__INIT;

	/* One that comes at once after another, or after a grant, says nothing new. */
	core->now.monotonic_ms += LIMIT_HEARTBEAT_MS;
	core_ask(core, from, FORGE__REQUEST__KIND_HEARTBEAT, &heartbeat);
}
