/* forge.lock as a graph, also one that somebody edited by hand. */
#include "worker/dependency/lock_graph.h"

#include <string.h>

#include "journal/base/clock.h"

#define COMMIT "a1b2c3d4e5f6789012345678901234567890abcd"

/* LISTED: names with an optional constraint (`a=^1 b`); LOCKED: `a:b,c b: c:` with what each needs. */
static struct lock_graph *graph_of(const char *listed, const char *locked)
{
	struct wanted_file wanted = {g_ptr_array_new_with_free_func(g_free)};
	struct lock_file file = {g_ptr_array_new_with_free_func(g_free)};
	g_auto(GStrv) wishes = g_strsplit(listed, " ", -1);
	g_auto(GStrv) lines = g_strsplit(locked, " ", -1);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	struct lock_graph *graph;

	for (char **wish = wishes; *wish && **wish; wish++) {
		struct wanted_component *one = g_new0(struct wanted_component, 1);
		char **parts = g_strsplit(*wish, "=", 2);

		g_ptr_array_add(texts, parts);
		one->component = parts[0];
		one->constraint = parts[1];
		g_ptr_array_add(wanted.components, one);
	}
	for (char **line = lines; *line && **line; line++) {
		struct locked_component *one = g_new0(struct locked_component, 1);
		char **parts = g_strsplit(*line, ":", 2);
		char **needs = g_strsplit(parts[1], ",", -1);

		g_ptr_array_add(texts, parts);
		g_ptr_array_add(texts, needs);
		one->component = parts[0];
		one->commit = (char *)COMMIT;
		one->version = strcmp(parts[0], "branch") == 0 ? NULL : (char *)"1.0.0";
		one->dependencies = needs;
		g_ptr_array_add(file.components, one);
	}
	graph = lock_graph_new(&wanted, &file);
	g_ptr_array_unref(wanted.components);
	g_ptr_array_unref(file.components);
	return graph;
}

/* A line each, indented by depth: `name@shown (constraint)`, `?` where it is not in the lock, `…`. */
static char *tree_of(const struct lock_graph *graph)
{
	g_autoptr(GArray) lines = lock_graph_tree(graph);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < lines->len; i++) {
		const struct graph_line *line = &g_array_index(lines, struct graph_line, i);

		for (guint depth = 1; depth <= line->depth; depth++)
			g_string_append_c(text, line->last >> depth & 1 ? '-' : '|');
		g_string_append_printf(text, "%s%s%s%s%s\n", line->component,
			line->shown ? "" : "?", *line->constraint ? " " : "", line->constraint,
			line->again ? " again" : "");
	}
	return g_string_free(text, FALSE);
}

static char *paths_to(const struct lock_graph *graph, const char *name, guint most)
{
	g_autoptr(GPtrArray) paths = lock_graph_paths(graph, name, most);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < paths->len; i++) {
		const GArray *path = paths->pdata[i];

		for (guint j = 0; j < path->len; j++)
			g_string_append_printf(text, "%s%s",
				j           ? ">"
					: i ? " "
					    : "",
				g_array_index(path, struct graph_line, j).component);
	}
	return g_string_free(text, FALSE);
}

static void assert_tree(const char *listed, const char *locked, const char *expected)
{
	scoped(lock_graph) graph = graph_of(listed, locked);
	g_autofree char *text = tree_of(graph);

	g_assert_cmpstr(text, ==, expected);
}

static void assert_paths(
	const char *listed, const char *locked, const char *name, guint most, const char *expected)
{
	scoped(lock_graph) graph = graph_of(listed, locked);
	g_autofree char *text = paths_to(graph, name, most);

	g_assert_cmpstr(text, ==, expected);
}

static void assert_only_for(
	const char *listed, const char *locked, const char *name, const char *expected)
{
	scoped(lock_graph) graph = graph_of(listed, locked);
	g_auto(GStrv) names = lock_graph_only_for(graph, name);
	g_autofree char *text = g_strjoinv(" ", names);

	g_assert_cmpstr(text, ==, expected);
}

/* ---- the tree ----------------------------------------------------------------------------- */

static void a_tree_stands_below_what_is_listed(void)
{
	assert_tree("", "", "");
	assert_tree("", "a:b b:", "");
	assert_tree("b a", "b: a:c,d c:d d:",
		"a\n"
		"|c\n"
		"|-d\n"
		"-d\n"
		"b\n");
}

static void needs_are_shown_once_and_constraints_where_they_are_known(void)
{
	scoped(lock_graph) graph = graph_of("a=^1 b", "a:c b:c c:d d:");
	g_autofree char *text = NULL;

	lock_graph_say(graph, "a", "c", "~1.2");
	lock_graph_say(graph, "a", "d", "^9");
	lock_graph_say(graph, "nobody", "c", "^9");
	lock_graph_say(graph, "c", "d", "^3");
	lock_graph_say(graph, "c", "d", NULL);
	text = tree_of(graph);
	g_assert_cmpstr(text, ==,
		"a ^1\n"
		"-c ~1.2\n"
		"--d\n"
		"b\n"
		"-c again\n");
}

static void circles_and_names_that_lead_nowhere_end(void)
{
	assert_tree("a", "a:a", "a\n-a again\n");
	assert_tree("a", "a:b b:a,c", "a\n-b\n-|a again\n--c?\n");
	assert_tree("missing", "a:", "");
}

static void a_component_without_a_version_is_shown_by_its_commit(void)
{
	scoped(lock_graph) graph = graph_of("branch", "branch: a:");

	g_assert_cmpstr(lock_graph_find(graph, "branch")->shown, ==, "a1b2c3d");
	g_assert_cmpstr(lock_graph_find(graph, "a")->shown, ==, "1.0.0");
	g_assert_null(lock_graph_find(graph, "b"));
}

static char *chain(guint length)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < length; i++)
		g_string_append_printf(text, "%sc%03u:", i ? " " : "", i);
	for (guint i = length - 1; i > 0; i--) {
		g_autofree char *need = g_strdup_printf("c%03u", i);
		g_autofree char *before = g_strdup_printf("c%03u:", i - 1);
		char *at = strstr(text->str, before);

		g_string_insert(text, at - text->str + (gssize)strlen(before), need);
	}
	return g_string_free(text, FALSE);
}

static void a_chain_of_any_length_is_drawn_to_its_end_or_as_deep_as_promised(void)
{
	g_autofree char *text = chain(200);
	scoped(lock_graph) graph = graph_of("c000", text);
	g_autoptr(GArray) lines = lock_graph_tree(graph);
	g_autoptr(GPtrArray) paths = lock_graph_paths(graph, "c199", 10);
	g_auto(GStrv) names = lock_graph_only_for(graph, "c000");

	g_assert_cmpuint(lines->len, ==, 64);
	g_assert_cmpuint(paths->len, ==, 1);
	g_assert_cmpuint(((GArray *)paths->pdata[0])->len, ==, 200);
	g_assert_cmpuint(g_strv_length(names), ==, 199);
}

/* ---- paths -------------------------------------------------------------------------------- */

static void every_way_is_found_from_the_top(void)
{
	assert_paths("a b", "a:c,d b:d c:d d:", "d", 100, "a>c>d a>d b>d");
	assert_paths("a d", "a:d d:", "d", 100, "a>d d");
	assert_paths("a", "a: b:", "b", 100, "");
	assert_paths("a", "a:", "nobody", 100, "");
}

static void a_name_that_is_needed_and_not_locked_has_its_ways_too(void)
{
	assert_paths("a", "a:b b:lost", "lost", 100, "a>b>lost");
}

static void no_way_goes_in_a_circle(void)
{
	assert_paths("a", "a:b b:a,c c:b", "c", 100, "a>b>c");
	assert_paths("a", "a:a", "a", 100, "a");
	assert_paths("a", "a:b b:a", "a", 100, "a");
}

static void no_more_ways_than_asked_for_are_found(void)
{
	/* A diamond of 40 layers: 2^40 ways. */
	g_autoptr(GString) text = g_string_new("top:l0,r0");
	scoped(lock_graph) graph = NULL;
	g_autoptr(GPtrArray) paths = NULL;

	for (guint i = 0; i < 40; i++)
		g_string_append_printf(
			text, " l%u:l%u,r%u r%u:l%u,r%u", i, i + 1, i + 1, i, i + 1, i + 1);
	g_string_append(text, " l40:end r40:end end:");
	graph = graph_of("top", text->str);
	paths = lock_graph_paths(graph, "end", 1000);
	g_assert_cmpuint(paths->len, ==, 1000);
	for (guint i = 0; i < paths->len; i++)
		g_assert_cmpuint(((GArray *)paths->pdata[i])->len, ==, 43);
}

/* Components that all need each other and, to get on, only the one the way came from: no way leads
 * through them, and there are 24! that try. */
static void a_tangle_of_circles_is_given_up_in_time(void)
{
	enum { COUNT = 24 };
	g_autoptr(GString) text = g_string_new("top:");
	int64_t begin_ms = clock_now().monotonic_ms;
	scoped(lock_graph) graph = NULL;
	g_autofree char *paths = NULL;

	for (guint i = 0; i < COUNT; i++)
		g_string_append_printf(text, "k%02u,", i);
	g_string_append(text, "target target:");
	for (guint i = 0; i < COUNT; i++) {
		g_string_append_printf(text, " k%02u:", i);
		for (guint j = 0; j < COUNT; j++)
			if (j != i)
				g_string_append_printf(text, "k%02u,", j);
		g_string_append(text, "top");
	}
	graph = graph_of("top", text->str);
	paths = paths_to(graph, "target", 1000);
	g_assert_true(strcmp(paths, "top>target") == 0 || *paths == '\0');
	g_assert_cmpint(clock_now().monotonic_ms - begin_ms, <, 5000);
	assert_paths("top", "top:a,target a:b,top b:a,top target:", "target", 1000, "top>target");
}

/* ---- what goes with a component ----------------------------------------------------------- */

static void what_only_one_needs_goes_with_it(void)
{
	assert_only_for("a b", "a:c,d b:d c:e d: e:", "a", "c e");
	assert_only_for("a b", "a:c,d b:d c:e d: e:", "b", "");
	assert_only_for("a", "a:", "a", "");
	assert_only_for("a", "a:b b:", "nobody", "");
}

static void what_is_listed_stays(void)
{
	assert_only_for("a c", "a:b b:c c:", "a", "b");
}

static void what_nothing_ever_needed_stays_with_what_it_needs(void)
{
	assert_only_for("a", "a:c c: lone:c", "a", "");
}

static void a_circle_that_only_one_needs_goes_as_a_whole(void)
{
	assert_only_for("a b", "a:c b: c:d d:c", "a", "c d");
	assert_only_for("a b", "a:c b:d c:d d:c", "a", "");
	assert_only_for("a", "a:b b:a", "a", "b");
}

#define ADD(name) g_test_add_func("/lock_graph/" #name, name)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(a_tree_stands_below_what_is_listed);
	ADD(needs_are_shown_once_and_constraints_where_they_are_known);
	ADD(circles_and_names_that_lead_nowhere_end);
	ADD(a_component_without_a_version_is_shown_by_its_commit);
	ADD(a_chain_of_any_length_is_drawn_to_its_end_or_as_deep_as_promised);
	ADD(every_way_is_found_from_the_top);
	ADD(a_name_that_is_needed_and_not_locked_has_its_ways_too);
	ADD(no_way_goes_in_a_circle);
	ADD(no_more_ways_than_asked_for_are_found);
	ADD(a_tangle_of_circles_is_given_up_in_time);
	ADD(what_only_one_needs_goes_with_it);
	ADD(what_is_listed_stays);
	ADD(what_nothing_ever_needed_stays_with_what_it_needs);
	ADD(a_circle_that_only_one_needs_goes_as_a_whole);
	return g_test_run();
}
