/*
 * The conflicts of a pending merge, decided in real repositories. Trees are written as shell scripts
 * that leave files in an empty folder; the pending merge is put under refs as a pull does.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/support/component_fixture.h"
#include "worker/sync/pending.h"
#include "worker/sync/resolution.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/component_merge.h"
#include "worker/workspace/workspace_repository.h"

/* A pending merge and what the journal says of it. */
struct merging {
	struct component_fixture *fixture;
	struct config *config;
	Forge__Component component;
	Forge__ComponentConflicted pending;
	Forge__Conflict *conflicts[LIMIT_CONFLICT_PATHS];
	git_oid base, local, upstream;
	char hex[4][GIT_OID_HEXSZ + 1];
};

static void set_ref(struct component_fixture *fixture, const char *ref, const git_oid *oid)
{
	g_autoptr(GError) error = NULL;

	workspace_ref_set(fixture->forge, "x", ref, NULL, oid, &error);
	g_assert_no_error(error);
}

static void name_conflict(
	struct merging *merging, const char *path, const char *type, const char *place)
{
	Forge__Conflict *conflict = g_new(Forge__Conflict, 1);

	forge__conflict__init(conflict);
	conflict->path = g_strdup(path);
	conflict->type = (char *)type;
	conflict->place = (char *)place;
	merging->conflicts[merging->pending.n_conflicts++] = conflict;
	merging->pending.conflict_count = (uint32_t)merging->pending.n_conflicts;
}

/* Merges what the scripts make; the conflicts are named as a pull names them. */
static void set_up(struct merging *merging, struct component_fixture *fixture, const char *base,
	const char *local, const char *upstream)
{
	g_autoptr(GError) error = NULL;
	scoped_value(tree_merge) merge = {0};
	git_oid parents[2], merged;
	git_signature *who = component_fixture_somebody();

	merging->fixture = fixture;
	merging->config = config_load(NULL, &error);
	g_assert_no_error(error);
	merging->base = component_fixture_commit(fixture, NULL, base);
	parents[0] = merging->local = component_fixture_commit(fixture, &merging->base, local);
	parents[1] = merging->upstream = component_fixture_commit(
		fixture, &merging->base, upstream);
	component_merge(fixture->forge, &merging->local, &merging->upstream, &merge, &error);
	g_assert_no_error(error);
	component_history_commit(
		fixture->forge, &merge.tree, parents, 2, who, "What merged", &merged, &error);
	g_assert_no_error(error);
	git_signature_free(who);
	set_ref(fixture, COMPONENT_REF_BASE, &merging->base);
	set_ref(fixture, PENDING_LOCAL, &merging->local);
	set_ref(fixture, PENDING_UPSTREAM, &merging->upstream);
	set_ref(fixture, PENDING_MERGED, &merged);
	forge__component__init(&merging->component);
	forge__component_conflicted__init(&merging->pending);
	merging->component.name = (char *)"x";
	merging->component.folder = (char *)"components/x";
	merging->pending.component = &merging->component;
	merging->pending.strategy = FORGE__STRATEGY__STRATEGY_MERGE;
	merging->pending.local_commit = git_oid_tostr(
		merging->hex[0], sizeof(merging->hex[0]), &merging->local);
	merging->pending.upstream_commit = git_oid_tostr(
		merging->hex[1], sizeof(merging->hex[1]), &merging->upstream);
	merging->pending.conflicts = merging->conflicts;
	for (guint i = 0; merge.conflicts && i < merge.conflicts->len; i++) {
		if (merging->pending.n_conflicts < LIMIT_CONFLICT_PATHS)
			name_conflict(merging,
				((struct merge_conflict *)merge.conflicts->pdata[i])->path,
				"content", "");
		merging->pending.conflict_count = i + 1;
	}
}

static void merging_clear(struct merging *merging)
{
	for (size_t i = 0; i < merging->pending.n_conflicts; i++) {
		g_free(merging->conflicts[i]->path);
		g_free(merging->conflicts[i]);
	}
	config_free(merging->config);
}
SCOPED_VALUE(merging, merging_clear)

static struct resolution *open(struct merging *merging)
{
	g_autoptr(GError) error = NULL;
	struct resolution *resolution = resolution_open(
		merging->fixture->workspace, &merging->pending, merging->config, &error);

	g_assert_no_error(error);
	g_assert_nonnull(resolution);
	return resolution;
}

static void settle_all(struct resolution *resolution, enum resolution_way way)
{
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < resolution_count(resolution); i++)
		if (resolution_at(resolution, i)->choice == RESOLUTION_OPEN)
			g_assert_true(resolution_settle(resolution, i, way, &error));
	g_assert_no_error(error);
}

static void save(struct resolution *resolution)
{
	g_autoptr(GError) error = NULL;

	resolution_save(resolution, &error);
	g_assert_no_error(error);
}

static void assert_tree(
	struct component_fixture *fixture, const struct resolution *resolution, const char *make)
{
	git_oid want = component_fixture_commit(fixture, NULL, make);
	g_autofree char *tree = component_fixture_run(
		fixture, "fo rev-parse %s^{tree}", git_oid_tostr_s(&want));

	if (strcmp(tree, resolution_tree(resolution)) != 0)
		component_fixture_do(
			fixture, "fo diff %s %s >&2; false", tree, resolution_tree(resolution));
}

/* ---- preferences -------------------------------------------------------------------------- */

struct preference_case {
	const char *what;
	const char *base, *local, *upstream;
	enum resolution_way way;
	guint left;
	const char *result;
};

#define YAML(timeout, retries, more) \
	"printf 'config:\\n  # s\\n  timeout: " #timeout "\\n  retries: " #retries "\\n" more "' " \
	">f.yaml"

static const struct preference_case cases[] = {
	{"local_hunks_and_what_merged", "seq 1 20 >f", "seq 1 20 | sed 's/^5$/L/' >f",
		"seq 0 20 | sed 's/^5$/U/' >f; echo n >new", RESOLUTION_BY_LOCAL, 0,
		"seq 0 20 | sed 's/^5$/L/' >f; echo n >new"},
	{"upstream_hunks_and_what_merged", "seq 1 20 >f",
		"seq 1 21 | sed 's/^5$/L/' >f; echo m >mine", "seq 1 20 | sed 's/^5$/U/' >f",
		RESOLUTION_BY_UPSTREAM, 0, "seq 1 21 | sed 's/^5$/U/' >f; echo m >mine"},
	{"local_keys", YAML(1, 1, ""), YAML(2, 2, ""), YAML(3, 1, "  more: 1\\n"),
		RESOLUTION_BY_LOCAL, 0, YAML(2, 2, "  more: 1\\n")},
	{"upstream_keys", YAML(1, 1, ""), YAML(2, 2, ""), YAML(3, 1, "  more: 1\\n"),
		RESOLUTION_BY_UPSTREAM, 0, YAML(3, 2, "  more: 1\\n")},
	{"union_of_lines", "echo a >f", "echo b >f", "echo c >f", RESOLUTION_BY_UNION, 0,
		"printf 'b\\nc\\n' >f"},
	{"union_leaves_scalars", YAML(1, 1, ""), YAML(2, 1, ""), YAML(3, 1, ""),
		RESOLUTION_BY_UNION, 1, YAML(2, 1, "")},
	{"union_leaves_deleted_files", "echo a >f; echo g >g", "echo g >g", "echo b >f; echo g >g",
		RESOLUTION_BY_UNION, 1, "echo g >g"},
	{"merge_leaves_what_conflicts", "echo a >f", "echo b >f", "echo c >f", RESOLUTION_BY_MERGE,
		1, "echo b >f"},
	{"local_deleted", "mkdir d; echo a >d/f; echo g >g", "echo g >g",
		"mkdir d; echo b >d/f; echo g >g", RESOLUTION_BY_LOCAL, 0, "echo g >g"},
	{"upstream_deleted_the_folders_only_file", "mkdir d; echo a >d/f; echo g >g",
		"mkdir d; echo b >d/f; echo g >g", "echo g >g", RESOLUTION_BY_UPSTREAM, 0,
		"echo g >g"},
	{"upstream_changed_what_local_deleted", "mkdir d; echo a >d/f; echo g >g", "echo g >g",
		"mkdir d; echo b >d/f; echo g >g", RESOLUTION_BY_UPSTREAM, 0,
		"mkdir d; echo b >d/f; echo g >g"},
	{"binary_of_upstream", "printf 'a\\0b' >f", "printf 'a\\0c' >f", "printf 'a\\0d' >f",
		RESOLUTION_BY_UPSTREAM, 0, "printf 'a\\0d' >f"},
	{"binary_of_local", "printf 'a\\0b' >f", "printf 'a\\0c' >f", "printf 'a\\0d' >f",
		RESOLUTION_BY_LOCAL, 0, "printf 'a\\0c' >f"},
	{"link_of_upstream", "ln -s a f", "ln -s b f", "ln -s c f", RESOLUTION_BY_UPSTREAM, 0,
		"ln -s c f"},
	{"added_with_another_mode", "echo a >g", "echo a >g; echo 1 >f",
		"echo a >g; echo 1 >f; chmod +x f", RESOLUTION_BY_UPSTREAM, 0,
		"echo a >g; echo 1 >f; chmod +x f"},
	{"mode_of_an_executable_stays", "echo 1 >f; chmod +x f", "echo 2 >f; chmod +x f",
		"echo 3 >f; chmod +x f", RESOLUTION_BY_UPSTREAM, 0, "echo 3 >f; chmod +x f"},
	{"folder_of_upstream_for_a_file", "echo a >a", "echo a >a; echo b >d",
		"echo a >a; mkdir -p d/e; echo c >d/x; echo y >d/e/y; ln -s x d/l",
		RESOLUTION_BY_UPSTREAM, 0,
		"echo a >a; mkdir -p d/e; echo c >d/x; echo y >d/e/y; ln -s x d/l"},
	{"file_of_upstream_for_a_folder", "echo a >a",
		"echo a >a; mkdir -p d/e; echo c >d/x; echo y >d/e/y", "echo a >a; echo b >d",
		RESOLUTION_BY_UPSTREAM, 0, "echo a >a; echo b >d"},
	{"folder_of_local_stays", "echo a >a", "echo a >a; mkdir d; echo c >d/x",
		"echo a >a; echo b >d", RESOLUTION_BY_LOCAL, 0, "echo a >a; mkdir d; echo c >d/x"},
};

static void test_preference(struct component_fixture *fixture, gconstpointer data)
{
	const struct preference_case *preference = data;
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;

	set_up(&merging, fixture, preference->base, preference->local, preference->upstream);
	resolution = open(&merging);
	g_assert_cmpuint(resolution_left(resolution), ==, resolution_count(resolution));
	settle_all(resolution, preference->way);
	g_assert_cmpuint(resolution_left(resolution), ==, preference->left);
	save(resolution);
	assert_tree(fixture, resolution, preference->result);
	component_fixture_do(fixture, "fo fsck --strict");
}

/* ---- keeping ------------------------------------------------------------------------------ */

#define THREE(word) "for f in a b c; do echo " word " >$f; done"

static void choices_are_there_for_whoever_opens_it_next(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) first = NULL;
	scoped(resolution) second = NULL;
	g_autoptr(GError) error = NULL;

	(void)unused;
	set_up(&merging, fixture, THREE("base"), THREE("local"), THREE("upstream"));
	first = open(&merging);
	g_assert_true(resolution_settle(first, 0, RESOLUTION_BY_LOCAL, &error));
	g_assert_true(resolution_settle(first, 2, RESOLUTION_BY_UPSTREAM, &error));
	save(first);
	second = open(&merging);
	g_assert_cmpuint(resolution_left(second), ==, 1);
	g_assert_cmpint(resolution_at(second, 0)->choice, ==, RESOLUTION_LOCAL);
	g_assert_cmpint(resolution_at(second, 1)->choice, ==, RESOLUTION_OPEN);
	g_assert_cmpint(resolution_at(second, 2)->choice, ==, RESOLUTION_UPSTREAM);
	settle_all(second, RESOLUTION_BY_UPSTREAM);
	save(second);
	assert_tree(fixture, second, "echo local >a; echo upstream >b; echo upstream >c");
}

static void choices_of_two_at_once_are_refused(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) first = NULL;
	scoped(resolution) mine = NULL;
	scoped(resolution) other = NULL;
	g_autoptr(GError) error = NULL;

	(void)unused;
	set_up(&merging, fixture, THREE("base"), THREE("local"), THREE("upstream"));
	first = open(&merging);
	save(first);
	mine = open(&merging);
	other = open(&merging);
	settle_all(other, RESOLUTION_BY_LOCAL);
	save(other);
	settle_all(mine, RESOLUTION_BY_UPSTREAM);
	g_assert_false(resolution_save(mine, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED);
}

static void choices_of_another_merge_are_passed_over(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) old = {0};
	scoped_value(merging) new = {0};
	scoped(resolution) resolution = NULL;

	(void)unused;
	set_up(&old, fixture, THREE("base"), THREE("local"), THREE("upstream"));
	resolution = open(&old);
	settle_all(resolution, RESOLUTION_BY_LOCAL);
	save(resolution);
	resolution_free(g_steal_pointer(&resolution));
	set_up(&new, fixture, THREE("base"), THREE("local"), THREE("later"));
	resolution = open(&new);
	g_assert_cmpuint(resolution_left(resolution), ==, 3);
}

static void merge_that_is_gone_is_said(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	g_autoptr(GError) error = NULL;

	(void)unused;
	set_up(&merging, fixture, THREE("base"), THREE("local"), THREE("upstream"));
	g_assert_true(workspace_refs_delete(fixture->forge, "x", COMPONENT_REF_PENDING, &error));
	g_assert_null(
		resolution_open(fixture->workspace, &merging.pending, merging.config, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
}

static void conflicts_beyond_those_that_the_journal_names_are_found(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;

	(void)unused;
	set_up(&merging, fixture, "for f in $(seq 1 103); do echo b >$f; done",
		"for f in $(seq 1 103); do echo l >$f; done",
		"for f in $(seq 1 103); do echo u >$f; done");
	g_assert_cmpuint(merging.pending.n_conflicts, ==, LIMIT_CONFLICT_PATHS);
	resolution = open(&merging);
	g_assert_cmpuint(resolution_count(resolution), ==, 103);
	settle_all(resolution, RESOLUTION_BY_UPSTREAM);
	save(resolution);
	assert_tree(fixture, resolution, "for f in $(seq 1 103); do echo u >$f; done");
}

/* ---- rules -------------------------------------------------------------------------------- */

static void give_upstream_a_rule(
	struct merging *merging, struct component_fixture *fixture, const char *type)
{
	set_up(merging, fixture, "echo 1 >component.yaml; echo s >schema.json",
		"echo 2 >component.yaml; echo s >schema.json",
		"echo 1 >component.yaml; echo t >schema.json");
	name_conflict(merging, "component.yaml", type, "why");
}

static void local_version_gives_the_pull_up(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;

	(void)unused;
	give_upstream_a_rule(&merging, fixture, "version");
	resolution = open(&merging);
	g_assert_cmpint(resolution_at(resolution, 0)->shape, ==, RESOLUTION_RULE);
	settle_all(resolution, RESOLUTION_BY_MERGE);
	g_assert_cmpuint(resolution_left(resolution), ==, 1);
	g_assert_false(resolution_gives_up(resolution));
	settle_all(resolution, RESOLUTION_BY_LOCAL);
	g_assert_true(resolution_gives_up(resolution));
}

static void upstreams_version_is_accepted_as_it_merged(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;

	(void)unused;
	give_upstream_a_rule(&merging, fixture, "dependency");
	resolution = open(&merging);
	settle_all(resolution, RESOLUTION_BY_UPSTREAM);
	g_assert_false(resolution_gives_up(resolution));
	save(resolution);
	assert_tree(fixture, resolution, "echo 2 >component.yaml; echo t >schema.json");
}

static void file_that_breaks_the_schema_is_one_sides(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;

	(void)unused;
	give_upstream_a_rule(&merging, fixture, "schema");
	resolution = open(&merging);
	settle_all(resolution, RESOLUTION_BY_UPSTREAM);
	g_assert_false(resolution_gives_up(resolution));
	save(resolution);
	assert_tree(fixture, resolution, "echo 1 >component.yaml; echo t >schema.json");
}

/* ---- by hand ------------------------------------------------------------------------------ */

static void assert_text(GBytes *text, const char *want)
{
	gsize size;
	const char *data = g_bytes_get_data(text, &size);
	g_autofree char *copy = g_strndup(data, size);

	g_assert_cmpstr(copy, ==, want);
}

static void text_for_an_editor_has_both_sides_between_markers(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) text = NULL;
	g_autoptr(GBytes) base = NULL;
	g_autoptr(GBytes) edited = g_bytes_new_static("mine\n", 5);
	g_autofree char *story = NULL;

	(void)unused;
	set_up(&merging, fixture, "echo a >f", "echo b >f", "echo c >f");
	resolution = open(&merging);
	text = resolution_text(resolution, 0, &error);
	g_assert_no_error(error);
	assert_text(text, "<<<<<<< LOCAL\nb\n=======\nc\n>>>>>>> UPSTREAM\n");
	story = resolution_story(resolution, 0, &error);
	g_assert_cmpstr(story, ==, "<<<<<<< LOCAL\nb\n=======\nc\n>>>>>>> UPSTREAM\n");
	base = resolution_base(resolution, 0, &error);
	assert_text(base, "a\n");
	g_assert_cmpuint(resolution_marker_line(resolution, 0, text), ==, 1);
	g_assert_cmpuint(resolution_marker_line(resolution, 0, edited), ==, 0);
	g_assert_true(resolution_take(resolution, 0, edited, &error));
	save(resolution);
	assert_tree(fixture, resolution, "echo mine >f");
	g_assert_cmpint(resolution_at(resolution, 0)->choice, ==, RESOLUTION_EDITED);
}

static void marker_that_a_side_always_had_is_none(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const struct {
		const char *text;
		guint line;
	} texts[] = {
		{"Title\n=======\nb\n", 0},
		{"Title\n========\nb\n", 0},
		{"a\n<<<<<<< LOCAL\n", 2},
		{">>>>>>> \n", 1},
		{"<<<<<<<\r\n", 1},
		{" <<<<<<< LOCAL\n", 0},
		{"<<<<<<<x\n", 0},
		{"\n\n>>>>>>> UPSTREAM", 3},
		{"", 0},
		{"<<<<<<", 0},
	};
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;

	(void)unused;
	set_up(&merging, fixture, "printf 'Title\\n=======\\na\\n' >f",
		"printf 'Title\\n=======\\nb\\n' >f", "printf 'Title\\n=======\\nc\\n' >f");
	resolution = open(&merging);
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GBytes) text = g_bytes_new(texts[i].text, strlen(texts[i].text));

		g_assert_cmpuint(resolution_marker_line(resolution, 0, text), ==, texts[i].line);
	}
}

static void binary_file_has_no_text(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *story = NULL;

	(void)unused;
	set_up(&merging, fixture, "printf 'a\\0b' >f", "printf 'a\\0c' >f", "printf 'a\\0d' >f");
	resolution = open(&merging);
	g_assert_null(resolution_text(resolution, 0, &error));
	g_assert_null(resolution_base(resolution, 0, &error));
	story = resolution_story(resolution, 0, &error);
	g_assert_no_error(error);
	g_assert_nonnull(strstr(story, "a binary file"));
}

/* ---- the folder --------------------------------------------------------------------------- */

static void files_are_looked_at(struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(merging) merging = {0};
	scoped(resolution) resolution = NULL;
	g_autoptr(GError) error = NULL;
	const char *marked;

	(void)unused;
	set_up(&merging, fixture, "echo a >f", "echo b >f", "echo c >f; echo n >new");
	component_fixture_do(fixture, "mkdir -p ws/components/x; echo b >ws/components/x/f");
	resolution = open(&merging);
	g_assert_true(resolution_check_files(resolution, &error));
	g_assert_false(resolution_read_files(resolution, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_USAGE);
	g_clear_error(&error);
	component_fixture_do(fixture, "echo mine >ws/components/x/f");
	g_assert_false(resolution_check_files(resolution, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_EDITED_MEANWHILE);
	g_clear_error(&error);

	g_assert_true(resolution_mark(resolution, &marked, &error));
	component_fixture_do(fixture,
		"echo b >ws/components/x/f; fo archive %s | tar -x -C ws/components/x", marked);
	g_assert_true(resolution_check_files(resolution, &error));
	g_assert_cmpstr(resolution_files(resolution), ==, marked);
	g_assert_false(resolution_read_files(resolution, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT);
	g_assert_nonnull(strstr(error->message, "f:1:"));
	g_clear_error(&error);
	component_fixture_do(fixture, "echo c >ws/components/x/f");
	g_assert_true(resolution_read_files(resolution, &error));
	g_assert_cmpint(resolution_at(resolution, 0)->choice, ==, RESOLUTION_UPSTREAM);
}

#define TEST(name) \
	g_test_add("/resolution/" #name, struct component_fixture, NULL, component_fixture_set_up, \
		name, component_fixture_tear_down)

int main(int argc, char **argv)
{
	g_autofree char *home = g_dir_make_tmp("forge-resolution-XXXXXX", NULL);
	int status;

	g_test_init(&argc, &argv, NULL);
	component_fixture_prepare();
	g_setenv("FORGE_HOME", home, TRUE);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/resolution/prefer/", cases[i].what, NULL);

		g_test_add(name, struct component_fixture, &cases[i], component_fixture_set_up,
			test_preference, component_fixture_tear_down);
	}
	TEST(choices_are_there_for_whoever_opens_it_next);
	TEST(choices_of_two_at_once_are_refused);
	TEST(choices_of_another_merge_are_passed_over);
	TEST(merge_that_is_gone_is_said);
	TEST(conflicts_beyond_those_that_the_journal_names_are_found);
	TEST(local_version_gives_the_pull_up);
	TEST(upstreams_version_is_accepted_as_it_merged);
	TEST(file_that_breaks_the_schema_is_one_sides);
	TEST(text_for_an_editor_has_both_sides_between_markers);
	TEST(marker_that_a_side_always_had_is_none);
	TEST(binary_file_has_no_text);
	TEST(files_are_looked_at);
	status = g_test_run();
	g_rmdir(home);
	return status;
}
