/* component.yaml and forge-manifest.yaml: what they say, and one row for each way to be wrong. */
#include <glib.h>
#include <string.h>

#include "worker/component/component_file.h"
#include "worker/component/component_manifest.h"

static const struct document_origin origin = {
	.name = "component.yaml", .invalid = FORGE_ERROR_VALIDATION_FAILED};

static const char whole[] = "apiVersion: forge.dev/v1\n"
			    "kind: Tool                      # Tool | Prompt | Agent\n"
			    "metadata:\n"
			    "  name: salesforce-lookup\n"
			    "  version: 2.1.3\n"
			    "  description: Query Salesforce CRM for customer data\n"
			    "  author: company-team\n"
			    "  license: MIT\n"
			    "  labels: {anything: goes}\n"
			    "config:\n"
			    "  timeout: 30\n"
			    "spec: {kept: as it is}\n"
			    "dependencies:\n"
			    "  tools:\n"
			    "    - repository: github.com/tools/communication\n"
			    "      component: email-composer\n"
			    "      version_constraint: ^1.3.0\n"
			    "      resolved_version: 1.3.2\n"
			    "      commit: a1b2c3d4e5f6789012345678901234567890abcd\n"
			    "      resolved_at: 2026-01-15T10:30:00Z\n"
			    "  prompts: []\n"
			    "  agents:\n"
			    "    - {component: helper, version: 1.2}\n";

static struct component_file *parse(const char *text, GPtrArray *problems, GError **error)
{
	return component_file_parse(&origin, text, strlen(text), problems, error);
}

static void test_every_field_is_read(void)
{
	g_autoptr(GError) error = NULL;
	scoped(component_file) file = parse(whole, NULL, &error);
	const struct component_dependency *dependency;

	g_assert_no_error(error);
	g_assert_cmpint(file->kind, ==, COMPONENT_TOOL);
	g_assert_cmpstr(file->name, ==, "salesforce-lookup");
	g_assert_cmpstr(file->version, ==, "2.1.3");
	g_assert_cmpstr(file->description, ==, "Query Salesforce CRM for customer data");
	g_assert_cmpstr(file->author, ==, "company-team");
	g_assert_cmpstr(file->license, ==, "MIT");
	g_assert_cmpint(value_integer(value_get(file->config, "timeout")), ==, 30);
	g_assert_cmpuint(file->dependencies->len, ==, 2);
	dependency = file->dependencies->pdata[0];
	g_assert_cmpint(dependency->kind, ==, COMPONENT_TOOL);
	g_assert_cmpstr(dependency->repository, ==, "github.com/tools/communication");
	g_assert_cmpstr(dependency->component, ==, "email-composer");
	g_assert_cmpstr(dependency->constraint, ==, "^1.3.0");
	g_assert_cmpstr(dependency->resolved_version, ==, "1.3.2");
	g_assert_cmpstr(dependency->commit, ==, "a1b2c3d4e5f6789012345678901234567890abcd");
	g_assert_cmpstr(dependency->resolved_at, ==, "2026-01-15T10:30:00Z");
	g_assert_cmpuint(dependency->line, ==, 15);
}

static void test_version_is_an_alias_and_a_number_counts_as_written(void)
{
	scoped(component_file) file = parse(whole, NULL, NULL);
	const struct component_dependency *dependency = file->dependencies->pdata[1];

	g_assert_cmpint(dependency->kind, ==, COMPONENT_AGENT);
	g_assert_cmpstr(dependency->constraint, ==, "1.2");
	g_assert_null(dependency->repository);
}

static void test_dependencies_under_spec_count(void)
{
	g_autoptr(GError) error = NULL;
	scoped(component_file) file = parse(
		"metadata: {name: a, version: 1.0.0}\n"
		"dependencies: {tools: [{component: b}]}\n"
		"spec: {dependencies: {prompts: [{component: c, version: main}]}, other: [1]}\n",
		NULL, &error);
	const struct component_dependency *dependency;

	g_assert_no_error(error);
	g_assert_cmpint(file->kind, ==, COMPONENT_UNKNOWN);
	g_assert_cmpuint(file->dependencies->len, ==, 2);
	dependency = file->dependencies->pdata[1];
	g_assert_cmpstr(dependency->component, ==, "c");
	g_assert_cmpint(dependency->kind, ==, COMPONENT_PROMPT);
}

#define META "metadata: {name: a, version: 1.0.0}\n"

static const struct {
	const char *text;
	const char *problems; /* without the file's name, `; ` between them */
} refusals[] = {
	{"", "1: expected a map of keys"},
	{"[]", "1: expected a map of keys"},
	{"a: b: c", "1: "},
	{"kind: Tool", "1: metadata: is missing"},
	{"metadata:", "1: metadata: is missing"},
	{"metadata: text", "1: metadata: expected a map of keys"},
	{"metadata: {}", "1: metadata.name: is missing; 1: metadata.version: is missing"},
	{"metadata:\n  name: Bad\n  version: 1.2",
		"2: metadata.name: must begin with a small letter or a digit; "
		"3: metadata.version: expected a version such as 1.2.3"},
	{"metadata: {name: a b, version: v1.0.0}",
		"1: metadata.name: may hold small letters, digits, '.', '_' and '-' only; "
		"1: metadata.version: expected a version such as 1.2.3"},
	{"metadata: {name: '', version: true}",
		"1: metadata.name: must not be empty; 1: metadata.version: expected text"},
	{"kind: Skill\n" META, "1: kind: expected one of Tool, Prompt, Agent"},
	{"apiVersion: forge.dev/v2\n" META, "1: apiVersion: expected forge.dev/v1"},
	{META "config: 3", "2: config: expected a map of keys"},
	{META "dependancies: {}", "2: dependancies: unknown key; did you mean 'dependencies'?"},
	{META "dependencies: []", "2: dependencies: expected a map of keys"},
	{META "dependencies:\n  skills: []",
		"3: dependencies.skills: unknown key; expected tools, prompts or agents"},
	{META "dependencies: {tools: {}}", "2: dependencies.tools: expected a list"},
	{META "dependencies:\n  tools:\n  - a", "4: dependencies.tools[0]: expected a map of keys"},
	{META "dependencies:\n  tools:\n  - component: b\n    version: '>>1'",
		"5: dependencies.tools[0].version: expected a range of versions (^1.2), latest, "
		"@COMMIT, a tag or a branch"},
	{META "dependencies:\n  tools:\n  - {repository: r/o/n}",
		"4: dependencies.tools[0].component: is missing"},
	{META "dependencies:\n  tools:\n  - component: b\n    version: 1.0.0\n    "
	      "version_constraint: ^1",
		"5: dependencies.tools[0].version: differs from version_constraint, which means the "
		"same"},
	{META "dependencies:\n  tools:\n  - component: b\n    verison_constraint: ^1",
		"5: dependencies.tools[0].verison_constraint: unknown key; did you mean "
		"'version_constraint'?"},
	{META "dependencies:\n  tools:\n  - component: b\n  agents:\n  - component: b",
		"6: dependencies.agents[0]: the same component as in line 4"},
	{META "dependencies:\n  tools:\n  - component: b\n    repository: --upload-pack=x",
		"5: dependencies.tools[0].repository: must not begin with a dash"},
	{META "dependencies:\n  tools:\n  - component: b\n    commit: zz",
		"5: dependencies.tools[0].commit: expected the id of a commit"},
	{META "spec: {dependencies: {tools: 1}}", "2: spec.dependencies.tools: expected a list"},
};

static void test_all_that_is_wrong_is_listed(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
		scoped(component_file) file = parse(refusals[i].text, problems, &error);
		GString *found = g_string_new(NULL);

		g_test_message("%s", refusals[i].text);
		g_assert_null(file);
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		g_assert_cmpuint(problems->len, >, 0);
		g_assert_true(g_str_has_prefix(error->message, problems->pdata[0]));
		for (guint j = 0; j < problems->len; j++)
			g_string_append_printf(found, "%s%s", j > 0 ? "; " : "",
				(const char *)problems->pdata[j] + strlen("component.yaml:"));
		if (g_str_has_suffix(refusals[i].problems, ": "))
			g_string_truncate(found, strlen(refusals[i].problems));
		g_assert_cmpstr(found->str, ==, refusals[i].problems);
		g_string_free(found, TRUE);
	}
}

static void test_the_error_counts_the_other_problems(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(parse("metadata: {}", NULL, &error));
	g_assert_cmpstr(
		error->message, ==, "component.yaml:1: metadata.name: is missing (and 1 more)");
}

static void test_endless_problems_are_bounded(void)
{
	g_autoptr(GString) text = g_string_new(META "dependencies:\n  tools:\n");
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 500; i++)
		g_string_append(text, "  - {}\n");
	g_assert_null(parse(text->str, problems, &error));
	g_assert_cmpuint(problems->len, ==, 100);
	g_assert_true(g_str_has_suffix(error->message, "(and 499 more)"));
}

static void test_keys_of_others_are_let_be(void)
{
	g_autoptr(GError) error = NULL;
	scoped(component_file)
		file = parse(META "x-team: 7\nowners: [a]\nconfig: {depth: {a: [1]}}\nspec: text\n",
			NULL, &error);

	g_assert_no_error(error);
	g_assert_nonnull(file);
}

/* ---- the manifest ---- */

static struct component_manifest *parse_manifest(const char *text, GError **error)
{
	static const struct document_origin manifest = {
		.name = "m", .invalid = FORGE_ERROR_VALIDATION_FAILED};

	return component_manifest_parse(&manifest, text, strlen(text), error);
}

static void test_manifest_is_read(void)
{
	g_autoptr(GError) error = NULL;
	scoped(component_manifest) manifest = parse_manifest(
		"name: crm-tools\nyanked: [0.9.0, lookup@1.0.0, other@1.1.0]\n"
		"components:\n  agents:\n  - name: clerk\n    path: ./agents//clerk/\n"
		"  tools:\n  - name: lookup\n    version: 2.1.3\n    description: d\n"
		"    stability: stable\n    yanked: [2.1.0, 2.1.1]\n"
		"  - {name: gone, version: 3.0.0, yanked: true}\n  - {name: root, path: .}\n",
		&error);
	const struct manifest_component *lookup, *component;
	g_auto(GStrv) yanked = NULL;
	g_autofree char *joined = NULL;

	g_assert_no_error(error);
	g_assert_cmpuint(manifest->components->len, ==, 4);
	lookup = manifest->components->pdata[0];
	g_assert_cmpstr(lookup->name, ==, "lookup");
	g_assert_cmpint(lookup->kind, ==, COMPONENT_TOOL);
	g_assert_cmpstr(lookup->path, ==, "components/tools/lookup");
	g_assert_cmpstr(lookup->version, ==, "2.1.3");
	g_assert_cmpstr(lookup->description, ==, "d");
	g_assert_cmpstr(lookup->stability, ==, "stable");
	yanked = component_manifest_yanked(manifest, lookup);
	joined = g_strjoinv(" ", yanked);
	g_assert_cmpstr(joined, ==, "2.1.0 2.1.1 0.9.0 1.0.0");
	component = manifest->components->pdata[1];
	g_assert_cmpstr(component->yanked[0], ==, "3.0.0");
	component = manifest->components->pdata[2];
	g_assert_cmpstr(component->path, ==, "");
	component = manifest->components->pdata[3];
	g_assert_cmpstr(component->path, ==, "agents/clerk");
	g_assert_cmpint(component->kind, ==, COMPONENT_AGENT);
}

static void test_an_empty_manifest_lists_nothing(void)
{
	static const char *const texts[] = {"", "{}", "components:", "components: {tools: }"};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		scoped(component_manifest) manifest = parse_manifest(texts[i], NULL);

		g_assert_nonnull(manifest);
		g_assert_cmpuint(manifest->components->len, ==, 0);
	}
}

static const struct {
	const char *text;
	const char *message;
} wrong_manifests[] = {
	{"[]", "m:1: expected a map of keys"},
	{"components: []", "m:1: components: expected a map of keys"},
	{"component: {}", "m:1: component: unknown key; did you mean 'components'?"},
	{"components: {tool: []}", "m:1: components.tool: unknown key; did you mean 'tools'?"},
	{"components: {tools: [{}]}", "m:1: components.tools[0].name: is missing"},
	{"components:\n  tools:\n  - {name: a}\n  agents:\n  - {name: a, path: x}",
		"m:5: components.agents[0].name: 'a' is in line 3 already, as 'components/tools/a', "
		"and here as 'x'"},
	{"components: {tools: [{name: a, yanked: true}]}",
		"m:1: components.tools[0].yanked: says true, but no version stands beside it"},
	{"components: {tools: [{name: a, yanked: [x]}]}",
		"m:1: components.tools[0].yanked[0]: expected a version such as 1.2.3"},
	{"yanked: ['^1']", "m:1: yanked[0]: expected a version such as 1.2.3"},
	{"components: {tools: [{name: a, path: }]}",
		"m:1: components.tools[0].path: must not be empty"},
};

static void test_wrong_manifests(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(wrong_manifests); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(parse_manifest(wrong_manifests[i].text, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		g_assert_cmpstr(error->message, ==, wrong_manifests[i].message);
	}
}

static const struct {
	const char *path;
	const char *clean; /* NULL: refused */
} paths[] = {
	{"components/tools/a", "components/tools/a"},
	{"./a//b/./c/", "a/b/c"},
	{".", ""},
	{"./", ""},
	{"a b", "a b"},
	{".github/x", ".github/x"},
	{".gitignore", ".gitignore"},
	{"a..b", "a..b"},
	{"...x", "...x"},
	{"", NULL},
	{"/a", NULL},
	{"//a", NULL},
	{"C:/a", NULL},
	{"c:a", NULL},
	{"..", NULL},
	{"a/../b", NULL},
	{"a/..", NULL},
	{"a/.. /b", NULL},
	{"a/...", NULL},
	{".git", NULL},
	{"a/.git/b", NULL},
	{".GIT", NULL},
	{".Git/hooks", NULL},
	{".git.", NULL},
	{".git ", NULL},
	{".git . ", NULL},
	{".git::$INDEX_ALLOCATION", NULL},
	{"git~1", NULL},
	{"GIT~1/x", NULL},
	{".g\xe2\x80\x8cit", NULL},
	{"\xef\xbb\xbf.git", NULL},
	{"a\\b", NULL},
	{"..\\a", NULL},
	{"a\nb", NULL},
	{"a\x1b[2J", NULL},
};

static void test_paths(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		const char *wrong = component_path_wrong(paths[i].path);
		g_autofree char *clean = wrong ? NULL : component_path_clean(paths[i].path);

		g_test_message("%s", paths[i].path);
		g_assert_cmpstr(clean, ==, paths[i].clean);
	}
}

static void test_a_hostile_file_ends_soon(void)
{
	g_autofree char *deep = g_strnfill(100000, '[');
	g_autofree char *key = g_strnfill(100000, 'a');
	g_autofree char *long_key = g_strconcat(META, key, ": 1\n", NULL);
	g_autofree char *long_name = g_strconcat("metadata: {name: ", key, "}", NULL);
	static const char odd[] = "metadata: {name: \xff\xfe}";
	g_autoptr(GError) error = NULL;

	g_assert_null(parse(deep, NULL, NULL));
	g_assert_null(parse(long_name, NULL, NULL));
	g_assert_null(parse(odd, NULL, &error));
	g_assert_cmpstr(error->message, ==, "component.yaml:1: not UTF-8");
	component_file_free(parse(long_key, NULL, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/component_file/every_field_is_read", test_every_field_is_read);
	g_test_add_func("/component_file/version_is_an_alias_and_a_number_counts_as_written",
		test_version_is_an_alias_and_a_number_counts_as_written);
	g_test_add_func("/component_file/dependencies_under_spec_count",
		test_dependencies_under_spec_count);
	g_test_add_func(
		"/component_file/all_that_is_wrong_is_listed", test_all_that_is_wrong_is_listed);
	g_test_add_func("/component_file/the_error_counts_the_other_problems",
		test_the_error_counts_the_other_problems);
	g_test_add_func(
		"/component_file/endless_problems_are_bounded", test_endless_problems_are_bounded);
	g_test_add_func(
		"/component_file/keys_of_others_are_let_be", test_keys_of_others_are_let_be);
	g_test_add_func("/component_file/a_hostile_file_ends_soon", test_a_hostile_file_ends_soon);
	g_test_add_func("/component_manifest/is_read", test_manifest_is_read);
	g_test_add_func("/component_manifest/an_empty_one_lists_nothing",
		test_an_empty_manifest_lists_nothing);
	g_test_add_func("/component_manifest/wrong_ones_are_refused", test_wrong_manifests);
	g_test_add_func("/component_name/paths_that_lead_elsewhere_are_refused", test_paths);
	return g_test_run();
}
