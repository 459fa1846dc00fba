#ifndef FORGE_TESTS_UNIT_MERGE_FIXTURE_H
#define FORGE_TESTS_UNIT_MERGE_FIXTURE_H

#include <git2.h>
#include <glib.h>

/** A bare repository in a folder of its own, and commits on their way into it. */
struct merge_fixture {
	char *folder;
	char *path;
	git_repository *repository;
	GString *stream; /**< for git fast-import */
	unsigned marks;  /**< given out so far; the first is 1 */
	unsigned time;   /**< of the next commit */
};

enum merge_verdict {
	MERGE_CLEAN,
	MERGE_CONFLICT,
	MERGE_NOT_TOLD, /**< git aborted */
};

/** The end of one merge. */
struct merge_outcome {
	enum merge_verdict verdict;
	char *tree; /**< hexadecimal; owned */
};

/** For g_test_add(). FORGE_TEST_KEEP leaves the repository there, for looking at what a random run
 * found. */
void merge_fixture_set_up(struct merge_fixture *fixture, gconstpointer unused);
void merge_fixture_tear_down(struct merge_fixture *fixture, gconstpointer unused);

/** Runs COMMAND in the repository with INPUT (or NULL); *OUTPUT (if not NULL) is what it printed.
 * Must succeed. */
void merge_fixture_run(
	const struct merge_fixture *fixture, const char *command, GString *input, char **output);

/** Begins a commit; merge_fixture_add_entry() fills its tree until the next begins. */
void merge_fixture_begin_commit(
	struct merge_fixture *fixture, unsigned mark, const unsigned *parents, size_t n_parents);
void merge_fixture_add_entry(
	struct merge_fixture *fixture, const char *mode, const char *path, const char *content);

/**
 * A commit with a tree written as `PATH=CONTENT` words: `f=one`, `f*=one` executable, `f@=target` a
 * symbolic link, `f%=1` a gitlink, `f=1..9` the lines 1 to 9, `f=1..9+x` the same and a line x.
 * Returns its mark.
 */
unsigned merge_fixture_add_commit(
	struct merge_fixture *fixture, const char *tree, const unsigned *parents, size_t n_parents);

/** Makes the commits; returns their ids (hexadecimal, owned) by mark. */
GPtrArray *merge_fixture_import(struct merge_fixture *fixture);

/** What git makes of each of PAIRS (`OURS THEIRS`): a GArray of struct merge_outcome. */
GArray *merge_fixture_ask_git(const struct merge_fixture *fixture, GPtrArray *pairs);

/** What forge makes of OURS and THEIRS; *PATHS (if not NULL) are the conflicted paths, between
 * spaces. */
struct merge_outcome merge_fixture_ask_forge(
	const struct merge_fixture *fixture, const char *ours, const char *theirs, char **paths);

/** The tree of COMMIT. Caller frees. */
char *merge_fixture_tree_of(const struct merge_fixture *fixture, const char *commit);

#endif
