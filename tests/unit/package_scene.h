#ifndef FORGE_TESTS_UNIT_PACKAGE_SCENE_H
#define FORGE_TESTS_UNIT_PACKAGE_SCENE_H

#include "tests/unit/git_fixture.h"
#include "worker/dependency/package.h"

#define DAY_US (24 * 60 * 60 * (uint64_t)G_USEC_PER_SEC)
/* When the repository's first commit was made; every later one is a day younger. */
#define BEGIN_S 1767225600

/* A repository `r` with the component `tool`, and the terms under which it is looked at. */
struct scene {
	struct git_fixture fixture;
	char *repository;
	struct config *config;
	git_repository *forge;
	git_signature *who;
	struct source_terms terms;
	struct locked_component locked;
	guint commits;
};

void package_scene_set_up(struct scene *scene, gconstpointer unused);
void package_scene_tear_down(struct scene *scene, gconstpointer unused);

/* Makes the component VERSION on the branch that is checked out, and runs SCRIPT there after it. */
git_oid publish(struct scene *scene, const char *version, const char *script);
void publish_some(struct scene *scene);

/* One look at the repository, as a resolution has it. */
struct sight {
	struct source *source;
	struct package *package;
};
void sight_clear(struct sight *sight);
SCOPED_VALUE(sight, sight_clear)

/* forge.lock has the component at COMMIT, as VERSION or none. */
void lock_at(struct scene *scene, const git_oid *commit, const char *version);

/* Looks at the repository as it is; WANTED as those say who look first, or NULL. */
void look(struct scene *scene, const char *wanted, struct sight *sight);

/* The candidates that CONSTRAINT allows, each once, as people see them, are EXPECTED. */
void assert_allows(struct sight *sight, const char *constraint, const char *expected);
/* EXPECTED's `%s` is seven digits of COMMIT. */
void assert_allows_at(
	struct sight *sight, const char *constraint, const char *expected, const git_oid *commit);
/* None is allowed, for a reason that has WORDS. */
void assert_refuses(struct sight *sight, const char *constraint, const char *words);

#endif
