/* What people type to name a component, one row each. */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "worker/component/component_reference.h"

static const struct {
	const char *text;
	const char *repository, *component;
	enum constraint_kind kind;
	const char *constraint;
} rows[] = {
	{"lookup", NULL, "lookup", CONSTRAINT_NONE, NULL},
	{"lookup@^2.1", NULL, "lookup", CONSTRAINT_RANGE, "^2.1"},
	{"lookup@2.1.3", NULL, "lookup", CONSTRAINT_RANGE, "2.1.3"},
	{"lookup@v2.1.3", NULL, "lookup", CONSTRAINT_RANGE, "v2.1.3"},
	{"lookup@>=1 <3 || 5.x", NULL, "lookup", CONSTRAINT_RANGE, ">=1 <3 || 5.x"},
	{"lookup@latest", NULL, "lookup", CONSTRAINT_LATEST, "latest"},
	{"lookup@main", NULL, "lookup", CONSTRAINT_NAME, "main"},
	{"lookup@release/1.0", NULL, "lookup", CONSTRAINT_NAME, "release/1.0"},
	{"lookup@lookup@1.2.3", NULL, "lookup", CONSTRAINT_NAME, "lookup@1.2.3"},
	{"lookup@lookup/v1.2.3", NULL, "lookup", CONSTRAINT_NAME, "lookup/v1.2.3"},
	{"lookup@fix#7", NULL, "lookup", CONSTRAINT_NAME, "fix#7"},
	{"lookup@a/fix#seven", NULL, "lookup", CONSTRAINT_NAME, "a/fix#seven"},
	{"lookup@@A1B2C3D4", NULL, "lookup", CONSTRAINT_COMMIT, "a1b2c3d4"},
	{"lookup@a1b2c3d4", NULL, "lookup", CONSTRAINT_NAME, "a1b2c3d4"},
	{"github.com/company/crm-tools/lookup", "github.com/company/crm-tools", "lookup",
		CONSTRAINT_NONE, NULL},
	{"github.com/company/crm-tools/lookup@^2", "github.com/company/crm-tools", "lookup",
		CONSTRAINT_RANGE, "^2"},
	{"github.com/company/crm-tools/lookup@feature/x", "github.com/company/crm-tools", "lookup",
		CONSTRAINT_NAME, "feature/x"},
	{"gitlab.com/a/b/c/lookup@1", "gitlab.com/a/b/c", "lookup", CONSTRAINT_RANGE, "1"},
	{"localhost:8080/o/n/lookup@1.x", "localhost:8080/o/n", "lookup", CONSTRAINT_RANGE, "1.x"},
	{"localhost:8080/o/n/lookup@fix#7", "localhost:8080/o/n", "lookup", CONSTRAINT_NAME,
		"fix#7"},
	{"github.com/company/crm-tools#lookup@1.2", "github.com/company/crm-tools", "lookup",
		CONSTRAINT_RANGE, "1.2"},
	{"https://host/o/n#lookup", "https://host/o/n", "lookup", CONSTRAINT_NONE, NULL},
	{"https://host:8443/o/n.git#lookup@1.2", "https://host:8443/o/n.git", "lookup",
		CONSTRAINT_RANGE, "1.2"},
	{"https://jane@host/o/n#lookup@main", "https://jane@host/o/n", "lookup", CONSTRAINT_NAME,
		"main"},
	{"ssh://git@host:2222/o/n#lookup@@abcdef1", "ssh://git@host:2222/o/n", "lookup",
		CONSTRAINT_COMMIT, "abcdef1"},
	{"git@host:owner/name#comp@1.2", "git@host:owner/name", "comp", CONSTRAINT_RANGE, "1.2"},
	{"git@host:owner/name#comp@a@b", "git@host:owner/name", "comp", CONSTRAINT_NAME, "a@b"},
	{"file:///srv/git/tools#comp@1.2.3", "file:///srv/git/tools", "comp", CONSTRAINT_RANGE,
		"1.2.3"},
	{"/srv/git/a@b/tools#comp@1", "/srv/git/a@b/tools", "comp", CONSTRAINT_RANGE, "1"},
	{"/srv/a#b/tools#comp", "/srv/a#b/tools", "comp", CONSTRAINT_NONE, NULL},
	{"../tools#comp@fix#7", "../tools", "comp", CONSTRAINT_NAME, "fix#7"},
	{".#comp", ".", "comp", CONSTRAINT_NONE, NULL},
	{"~/my tools#comp", "~/my tools", "comp", CONSTRAINT_NONE, NULL},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		scoped(component_reference)
			reference = component_reference_parse(rows[i].text, &error);

		g_test_message("%s", rows[i].text);
		g_assert_no_error(error);
		g_assert_cmpstr(reference->repository, ==, rows[i].repository);
		g_assert_cmpstr(reference->component, ==, rows[i].component);
		g_assert_cmpint(reference->constraint->kind, ==, rows[i].kind);
		g_assert_cmpstr(reference->constraint->text, ==, rows[i].constraint);
	}
}

#define FORMS "expected COMPONENT, HOST/OWNER/NAME/COMPONENT or ADDRESS#COMPONENT"
#define MEANT "expected a range of versions (^1.2), latest, @COMMIT, a tag or a branch"

static const struct {
	const char *text;
	const char *message;
} refusals[] = {
	{"", "'': names no component"},
	{"@1", "'@1': the component's name must not be empty"},
	{"lookup@", "'lookup@': nothing stands behind the '@'"},
	{"Lookup", "'Lookup': the component's name must begin with a small letter or a digit"},
	{"a b", "'a b': the component's name may hold small letters, digits, '.', '_' and '-' only"},
	{"owner/lookup", "'owner/lookup': " FORMS},
	{"github.com/company/crm-tools", "'github.com/company/crm-tools': " FORMS},
	{"github.com//crm-tools/x", "'github.com//crm-tools/x': " FORMS},
	{"github.com/a/b/", "'github.com/a/b/': the component's name must not be empty"},
	{"https://host/o/n", "'https://host/o/n': names no component; write ADDRESS#COMPONENT"},
	{"git@host:o/n", "'git@host:o/n': names no component; write ADDRESS#COMPONENT"},
	{"git@host:o/n@1.2", "'git@host:o/n@1.2': names no component; write ADDRESS#COMPONENT"},
	{"./x@1", "'./x@1': names no component; write ADDRESS#COMPONENT"},
	{"https://host/o/n#", "'https://host/o/n#': the component's name must not be empty"},
	{"https://host/o/n#@1", "'https://host/o/n#@1': the component's name must not be empty"},
	{"lookup@a..b", "'lookup@a..b': behind the '@': " MEANT},
	{"lookup@ma~in", "'lookup@ma~in': behind the '@': " MEANT},
	{"lookup@-x", "'lookup@-x': behind the '@': " MEANT},
	{"lookup@a.lock", "'lookup@a.lock': behind the '@': " MEANT},
	{"lookup@/a", "'lookup@/a': behind the '@': " MEANT},
	{"lookup@@", "'lookup@@': behind the '@': " MEANT},
	{"lookup@a\nb",
		"'lookup@a\xef\xbf\xbd"
		"b': behind the '@': " MEANT},
	{"lookup@\xff", "'lookup@\xef\xbf\xbd': behind the '@': " MEANT},
};

static void test_refusals(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(component_reference_parse(refusals[i].text, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		g_assert_cmpstr(error->message, ==, refusals[i].message);
	}
}

static void test_what_is_typed_is_read_back(void)
{
	static const struct {
		const char *repository, *constraint, *typed;
	} typed[] = {
		{"github.com/o/n", NULL, "github.com/o/n/x"},
		{"github.com/o/n", "", "github.com/o/n/x"},
		{"github.com/o/n", "1.2.3", "github.com/o/n/x@1.2.3"},
		{"github.com/o/n", "@a1b2c3d", "github.com/o/n/x@@a1b2c3d"},
		{"github.com/o/n", "^1.2", "'github.com/o/n/x@^1.2'"},
		{"github.com/o/n", ">=1 <2", "'github.com/o/n/x@>=1 <2'"},
		{"https://h/o/n.git", "main", "https://h/o/n.git#x@main"},
		{"git@h:o/n", NULL, "git@h:o/n#x"},
		{"/srv/it's", NULL, "'/srv/it'\\''s#x'"},
		{"~/n", NULL, "'~/n#x'"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(typed); i++) {
		g_autofree char *text = component_reference_typed(
			typed[i].repository, "x", typed[i].constraint);
		g_auto(GStrv) words = NULL;
		scoped(component_reference) reference = NULL;

		g_assert_cmpstr(text, ==, typed[i].typed);
		g_assert_true(g_shell_parse_argv(text, NULL, &words, NULL));
		reference = component_reference_parse(words[0], NULL);
		g_assert_cmpstr(reference->repository, ==, typed[i].repository);
		g_assert_cmpstr(reference->component, ==, "x");
	}
}

static void test_a_secret_is_refused_and_not_repeated(void)
{
	static const char *const texts[] = {"https://jane:hunter2@host/o/n#lookup",
		"https://jane:hunter2@host/o/n", "https://jane:hunter2@host/o/n#Bad@1"};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(component_reference_parse(texts[i], &error));
		g_assert_null(strstr(error->message, "hunter2"));
	}
}

static void test_long_texts_are_refused(void)
{
	g_autofree char *text = g_strnfill(1 << 20, '@');
	g_autofree char *hashes = g_strnfill(2000, '#');

	g_assert_null(component_reference_parse(text, NULL));
	g_assert_null(component_reference_parse(hashes, NULL));
}

static void test_one_version_is_told_from_what_may_be_another(void)
{
	static const struct {
		const char *text;
		gboolean one;
	} pins[] = {{"1.2.3", TRUE}, {"=1.2.3", TRUE}, {"@abcdef0", FALSE}, {"1.2", FALSE},
		{"^1.2.3", FALSE}, {"latest", FALSE}, {"main", FALSE}, {"1.2.3 || 1.2.4", FALSE},
		{"", FALSE}, {"*", FALSE}};

	for (size_t i = 0; i < G_N_ELEMENTS(pins); i++) {
		scoped(component_constraint)
			constraint = component_constraint_parse(pins[i].text, NULL);

		g_assert_cmpint(component_constraint_version(constraint) != NULL, ==, pins[i].one);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/component_reference/what_is_typed_is_read_back", test_what_is_typed_is_read_back);
	g_test_add_func("/component_reference/each_form_is_taken_apart", test_rows);
	g_test_add_func("/component_reference/what_is_missing_is_said", test_refusals);
	g_test_add_func("/component_reference/a_secret_is_refused_and_not_repeated",
		test_a_secret_is_refused_and_not_repeated);
	g_test_add_func("/component_reference/long_texts_are_refused", test_long_texts_are_refused);
	g_test_add_func("/component_constraint/one_version_is_told_from_what_may_be_another",
		test_one_version_is_told_from_what_may_be_another);
	return g_test_run();
}
