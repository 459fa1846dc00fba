/* forge.yaml and forge.lock: what they say, and what stays of a person's text when they change. */
#include <glib.h>
#include <string.h>

#include "worker/component/workspace_edit.h"

#define OID1 "a1b2c3d4e5f6789012345678901234567890abcd"
#define OID2 "77c1c3d4e5f6789012345678901234567890abcd"
#define OID3 "0000000000000000000000000000000000000007"
#define TIME "2026-01-15T10:30:00Z"

static const struct document_origin origin = {
	.name = "f", .invalid = FORGE_ERROR_VALIDATION_FAILED};

static struct wanted_file *parse_wanted(const char *text, GError **error)
{
	return wanted_file_parse(&origin, text, strlen(text), error);
}

static struct lock_file *parse_lock(const char *text, GError **error)
{
	return lock_file_parse(&origin, text, strlen(text), error);
}

/* ---- forge.yaml ---- */

static const char wanted[] =
	"# what we use\n"
	"components:\n"
	"  # the old one\n"
	"  - component: salesforce-lookup   # do not touch\n"
	"    repository: github.com/company/crm-tools\n"
	"    version_constraint: ^2.1.0\n"
	"\n"
	"  - {repository: github.com/tools/mail, component: composer, version: main}\n"
	"# the end\n";

static void test_wanted_components_are_read(void)
{
	g_autoptr(GError) error = NULL;
	scoped(wanted_file) file = parse_wanted(wanted, &error);
	const struct wanted_component *component;

	g_assert_no_error(error);
	g_assert_cmpuint(file->components->len, ==, 2);
	component = wanted_file_find(file, "composer");
	g_assert_cmpstr(component->repository, ==, "github.com/tools/mail");
	g_assert_cmpstr(component->constraint, ==, "main");
	g_assert_null(component->path);
	g_assert_null(wanted_file_find(file, "none"));
}

static void test_an_empty_file_wants_nothing(void)
{
	static const char *const texts[] = {"", "# nothing\n", "components:\n", "components: []\n"};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		scoped(wanted_file) file = parse_wanted(texts[i], NULL);

		g_assert_nonnull(file);
		g_assert_cmpuint(file->components->len, ==, 0);
	}
}

static const struct {
	const char *text;
	const char *message;
} wrong_wanted[] = {
	{"[]", "f:1: expected a map of keys"},
	{"component: []", "f:1: component: unknown key; did you mean 'components'?"},
	{"components: {}", "f:1: components: expected a list"},
	{"components:\n- a", "f:2: components[0]: expected a map of keys"},
	{"components:\n- component: a", "f:2: components[0].repository: is missing"},
	{"components:\n- {component: a, repository: r/o/n}\n- {component: a, repository: s/o/n}",
		"f:3: components[1].component: 'a' is in line 2 already; a workspace holds a name "
		"once, whatever the repository"},
	{"components:\n- {component: a, repository: r/o/n, path: ../x}",
		"f:2: components[0].path: must not leave the repository"},
	{"components:\n- {component: a, repository: 'https://u:pw@h/o/n'}",
		"f:2: components[0].repository: must not hold a password or token; git's credential "
		"helpers or hosts.HOST.token_env have them"},
};

static void test_wrong_files_are_refused_by_line(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(wrong_wanted); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(parse_wanted(wrong_wanted[i].text, &error));
		g_assert_cmpstr(error->message, ==, wrong_wanted[i].message);
	}
}

static struct wanted_component want(
	const char *repository, const char *name, const char *constraint)
{
	return (struct wanted_component){.repository = (char *)repository,
		.component = (char *)name,
		.constraint = (char *)constraint};
}

static void test_the_first_component_makes_the_file(void)
{
	struct wanted_component component = want("github.com/o/n", "a", "^1.2");
	static const char *const texts[] = {NULL, "", "components: []\n", "components:\n"};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *text = workspace_wanted_add(
			"f", texts[i], &component, NULL, &error);

		g_assert_no_error(error);
		g_assert_cmpstr(text, ==,
			"components:\n  - repository: github.com/o/n\n    component: a\n"
			"    version_constraint: ^1.2\n");
	}
}

static void test_adding_leaves_the_rest_alone(void)
{
	struct wanted_component component = want("github.com/o/n", "a", NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *text = workspace_wanted_add("f", wanted, &component, NULL, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==,
		"# what we use\n"
		"components:\n"
		"  # the old one\n"
		"  - component: salesforce-lookup   # do not touch\n"
		"    repository: github.com/company/crm-tools\n"
		"    version_constraint: ^2.1.0\n"
		"\n"
		"  - {repository: github.com/tools/mail, component: composer, version: main}\n"
		"  - repository: github.com/o/n\n"
		"    component: a\n"
		"# the end\n");
}

static void test_a_component_comes_before_the_one_named(void)
{
	struct wanted_component component = want("github.com/o/n", "a", NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *text = workspace_wanted_add("f", wanted, &component, "composer", &error);
	g_autofree char *end = NULL;
	g_autofree char *same = NULL;

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==,
		"# what we use\n"
		"components:\n"
		"  # the old one\n"
		"  - component: salesforce-lookup   # do not touch\n"
		"    repository: github.com/company/crm-tools\n"
		"    version_constraint: ^2.1.0\n"
		"\n"
		"  - repository: github.com/o/n\n"
		"    component: a\n"
		"  - {repository: github.com/tools/mail, component: composer, version: main}\n"
		"# the end\n");
	end = workspace_wanted_add("f", wanted, &component, NULL, &error);
	same = workspace_wanted_add("f", wanted, &component, "no-such", &error);
	g_assert_cmpstr(end, ==, same);
}

static void test_windows_line_ends_stay(void)
{
	struct wanted_component component = want("r/o/n", "b", "1.x");
	g_autoptr(GError) error = NULL;
	g_autofree char *text = workspace_wanted_add("f",
		"components:\r\n  - repository: r/o/n # x\r\n    component: a\r\n", &component,
		NULL, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==,
		"components:\r\n  - repository: r/o/n # x\r\n    component: a\r\n"
		"  - repository: r/o/n\r\n    component: b\r\n    version_constraint: '1.x'\r\n");
}

static void test_a_name_is_wanted_once(void)
{
	struct wanted_component component = want("github.com/other/one", "composer", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_null(workspace_wanted_add("f", wanted, &component, NULL, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS);
	g_assert_cmpstr(error->message, ==, "f:8: 'composer' is wanted already");
}

static void test_removing_takes_the_component_alone(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = workspace_wanted_remove("f", wanted, "composer", &error);
	g_autofree char *empty = NULL;
	scoped(wanted_file) file = NULL;

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==,
		"# what we use\n"
		"components:\n"
		"  # the old one\n"
		"  - component: salesforce-lookup   # do not touch\n"
		"    repository: github.com/company/crm-tools\n"
		"    version_constraint: ^2.1.0\n"
		"\n"
		"# the end\n");
	empty = workspace_wanted_remove("f", text, "salesforce-lookup", &error);
	g_assert_no_error(error);
	file = parse_wanted(empty, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(file->components->len, ==, 0);
	g_assert_true(g_str_has_prefix(empty, "# what we use\n"));
}

static void test_an_unknown_name_is_answered_with_a_near_one(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(workspace_wanted_remove("f", wanted, "compozer", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND);
	g_assert_cmpstr(
		error->message, ==, "f has no component 'compozer'; did you mean 'composer'?");
}

static const struct {
	const char *component, *constraint;
	const char *before, *after; /* the line that changes */
} constraints[] = {
	{"salesforce-lookup", "^3", "version_constraint: ^2.1.0\n", "version_constraint: ^3\n"},
	{"salesforce-lookup", "^2.1.0", "", ""},
	{"salesforce-lookup", NULL, "    version_constraint: ^2.1.0\n", ""},
	{"composer", ">=1 <2", "version: main}", "version: \">=1 <2\"}"},
	{"composer", "1.2.3", "version: main}", "version: 1.2.3}"},
	{"composer", NULL, ", version: main}", "}"},
};

static void test_a_constraint_is_set_where_it_stands(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(constraints); i++) {
		g_autoptr(GError) error = NULL;
		scoped(wanted_file) before = parse_wanted(wanted, &error);
		struct wanted_component changed = *wanted_file_find(
			before, constraints[i].component);
		g_autoptr(GString) expected = g_string_new(wanted);
		g_autofree char *text = NULL;
		scoped(wanted_file) file = NULL;

		changed.constraint = (char *)constraints[i].constraint;
		text = workspace_wanted_set("f", wanted, &changed, &error);
		g_assert_no_error(error);
		g_test_message("%s", text);
		if (*constraints[i].before)
			g_string_replace(expected, constraints[i].before, constraints[i].after, 1);
		file = parse_wanted(text, &error);
		g_assert_cmpstr(wanted_file_find(file, constraints[i].component)->constraint, ==,
			constraints[i].constraint);
		g_assert_cmpstr(text, ==, expected->str);
	}
}

/* ---- forge.lock ---- */

static struct locked_component lock(const char *name, const char *version, const char *commit)
{
	return (struct locked_component){.component = (char *)name,
		.repository = (char *)"github.com/company/crm-tools",
		.path = (char *)"components/tools/x",
		.version = (char *)version,
		.commit = (char *)commit,
		.tree = (char *)OID2,
		.resolved_at = (char *)TIME};
}

static const char locked[] = "version: 1\n"
			     "components:\n"
			     "  - component: a\n"
			     "    repository: github.com/company/crm-tools\n"
			     "    path: components/tools/x\n"
			     "    version: 2.1.3\n"
			     "    commit: " OID1 "\n"
			     "    tree: " OID2 "\n"
			     "    resolved_at: " TIME "\n"
			     "    dependencies: [b, c]\n"
			     "  - component: b\n"
			     "    repository: github.com/company/crm-tools\n"
			     "    path: components/tools/x\n"
			     "    commit: '" OID3 "'\n"
			     "    tree: " OID2 "\n"
			     "    resolved_at: " TIME "\n"
			     "    dependencies: []\n";

static void test_the_lock_has_its_layout_whatever_the_order(void)
{
	char *dependencies[] = {(char *)"c", (char *)"b", NULL};
	struct locked_component a = lock("a", "2.1.3", OID1), b = lock("b", NULL, OID3);
	g_autoptr(GPtrArray) components = g_ptr_array_new();
	g_autofree char *text = NULL;

	a.dependencies = dependencies;
	g_ptr_array_add(components, &b);
	g_ptr_array_add(components, &a);
	text = lock_file_write(components);
	g_assert_cmpstr(text, ==, locked);
}

static void test_the_lock_is_read_back(void)
{
	g_autoptr(GError) error = NULL;
	scoped(lock_file) file = parse_lock(locked, &error);
	g_autofree char *text = NULL;

	g_assert_no_error(error);
	g_assert_cmpstr(lock_file_find(file, "b")->commit, ==, OID3);
	g_assert_null(lock_file_find(file, "b")->version);
	g_assert_cmpstr(lock_file_find(file, "a")->dependencies[1], ==, "c");
	text = lock_file_write(file->components);
	g_assert_cmpstr(text, ==, locked);
}

static void test_an_empty_lock_holds_nothing(void)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autofree char *text = lock_file_write(none);
	scoped(lock_file) file = parse_lock(text, NULL);
	scoped(lock_file) nothing = parse_lock("", NULL);

	g_assert_cmpstr(text, ==, "version: 1\ncomponents: []\n");
	g_assert_cmpuint(file->components->len, ==, 0);
	g_assert_cmpuint(nothing->components->len, ==, 0);
}

static void test_odd_values_are_read_back(void)
{
	static const char *const paths[] = {"", "a b", "1.0", "true", "xx: y", "#x", "- a",
		"a, [b]", "0x1f", "~", "'a'", "\xc3\xa4"};
	static const char *const ids[] = {OID1, OID3, "1234567890123456789012345678901234567890",
		"12345678901234567890123456789012345678e5",
		"ee00000000000000000000000000000000000000"};

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		struct locked_component component = lock(
			"1.0", "1.0.0", ids[i % G_N_ELEMENTS(ids)]);
		char *dependencies[] = {(char *)"1e3", (char *)"null", (char *)"yes", NULL};
		g_autoptr(GPtrArray) one = g_ptr_array_new();
		g_autofree char *text = NULL;
		g_autoptr(GError) error = NULL;
		scoped(lock_file) file = NULL;
		const struct locked_component *back;

		component.path = (char *)paths[i];
		component.dependencies = dependencies;
		g_ptr_array_add(one, &component);
		text = lock_file_write(one);
		file = parse_lock(text, &error);
		g_assert_no_error(error);
		back = lock_file_find(file, "1.0");
		g_assert_true(locked_component_same_place(back, &component));
		g_assert_cmpstr(back->dependencies[0], ==, "1e3");
		g_assert_cmpuint(g_strv_length(back->dependencies), ==, 3);
	}
}

static const struct {
	const char *text;
	const char *message;
} wrong_locks[] = {
	{"components: []", "f:1: version: is missing"},
	{"version: one", "f:1: version: expected a whole number"},
	{"version: 2\ncomponents: []",
		"f:1: version: another forge wrote this, whose locks this one cannot read"},
	{"version: 1\nother: 3", "f:2: other: unknown key"},
	{"version: 1\ncomponents:\n- {component: a, repository: r/o/n, path: p, commit: abc, tree: "
	 "'" OID1 "', resolved_at: '" TIME "'}",
		"f:3: components[0].commit: expected an object id of 40 hexadecimal digits"},
	{"version: 1\ncomponents:\n- {component: a, repository: r/o/n, path: .git, commit: " OID1
	 ", tree: " OID1 ", resolved_at: '" TIME "'}",
		"f:3: components[0].path: must not lead into .git"},
	{"version: 1\ncomponents:\n- {component: a, repository: r/o/n, path: p, commit: " OID1
	 ", tree: " OID1 ", resolved_at: soon}",
		"f:3: components[0].resolved_at: expected a time such as 2026-01-15T10:30:00Z"},
};

static void test_wrong_locks_are_refused_by_line(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(wrong_locks); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(parse_lock(wrong_locks[i].text, &error));
		g_assert_cmpstr(error->message, ==, wrong_locks[i].message);
	}
}

static char *set_one(const char *text, const struct locked_component *component, GError **error)
{
	g_autoptr(GPtrArray) one = g_ptr_array_new();

	g_ptr_array_add(one, (gpointer)component);
	return workspace_lock_set("f", text, one, error);
}

static void test_a_lock_grown_entry_by_entry_has_the_same_bytes(void)
{
	static const char *const orders[] = {"a b c d", "d c b a", "c a d b", "b d a c"};
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	struct locked_component components[4];
	g_autofree char *expected = NULL;

	for (int i = 0; i < 4; i++) {
		static const char *const names[] = {"a", "b", "c", "d"};

		components[i] = lock(names[i], i % 2 ? NULL : "1.0.0", OID1);
		g_ptr_array_add(all, &components[i]);
	}
	expected = lock_file_write(all);
	for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
		g_autofree char *text = NULL;

		for (const char *name = orders[i]; *name; name += name[1] ? 2 : 1) {
			g_autoptr(GError) error = NULL;
			char *next = set_one(text, &components[*name - 'a'], &error);

			g_assert_no_error(error);
			g_free(text);
			text = next;
		}
		g_assert_cmpstr(text, ==, expected);
	}
}

static void test_time_stays_where_nothing_moved(void)
{
	char *dependencies[] = {(char *)"c", (char *)"b", NULL};
	struct locked_component a = lock("a", "2.1.3", OID1);
	g_autoptr(GError) error = NULL;
	g_autofree char *same = NULL;
	g_autofree char *moved = NULL;
	g_autoptr(GString) expected = g_string_new(locked);

	a.dependencies = dependencies;
	a.resolved_at = (char *)"2026-02-01T00:00:00Z";
	same = set_one(locked, &a, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(same, ==, locked);

	a.version = (char *)"2.2.0";
	a.commit = (char *)OID3;
	moved = set_one(locked, &a, &error);
	g_assert_no_error(error);
	g_string_replace(expected, "2.1.3", "2.2.0", 1);
	g_string_replace(expected, OID1, "'" OID3 "'", 1);
	g_string_replace(expected, TIME, "2026-02-01T00:00:00Z", 1);
	g_assert_cmpstr(moved, ==, expected->str);
}

static void test_a_version_comes_and_goes(void)
{
	struct locked_component b = lock("b", "1.0.0", OID3);
	g_autoptr(GError) error = NULL;
	g_autofree char *with = set_one(locked, &b, &error);
	g_autofree char *without = NULL;
	scoped(lock_file) file = NULL;

	g_assert_no_error(error);
	file = parse_lock(with, &error);
	g_assert_cmpstr(lock_file_find(file, "b")->version, ==, "1.0.0");
	b.version = NULL;
	without = set_one(with, &b, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(without, ==, locked);
}

static void test_comments_in_the_lock_survive(void)
{
	static const char text[] =
		"# ours\nversion: 1\ncomponents:\n  # second\n  - component: b # x\n"
		"    repository: r/o/n\n    path: p\n    commit: " OID1 "\n    tree: " OID1
		"\n    resolved_at: " TIME "\n    dependencies: []\n";
	struct locked_component a = lock("a", "1.0.0", OID1);
	g_autoptr(GError) error = NULL;
	g_autofree char *added = set_one(text, &a, &error);
	g_autofree char *removed = NULL;

	g_assert_no_error(error);
	g_assert_nonnull(strstr(added, "# ours\n"));
	g_assert_nonnull(strstr(added, "  # second\n  - component: b # x\n"));
	removed = workspace_lock_remove("f", added, "a", &error);
	g_assert_no_error(error);
	g_assert_cmpstr(removed, ==, text);
}

static void test_a_lock_of_comments_keeps_them(void)
{
	struct locked_component a = lock("a", "1.0.0", OID1);
	g_autoptr(GError) error = NULL;
	g_autofree char *text = set_one("# ours\n", &a, &error);
	scoped(lock_file) file = NULL;

	g_assert_no_error(error);
	g_assert_true(g_str_has_prefix(text, "# ours\n"));
	file = parse_lock(text, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(file->components->len, ==, 1);
}

static void test_removing_an_unknown_name_says_so(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(workspace_lock_remove("f", NULL, "a", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wanted/components_are_read", test_wanted_components_are_read);
	g_test_add_func("/wanted/an_empty_file_wants_nothing", test_an_empty_file_wants_nothing);
	g_test_add_func(
		"/wanted/wrong_files_are_refused_by_line", test_wrong_files_are_refused_by_line);
	g_test_add_func("/wanted/the_first_component_makes_the_file",
		test_the_first_component_makes_the_file);
	g_test_add_func("/wanted/adding_leaves_the_rest_alone", test_adding_leaves_the_rest_alone);
	g_test_add_func("/wanted/a_component_comes_before_the_one_named",
		test_a_component_comes_before_the_one_named);
	g_test_add_func("/wanted/windows_line_ends_stay", test_windows_line_ends_stay);
	g_test_add_func("/wanted/a_name_is_wanted_once", test_a_name_is_wanted_once);
	g_test_add_func("/wanted/removing_takes_the_component_alone",
		test_removing_takes_the_component_alone);
	g_test_add_func("/wanted/an_unknown_name_is_answered_with_a_near_one",
		test_an_unknown_name_is_answered_with_a_near_one);
	g_test_add_func("/wanted/a_constraint_is_set_where_it_stands",
		test_a_constraint_is_set_where_it_stands);
	g_test_add_func("/lock/has_its_layout_whatever_the_order",
		test_the_lock_has_its_layout_whatever_the_order);
	g_test_add_func("/lock/is_read_back", test_the_lock_is_read_back);
	g_test_add_func("/lock/an_empty_one_holds_nothing", test_an_empty_lock_holds_nothing);
	g_test_add_func("/lock/odd_values_are_read_back", test_odd_values_are_read_back);
	g_test_add_func(
		"/lock/wrong_ones_are_refused_by_line", test_wrong_locks_are_refused_by_line);
	g_test_add_func("/lock/grown_entry_by_entry_has_the_same_bytes",
		test_a_lock_grown_entry_by_entry_has_the_same_bytes);
	g_test_add_func(
		"/lock/time_stays_where_nothing_moved", test_time_stays_where_nothing_moved);
	g_test_add_func("/lock/a_version_comes_and_goes", test_a_version_comes_and_goes);
	g_test_add_func("/lock/comments_survive", test_comments_in_the_lock_survive);
	g_test_add_func("/lock/one_of_comments_keeps_them", test_a_lock_of_comments_keeps_them);
	g_test_add_func(
		"/lock/removing_an_unknown_name_says_so", test_removing_an_unknown_name_says_so);
	return g_test_run();
}
