/*
 * The engine of the solver: what is possible for each variable, and what follows from rules.
 *
 * A variable's possible values only ever shrink, by a decision or by a rule all of whose other terms
 * hold, and grow again when decisions are taken back. The trail holds each step with its reason.
 * `Absent` is a value like others, so that PubGrub's positive and negative terms are one thing, a
 * set of values, and resolving two rules is a union and some intersections.
 *
 * Each rule is watched by two of its terms: as long as these two do not hold, nothing can follow.
 */
#include "worker/resolve/search.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/resolve/search_parts.h"

/* ---- life ---- */

static void free_variable(gpointer data)
{
	struct search_variable *variable = data;

	g_free(variable->all);
	g_free(variable->term);
	g_array_unref(variable->watches);
	g_free(variable);
}

static void free_rule(gpointer data)
{
	struct search_rule *rule = data;

	g_free(rule->terms);
	g_free(rule->steps);
	g_free(rule);
}

struct search *search_new(struct search_budget *budget)
{
	struct search *search = g_new0(struct search, 1);

	search->budget = budget;
	search->variables = g_ptr_array_new_with_free_func(free_variable);
	search->rules = g_ptr_array_new_with_free_func(free_rule);
	search->trail = g_array_new(FALSE, FALSE, sizeof(struct trail_entry));
	search->words = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	search->pending = g_array_new(FALSE, FALSE, sizeof(guint));
	search->late = g_array_new(FALSE, FALSE, sizeof(struct late_rule));
	search->involved = g_array_new(FALSE, FALSE, sizeof(guint));
	search->steps = g_array_new(FALSE, FALSE, sizeof(struct search_step));
	search->failure = NO_RULE;
	search->heating = 1;
	return search;
}

void search_free(struct search *search)
{
	if (!search)
		return;
	g_ptr_array_unref(search->variables);
	g_ptr_array_unref(search->rules);
	g_array_unref(search->trail);
	g_array_unref(search->words);
	g_array_unref(search->pending);
	g_array_unref(search->late);
	g_array_unref(search->involved);
	g_array_unref(search->steps);
	g_free(search);
}

guint search_add_variable(struct search *search, guint candidates)
{
	struct search_variable *variable = g_new0(struct search_variable, 1);

	variable->values = candidates + 1;
	variable->words = bits_words(variable->values);
	variable->all = bits_new(variable->values);
	bits_fill(variable->all, variable->values);
	variable->last = NO_ENTRY;
	variable->watches = g_array_new(FALSE, FALSE, sizeof(guint));
	g_ptr_array_add(search->variables, variable);
	return search->variables->len - 1;
}

/* ---- rules ---- */

guint search_keep_rule(
	struct search *search, const struct search_term *terms, guint n_terms, gint fact)
{
	struct search_rule *rule = g_new0(struct search_rule, 1);
	gsize words = 0;
	uint64_t *at;

	for (guint i = 0; i < n_terms; i++)
		words += variable_at(search, terms[i].variable)->words;
	/* Terms and their sets in one block: they are read together. */
	rule->terms = g_malloc(MAX(n_terms * sizeof(*terms) + words * sizeof(*at), 1));
	at = (uint64_t *)(void *)(rule->terms + n_terms);
	for (guint i = 0; i < n_terms; i++) {
		const struct search_variable *variable = variable_at(search, terms[i].variable);

		if (bits_is_subset(variable->all, terms[i].values, variable->words))
			continue;
		memcpy(at, terms[i].values, variable->words * sizeof(*at));
		rule->terms[rule->n_terms++] = (struct search_term){terms[i].variable, at};
		at += variable->words;
	}
	rule->fact = fact;
	search->bytes += (int64_t)(sizeof(*rule) + n_terms * sizeof(*terms) + words * sizeof(*at));
	g_ptr_array_add(search->rules, rule);
	return search->rules->len - 1;
}

void search_watch(struct search *search, guint number)
{
	const struct search_rule *rule = rule_at(search, number);

	for (guint i = 0; i < MIN(rule->n_terms, 2); i++)
		g_array_append_val(variable_at(search, rule->terms[i].variable)->watches, number);
}

static void unwatch(struct search *search, guint number)
{
	const struct search_rule *rule = rule_at(search, number);

	for (guint i = 0; i < MIN(rule->n_terms, 2); i++) {
		GArray *watches = variable_at(search, rule->terms[i].variable)->watches;

		/* It is nearly always new, and so the last. */
		for (guint j = watches->len; j-- > 0;) {
			if (g_array_index(watches, guint, j) == number) {
				g_array_remove_index(watches, j);
				break;
			}
		}
	}
}

guint search_add_rule(
	struct search *search, const struct search_term *terms, guint n_terms, guint fact)
{
	guint number = search_keep_rule(search, terms, n_terms, (gint)fact);

	search_watch(search, number);
	g_array_append_val(search->pending, number);
	return number;
}

void search_widen_rule(struct search *search, guint number, guint variable, guint value)
{
	struct search_rule *rule = rule_at(search, number);

	/* With more terms, the two that are watched might be the wrong ones. */
	g_assert(rule->n_terms <= 2);
	for (guint i = 0; i < rule->n_terms; i++)
		if (rule->terms[i].variable == variable)
			bits_add(rule->terms[i].values, value);
	g_array_append_val(search->pending, number);
}

/* ---- what is known ---- */

guint search_values(const struct search *search, guint variable)
{
	return variable_at(search, variable)->values;
}

const struct search_rule *search_rule(const struct search *search, guint rule)
{
	return rule_at(search, rule);
}

const uint64_t *search_domain(const struct search *search, guint variable)
{
	return domain_of(search, variable_at(search, variable));
}

gboolean search_is_present(const struct search *search, guint number)
{
	const struct search_variable *variable = variable_at(search, number);

	return !bits_has(domain_of(search, variable), variable->values - 1);
}

gboolean search_is_decided(const struct search *search, guint variable)
{
	return variable_at(search, variable)->decided;
}

double search_heat(const struct search *search, guint variable)
{
	return variable_at(search, variable)->heat;
}

uint64_t search_conflicts(const struct search *search)
{
	return search->conflicts;
}

void search_spend(struct search *search, guint steps)
{
	search->budget->steps += steps;
}

guint search_failure(const struct search *search)
{
	g_assert(search->failure != NO_RULE);
	return (guint)search->failure;
}

gint search_satisfier(const struct search *search, guint number, const uint64_t *values)
{
	const struct search_variable *variable = variable_at(search, number);
	gint entry = variable->last;

	while (entry != NO_ENTRY) {
		gint previous = entry_at(search, entry)->previous;

		search->budget->steps++;
		if (!bits_is_subset(
			    domain_after(search, variable, previous), values, variable->words))
			break;
		entry = previous;
	}
	return entry;
}

/* ---- the trail ---- */

/* A new entry for VARIABLE, with what was possible so far; returns its set. */
static uint64_t *extend_trail(struct search *search, guint number, gint rule)
{
	struct search_variable *variable = variable_at(search, number);
	struct trail_entry entry = {
		number, search->level, rule, variable->last, search->words->len};
	uint64_t *domain;

	g_array_set_size(search->words, search->words->len + variable->words);
	domain = &g_array_index(search->words, uint64_t, entry.domain);
	memcpy(domain, domain_of(search, variable), variable->words * sizeof(*domain));
	variable->last = (gint)search->trail->len;
	g_array_append_val(search->trail, entry);
	return domain;
}

void search_exclude(struct search *search, guint number, const uint64_t *values, guint rule)
{
	uint64_t *domain = extend_trail(search, number, (gint)rule);

	for (guint i = 0; i < variable_at(search, number)->words; i++)
		domain[i] &= ~values[i];
}

void search_decide(struct search *search, guint number, guint value)
{
	struct search_variable *variable = variable_at(search, number);
	uint64_t *domain;

	g_assert(bits_has(domain_of(search, variable), value));
	search->level++;
	variable->decided = TRUE;
	domain = extend_trail(search, number, NO_RULE);
	memset(domain, 0, variable->words * sizeof(*domain));
	bits_add(domain, value);
}

void search_return(struct search *search, guint level)
{
	guint length = search->trail->len;

	while (length > 0 && entry_at(search, (gint)length - 1)->level > level) {
		const struct trail_entry *entry = entry_at(search, (gint)--length);
		struct search_variable *variable = variable_at(search, entry->variable);

		variable->last = entry->previous;
		if (entry->rule == NO_RULE)
			variable->decided = FALSE;
		g_array_set_size(search->words, (guint)entry->domain);
	}
	g_array_set_size(search->trail, length);
	search->heard = MIN(search->heard, length);
	search->level = level;
	for (guint i = 0; i < search->late->len; i++) {
		struct late_rule *late = &g_array_index(search->late, struct late_rule, i);

		if (late->level <= level)
			g_array_append_val(search->pending, late->rule);
	}
	g_array_set_size(search->late, 0);
}

/* ---- conclusions ---- */

/* Puts the terms of RULE that may stop to hold first to its front; says how many do not hold, 2 for
 * any more, and the level on which the last of those that do came to hold. */
static guint order_terms(const struct search *search, struct search_rule *rule, guint *level)
{
	guint open = 0;

	*level = 0;
	for (guint i = 0; i < rule->n_terms && open < 2; i++) {
		if (!term_holds(search, &rule->terms[i])) {
			struct search_term term = rule->terms[i];

			rule->terms[i] = rule->terms[open];
			rule->terms[open++] = term;
		}
	}
	if (open == 2)
		return open;
	for (guint place = open; place < MIN(rule->n_terms, 2); place++) {
		guint latest = place;
		gint latest_entry = NO_ENTRY;

		for (guint i = place; i < rule->n_terms; i++) {
			gint entry = search_satisfier(
				search, rule->terms[i].variable, rule->terms[i].values);

			if (entry > latest_entry) {
				latest = i;
				latest_entry = entry;
			}
		}
		if (latest_entry != NO_ENTRY)
			*level = MAX(*level, entry_at(search, latest_entry)->level);
		struct search_term term = rule->terms[place];

		rule->terms[place] = rule->terms[latest];
		rule->terms[latest] = term;
	}
	return open;
}

/* Looks at a rule that is new, or wider, or was left behind; FALSE if it is broken. */
static gboolean look_at(struct search *search, guint number)
{
	struct search_rule *rule = rule_at(search, number);
	struct late_rule late = {number, 0};
	const struct search_variable *variable;
	const struct search_term *term;
	guint open;

	search->budget->steps += 1 + rule->n_terms;
	/* Of two terms both are watched, in whatever order. */
	if (rule->n_terms > 2)
		unwatch(search, number);
	open = order_terms(search, rule, &late.level);
	if (rule->n_terms > 2)
		search_watch(search, number);
	if (open != 1)
		return open > 1;
	term = &rule->terms[0];
	variable = variable_at(search, term->variable);
	if (bits_meet(domain_of(search, variable), term->values, variable->words))
		search_exclude(search, term->variable, term->values, number);
	if (late.level < search->level)
		g_array_append_val(search->late, late);
	return TRUE;
}

/* Whether RULE, whose watched term AT holds, is watched by another term from now on. */
static gboolean watch_another(struct search *search, guint number, guint at)
{
	struct search_rule *rule = rule_at(search, number);

	for (guint i = 2; i < rule->n_terms; i++) {
		struct search_term term = rule->terms[i];

		if (term_holds(search, &term))
			continue;
		rule->terms[i] = rule->terms[at];
		rule->terms[at] = term;
		g_array_append_val(variable_at(search, term.variable)->watches, number);
		search->budget->steps += i;
		return TRUE;
	}
	search->budget->steps += rule->n_terms - MIN(rule->n_terms, 2);
	return FALSE;
}

/* Draws what follows from what is possible for VARIABLE; the rule that is broken, or NO_RULE. */
static gint tell_watches(struct search *search, struct search_variable *variable, guint number)
{
	GArray *watches = variable->watches;
	guint kept = 0, i;
	gint broken = NO_RULE;

	for (i = 0; i < watches->len && broken == NO_RULE; i++) {
		guint watching = g_array_index(watches, guint, i);
		struct search_rule *rule = rule_at(search, watching);
		guint at = rule->terms[0].variable == number ? 0 : 1;
		const struct search_term *other;
		const struct search_variable *about;
		const uint64_t *domain;

		g_array_index(watches, guint, kept++) = watching;
		if (!term_holds(search, &rule->terms[at]))
			continue;
		if (watch_another(search, watching, at)) {
			kept--;
			continue;
		}
		other = &rule->terms[1 - at];
		if (rule->n_terms == 1 || term_holds(search, other)) {
			broken = (gint)watching;
			continue;
		}
		about = variable_at(search, other->variable);
		domain = domain_of(search, about);
		if (bits_meet(domain, other->values, about->words))
			search_exclude(search, other->variable, other->values, watching);
	}
	search->budget->steps += i;
	if (kept < i)
		g_array_remove_range(watches, kept, i - kept);
	return broken;
}

static gboolean within_budget(struct search *search, GError **error)
{
	struct search_budget *budget = search->budget;

	if (budget->steps > budget->steps_max || search->bytes > budget->bytes_max) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_RESOLUTION_TOO_HARD,
			"which versions go together could not be found out within %s",
			budget->steps > budget->steps_max ? "the steps that one search may take"
							  : "the memory that one search may use");
		return FALSE;
	}
	if (budget->steps < budget->next_look)
		return TRUE;
	budget->next_look = budget->steps + LIMIT_SOLVER_STEPS_PER_LOOK;
	return !budget->proceed || budget->proceed(budget->user_data, error);
}

enum search_state search_propagate(struct search *search, GError **error)
{
	while (search->failure == NO_RULE) {
		gint broken = NO_RULE;

		if (!within_budget(search, error))
			return SEARCH_STOPPED;
		if (search->pending->len > 0) {
			guint last = search->pending->len - 1;
			guint number = g_array_index(search->pending, guint, last);

			g_array_set_size(search->pending, last);
			if (!look_at(search, number)) {
				broken = (gint)number;
				/* Back where it is not broken, something may follow from it. */
				g_array_append_val(search->pending, number);
			}
		} else if (search->heard < search->trail->len) {
			guint number = entry_at(search, (gint)search->heard++)->variable;

			broken = tell_watches(search, variable_at(search, number), number);
		} else {
			return SEARCH_OPEN;
		}
		if (broken != NO_RULE && !search_learn(search, (guint)broken))
			break;
	}
	return SEARCH_IMPOSSIBLE;
}
