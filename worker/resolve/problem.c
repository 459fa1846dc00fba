/* Packages and facts as the solver learns of them; only ever added to. */
#include "worker/resolve/problem.h"

#include "journal/base/hash.h"
#include "worker/resolve/bits.h"

static void free_constraint(gpointer data)
{
	struct constraint *constraint = data;

	g_free(constraint->text);
	g_free(constraint->refused);
	g_free(constraint->failure);
	g_free(constraint);
}

static void free_package(gpointer data)
{
	struct package *package = data;

	for (guint i = 0; i < package->candidates; i++)
		if (package->needs[i])
			g_array_unref(package->needs[i]);
	g_free(package->needs);
	g_free(package->name);
	g_ptr_array_unref(package->texts);
	g_free(package->named);
	g_free(package->locked);
	g_free(package->loaded);
	g_free(package->missing);
	g_hash_table_unref(package->constraints);
	g_hash_table_unref(package->needed);
	g_hash_table_unref(package->unusable);
	g_free(package);
}

struct fact *fact_new(enum solver_fact_kind kind, guint package)
{
	struct fact *fact = g_new0(struct fact, 1);

	fact->kind = kind;
	fact->package = package;
	return fact;
}

void fact_free(struct fact *fact)
{
	if (!fact)
		return;
	for (guint i = 0; i < fact->n_circle; i++)
		g_free(fact->circle[i].values);
	g_free(fact->circle);
	g_free(fact->of);
	g_free(fact->refused);
	g_clear_pointer(&fact->parts, g_ptr_array_unref);
	g_free(fact);
}

struct problem *problem_new(void)
{
	struct problem *problem = g_new0(struct problem, 1);

	problem->packages = g_ptr_array_new_with_free_func(free_package);
	problem->numbers = g_hash_table_new(hash_string_keyed, g_str_equal);
	problem->facts = g_ptr_array_new_with_free_func((GDestroyNotify)fact_free);
	return problem;
}

void problem_free(struct problem *problem)
{
	if (!problem)
		return;
	g_ptr_array_unref(problem->facts);
	g_hash_table_unref(problem->numbers);
	g_ptr_array_unref(problem->packages);
	g_free(problem);
}

struct package *problem_package(const struct problem *problem, guint number)
{
	return problem->packages->pdata[number];
}

gboolean problem_find(const struct problem *problem, const char *name, guint *number)
{
	guint found = GPOINTER_TO_UINT(g_hash_table_lookup(problem->numbers, name));

	if (found > 0)
		*number = found - 1;
	return found > 0;
}

guint package_values(const struct package *package)
{
	return package->candidates + 1;
}

guint problem_add_package(struct problem *problem, const char *name, GPtrArray *take_texts,
	const GArray *flags, const char *missing)
{
	struct package *package = g_new0(struct package, 1);

	package->name = g_strdup(name);
	package->texts = take_texts;
	package->candidates = missing ? 1 : take_texts->len;
	package->missing = g_strdup(missing);
	package->named = bits_new(package_values(package));
	package->locked = bits_new(package_values(package));
	package->loaded = bits_new(package_values(package));
	package->needs = g_new0(GArray *, MAX(package->candidates, 1));
	package->constraints = g_hash_table_new_full(
		hash_string_keyed, g_str_equal, NULL, free_constraint);
	package->needed = g_hash_table_new(NULL, NULL);
	package->unusable = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	for (guint i = 0; !missing && i < package->candidates; i++) {
		guint flag = g_array_index(flags, guint, i);

		if (flag & SOLVER_CANDIDATE_NAMED)
			bits_add(package->named, i);
		if (flag & SOLVER_CANDIDATE_LOCKED)
			bits_add(package->locked, i);
	}
	g_ptr_array_add(problem->packages, package);
	g_hash_table_insert(
		problem->numbers, package->name, GUINT_TO_POINTER(problem->packages->len));
	return problem->packages->len - 1;
}

struct fact *problem_add_fact(struct problem *problem, enum solver_fact_kind kind, guint package)
{
	struct fact *fact = fact_new(kind, package);

	g_ptr_array_add(problem->facts, fact);
	return fact;
}

guint fact_terms_max(const struct fact *fact)
{
	return MAX(fact->n_circle, 2);
}

guint fact_terms(const struct fact *fact, struct search_term *terms)
{
	switch (fact->kind) {
	case SOLVER_FACT_ASKED:
		terms[0] = (struct search_term){fact->package, fact->refused};
		return 1;
	case SOLVER_FACT_NEEDED:
		terms[0] = (struct search_term){fact->package, fact->of};
		terms[1] = (struct search_term){fact->needed, fact->refused};
		return 2;
	case SOLVER_FACT_UNUSABLE:
	case SOLVER_FACT_MISSING:
		terms[0] = (struct search_term){fact->package, fact->of};
		return 1;
	case SOLVER_FACT_CYCLE:
		memcpy(terms, fact->circle, fact->n_circle * sizeof(*terms));
		return fact->n_circle;
	}
	g_assert_not_reached();
}
