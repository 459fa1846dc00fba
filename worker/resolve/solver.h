#ifndef FORGE_WORKER_RESOLVE_SOLVER_H
#define FORGE_WORKER_RESOLVE_SOLVER_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/*
 * One version for each component that is needed, or the reason why there is none. PubGrub
 * (https://github.com/dart-lang/pub/blob/master/doc/solver.md): complete, and what it learns from
 * each dead end is also what it explains with.
 *
 * A *package* is a name; its *candidates* are what may be installed under it, numbered from 0 in the
 * provider's order, the best first. The solver reads neither versions nor constraints: it knows
 * them by the candidates they stand for. It keeps nothing between calls, and calls back only from
 * the thread that called it.
 */

/* ---- what the provider answers ---- */

/** Where a provider puts its answer to one question. Texts are copied. */
struct solver_answer;

enum solver_candidate_flags {
	SOLVER_CANDIDATE_PLAIN = 0,
	SOLVER_CANDIDATE_LOCKED = 1, /**< taken before all others wherever it is allowed */
	/** A branch, tag or commit: it has no place in the order of versions, so that no explanation
	 * counts it among `1.2.0 to 1.5.3`. */
	SOLVER_CANDIDATE_NAMED = 2,
};

/** To `candidates`: the next candidate, as people call it: `2.1.3`, `branch main`. */
void solver_answer_candidate(
	struct solver_answer *answer, const char *text, enum solver_candidate_flags flags);

/** To `allowed`: CANDIDATE, a number from `candidates`, is allowed. */
void solver_answer_allow(struct solver_answer *answer, guint candidate);

/** To `dependencies`: the candidate needs PACKAGE, as CONSTRAINT (empty: nothing more was said) has
 * it. */
void solver_answer_need(struct solver_answer *answer, const char *package, const char *constraint);

/**
 * To any: there is no such thing, and REASON says why, in words that can follow a colon (`its
 * component.yaml has no version`). A package without `candidates`, a constraint that is none and a
 * candidate without `dependencies` are part of the problem: the solver looks for a way around them
 * and names the reason if there is none. Replaces whatever else the answer holds.
 */
void solver_answer_unusable(struct solver_answer *answer, const char *reason);

/**
 * To any: PACKAGE has candidates that it had not when the solver asked last, or they are in another
 * order; nothing that was said of it holds any more. Of a package whose candidates were not asked
 * for yet it means nothing. Whatever else is in the answer still has to make sense for the old ones.
 * The solver begins again, and asks everything again, so a provider keeps what was costly to find;
 * at most LIMIT_SOLVER_RESTARTS times.
 */
void solver_answer_changed(struct solver_answer *answer, const char *package);

/**
 * Who knows packages. Each function returns FALSE with an error only for what has nothing to do with
 * the problem (network, cancellation, a full disk): this ends the search with that error. Answers
 * must not depend on when, or in which order, they are asked for.
 */
struct solver_provider {
	void *user_data;

	/** The `candidates` of PACKAGES (NULL-terminated, sorted) will be asked for next, one after
	 * the other: a chance to ask many servers at once. May be NULL. */
	gboolean (*wanted)(void *user_data, const char *const *packages, GError **error);

	/** The candidates of PACKAGE, the best first. At most LIMIT_SOLVER_CANDIDATES. */
	gboolean (*candidates)(
		void *user_data, const char *package, struct solver_answer *answer, GError **error);

	/** Which of PACKAGE's candidates CONSTRAINT allows. Asked once for each two texts, after
	 * `candidates`. */
	gboolean (*allowed)(void *user_data, const char *package, const char *constraint,
		struct solver_answer *answer, GError **error);

	/** What CANDIDATE of PACKAGE needs, in any order; asked once, and only for candidates that are
	 * in question. Several needs of one package hold all. */
	gboolean (*dependencies)(void *user_data, const char *package, guint candidate,
		struct solver_answer *answer, GError **error);

	/** Called now and then while the solver computes: FALSE ends it. May be NULL. */
	gboolean (*proceed)(void *user_data, GError **error);
};

/* ---- what is asked ---- */

enum solver_requirement_kind {
	SOLVER_ASKED, /**< somebody's wish, which they may change */
	/** A supposition (`what if menu were 1.2.0?`): explanations end in that it cannot be, and
	 * no one is advised to drop it. */
	SOLVER_SUPPOSED,
};

struct solver_requirement {
	const char *package;
	const char *constraint; /**< as written; empty: nothing more was said */
	const char *origin;     /**< who says so: `forge.yaml`; not read of a supposition */
	enum solver_requirement_kind kind;
};

enum solver_preference {
	SOLVER_PREFER_HIGHEST, /**< the first candidate that is allowed */
	SOLVER_PREFER_LOWEST,  /**< the last */
};

struct solver_question {
	const struct solver_requirement *requirements; /**< in any order */
	size_t n_requirements;
	enum solver_preference preference;
	/** Whether, if there is no solution, it is tried which requirement would have to change, and the
	 * explanation ends in what is found. This may ask the provider about more packages. */
	gboolean advise;
};

/* ---- what comes out ---- */

/** A package of the solution. */
struct solver_choice {
	char *package;
	guint candidate;
	char *text;   /**< the candidate's */
	char **needs; /**< names of the packages it needs, sorted, NULL-terminated */
};

enum solver_fact_kind {
	SOLVER_FACT_ASKED,    /**< a requirement: BY (its origin) asks for PACKAGE CONSTRAINT */
	SOLVER_FACT_NEEDED,   /**< BY, in BY_VERSIONS, needs PACKAGE CONSTRAINT */
	SOLVER_FACT_UNUSABLE, /**< PACKAGE, in BY_VERSIONS, cannot be used: REASON */
	SOLVER_FACT_MISSING,  /**< PACKAGE has no candidates: REASON */
	SOLVER_FACT_CYCLE,    /**< REASON tells the circle; PACKAGE is where it begins */
};

/** One of the facts that rule a solution out together; none could be left out, as far as
 * LIMIT_SOLVER_EXPLAIN_STEPS allow to find out. */
struct solver_fact {
	enum solver_fact_kind kind;
	char *package;
	char *constraint; /**< of ASKED and NEEDED, else NULL */
	char *by;         /**< of ASKED and NEEDED, else NULL */
	char *by_versions; /**< `1.2.0 to 1.5.3`, `every version`; of NEEDED and UNUSABLE, else NULL */
	/** Of UNUSABLE, MISSING and CYCLE; of ASKED and NEEDED only if no version meets the constraint,
	 * else NULL. */
	char *reason;
};

/** Either `choices` or `explanation` with `facts`. */
struct solver_result {
	/** Of struct solver_choice, by name: what is required and what that needs, no more. No package
	 * needs itself, by whatever way round. NULL: there is no solution. */
	GPtrArray *choices;
	char *explanation; /**< sentences, a line each, without a line break at the end; else NULL */
	GPtrArray *facts;  /**< of struct solver_fact, as they became known; else NULL */
	uint64_t steps;    /**< work done, as LIMIT_SOLVER_STEPS counts it */
	uint64_t conflicts; /**< dead ends met on the way */
	guint restarts;     /**< how often a provider changed its mind */
};

/**
 * A solution of QUESTION, or why there is none: both are a result. The same question and answers, in
 * whatever order they come, give the same bytes. Of what is required, by name, each gets its best
 * candidate that goes with those before it; then what these need. Packages with a locked candidate
 * come before all others, and after many conflicts those that have most part in them.
 *
 * RESOLUTION_TOO_HARD if a limit of limits.h is met before it is known; whatever error the provider
 * had. Caller frees.
 */
struct solver_result *solver_solve(const struct solver_question *question,
	const struct solver_provider *provider, GError **error);
void solver_result_free(struct solver_result *result);
SCOPED_POINTER(solver_result, solver_result_free)

/** The choice of PACKAGE in a result with a solution, or NULL. Borrowed. */
const struct solver_choice *solver_result_choice(
	const struct solver_result *result, const char *package);

#endif
