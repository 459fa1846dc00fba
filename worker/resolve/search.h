#ifndef FORGE_WORKER_RESOLVE_SEARCH_H
#define FORGE_WORKER_RESOLVE_SEARCH_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/*
 * The engine: variables with finite sets of values, rules about them, and what follows. A variable
 * stands for a package; its values are its candidates, 0 up to its count, and behind them *absent*.
 * It knows no names and asks nobody.
 */

/** `The variable has one of these values.` */
struct search_term {
	guint variable;
	uint64_t *values; /**< bits, search_values() of them */
};

/** How a rule was derived: the conflict with `rule` of the first, resolved with each of the rest
 * over its `variable`. */
struct search_step {
	guint rule;
	guint variable;
};

/** The terms must not all hold. (PubGrub's incompatibility.) */
struct search_rule {
	struct search_term *terms; /**< the first two are watched */
	guint n_terms;
	gint fact; /**< the caller's number of a rule it gave; -1: learned */
	struct search_step *steps;
	guint n_steps; /**< of a learned rule */
};

/** Work that several searches share. */
struct search_budget {
	uint64_t steps, steps_max;
	int64_t bytes_max; /**< of one search's rules */
	uint64_t next_look;
	gboolean (*proceed)(void *user_data, GError **error); /**< may be NULL */
	void *user_data;
};

struct search;

/** A search that spends BUDGET, which it borrows. */
struct search *search_new(struct search_budget *budget);
void search_free(struct search *search);
SCOPED_POINTER(search, search_free)

/** Adds a variable of CANDIDATES values and `absent`; returns its number, counted from 0. */
guint search_add_variable(struct search *search, guint candidates);

/** How many values VARIABLE has, `absent`, the last, among them. */
guint search_values(const struct search *search, guint variable);

/**
 * Adds the rule that TERMS (copied; of different variables) must not all hold. Terms that always
 * hold are left out. Returns its number. Takes effect with the next search_propagate().
 */
guint search_add_rule(
	struct search *search, const struct search_term *terms, guint n_terms, guint fact);

/** Makes VALUE of VARIABLE one more with which the rule's term holds. */
void search_widen_rule(struct search *search, guint rule, guint variable, guint value);

const struct search_rule *search_rule(const struct search *search, guint rule);

/** What is possible for VARIABLE as of now: bits, never none. Borrowed, until the next change. */
const uint64_t *search_domain(const struct search *search, guint variable);

/** Whether VARIABLE is known not to be absent. */
gboolean search_is_present(const struct search *search, guint variable);

/** Whether VARIABLE was decided and that still stands. */
gboolean search_is_decided(const struct search *search, guint variable);

/** How much VARIABLE took part in conflicts, late ones above all: to be compared, no more. */
double search_heat(const struct search *search, guint variable);
uint64_t search_conflicts(const struct search *search);

/** Counts STEPS of work that the search itself does not see. */
void search_spend(struct search *search, guint steps);

/** Assumes VALUE, which is possible, for VARIABLE. */
void search_decide(struct search *search, guint variable, guint value);

enum search_state {
	SEARCH_OPEN,       /**< no rule is broken, and all that follows is drawn */
	SEARCH_IMPOSSIBLE, /**< whatever is decided, a rule is broken */
	SEARCH_STOPPED,    /**< with an error: too much work, or `proceed` said no */
};

/** Draws all conclusions; takes decisions back, and learns, where they break a rule. */
enum search_state search_propagate(struct search *search, GError **error);

/** The rule without terms that was learned last (or given), once a search is impossible. */
guint search_failure(const struct search *search);

#endif
