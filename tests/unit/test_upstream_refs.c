/*
 * One question to an upstream for all jobs of a round, asked by several threads at once, given up
 * by some, and pushed out.
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "journal/base/config.h"
#include "journal/base/limits.h"
#include "tests/unit/git_fixture.h"
#include "worker/remote/upstream_refs.h"

#define ASKERS 8

static const char *const prefixes[] = {"refs/heads/", NULL};

struct fixture {
	struct git_fixture git;
	struct upstream_refs *refs;
	char *path;
	struct remote remote;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	git_fixture_set_up(&fixture->git, unused);
	git_fixture_do(&fixture->git, "git init -q -b main upstream");
	git_fixture_do(&fixture->git,
		"git -C upstream -c user.name=T -c user.email=t@e commit -q --allow-empty -m 1");
	fixture->path = g_build_filename(fixture->git.folder, "upstream", NULL);
	fixture->remote = git_fixture_remote(fixture->path, "upstream");
	fixture->refs = upstream_refs_new(NULL);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	upstream_refs_free(fixture->refs);
	g_free(fixture->path);
	git_fixture_tear_down(&fixture->git, unused);
}

static struct upstream_answer *get(struct fixture *fixture, const char *round)
{
	g_autoptr(GError) error = NULL;
	struct upstream_answer *answer = upstream_refs_get(
		fixture->refs, round, &fixture->remote, prefixes, &fixture->git.budget, &error);

	g_assert_no_error(error);
	return answer;
}

static void add_branch(struct fixture *fixture, const char *name)
{
	git_fixture_do(&fixture->git, "git -C upstream branch %s", name);
}

static void round_sees_what_its_first_asker_saw(struct fixture *fixture, gconstpointer unused)
{
	scoped(upstream_answer) first = get(fixture, "one");
	scoped(upstream_answer) again = NULL;
	scoped(upstream_answer) other = NULL;

	(void)unused;
	add_branch(fixture, "new");
	again = get(fixture, "one");
	other = get(fixture, "two");
	g_assert_true(again == first);
	g_assert_cmpuint(first->listing->refs->len, ==, 1);
	g_assert_cmpuint(other->listing->refs->len, ==, 2);
}

static void failure_is_shared_within_a_round(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) again = NULL;
	scoped(upstream_answer) other = NULL;

	(void)unused;
	git_fixture_do(&fixture->git, "mv upstream away");
	g_assert_null(upstream_refs_get(
		fixture->refs, "one", &fixture->remote, prefixes, &fixture->git.budget, &error));
	g_assert_nonnull(error);
	git_fixture_do(&fixture->git, "mv away upstream");
	g_assert_null(upstream_refs_get(
		fixture->refs, "one", &fixture->remote, prefixes, &fixture->git.budget, &again));
	g_assert_cmpstr(again->message, ==, error->message);
	other = get(fixture, "two");
	g_assert_nonnull(other);
}

static void asker_that_was_stopped_leaves_no_answer(struct fixture *fixture, gconstpointer unused)
{
	struct budget stopped = sandbox_budget();
	g_autoptr(GError) error = NULL;
	scoped(upstream_answer) answer = NULL;

	(void)unused;
	stopped.cancelled = 1;
	g_assert_null(upstream_refs_get(
		fixture->refs, "one", &fixture->remote, prefixes, &stopped, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
	answer = get(fixture, "one");
	g_assert_cmpuint(answer->listing->refs->len, ==, 1);
}

static gpointer ask(gpointer data)
{
	struct fixture *fixture = data;
	struct budget budget = sandbox_budget();

	return upstream_refs_get(fixture->refs, "one", &fixture->remote, prefixes, &budget, NULL);
}

static void crowd_gets_one_answer(struct fixture *fixture, gconstpointer unused)
{
	GThread *threads[ASKERS];
	struct upstream_answer *answers[ASKERS];

	(void)unused;
	for (guint i = 0; i < ASKERS; i++)
		threads[i] = g_thread_new("ask", ask, fixture);
	for (guint i = 0; i < ASKERS; i++)
		answers[i] = g_thread_join(threads[i]);
	for (guint i = 0; i < ASKERS; i++) {
		g_assert_nonnull(answers[i]);
		g_assert_true(answers[i] == answers[0]);
	}
	for (guint i = 0; i < ASKERS; i++)
		upstream_answer_unref(answers[i]);
}

static void answer_that_was_pushed_out_can_still_be_read(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(upstream_answer) held = get(fixture, "one");
	scoped(upstream_answer) again = NULL;

	(void)unused;
	git_fixture_do(&fixture->git, "mv upstream away");
	for (guint i = 0; i <= LIMIT_UPSTREAM_ANSWERS; i++) {
		g_autofree char *round = g_strdup_printf("round %u", i);

		g_assert_null(upstream_refs_get(fixture->refs, round, &fixture->remote, prefixes,
			&fixture->git.budget, NULL));
	}
	git_fixture_do(&fixture->git, "mv away upstream");
	again = get(fixture, "one");
	g_assert_true(again != held);
	g_assert_cmpuint(held->listing->refs->len, ==, 1);
}

/* ---- waiting for a server that says nothing ---- */

struct asking {
	struct upstream_refs *refs;
	const struct remote *remote;
	struct budget budget;
	GError *error;
};

static gpointer ask_in_vain(gpointer data)
{
	struct asking *asking = data;

	return upstream_refs_get(
		asking->refs, "one", asking->remote, prefixes, &asking->budget, &asking->error);
}

/* A socket on loopback that accepts by its backlog alone. */
static int listen_silently(uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(bind(descriptor, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(listen(descriptor, ASKERS), ==, 0);
	g_assert_cmpint(getsockname(descriptor, (struct sockaddr *)&address, &size), ==, 0);
	*port = ntohs(address.sin_port);
	return descriptor;
}

static void each_waits_within_its_own_budget(struct fixture *fixture, gconstpointer unused)
{
	uint16_t port;
	int silent = listen_silently(&port);
	g_autofree char *address = g_strdup_printf("http://127.0.0.1:%u/x.git", port);
	g_autoptr(GError) error = NULL;
	scoped(config) config = NULL;
	struct http *http = http_new();
	struct upstream_refs *refs = upstream_refs_new(http);
	struct remote *remote;
	struct asking first, second;
	GThread *asker;

	(void)unused;
	g_setenv("FORGE_HOME", fixture->git.folder, TRUE);
	config = config_load(NULL, &error);
	g_assert_no_error(error);
	remote = remote_new(config, address, &error);
	g_assert_no_error(error);
	first = second = (struct asking){refs, remote, sandbox_budget(), NULL};
	second.budget.deadline_ms = clock_now().monotonic_ms + 200;
	asker = g_thread_new("ask", ask_in_vain, &first);
	g_assert_null(ask_in_vain(&second));
	g_assert_error(second.error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_atomic_int_set(&first.budget.cancelled, 1);
	g_assert_null(g_thread_join(asker));
	g_assert_error(first.error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
	g_clear_error(&first.error);
	g_clear_error(&second.error);
	remote_free(remote);
	upstream_refs_free(refs);
	http_free(http);
	close(silent);
}

#define ADD(test) g_test_add("/upstream_refs/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(round_sees_what_its_first_asker_saw);
	ADD(failure_is_shared_within_a_round);
	ADD(asker_that_was_stopped_leaves_no_answer);
	ADD(crowd_gets_one_answer);
	ADD(answer_that_was_pushed_out_can_still_be_read);
	ADD(each_waits_within_its_own_budget);
	return g_test_run();
}
