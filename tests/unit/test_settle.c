#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "tests/unit/sandbox.h"
#include "worker/sync/settle.h"

/* A pull whose refs cannot be written stops past the point of no return, as one that is killed
 * there: a folder stands where git puts the lock of a ref. */
#define BLOCK "mkdir -p ws/.forge/repository/refs/forge/x/base.lock;"
#define UNBLOCK "rmdir ws/.forge/repository/refs/forge/x/base.lock;"

struct scene {
	git_oid base, from, to;
	struct settlement settlement;
};

static void interrupt(struct component_fixture *fixture, struct scene *scene)
{
	g_autoptr(GError) error = NULL;
	scoped_value(apply_report) report = {0};
	struct budget budget = sandbox_budget();
	gboolean done;

	component_fixture_do(fixture,
		"mkdir -p ws/c/x upstream/c/x; echo 1 >ws/c/x/component.yaml;"
		"echo 1 >upstream/c/x/component.yaml; commit One");
	scene->base = component_fixture_import(fixture, "c/x", NULL);
	component_fixture_commit(fixture, &scene->base, "echo 2 >component.yaml");
	scene->from = component_fixture_oid(fixture, "fo", "refs/forge/x/base^{tree}");
	component_fixture_do(fixture, "echo 2 >upstream/c/x/component.yaml; commit Two");
	scene->base = component_fixture_import(fixture, "c/x", &scene->base);
	scene->to = component_fixture_oid(fixture, "fo", "refs/forge/x/base^{tree}");
	component_fixture_do(fixture, BLOCK);
	scene->settlement.name = "x";
	scene->settlement.folder = "c/x";
	scene->settlement.base = scene->base;
	done = settle_apply(fixture->workspace, fixture->forge, &scene->settlement, &scene->from,
		&scene->to, &budget, &report, &error);
	g_assert_false(done);
	component_fixture_do(fixture, UNBLOCK "test -n \"$(ls ws/.forge/apply)\"");
}

static void recover(struct component_fixture *fixture, const char *name, struct settled_pull *pull)
{
	g_autoptr(GError) error = NULL;
	struct budget budget = sandbox_budget();

	settle_recover(fixture->workspace, fixture->forge, &budget, name, pull, &error);
	g_assert_no_error(error);
}

static void a_recovered_pull_is_told_once(struct component_fixture *fixture, gconstpointer unused)
{
	struct scene scene = {0};
	struct settled_pull pull = {0}, again = {0};

	(void)unused;
	git_oid_fromstr(&scene.settlement.pull.stash, "1111111111111111111111111111111111111111");
	git_oid_fromstr(&scene.settlement.pull.before, "2222222222222222222222222222222222222222");
	scene.settlement.pull.strategy = FORGE__STRATEGY__STRATEGY_OVERWRITE;
	interrupt(fixture, &scene);
	scene.settlement.pull.local_before = scene.from;
	g_test_expect_message("forge", G_LOG_LEVEL_WARNING,
		"x: *stashed: 1111111111111111111111111111111111111111");
	recover(fixture, "x", &pull);
	g_test_assert_expected_messages();
	g_assert_cmpint(pull.strategy, ==, FORGE__STRATEGY__STRATEGY_OVERWRITE);
	g_assert_true(git_oid_equal(&pull.stash, &scene.settlement.pull.stash));
	g_assert_true(git_oid_equal(&pull.before, &scene.settlement.pull.before));
	g_assert_true(git_oid_equal(&pull.local_after, &scene.to));
	recover(fixture, "x", &again);
	g_assert_cmpint(again.strategy, ==, FORGE__STRATEGY__STRATEGY_UNSET);
}

static void anothers_pull_is_told_in_the_log_alone(
	struct component_fixture *fixture, gconstpointer unused)
{
	struct scene scene = {0};
	struct settled_pull pull = {0};

	(void)unused;
	git_oid_fromstr(&scene.settlement.pull.stash, "1111111111111111111111111111111111111111");
	scene.settlement.pull.strategy = FORGE__STRATEGY__STRATEGY_FAST_FORWARD;
	interrupt(fixture, &scene);
	g_test_expect_message("forge", G_LOG_LEVEL_WARNING, "x: *stashed: 1111*");
	recover(fixture, "y", &pull);
	g_test_assert_expected_messages();
	g_assert_cmpint(pull.strategy, ==, FORGE__STRATEGY__STRATEGY_UNSET);
}

static void a_change_that_is_no_pull_is_none(
	struct component_fixture *fixture, gconstpointer unused)
{
	struct scene scene = {0};
	struct settled_pull pull = {0};

	(void)unused;
	interrupt(fixture, &scene);
	recover(fixture, "x", &pull);
	g_assert_cmpint(pull.strategy, ==, FORGE__STRATEGY__STRATEGY_UNSET);
	component_fixture_do(fixture, "test \"$(cat ws/c/x/component.yaml)\" = 2");
}

#define ADD(test) \
	g_test_add("/settle/" #test, struct component_fixture, NULL, component_fixture_set_up, \
		test, component_fixture_tear_down)

int main(int argc, char **argv)
{
	component_fixture_prepare();
	g_test_init(&argc, &argv, NULL);
	ADD(a_recovered_pull_is_told_once);
	ADD(anothers_pull_is_told_in_the_log_alone);
	ADD(a_change_that_is_no_pull_is_none);
	return g_test_run();
}
