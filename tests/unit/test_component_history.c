#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/object_copy.h"
#include "worker/workspace/workspace_repository.h"

#define REPOSITORY "example.org/team/tools"

/* An upstream with a component in c/x and something beside it. */
static void make_upstream(struct component_fixture *fixture)
{
	component_fixture_do(fixture,
		"cd upstream; mkdir -p c/x/deep/er c/y; echo 1 >c/x/component.yaml;"
		"echo 2 >c/x/deep/er/f; ln -s component.yaml c/x/link; echo s >c/x/run;"
		"chmod +x c/x/run; echo 3 >c/y/f; echo 4 >README; commit 'Begin'");
}

static gboolean import(struct component_fixture *fixture, const char *path, const git_oid *previous,
	git_oid *base, GError **error)
{
	git_oid head = component_fixture_oid(fixture, "up", "HEAD");

	return component_history_import(
		fixture->forge, fixture->upstream, &head, path, REPOSITORY, previous, base, error);
}

static void assert_same(const git_oid *a, const git_oid *b)
{
	g_assert_true(git_oid_equal(a, b));
}

static void imported_folder_survives_without_upstream(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_upstream(fixture);
	git_oid base = component_fixture_import(fixture, "c/x", NULL);
	git_oid tree = component_fixture_oid(fixture, "up", "HEAD:c/x");
	git_oid copied = component_fixture_oid(fixture, "fo", "refs/forge/x/base^{tree}");

	assert_same(&tree, &copied);
	g_assert_false(git_oid_is_zero(&base));
	component_fixture_do(fixture,
		"rm -rf upstream; fo fsck --strict --full --no-dangling;"
		"fo rev-list --objects refs/forge/x/base | cut -c1-40 | fo cat-file --batch >all;"
		"! grep -a missing all; test $(fo rev-list --objects --all | wc -l) = 8;"
		"git init -q upstream");
}

static void only_the_folder_is_copied(struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_upstream(fixture);
	component_fixture_import(fixture, "c/x", NULL);
	component_fixture_do(fixture,
		"o=$(up rev-parse HEAD:README); ! fo cat-file -e $o;"
		"test $(fo count-objects | cut -d' ' -f1) = 8");
}

static void base_reads_like_upstreams_commit(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_upstream(fixture);
	component_fixture_import(fixture, "c/x", NULL);
	component_fixture_do(fixture,
		"f=%%an%%n%%ae%%n%%ad%%n%%cn%%n%%ce%%n%%cd%%n%%s;"
		"test \"$(up log -1 --format=$f)\" = \"$(fo log -1 --format=$f refs/forge/x/base)\";"
		"c=$(up rev-parse HEAD);"
		"printf 'Begin\\n\\nForge-Repository: " REPOSITORY
		"\\nForge-Path: c/x\\nForge-Commit: %%s\\n' $c >want;"
		"fo cat-file commit refs/forge/x/base | sed '1,/^$/d' >got; cmp want got;"
		"test \"$(fo log -1 '--format=%%(trailers:key=Forge-Commit,valueonly)' "
		"refs/forge/x/base)\" = $c");
}

static void import_is_repeatable(struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid one, two, child, again;

	(void)unused;
	make_upstream(fixture);
	import(fixture, "c/x", NULL, &one, &error);
	import(fixture, "c/x", NULL, &two, &error);
	assert_same(&one, &two);
	/* The version that the base before stands for is that base. */
	import(fixture, "c/x", &one, &again, &error);
	assert_same(&one, &again);
	component_fixture_do(fixture, "cd upstream; echo 9 >c/x/new; commit More");
	import(fixture, "c/x", &one, &child, &error);
	import(fixture, "c/x", &one, &again, &error);
	g_assert_no_error(error);
	assert_same(&child, &again);
	g_autofree char *parent = component_fixture_run(
		fixture, "fo rev-parse %s^", git_oid_tostr_s(&child));
	g_assert_cmpstr(parent, ==, git_oid_tostr_s(&one));
}

static void root_and_nested_folders_are_imported(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const paths[] = {"", "c", "c/x/deep/er", "c/x"};

	(void)unused;
	make_upstream(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *revision = g_strconcat("HEAD:", paths[i], NULL);
		git_oid base = component_fixture_import(fixture, paths[i], NULL);
		git_oid want = component_fixture_oid(fixture, "up", revision), tree;
		scoped_value(upstream_link) link = {0};

		g_assert_true(component_history_tree(fixture->forge, &base, &tree, &error));
		assert_same(&want, &tree);
		g_assert_true(component_history_link(fixture->forge, &base, &link, &error));
		g_assert_cmpstr(link.path, ==, paths[i]);
		g_assert_cmpstr(link.repository, ==, REPOSITORY);
		component_fixture_do(fixture, "fo fsck --strict --full");
	}
}

static void folder_that_is_not_there_is_component_not_found(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const paths[] = {
		"c/z", "z", "README", "README/x", "c/x/link", "c/x/component.yaml/a", "C/x"};

	(void)unused;
	make_upstream(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;
		git_oid base = {{7}};

		g_assert_false(import(fixture, paths[i], NULL, &base, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND);
		g_assert_cmpint(base.id[0], ==, 7);
	}
	g_assert_cmpint(forge_error_exit_status(FORGE_ERROR_COMPONENT_NOT_FOUND), ==, 8);
}

static void paths_that_are_none_are_refused(struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const paths[] = {"/", "c/", "/c", "c//x", "c/../c", ".", "..", "c/.",
		"c/x\nForge-Commit: 1", "c\tx", ".git", "c/.GiT/x", "c\x7f"};

	(void)unused;
	make_upstream(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;
		git_oid base;

		g_assert_false(import(fixture, paths[i], NULL, &base, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	}
	git_oid head = component_fixture_oid(fixture, "up", "HEAD"), base;
	g_autoptr(GError) error = NULL;
	g_assert_false(component_history_import(fixture->forge, fixture->upstream, &head, "c/x",
		"a\nForge-Path: b", NULL, &base, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
}

/* Messages of upstream; whatever they say, the link is the true one. */
static const char *const messages[] = {
	"Forge-Commit: 1111111111111111111111111111111111111111",
	"A\\n\\nForge-Repository: evil.example/r\\nForge-Path: p\\n"
	"Forge-Commit: 1111111111111111111111111111111111111111\\n",
	"Forge-Repository: evil.example/r\\nForge-Path: p\\n"
	"Forge-Commit: 1111111111111111111111111111111111111111",
	"\\n\\n\\n  \\n",
	"",
	"\\r\\n\\tTabs\\tand\\rreturns",
	"\\033[31mred\\007",
	"\\377\\376 no UTF-8",
	"---\\ndiff --git a/f b/f",
	"# comment",
	"Subject\\n\\n\\n\\nForge-Path: x\\n\\n\\n",
};

static void upstreams_message_cannot_forge_the_link(
	struct component_fixture *fixture, gconstpointer unused)
{
	git_oid previous = {{0}};

	(void)unused;
	make_upstream(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(messages); i++) {
		g_autoptr(GError) error = NULL;
		scoped_value(upstream_link) link = {0};
		git_oid base, head;

		component_fixture_do(fixture,
			"c=$(printf '%s' | up commit-tree HEAD^{tree} -p HEAD); up reset -q --soft $c",
			messages[i]);
		head = component_fixture_oid(fixture, "up", "HEAD");
		base = component_fixture_import(fixture, "c/x", i > 0 ? &previous : NULL);
		g_test_message("%s", messages[i]);
		g_assert_true(component_history_link(fixture->forge, &base, &link, &error));
		g_assert_cmpstr(link.repository, ==, REPOSITORY);
		g_assert_cmpstr(link.path, ==, "c/x");
		assert_same(&link.commit, &head);
		previous = base;
	}
	component_fixture_do(fixture,
		"fo fsck --strict --full; test $(fo rev-list --count refs/forge/x/base) = %zu",
		G_N_ELEMENTS(messages));
}

static void very_long_subject_is_cut_between_characters(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_upstream(fixture);
	component_fixture_do(fixture,
		"yes 'é' | head -c 3000000 | tr -d '\\n' >m; printf 'x%%s' \"$(head -c 9000 m)\" >m9;"
		"c=$(up commit-tree HEAD^{tree} -p HEAD <m9); up reset -q --soft $c");
	component_fixture_import(fixture, "c/x", NULL);
	component_fixture_do(fixture,
		"fo log -1 --format=%%s refs/forge/x/base >s; test $(wc -c <s) -le 1001;"
		"test $(wc -c <s) -ge 990; iconv -f UTF-8 -t UTF-8 <s >/dev/null; fo fsck --strict");
}

static void commit_in_another_encoding_stays_readable(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_upstream(fixture);
	component_fixture_do(fixture,
		"c=$(printf 'Gr\\374n' | up -c i18n.commitEncoding=ISO-8859-1 commit-tree HEAD^{tree}"
		" -p HEAD); up reset -q --soft $c");
	component_fixture_import(fixture, "c/x", NULL);
	component_fixture_do(
		fixture, "test \"$(fo log -1 --format=%%s refs/forge/x/base)\" = Grün");
}

/* Messages of commits that are no bases. */
static const char *const not_links[] = {
	"",
	"A",
	"A\\n\\nForge-Repository: r\\nForge-Path: p\\n",
	"Forge-Repository: r\\nForge-Path: p\\nForge-Commit: "
	"1111111111111111111111111111111111111111\\n",
	"A\\nForge-Repository: r\\nForge-Path: p\\nForge-Commit: "
	"1111111111111111111111111111111111111111\\n",
	"A\\n\\nForge-Repository: r\\nForge-Path: p\\nForge-Commit: "
	"1111111111111111111111111111111111111111",
	"A\\n\\nForge-Repository: r\\nForge-Path: p\\nForge-Commit: "
	"111111111111111111111111111111111111111\\n",
	"A\\n\\nForge-Repository: r\\nForge-Path: p\\nForge-Commit: "
	"111111111111111111111111111111111111111g\\n",
	"A\\n\\nForge-Path: p\\nForge-Repository: r\\nForge-Commit: "
	"1111111111111111111111111111111111111111\\n",
	"A\\n\\nForge-Repository: r\\nForge-Path: p\\nForge-Commit: "
	"1111111111111111111111111111111111111111\\nSigned-off-by: x\\n",
	"\\n\\n\\n\\n\\n",
};

static void other_commits_are_no_bases(struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (gsize i = 0; i < G_N_ELEMENTS(not_links); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *hex = component_fixture_run(fixture,
			"t=$(fo mktree </dev/null); "
			"printf '%s' | git -C ws/.forge/repository commit-tree $t 2>/dev/null",
			not_links[i]);
		struct upstream_link link = {0};
		git_oid oid;

		g_test_message("%s", not_links[i]);
		git_oid_fromstr(&oid, hex);
		g_assert_false(component_history_link(fixture->forge, &oid, &link, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
		g_assert_null(link.path);
	}
}

static void presence_of_a_tree_is_not_taken_for_its_contents(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid base;

	(void)unused;
	make_upstream(fixture);
	/* Trees alone, as an interrupted copy of somebody else's may leave them. */
	component_fixture_do(fixture,
		"for t in HEAD:c/x HEAD:c/x/deep HEAD:c/x/deep/er; do up cat-file tree $t >t;"
		"fo hash-object -t tree -w --literally ../../../t; done");
	import(fixture, "c/x", NULL, &base, &error);
	g_assert_no_error(error);
	component_fixture_do(fixture, "fo rev-list --objects %s >/dev/null; fo fsck --full",
		git_oid_tostr_s(&base));
}

static void object_that_upstream_lacks_is_an_error_and_nothing_is_written(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid base;

	(void)unused;
	make_upstream(fixture);
	component_fixture_do(fixture,
		"o=$(up rev-parse HEAD:c/x/deep/er/f); "
		"rm -f upstream/.git/objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-)");
	g_assert_false(import(fixture, "c/x", NULL, &base, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	g_assert_nonnull(strstr(error->message, "deep/er/f"));
	component_fixture_do(fixture, "test $(fo count-objects | cut -d' ' -f1) = 0");
}

static void tree_that_names_a_file_as_folder_is_refused(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const entries[] = {"40000", "100644"};

	(void)unused;
	make_upstream(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(entries); i++) {
		g_autoptr(GError) error = NULL;
		git_oid base;

		/* An entry `f` of a wrong mode: the blob as a folder, the tree as a file. */
		component_fixture_do(fixture,
			"o=$(up rev-parse HEAD~0:%s); "
			"{ printf '%s f\\0'; echo $o | tr a-f A-F | fold -w2 | "
			"while read b; do printf \"\\\\$(printf %%o 0x$b)\"; done; } >t;"
			"t=$(up hash-object -t tree -w --literally ../t);"
			"r=$(printf '040000 tree %%s\\tbad\\n' $t | up mktree --missing);"
			"up reset -q --soft $(echo bad | up commit-tree $r)",
			i == 0 ? "README" : "c", entries[i]);
		g_assert_false(import(fixture, "bad", NULL, &base, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
		component_fixture_do(
			fixture, "up reset -q --hard ORIG_HEAD || up reset -q --hard main@{1}");
	}
}

static void tree_bomb_is_copied_once(struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	/* 40 levels of 10 entries each, all the same: 10^40 paths, 41 objects. */
	component_fixture_do(fixture,
		"b=$(echo x | up hash-object -w --stdin); t=; "
		"e='100644 blob '$b; for i in $(seq 40); do "
		"t=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf '%%s\\t%%s\\n' \"$e\" n$n; done | up mktree);"
		"e='040000 tree '$t; done; up reset -q --soft $(echo bomb | up commit-tree $t)");
	component_fixture_import(fixture, "", NULL);
	component_fixture_do(fixture, "test $(fo count-objects | cut -d' ' -f1) = 42");
}

static void tree_that_is_too_deep_is_refused(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid base;

	(void)unused;
	component_fixture_do(fixture,
		"b=$(echo x | up hash-object -w --stdin); t=$(printf '100644 blob %%s\\tf\\n' $b | up mktree);"
		"for i in $(seq 300); do t=$(printf '040000 tree %%s\\td\\n' $t | up mktree); done;"
		"up reset -q --soft $(echo deep | up commit-tree $t)");
	g_assert_false(import(fixture, "", NULL, &base, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);
	component_fixture_do(fixture, "test $(fo count-objects | cut -d' ' -f1) = 0");
}

static void submodule_is_kept_without_its_commit(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_upstream(fixture);
	component_fixture_do(fixture,
		"up update-index --add --cacheinfo 160000,$(up rev-parse HEAD),c/x/sub;"
		"up commit -q -m Sub");
	component_fixture_import(fixture, "c/x", NULL);
	component_fixture_do(
		fixture, "fo ls-tree refs/forge/x/base sub | grep ^160000; fo fsck --full");
}

static void missing_commit_is_an_error(struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) no_base = NULL;
	git_oid none = {{1}}, base, head;

	(void)unused;
	make_upstream(fixture);
	g_assert_false(component_history_import(
		fixture->forge, fixture->upstream, &none, "c/x", REPOSITORY, NULL, &base, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	head = component_fixture_oid(fixture, "up", "HEAD");
	g_assert_false(component_history_import(fixture->forge, fixture->upstream, &head, "c/x",
		REPOSITORY, &none, &base, &no_base));
	g_assert_error(no_base, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
}

static void next_base_needs_only_what_changed(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_upstream(fixture);
	git_oid base = component_fixture_import(fixture, "c/x", NULL);
	component_fixture_do(fixture, "cd upstream; echo 5 >c/x/deep/er/f; commit Five");
	component_fixture_import(fixture, "c/x", &base);
	/* A blob, three trees, a commit. */
	component_fixture_do(fixture,
		"test $(fo count-objects | cut -d' ' -f1) = 13; rm -rf upstream;"
		"fo fsck --full --strict; fo rev-list --objects --all >/dev/null; git init -q upstream");
}

static void many_files_come_in_one_pack(struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	component_fixture_do(fixture,
		"cd upstream; mkdir c; for i in $(seq 300); do echo $i >c/f$i; done; commit Many");
	git_oid base = component_fixture_import(fixture, "c", NULL);
	component_fixture_do(fixture, "cd upstream; echo new >c/f7; commit One");
	component_fixture_import(fixture, "c", &base);
	component_fixture_do(fixture,
		"rm -rf upstream; fo fsck --full --strict; ls ws/.forge/repository/objects >o;"
		"! grep making o; test $(ls ws/.forge/repository/objects/pack/*.pack | wc -l) = 1;"
		"test $(fo ls-tree -r refs/forge/x/base | wc -l) = 300;"
		"test $(fo count-objects | cut -d' ' -f1) = 4; git init -q upstream");
}

static void local_commits_are_repeatable_and_listed_newest_first(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) log = NULL;
	g_autoptr(GPtrArray) limited = NULL;
	g_autoptr(GPtrArray) none = NULL;

	(void)unused;
	make_upstream(fixture);
	git_oid base = component_fixture_import(fixture, "c/x", NULL);
	git_oid one = component_fixture_commit(fixture, &base, "echo 1 >f");
	git_oid again = component_fixture_commit(fixture, &base, "echo 1 >f");
	git_oid two = component_fixture_commit(fixture, &one, "echo 2 >f");
	assert_same(&one, &again);
	log = component_history_log(fixture->forge, &two, &base, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(log->len, ==, 2);
	const struct history_entry *first = log->pdata[0], *second = log->pdata[1];
	assert_same(&first->oid, &two);
	assert_same(&second->oid, &one);
	g_assert_cmpstr(first->subject, ==, "Change something");
	g_assert_cmpstr(first->author, ==, "Somebody");
	g_assert_cmpint(first->time_s, ==, 1700001234);
	limited = component_history_log(fixture->forge, &two, &base, 1, &error);
	g_assert_cmpuint(limited->len, ==, 1);
	none = component_history_log(fixture->forge, &base, &base, 0, &error);
	g_assert_cmpuint(none->len, ==, 0);
	component_fixture_do(fixture, "fo fsck --strict --full");
}

static void log_ends_where_a_later_base_reaches(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) log = NULL;
	git_signature *who = component_fixture_somebody();
	git_oid tree, merged;

	(void)unused;
	make_upstream(fixture);
	git_oid base = component_fixture_import(fixture, "c/x", NULL);
	git_oid one = component_fixture_commit(fixture, &base, "echo 1 >f");
	component_fixture_do(fixture, "cd upstream; echo 5 >c/x/new; commit Five");
	git_oid newer = component_fixture_import(fixture, "c/x", &base);
	git_oid parents[] = {one, newer};
	component_history_tree(fixture->forge, &one, &tree, &error);
	component_history_commit(fixture->forge, &tree, parents, 2, who, "Merge", &merged, &error);
	git_signature_free(who);
	log = component_history_log(fixture->forge, &merged, &newer, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(log->len, ==, 2);
	assert_same(&((struct history_entry *)log->pdata[1])->oid, &one);
}

#define TEST(name) \
	g_test_add("/component_history/" #name, struct component_fixture, NULL, \
		component_fixture_set_up, name, component_fixture_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	component_fixture_prepare();
	TEST(imported_folder_survives_without_upstream);
	TEST(only_the_folder_is_copied);
	TEST(base_reads_like_upstreams_commit);
	TEST(import_is_repeatable);
	TEST(root_and_nested_folders_are_imported);
	TEST(folder_that_is_not_there_is_component_not_found);
	TEST(paths_that_are_none_are_refused);
	TEST(upstreams_message_cannot_forge_the_link);
	TEST(very_long_subject_is_cut_between_characters);
	TEST(commit_in_another_encoding_stays_readable);
	TEST(other_commits_are_no_bases);
	TEST(presence_of_a_tree_is_not_taken_for_its_contents);
	TEST(object_that_upstream_lacks_is_an_error_and_nothing_is_written);
	TEST(tree_that_names_a_file_as_folder_is_refused);
	TEST(tree_bomb_is_copied_once);
	TEST(tree_that_is_too_deep_is_refused);
	TEST(submodule_is_kept_without_its_commit);
	TEST(missing_commit_is_an_error);
	TEST(next_base_needs_only_what_changed);
	TEST(many_files_come_in_one_pack);
	TEST(local_commits_are_repeatable_and_listed_newest_first);
	TEST(log_ends_where_a_later_base_reaches);
	return g_test_run();
}
