/*
 * From a question to a result: the solution as it was decided, or the explanation of a search that
 * failed, with what would have helped.
 */
#include "worker/resolve/solver.h"

#include "journal/base/limits.h"
#include "journal/base/printable.h"
#include "worker/resolve/bits.h"
#include "worker/resolve/explanation.h"
#include "worker/resolve/solving.h"
#include "worker/resolve/wording.h"

/* ---- results ---- */

static void free_choice(gpointer data)
{
	struct solver_choice *choice = data;

	g_free(choice->package);
	g_free(choice->text);
	g_strfreev(choice->needs);
	g_free(choice);
}

static void free_solver_fact(gpointer data)
{
	struct solver_fact *fact = data;

	g_free(fact->package);
	g_free(fact->constraint);
	g_free(fact->by);
	g_free(fact->by_versions);
	g_free(fact->reason);
	g_free(fact);
}

void solver_result_free(struct solver_result *result)
{
	if (!result)
		return;
	g_clear_pointer(&result->choices, g_ptr_array_unref);
	g_clear_pointer(&result->facts, g_ptr_array_unref);
	g_free(result->explanation);
	g_free(result);
}

const struct solver_choice *solver_result_choice(
	const struct solver_result *result, const char *package)
{
	for (guint i = 0; result->choices && i < result->choices->len; i++) {
		const struct solver_choice *choice = result->choices->pdata[i];

		if (strcmp(choice->package, package) == 0)
			return choice;
	}
	return NULL;
}

/* ---- a solution ---- */

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp((*(struct solver_choice *const *)a)->package,
		(*(struct solver_choice *const *)b)->package);
}

static gint by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct solver_choice *choice_of(const struct solving *solving, guint number)
{
	const struct problem *problem = solving->inquiry.problem;
	const struct package *package = problem_package(problem, number);
	struct solver_choice *choice = g_new0(struct solver_choice, 1);
	g_autoptr(GPtrArray) needs = g_ptr_array_new();
	const GArray *list;

	choice->package = g_strdup(package->name);
	choice->candidate = solving_chosen(solving, number);
	choice->text = g_strdup(package->texts->pdata[choice->candidate]);
	list = package->needs[choice->candidate];
	for (guint i = 0; list && i < list->len; i++)
		g_ptr_array_add(needs,
			g_strdup(problem_package(problem, g_array_index(list, guint, i))->name));
	g_ptr_array_sort(needs, by_text);
	g_ptr_array_add(needs, NULL);
	choice->needs = (char **)g_ptr_array_free(g_steal_pointer(&needs), FALSE);
	return choice;
}

/* What was decided. A package is decided for only while something that was decided needs it, and the
 * least set of packages that meets all rules is the one of those that are; so there is no other among
 * them. */
static GPtrArray *choices_of(const struct solving *solving)
{
	GPtrArray *choices = g_ptr_array_new_with_free_func(free_choice);

	for (guint i = 0; i < solving->inquiry.problem->packages->len; i++)
		if (search_is_decided(solving->inquiry.search, i))
			g_ptr_array_add(choices, choice_of(solving, i));
	g_ptr_array_sort(choices, by_name);
	return choices;
}

/* ---- advice ---- */

/* The requirement of TASK that REQUIREMENT points to. */
static gssize place_of(
	const struct solving_task *task, const struct solver_requirement *requirement)
{
	return requirement - task->requirements;
}

/* If TASK can be solved with any candidate where REQUIREMENT is now, says so. Errors only mean that
 * there is nothing to say. */
static void try_without(const struct solving_task *task,
	const struct solver_requirement *requirement, GString *advice)
{
	struct solving_task other = *task;
	scoped_value(solving) solving = {0};
	guint number = 0;
	g_autofree char *text = NULL;

	other.relaxed = place_of(task, requirement);
	task->budget->steps_max = task->budget->steps + LIMIT_SOLVER_ADVICE_STEPS;
	if (solving_run(&solving, &other, NULL) != SOLVING_SOLVED ||
		!problem_find(solving.inquiry.problem, requirement->package, &number))
		return;
	text = g_strdup_printf("%s %s lets %s be %s instead of %s",
		advice->len > 0 ? ", or if" : "It works if", requirement->origin,
		requirement->package,
		(const char *)problem_package(solving.inquiry.problem, number)
			->texts->pdata[solving_chosen(&solving, number)],
		requirement->constraint);
	g_string_append(advice, text);
}

static char *advice_for(const struct solving_task *task, const GPtrArray *facts)
{
	g_autoptr(GString) advice = g_string_new(NULL);
	guint tried = 0;

	for (guint i = 0; i < facts->len && tried < LIMIT_SOLVER_ADVICE; i++) {
		const struct fact *fact = facts->pdata[i];

		if (fact->kind != SOLVER_FACT_ASKED || fact->requirement->kind != SOLVER_ASKED ||
			fact->constraint->text[0] == '\0')
			continue;
		tried++;
		try_without(task, fact->requirement, advice);
	}
	if (advice->len == 0)
		return NULL;
	g_string_append_c(advice, '.');
	return printable_text(advice->str);
}

/* ---- no solution ---- */

static void explain(struct solver_result *result, struct solving *solving,
	const struct solving_task *task, gboolean advise)
{
	struct problem *problem = solving->inquiry.problem;
	scoped(proof)
		proof = proof_new(problem, g_steal_pointer(&solving->inquiry.search), task->budget);
	g_autoptr(GPtrArray) facts = proof_facts(proof);
	g_autofree char *text = explanation_text(proof);
	g_autofree char *advice = advise ? advice_for(task, facts) : NULL;

	result->explanation = advice ? g_strconcat(text, "\n", advice, NULL) : g_strdup(text);
	result->facts = g_ptr_array_new_with_free_func(free_solver_fact);
	for (guint i = 0; i < facts->len; i++)
		g_ptr_array_add(result->facts, wording_solver_fact(problem, facts->pdata[i]));
}

static int compare_requirements(const void *a, const void *b)
{
	const struct solver_requirement *first = a, *second = b;
	int order = strcmp(first->package, second->package);

	if (order == 0)
		order = g_strcmp0(first->constraint, second->constraint);
	if (order == 0)
		order = (int)first->kind - (int)second->kind;
	return order ? order : g_strcmp0(first->origin, second->origin);
}

struct solver_result *solver_solve(const struct solver_question *question,
	const struct solver_provider *provider, GError **error)
{
	g_autofree struct solver_requirement *requirements = g_memdup2(
		question->requirements, question->n_requirements * sizeof(*question->requirements));
	struct search_budget budget = {
		.steps_max = LIMIT_SOLVER_STEPS,
		.bytes_max = LIMIT_SOLVER_RULE_BYTES,
		.next_look = LIMIT_SOLVER_STEPS_PER_LOOK,
		.proceed = provider->proceed,
		.user_data = provider->user_data,
	};
	const struct solving_task task = {
		.requirements = requirements,
		.n = question->n_requirements,
		.relaxed = -1,
		.preference = question->preference,
		.provider = provider,
		.budget = &budget,
	};
	scoped_value(solving) solving = {0};
	scoped(solver_result) result = g_new0(struct solver_result, 1);
	enum solving_end end;

	if (requirements)
		qsort(requirements, question->n_requirements, sizeof(*requirements),
			compare_requirements);
	end = solving_run(&solving, &task, error);
	result->restarts = solving.restarts;
	result->conflicts = solving.conflicts;
	result->steps = budget.steps;
	if (end == SOLVING_SOLVED)
		result->choices = choices_of(&solving);
	else if (end == SOLVING_IMPOSSIBLE)
		explain(result, &solving, &task, question->advise);
	else
		return NULL;
	return g_steal_pointer(&result);
}
