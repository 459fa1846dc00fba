/* What a lock does not have of what its components need; and who needs whom, in words. */
#include <glib.h>
#include <string.h>

#include "cli/render_needs.h"
#include "worker/dependency/lock_graph.h"

static char *menu_first[] = {(char *)"mail", (char *)"menu", NULL};
static char *nothing[] = {NULL};

static const struct locked_component all[] = {
	{.component = (char *)"user",
		.version = (char *)"1.0.0",
		.commit = (char *)"1111111111111111111111111111111111111111",
		.dependencies = menu_first},
	{.component = (char *)"menu",
		.version = (char *)"1.3.2",
		.commit = (char *)"2222222222222222222222222222222222222222",
		.dependencies = nothing},
	{.component = (char *)"mail", /* on a branch */
		.commit = (char *)"3333333333333333333333333333333333333333",
		.dependencies = nothing},
};

/* A lock of the first COUNT components. */
static struct lock_graph *graph_of(size_t count)
{
	g_autoptr(GPtrArray) components = g_ptr_array_new();
	g_autoptr(GPtrArray) listed = g_ptr_array_new();
	const struct wanted_file wanted = {listed};
	const struct lock_file locked = {components};

	for (size_t i = 0; i < count; i++)
		g_ptr_array_add(components, (gpointer)&all[i]);
	return lock_graph_new(&wanted, &locked);
}

/* `menu ^2 here 1.3.2; …` */
static char *unmet_of(const struct lock_graph *graph, const char *name)
{
	g_autoptr(GArray) unmet = lock_graph_unmet(graph, name);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < unmet->len; i++) {
		const struct unmet_need *need = &g_array_index(unmet, struct unmet_need, i);

		g_string_append_printf(text, "%s%s %s here %s", i ? "; " : "", need->component,
			need->constraint, need->here ? need->here : "-");
	}
	return g_string_free(text, FALSE);
}

static void a_need_is_met_by_a_version_that_its_constraint_allows(void)
{
	static const struct {
		const char *constraint;
		const char *unmet;
	} rows[] = {
		{NULL, ""},
		{"", ""},
		{"~1.3.0", ""},
		{"1.3.2", ""},
		{"^2.0.0", "menu ^2.0.0 here 1.3.2"},
		{"<1.3.2", "menu <1.3.2 here 1.3.2"},
		{"1.3.3", "menu 1.3.3 here 1.3.2"},
		{"latest", ""},
		{"main", ""},
		{"@2222222222222222222222222222222222222222", ""},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		scoped(lock_graph) graph = graph_of(G_N_ELEMENTS(all));
		g_autofree char *unmet = NULL;

		lock_graph_say(graph, "user", "menu", rows[i].constraint);
		unmet = unmet_of(graph, "user");
		g_assert_cmpstr(unmet, ==, rows[i].unmet);
	}
}

static void what_is_not_locked_is_unmet_whatever_its_constraint(void)
{
	scoped(lock_graph) graph = graph_of(1);
	g_autofree char *unmet = NULL;
	g_autofree char *nobody = NULL;

	lock_graph_say(graph, "user", "menu", "^1");
	unmet = unmet_of(graph, "user");
	g_assert_cmpstr(unmet, ==, "mail  here -; menu ^1 here -");
	nobody = unmet_of(graph, "nobody");
	g_assert_cmpstr(nobody, ==, "");
}

static void a_branch_is_the_version_that_its_file_says(void)
{
	scoped(lock_graph) graph = graph_of(G_N_ELEMENTS(all));
	g_autofree char *unknown = NULL;
	g_autofree char *known = NULL;

	lock_graph_say(graph, "user", "mail", "^2");
	unknown = unmet_of(graph, "user");
	g_assert_cmpstr(unknown, ==, "");
	lock_graph_say_version(graph, "mail", "1.9.0");
	lock_graph_say_version(graph, "menu", "9.9.9");
	known = unmet_of(graph, "user");
	g_assert_cmpstr(known, ==, "mail ^2 here 1.9.0");
	g_assert_cmpstr(lock_graph_find(graph, "mail")->shown, ==, "3333333");
	g_assert_cmpstr(lock_graph_find(graph, "menu")->version, ==, "1.3.2");
}

static void needs_are_told_both_ways(void)
{
	scoped(lock_graph) graph = graph_of(2);
	g_autofree char *needs = NULL;
	g_autofree char *needed_by = NULL;

	lock_graph_say(graph, "user", "menu", "^1");
	needs = render_needs(graph, "user");
	g_assert_cmpstr(needs, ==, "mail is not here, menu 1.3.2 (^1)");
	needed_by = render_needed_by(graph, "menu");
	g_assert_cmpstr(needed_by, ==, "user 1.0.0 (^1)");
	g_assert_null(render_needs(graph, "menu"));
	g_assert_null(render_needed_by(graph, "user"));
	g_assert_null(render_needs(graph, "nobody"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(test) g_test_add_func("/unmet_needs/" #test, test)
	ADD(a_need_is_met_by_a_version_that_its_constraint_allows);
	ADD(what_is_not_locked_is_unmet_whatever_its_constraint);
	ADD(a_branch_is_the_version_that_its_file_says);
	ADD(needs_are_told_both_ways);
	return g_test_run();
}
