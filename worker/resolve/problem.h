#ifndef FORGE_WORKER_RESOLVE_PROBLEM_H
#define FORGE_WORKER_RESOLVE_PROBLEM_H

#include <glib.h>
#include <stdint.h>

#include "worker/resolve/search.h"
#include "worker/resolve/solver.h"

/* What is known of packages so far, and the facts from which everything is drawn. */

/** What some text means for one package. */
struct constraint {
	char *text;
	uint64_t *refused; /**< of the package's values: all that are not allowed, and `absent` */
	guint allowed;     /**< how many are */
	char *failure;     /**< why it means nothing, or NULL */
};

struct fact;

struct package {
	char *name;
	guint candidates; /**< of a missing package one, which no one can use */
	GPtrArray *texts; /**< of the candidates */
	uint64_t *named;  /**< candidates without a place in the order of versions */
	uint64_t *locked;
	uint64_t *loaded; /**< candidates whose needs are known */
	GArray **needs;   /**< by candidate, NULL: not known or none; guint: packages, by name */
	char *missing;    /**< why it cannot be had, or NULL */
	gboolean asked;   /**< by a requirement */
	gboolean ahead;   /**< its best candidate was loaded before it was its turn */
	GHashTable *constraints; /**< text → struct constraint */
	GHashTable *needed;      /**< struct constraint (of another package) → struct fact */
	GHashTable *unusable;    /**< reason → struct fact */
};

/** One thing that somebody says; several of a kind may be put together for an explanation. */
struct fact {
	enum solver_fact_kind kind;
	guint package;
	uint64_t *of; /**< values of `package` it is said of; NULL for ASKED and CYCLE */
	guint needed; /**< of NEEDED: the other package */
	uint64_t *
		refused; /**< of ASKED, NEEDED: values of the package that is asked for or needed */
	const struct constraint *constraint;          /**< of ASKED, NEEDED */
	const struct solver_requirement *requirement; /**< of ASKED */
	const char *reason;                           /**< of UNUSABLE, MISSING */
	struct search_term *circle; /**< of CYCLE: packages and the values that need the next */
	guint n_circle;
	GPtrArray *parts; /**< facts this one was put together from (borrowed), or NULL */
	guint rule;       /**< in the search that is going on */
};

struct problem {
	GPtrArray *packages; /**< of struct package, by number */
	GHashTable *numbers; /**< name → number + 1 */
	GPtrArray *facts;    /**< of struct fact */
};

struct problem *problem_new(void);
void problem_free(struct problem *problem);
SCOPED_POINTER(problem, problem_free)

struct package *problem_package(const struct problem *problem, guint number);

/** The number of the package NAME; FALSE if it is not known. */
gboolean problem_find(const struct problem *problem, const char *name, guint *number);

/** Adds the package NAME with TEXTS and FLAGS (enum solver_candidate_flags) of its candidates; or,
 * with MISSING, one that cannot be had. Takes TEXTS. */
guint problem_add_package(struct problem *problem, const char *name, GPtrArray *take_texts,
	const GArray *flags, const char *missing);

/** Adds a fact of KIND about PACKAGE, all else zero. */
struct fact *problem_add_fact(struct problem *problem, enum solver_fact_kind kind, guint package);
struct fact *fact_new(enum solver_fact_kind kind, guint package);
void fact_free(struct fact *fact);

/** The values of PACKAGE, `absent` among them. */
guint package_values(const struct package *package);

/** The rule that FACT is, as search_add_rule() takes it: at most two terms, or as many as its circle
 * has. Borrows from FACT. Returns their number. */
guint fact_terms(const struct fact *fact, struct search_term *terms);
guint fact_terms_max(const struct fact *fact);

#endif
