/*
 * Who may ask for what, and that nothing but a key says who somebody is: over the core, with peers
 * that lie about everything they may choose themselves.
 */
#include <string.h>

#include "journal/base/limits.h"
#include "queue/protocol.h"
#include "scheduler/permission.h"
#include "tests/support/core_fixture.h"

static const struct identity reader = {
	.name = (char *)"rita", .public_key = (char *)"R", .roles = ROLE_READ};
static const struct identity submitter = {
	.name = (char *)"sam", .public_key = (char *)"S", .roles = ROLE_READ | ROLE_SUBMIT};
static const struct identity operator= {.name = (char *)"olga",
	.public_key = (char *)"O",
	.roles = ROLE_READ | ROLE_SUBMIT | ROLE_OPERATE};
static const struct identity machine = {
	.name = (char *)"build-1", .public_key = (char *)"W", .roles = ROLE_WORKER};
static const struct identity other_machine = {
	.name = (char *)"build-2", .public_key = (char *)"X", .roles = ROLE_WORKER};

/* ---- the table ---------------------------------------------------------------------------- */

static void each_request_is_for_those_it_is_meant_for(void)
{
	static const struct {
		Forge__Request__KindCase kind;
		const char *who; /* the first letters of those who may */
	} cases[] = {
		{FORGE__REQUEST__KIND_HEARTBEAT, "b"},
		{FORGE__REQUEST__KIND_SUBMIT, "so"},
		{FORGE__REQUEST__KIND_REPORT, "b"},
		{FORGE__REQUEST__KIND_RETURN_JOBS, "b"},
		{FORGE__REQUEST__KIND_PROGRESS, "b"},
		{FORGE__REQUEST__KIND_CANCEL_JOB, "so"},
		{FORGE__REQUEST__KIND_REGISTER_FORK, "o"},
		{FORGE__REQUEST__KIND_REMOVE_FORK, "o"},
		{FORGE__REQUEST__KIND_LIST_FORKS, "rso"},
		{FORGE__REQUEST__KIND_LIST_BATCHES, "rso"},
		{FORGE__REQUEST__KIND_LIST_JOBS, "rso"},
		{FORGE__REQUEST__KIND_GET_STATS, "rso"},
		{FORGE__REQUEST__KIND_SET_PAUSED, "o"},
		{FORGE__REQUEST__KIND_READ_EVENTS, "rso"},
		{FORGE__REQUEST__KIND_GOODBYE, "rsob"},
		{FORGE__REQUEST__KIND_LIST_COMPONENTS, "rso"},
	};
	const struct identity *everybody[] = {&reader, &submitter, &operator, & machine };

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		for (guint j = 0; j < G_N_ELEMENTS(everybody); j++) {
			Forge__Request request = FORGE__REQUEST__INIT;
			gboolean may = strchr(cases[i].who, everybody[j]->name[0]) != NULL;

			request.kind_case = cases[i].kind;
			g_test_message("%d %s", cases[i].kind, everybody[j]->name);
			g_assert_cmpint(permission_check(everybody[j], &request, NULL), ==, may);
			g_assert_true(permission_check(NULL, &request, NULL));
		}
}

static void refusal_names_the_role_and_the_key(void)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	g_autoptr(GError) error = NULL;

	request.kind_case = FORGE__REQUEST__KIND_SET_PAUSED;
	g_assert_false(permission_check(&submitter, &request, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED);
	g_assert_nonnull(strstr(error->message, "'sam'"));
	g_assert_nonnull(strstr(error->message, "'operate'"));
}

/* ---- over the core ------------------------------------------------------------------------ */

static void hello(struct core *core, const char *routing, const struct identity *identity,
	Forge__Role role, const char *name, uint64_t resume)
{
	Forge__Hello message = FORGE__HELLO__INIT;

	message.protocol = PROTOCOL_VERSION;
	message.role = role;
	message.name = (char *)name;
	message.slots = 4;
	message.resume_session = resume;
	core->identity = identity;
	core_ask(core, routing, FORGE__REQUEST__KIND_HELLO, &message);
}

static uint64_t join(struct core *core, const char *routing, const struct identity *identity,
	const char *name, uint64_t resume)
{
	hello(core, routing, identity, FORGE__ROLE__ROLE_WORKER, name, resume);
	return core_reply(core, routing, FORGE__REPLY__KIND_WELCOME)->welcome->session;
}

static void pause_queue(struct core *core, const char *routing, const struct identity *identity)
{
	Forge__SetPaused message = FORGE__SET_PAUSED__INIT;

	message.paused = TRUE;
	core->identity = identity;
	core_ask(core, routing, FORGE__REQUEST__KIND_SET_PAUSED, &message);
}

/* A batch of one job, submitted by olga and leased to whoever is there. */
static uint64_t submit(struct core *core)
{
	hello(core, "o", &operator, FORGE__ROLE__ROLE_CLIENT, "h:1", 0);
	return core_submit_noops(core, "o", "r", 1);
}

static void events_name_the_key_whatever_its_owner_says(void)
{
	scoped(core) core = core_new();
	Forge__Event *event;

	hello(core, "r", &operator, FORGE__ROLE__ROLE_CLIENT, "root:1", 0);
	pause_queue(core, "r", &operator);
	event = core_newest(core, FORGE__EVENT__KIND_QUEUE_PAUSED);
	g_assert_cmpstr(event->queue_paused->actor, ==, "olga");
	forge__event__free_unpacked(event, NULL);
	core_submit_noops(core, "r", "r", 1);
	event = core_newest(core, FORGE__EVENT__KIND_BATCH_OPENED);
	g_assert_cmpstr(event->batch_opened->actor, ==, "olga");
	forge__event__free_unpacked(event, NULL);
	join(core, "w", &machine, "host:7", 0);
	event = core_newest(core, FORGE__EVENT__KIND_WORKER_JOINED);
	g_assert_cmpstr(event->worker_joined->name, ==, "build-1/host:7");
	forge__event__free_unpacked(event, NULL);
}

static void who_has_not_the_role_is_refused_and_nothing_is_recorded(void)
{
	scoped(core) core = core_new();

	hello(core, "r", &reader, FORGE__ROLE__ROLE_CLIENT, "h:1", 0);
	pause_queue(core, "r", &reader);
	g_assert_cmpstr(core_error(core, "r"), ==, "PERMISSION_DENIED");
	hello(core, "r", &reader, FORGE__ROLE__ROLE_WORKER, "h:1", 0);
	g_assert_cmpstr(core_error(core, "r"), ==, "PERMISSION_DENIED");
	hello(core, "w", &machine, FORGE__ROLE__ROLE_CLIENT, "h:1", 0);
	g_assert_cmpstr(core_error(core, "w"), ==, "PERMISSION_DENIED");
	g_assert_cmpuint(core_state(core)->last_seq, ==, 0);
}

static void routing_id_of_another_proves_nothing(void)
{
	scoped(core) core = core_new();

	hello(core, "r", &operator, FORGE__ROLE__ROLE_CLIENT, "h:1", 0);
	/* A reader calls itself so: it stays a reader, and a stranger. */
	pause_queue(core, "r", &reader);
	g_assert_cmpstr(core_error(core, "r"), ==, "PERMISSION_DENIED");
	/* So is another operator a stranger. */
	pause_queue(core, "r", NULL);
	core_reply(core, "r", FORGE__REPLY__KIND_GOODBYE);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_QUEUE_PAUSED), ==, 0);
}

static void session_of_another_key_is_not_taken_up(void)
{
	scoped(core) core = core_new();
	uint64_t session = join(core, "w", &machine, "host:7", 0), other;
	uint64_t batch = submit(core);

	core_assert_jobs(core, batch, JOB_LEASED, 1);
	/* The same names, the session's number, even the same routing id. */
	other = join(core, "x", &other_machine, "host:7", session);
	g_assert_cmpuint(other, !=, session);
	core_end(core, "x", batch, 1, 1, NULL);
	g_assert_true(core_reply(core, "x", FORGE__REPLY__KIND_RECORDED)->recorded->lease_lost);
	other = join(core, "w", &other_machine, "host:7", session);
	g_assert_cmpuint(other, !=, session);
	core_end(core, "w", batch, 1, 1, NULL);
	g_assert_true(core_reply(core, "w", FORGE__REPLY__KIND_RECORDED)->recorded->lease_lost);
	core_assert_jobs(core, batch, JOB_LEASED, 1);
	/* Whose it is takes it up again from anywhere, and goes on. */
	g_assert_cmpuint(join(core, "y", &machine, "host:7", session), ==, session);
	core_end(core, "y", batch, 1, 1, NULL);
	g_assert_false(core_reply(core, "y", FORGE__REPLY__KIND_RECORDED)->recorded->lease_lost);
}

static void forged_report_changes_nothing(void)
{
	scoped(core) core = core_new();
	uint64_t batch, before;

	join(core, "w", &machine, "host:7", 0);
	batch = submit(core);
	before = core_state(core)->last_seq;
	/* By one who may do all but work, under the worker's routing id. */
	core->identity = &operator;
	core_end(core, "w", batch, 1, 1, NULL);
	g_assert_cmpstr(core_error(core, "w"), ==, "PERMISSION_DENIED");
	/* By another worker, under the same. */
	core->identity = &other_machine;
	core_end(core, "w", batch, 1, 1, NULL);
	core_reply(core, "w", FORGE__REPLY__KIND_GOODBYE);
	g_assert_cmpuint(core_state(core)->last_seq, ==, before);
	core_assert_jobs(core, batch, JOB_LEASED, 1);
}

static void refused_heartbeats_keep_no_lease_alive(void)
{
	scoped(core) core = core_new();
	struct identity demoted = machine;
	uint64_t batch;

	join(core, "w", &machine, "host:7", 0);
	batch = submit(core);
	demoted.roles = ROLE_READ;
	core->identity = &demoted;
	for (int64_t ms = 0; ms <= LIMIT_LEASE_MS; ms += LIMIT_HEARTBEAT_MS) {
		core_beat_empty(core, "w");
		g_assert_cmpstr(core_error(core, "w"), ==, "PERMISSION_DENIED");
		core_pass(core, LIMIT_HEARTBEAT_MS);
	}
	core_assert_jobs(core, batch, JOB_LEASED, 0);
	g_assert_cmpuint(core_state(core)->sessions->len, ==, 0);
}

static void who_is_taken_from_the_list_is_forgotten_and_granted_nothing(void)
{
	static const char list[] =
		"keys:\n"
		"  olga: {public_key: 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID', roles: [operate]}\n";
	scoped(core) core = core_new();
	scoped(roles) roles = roles_parse("list", list, strlen(list), NULL);
	struct identity listed = operator;
	g_autoptr(GBytes) routing = g_bytes_new_static("r", 1);
	uint64_t batch;

	listed.public_key = (char *)"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
	join(core, "w", &machine, "host:7", 0);
	hello(core, "r", &reader, FORGE__ROLE__ROLE_CLIENT, "h:1", 0);
	hello(core, "o", &listed, FORGE__ROLE__ROLE_CLIENT, "h:1", 0);
	scheduler_follow_roles(core->scheduler, roles);
	batch = core_submit_noops(core, "o", "r", 1);
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	g_assert_false(scheduler_hears(core->scheduler, routing, &reader, core->now));
}

#define ADD(test) g_test_add_func("/permission/" #test, test)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(each_request_is_for_those_it_is_meant_for);
	ADD(refusal_names_the_role_and_the_key);
	ADD(events_name_the_key_whatever_its_owner_says);
	ADD(who_has_not_the_role_is_refused_and_nothing_is_recorded);
	ADD(routing_id_of_another_proves_nothing);
	ADD(session_of_another_key_is_not_taken_up);
	ADD(forged_report_changes_nothing);
	ADD(refused_heartbeats_keep_no_lease_alive);
	ADD(who_is_taken_from_the_list_is_forgotten_and_granted_nothing);
	return g_test_run();
}
