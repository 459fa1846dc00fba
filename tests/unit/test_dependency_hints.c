/* component.yaml before and after it was told what a lock has; one row each. */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "worker/component/dependency_hints.h"

#define HEAD "metadata: {name: user, version: 1.0.0}\n"
#define OLD "0123456789abcdef0123456789abcdef01234567"
#define NEW "a1b2c3d4e5f6789012345678901234567890abcd"
#define AT "2026-01-15T10:30:00Z"

/* `menu` 1.2.0 of the component's own repository, `main` on a branch, `mail` of another one. */
static const struct locked_component lines[] = {
	{.component = (char *)"menu",
		.repository = (char *)"h/o/own",
		.version = (char *)"1.2.0",
		.commit = (char *)NEW,
		.resolved_at = (char *)AT},
	{.component = (char *)"main",
		.repository = (char *)"h/o/own",
		.commit = (char *)NEW,
		.resolved_at = (char *)AT},
	{.component = (char *)"mail",
		.repository = (char *)"h/o/other",
		.version = (char *)"2.0.0-beta.1",
		.commit = (char *)NEW,
		.resolved_at = (char *)AT},
};

static const struct {
	const char *name;
	const char *text;
	const char *expected; /* NULL: as it was */
	const char *left;     /* NULL: nothing is left alone */
} rows[] = {
	{"all three come behind what is there",
		"dependencies:\n  tools:\n    - component: menu # it\n",
		"dependencies:\n  tools:\n    - component: menu # it\n      resolved_version: 1.2.0\n"
		"      commit: " NEW "\n      resolved_at: \"" AT "\"\n",
		NULL},
	{"what is right stays, its time and spelling too",
		"dependencies:\n  tools:\n  - {component: menu, commit: '" NEW
		"', resolved_version: \"1.2.0\", resolved_at: yesterday}\n",
		NULL, NULL},
	{"a time that is missing comes alone",
		"dependencies:\n  agents:\n  - {component: menu, commit: " NEW
		", resolved_version: 1.2.0}\n",
		"dependencies:\n  agents:\n  - {component: menu, commit: " NEW
		", resolved_version: 1.2.0, resolved_at: \"" AT "\"}\n",
		NULL},
	{"a time goes with what changed",
		"dependencies:\n  tools:\n    - resolved_at: 2025-01-01 # when\n      commit: " OLD
		" # which\n      component: menu\n      resolved_version: 1.2.0\n",
		"dependencies:\n  tools:\n    - resolved_at: \"" AT "\" # when\n      commit: " NEW
		" # which\n      component: menu\n      resolved_version: 1.2.0\n",
		NULL},
	{"a branch has no version",
		"dependencies:\n  tools:\n    - component: main\n      resolved_version: 1.2.0\n"
		"      commit: " NEW "\n      resolved_at: \"" AT "\"\n",
		"dependencies:\n  tools:\n    - component: main\n      commit: " NEW
		"\n      resolved_at: \"" AT "\"\n",
		NULL},
	{"below spec and at the top",
		"spec:\n  dependencies:\n    prompts:\n      - component: menu\n"
		"dependencies:\n  tools:\n  - component: main\n",
		"spec:\n  dependencies:\n    prompts:\n      - component: menu\n"
		"        resolved_version: 1.2.0\n        commit: " NEW
		"\n        resolved_at: \"" AT
		"\"\ndependencies:\n  tools:\n  - component: main\n    commit: " NEW
		"\n    resolved_at: \"" AT "\"\n",
		NULL},
	{"what the lock has not is left alone", "dependencies:\n  tools:\n  - component: nobody\n",
		NULL, "forge.lock has no nobody"},
	{"another repository is another component",
		"dependencies:\n  tools:\n  - component: mail\n", NULL,
		"it needs mail of h/o/own, forge.lock has that of h/o/other"},
	{"a version that is not wanted is no hint",
		"dependencies:\n  tools:\n  - {component: menu, version_constraint: ^2}\n", NULL,
		"it needs menu ^2, forge.lock has 1.2.0"},
	{"nor by the other name of the constraint",
		"dependencies:\n  tools:\n  - {component: mail, repository: h/o/other, version: ~1.0}\n",
		NULL, "it needs mail ~1.0, forge.lock has 2.0.0-beta.1"},
	{"nothing is needed", "config: {}\n", NULL, NULL},
};

static GString *write_hints(const char *text, struct dependency_notes *notes, GError **error)
{
	const struct document_origin origin = {"component.yaml", FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GPtrArray) components = g_ptr_array_new();
	struct lock_file locked = {components};

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		g_ptr_array_add(components, (gpointer)&lines[i]);
	return dependency_hints_write(
		&origin, text, strlen(text), "h/o/own", &locked, notes, error);
}

static void hints_are_written_in_place(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strconcat(HEAD, rows[i].text, NULL);
		g_autofree char *expected = g_strconcat(
			HEAD, rows[i].expected ? rows[i].expected : rows[i].text, NULL);
		scoped_value(dependency_notes) notes = {0};
		g_autoptr(GError) error = NULL;
		GString *result;

		g_test_message("%s", rows[i].name);
		dependency_notes_init(&notes);
		result = write_hints(text, &notes, &error);
		g_assert_no_error(error);
		g_assert_cmpstr(result->str, ==, expected);
		g_assert_cmpint(notes.noted->len > 0, ==, rows[i].expected != NULL);
		g_assert_cmpuint(notes.left->len, ==, rows[i].left ? 1 : 0);
		if (rows[i].left)
			g_assert_cmpstr(notes.left->pdata[0], ==, rows[i].left);
		g_string_free(result, TRUE);
	}
}

static void a_second_time_changes_nothing(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strconcat(HEAD, rows[i].text, NULL);
		scoped_value(dependency_notes) notes = {0};
		GString *once, *twice;

		dependency_notes_init(&notes);
		once = write_hints(text, &notes, NULL);
		g_ptr_array_set_size(notes.noted, 0);
		twice = write_hints(once->str, &notes, NULL);
		g_assert_cmpstr(twice->str, ==, once->str);
		g_assert_cmpuint(notes.noted->len, ==, 0);
		g_string_free(once, TRUE);
		g_string_free(twice, TRUE);
	}
}

static void what_cannot_be_edited_in_place_is_refused(void)
{
	static const char *const texts[] = {
		HEAD "dependencies: [\n",
		HEAD "dependencies:\n  tools:\n  - component: menu\n    commit: x\n",
		HEAD "dependencies: &d\n  tools:\n  - component: menu\nconfig: {again: *d}\n",
		"dependencies:\n  tools:\n  - component: menu\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		scoped_value(dependency_notes) notes = {0};
		g_autoptr(GError) error = NULL;

		dependency_notes_init(&notes);
		g_assert_null(write_hints(texts[i], &notes, &error));
		g_test_message("%s", error->message);
		g_assert_cmpint(forge_error_code(error), ==, FORGE_ERROR_VALIDATION_FAILED);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dependency_hints/hints_are_written_in_place", hints_are_written_in_place);
	g_test_add_func(
		"/dependency_hints/a_second_time_changes_nothing", a_second_time_changes_nothing);
	g_test_add_func("/dependency_hints/what_cannot_be_edited_in_place_is_refused",
		what_cannot_be_edited_in_place_is_refused);
	return g_test_run();
}
