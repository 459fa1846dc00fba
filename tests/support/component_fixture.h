#ifndef FORGE_TESTS_SUPPORT_COMPONENT_FIXTURE_H
#define FORGE_TESTS_SUPPORT_COMPONENT_FIXTURE_H

#include <git2.h>
#include <glib.h>

/**
 * A folder with an upstream repository (`upstream`, with a work tree, made by the git command) and
 * a workspace (`ws`) with its repository. For g_test_add().
 */
struct component_fixture {
	char *folder;
	char *workspace;
	git_repository *upstream;
	git_repository *forge;
};

/** To be called first in main(): git without anybody's configuration. */
void component_fixture_prepare(void);

void component_fixture_set_up(struct component_fixture *fixture, gconstpointer unused);
void component_fixture_tear_down(struct component_fixture *fixture, gconstpointer unused);

/**
 * Runs a shell script in the fixture's folder, which must succeed; its output without the last
 * line's end. In it `up` is git in upstream, `fo` git in the workspace's repository, and `commit
 * MESSAGE` takes all files of upstream into a commit that is a minute after the one before.
 */
char *component_fixture_run(struct component_fixture *fixture, const char *format, ...)
	G_GNUC_PRINTF(2, 3);

/** The same without the output. */
void component_fixture_do(struct component_fixture *fixture, const char *format, ...)
	G_GNUC_PRINTF(2, 3);

/** What REVISION names; GIT is `up` or `fo`. Must be there. */
git_oid component_fixture_oid(
	struct component_fixture *fixture, const char *git, const char *revision);

/** Imports the folder PATH of upstream's HEAD onto PREVIOUS (or NULL), which must succeed, and
 * points the ref `base` of the component `x` there. */
git_oid component_fixture_import(
	struct component_fixture *fixture, const char *path, const git_oid *previous);

/** A commit in the workspace's repository whose tree is the files of `NAME=CONTENT` lines that the
 * shell script MAKE leaves in an empty folder. */
git_oid component_fixture_commit(
	struct component_fixture *fixture, const git_oid *parent, const char *make);

/** Somebody at a fixed time. Free with git_signature_free(). */
git_signature *component_fixture_somebody(void);

#endif
