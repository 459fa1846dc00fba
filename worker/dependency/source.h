#ifndef FORGE_WORKER_DEPENDENCY_SOURCE_H
#define FORGE_WORKER_DEPENDENCY_SOURCE_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

#include "journal/base/config.h"
#include "journal/base/scope.h"
#include "worker/component/component_catalog.h"
#include "worker/dependency/ref_record.h"
#include "worker/git/budget.h"
#include "worker/remote/ls_refs.h"
#include "worker/store/store.h"

/** What all sources of one resolution share. Borrowed by them. */
struct source_terms {
	const struct config *config;
	struct http *http;
	struct stores *stores;
	struct budget *budget;
	git_repository *forge; /**< the workspace's, for the records of refs */
	const char *root;      /**< the workspace's, which is locked as they are written */
	const git_signature *who;
	uint64_t now_us;
	gboolean offline; /**< no server is asked: what was recorded, or what the cache has */
	gboolean accept_moved_tags;
	GHashTable *as_of; /**< repository → commit that has the record to use (git_oid); or NULL */
};

/** How a repository stands. */
enum source_state {
	SOURCE_NEW,   /**< nobody has looked */
	SOURCE_KNOWN, /**< `record` says what it has */
	SOURCE_GONE,  /**< its server says that it is not there */
};

/** One repository that components come from: its refs, and its objects in the cache. */
struct source {
	const struct source_terms *terms;
	char *repository;
	enum source_state state;
	struct ref_record *record; /**< what it advertised, and since when; NULL unless KNOWN */
	git_oid record_commit;     /**< that keeps it; zero: none */
	GPtrArray *moved;          /**< of struct moved_tag: seen elsewhere before */
	GError *gone;              /**< what its server said; NULL unless GONE */

	/* What is wanted of it, and how much of that the record knows. */
	GHashTable *names;           /**< tags or branches, owned */
	gboolean wants_all;          /**< all refs, and their commits; else all tags, and HEAD */
	gboolean has_news;           /**< something was wanted since it was looked at */
	struct ref_listing *listing; /**< the newest answer; NULL: none in this resolution */

	struct store *store; /**< NULL until it was looked at, or if it could not be opened */
	git_repository *git; /**< the store's */
	struct component_catalog
		*catalog; /**< of the default branch; NULL: not read, or not readable */
	GError *catalog_problem;
};

struct source *source_new(const struct source_terms *terms, const char *repository);
void source_free(struct source *source);
SCOPED_POINTER(source, source_free)

/** Notes that the tag or branch NAME is wanted; respectively that which CONSTRAINT (as
 * component_constraint_parse() takes it) names, if it names one. All tags and the default branch are
 * wanted anyway. */
void source_want_name(struct source *source, const char *name);
void source_want(struct source *source, const char *constraint);

/** Notes that all of it is wanted: a commit known by its id alone may be on any branch or tag. */
void source_want_all(struct source *source);

/**
 * Looks at those of SOURCES (of struct source) of which something is wanted that nobody looked at,
 * all at the same time and each with one request: the refs that are wanted, then, where the cache
 * lacks them, the commits of the default branch, of the names wanted, and of all tags that may be
 * versions. A repository that is not there is no error. What is new is recorded. Errors: those of
 * asking and fetching, naming the repository.
 */
gboolean sources_look(const GPtrArray *sources, GError **error);

/** Whether COMMIT is in the cache. */
gboolean source_has(const struct source *source, const git_oid *commit);

/** What the default branch holds; NULL with what is wrong with it. Borrowed. */
const struct component_catalog *source_catalog(struct source *source, GError **error);

#endif
