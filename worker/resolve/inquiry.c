/*
 * From a provider's answers to facts and rules.
 *
 * Candidates of one package that need the same share one fact, which grows as more of them are asked
 * about: there are fewer rules, and explanations say `every version of menu` rather than each. All
 * that comes in lists is sorted first, so that nothing depends on the provider's order.
 */
#include "worker/resolve/inquiry.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/resolve/bits.h"
#include "worker/resolve/solver_answer.h"

static void note_changes(struct inquiry *inquiry, const struct solver_answer *answer)
{
	guint number;

	for (guint i = 0; i < answer->changed->len; i++)
		if (problem_find(inquiry->problem, answer->changed->pdata[i], &number))
			inquiry->changed = TRUE;
}

/* ---- packages ---- */

static gboolean add_package(struct inquiry *inquiry, const char *name, GError **error)
{
	scoped(solver_answer) answer = solver_answer_new();
	const char *missing;
	guint number;

	if (!inquiry->provider->candidates(inquiry->provider->user_data, name, answer, error))
		return FALSE;
	if (answer->texts->len > LIMIT_SOLVER_CANDIDATES ||
		inquiry->problem->packages->len >= LIMIT_SOLVER_PACKAGES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_RESOLUTION_TOO_HARD,
			"'%s' has more versions than one search takes, or there are too many components",
			name);
		return FALSE;
	}
	note_changes(inquiry, answer);
	missing = answer->unusable;
	if (!missing && answer->texts->len == 0)
		missing = "it has no versions";
	number = problem_add_package(
		inquiry->problem, name, g_steal_pointer(&answer->texts), answer->flags, missing);
	answer->texts = g_ptr_array_new();
	search_add_variable(inquiry->search, problem_package(inquiry->problem, number)->candidates);
	if (missing) {
		struct fact *fact = problem_add_fact(inquiry->problem, SOLVER_FACT_MISSING, number);
		struct search_term term;

		fact->of = bits_new(2);
		bits_add(fact->of, 0);
		fact->reason = problem_package(inquiry->problem, number)->missing;
		fact_terms(fact, &term);
		fact->rule = search_add_rule(
			inquiry->search, &term, 1, inquiry->problem->facts->len - 1);
	}
	return TRUE;
}

static gint by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds those of NAMES (borrowed, sorted here) that are not known. */
static gboolean add_packages(struct inquiry *inquiry, GPtrArray *names, GError **error)
{
	g_autoptr(GPtrArray) unknown = g_ptr_array_new();
	guint number;

	g_ptr_array_sort(names, by_text);
	for (guint i = 0; i < names->len; i++)
		if (!problem_find(inquiry->problem, names->pdata[i], &number) &&
			(i == 0 || strcmp(names->pdata[i - 1], names->pdata[i]) != 0))
			g_ptr_array_add(unknown, names->pdata[i]);
	if (unknown->len == 0)
		return TRUE;
	g_ptr_array_add(unknown, NULL);
	if (inquiry->provider->wanted &&
		!inquiry->provider->wanted(
			inquiry->provider->user_data, (const char *const *)unknown->pdata, error))
		return FALSE;
	for (guint i = 0; unknown->pdata[i]; i++)
		if (!add_package(inquiry, unknown->pdata[i], error))
			return FALSE;
	return TRUE;
}

/* ---- constraints ---- */

static struct constraint *any_candidate(const struct package *package)
{
	struct constraint *constraint = g_new0(struct constraint, 1);

	constraint->text = g_strdup("");
	constraint->refused = bits_new(package_values(package));
	bits_add(constraint->refused, package->candidates);
	constraint->allowed = package->candidates;
	return constraint;
}

static struct constraint *ask_constraint(
	struct inquiry *inquiry, const struct package *package, const char *text, GError **error)
{
	scoped(solver_answer) answer = solver_answer_new();
	struct constraint *constraint;

	if (!inquiry->provider->allowed(
		    inquiry->provider->user_data, package->name, text, answer, error))
		return NULL;
	note_changes(inquiry, answer);
	constraint = g_new0(struct constraint, 1);
	constraint->text = g_strdup(text);
	constraint->refused = bits_new(package_values(package));
	constraint->failure = g_steal_pointer(&answer->unusable);
	for (guint i = 0; !constraint->failure && i < answer->allowed->len; i++) {
		guint candidate = g_array_index(answer->allowed, guint, i);

		g_assert(candidate < package->candidates);
		bits_add(constraint->refused, candidate);
	}
	constraint->allowed = bits_count(constraint->refused, bits_words(package_values(package)));
	bits_complement(constraint->refused, package_values(package));
	return constraint;
}

/* What TEXT means for the package NUMBER; of a missing one nobody is asked. */
static const struct constraint *find_constraint(
	struct inquiry *inquiry, guint number, const char *text, GError **error)
{
	struct package *package = problem_package(inquiry->problem, number);
	struct constraint *constraint = g_hash_table_lookup(package->constraints, text);

	if (constraint)
		return constraint;
	if (package->missing) {
		constraint = any_candidate(package);
		g_free(constraint->text);
		constraint->text = g_strdup(text);
	} else {
		constraint = ask_constraint(inquiry, package, text, error);
	}
	if (constraint)
		g_hash_table_insert(package->constraints, constraint->text, constraint);
	return constraint;
}

/* ---- requirements ---- */

static void add_asked(struct inquiry *inquiry, const struct solver_requirement *requirement,
	guint number, const struct constraint *constraint)
{
	struct package *package = problem_package(inquiry->problem, number);
	struct fact *fact = problem_add_fact(inquiry->problem, SOLVER_FACT_ASKED, number);
	struct search_term term;

	package->asked = TRUE;
	fact->requirement = requirement;
	fact->constraint = constraint;
	fact->refused = bits_copy(constraint->refused, package_values(package));
	fact_terms(fact, &term);
	fact->rule = search_add_rule(inquiry->search, &term, 1, inquiry->problem->facts->len - 1);
}

gboolean inquire_requirements(struct inquiry *inquiry,
	const struct solver_requirement *requirements, size_t n, gssize relaxed, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (size_t i = 0; i < n; i++)
		g_ptr_array_add(names, (gpointer)requirements[i].package);
	if (!add_packages(inquiry, names, error))
		return FALSE;
	for (size_t i = 0; i < n && !inquiry->changed; i++) {
		const char *text = requirements[i].constraint ? requirements[i].constraint : "";
		const struct constraint *constraint;
		guint number = 0;

		g_assert(problem_find(inquiry->problem, requirements[i].package, &number));
		if ((gssize)i == relaxed)
			continue;
		constraint = find_constraint(inquiry, number, text, error);
		if (!constraint)
			return FALSE;
		add_asked(inquiry, &requirements[i], number, constraint);
	}
	if (relaxed >= 0 && !inquiry->changed) {
		guint number = 0;

		g_assert(problem_find(inquiry->problem, requirements[relaxed].package, &number));
		/* No provider has a text that is a line break. */
		struct package *package = problem_package(inquiry->problem, number);
		struct constraint *any = any_candidate(package);

		g_hash_table_insert(package->constraints, (gpointer) "\n", any);
		add_asked(inquiry, &requirements[relaxed], number, any);
	}
	return TRUE;
}

/* ---- needs ---- */

static void add_rule(struct inquiry *inquiry, struct fact *fact)
{
	struct search_term terms[2];

	fact->rule = search_add_rule(
		inquiry->search, terms, fact_terms(fact, terms), inquiry->problem->facts->len - 1);
}

/* FACT is true of CANDIDATE too. */
static void extend(struct inquiry *inquiry, struct fact *fact, guint candidate)
{
	bits_add(fact->of, candidate);
	search_widen_rule(inquiry->search, fact->rule, fact->package, candidate);
}

static void add_unusable(
	struct inquiry *inquiry, const struct candidate *candidate, const char *reason)
{
	struct package *package = problem_package(inquiry->problem, candidate->package);
	struct fact *fact = g_hash_table_lookup(package->unusable, reason);
	char *kept;

	if (fact) {
		extend(inquiry, fact, candidate->number);
		return;
	}
	kept = g_strdup(reason);
	fact = problem_add_fact(inquiry->problem, SOLVER_FACT_UNUSABLE, candidate->package);
	fact->of = bits_new(package_values(package));
	bits_add(fact->of, candidate->number);
	fact->reason = kept;
	g_hash_table_insert(package->unusable, kept, fact);
	add_rule(inquiry, fact);
}

static void add_needed(struct inquiry *inquiry, const struct candidate *candidate, guint needed,
	const struct constraint *constraint)
{
	struct package *package = problem_package(inquiry->problem, candidate->package);
	struct fact *fact = g_hash_table_lookup(package->needed, constraint);

	if (fact) {
		extend(inquiry, fact, candidate->number);
		return;
	}
	fact = problem_add_fact(inquiry->problem, SOLVER_FACT_NEEDED, candidate->package);
	fact->of = bits_new(package_values(package));
	bits_add(fact->of, candidate->number);
	fact->needed = needed;
	fact->constraint = constraint;
	fact->refused = bits_copy(
		constraint->refused, package_values(problem_package(inquiry->problem, needed)));
	g_hash_table_insert(package->needed, (gpointer)constraint, fact);
	add_rule(inquiry, fact);
}

static gint by_package_and_constraint(gconstpointer a, gconstpointer b)
{
	const struct solver_need *first = *(struct solver_need *const *)a;
	const struct solver_need *second = *(struct solver_need *const *)b;
	int order = strcmp(first->package, second->package);

	return order ? order : strcmp(first->constraint, second->constraint);
}

/* What makes CANDIDATE unusable though its needs are known, or NULL; fails only with ERROR. The
 * means of its needs go to CONSTRAINTS and NUMBERS. Caller frees. */
static char *judge_needs(struct inquiry *inquiry, const struct candidate *candidate,
	const GPtrArray *needs, GPtrArray *constraints, GArray *numbers, GError **error)
{
	const char *name = problem_package(inquiry->problem, candidate->package)->name;

	for (guint i = 0; i < needs->len; i++) {
		const struct solver_need *need = needs->pdata[i];
		const struct constraint *constraint;
		guint number = 0;

		if (strcmp(need->package, name) == 0)
			return g_strdup("it needs itself");
		g_assert(problem_find(inquiry->problem, need->package, &number));
		constraint = find_constraint(inquiry, number, need->constraint, error);
		if (!constraint)
			return NULL;
		if (constraint->failure)
			return g_strdup_printf(
				"it needs %s, but %s", need->package, constraint->failure);
		g_ptr_array_add(constraints, (gpointer)constraint);
		g_array_append_val(numbers, number);
	}
	return NULL;
}

static gboolean take_needs(struct inquiry *inquiry, const struct candidate *candidate,
	const struct solver_answer *answer, GError **error)
{
	struct package *package = problem_package(inquiry->problem, candidate->package);
	g_autoptr(GPtrArray) constraints = g_ptr_array_new();
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint));
	g_autofree char *unusable = g_strdup(answer->unusable);
	g_autoptr(GError) failure = NULL;

	if (!unusable)
		unusable = judge_needs(
			inquiry, candidate, answer->needs, constraints, numbers, &failure);
	if (failure) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	bits_add(package->loaded, candidate->number);
	if (unusable) {
		add_unusable(inquiry, candidate, unusable);
		return TRUE;
	}
	package->needs[candidate->number] = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint i = 0; i < numbers->len; i++) {
		guint number = g_array_index(numbers, guint, i);
		GArray *needs = package->needs[candidate->number];

		add_needed(inquiry, candidate, number, constraints->pdata[i]);
		if (needs->len == 0 || g_array_index(needs, guint, needs->len - 1) != number)
			g_array_append_val(needs, number);
	}
	return TRUE;
}

gboolean inquire_needs(struct inquiry *inquiry, const GArray *candidates, GError **error)
{
	g_autoptr(GPtrArray)
		answers = g_ptr_array_new_with_free_func((GDestroyNotify)solver_answer_free);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (guint i = 0; i < candidates->len; i++) {
		const struct candidate *candidate = &g_array_index(candidates, struct candidate, i);
		const struct package *package = problem_package(
			inquiry->problem, candidate->package);
		struct solver_answer *answer = solver_answer_new();

		g_ptr_array_add(answers, answer);
		if (!inquiry->provider->dependencies(inquiry->provider->user_data, package->name,
			    candidate->number, answer, error))
			return FALSE;
		note_changes(inquiry, answer);
		g_ptr_array_sort(answer->needs, by_package_and_constraint);
		for (guint j = 0; !answer->unusable && j < answer->needs->len; j++)
			g_ptr_array_add(
				names, ((struct solver_need *)answer->needs->pdata[j])->package);
	}
	if (inquiry->changed)
		return TRUE;
	if (!add_packages(inquiry, names, error))
		return FALSE;
	for (guint i = 0; i < answers->len && !inquiry->changed; i++)
		if (!take_needs(inquiry, &g_array_index(candidates, struct candidate, i),
			    answers->pdata[i], error))
			return FALSE;
	return TRUE;
}
