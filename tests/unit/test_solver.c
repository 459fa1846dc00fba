/*
 * The solver against an exhaustive search over small random universes, circles included; and what it
 * makes of providers that fail, change their minds or answer in another order. Explanations word by
 * word are in test_solver_explanation.c, larger universes in tests/e2e/test_resolve_oracle.py.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "tests/support/solver_universe.h"

#define ABSENT (-1)
#define PACKAGES_MAX 5
#define RUNS 4000

/* ---- exhaustively ---- */

struct trial {
	struct solver_universe *universe;
	GArray *asked; /* of struct universe_need */
	int chosen[PACKAGES_MAX];
};

static guint packages_of(const struct trial *trial)
{
	return trial->universe->packages->len;
}

static gboolean is_met(const struct trial *trial, const struct universe_need *need)
{
	int chosen = trial->chosen[need->package];

	return chosen != ABSENT && (guint)chosen >= need->first && (guint)chosen <= need->last;
}

/* Takes away packages that need none of those that are left, until none is taken; what remains needs
 * itself. */
static gboolean has_circle(const struct trial *trial)
{
	gboolean left[PACKAGES_MAX], taken = TRUE, any = FALSE;

	for (guint i = 0; i < packages_of(trial); i++)
		left[i] = trial->chosen[i] != ABSENT;
	while (taken) {
		taken = any = FALSE;
		for (guint i = 0; i < packages_of(trial); i++) {
			gboolean free = left[i];

			for (guint j = 0; left[i] && j < PACKAGES_MAX * 2; j++) {
				const GArray *needs = solver_universe_needs(
					trial->universe, i, (guint)trial->chosen[i]);

				if (j < needs->len &&
					left[g_array_index(needs, struct universe_need, j).package])
					free = FALSE;
			}
			if (free) {
				left[i] = FALSE;
				taken = TRUE;
			}
			any = any || left[i];
		}
	}
	return any;
}

static gboolean is_solution(const struct trial *trial)
{
	for (guint i = 0; i < trial->asked->len; i++)
		if (!is_met(trial, &g_array_index(trial->asked, struct universe_need, i)))
			return FALSE;
	for (guint i = 0; i < packages_of(trial); i++) {
		const GArray *needs;

		if (trial->chosen[i] == ABSENT)
			continue;
		needs = solver_universe_needs(trial->universe, i, (guint)trial->chosen[i]);
		for (guint j = 0; j < needs->len; j++)
			if (!is_met(trial, &g_array_index(needs, struct universe_need, j)))
				return FALSE;
	}
	return !has_circle(trial);
}

static gboolean any_solution(struct trial *trial, guint package)
{
	if (package == packages_of(trial))
		return is_solution(trial);
	for (int i = ABSENT; i < (int)solver_universe_candidates(trial->universe, package); i++) {
		trial->chosen[package] = i;
		if (any_solution(trial, package + 1))
			return TRUE;
	}
	return FALSE;
}

/* ---- random universes ---- */

static struct universe_need any_need(
	GRand *chance, const struct solver_universe *universe, guint package)
{
	guint candidates = solver_universe_candidates(universe, package);
	guint first = (guint)g_rand_int_range(chance, 0, (gint)candidates);

	return (struct universe_need){
		package, first, (guint)g_rand_int_range(chance, (gint)first, (gint)candidates)};
}

static void make_trial(struct trial *trial, GRand *chance)
{
	guint packages = (guint)g_rand_int_range(chance, 1, PACKAGES_MAX + 1);

	trial->universe = solver_universe_new();
	trial->asked = g_array_new(FALSE, FALSE, sizeof(struct universe_need));
	for (guint i = 0; i < packages; i++)
		solver_universe_add(trial->universe, (guint)g_rand_int_range(chance, 1, 5));
	for (guint i = 0; i < packages; i++) {
		for (guint j = 0; j < solver_universe_candidates(trial->universe, i); j++) {
			for (gint k = g_rand_int_range(chance, 0, 3); k > 0; k--) {
				struct universe_need need = any_need(chance, trial->universe,
					(guint)g_rand_int_range(chance, 0, (gint)packages));

				solver_universe_need(trial->universe, i, j, &need);
			}
		}
	}
	for (gint i = g_rand_int_range(chance, 1, 3); i > 0; i--) {
		struct universe_need need = any_need(chance, trial->universe,
			(guint)g_rand_int_range(chance, 0, (gint)packages));

		g_array_append_val(trial->asked, need);
	}
}

static void end_trial(struct trial *trial)
{
	solver_universe_free(trial->universe);
	g_array_unref(trial->asked);
}

static struct solver_result *solve(
	struct trial *trial, const struct solver_provider *provider, GError **error)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autofree struct solver_requirement *requirements = g_new0(
		struct solver_requirement, trial->asked->len);
	struct solver_question question = {
		.requirements = requirements, .n_requirements = trial->asked->len, .advise = TRUE};

	for (guint i = 0; i < trial->asked->len; i++) {
		const struct universe_need *need = &g_array_index(
			trial->asked, struct universe_need, i);

		g_ptr_array_add(texts, solver_universe_constraint(need));
		requirements[i] = (struct solver_requirement){
			.package = trial->universe->names->pdata[need->package],
			.constraint = texts->pdata[i],
			.origin = "forge.yaml",
		};
	}
	return solver_solve(&question, provider, error);
}

/* Whether each package that RESULT has is asked for, or needed by another that it has. */
static void assert_nothing_beside(const struct trial *trial, const struct solver_result *result)
{
	for (guint i = 0; i < result->choices->len; i++) {
		const struct solver_choice *choice = result->choices->pdata[i];
		gboolean wanted = FALSE;

		for (guint j = 0; j < trial->asked->len; j++) {
			guint package =
				g_array_index(trial->asked, struct universe_need, j).package;

			wanted = wanted ||
				strcmp(trial->universe->names->pdata[package], choice->package) ==
					0;
		}
		for (guint j = 0; j < result->choices->len; j++) {
			const struct solver_choice *other = result->choices->pdata[j];

			wanted = wanted ||
				g_strv_contains((const char *const *)other->needs, choice->package);
		}
		g_assert_true(wanted);
	}
}

static gint by_package(gconstpointer a, gconstpointer b)
{
	return (gint)((const struct universe_need *)a)->package -
		(gint)((const struct universe_need *)b)->package;
}

/* Whether of the packages that are asked for none could have a better candidate together with what
 * those before it have. */
static gboolean is_best(const struct trial *trial)
{
	struct trial other = *trial;
	g_autoptr(GArray) asked = g_array_copy(trial->asked);
	gboolean best = TRUE;
	guint n = asked->len;

	g_array_sort(asked, by_package);
	other.asked = asked;
	for (guint i = 0; i < n; i++) {
		guint package = g_array_index(asked, struct universe_need, i).package;
		guint chosen = (guint)trial->chosen[package];
		struct universe_need need = {package, 0, chosen - 1};

		if (chosen > 0) {
			g_array_append_val(asked, need);
			best = best && !any_solution(&other, 0);
			g_array_set_size(asked, asked->len - 1);
		}
		need.first = need.last = chosen;
		g_array_append_val(asked, need);
	}
	return best;
}

static void every_answer_is_that_of_an_exhaustive_search(void)
{
	guint solved = 0;

	for (guint32 seed = 0; seed < RUNS; seed++) {
		g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
		g_autoptr(GError) error = NULL;
		struct trial trial;
		struct solver_provider provider;

		make_trial(&trial, chance);
		provider = solver_universe_provider(trial.universe);
		scoped(solver_result) result = solve(&trial, &provider, &error);

		g_assert_no_error(error);
		if (result->choices) {
			solved++;
			for (guint i = 0; i < packages_of(&trial); i++) {
				const struct solver_choice *choice = solver_result_choice(
					result, trial.universe->names->pdata[i]);

				trial.chosen[i] = choice ? (int)choice->candidate : ABSENT;
			}
			if (!is_solution(&trial))
				g_error("seed %u: not a solution", seed);
			if (!is_best(&trial))
				g_error("seed %u: a better version was passed over", seed);
			assert_nothing_beside(&trial, result);
		} else {
			if (any_solution(&trial, 0))
				g_error("seed %u: there is a solution", seed);
			g_assert_cmpuint(result->facts->len, >, 0);
		}
		end_trial(&trial);
	}
	g_assert_cmpuint(solved, >, RUNS / 10);
	g_assert_cmpuint(solved, <, RUNS * 9 / 10);
}

/* ---- providers ---- */

/* A provider of two packages: `app`, which needs `lib` at a branch that is found only when it is
 * named. */
struct late_branch {
	gboolean known;
	guint asked, wanted;
	gboolean fails, stops;
};

static gboolean note_wanted(void *user_data, const char *const *packages, GError **error)
{
	struct late_branch *late = user_data;

	(void)error;
	late->wanted++;
	g_assert_nonnull(packages[0]);
	g_assert_null(packages[1]);
	return TRUE;
}

static gboolean late_candidates(
	void *user_data, const char *package, struct solver_answer *answer, GError **error)
{
	struct late_branch *late = user_data;

	(void)error;
	late->asked++;
	if (strcmp(package, "lib") == 0 && late->known)
		solver_answer_candidate(answer, "branch main", SOLVER_CANDIDATE_NAMED);
	solver_answer_candidate(answer, "1.0.0", SOLVER_CANDIDATE_PLAIN);
	return TRUE;
}

static gboolean late_allowed(void *user_data, const char *package, const char *constraint,
	struct solver_answer *answer, GError **error)
{
	struct late_branch *late = user_data;

	(void)error;
	if (strcmp(constraint, "main") != 0) {
		solver_answer_allow(answer, 0);
	} else if (late->known) {
		solver_answer_allow(answer, 0);
	} else {
		late->known = TRUE;
		solver_answer_changed(answer, package);
	}
	return TRUE;
}

static gboolean late_dependencies(void *user_data, const char *package, guint candidate,
	struct solver_answer *answer, GError **error)
{
	struct late_branch *late = user_data;

	(void)candidate;
	if (late->fails) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT, "too slow");
		return FALSE;
	}
	if (strcmp(package, "app") == 0)
		solver_answer_need(answer, "lib", "main");
	if (late->stops)
		solver_answer_changed(answer, "app");
	return TRUE;
}

static struct solver_result *solve_late(struct late_branch *late, GError **error)
{
	const struct solver_provider provider = {
		.user_data = late,
		.wanted = note_wanted,
		.candidates = late_candidates,
		.allowed = late_allowed,
		.dependencies = late_dependencies,
	};
	const struct solver_requirement asked = {"app", "*", "forge.yaml", SOLVER_ASKED};
	const struct solver_question question = {&asked, 1, SOLVER_PREFER_HIGHEST, TRUE};

	return solver_solve(&question, &provider, error);
}

static void a_branch_that_is_found_late_is_taken(void)
{
	struct late_branch late = {0};
	g_autoptr(GError) error = NULL;
	scoped(solver_result) result = solve_late(&late, &error);

	g_assert_no_error(error);
	g_assert_nonnull(result->choices);
	g_assert_cmpstr(solver_result_choice(result, "lib")->text, ==, "branch main");
	g_assert_cmpuint(result->restarts, ==, 1);
	g_assert_cmpuint(late.asked, ==, 4);
	g_assert_cmpuint(late.wanted, ==, 4);
}

static void a_provider_that_changes_its_mind_for_ever_is_given_up(void)
{
	struct late_branch late = {.stops = TRUE};
	g_autoptr(GError) error = NULL;
	scoped(solver_result) result = solve_late(&late, &error);

	g_assert_null(result);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_RESOLUTION_TOO_HARD);
}

static void a_failure_of_the_provider_is_no_answer(void)
{
	struct late_branch late = {.fails = TRUE};
	g_autoptr(GError) error = NULL;
	scoped(solver_result) result = solve_late(&late, &error);

	g_assert_null(result);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
}

/* A universe of COMPONENTS in which nothing goes together, and that takes long to see. */
static void make_hard(struct trial *trial, guint components)
{
	g_autoptr(GRand) chance = g_rand_new_with_seed(1);

	trial->universe = solver_universe_new();
	trial->asked = g_array_new(FALSE, FALSE, sizeof(struct universe_need));
	for (guint i = 0; i < components; i++) {
		struct universe_need need = {i, 0, 19};

		solver_universe_add(trial->universe, 20);
		g_array_append_val(trial->asked, need);
	}
	for (guint i = 0; i + 1 < components; i++) {
		for (guint k = 0; k < 60; k++) {
			guint first = (guint)g_rand_int_range(chance, 0, 16);
			struct universe_need need = {
				(guint)g_rand_int_range(chance, (gint)i + 1, (gint)components),
				first, first + 4};

			solver_universe_need(trial->universe, i, k / 3, &need);
		}
	}
}

static gboolean refuse_to_go_on(void *user_data, GError **error)
{
	(void)user_data;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED, "stop");
	return FALSE;
}

static void a_long_search_can_be_stopped(void)
{
	g_autoptr(GError) error = NULL;
	struct trial trial;
	struct solver_provider provider;

	make_hard(&trial, 60);
	provider = solver_universe_provider(trial.universe);
	provider.proceed = refuse_to_go_on;
	scoped(solver_result) result = solve(&trial, &provider, &error);

	g_assert_null(result);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
	end_trial(&trial);
}

static void what_takes_many_steps_to_see_is_listed(void)
{
	g_autoptr(GError) error = NULL;
	struct trial trial;
	struct solver_provider provider;

	make_hard(&trial, 40);
	provider = solver_universe_provider(trial.universe);
	scoped(solver_result) result = solve(&trial, &provider, &error);

	g_assert_no_error(error);
	g_assert_null(result->choices);
	g_assert_true(g_str_has_prefix(result->explanation, "No choice of versions keeps to all"));
	end_trial(&trial);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/solver/every_answer_is_that_of_an_exhaustive_search",
		every_answer_is_that_of_an_exhaustive_search);
	g_test_add_func("/solver/a_branch_that_is_found_late_is_taken",
		a_branch_that_is_found_late_is_taken);
	g_test_add_func("/solver/a_provider_that_changes_its_mind_for_ever_is_given_up",
		a_provider_that_changes_its_mind_for_ever_is_given_up);
	g_test_add_func("/solver/a_failure_of_the_provider_is_no_answer",
		a_failure_of_the_provider_is_no_answer);
	g_test_add_func("/solver/a_long_search_can_be_stopped", a_long_search_can_be_stopped);
	g_test_add_func("/solver/what_takes_many_steps_to_see_is_listed",
		what_takes_many_steps_to_see_is_listed);
	return g_test_run();
}
