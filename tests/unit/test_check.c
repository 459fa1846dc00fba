/* What may become an event: one row a request. */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "scheduler/check.h"
#include "scheduler/state_rows.h"

static struct state *with_fork(const char *name)
{
	struct state *state = state_new();
	Forge__Fork fork = FORGE__FORK__INIT;

	fork.name = (char *)name;
	fork.fork = (char *)"host/me/tools";
	fork_row_add(state, 1, 0, &fork, "");
	return state;
}

/* ---- submissions -------------------------------------------------------------------------- */

static void test_submissions(void)
{
	static const struct {
		const char *what;
		int kind;
		uint32_t noops;
		const char *target;
		gboolean all_forks;
		uint64_t not_before_us;
		const char *code; /* NULL: taken */
	} rows[] = {
		{"noops", FORGE__JOB_KIND__JOB_KIND_NOOP, 3, NULL, FALSE, 0, NULL},
		{"one fork", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC, 0, "tools", FALSE, 0, NULL},
		{"all forks", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC, 0, NULL, TRUE, 0, NULL},
		{"nothing", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC, 0, NULL, FALSE, 0, "USAGE"},
		{"no kind", FORGE__JOB_KIND__JOB_KIND_UNSET, 1, NULL, FALSE, 0, "UNSUPPORTED"},
		{"a later kind", 99, 1, NULL, FALSE, 0, "UNSUPPORTED"},
		{"a noop on a fork", FORGE__JOB_KIND__JOB_KIND_NOOP, 0, "tools", FALSE, 0, "USAGE"},
		{"noops of a sync", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC, 2, "tools", FALSE, 0,
			"USAGE"},
		{"some and all", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC, 0, "tools", TRUE, 0, "USAGE"},
		{"unknown fork", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC, 0, "tool", FALSE, 0,
			"FORK_NOT_FOUND"},
		{"too many", FORGE__JOB_KIND__JOB_KIND_NOOP, LIMIT_TARGETS_PER_BATCH + 1, NULL,
			FALSE, 0, "TOO_LARGE"},
		{"no time", FORGE__JOB_KIND__JOB_KIND_NOOP, 1, NULL, FALSE, G_MAXUINT64,
			"VALIDATION_FAILED"},
	};
	scoped(state) state = with_fork("tools");

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Forge__Submit submit = FORGE__SUBMIT__INIT;
		g_autoptr(GError) error = NULL;
		char *target = (char *)rows[i].target;
		gboolean taken;

		g_test_message("%s", rows[i].what);
		submit.kind = (Forge__JobKind)rows[i].kind;
		submit.noops = rows[i].noops;
		submit.n_targets = target ? 1 : 0;
		submit.targets = &target;
		submit.all_forks = rows[i].all_forks;
		submit.not_before_us = rows[i].not_before_us;
		taken = check_submit(state, &submit, &error);
		g_assert_cmpstr(
			taken ? NULL : forge_error_name(forge_error_code(error)), ==, rows[i].code);
	}
}

static void open_batch(struct state *state, uint64_t seq, uint32_t noops)
{
	Forge__BatchOpened opened = FORGE__BATCH_OPENED__INIT;

	opened.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	opened.noops = noops;
	batch_row_add(state, seq, 0, &opened);
}

static void test_what_growing_batches_will_add_counts_as_queued(void)
{
	scoped(state) state = state_new();
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	g_autoptr(GError) error = NULL;
	uint64_t seq = 1;

	submit.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	submit.noops = LIMIT_TARGETS_PER_BATCH;
	for (; seq * LIMIT_TARGETS_PER_BATCH <= LIMIT_QUEUED_JOBS; seq++) {
		g_assert_true(check_submit(state, &submit, NULL));
		open_batch(state, seq, LIMIT_TARGETS_PER_BATCH);
	}
	g_assert_false(check_submit(state, &submit, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BUSY);
	/* One that is cancelled adds no more. */
	batch_row_cancel(state, state_batch(state, 1));
	g_assert_true(check_submit(state, &submit, NULL));
}

static void test_a_batch_of_all_forks_counts_those_it_has_not_taken_yet(void)
{
	scoped(state) state = with_fork("tools");
	Forge__BatchOpened opened = FORGE__BATCH_OPENED__INIT;
	Forge__Fork fork = FORGE__FORK__INIT;
	struct batch_row *batch;

	fork.name = (char *)"docs";
	fork_row_add(state, 2, 0, &fork, "");
	opened.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	opened.all_forks = TRUE;
	batch = batch_row_add(state, 3, 0, &opened);
	fork.name = (char *)"later";
	fork_row_add(state, 4, 0, &fork, "");
	g_assert_cmpuint(state_unfinished(state), ==, 2);
	batch_row_add_job(state, batch, "tools");
	batch->cursor = 1;
	g_assert_cmpuint(state_unfinished(state), ==, 2);
	batch_row_add_job(state, batch, "docs");
	batch->cursor = 2;
	g_assert_cmpuint(state_unfinished(state), ==, 2);
	batch_row_seal(state, batch);
	g_assert_cmpuint(state_unfinished(state), ==, 2);
}

static void test_unknown_fork_gets_the_nearest_name(void)
{
	scoped(state) state = with_fork("my-tools");
	g_autoptr(GError) error = NULL;

	g_assert_false(check_fork_is_there(state, "my-tool", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_FORK_NOT_FOUND);
	g_assert_nonnull(strstr(error->message, "did you mean 'my-tools'?"));
}

/* ---- forks -------------------------------------------------------------------------------- */

static void test_forks(void)
{
	static const struct {
		const char *name, *fork, *branch;
		int strategy, on_conflict;
		const char *code;
	} rows[] = {
		{"a", "host/me/a", "main", 0, 0, NULL},
		{"A.b_c-9", "git@host:me/a", "release/*", FORGE__STRATEGY__STRATEGY_MERGE, 0, NULL},
		{"", "host/me/a", "main", 0, 0, "VALIDATION_FAILED"},
		{"-a", "host/me/a", "main", 0, 0, "VALIDATION_FAILED"},
		{"a b", "host/me/a", "main", 0, 0, "VALIDATION_FAILED"},
		{"a", "", "main", 0, 0, "VALIDATION_FAILED"},
		{"a", "--upload-pack=evil", "main", 0, 0, "VALIDATION_FAILED"},
		{"a", "host/\x1b[2J", "main", 0, 0, "VALIDATION_FAILED"},
		{"a", "https://me:secret@host/a", "main", 0, 0, "SECURITY_REFUSED"},
		{"a", "https://me@host/a", "main", 0, 0, NULL},
		{"a", "host/me/a", "", 0, 0, "VALIDATION_FAILED"},
		{"a", "host/me/a", "-x", 0, 0, "VALIDATION_FAILED"},
		{"a", "host/me/a", "a b", 0, 0, "VALIDATION_FAILED"},
		{"a", "host/me/a", "main", FORGE__STRATEGY__STRATEGY_REBASE, 0, NULL},
		{"a", "host/me/a", "main", 77, 0, "VALIDATION_FAILED"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Forge__Fork fork = FORGE__FORK__INIT;
		char *branch = (char *)rows[i].branch;
		g_autoptr(GError) error = NULL;
		gboolean taken;

		g_test_message("%s %s %s", rows[i].name, rows[i].fork, rows[i].branch);
		fork.name = (char *)rows[i].name;
		fork.fork = (char *)rows[i].fork;
		fork.upstream = (char *)"host/them/a";
		fork.n_branches = 1;
		fork.branches = &branch;
		fork.strategy = (Forge__Strategy)rows[i].strategy;
		fork.on_conflict = (Forge__OnConflict)rows[i].on_conflict;
		taken = check_fork(&fork, &error);
		g_assert_cmpstr(
			taken ? NULL : forge_error_name(forge_error_code(error)), ==, rows[i].code);
	}
	g_assert_false(check_fork(NULL, NULL));
}

/* ---- reports ------------------------------------------------------------------------------ */

static void assert_report_is_refused(const Forge__Report *report, enum forge_error code)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(check_report(
		report, job_kind_of(FORGE__JOB_KIND__JOB_KIND_FORK_SYNC), "tools", &error));
	g_assert_error(error, FORGE_ERROR, (gint)code);
}

static void test_reports_are_bounded(void)
{
	Forge__Report report = FORGE__REPORT__INIT;
	Forge__Fact fact = FORGE__FACT__INIT, *facts[LIMIT_FACTS_PER_REPORT + 1];
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;
	Forge__ConflictPath path = FORGE__CONFLICT_PATH__INIT, *paths[LIMIT_CONFLICT_PATHS + 1];
	g_autofree char *long_text = g_strnfill(LIMIT_ENTRY_BYTES, 'x');

	for (size_t i = 0; i < G_N_ELEMENTS(facts); i++)
		facts[i] = &fact;
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		paths[i] = &path;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	report.facts = facts;
	report.n_facts = G_N_ELEMENTS(facts);
	assert_report_is_refused(&report, FORGE_ERROR_TOO_LARGE);
	report.n_facts--;
	g_assert_true(check_report(
		&report, job_kind_of(FORGE__JOB_KIND__JOB_KIND_FORK_SYNC), "tools", NULL));
	synced.conflicts = paths;
	synced.n_conflicts = G_N_ELEMENTS(paths);
	assert_report_is_refused(&report, FORGE_ERROR_TOO_LARGE);
	synced.n_conflicts = 0;
	synced.branch = long_text;
	assert_report_is_refused(&report, FORGE_ERROR_TOO_LARGE);
}

/* The fold would stop at such a fact, and with it the scheduler. */
static void test_a_job_reports_only_what_it_is_about(void)
{
	const struct job_kind *install = job_kind_of(FORGE__JOB_KIND__JOB_KIND_COMPONENT_INSTALL);
	const struct job_kind *sync = job_kind_of(FORGE__JOB_KIND__JOB_KIND_FORK_SYNC);
	Forge__Report report = FORGE__REPORT__INIT;
	Forge__Fact fact = FORGE__FACT__INIT, *facts[] = {&fact};
	Forge__ComponentInstalled installed = FORGE__COMPONENT_INSTALLED__INIT;
	Forge__Component component = FORGE__COMPONENT__INIT;

	fact.kind_case = FORGE__FACT__KIND_COMPONENT_INSTALLED;
	fact.component_installed = &installed;
	report.facts = facts;
	report.n_facts = 1;
	g_assert_false(check_report(&report, install, "tool", NULL));
	installed.component = &component;
	g_assert_false(check_report(&report, install, "tool", NULL));
	component.name = (char *)"../x";
	g_assert_false(check_report(&report, install, "tool", NULL));
	component.name = (char *)"tool";
	g_assert_true(check_report(&report, install, "tool", NULL));
	g_assert_false(check_report(&report, sync, "tool", NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/check/submissions", test_submissions);
	g_test_add_func("/check/what_growing_batches_will_add_counts_as_queued",
		test_what_growing_batches_will_add_counts_as_queued);
	g_test_add_func("/check/a_batch_of_all_forks_counts_those_it_has_not_taken_yet",
		test_a_batch_of_all_forks_counts_those_it_has_not_taken_yet);
	g_test_add_func("/check/unknown_fork_gets_the_nearest_name",
		test_unknown_fork_gets_the_nearest_name);
	g_test_add_func("/check/forks", test_forks);
	g_test_add_func("/check/reports_are_bounded", test_reports_are_bounded);
	g_test_add_func("/check/a_job_reports_only_what_it_is_about",
		test_a_job_reports_only_what_it_is_about);
	return g_test_run();
}
