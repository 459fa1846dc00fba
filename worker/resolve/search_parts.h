#ifndef FORGE_WORKER_RESOLVE_SEARCH_PARTS_H
#define FORGE_WORKER_RESOLVE_SEARCH_PARTS_H

#include "worker/resolve/bits.h"
#include "worker/resolve/search.h"

/* What search*.c share. */

#define NO_ENTRY (-1)
#define NO_RULE (-1)

/* What was possible for a variable after one conclusion or decision. */
struct trail_entry {
	guint variable;
	guint level;
	gint rule;     /* that was drawn from; NO_RULE: a decision */
	gint previous; /* the entry of the same variable before, or NO_ENTRY */
	gsize domain;  /* place in `words` */
};

struct search_variable {
	guint values, words;
	uint64_t *all;
	gint last; /* entry of the trail, or NO_ENTRY */
	gboolean decided;
	GArray *watches; /* guint: rules one of whose first two terms is about this */
	double heat;     /* grows with each conflict it takes part in, more with late ones */
	/* While a conflict is looked into: the term that the rule being made has, if `involved`. */
	uint64_t *term;
	gboolean involved;
	gint satisfier;
};

/* A rule from which something was drawn later than possible: on returning to a level between the
 * two, the conclusion must be drawn again. */
struct late_rule {
	guint rule;
	guint level;
};

struct search {
	struct search_budget *budget;
	GPtrArray *variables; /* of struct search_variable */
	GPtrArray *rules;     /* of struct search_rule */
	GArray *trail;        /* of struct trail_entry */
	GArray *words;        /* uint64_t: domains of the trail */
	GArray *pending;      /* guint: rules to be looked at */
	GArray *late;         /* of struct late_rule */
	GArray *involved;     /* guint: variables */
	GArray *steps;        /* of struct search_step: of the rule being made */
	guint heard;          /* entries of the trail whose watches were told */
	guint level;
	gint failure;
	double heating; /* what the next conflict adds to a variable's heat */
	uint64_t conflicts;
	int64_t bytes;
};

static inline struct search_variable *variable_at(const struct search *search, guint number)
{
	return search->variables->pdata[number];
}

static inline struct search_rule *rule_at(const struct search *search, guint number)
{
	return search->rules->pdata[number];
}

static inline struct trail_entry *entry_at(const struct search *search, gint number)
{
	return &g_array_index(search->trail, struct trail_entry, number);
}

/* What was possible for VARIABLE after ENTRY (NO_ENTRY: at the very beginning). */
static inline const uint64_t *domain_after(
	const struct search *search, const struct search_variable *variable, gint entry)
{
	if (entry == NO_ENTRY)
		return variable->all;
	return &g_array_index(search->words, uint64_t, entry_at(search, entry)->domain);
}

static inline const uint64_t *domain_of(
	const struct search *search, const struct search_variable *variable)
{
	return domain_after(search, variable, variable->last);
}

static inline gboolean term_holds(const struct search *search, const struct search_term *term)
{
	const struct search_variable *variable = variable_at(search, term->variable);

	return bits_is_subset(domain_of(search, variable), term->values, variable->words);
}

/* The entry by which all that is possible for VARIABLE was among VALUES, where it still is. */
gint search_satisfier(const struct search *search, guint variable, const uint64_t *values);

/* Makes a rule that the search owns, without looking at it; returns its number. */
guint search_keep_rule(
	struct search *search, const struct search_term *terms, guint n_terms, gint fact);

/* Lets RULE be looked at whenever one of its first two terms may have come to hold. */
void search_watch(struct search *search, guint rule);

/* Takes VALUES from what is possible for VARIABLE, as follows from RULE. Something remains. */
void search_exclude(struct search *search, guint variable, const uint64_t *values, guint rule);

/* Takes back all decisions above LEVEL and what followed from them. */
void search_return(struct search *search, guint level);

/* RULE, all of whose terms hold, is broken: learns why, goes back to where that is of use, and draws
 * the conclusion. FALSE if there is nowhere to go back to. */
gboolean search_learn(struct search *search, guint rule);

#endif
