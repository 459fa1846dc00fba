/* Packages for the solver that need no names, versions or files: for random tests and measurements. */
#include "tests/support/solver_universe.h"

#include <stdio.h>

struct solver_universe *solver_universe_new(void)
{
	struct solver_universe *universe = g_new0(struct solver_universe, 1);

	universe->packages = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	universe->names = g_ptr_array_new_with_free_func(g_free);
	universe->numbers = g_hash_table_new(g_str_hash, g_str_equal);
	return universe;
}

void solver_universe_free(struct solver_universe *universe)
{
	if (!universe)
		return;
	g_hash_table_unref(universe->numbers);
	g_ptr_array_unref(universe->packages);
	g_ptr_array_unref(universe->names);
	g_free(universe);
}

guint solver_universe_add(struct solver_universe *universe, guint candidates)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	char *name = g_strdup_printf("p%03u", universe->packages->len);

	for (guint i = 0; i < candidates; i++)
		g_ptr_array_add(list, g_array_new(FALSE, FALSE, sizeof(struct universe_need)));
	g_ptr_array_add(universe->packages, list);
	g_ptr_array_add(universe->names, name);
	g_hash_table_insert(universe->numbers, name, GUINT_TO_POINTER(universe->packages->len));
	return universe->packages->len - 1;
}

guint solver_universe_candidates(const struct solver_universe *universe, guint package)
{
	return ((GPtrArray *)universe->packages->pdata[package])->len;
}

const GArray *solver_universe_needs(
	const struct solver_universe *universe, guint package, guint candidate)
{
	return ((GPtrArray *)universe->packages->pdata[package])->pdata[candidate];
}

void solver_universe_need(struct solver_universe *universe, guint package, guint candidate,
	const struct universe_need *need)
{
	g_array_append_val(
		((GPtrArray *)universe->packages->pdata[package])->pdata[candidate], *need);
}

char *solver_universe_constraint(const struct universe_need *need)
{
	return g_strdup_printf("%u..%u", need->first, need->last);
}

static guint number_of(const struct solver_universe *universe, const char *package)
{
	guint number = GPOINTER_TO_UINT(g_hash_table_lookup(universe->numbers, package));

	g_assert_cmpuint(number, >, 0);
	return number - 1;
}

static gboolean tell_candidates(
	void *user_data, const char *package, struct solver_answer *answer, GError **error)
{
	struct solver_universe *universe = user_data;
	guint candidates = solver_universe_candidates(universe, number_of(universe, package));

	(void)error;
	universe->questions++;
	for (guint i = 0; i < candidates; i++) {
		char text[32];

		g_snprintf(text, sizeof(text), "%u.0.0", candidates - i);
		solver_answer_candidate(answer, text, SOLVER_CANDIDATE_PLAIN);
	}
	return TRUE;
}

static gboolean tell_allowed(void *user_data, const char *package, const char *constraint,
	struct solver_answer *answer, GError **error)
{
	struct solver_universe *universe = user_data;
	guint first, last;

	(void)package;
	(void)error;
	universe->questions++;
	g_assert_cmpint(sscanf(constraint, "%u..%u", &first, &last), ==, 2);
	for (guint i = first; i <= last; i++)
		solver_answer_allow(answer, i);
	return TRUE;
}

static gboolean tell_dependencies(void *user_data, const char *package, guint candidate,
	struct solver_answer *answer, GError **error)
{
	struct solver_universe *universe = user_data;
	const GArray *needs = solver_universe_needs(
		universe, number_of(universe, package), candidate);

	(void)error;
	universe->questions++;
	for (guint i = 0; i < needs->len; i++) {
		const struct universe_need *need = &g_array_index(needs, struct universe_need, i);
		g_autofree char *constraint = solver_universe_constraint(need);

		solver_answer_need(answer, universe->names->pdata[need->package], constraint);
	}
	return TRUE;
}

struct solver_provider solver_universe_provider(struct solver_universe *universe)
{
	return (struct solver_provider){
		.user_data = universe,
		.candidates = tell_candidates,
		.allowed = tell_allowed,
		.dependencies = tell_dependencies,
	};
}
