#include "tests/support/component_fixture.h"

#include "worker/git/git_library.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/workspace_repository.h"

/* Counts commits in a file, so that dates are the same in every run. */
#define PREAMBLE \
	"up() { git -C \"$F/upstream\" \"$@\"; }\n" \
	"fo() { git -C \"$F/ws/.forge/repository\" \"$@\" 2>\"$F/complaint\" || " \
	"{ cat \"$F/complaint\" >&2; return 1; }; }\n" \
	"commit() { n=$(cat \"$F/n\"); echo $((n + 1)) >\"$F/n\"; " \
	"d=\"$((1700000000 + n * 60)) +0100\"; up add -A; " \
	"GIT_AUTHOR_DATE=\"$d\" GIT_COMMITTER_DATE=\"$d\" " \
	"git -C \"$F/upstream\" commit -q --allow-empty --allow-empty-message -m \"$@\"; }\n"

void component_fixture_prepare(void)
{
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_setenv("GIT_CONFIG_GLOBAL", "/dev/null", TRUE);
	g_setenv("GIT_AUTHOR_NAME", "Ann Ähm", TRUE);
	g_setenv("GIT_AUTHOR_EMAIL", "ann@example.org", TRUE);
	g_setenv("GIT_COMMITTER_NAME", "Carl", TRUE);
	g_setenv("GIT_COMMITTER_EMAIL", "carl@example.org", TRUE);
	g_setenv("LC_ALL", "C.UTF-8", TRUE);
}

static char *run(struct component_fixture *fixture, const char *script)
{
	g_autofree char *whole = g_strdup_printf(
		"F='%s'; cd \"$F\"\n" PREAMBLE "%s", fixture->folder, script);
	const char *const arguments[] = {"sh", "-ec", whole, NULL};
	g_autoptr(GError) error = NULL;
	g_autofree char *complaint = NULL;
	char *output = NULL;
	int status = 0;

	g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
		&complaint, &status, &error);
	g_assert_no_error(error);
	if (!g_spawn_check_wait_status(status, NULL))
		g_error("%s: %s%s", script, output, complaint);
	return g_strchomp(output);
}

char *component_fixture_run(struct component_fixture *fixture, const char *format, ...)
{
	g_autofree char *script = NULL;
	va_list arguments;

	va_start(arguments, format);
	script = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	return run(fixture, script);
}

void component_fixture_do(struct component_fixture *fixture, const char *format, ...)
{
	g_autofree char *script = NULL;
	va_list arguments;

	va_start(arguments, format);
	script = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_free(run(fixture, script));
}

void component_fixture_set_up(struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;

	(void)unused;
	git_library_start();
	fixture->folder = g_dir_make_tmp("forge-component-XXXXXX", &error);
	g_assert_no_error(error);
	fixture->workspace = g_build_filename(fixture->folder, "ws", NULL);
	component_fixture_do(fixture, "echo 0 >n; mkdir ws; git init -q -b main upstream");
	path = g_build_filename(fixture->folder, "upstream", NULL);
	g_assert_cmpint(git_repository_open(&fixture->upstream, path), ==, 0);
	workspace_repository_make(fixture->workspace, &error);
	g_assert_no_error(error);
	fixture->forge = workspace_repository_open(fixture->workspace, &error);
	g_assert_no_error(error);
}

void component_fixture_tear_down(struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	git_repository_free(fixture->upstream);
	git_repository_free(fixture->forge);
	component_fixture_do(fixture, "chmod -R u+w \"$F\"; cd /; rm -rf \"$F\"");
	g_free(fixture->workspace);
	g_free(fixture->folder);
	git_library_stop();
}

git_oid component_fixture_oid(
	struct component_fixture *fixture, const char *git, const char *revision)
{
	g_autofree char *hex = component_fixture_run(
		fixture, "%s rev-parse --verify '%s'", git, revision);
	git_oid oid;

	g_assert_cmpint(git_oid_fromstr(&oid, hex), ==, 0);
	return oid;
}

git_oid component_fixture_import(
	struct component_fixture *fixture, const char *path, const git_oid *previous)
{
	g_autoptr(GError) error = NULL;
	git_oid head = component_fixture_oid(fixture, "up", "HEAD");
	git_oid base = {{0}};

	component_history_import(fixture->forge, fixture->upstream, &head, path,
		"example.org/team/tools", previous, &base, &error);
	g_assert_no_error(error);
	workspace_ref_set(fixture->forge, "x", COMPONENT_REF_BASE, NULL, &base, &error);
	g_assert_no_error(error);
	return base;
}

git_oid component_fixture_commit(
	struct component_fixture *fixture, const git_oid *parent, const char *make)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *hex = component_fixture_run(fixture,
		"rm -rf work index; mkdir work; cd work; %s\n"
		"export GIT_INDEX_FILE=\"$F/index\" GIT_WORK_TREE=\"$F/work\" "
		"GIT_DIR=\"$F/ws/.forge/repository\"; git add -A . 2>/dev/null; "
		"git write-tree 2>/dev/null",
		make);
	git_signature *who = component_fixture_somebody();
	git_oid tree, commit = {{0}};

	g_assert_cmpint(git_oid_fromstr(&tree, hex), ==, 0);
	component_history_commit(fixture->forge, &tree, parent, parent ? 1 : 0, who,
		"Change something", &commit, &error);
	git_signature_free(who);
	g_assert_no_error(error);
	return commit;
}

git_signature *component_fixture_somebody(void)
{
	git_signature *who = NULL;

	g_assert_cmpint(
		git_signature_new(&who, "Somebody", "some@example.org", 1700001234, 0), ==, 0);
	return who;
}
