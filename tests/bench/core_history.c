/*
 * Drives the scheduler's core through turns, as its loop would, with messages made by hand. The
 * worker takes whatever it is granted and reports every job's end in the next turn.
 */
#include "tests/bench/core_history.h"

#include "journal/base/limits.h"
#include "queue/protocol.h"
#include "tests/bench/figure.h"

#define WORKER_SLOTS 1000
#define CLIENT "client"
#define WORKER "worker"

struct core_history {
	struct journal *journal;
	struct scheduler *scheduler;
	GBytes *client, *worker;
	GArray *inputs; /* of struct input, for the next turn */
	GPtrArray *
		requests; /* those of the inputs, packed and unpacked: whole messages of their own */
	guint64 n_requests;
};

static void free_request(gpointer request)
{
	forge__request__free_unpacked(request, NULL);
}

/* REQUEST may borrow: what it says is copied over the wire's own format. */
static void send(struct core_history *history, GBytes *routing, const Forge__Request *request)
{
	size_t size = forge__request__get_packed_size(request);
	g_autofree uint8_t *data = g_malloc(size);
	struct input input = {.kind = INPUT_REQUEST, .routing = routing};

	forge__request__pack(request, data);
	input.request = forge__request__unpack(NULL, size, data);
	g_ptr_array_add(history->requests, (gpointer)input.request);
	g_array_append_val(history->inputs, input);
}

static void say_hello(struct core_history *history, GBytes *routing, Forge__Role role)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = role;
	hello.name = (char *)"bench:1";
	hello.slots = WORKER_SLOTS;
	request.kind_case = FORGE__REQUEST__KIND_HELLO;
	request.hello = &hello;
	send(history, routing, &request);
}

static void register_fork(struct core_history *history, guint number)
{
	g_autofree char *name = g_strdup_printf("fork-%05u", number);
	g_autofree char *fork = g_strdup_printf("git.example.com/user-%05u/tools", number);
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__RegisterFork registration = FORGE__REGISTER_FORK__INIT;
	Forge__Fork spec = FORGE__FORK__INIT;

	spec.name = name;
	spec.fork = fork;
	spec.upstream = (char *)"git.example.com/company/tools";
	registration.fork = &spec;
	request.kind_case = FORGE__REQUEST__KIND_REGISTER_FORK;
	request.register_fork = &registration;
	send(history, history->client, &request);
}

static void submit(struct core_history *history, Forge__JobKind kind, gboolean all, guint noops)
{
	g_autofree char *request_id = g_strdup_printf(
		"%032" G_GINT64_MODIFIER "x", ++history->n_requests);
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Submit message = FORGE__SUBMIT__INIT;

	message.request_id = request_id;
	message.kind = kind;
	message.all_forks = all;
	message.noops = noops;
	request.kind_case = FORGE__REQUEST__KIND_SUBMIT;
	request.submit = &message;
	send(history, history->client, &request);
}

/* A fork that was some commits behind and went forward. */
static void report(struct core_history *history, const Forge__GrantedJob *job)
{
	g_autofree char *tip = g_strdup_printf(
		"%040" G_GINT64_MODIFIER "x", job->job->batch * 1000003 + job->job->number);
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Report message = FORGE__REPORT__INIT;
	Forge__JobEnd end = FORGE__JOB_END__INIT;
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__Fact *facts[] = {&fact};
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;

	synced.fork = (char *)job->target;
	synced.branch = (char *)"main";
	synced.status = FORGE__BRANCH_STATUS__BRANCH_STATUS_FAST_FORWARDED;
	synced.before = (char *)"0123456789012345678901234567890123456789";
	synced.after = synced.upstream_tip = tip;
	synced.behind = 3;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	message.job = job->job;
	message.attempt = job->attempt;
	message.facts = facts;
	message.n_facts = 1;
	message.end = &end;
	request.kind_case = FORGE__REQUEST__KIND_REPORT;
	request.report = &message;
	send(history, history->worker, &request);
}

static void take_grants(struct core_history *history, const GPtrArray *outgoing)
{
	for (guint i = 0; i < outgoing->len; i++) {
		const struct outgoing *message = outgoing->pdata[i];
		gsize size;
		const uint8_t *data = g_bytes_get_data(message->message, &size);
		Forge__Reply *reply;

		if (!g_bytes_equal(message->routing, history->worker))
			continue;
		reply = forge__reply__unpack(NULL, size, data);
		if (reply->kind_case == FORGE__REPLY__KIND_GRANT)
			for (size_t j = 0; j < reply->grant->n_jobs; j++)
				report(history, reply->grant->jobs[j]);
		forge__reply__free_unpacked(reply, NULL);
	}
}

/* Turns until nothing more is to be said. At most N_TURNS. */
static void run(struct core_history *history, guint n_turns)
{
	for (; n_turns > 0 && history->inputs->len > 0; n_turns--) {
		g_autoptr(GArray) inputs = g_steal_pointer(&history->inputs);
		/* Freed once its turns are over: the inputs borrow them. */
		G_GNUC_UNUSED g_autoptr(GPtrArray) requests = g_steal_pointer(&history->requests);
		size_t done = 0;

		history->inputs = g_array_new(FALSE, FALSE, sizeof(struct input));
		history->requests = g_ptr_array_new_with_free_func(free_request);
		while (done < inputs->len || scheduler_has_more(history->scheduler)) {
			size_t taken;
			size_t n = MIN(inputs->len - done, LIMIT_INPUTS_PER_TURN);
			g_autoptr(GPtrArray) outgoing = scheduler_turn(history->scheduler,
				&g_array_index(inputs, struct input, done), n, &taken, clock_now(),
				NULL);

			g_assert_nonnull(outgoing);
			done += taken;
			take_grants(history, outgoing);
		}
	}
}

struct core_history *core_history_new(struct journal *journal, guint n_forks)
{
	struct core_history *history = g_new0(struct core_history, 1);

	history->journal = journal;
	history->scheduler = scheduler_new(journal, "bench", 1, clock_now(), NULL);
	g_assert_nonnull(history->scheduler);
	history->client = g_bytes_new_static(CLIENT, sizeof(CLIENT));
	history->worker = g_bytes_new_static(WORKER, sizeof(WORKER));
	history->inputs = g_array_new(FALSE, FALSE, sizeof(struct input));
	history->requests = g_ptr_array_new_with_free_func(free_request);
	say_hello(history, history->client, FORGE__ROLE__ROLE_CLIENT);
	for (guint i = 0; i < n_forks; i++)
		register_fork(history, i);
	run(history, 1);
	return history;
}

void core_history_free(struct core_history *history)
{
	if (!history)
		return;
	scheduler_free(history->scheduler);
	g_bytes_unref(history->client);
	g_bytes_unref(history->worker);
	g_array_unref(history->inputs);
	g_ptr_array_unref(history->requests);
	g_free(history);
}

void core_history_sync_until(struct core_history *history, guint64 n_events)
{
	say_hello(history, history->worker, FORGE__ROLE__ROLE_WORKER);
	while (journal_end(history->journal).seq < n_events) {
		submit(history, FORGE__JOB_KIND__JOB_KIND_FORK_SYNC, TRUE, 0);
		run(history, G_MAXUINT);
	}
}

gint64 core_history_submit_ns(struct core_history *history, guint n, guint per_turn)
{
	gint64 elapsed_ns = 0;

	for (guint i = 0; i < n; i += per_turn) {
		gint64 start_ns;

		for (guint j = 0; j < per_turn; j++)
			submit(history, FORGE__JOB_KIND__JOB_KIND_NOOP, FALSE, 1);
		start_ns = figure_now_ns();
		run(history, 1);
		elapsed_ns += figure_now_ns() - start_ns;
	}
	return elapsed_ns;
}

void core_history_save_checkpoint(struct core_history *history)
{
	uint64_t seq;
	g_autoptr(GBytes) image = scheduler_image(history->scheduler, &seq);

	g_assert_true(journal_save_checkpoint(
		history->journal, seq, scheduler_checkpoint_tag(), image, NULL));
}
