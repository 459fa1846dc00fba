/* The components of real repositories, made by git. */
#include <glib.h>
#include <string.h>

#include "tests/unit/git_fixture.h"
#include "worker/component/component_catalog.h"
#include "worker/git/git_library.h"

#define WRITE(path, text) "mkdir -p \"$(dirname '" path "')\"; printf '" text "' > '" path "'; "
#define FILE_OF(path, name, version) \
	WRITE(path "/component.yaml", \
		"kind: Tool\\nmetadata:\\n  name: " name "\\n  version: " version "\\n")

/* Commits what SCRIPT leaves in a new repository, and lists it. */
static struct component_catalog *catalog_of(
	struct git_fixture *fixture, const char *script, GError **error)
{
	struct component_catalog *catalog;
	git_repository *git = NULL;
	g_autofree char *path = g_build_filename(fixture->folder, "r", NULL);
	git_oid head;

	git_fixture_do(fixture,
		"rm -rf r; git init -q r; cd r; %s git add -A; "
		"git -c user.name=t -c user.email=t@t commit -q --allow-empty -m x",
		script);
	head = git_fixture_oid(fixture, "r", "HEAD");
	g_assert_cmpint(git_repository_open(&git, path), ==, 0);
	catalog = component_catalog_new(git, &head, error);
	git_repository_free(git);
	return catalog;
}

/* `NAME=PATH@VERSION`, with `!` where there is a problem. */
static char *text_of(const struct component_catalog *catalog)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < catalog->entries->len; i++) {
		const struct catalog_entry *entry = catalog->entries->pdata[i];

		g_string_append_printf(text, "%s%s=%s@%s%s", i > 0 ? " " : "", entry->name,
			entry->path, entry->version ? entry->version : "",
			entry->problem ? "!" : "");
	}
	return g_string_free(text, FALSE);
}

static void assert_catalog(struct git_fixture *fixture, const char *script, const char *expected)
{
	g_autoptr(GError) error = NULL;
	scoped(component_catalog) catalog = catalog_of(fixture, script, &error);
	g_autofree char *text = NULL;

	g_assert_no_error(error);
	text = text_of(catalog);
	g_assert_cmpstr(text, ==, expected);
}

static void test_folders(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	assert_catalog(fixture, "", "");
	assert_catalog(fixture,
		FILE_OF("components/tools/z", "zed", "1.0.0") FILE_OF("components/prompts/a", "ay",
			"2.0.0") FILE_OF("components/agents/m", "em", "3.0.0")
			FILE_OF("components/others/n", "no", "1.0.0")
				FILE_OF("components/tools/deep/er", "no", "1.0.0")
					WRITE("components/tools/file", "x"),
		"ay=components/prompts/a@2.0.0 em=components/agents/m@3.0.0 "
		"zed=components/tools/z@1.0.0");
	assert_catalog(fixture, FILE_OF(".", "root", "1.0.0"), "root=@1.0.0");
}

static void test_a_broken_one_does_not_hide_the_others(
	struct git_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(component_catalog) catalog = catalog_of(fixture,
		FILE_OF("components/tools/a", "good", "1.0.0") FILE_OF("components/tools/b", "bad",
			"one") "mkdir components/tools/c; "
			       "ln -s ../a/component.yaml components/tools/c/component.yaml; ",
		&error);
	g_autofree char *text = NULL;

	(void)unused;
	g_assert_no_error(error);
	text = text_of(catalog);
	g_assert_cmpstr(text, ==,
		"b=components/tools/b@! c=components/tools/c@! good=components/tools/a@1.0.0");
	g_assert_nonnull(component_catalog_find(catalog, "good", &error));
	g_assert_null(component_catalog_find(catalog, "b", &error));
	g_assert_cmpstr(error->message, ==,
		"components/tools/b/component.yaml:4: metadata.version: expected a version such as "
		"1.2.3");
	g_clear_error(&error);
	g_assert_null(component_catalog_find(catalog, "c", &error));
	g_assert_cmpstr(error->message, ==, "components/tools/c/component.yaml: is no file");
	g_clear_error(&error);
	g_assert_null(component_catalog_find(catalog, "goood", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND);
	g_assert_cmpstr(error->message, ==,
		"the repository has no component 'goood'; did you mean 'good'?");
}

static void test_two_of_one_name_are_refused(struct git_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_null(catalog_of(fixture,
		FILE_OF("components/tools/a", "same", "1.0.0")
			FILE_OF("components/agents/b", "same", "1.0.0"),
		&error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	g_assert_cmpstr(error->message, ==,
		"two components of the repository are called 'same': in 'components/agents/b' and in "
		"'components/tools/a'");
}

static void test_the_manifest_counts_alone(struct git_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(component_catalog) catalog = catalog_of(fixture,
		FILE_OF("components/tools/hidden", "hidden", "1.0.0") FILE_OF("lib/x", "x", "1.2.3")
			WRITE("forge-manifest.yaml",
				"components:\\n  tools:\\n  - {name: x, path: lib/x, version: "
				"1.2.3, stability: beta, yanked: [1.0.0]}\\n  - {name: gone}\\n  - "
				"{name: whole, path: .}\\n  - {name: file, path: "
				"lib/x/component.yaml}\\n"),
		&error);
	g_autofree char *text = NULL;
	const struct catalog_entry *entry;
	g_auto(GStrv) yanked = NULL;
	git_oid tree = git_fixture_oid(fixture, "r", "HEAD:lib/x");

	(void)unused;
	g_assert_no_error(error);
	text = text_of(catalog);
	g_assert_cmpstr(text, ==,
		"file=lib/x/component.yaml@! gone=components/tools/gone@! whole=@ x=lib/x@1.2.3");
	entry = component_catalog_find(catalog, "x", &error);
	g_assert_true(git_oid_equal(&entry->tree, &tree));
	g_assert_cmpstr(entry->stability, ==, "beta");
	yanked = component_catalog_yanked(catalog, entry);
	g_assert_cmpstr(yanked[0], ==, "1.0.0");
	g_assert_null(component_catalog_find(catalog, "gone", &error));
	g_assert_cmpstr(error->message, ==,
		"forge-manifest.yaml says that 'gone' is in 'components/tools/gone', which is no "
		"folder of the repository");
}

static void test_a_wrong_manifest_is_refused(struct git_fixture *fixture, gconstpointer unused)
{
	static const struct {
		const char *script, *message;
	} rows[] = {
		{WRITE("forge-manifest.yaml", "components: 3\\n"),
			"forge-manifest.yaml:1: components: expected a map of keys"},
		{WRITE("forge-manifest.yaml", "components: {tools: [{name: a, path: ../x}]}\\n"),
			"forge-manifest.yaml:1: components.tools[0].path: must not leave the "
			"repository"},
		{"ln -s /etc/passwd forge-manifest.yaml; ", "forge-manifest.yaml: is no file"},
		{"head -c 2000000 /dev/zero > forge-manifest.yaml; ",
			"forge-manifest.yaml: larger than 1048576 bytes"},
	};

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(catalog_of(fixture, rows[i].script, &error));
		g_assert_cmpstr(error->message, ==, rows[i].message);
	}
}

static void test_a_component_is_read_from_its_tree(
	struct git_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(component_catalog) catalog = catalog_of(
		fixture, FILE_OF("components/tools/a", "a", "1.0.0") WRITE("b/x", "x"), &error);
	g_autofree char *path = g_build_filename(fixture->folder, "r", NULL);
	const struct catalog_entry *entry = component_catalog_find(catalog, "a", &error);
	git_oid empty = git_fixture_oid(fixture, "r", "HEAD:b");
	git_oid nowhere = {{7}};
	git_repository *git = NULL;
	scoped(component_file) file = NULL;

	(void)unused;
	g_assert_cmpint(git_repository_open(&git, path), ==, 0);
	file = component_catalog_read(git, &entry->tree, entry->path, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(file->version, ==, "1.0.0");
	g_assert_null(component_catalog_read(git, &empty, "b", &error));
	g_assert_cmpstr(error->message, ==, "b/component.yaml: is not there");
	g_clear_error(&error);
	g_assert_null(component_catalog_new(git, &nowhere, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	git_repository_free(git);
}

#define ADD(name, function) \
	g_test_add("/component_catalog/" name, struct git_fixture, NULL, git_fixture_set_up, \
		function, git_fixture_tear_down)

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	git_library_start();
	ADD("without_a_manifest_three_folders_are_looked_through", test_folders);
	ADD("a_broken_one_does_not_hide_the_others", test_a_broken_one_does_not_hide_the_others);
	ADD("two_of_one_name_are_refused", test_two_of_one_name_are_refused);
	ADD("the_manifest_counts_alone", test_the_manifest_counts_alone);
	ADD("a_wrong_manifest_is_refused", test_a_wrong_manifest_is_refused);
	ADD("a_component_is_read_from_its_tree", test_a_component_is_read_from_its_tree);
	status = g_test_run();
	git_library_stop();
	return status;
}
