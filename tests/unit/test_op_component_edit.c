#include <glib.h>
#include <string.h>

#include "journal/base/config.h"
#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "tests/unit/sandbox.h"
#include "worker/operation.h"
#include "worker/workspace/workspace_repository.h"

/* The job is run as a worker runs it, and again as the attempt after one whose report was lost. */

struct outcome {
	enum forge_error code; /* FORGE_ERROR_FAILED where it succeeded, see `done` */
	gboolean done;
	char *before, *after, *stash;
};

static void outcome_clear(struct outcome *outcome)
{
	g_free(outcome->before);
	g_free(outcome->after);
	g_free(outcome->stash);
}
SCOPED_VALUE(outcome, outcome_clear)

static void free_fact(gpointer fact)
{
	forge__fact__free_unpacked(fact, NULL);
}

static void read_facts(const GPtrArray *facts, struct outcome *outcome)
{
	const Forge__Fact *edited = facts->pdata[0];
	const Forge__Fact *seen = facts->pdata[1];

	g_assert_cmpuint(facts->len, ==, 2);
	g_assert_cmpint(edited->kind_case, ==, FORGE__FACT__KIND_COMPONENT_EDITED);
	g_assert_cmpint(seen->kind_case, ==, FORGE__FACT__KIND_COMPONENT_OBSERVED);
	outcome->before = g_strdup(edited->component_edited->before);
	outcome->after = g_strdup(edited->component_edited->after);
	outcome->stash = g_strdup(edited->component_edited->stash);
	g_assert_cmpstr(seen->component_observed->local_tree, ==, outcome->after);
}

static void run(struct component_fixture *fixture, Forge__ComponentArguments *component,
	uint32_t attempt, struct outcome *outcome)
{
	struct config config = {.git_username = (char *)"Carl",
		.git_email = (char *)"c@example.org",
		.sync_file_bytes = 1024};
	struct workshop workshop = {.config = &config, .workspace = fixture->workspace};
	Forge__GrantedJob job = FORGE__GRANTED_JOB__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	struct budget budget = sandbox_budget();
	g_autoptr(GPtrArray) facts = g_ptr_array_new_with_free_func(free_fact);
	struct operation operation = {
		.job = &job, .workshop = &workshop, .budget = &budget, .noted = facts};
	Forge__JobEnd *end;

	arguments.component = component;
	id.batch = id.number = 1;
	job.job = &id;
	job.attempt = attempt;
	job.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_EDIT;
	job.arguments = &arguments;
	job.target = (char *)"x";
	job.opened_us = 1767225600000000;
	end = operation_run(&operation);
	outcome->done = end->error == NULL;
	outcome->code = end->error ? forge_error_from_name(end->error->code) : FORGE_ERROR_FAILED;
	if (outcome->done)
		read_facts(facts, outcome);
	forge__job_end__free_unpacked(end, NULL);
}

/* ---- the component ------------------------------------------------------------------------ */

struct versions {
	char *base, *edited; /* trees */
	char *base_commit;
};

static void versions_clear(struct versions *versions)
{
	g_free(versions->base);
	g_free(versions->edited);
	g_free(versions->base_commit);
}
SCOPED_VALUE(versions, versions_clear)

#define WRITE_BASE "rm -rf ws/c/x; mkdir -p ws/c/x; printf 'a: 1\\nb: 1\\n' >ws/c/x/component.yaml;"
#define WRITE_EDITED WRITE_BASE "echo 'a: 2' >ws/c/x/component.yaml; echo n >ws/c/x/notes;"

/* Installed, with local changes in the files. */
static void set_up(struct component_fixture *fixture, struct versions *versions)
{
	git_oid base, edited;
	char hex[GIT_OID_HEXSZ + 1];

	component_fixture_do(fixture,
		WRITE_EDITED
		"mkdir -p upstream/c/x; printf 'a: 1\\nb: 1\\n' >upstream/c/x/component.yaml;"
		"commit Begin");
	base = component_fixture_import(fixture, "c/x", NULL);
	edited = component_fixture_commit(fixture, &base, "cp -r ../ws/c/x/* .");
	versions->base_commit = g_strdup(git_oid_tostr(hex, sizeof(hex), &base));
	base = component_fixture_oid(fixture, "fo", "refs/forge/x/base^{tree}");
	versions->base = g_strdup(git_oid_tostr(hex, sizeof(hex), &base));
	versions->edited = component_fixture_run(
		fixture, "fo rev-parse %s^{tree}", git_oid_tostr(hex, sizeof(hex), &edited));
}

static char *refs(struct component_fixture *fixture)
{
	return component_fixture_run(
		fixture, "fo for-each-ref --format='%%(refname) %%(objectname)'");
}

static char *files(struct component_fixture *fixture)
{
	return component_fixture_run(fixture,
		"cd ws/c/x && for f in $(find . -type f | sort); do echo $f; cat $f; done");
}

static void assert_same_outcome(const struct outcome *a, const struct outcome *b)
{
	g_assert_true(a->done && b->done);
	g_assert_cmpstr(a->before, ==, b->before);
	g_assert_cmpstr(a->after, ==, b->after);
	g_assert_cmpstr(a->stash, ==, b->stash);
}

/* Runs the job, and again: the second attempt tells the same and changes nothing. */
static void run_twice(struct component_fixture *fixture, Forge__ComponentArguments *component,
	struct outcome *outcome)
{
	scoped_value(outcome) again = {0};
	g_autofree char *refs_once = NULL;
	g_autofree char *refs_twice = NULL;
	g_autofree char *files_once = NULL;
	g_autofree char *files_twice = NULL;

	run(fixture, component, 1, outcome);
	g_assert_true(outcome->done);
	refs_once = refs(fixture);
	files_once = files(fixture);
	run(fixture, component, 2, &again);
	refs_twice = refs(fixture);
	files_twice = files(fixture);
	assert_same_outcome(outcome, &again);
	g_assert_cmpstr(refs_once, ==, refs_twice);
	g_assert_cmpstr(files_once, ==, files_twice);
}

static Forge__ComponentArguments order(
	Forge__EditAction action, const char *from, const char *to, const char *commit)
{
	Forge__ComponentArguments arguments = FORGE__COMPONENT_ARGUMENTS__INIT;

	arguments.action = action;
	arguments.from_tree = (char *)from;
	arguments.to_tree = (char *)to;
	arguments.stash_commit = (char *)commit;
	return arguments;
}

/* ---- repeated attempts -------------------------------------------------------------------- */

static void an_edit_may_be_repeated(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(versions) versions = {0};
	scoped_value(outcome) outcome = {0};
	Forge__ComponentArguments arguments;

	(void)unused;
	set_up(fixture, &versions);
	arguments = order(FORGE__EDIT_ACTION__EDIT_ACTION_EDIT, versions.edited, versions.base, "");
	run_twice(fixture, &arguments, &outcome);
	g_assert_cmpstr(outcome.after, ==, versions.base);
	component_fixture_do(fixture,
		"test ! -e ws/c/x/notes; test -z \"$(fo for-each-ref refs/forge/x/stash)\"");
}

static void a_stash_may_be_repeated(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(versions) versions = {0};
	scoped_value(outcome) outcome = {0};
	Forge__ComponentArguments arguments;

	(void)unused;
	set_up(fixture, &versions);
	arguments = order(FORGE__EDIT_ACTION__EDIT_ACTION_STASH, versions.edited, "", "");
	run_twice(fixture, &arguments, &outcome);
	g_assert_cmpstr(outcome.after, ==, versions.base);
	component_fixture_do(fixture,
		"test $(fo rev-parse refs/forge/x/stash/1) = %s;"
		"test $(fo rev-parse refs/forge/x/stash/1^{tree}) = %s;"
		"! fo rev-parse -q --verify refs/forge/x/stash/2",
		outcome.stash, versions.edited);
}

static void a_stash_that_was_kept_before_the_crash_is_found(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(versions) versions = {0};
	scoped_value(outcome) first = {0};
	scoped_value(outcome) second = {0};
	Forge__ComponentArguments arguments;

	(void)unused;
	set_up(fixture, &versions);
	arguments = order(FORGE__EDIT_ACTION__EDIT_ACTION_STASH, versions.edited, "", "");
	run(fixture, &arguments, 1, &first);
	component_fixture_do(fixture, WRITE_EDITED);
	run(fixture, &arguments, 2, &second);
	assert_same_outcome(&first, &second);
	component_fixture_do(
		fixture, "test ! -e ws/c/x/notes; ! fo rev-parse -q --verify refs/forge/x/stash/2");
}

static void a_stash_taken_back_may_be_repeated(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(versions) versions = {0};
	scoped_value(outcome) stashed = {0};
	scoped_value(outcome) outcome = {0};
	Forge__ComponentArguments arguments;

	(void)unused;
	set_up(fixture, &versions);
	arguments = order(FORGE__EDIT_ACTION__EDIT_ACTION_STASH, versions.edited, "", "");
	run(fixture, &arguments, 1, &stashed);
	arguments = order(
		FORGE__EDIT_ACTION__EDIT_ACTION_STASH_POP, versions.base, "", stashed.stash);
	run_twice(fixture, &arguments, &outcome);
	g_assert_cmpstr(outcome.after, ==, versions.edited);
	component_fixture_do(fixture, "test -z \"$(fo for-each-ref refs/forge/x/stash)\"");
}

static void a_dropped_stash_may_be_repeated(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(versions) versions = {0};
	scoped_value(outcome) stashed = {0};
	scoped_value(outcome) outcome = {0};
	Forge__ComponentArguments arguments;

	(void)unused;
	set_up(fixture, &versions);
	arguments = order(FORGE__EDIT_ACTION__EDIT_ACTION_STASH, versions.edited, "", "");
	run(fixture, &arguments, 1, &stashed);
	arguments = order(
		FORGE__EDIT_ACTION__EDIT_ACTION_STASH_DROP, versions.base, "", stashed.stash);
	run_twice(fixture, &arguments, &outcome);
	component_fixture_do(fixture, "test -z \"$(fo for-each-ref refs/forge/x/stash)\"");
}

static void a_checkpoint_may_be_repeated(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(versions) versions = {0};
	scoped_value(outcome) outcome = {0};
	Forge__ComponentArguments arguments;

	(void)unused;
	set_up(fixture, &versions);
	arguments = order(FORGE__EDIT_ACTION__EDIT_ACTION_CHECKPOINT, versions.edited, "", "");
	arguments.message = (char *)"Keep";
	run_twice(fixture, &arguments, &outcome);
	component_fixture_do(fixture,
		"test $(fo rev-parse refs/forge/x/local) = %s;"
		"test $(fo rev-parse refs/forge/x/local^) = $(fo rev-parse refs/forge/x/base)",
		outcome.stash);
}

static void a_revert_past_checkpoints_may_be_repeated(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(versions) versions = {0};
	scoped_value(outcome) kept = {0};
	scoped_value(outcome) outcome = {0};
	g_autofree char *newer = NULL;
	Forge__ComponentArguments arguments;

	(void)unused;
	set_up(fixture, &versions);
	arguments = order(FORGE__EDIT_ACTION__EDIT_ACTION_CHECKPOINT, versions.edited, "", "");
	run(fixture, &arguments, 1, &kept);
	g_assert_true(kept.done);
	component_fixture_do(fixture, "echo more >ws/c/x/notes");
	{
		git_oid commit = component_fixture_commit(fixture, NULL, "cp -r ../ws/c/x/* .");
		char hex[GIT_OID_HEXSZ + 1];

		newer = component_fixture_run(fixture, "fo rev-parse %s^{tree}",
			git_oid_tostr(hex, sizeof(hex), &commit));
	}
	arguments = order(FORGE__EDIT_ACTION__EDIT_ACTION_REVERT, newer, "", versions.base_commit);
	run_twice(fixture, &arguments, &outcome);
	g_assert_cmpstr(outcome.after, ==, versions.base);
	component_fixture_do(fixture,
		"! fo rev-parse -q --verify refs/forge/x/local; ! fo rev-parse -q --verify refs/forge/x/stash/2;"
		"test $(fo rev-parse refs/forge/x/stash/1^{tree}) = %s; test $(fo rev-parse refs/forge/x/stash/1^) = %s",
		newer, kept.stash);
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void files_edited_meanwhile_are_left_alone(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const Forge__EditAction actions[] = {FORGE__EDIT_ACTION__EDIT_ACTION_EDIT,
		FORGE__EDIT_ACTION__EDIT_ACTION_REVERT, FORGE__EDIT_ACTION__EDIT_ACTION_STASH,
		FORGE__EDIT_ACTION__EDIT_ACTION_CHECKPOINT};
	scoped_value(versions) versions = {0};
	g_autofree char *before = NULL;

	(void)unused;
	set_up(fixture, &versions);
	component_fixture_do(fixture, "echo mine >ws/c/x/mine");
	before = files(fixture);
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		scoped_value(outcome) outcome = {0};
		g_autofree char *after = NULL;
		Forge__ComponentArguments arguments = order(
			actions[i], versions.edited, versions.base, "");

		run(fixture, &arguments, 1, &outcome);
		after = files(fixture);
		g_assert_false(outcome.done);
		g_assert_cmpint(outcome.code, ==, FORGE_ERROR_EDITED_MEANWHILE);
		g_assert_cmpstr(before, ==, after);
	}
	component_fixture_do(
		fixture, "test \"$(fo for-each-ref --format='%%(refname)')\" = refs/forge/x/base");
}

static void nonsense_is_refused(struct component_fixture *fixture, gconstpointer unused)
{
	static const struct {
		Forge__EditAction action;
		const char *to, *commit;
		enum forge_error code;
	} cases[] = {
		{FORGE__EDIT_ACTION__EDIT_ACTION_UNSET, "", "", FORGE_ERROR_UNSUPPORTED},
		{(Forge__EditAction)99, "", "", FORGE_ERROR_UNSUPPORTED},
		{FORGE__EDIT_ACTION__EDIT_ACTION_EDIT, "", "", FORGE_ERROR_VALIDATION_FAILED},
		{FORGE__EDIT_ACTION__EDIT_ACTION_EDIT, "zz", "", FORGE_ERROR_VALIDATION_FAILED},
		{FORGE__EDIT_ACTION__EDIT_ACTION_EDIT, "1111111111111111111111111111111111111111",
			"", FORGE_ERROR_BROKEN_REPOSITORY},
		{FORGE__EDIT_ACTION__EDIT_ACTION_REVERT, "",
			"1111111111111111111111111111111111111111",
			FORGE_ERROR_CHECKPOINT_NOT_FOUND},
		{FORGE__EDIT_ACTION__EDIT_ACTION_STASH_POP, "",
			"1111111111111111111111111111111111111111", FORGE_ERROR_STASH_NOT_FOUND},
		{FORGE__EDIT_ACTION__EDIT_ACTION_STASH_POP, "", "", FORGE_ERROR_STASH_NOT_FOUND},
		{FORGE__EDIT_ACTION__EDIT_ACTION_STASH_DROP, "", "", FORGE_ERROR_STASH_NOT_FOUND},
	};
	scoped_value(versions) versions = {0};
	g_autofree char *before = NULL;

	(void)unused;
	set_up(fixture, &versions);
	before = files(fixture);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		scoped_value(outcome) outcome = {0};
		g_autofree char *after = NULL;
		Forge__ComponentArguments arguments = order(
			cases[i].action, versions.edited, cases[i].to, cases[i].commit);

		run(fixture, &arguments, 1, &outcome);
		after = files(fixture);
		g_test_message("case %zu", i);
		g_assert_false(outcome.done);
		g_assert_cmpint(outcome.code, ==, cases[i].code);
		g_assert_cmpstr(before, ==, after);
	}
}

#define ADD(test) \
	g_test_add("/op_component_edit/" #test, struct component_fixture, NULL, \
		component_fixture_set_up, test, component_fixture_tear_down)

int main(int argc, char **argv)
{
	component_fixture_prepare();
	g_test_init(&argc, &argv, NULL);
	ADD(an_edit_may_be_repeated);
	ADD(a_stash_may_be_repeated);
	ADD(a_stash_that_was_kept_before_the_crash_is_found);
	ADD(a_stash_taken_back_may_be_repeated);
	ADD(a_dropped_stash_may_be_repeated);
	ADD(a_checkpoint_may_be_repeated);
	ADD(a_revert_past_checkpoints_may_be_repeated);
	ADD(files_edited_meanwhile_are_left_alone);
	ADD(nonsense_is_refused);
	return g_test_run();
}
