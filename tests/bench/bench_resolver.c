/*
 * How long it takes to choose versions: `value` is the worst of some universes, made from fixed seeds. One JSON object a line.
 *
 *  - resolver_100x50: 100 components with 50 versions each, all of them asked for. First, so cold.
 *  - resolver_growth_N: the same for N components; `exponent` is the growth since the last.
 *  - resolver_registry: components and versions as registries have them (few that everything needs,
 *    many that nothing needs); each is asked for once, together with three popular ones.
 *  - resolver_hard_N: N components whose requirements are about as tight as makes it hardest to say
 *    whether there is a solution: there is none, for few or for most of the universes. Most of the
 *    time goes into the explanation.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/solver_universe.h"

static gint64 now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (gint64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What one question took. */
struct taken {
	double ms;
	gboolean solved;
	guint64 conflicts, steps;
};

static struct taken ask(struct solver_universe *universe, const GArray *asked)
{
	struct solver_provider provider = solver_universe_provider(universe);
	g_autofree struct solver_requirement *requirements = g_new0(
		struct solver_requirement, asked->len);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	struct solver_question question = {
		.requirements = requirements, .n_requirements = asked->len};
	g_autoptr(GError) error = NULL;
	struct taken taken = {0};
	gint64 start_us;

	for (guint i = 0; i < asked->len; i++) {
		const struct universe_need *need = &g_array_index(asked, struct universe_need, i);

		g_ptr_array_add(texts, solver_universe_constraint(need));
		requirements[i] = (struct solver_requirement){
			.package = universe->names->pdata[need->package],
			.constraint = texts->pdata[i],
			.origin = "forge.yaml",
		};
	}
	start_us = now_us();
	scoped(solver_result) result = solver_solve(&question, &provider, &error);

	g_assert_no_error(error);
	taken.ms = (double)(now_us() - start_us) / 1000;
	taken.solved = result->choices != NULL;
	taken.conflicts = result->conflicts;
	taken.steps = result->steps;
	return taken;
}

/* A need of PACKAGE in a run of its versions that is so WIDE (of 1) on average. */
static struct universe_need any_need(
	GRand *chance, const struct solver_universe *universe, guint package, double wide)
{
	guint candidates = solver_universe_candidates(universe, package);
	guint width = (guint)(wide * candidates * g_rand_double_range(chance, 0.5, 1.5));
	guint first;

	width = CLAMP(width, 1, candidates);
	first = (guint)g_rand_int_range(chance, 0, (gint)(candidates - width) + 1);
	return (struct universe_need){package, first, first + width - 1};
}

/* COMPONENTS of VERSIONS each, which need NEEDS later ones; a new version mostly needs what the one
 * before does. */
static struct solver_universe *layered(
	GRand *chance, guint components, guint versions, guint needs, double wide)
{
	struct solver_universe *universe = solver_universe_new();

	for (guint i = 0; i < components; i++)
		solver_universe_add(universe, versions);
	for (guint i = 0; i + 1 < components; i++) {
		for (guint k = 0; k < needs; k++) {
			struct universe_need need = {0};
			guint other = (guint)g_rand_int_range(
				chance, (gint)i + 1, (gint)MIN(components, i + 30));

			for (guint j = 0; j < versions; j++) {
				if (j == 0 || g_rand_int_range(chance, 0, 5) == 0)
					need = any_need(chance, universe, other, wide);
				solver_universe_need(universe, i, j, &need);
			}
		}
	}
	return universe;
}

static GArray *ask_for(guint from, guint to, const struct solver_universe *universe)
{
	GArray *asked = g_array_new(FALSE, FALSE, sizeof(struct universe_need));

	for (guint i = from; i < to; i++) {
		struct universe_need need = {i, 0, solver_universe_candidates(universe, i) - 1};

		g_array_append_val(asked, need);
	}
	return asked;
}

static int by_ms(const void *a, const void *b)
{
	double first = ((const struct taken *)a)->ms, second = ((const struct taken *)b)->ms;

	return (first > second) - (first < second);
}

static void report(const char *name, struct taken *runs, guint n, const char *more)
{
	guint solved = 0;

	for (guint i = 0; i < n; i++)
		solved += runs[i].solved ? 1 : 0;
	qsort(runs, n, sizeof(*runs), by_ms);
	printf("{\"name\": \"%s\", \"value\": %.3f, \"unit\": \"ms\", \"median\": %.3f, \"runs\": %u, "
	       "\"solved\": %u, \"conflicts\": %" G_GUINT64_FORMAT "%s}\n",
		name, runs[n - 1].ms, runs[n / 2].ms, n, solved, runs[n - 1].conflicts, more);
	fflush(stdout);
}

/* Returns the mean, in milliseconds; BEFORE_MS is that of half as many components, or 0. */
static double bench_layered(const char *name, guint components, double before_ms)
{
	struct taken runs[20];
	g_autofree char *more = NULL;
	double sum_ms = 0;

	for (guint i = 0; i < G_N_ELEMENTS(runs); i++) {
		g_autoptr(GRand) chance = g_rand_new_with_seed(i);
		scoped(solver_universe) universe = layered(chance, components, 50, 3, 0.8);
		g_autoptr(GArray) asked = ask_for(0, components, universe);

		runs[i] = ask(universe, asked);
		sum_ms += runs[i].ms;
	}
	sum_ms /= (double)G_N_ELEMENTS(runs);
	if (before_ms > 0)
		more = g_strdup_printf(", \"exponent\": %.2f", log2(sum_ms / before_ms));
	report(name, runs, G_N_ELEMENTS(runs), more ? more : "");
	return sum_ms;
}

static void bench_registry(void)
{
	enum { COMPONENTS = 2000 };
	g_autoptr(GRand) chance = g_rand_new_with_seed(7);
	scoped(solver_universe) universe = solver_universe_new();
	g_autofree struct taken *runs = g_new0(struct taken, COMPONENTS);

	for (guint i = 0; i < COMPONENTS; i++) {
		double skew = g_rand_double(chance);

		solver_universe_add(universe, 1 + (guint)(120 * skew * skew * skew));
	}
	for (guint i = 1; i < COMPONENTS; i++) {
		guint candidates = solver_universe_candidates(universe, i);
		guint needs = (guint)g_rand_int_range(chance, 0, 9);

		for (guint k = 0; k < needs; k++) {
			double skew = g_rand_double(chance);
			/* The first components are those that the others need. */
			guint other = (guint)(i * skew * skew * skew);
			struct universe_need need = {0};

			for (guint j = 0; j < candidates; j++) {
				guint others = solver_universe_candidates(universe, other);
				/* Old versions need old versions: a caret over what was new then. */
				guint first = (guint)((double)j / candidates * others);

				if (j == 0 || g_rand_int_range(chance, 0, 4) == 0)
					need = (struct universe_need){other,
						g_rand_int_range(chance, 0, 3) ? 0 : first,
						MIN(others - 1, first + others / 3)};
				solver_universe_need(universe, i, j, &need);
			}
		}
	}
	for (guint i = 0; i < COMPONENTS; i++) {
		g_autoptr(GArray) asked = ask_for(i, i + 1, universe);

		for (guint k = 0; k < 3; k++) {
			guint other = (guint)g_rand_int_range(chance, 0, 60);
			struct universe_need need = any_need(chance, universe, other, 0.7);

			g_array_append_val(asked, need);
		}
		runs[i] = ask(universe, asked);
	}
	report("resolver_registry", runs, COMPONENTS, "");
}

/* Each version needs others anywhere above; so wide that about half of the universes are solvable. */
static void bench_hard(const char *name, guint components, guint versions, guint needs, double wide)
{
	struct taken runs[40];

	for (guint i = 0; i < G_N_ELEMENTS(runs); i++) {
		g_autoptr(GRand) chance = g_rand_new_with_seed(i);
		scoped(solver_universe) universe = solver_universe_new();
		g_autoptr(GArray) asked = NULL;

		for (guint j = 0; j < components; j++)
			solver_universe_add(universe, versions);
		for (guint j = 0; j + 1 < components; j++) {
			for (guint k = 0; k < versions * needs; k++) {
				struct universe_need need = any_need(chance, universe,
					(guint)g_rand_int_range(
						chance, (gint)j + 1, (gint)components),
					wide);

				solver_universe_need(universe, j, k / needs, &need);
			}
		}
		asked = ask_for(0, components, universe);
		runs[i] = ask(universe, asked);
	}
	report(name, runs, G_N_ELEMENTS(runs), "");
}

int main(void)
{
	double before_ms;

	bench_layered("resolver_100x50", 100, 0);
	before_ms = bench_layered("resolver_growth_100", 100, 0);
	before_ms = bench_layered("resolver_growth_200", 200, before_ms);
	bench_layered("resolver_growth_400", 400, before_ms);
	bench_registry();
	bench_hard("resolver_hard_40_none", 40, 20, 3, 0.30);
	bench_hard("resolver_hard_40_few", 40, 20, 3, 0.35);
	bench_hard("resolver_hard_40_most", 40, 20, 3, 0.38);
	bench_hard("resolver_hard_80", 80, 20, 3, 0.39);
	return 0;
}
