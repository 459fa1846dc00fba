#include <glib.h>
#include <string.h>

#include "journal/base/config.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/support/component_fixture.h"
#include "tests/unit/sandbox.h"
#include "worker/sync/pending.h"
#include "worker/workspace/workspace_repository.h"

/* A component `x` whose merge waits, as the job BATCH/NUMBER of one attempt left it. */

static void free_fact(gpointer fact)
{
	forge__fact__free_unpacked(fact, NULL);
}

struct scene {
	struct config config;
	struct workshop workshop;
	Forge__JobId id;
	Forge__GrantedJob granted;
	struct operation operation;
	struct component_job job;
	struct three_way merge;
	git_oid base, local;
};

static void scene_begin(struct scene *scene, struct component_fixture *fixture)
{
	memset(scene, 0, sizeof(*scene));
	component_fixture_do(
		fixture, "mkdir -p upstream/c/x; echo 1 >upstream/c/x/component.yaml; commit One");
	scene->base = component_fixture_import(fixture, "c/x", NULL);
	scene->local = component_fixture_commit(fixture, &scene->base, "echo 2 >component.yaml");
	scene->config.git_username = (char *)"Jane Doe";
	scene->config.git_email = (char *)"jane@example.org";
	scene->workshop.config = &scene->config;
	scene->id = (Forge__JobId)FORGE__JOB_ID__INIT;
	scene->id.number = 1;
	scene->granted = (Forge__GrantedJob)FORGE__GRANTED_JOB__INIT;
	scene->granted.job = &scene->id;
	scene->granted.batch_name = (char *)"quick-fox";
	scene->granted.attempt = 1;
	scene->granted.opened_us = 1767225600000000;
	scene->operation.job = &scene->granted;
	scene->operation.workshop = &scene->workshop;
	scene->operation.noted = g_ptr_array_new_with_free_func(free_fact);
	scene->job.operation = &scene->operation;
	scene->job.name = "x";
	scene->job.forge = fixture->forge;
	scene->merge.conflicts = component_conflicts_new();
	scene->merge.merged = g_ptr_array_new_with_free_func(g_free);
}

static void scene_clear(struct scene *scene)
{
	three_way_clear(&scene->merge);
	g_ptr_array_unref(scene->operation.noted);
}
SCOPED_VALUE(scene, scene_clear)

static const Forge__ComponentConflicted *keep(struct scene *scene)
{
	g_autoptr(GError) error = NULL;
	struct pending_merge pending = {.component = g_new(Forge__Component, 1),
		.base = scene->base,
		.local = scene->local,
		.upstream = scene->base,
		.strategy = FORGE__STRATEGY__STRATEGY_MERGE,
		.merge = &scene->merge};
	const Forge__Fact *fact;

	forge__component__init(pending.component);
	g_assert_true(component_history_tree(
		scene->job.forge, &scene->local, &scene->merge.tree, &error));
	g_assert_true(pending_keep(&scene->job, &pending, &error));
	g_assert_no_error(error);
	fact = scene->operation.noted->pdata[0];
	return fact->component_conflicted;
}

static gboolean refused(struct scene *scene)
{
	g_autoptr(GError) error = NULL;

	if (pending_refuse(&scene->job, &error))
		return FALSE;
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT);
	return TRUE;
}

/* ---- whose it is -------------------------------------------------------------------------- */

static void nothing_pending_refuses_nobody(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(scene) scene = {0};

	(void)unused;
	scene_begin(&scene, fixture);
	g_assert_false(refused(&scene));
}

static void a_later_attempt_goes_through_its_own(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(scene) scene = {0};

	(void)unused;
	scene_begin(&scene, fixture);
	keep(&scene);
	g_assert_true(refused(&scene));
	scene.granted.attempt = 2;
	g_assert_false(refused(&scene));
}

static void a_later_attempt_of_another_job_is_refused(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(scene) scene = {0};

	(void)unused;
	scene_begin(&scene, fixture);
	keep(&scene);
	scene.granted.attempt = 2;
	scene.id.number = 11;
	g_assert_true(refused(&scene));
	scene.id.number = 1;
	scene.granted.batch_name = (char *)"quick-fo";
	g_assert_true(refused(&scene));
	scene.granted.batch_name = (char *)"quick-fox";
	scene.granted.opened_us += G_USEC_PER_SEC;
	g_assert_true(refused(&scene));
}

static void what_somebody_began_to_decide_is_left_alone(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(scene) scene = {0};
	g_autoptr(GError) error = NULL;

	(void)unused;
	scene_begin(&scene, fixture);
	keep(&scene);
	scene.granted.attempt = 2;
	g_assert_true(workspace_ref_set(
		fixture->forge, "x", PENDING_RESOLVED, NULL, &scene.local, &error));
	g_assert_true(refused(&scene));
}

static void a_merge_that_says_no_job_is_nobodys(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(scene) scene = {0};
	g_autoptr(GError) error = NULL;

	(void)unused;
	scene_begin(&scene, fixture);
	keep(&scene);
	scene.granted.attempt = 2;
	g_assert_true(
		workspace_ref_set(fixture->forge, "x", PENDING_MERGED, NULL, &scene.local, &error));
	g_assert_true(refused(&scene));
}

/* ---- how much is told --------------------------------------------------------------------- */

static void a_fact_has_its_bound(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(scene) scene = {0};
	const Forge__ComponentConflicted *fact;
	g_autofree char *path = g_strnfill(4000, 'p');
	g_autofree char *place = g_strnfill(100000, 'x');

	(void)unused;
	scene_begin(&scene, fixture);
	for (guint i = 0; i < 90; i++) {
		component_conflicts_add(scene.merge.conflicts, path, "content", place);
		g_ptr_array_add(scene.merge.merged, g_strdup(path));
	}
	fact = keep(&scene);
	g_assert_cmpuint(
		protobuf_c_message_get_packed_size(&fact->base), <=, LIMIT_PULL_FACT_BYTES);
	g_assert_cmpuint(fact->conflict_count, ==, 90);
	g_assert_cmpuint(fact->n_conflicts, >, 0);
	g_assert_cmpuint(fact->n_merged, ==, 0);
	g_assert_cmpuint(strlen(fact->conflicts[0]->place), <=, LIMIT_PLACE_BYTES + strlen("…"));
}

static void what_fits_is_told_whole(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(scene) scene = {0};
	const Forge__ComponentConflicted *fact;

	(void)unused;
	scene_begin(&scene, fixture);
	component_conflicts_add(scene.merge.conflicts, "a", "content", "config.timeout");
	g_ptr_array_add(scene.merge.merged, g_strdup("b"));
	fact = keep(&scene);
	g_assert_cmpuint(fact->n_conflicts, ==, 1);
	g_assert_cmpuint(fact->n_merged, ==, 1);
	g_assert_cmpstr(fact->conflicts[0]->place, ==, "config.timeout");
}

static void a_cut_leaves_whole_characters(struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GString) text = g_string_new("a");
	g_autofree char *cut = NULL;

	(void)fixture;
	(void)unused;
	while (text->len < (gsize)LIMIT_PLACE_BYTES * 2)
		g_string_append(text, "€");
	cut = three_way_cut(text->str);
	g_assert_true(g_utf8_validate(cut, -1, NULL));
	g_assert_true(g_str_has_suffix(cut, "€…"));
	g_assert_cmpuint(strlen(cut), <=, LIMIT_PLACE_BYTES + strlen("…"));
}

#define ADD(test) \
	g_test_add("/pending/" #test, struct component_fixture, NULL, component_fixture_set_up, \
		test, component_fixture_tear_down)

int main(int argc, char **argv)
{
	component_fixture_prepare();
	g_test_init(&argc, &argv, NULL);
	ADD(nothing_pending_refuses_nobody);
	ADD(a_later_attempt_goes_through_its_own);
	ADD(a_later_attempt_of_another_job_is_refused);
	ADD(what_somebody_began_to_decide_is_left_alone);
	ADD(a_merge_that_says_no_job_is_nobodys);
	ADD(a_fact_has_its_bound);
	ADD(what_fits_is_told_whole);
	ADD(a_cut_leaves_whole_characters);
	return g_test_run();
}
