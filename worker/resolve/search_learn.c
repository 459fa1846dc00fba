/*
 * Learning from a broken rule. PubGrub's conflict resolution, which is SAT solvers' with sets for
 * literals: the rule is resolved with the reason of whatever made it hold last, until only one of
 * its terms came to hold on the last level that matters. From the level before, that rule alone
 * leads elsewhere.
 *
 * A term that holds because of a rule about its variable alone is resolved away before all others, if
 * that leaves nothing of it: what is learned is shorter, and easier told.
 *
 * Two rules `not (P in A, rest)` and `not (P in B, rest')` give `not (P in A or B, rest, rest')`;
 * where both speak of another variable, both sets hold for it.
 */
#include "worker/resolve/search_parts.h"

#define UNKNOWN (-2)
#define HEATING 1.05
#define HEATING_MAX 1e100

static void involve(struct search *search, const struct search_term *term)
{
	struct search_variable *variable = variable_at(search, term->variable);

	if (!variable->term)
		variable->term = bits_new(variable->values);
	if (variable->involved) {
		bits_intersect(variable->term, term->values, variable->words);
	} else {
		memcpy(variable->term, term->values, variable->words * sizeof(*variable->term));
		variable->involved = TRUE;
		g_array_append_val(search->involved, term->variable);
	}
	variable->satisfier = UNKNOWN;
}

static void leave_out(struct search *search, guint number)
{
	variable_at(search, number)->involved = FALSE;
	for (guint i = 0; i < search->involved->len; i++)
		if (g_array_index(search->involved, guint, i) == number)
			g_array_remove_index_fast(search->involved, i);
}

/* Resolves the rule being made with RULE over the variable PIVOT, which both speak of. */
static void resolve_with(struct search *search, guint number, guint pivot)
{
	struct search_variable *variable = variable_at(search, pivot);
	const struct search_rule *rule = rule_at(search, number);
	struct search_step step = {number, pivot};

	for (guint i = 0; i < rule->n_terms; i++) {
		if (rule->terms[i].variable != pivot)
			involve(search, &rule->terms[i]);
		else
			bits_unite(variable->term, rule->terms[i].values, variable->words);
	}
	variable->satisfier = UNKNOWN;
	variable->heat += search->heating;
	if (bits_is_subset(variable->all, variable->term, variable->words))
		leave_out(search, pivot);
	g_array_append_val(search->steps, step);
	search->budget->steps += rule->n_terms;
}

/* Whether the term about VARIABLE holds by a rule about it alone, with which it can be resolved away. */
static gboolean is_given(const struct search *search, const struct search_variable *variable)
{
	gint number = variable->satisfier == NO_ENTRY ? NO_RULE
						      : entry_at(search, variable->satisfier)->rule;
	const struct search_rule *rule = number == NO_RULE ? NULL : rule_at(search, (guint)number);

	if (!rule || rule->n_terms != 1)
		return FALSE;
	for (guint i = 0; i < variable->words; i++)
		if (variable->all[i] & ~(variable->term[i] | rule->terms[0].values[i]))
			return FALSE;
	return TRUE;
}

/* The entry of the trail that made the last term of the rule being made hold, and the one that made
 * the last but one; GIVEN is one that is, or NO_ENTRY. */
static void find_satisfiers(struct search *search, gint *last, gint *last_but_one, gint *given)
{
	*last = *last_but_one = *given = NO_ENTRY;
	for (guint i = 0; i < search->involved->len; i++) {
		guint number = g_array_index(search->involved, guint, i);
		struct search_variable *variable = variable_at(search, number);

		if (variable->satisfier == UNKNOWN)
			variable->satisfier = search_satisfier(search, number, variable->term);
		if (variable->satisfier > *given && is_given(search, variable))
			*given = variable->satisfier;
		if (variable->satisfier > *last) {
			*last_but_one = *last;
			*last = variable->satisfier;
		} else if (variable->satisfier > *last_but_one) {
			*last_but_one = variable->satisfier;
		}
	}
	search->budget->steps += search->involved->len;
}

static guint level_of(const struct search *search, gint entry)
{
	return entry == NO_ENTRY ? 0 : entry_at(search, entry)->level;
}

/* The rule that was made, its terms in the order in which they ceased to hold if decisions were
 * taken back. */
static guint keep_learned(struct search *search)
{
	g_autoptr(GArray) terms = g_array_new(FALSE, FALSE, sizeof(struct search_term));
	struct search_rule *rule;
	guint number;

	for (guint place = 0; place < search->involved->len; place++) {
		guint *numbers = &g_array_index(search->involved, guint, 0);
		struct search_term term;

		/* The two that come first are watched; the others may stand as they do. */
		for (guint i = place + 1; place < 2 && i < search->involved->len; i++) {
			if (variable_at(search, numbers[i])->satisfier >
				variable_at(search, numbers[place])->satisfier) {
				guint swapped = numbers[i];

				numbers[i] = numbers[place];
				numbers[place] = swapped;
			}
		}
		term = (struct search_term){
			numbers[place], variable_at(search, numbers[place])->term};
		variable_at(search, numbers[place])->involved = FALSE;
		variable_at(search, numbers[place])->heat += search->heating;
		g_array_append_val(terms, term);
	}
	number = search_keep_rule(
		search, (const struct search_term *)(void *)terms->data, terms->len, NO_RULE);
	rule = rule_at(search, number);
	rule->n_steps = search->steps->len;
	rule->steps = g_memdup2(
		search->steps->data, search->steps->len * sizeof(struct search_step));
	search->bytes += (int64_t)(search->steps->len * sizeof(struct search_step));
	return number;
}

/* Later conflicts count more: an order of magnitude in some fifty. */
static void heat_up(struct search *search)
{
	search->conflicts++;
	search->heating *= HEATING;
	if (search->heating < HEATING_MAX)
		return;
	for (guint i = 0; i < search->variables->len; i++)
		variable_at(search, i)->heat /= HEATING_MAX;
	search->heating /= HEATING_MAX;
}

gboolean search_learn(struct search *search, guint broken)
{
	struct search_step first = {broken, 0};
	const struct search_rule *rule = rule_at(search, broken);
	gint last, last_but_one, given;
	guint learned;

	g_array_set_size(search->involved, 0);
	g_array_set_size(search->steps, 0);
	g_array_append_val(search->steps, first);
	heat_up(search);
	for (guint i = 0; i < rule->n_terms; i++)
		involve(search, &rule->terms[i]);
	for (;;) {
		const struct trail_entry *entry;

		find_satisfiers(search, &last, &last_but_one, &given);
		if (last == NO_ENTRY)
			break;
		entry = entry_at(search, given != NO_ENTRY ? given : last);
		if (given == NO_ENTRY && entry->level > 0 &&
			level_of(search, last_but_one) < entry->level)
			break;
		resolve_with(search, (guint)entry->rule, entry->variable);
	}
	/* A rule that is broken as it stands is its own reason: nothing needs to be learned. */
	learned = search->steps->len > 1 ? keep_learned(search) : broken;
	rule = rule_at(search, learned);
	if (rule->n_terms == 0) {
		search->failure = (gint)learned;
		return FALSE;
	}
	search_return(search, level_of(search, last_but_one));
	if (learned == broken) {
		for (guint i = 0; i < search->involved->len; i++)
			variable_at(search, g_array_index(search->involved, guint, i))->involved =
				FALSE;
		g_array_append_val(search->pending, learned);
		return TRUE;
	}
	search_watch(search, learned);
	search_exclude(search, rule->terms[0].variable, rule->terms[0].values, learned);
	return TRUE;
}
