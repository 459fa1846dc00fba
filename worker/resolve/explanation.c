/*
 * A proof, told. PubGrub's algorithm for error reports
 * (https://github.com/dart-lang/pub/blob/master/doc/solver.md#error-reporting): each step follows
 * from two others, which are said before it, in it, or, where they are needed twice, by the number of
 * their line.
 *
 * Nobody follows a proof of hundreds of steps; of such a one only the facts are listed.
 */
#include "worker/resolve/explanation.h"

#include "journal/base/limits.h"
#include "journal/base/printable.h"
#include "worker/resolve/bits.h"
#include "worker/resolve/wording.h"

/* A step of the proof: a fact, or what follows from two steps. */
struct node {
	struct search_term *terms; /* over packages of the problem */
	guint n_terms;
	const struct fact *fact; /* NULL: derived from the next two */
	struct node *first, *second;
	guint uses;
	guint line; /* told as that of the lines that may be referred to; 0: not told, or not needed again */
	guint shown; /* its number, if it is referred to */
	gboolean referred;
};

struct telling {
	const struct proof *proof;
	GPtrArray *facts; /* that the proof makes use of */
	GPtrArray *nodes; /* owned */
	GHashTable *by_rule;
	GPtrArray *lines; /* of char * */
	guint numbered, shown;
};

/* ---- the steps ---- */

static void free_node(gpointer data)
{
	struct node *node = data;

	for (guint i = 0; i < node->n_terms; i++)
		g_free(node->terms[i].values);
	g_free(node->terms);
	g_free(node);
}

static struct node *new_node(struct telling *telling, guint terms_max)
{
	struct node *node = g_new0(struct node, 1);

	node->terms = g_new0(struct search_term, MAX(terms_max, 1));
	g_ptr_array_add(telling->nodes, node);
	return node;
}

static guint values_of(const struct telling *telling, guint package)
{
	return package_values(problem_package(telling->proof->problem, package));
}

static struct search_term *find_term(const struct node *node, guint package)
{
	for (guint i = 0; i < node->n_terms; i++)
		if (node->terms[i].variable == package)
			return &node->terms[i];
	return NULL;
}

static gboolean always_holds(const struct telling *telling, const struct search_term *term)
{
	guint values = values_of(telling, term->variable);

	return bits_count(term->values, bits_words(values)) == values;
}

/* Adds TERM; where NODE speaks of the package already, both hold, or, if it is the PIVOT, either. */
static void put_term(
	struct telling *telling, struct node *node, const struct search_term *term, gint pivot)
{
	struct search_term *there = find_term(node, term->variable);
	guint values = values_of(telling, term->variable);

	if (!there)
		node->terms[node->n_terms++] = (struct search_term){
			term->variable, bits_copy(term->values, values)};
	else if ((gint)term->variable == pivot)
		bits_unite(there->values, term->values, bits_words(values));
	else
		bits_intersect(there->values, term->values, bits_words(values));
}

static void drop_empty_terms(struct telling *telling, struct node *node)
{
	guint kept = 0;

	for (guint i = 0; i < node->n_terms; i++) {
		if (always_holds(telling, &node->terms[i]))
			g_free(node->terms[i].values);
		else
			node->terms[kept++] = node->terms[i];
	}
	node->n_terms = kept;
}

static struct node *fact_node(struct telling *telling, const struct fact *fact)
{
	g_autofree struct search_term *terms = g_new(struct search_term, fact_terms_max(fact));
	guint n = fact_terms(fact, terms);
	struct node *node = new_node(telling, n);

	for (guint i = 0; i < n; i++)
		put_term(telling, node, &terms[i], -1);
	drop_empty_terms(telling, node);
	node->fact = fact;
	return node;
}

static struct node *derive(
	struct telling *telling, struct node *first, struct node *second, guint pivot)
{
	struct node *node = new_node(telling, first->n_terms + second->n_terms);

	for (guint i = 0; i < first->n_terms; i++)
		put_term(telling, node, &first->terms[i], -1);
	for (guint i = 0; i < second->n_terms; i++)
		put_term(telling, node, &second->terms[i], (gint)pivot);
	drop_empty_terms(telling, node);
	node->first = first;
	node->second = second;
	first->uses++;
	second->uses++;
	return node;
}

/* The step that RULE is, and all before it; NULL if there are too many. */
static struct node *node_for(struct telling *telling, guint number)
{
	const struct search_rule *rule = search_rule(telling->proof->search, number);
	struct node *node = g_hash_table_lookup(telling->by_rule, GUINT_TO_POINTER(number));

	if (node || telling->nodes->len > LIMIT_SOLVER_EXPLANATION_NODES)
		return node;
	if (rule->fact >= 0) {
		node = fact_node(telling, telling->proof->facts->pdata[rule->fact]);
	} else {
		node = node_for(telling, rule->steps[0].rule);
		for (guint i = 1; node && i < rule->n_steps; i++) {
			struct node *reason = node_for(telling, rule->steps[i].rule);
			guint pivot = g_array_index(
				telling->proof->packages, guint, rule->steps[i].variable);

			node = reason ? derive(telling, node, reason, pivot) : NULL;
		}
	}
	if (node)
		g_hash_table_insert(telling->by_rule, GUINT_TO_POINTER(number), node);
	return node;
}

/* ---- the lines ---- */

static void say(struct telling *telling, GString *text, struct node *node)
{
	const struct problem *problem = telling->proof->problem;

	if (node->fact)
		wording_fact(text, problem, node->fact);
	else if (node->n_terms == 0)
		wording_conclusion(text, problem, telling->facts);
	else
		wording_rule(text, problem, node->terms, node->n_terms, telling->facts);
	if (node->line > 0)
		node->referred = TRUE;
	if (node->shown > 0)
		g_string_append_printf(text, " (%u)", node->shown);
}

/* Whether CIRCLE goes from FACT's package to the one it needs. */
static gboolean is_part_of(const struct fact *circle, const struct fact *fact)
{
	for (guint i = 0; fact->kind == SOLVER_FACT_NEEDED && i < circle->n_circle; i++)
		if (circle->circle[i].variable == fact->package &&
			circle->circle[(i + 1) % circle->n_circle].variable == fact->needed)
			return TRUE;
	return FALSE;
}

static gboolean is_asked(const struct node *node)
{
	return node->fact && node->fact->kind == SOLVER_FACT_ASKED &&
		node->fact->requirement->kind == SOLVER_ASKED;
}

/* Whether CIRCLE is one that goes from PART's package to the one it needs. */
static gboolean tells_too(const struct node *circle, const struct node *part)
{
	return circle->fact && circle->fact->kind == SOLVER_FACT_CYCLE && part->fact &&
		is_part_of(circle->fact, part->fact);
}

/* A and B, which may be NULL; what one asks for in one clause, and nothing twice. */
static void say_both(struct telling *telling, GString *text, struct node *a, struct node *b)
{
	if (b && tells_too(b, a))
		a = b;
	say(telling, text, a);
	if (!b || a == b || tells_too(a, b))
		return;
	g_string_append(text, " and ");
	if (is_asked(a) && is_asked(b) &&
		strcmp(a->fact->requirement->origin, b->fact->requirement->origin) == 0)
		wording_wish(text, telling->proof->problem, b->fact);
	else
		say(telling, text, b);
}

static gboolean is_supposed(const struct node *node)
{
	return node && node->fact && node->fact->kind == SOLVER_FACT_ASKED &&
		node->fact->requirement->kind == SOLVER_SUPPOSED;
}

/* `START, because A and B, NODE.`: one line, to be referred to if NODE is needed again. A and B may be
 * NULL. */
static void tell(struct telling *telling, const char *start, struct node *a, struct node *b,
	struct node *node, gboolean numbered)
{
	g_autoptr(GString) text = g_string_new(NULL);

	/* That a supposition cannot be needs no mention of it besides. */
	if (node->n_terms == 0 && is_supposed(b))
		b = NULL;
	if (node->n_terms == 0 && is_supposed(a)) {
		a = b;
		b = NULL;
	}
	g_string_append(text, a || !g_str_has_prefix(start, "So") ? start : "So ");
	if (a) {
		say_both(telling, text, a, b);
		g_string_append(text, ", ");
	}
	say(telling, text, node);
	g_string_append_c(text, '.');
	if (node->referred) {
		g_autofree char *number = g_strdup_printf("(%u) ", ++telling->shown);

		node->shown = telling->shown;
		g_string_prepend(text, number);
	}
	if (numbered || node->uses > 1)
		node->line = ++telling->numbered;
	g_ptr_array_add(telling->lines, printable_text(text->str));
}

static const char *and_because(const struct node *node)
{
	return node->n_terms == 0 ? "So, because " : "And because ";
}

static void tell_node(struct telling *telling, struct node *node, gboolean numbered);

static gboolean is_derived(const struct node *node)
{
	return !node->fact;
}

/* Whether NODE follows from two facts: a line of its own is all it takes. */
static gboolean is_single_line(const struct node *node)
{
	return is_derived(node) && node->first->fact && node->second->fact;
}

/* NODE follows from two derived steps. */
static void tell_from_two(struct telling *telling, struct node *node, gboolean numbered)
{
	struct node *first = node->first, *second = node->second;

	if (first->line > 0 && second->line > 0) {
		tell(telling, "Because ", first, second, node, numbered);
	} else if (first->line > 0 || second->line > 0) {
		struct node *told = first->line > 0 ? first : second;

		tell_node(telling, told == first ? second : first, FALSE);
		tell(telling, and_because(node), told, NULL, node, numbered);
	} else if (is_single_line(first) || is_single_line(second)) {
		struct node *simple = is_single_line(second) ? second : first;
		struct node *other = simple == first ? second : first;

		tell_node(telling, other, FALSE);
		tell_node(telling, simple, FALSE);
		tell(telling, node->n_terms == 0 ? "So " : "Thus ", NULL, NULL, node, numbered);
	} else {
		tell_node(telling, first, TRUE);
		tell_node(telling, second, FALSE);
		tell(telling, and_because(node), first, NULL, node, numbered);
	}
}

/* NODE follows from a derived step and a fact. */
static void tell_from_one(struct telling *telling, struct node *node, gboolean numbered)
{
	struct node *derived = is_derived(node->first) ? node->first : node->second;
	struct node *fact = derived == node->first ? node->second : node->first;

	if (derived->line > 0) {
		tell(telling, "Because ", derived, fact, node, numbered);
	} else if (derived->uses == 1 &&
		is_derived(derived->first) != is_derived(derived->second)) {
		/* What is in between is needed here alone: two facts in one sentence. */
		struct node *before = is_derived(derived->first) ? derived->first : derived->second;
		struct node *between = before == derived->first ? derived->second : derived->first;

		tell_node(telling, before, FALSE);
		tell(telling, and_because(node), between, fact, node, numbered);
	} else {
		tell_node(telling, derived, FALSE);
		tell(telling, and_because(node), fact, NULL, node, numbered);
	}
}

/* Tells NODE, a derived step, unless that was done. */
static void tell_node(struct telling *telling, struct node *node, gboolean numbered)
{
	if (node->line > 0)
		return;
	if (is_derived(node->first) && is_derived(node->second))
		tell_from_two(telling, node, numbered);
	else if (is_derived(node->first) || is_derived(node->second))
		tell_from_one(telling, node, numbered);
	else
		tell(telling, "Because ", node->first, node->second, node, numbered);
}

/* ---- the whole ---- */

/* The first facts and the last: what is wished for, and what cannot be had. */
static void list_facts(struct telling *telling)
{
	const guint half = LIMIT_SOLVER_EXPLANATION_LINES / 2;

	g_ptr_array_add(telling->lines,
		g_strdup(
			"No choice of versions keeps to all of these, and it takes many steps to see why:"));
	for (guint i = 0; i < telling->facts->len; i++) {
		g_autoptr(GString) text = g_string_new("- ");

		if (i == half && telling->facts->len > 2 * half) {
			i = telling->facts->len - half - 1;
			g_string_append_printf(text, "(%u more)", i - half + 1);
		} else {
			wording_fact(text, telling->proof->problem, telling->facts->pdata[i]);
			g_string_append_c(text, '.');
		}
		g_ptr_array_add(telling->lines, printable_text(text->str));
	}
}

/* A wish and that it cannot be: one sentence, with no conclusion to draw. */
static gboolean tell_plainly(struct telling *telling)
{
	const struct fact *asked = telling->facts->pdata[0];
	const struct fact *missing = telling->facts->len == 2 ? telling->facts->pdata[1] : NULL;
	g_autoptr(GString) text = g_string_new(NULL);

	if (missing && asked->kind != SOLVER_FACT_ASKED) {
		asked = telling->facts->pdata[1];
		missing = telling->facts->pdata[0];
	}
	if (telling->facts->len > 2 || asked->kind != SOLVER_FACT_ASKED ||
		(missing && missing->kind != SOLVER_FACT_MISSING))
		return FALSE;
	wording_fact(text, telling->proof->problem, asked);
	if (missing)
		g_string_append_printf(text, ", but %s cannot be had: %s",
			problem_package(telling->proof->problem, missing->package)->name,
			missing->reason);
	g_string_append_c(text, '.');
	g_ptr_array_add(telling->lines, printable_text(text->str));
	return TRUE;
}

/* Somebody asks for a component that needs itself whatever way one turns: one sentence. */
static gboolean tell_circle(struct telling *telling)
{
	const struct fact *circle = NULL, *asked = NULL;
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < telling->facts->len; i++) {
		const struct fact *fact = telling->facts->pdata[i];

		if (fact->kind == SOLVER_FACT_CYCLE && !circle)
			circle = fact;
		else if (fact->kind == SOLVER_FACT_ASKED && !asked)
			asked = fact;
		else if (fact->kind != SOLVER_FACT_NEEDED)
			return FALSE;
	}
	if (!circle || !asked || asked->package != circle->circle[0].variable)
		return FALSE;
	for (guint i = 0; i < telling->facts->len; i++) {
		const struct fact *fact = telling->facts->pdata[i];

		if (fact->kind == SOLVER_FACT_NEEDED && !is_part_of(circle, fact))
			return FALSE;
	}
	wording_fact(text, telling->proof->problem, asked);
	g_string_append(text, ", but ");
	wording_circle(text, telling->proof->problem, circle, telling->facts);
	g_string_append_c(text, '.');
	g_ptr_array_add(telling->lines, printable_text(text->str));
	return TRUE;
}

/* Tells all that leads to NODE: once to see what is referred to, and once with the numbers of that. */
static void tell_all(struct telling *telling, struct node *node)
{
	tell_node(telling, node, FALSE);
	g_ptr_array_set_size(telling->lines, 0);
	telling->numbered = 0;
	for (guint i = 0; i < telling->nodes->len; i++)
		((struct node *)telling->nodes->pdata[i])->line = 0;
	tell_node(telling, node, FALSE);
}

char *explanation_text(const struct proof *proof)
{
	struct telling telling = {.proof = proof};
	struct node *node;
	char *text;

	telling.facts = proof_facts(proof);
	telling.nodes = g_ptr_array_new_with_free_func(free_node);
	telling.by_rule = g_hash_table_new(NULL, NULL);
	telling.lines = g_ptr_array_new_with_free_func(g_free);
	if (!tell_plainly(&telling) && !tell_circle(&telling)) {
		node = node_for(&telling, search_failure(proof->search));
		if (node)
			tell_all(&telling, node);
		if (!node || telling.lines->len > LIMIT_SOLVER_EXPLANATION_LINES) {
			g_ptr_array_set_size(telling.lines, 0);
			list_facts(&telling);
		}
	}
	g_ptr_array_add(telling.lines, NULL);
	text = g_strjoinv("\n", (char **)telling.lines->pdata);
	g_ptr_array_unref(telling.lines);
	g_hash_table_unref(telling.by_rule);
	g_ptr_array_unref(telling.nodes);
	g_ptr_array_unref(telling.facts);
	return text;
}
