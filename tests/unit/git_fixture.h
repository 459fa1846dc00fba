#ifndef FORGE_TESTS_UNIT_GIT_FIXTURE_H
#define FORGE_TESTS_UNIT_GIT_FIXTURE_H

#include <git2.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/unit/sandbox.h"
#include "worker/store/store.h"

/** A temporary folder with real repositories made by the git command, and a cache beside them. */
struct git_fixture {
	char *folder;
	char *cache;
	struct stores *stores;
	struct budget budget;
};

static inline void git_fixture_set_up(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	fixture->folder = g_dir_make_tmp("forge-store-XXXXXX", NULL);
	fixture->cache = g_build_filename(fixture->folder, "cache", NULL);
	fixture->stores = stores_new(fixture->cache, NULL);
	fixture->budget = sandbox_budget();
}

static inline void git_fixture_tear_down(struct git_fixture *fixture, gconstpointer unused)
{
	g_autofree char *command = g_strdup_printf(
		"chmod -R u+w '%s'; rm -rf '%s'", fixture->folder, fixture->folder);

	(void)unused;
	stores_free(fixture->stores);
	g_free(sandbox_run("/", command));
	g_free(fixture->cache);
	g_free(fixture->folder);
}

/** Runs a formatted command in the fixture's folder and drops its output. */
G_GNUC_PRINTF(2, 3)
static inline void git_fixture_do(struct git_fixture *fixture, const char *format, ...)
{
	g_autofree char *command = NULL;
	va_list arguments;

	va_start(arguments, format);
	command = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_free(sandbox_run(fixture->folder, command));
}

/** The object REVISION of REPOSITORY (a folder of the fixture). */
static inline git_oid git_fixture_oid(
	struct git_fixture *fixture, const char *repository, const char *revision)
{
	g_autofree char *command = g_strdup_printf(
		"git -C %s rev-parse '%s'", repository, revision);
	g_autofree char *hex = sandbox_run(fixture->folder, command);
	git_oid oid;

	g_assert_cmpint(git_oid_fromstr(&oid, hex), ==, 0);
	return oid;
}

/** The remote at PATH, which must outlive it; IDENTITY as remote_new() would make it. */
static inline struct remote git_fixture_remote(const char *path, const char *identity)
{
	return (struct remote){
		.kind = REMOTE_PATH,
		.shown = (char *)path,
		.url = (char *)path,
		.host = (char *)"localhost",
		.path = (char *)path,
		.identity = (char *)identity,
	};
}

#endif
