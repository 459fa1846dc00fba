#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "tests/unit/tree_fixture.h"
#include "worker/sync/component_edit.h"
#include "worker/sync/component_log.h"
#include "worker/sync/component_validity.h"
#include "worker/workspace/workspace_repository.h"

#define COMPONENT \
	"kind: Tool\nmetadata:\n  name: x\n  version: 1.10.0 # first\nconfig:\n  # seconds\n  timeout: 030\n"
#define SCHEMA \
	"{\"properties\": {\"config\": {\"properties\": {\"timeout\": {\"type\": \"integer\", " \
	"\"maximum\": 100}}}}}\n"

static char *tree_of(struct component_fixture *fixture, const char *component, const char *schema)
{
	const struct fixture_file files[] = {{"component.yaml", 0, component},
		{"deep/er/only.txt", 0, "alone\n"}, {"link.yaml", 0120000, "component.yaml"},
		{"run.yaml", 0100755, "a: 1\n"}, {"schema.json", 0, schema}};
	git_oid tree = tree_fixture_write(fixture->forge, files, G_N_ELEMENTS(files));
	char hex[GIT_OID_HEXSZ + 1];

	return g_strdup(git_oid_tostr(hex, sizeof(hex), &tree));
}

static char *show(struct component_fixture *fixture, const char *tree, const char *file)
{
	return component_fixture_run(fixture, "fo cat-file -p %s:%s", tree, file);
}

/* ---- fields ------------------------------------------------------------------------------- */

static void one_field_changes_and_nothing_around_it(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autofree char *tree = tree_of(fixture, COMPONENT, SCHEMA);
	struct edit_place place = {fixture->workspace, tree, "component.yaml"};
	g_autoptr(GError) error = NULL;
	g_autofree char *edited = component_edit_field(
		&place, "config.timeout", "60", NULL, &error);
	g_autofree char *text = NULL;

	(void)unused;
	g_assert_no_error(error);
	text = show(fixture, edited, "component.yaml");
	g_assert_cmpstr(text, ==,
		"kind: Tool\nmetadata:\n  name: x\n  version: 1.10.0 # first\nconfig:\n  # seconds\n"
		"  timeout: 60");
	component_fixture_do(fixture, "test $(fo diff-tree -r %s %s | wc -l) = 1", tree, edited);
}

static void a_file_keeps_its_mode(struct component_fixture *fixture, gconstpointer unused)
{
	g_autofree char *tree = tree_of(fixture, COMPONENT, SCHEMA);
	struct edit_place place = {fixture->workspace, tree, "run.yaml"};
	g_autoptr(GError) error = NULL;
	g_autofree char *edited = component_edit_field(&place, "a", "2", NULL, &error);

	(void)unused;
	g_assert_no_error(error);
	component_fixture_do(fixture, "fo ls-tree %s run.yaml | grep -q ^100755", edited);
}

static void edits_are_refused(struct component_fixture *fixture, gconstpointer unused)
{
	static const struct {
		const char *file, *path, *value;
		enum forge_error code;
	} cases[] = {
		{"component.yaml", "config.timeout", "600", FORGE_ERROR_VALIDATION_FAILED},
		{"component.yaml", "config.timeout", "soon", FORGE_ERROR_VALIDATION_FAILED},
		{"component.yaml", "metadata.version", "1", FORGE_ERROR_VALIDATION_FAILED},
		{"component.yaml", "a[", "1", FORGE_ERROR_VALIDATION_FAILED},
		{"schema.json", "properties.config.properties.timeout.maximum", "3",
			FORGE_ERROR_VALIDATION_FAILED},
		{"schema.json", "properties.config.type", "nothing", FORGE_ERROR_VALIDATION_FAILED},
		{"deep/er/only.txt", "a", "1", FORGE_ERROR_VALIDATION_FAILED},
		{"link.yaml", "a", "1", FORGE_ERROR_FILE_NOT_FOUND},
		{"nothing.yaml", "a", "1", FORGE_ERROR_FILE_NOT_FOUND},
		{"../component.yaml", "a", "1", FORGE_ERROR_FILE_NOT_FOUND},
		{"/component.yaml", "a", "1", FORGE_ERROR_FILE_NOT_FOUND},
		{"deep//er.yaml", "a", "1", FORGE_ERROR_FILE_NOT_FOUND},
		{"deep", "a", "1", FORGE_ERROR_VALIDATION_FAILED},
		{"", "a", "1", FORGE_ERROR_FILE_NOT_FOUND},
	};
	g_autofree char *tree = tree_of(fixture, COMPONENT, SCHEMA);

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct edit_place place = {fixture->workspace, tree, cases[i].file};
		g_autoptr(GError) error = NULL;

		g_assert_null(
			component_edit_field(&place, cases[i].path, cases[i].value, NULL, &error));
		g_test_message("%s: %s: %s", cases[i].file, cases[i].path, error->message);
		g_assert_cmpint(forge_error_code(error), ==, cases[i].code);
		g_assert_null(strstr(error->message, "soon"));
	}
}

static void a_problem_that_was_there_stops_no_edit(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autofree char *tree = tree_of(
		fixture, "metadata:\n  name: x\nconfig:\n  timeout: 600\n", SCHEMA);
	struct edit_place place = {fixture->workspace, tree, "component.yaml"};
	g_autoptr(GError) error = NULL;
	g_autofree char *edited = component_edit_field(
		&place, "metadata.description", "More\nlines", "string", &error);

	(void)unused;
	g_assert_no_error(error);
	g_assert_cmpstr(edited, !=, tree);
}

static void hints_are_a_local_change_of_component_yaml_alone(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char component[] =
		"metadata:\n  name: x\n  version: 1.0.0\ndependencies:\n  tools:\n    - component: menu\n";
	struct locked_component line = {.component = (char *)"menu",
		.repository = (char *)"h/o/r",
		.version = (char *)"1.2.0",
		.commit = (char *)"a1b2c3d4e5f6789012345678901234567890abcd",
		.resolved_at = (char *)"2026-01-15T10:30:00Z"};
	g_autofree char *tree = tree_of(fixture, component, SCHEMA);
	struct edit_place place = {fixture->workspace, tree, "component.yaml"};
	g_autoptr(GPtrArray) lines = g_ptr_array_new();
	struct lock_file locked = {lines};
	scoped_value(dependency_notes) notes = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *once = NULL;
	g_autofree char *twice = NULL;

	(void)unused;
	g_ptr_array_add(lines, &line);
	dependency_notes_init(&notes);
	once = component_edit_hints(&place, "h/o/r", &locked, &notes, &error);
	g_assert_no_error(error);
	component_fixture_do(fixture, "test $(fo diff-tree -r %s %s | wc -l) = 1", tree, once);
	g_assert_cmpuint(notes.noted->len, ==, 1);
	g_assert_cmpstr(notes.noted->pdata[0], ==, "menu 1.2.0 (a1b2c3d)");
	place.tree = once;
	twice = component_edit_hints(&place, "h/o/r", &locked, &notes, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(twice, ==, once);
	g_assert_cmpuint(notes.noted->len, ==, 1);
	place.file = "schema.yaml";
	g_assert_null(component_edit_hints(&place, "h/o/r", &locked, &notes, &error));
	g_assert_cmpint(forge_error_code(error), ==, FORGE_ERROR_FILE_NOT_FOUND);
}

static void a_missing_folder_has_no_files(struct component_fixture *fixture, gconstpointer unused)
{
	struct edit_place place = {fixture->workspace, "", "component.yaml"};
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_null(component_edit_field(&place, "a", "1", NULL, &error));
	g_assert_cmpint(forge_error_code(error), ==, FORGE_ERROR_FILE_NOT_FOUND);
}

/* ---- back --------------------------------------------------------------------------------- */

static void a_field_goes_back_as_it_was_written(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autofree char *base = tree_of(fixture, COMPONENT, SCHEMA);
	g_autofree char *tree = tree_of(fixture,
		"# mine\nmetadata: {name: x, version: 2.0.0}\nconfig:\n  timeout: 60\n  new: 1\n",
		SCHEMA);
	struct edit_place place = {fixture->workspace, tree, "component.yaml"};
	g_autoptr(GError) error = NULL;
	g_autofree char *once = component_edit_revert_field(&place, base, "config.timeout", &error);
	g_autofree char *twice = NULL;
	g_autofree char *text = NULL;

	(void)unused;
	g_assert_no_error(error);
	place.tree = once;
	twice = component_edit_revert_field(&place, base, "config.new", &error);
	g_assert_no_error(error);
	text = show(fixture, twice, "component.yaml");
	g_assert_cmpstr(
		text, ==, "# mine\nmetadata: {name: x, version: 2.0.0}\nconfig:\n  timeout: 030");
	g_assert_null(component_edit_revert_field(&place, base, "config.never", &error));
	g_assert_cmpint(forge_error_code(error), ==, FORGE_ERROR_VALIDATION_FAILED);
}

static void a_file_goes_back_with_its_folder(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file other[] = {
		{"component.yaml", 0, COMPONENT}, {"new/er/file", 0, "x\n"}};
	g_autofree char *base = tree_of(fixture, COMPONENT, SCHEMA);
	git_oid oid = tree_fixture_write(fixture->forge, other, G_N_ELEMENTS(other));
	char hex[GIT_OID_HEXSZ + 1];
	struct edit_place place = {
		fixture->workspace, git_oid_tostr(hex, sizeof(hex), &oid), "new/er/file"};
	g_autoptr(GError) error = NULL;
	g_autofree char *gone = component_edit_revert_file(&place, base, &error);
	g_autofree char *back = NULL;

	(void)unused;
	g_assert_no_error(error);
	component_fixture_do(
		fixture, "test \"$(fo ls-tree -rt --name-only %s)\" = component.yaml", gone);
	place.file = "link.yaml";
	back = component_edit_revert_file(&place, base, &error);
	g_assert_no_error(error);
	component_fixture_do(fixture, "fo ls-tree %s link.yaml | grep -q ^120000", back);
	place.file = "new";
	g_assert_null(component_edit_revert_file(&place, base, &error));
	g_assert_cmpint(forge_error_code(error), ==, FORGE_ERROR_FILE_NOT_FOUND);
}

/* ---- validity ----------------------------------------------------------------------------- */

static void everything_wrong_is_told_at_once(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const struct {
		const char *component, *schema;
		guint problems; /* at least */
		const char *told;
	} cases[] = {
		{COMPONENT, SCHEMA, 0, NULL},
		{COMPONENT, "{}", 0, NULL},
		{COMPONENT, "{", 1, "schema.json"},
		{COMPONENT, "3", 1, "schema.json"},
		{"", SCHEMA, 1, "component.yaml"},
		{"metadata: {name: X, version: 1}\nconfig: {timeout: 600}\n", SCHEMA, 3,
			"config.timeout"},
		{"metadata: {name: x, version: 1.0.0}\nconfig: [1]\n", SCHEMA, 1, "config"},
		{"metadata: {name: x, version: 1.0.0}\nconfig: {timeout: \"\\e[31m\"}\n", SCHEMA, 1,
			"timeout"},
	};

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *tree = tree_of(fixture, cases[i].component, cases[i].schema);
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray)
			problems = component_validity_of(fixture->workspace, tree, &error);
		gboolean told = cases[i].told == NULL;

		g_assert_no_error(error);
		for (guint k = 0; k < problems->len; k++) {
			g_test_message("%zu: %s", i, (char *)problems->pdata[k]);
			g_assert_null(strchr(problems->pdata[k], '\x1b'));
			told = told || strstr(problems->pdata[k], cases[i].told);
		}
		g_assert_true(told);
		g_assert_cmpuint(problems->len, >=, cases[i].problems);
		g_assert_true((problems->len == 0) == (cases[i].problems == 0));
	}
}

/* ---- the log ------------------------------------------------------------------------------ */

static void a_commit_is_found_by_its_beginning(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped_value(component_head) head = {0};
	g_autoptr(GPtrArray) log = NULL;
	g_autofree char *found = NULL;
	g_autofree char *cut = NULL;
	git_oid base, local;

	(void)unused;
	component_fixture_do(
		fixture, "mkdir -p upstream/c/x; echo 1 >upstream/c/x/f; commit Begin");
	base = component_fixture_import(fixture, "c/x", NULL);
	local = component_fixture_commit(fixture, &base, "echo 2 >f");
	workspace_ref_set(fixture->forge, "x", COMPONENT_REF_LOCAL, NULL, &local, &error);
	log = component_log(fixture->workspace, "x", 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(log->len, ==, 2);
	component_head_read(fixture->workspace, "x", &head, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(head.local, ==, ((struct log_entry *)log->pdata[0])->id);
	g_assert_cmpstr(head.base, ==, ((struct log_entry *)log->pdata[1])->id);
	cut = g_strndup(head.local, 9);
	found = component_log_find(fixture->workspace, "x", cut, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(found, ==, head.local);
	cut[3] = '\0';
	g_assert_null(component_log_find(fixture->workspace, "x", cut, &error));
	g_assert_cmpint(forge_error_code(error), ==, FORGE_ERROR_CHECKPOINT_NOT_FOUND);
	g_clear_error(&error);
	g_assert_null(component_log(fixture->workspace, "y", 0, &error));
	g_assert_cmpint(forge_error_code(error), ==, FORGE_ERROR_COMPONENT_NOT_FOUND);
}

#define ADD(test) \
	g_test_add("/component_edit/" #test, struct component_fixture, NULL, \
		component_fixture_set_up, test, component_fixture_tear_down)

int main(int argc, char **argv)
{
	component_fixture_prepare();
	g_test_init(&argc, &argv, NULL);
	ADD(one_field_changes_and_nothing_around_it);
	ADD(a_file_keeps_its_mode);
	ADD(edits_are_refused);
	ADD(a_problem_that_was_there_stops_no_edit);
	ADD(hints_are_a_local_change_of_component_yaml_alone);
	ADD(a_missing_folder_has_no_files);
	ADD(a_field_goes_back_as_it_was_written);
	ADD(a_file_goes_back_with_its_folder);
	ADD(everything_wrong_is_told_at_once);
	ADD(a_commit_is_found_by_its_beginning);
	return g_test_run();
}
