/*
 * From a search that failed to a proof that can be told.
 *
 * A search learns in the order of its decisions, and its proof has much that is beside the point. So
 * the facts it rests on are taken alone, each is left out in turn, and where the rest is still
 * impossible, it stays out. What remains is proven once more, and that proof is the one to tell.
 * Circles go first: whatever fails without them is easier told.
 */
#include "worker/resolve/proof.h"

#include "journal/base/limits.h"
#include "worker/resolve/bits.h"
#include "worker/resolve/solving.h"

void proof_free(struct proof *proof)
{
	if (!proof)
		return;
	search_free(proof->search);
	g_ptr_array_unref(proof->facts);
	g_array_unref(proof->packages);
	g_clear_pointer(&proof->made, g_ptr_array_unref);
	g_free(proof);
}

/* ---- what a proof makes use of ---- */

GPtrArray *proof_facts(const struct proof *proof)
{
	g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(guint));
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autofree gboolean *used = g_new0(gboolean, proof->facts->len + 1);
	GPtrArray *facts = g_ptr_array_new();
	guint failure = search_failure(proof->search);

	g_array_append_val(waiting, failure);
	while (waiting->len > 0) {
		guint last = waiting->len - 1;
		guint number = g_array_index(waiting, guint, last);
		const struct search_rule *rule = search_rule(proof->search, number);

		g_array_set_size(waiting, last);
		if (!g_hash_table_add(seen, GUINT_TO_POINTER(number)))
			continue;
		if (rule->fact >= 0)
			used[rule->fact] = TRUE;
		for (guint i = 0; i < rule->n_steps; i++)
			g_array_append_val(waiting, rule->steps[i].rule);
	}
	for (guint i = 0; i < proof->facts->len; i++)
		if (used[i])
			g_ptr_array_add(facts, proof->facts->pdata[i]);
	return facts;
}

/* ---- proving anew ---- */

/* The variable for the package NUMBER, made if there is none; VARIABLES are numbers + 1 by package. */
static guint variable_for(struct proof *proof, guint *variables, guint number)
{
	if (variables[number] == 0) {
		guint candidates = problem_package(proof->problem, number)->candidates;

		variables[number] = search_add_variable(proof->search, candidates) + 1;
		g_array_append_val(proof->packages, number);
	}
	return variables[number] - 1;
}

static void add_facts(struct proof *proof)
{
	g_autofree guint *variables = g_new0(guint, proof->problem->packages->len);

	for (guint i = 0; i < proof->facts->len; i++) {
		const struct fact *fact = proof->facts->pdata[i];
		g_autofree struct search_term *terms = g_new(
			struct search_term, fact_terms_max(fact));
		guint n = fact_terms(fact, terms);

		for (guint j = 0; j < n; j++)
			terms[j].variable = variable_for(proof, variables, terms[j].variable);
		search_add_rule(proof->search, terms, n, i);
	}
}

/* The package with much part in conflicts and few candidates of those that must be there; FALSE if all
 * are decided. */
static gboolean pick(const struct proof *proof, guint *picked)
{
	double hottest = -1;

	for (guint i = 0; i < proof->packages->len; i++) {
		double heat;

		if (search_is_decided(proof->search, i) || !search_is_present(proof->search, i))
			continue;
		heat = (1 + search_heat(proof->search, i)) /
			bits_count(search_domain(proof->search, i),
				bits_words(search_values(proof->search, i)));
		if (heat <= hottest)
			continue;
		hottest = heat;
		*picked = i;
	}
	return hottest >= 0;
}

/* A proof from FACTS (taken) alone; NULL if there is none, or it takes too long. */
static struct proof *prove(
	const struct problem *problem, GPtrArray *take_facts, struct search_budget *budget)
{
	scoped(proof) proof = g_new0(struct proof, 1);

	proof->problem = problem;
	proof->search = search_new(budget);
	proof->facts = take_facts;
	proof->packages = g_array_new(FALSE, FALSE, sizeof(guint));
	add_facts(proof);
	for (;;) {
		guint picked = 0;

		switch (search_propagate(proof->search, NULL)) {
		case SEARCH_IMPOSSIBLE:
			return g_steal_pointer(&proof);
		case SEARCH_STOPPED:
			return NULL;
		case SEARCH_OPEN:
			break;
		}
		if (!pick(proof, &picked))
			return NULL;
		search_decide(
			proof->search, picked, bits_lowest(search_domain(proof->search, picked)));
	}
}

/* ---- fewer facts ---- */

static GPtrArray *without(const GPtrArray *facts, const struct fact *fact)
{
	GPtrArray *rest = g_ptr_array_new();

	for (guint i = 0; i < facts->len; i++)
		if (facts->pdata[i] != fact)
			g_ptr_array_add(rest, facts->pdata[i]);
	return rest;
}

/* Circles first, then what became known last. */
static gint by_ease_of_telling(gconstpointer a, gconstpointer b)
{
	const struct fact *first = *(struct fact *const *)a;
	const struct fact *second = *(struct fact *const *)b;

	return (second->kind == SOLVER_FACT_CYCLE) - (first->kind == SOLVER_FACT_CYCLE);
}

static void replace(struct proof **proof, struct proof *take_better)
{
	take_better->made = g_steal_pointer(&(*proof)->made);
	proof_free(*proof);
	*proof = take_better;
}

static void thin(struct proof **proof, struct search_budget *budget)
{
	g_autoptr(GPtrArray) used = proof_facts(*proof);
	g_autoptr(GPtrArray) order = g_ptr_array_new();

	for (guint i = used->len; i-- > 0;)
		g_ptr_array_add(order, used->pdata[i]);
	g_ptr_array_sort(order, by_ease_of_telling);
	for (guint i = 0; i < order->len && budget->steps < budget->steps_max; i++) {
		struct proof *better;

		if (!g_ptr_array_find(used, order->pdata[i], NULL))
			continue;
		better = prove((*proof)->problem, without(used, order->pdata[i]), budget);
		if (!better)
			continue;
		replace(proof, better);
		g_ptr_array_unref(used);
		used = proof_facts(*proof);
	}
}

/* ---- several as one ---- */

static gboolean belong_together(const struct fact *a, const struct fact *b)
{
	if (a->kind != b->kind || a->package != b->package)
		return FALSE;
	return a->kind == SOLVER_FACT_UNUSABLE ||
		(a->kind == SOLVER_FACT_NEEDED && a->needed == b->needed);
}

/* One fact that follows from PARTS, which belong together: all their candidates need one of what any
 * of them needs. */
static struct fact *put_together(const struct problem *problem, const GPtrArray *parts)
{
	const struct fact *first = parts->pdata[0];
	struct fact *fact = fact_new(first->kind, first->package);
	guint values = package_values(problem_package(problem, first->package));
	guint needed_words = 0;

	fact->of = bits_copy(first->of, values);
	fact->reason = first->reason;
	fact->needed = first->needed;
	fact->constraint = first->constraint;
	if (first->refused) {
		guint needed_values = package_values(problem_package(problem, first->needed));

		fact->refused = bits_copy(first->refused, needed_values);
		needed_words = bits_words(needed_values);
	}
	fact->parts = g_ptr_array_new();
	for (guint i = 0; i < parts->len; i++) {
		const struct fact *part = parts->pdata[i];

		bits_unite(fact->of, part->of, bits_words(values));
		bits_intersect(fact->refused, part->refused, needed_words);
		g_ptr_array_add(fact->parts, parts->pdata[i]);
	}
	return fact;
}

/* USED with FACT in the place of its parts. */
static GPtrArray *with_instead(const GPtrArray *used, struct fact *fact)
{
	GPtrArray *facts = g_ptr_array_new();

	for (guint i = 0; i < used->len; i++) {
		if (!g_ptr_array_find(fact->parts, used->pdata[i], NULL))
			g_ptr_array_add(facts, used->pdata[i]);
		else if (fact->parts->pdata[0] == used->pdata[i])
			g_ptr_array_add(facts, fact);
	}
	return facts;
}

/* Tries one fact in the place of all those of USED that belong with its number FIRST. */
static void combine_with(struct proof **proof, GPtrArray **used, const struct fact *first,
	struct search_budget *budget)
{
	g_autoptr(GPtrArray) parts = g_ptr_array_new();
	struct fact *fact;
	struct proof *better;

	for (guint i = 0; i < (*used)->len; i++)
		if (belong_together(first, (*used)->pdata[i]))
			g_ptr_array_add(parts, (*used)->pdata[i]);
	if (parts->len < 2 || parts->pdata[0] != first)
		return;
	fact = put_together((*proof)->problem, parts);
	better = prove((*proof)->problem, with_instead(*used, fact), budget);
	if (!better) {
		fact_free(fact);
		return;
	}
	replace(proof, better);
	if (!(*proof)->made)
		(*proof)->made = g_ptr_array_new_with_free_func((GDestroyNotify)fact_free);
	g_ptr_array_add((*proof)->made, fact);
	g_ptr_array_unref(*used);
	*used = proof_facts(*proof);
}

static void combine(struct proof **proof, struct search_budget *budget)
{
	g_autoptr(GPtrArray) before = proof_facts(*proof);
	g_autoptr(GPtrArray) used = g_ptr_array_ref(before);

	for (guint i = 0; i < before->len; i++)
		if (g_ptr_array_find(used, before->pdata[i], NULL))
			combine_with(proof, &used, before->pdata[i], budget);
}

struct proof *proof_new(
	const struct problem *problem, struct search *take_search, struct search_budget *budget)
{
	struct proof *proof = g_new0(struct proof, 1);
	struct proof *alone;

	proof->problem = problem;
	proof->search = take_search;
	proof->packages = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint i = 0; i < problem->packages->len; i++)
		g_array_append_val(proof->packages, i);
	proof->facts = g_ptr_array_new();
	for (guint i = 0; i < problem->facts->len; i++) {
		struct fact *fact = problem->facts->pdata[i];

		if (fact->kind == SOLVER_FACT_CYCLE)
			solving_round_off_circle(problem, fact);
		g_ptr_array_add(proof->facts, fact);
	}
	/* The first proof of what is known to be one gets all the time there is, as the search did. */
	budget->steps_max = budget->steps + LIMIT_SOLVER_STEPS;
	alone = prove(problem, proof_facts(proof), budget);
	if (!alone)
		return proof;
	replace(&proof, alone);
	budget->steps_max = budget->steps + LIMIT_SOLVER_EXPLAIN_STEPS;
	thin(&proof, budget);
	combine(&proof, budget);
	return proof;
}
