/*
 * Facts, and what follows from them, as clauses of a sentence. They speak of components, versions and
 * constraints as people wrote them, and of nothing else.
 */
#include "worker/resolve/wording.h"

#include "worker/resolve/bits.h"
#include "worker/resolve/version_words.h"

/* Constraints, or reasons, of a fact that was put together from several that are named. */
#define CONSTRAINTS_NAMED 4

/* ---- parts of clauses ---- */

static void add_wish(GString *text, const struct package *package, const char *constraint)
{
	g_string_append(text, package->name);
	if (constraint[0] && strcmp(constraint, "*") != 0)
		g_string_append_printf(text, " %s", constraint);
}

/* What has to be added to `menu ^1.0.0` where that means no version, or means one under another name.
 */
static void add_meaning(
	GString *text, const struct package *package, const struct constraint *constraint)
{
	const char *only;

	if (package->missing)
		return;
	if (constraint->failure) {
		g_string_append_printf(text, ", but %s", constraint->failure);
	} else if (constraint->allowed == 0) {
		g_string_append(text, ", which no version meets (");
		version_words_offer(text, package, constraint->text);
		g_string_append_c(text, ')');
	} else if (constraint->allowed == 1 && package->candidates > 1) {
		guint candidate = 0;

		while (bits_has(constraint->refused, candidate))
			candidate++;
		only = package->texts->pdata[candidate];
		if (!strstr(constraint->text, only) && !strstr(only, constraint->text))
			g_string_append_printf(text, " (which is %s)", only);
	}
}

/* ---- facts ---- */

static void add_parts(GString *text, const struct fact *fact)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < fact->parts->len; i++) {
		const struct fact *part = fact->parts->pdata[i];

		if (i + 1 >= CONSTRAINTS_NAMED && fact->parts->len > CONSTRAINTS_NAMED) {
			g_ptr_array_add(items, g_strdup_printf("%u others", fact->parts->len - i));
			break;
		}
		g_ptr_array_add(items, g_strdup(part->constraint->text));
	}
	version_words_list(text, items, "or");
}

static void add_allowed(GString *text, const struct package *package, const uint64_t *refused)
{
	g_autofree uint64_t *allowed = bits_copy(refused, package_values(package));

	bits_complement(allowed, package_values(package));
	if (version_words_all(package, allowed))
		g_string_append(text, package->name);
	else
		version_words_named(text, package, allowed);
}

/* Several constraints as one: the versions that any of them allows, and the constraints. */
static void add_needed_parts(GString *text, const struct package *package, const struct fact *fact)
{
	guint values = package_values(package);

	if (package->missing) {
		g_string_append(text, package->name);
		return;
	}
	if (bits_count(fact->refused, bits_words(values)) == values) {
		g_string_append_printf(text, "%s ", package->name);
		add_parts(text, fact);
		g_string_append(text, ", which no version meets (");
		version_words_offer(text, package, fact->constraint->text);
	} else if (fact->parts->len < CONSTRAINTS_NAMED) {
		g_string_append_printf(text, "%s ", package->name);
		add_parts(text, fact);
		return;
	} else {
		add_allowed(text, package, fact->refused);
		g_string_append(text, " (");
		add_parts(text, fact);
	}
	g_string_append_c(text, ')');
}

/* Why the versions of FACT cannot be used: one reason, or which have which. */
static void add_reasons(GString *text, const struct package *package, const struct fact *fact)
{
	if (!fact->parts)
		g_string_append(text, fact->reason);
	for (guint i = 0; fact->parts && i < fact->parts->len; i++) {
		const struct fact *part = fact->parts->pdata[i];

		if (i + 1 >= CONSTRAINTS_NAMED && fact->parts->len > CONSTRAINTS_NAMED) {
			g_string_append_printf(text, "; %u more reasons", fact->parts->len - i);
			break;
		}
		g_string_append(text, i > 0 ? "; " : "");
		version_words(text, package, part->of);
		g_string_append_printf(text, ": %s", part->reason);
	}
}

static void add_unusable(GString *text, const struct package *package, const struct fact *fact)
{
	if (version_words_all(package, fact->of)) {
		g_string_append_printf(text, "no version of %s can be used", package->name);
	} else {
		version_words_named(text, package, fact->of);
		g_string_append(text, " cannot be used");
	}
	g_string_append(text, " (");
	add_reasons(text, package, fact);
	g_string_append_c(text, ')');
}

void wording_wish(GString *text, const struct problem *problem, const struct fact *fact)
{
	const struct package *package = problem_package(problem, fact->package);

	add_wish(text, package, fact->constraint->text);
	add_meaning(text, package, fact->constraint);
}

void wording_circle(GString *text, const struct problem *problem, const struct fact *fact,
	const GPtrArray *facts)
{
	for (guint i = 0; i < fact->n_circle; i++) {
		const struct search_term *term = &fact->circle[i];
		guint next = fact->circle[(i + 1) % fact->n_circle].variable;
		const char *constraint = "";

		for (guint j = 0; facts && j < facts->len; j++) {
			const struct fact *edge = facts->pdata[j];

			if (edge->kind == SOLVER_FACT_NEEDED && !edge->parts &&
				edge->package == term->variable && edge->needed == next)
				constraint = edge->constraint->text;
		}
		if (i > 0)
			g_string_append(text, i + 1 < fact->n_circle ? ", " : " and ");
		version_words_named(text, problem_package(problem, term->variable), term->values);
		g_string_append(text, " needs ");
		add_wish(text, problem_package(problem, next), constraint);
	}
	g_string_append(text, " again");
}

void wording_fact(GString *text, const struct problem *problem, const struct fact *fact)
{
	const struct package *package = problem_package(problem, fact->package);

	switch (fact->kind) {
	case SOLVER_FACT_ASKED:
		if (fact->requirement->kind == SOLVER_SUPPOSED) {
			add_wish(text, package, fact->constraint->text);
			g_string_append(text, " is wanted");
			add_meaning(text, package, fact->constraint);
			return;
		}
		g_string_append_printf(text, "%s asks for ", fact->requirement->origin);
		wording_wish(text, problem, fact);
		return;
	case SOLVER_FACT_NEEDED:
		version_words_named(text, package, fact->of);
		g_string_append(text, " needs ");
		package = problem_package(problem, fact->needed);
		if (fact->parts) {
			add_needed_parts(text, package, fact);
			return;
		}
		add_wish(text, package, fact->constraint->text);
		add_meaning(text, package, fact->constraint);
		return;
	case SOLVER_FACT_UNUSABLE:
		add_unusable(text, package, fact);
		return;
	case SOLVER_FACT_MISSING:
		g_string_append_printf(text, "%s cannot be had (%s)", package->name, fact->reason);
		return;
	case SOLVER_FACT_CYCLE:
		wording_circle(text, problem, fact, NULL);
		return;
	}
}

/* ---- what follows ---- */

static gboolean is_positive(const struct problem *problem, const struct search_term *term)
{
	const struct package *package = problem_package(problem, term->variable);

	return !bits_has(term->values, package->candidates);
}

/* Candidates that are not REFUSED, by the constraint that means just them, if one is at hand. */
static void add_object(GString *text, const struct problem *problem, const struct search_term *term,
	const GPtrArray *facts)
{
	const struct package *package = problem_package(problem, term->variable);
	guint words = bits_words(package_values(package));

	for (guint i = 0; i < facts->len; i++) {
		const struct fact *fact = facts->pdata[i];
		guint about = fact->kind == SOLVER_FACT_NEEDED ? fact->needed : fact->package;

		if (about != term->variable || !fact->constraint || fact->parts ||
			!bits_is_subset(fact->refused, term->values, words) ||
			!bits_is_subset(term->values, fact->refused, words))
			continue;
		add_wish(text, package, fact->constraint->text);
		return;
	}
	add_allowed(text, package, term->values);
}

static void add_objects(GString *text, const struct problem *problem, const GPtrArray *terms,
	const GPtrArray *facts)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < terms->len; i++) {
		GString *item = g_string_new(NULL);

		add_object(item, problem, terms->pdata[i], facts);
		g_ptr_array_add(items, g_string_free(item, FALSE));
	}
	version_words_list(text, items, "or");
}

static void add_subjects(GString *text, const struct problem *problem, const GPtrArray *terms)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < terms->len; i++) {
		const struct search_term *term = terms->pdata[i];
		GString *item = g_string_new(NULL);

		version_words_named(item, problem_package(problem, term->variable), term->values);
		g_ptr_array_add(items, g_string_free(item, FALSE));
	}
	version_words_list(text, items, "and");
}

/* That the candidates of all TERMS are not to be had, or not together. */
static void add_exclusion(GString *text, const struct problem *problem, const GPtrArray *terms)
{
	const struct search_term *first = terms->pdata[0];
	const struct package *package = problem_package(problem, first->variable);
	gboolean all = version_words_all(package, first->values);

	if (package->missing) {
		g_string_append_printf(text, "%s cannot be had", package->name);
	} else if (terms->len == 1 && all) {
		g_string_append_printf(text, "no version of %s can be used", package->name);
	} else if (terms->len == 1) {
		version_words_named(text, package, first->values);
		g_string_append(text, " cannot be used");
	} else if (terms->len == 2 && all) {
		const struct search_term *second = terms->pdata[1];

		g_string_append_printf(text, "no version of %s goes with ", package->name);
		package = problem_package(problem, second->variable);
		if (version_words_all(package, second->values))
			g_string_append_printf(text, "any of %s", package->name);
		else
			version_words_named(text, package, second->values);
	} else {
		add_subjects(text, problem, terms);
		g_string_append(text, " do not go together");
	}
}

void wording_rule(GString *text, const struct problem *problem, const struct search_term *terms,
	guint n_terms, const GPtrArray *facts)
{
	g_autoptr(GPtrArray) positive = g_ptr_array_new();
	g_autoptr(GPtrArray) negative = g_ptr_array_new();

	for (guint i = 0; i < n_terms; i++)
		g_ptr_array_add(
			is_positive(problem, &terms[i]) ? positive : negative, (gpointer)&terms[i]);
	if (negative->len == 0) {
		add_exclusion(text, problem, positive);
	} else if (positive->len == 0) {
		add_objects(text, problem, negative, facts);
		g_string_append(text, " is needed");
	} else if (positive->len == 1) {
		add_subjects(text, problem, positive);
		g_string_append(text, " needs ");
		add_objects(text, problem, negative, facts);
	} else {
		add_subjects(text, problem, positive);
		g_string_append(text, " together need ");
		add_objects(text, problem, negative, facts);
	}
}

void wording_conclusion(GString *text, const struct problem *problem, const GPtrArray *facts)
{
	g_autoptr(GPtrArray) origins = g_ptr_array_new();
	const struct fact *only = NULL;
	guint asked = 0;

	for (guint i = 0; i < facts->len; i++) {
		const struct fact *fact = facts->pdata[i];

		if (fact->kind != SOLVER_FACT_ASKED)
			continue;
		if (fact->requirement->kind == SOLVER_SUPPOSED) {
			only = fact;
			asked = 1;
			break;
		}
		asked++;
		only = fact;
		if (!g_ptr_array_find_with_equal_func(
			    origins, fact->requirement->origin, g_str_equal, NULL))
			g_ptr_array_add(origins, (gpointer)fact->requirement->origin);
	}
	if (asked == 1) {
		add_wish(text, problem_package(problem, only->package), only->constraint->text);
		g_string_append(text, " cannot be had");
		return;
	}
	g_string_append(text, "what ");
	version_words_list(text, origins, "and");
	g_string_append_printf(
		text, " %s for cannot be had together", origins->len == 1 ? "asks" : "ask");
}

/* ---- facts for others ---- */

static char *versions_text(const struct package *package, const uint64_t *values)
{
	GString *text = g_string_new(NULL);

	version_words(text, package, values);
	return g_string_free(text, FALSE);
}

static char *constraints_text(const struct fact *fact)
{
	GString *text;

	if (!fact->parts)
		return g_strdup(fact->constraint->text);
	text = g_string_new(NULL);
	add_parts(text, fact);
	return g_string_free(text, FALSE);
}

/* Why the constraint of FACT, about PACKAGE, means nothing; NULL if it means something. */
static char *nothing_allowed(const struct package *package, const struct fact *fact)
{
	guint values = package_values(package);
	GString *text;

	if (fact->constraint->failure)
		return g_strdup(fact->constraint->failure);
	if (package->missing || bits_count(fact->refused, bits_words(values)) < values)
		return NULL;
	text = g_string_new("no version meets it: ");
	version_words_offer(text, package, fact->constraint->text);
	return g_string_free(text, FALSE);
}

struct solver_fact *wording_solver_fact(const struct problem *problem, const struct fact *fact)
{
	const struct package *package = problem_package(problem, fact->package);
	struct solver_fact *told = g_new0(struct solver_fact, 1);
	g_autoptr(GString) text = g_string_new(NULL);

	told->kind = fact->kind;
	told->package = g_strdup(package->name);
	switch (fact->kind) {
	case SOLVER_FACT_ASKED:
		told->constraint = g_strdup(fact->constraint->text);
		told->by = g_strdup(fact->requirement->origin);
		told->reason = nothing_allowed(package, fact);
		break;
	case SOLVER_FACT_NEEDED:
		g_free(told->package);
		told->package = g_strdup(problem_package(problem, fact->needed)->name);
		told->constraint = constraints_text(fact);
		told->by = g_strdup(package->name);
		told->by_versions = versions_text(package, fact->of);
		told->reason = nothing_allowed(problem_package(problem, fact->needed), fact);
		break;
	case SOLVER_FACT_UNUSABLE:
		told->by_versions = versions_text(package, fact->of);
		add_reasons(text, package, fact);
		told->reason = g_strdup(text->str);
		break;
	case SOLVER_FACT_MISSING:
		told->reason = g_strdup(fact->reason);
		break;
	case SOLVER_FACT_CYCLE:
		wording_circle(text, problem, fact, NULL);
		told->reason = g_strdup(text->str);
		break;
	}
	return told;
}
