/* What the solver answers, word by word: tests/cases/resolve.txt. And what it says of facts. */
#include <string.h>

#include "tests/support/resolve_case.h"

#define CASES "tests/cases/resolve.txt"

static void answer_is_as_its_case_says(gconstpointer data)
{
	struct resolve_case *one = (struct resolve_case *)data;
	g_autoptr(GError) error = NULL;
	scoped(solver_result) result = resolve_case_solve(one, &error);
	g_autofree char *text = NULL;

	g_assert_no_error(error);
	text = resolve_case_text(result);
	g_assert_cmpstr(text, ==, one->expected);
}

/* The case that begins with CLAIM. */
static struct resolve_case *find_case(const GPtrArray *cases, const char *claim)
{
	for (guint i = 0; i < cases->len; i++)
		if (g_str_has_prefix(((struct resolve_case *)cases->pdata[i])->claim, claim))
			return cases->pdata[i];
	g_assert_not_reached();
}

static void facts_of_an_explanation_are_told_one_by_one(void)
{
	g_autoptr(GPtrArray) cases = resolve_cases_read(CASES);
	scoped(solver_result)
		result = resolve_case_solve(find_case(cases, "two who need different"), NULL);
	const struct solver_fact *fact;
	guint asked = 0, needed = 0;

	g_assert_cmpuint(result->facts->len, ==, 4);
	for (guint i = 0; i < result->facts->len; i++) {
		fact = result->facts->pdata[i];
		asked += fact->kind == SOLVER_FACT_ASKED ? 1 : 0;
		if (fact->kind != SOLVER_FACT_NEEDED || strcmp(fact->by, "b") != 0)
			continue;
		needed++;
		g_assert_cmpstr(fact->package, ==, "s");
		g_assert_cmpstr(fact->constraint, ==, "^2.0.0");
		g_assert_cmpstr(fact->by_versions, ==, "1.0.0");
	}
	g_assert_cmpuint(asked, ==, 2);
	g_assert_cmpuint(needed, ==, 1);
}

static void a_constraint_that_no_version_meets_says_so(void)
{
	g_autoptr(GPtrArray) cases = resolve_cases_read(CASES);
	scoped(solver_result)
		result = resolve_case_solve(find_case(cases, "no such version, of few"), NULL);
	const struct solver_fact *fact = result->facts->pdata[0];

	g_assert_cmpuint(result->facts->len, ==, 1);
	g_assert_cmpstr(fact->by, ==, "forge.yaml");
	g_assert_cmpstr(fact->reason, ==, "no version meets it: there are only 2.0.0 and 1.0.0");
}

static void a_circle_is_a_fact(void)
{
	g_autoptr(GPtrArray) cases = resolve_cases_read(CASES);
	scoped(solver_result)
		result = resolve_case_solve(find_case(cases, "a circle names its path"), NULL);
	guint found = 0;

	for (guint i = 0; i < result->facts->len; i++) {
		const struct solver_fact *fact = result->facts->pdata[i];

		if (fact->kind != SOLVER_FACT_CYCLE)
			continue;
		found++;
		g_assert_cmpstr(fact->package, ==, "a");
		g_assert_cmpstr(fact->reason, ==,
			"a 1.0.0 needs b, b 2.1.0 needs c and c 1.0.0 needs a again");
	}
	g_assert_cmpuint(found, ==, 1);
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) cases = resolve_cases_read(CASES);

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < cases->len; i++) {
		struct resolve_case *one = cases->pdata[i];
		g_autofree char *path = g_strdup_printf("/solver/%s", one->claim);

		g_strdelimit(path + strlen("/solver/"), " ", '_');
		g_test_add_data_func(path, one, answer_is_as_its_case_says);
	}
	g_test_add_func("/solver/facts_of_an_explanation_are_told_one_by_one",
		facts_of_an_explanation_are_told_one_by_one);
	g_test_add_func("/solver/a_constraint_that_no_version_meets_says_so",
		a_constraint_that_no_version_meets_says_so);
	g_test_add_func("/solver/a_circle_is_a_fact", a_circle_is_a_fact);
	return g_test_run();
}
