/*
 * The wording of outcomes, as a table: what users see and grep for.
 */
#include "cli/render.h"

#include <string.h>

#include "journal/base/document.h"

#define STATUS(word) FORGE__BRANCH_STATUS__BRANCH_STATUS_##word

struct line_case {
	const char *line;
	Forge__BranchStatus status;
	uint32_t behind;
	gboolean counts_unknown;
	gboolean dry_run;
	gboolean with_branch;
	const char *reason;
	const char *backup;
};

static const struct line_case line_cases[] = {
	{"✓ tools: up to date", STATUS(UP_TO_DATE)},
	{"✓ tools: up to date", STATUS(UP_TO_DATE), .dry_run = TRUE},
	{"✓ tools (main): up to date", STATUS(UP_TO_DATE), .with_branch = TRUE},
	{"✓ tools: 2 commits behind, merged", STATUS(MERGED), .behind = 2},
	{"✓ tools: 1 commit behind, merged", STATUS(MERGED), .behind = 1},
	{"✓ tools: 2 commits behind, would be merged", STATUS(MERGED), .behind = 2,
		.dry_run = TRUE},
	{"✓ tools: merged", STATUS(MERGED), .counts_unknown = TRUE},
	{"✓ tools: 1 commit behind, fast-forwarded", STATUS(FAST_FORWARDED), .behind = 1},
	{"✓ tools: would be fast-forwarded", STATUS(FAST_FORWARDED), .counts_unknown = TRUE,
		.dry_run = TRUE},
	{"✓ tools: 3 commits behind, rebased", STATUS(REBASED), .behind = 3},
	{"✓ tools: 3 commits behind, overwritten (backup: refs/forge/backup/main/1f)",
		STATUS(OVERWRITTEN), .behind = 3, .backup = "refs/forge/backup/main/1f"},
	{"✗ tools: merge conflict, manual resolution required", STATUS(CONFLICT), .behind = 3},
	{"✗ tools (main): merge conflict, manual resolution required", STATUS(CONFLICT),
		.with_branch = TRUE},
	{"✗ tools: would be a merge conflict, manual resolution required", STATUS(CONFLICT),
		.dry_run = TRUE},
	{"✗ tools: the two share no commit", STATUS(FAILED), .reason = "the two share no commit"},
	{"✗ tools: PUSH_REJECTED", STATUS(FAILED), .reason = ""},
	{"✗ tools: failed", STATUS(FAILED)},
	{"✗ tools: the fork is empty", STATUS(SKIPPED), .reason = "the fork is empty"},
	{"✗ tools: failed", (Forge__BranchStatus)99},
};

static void make_entry(const struct line_case *line, Forge__ForkSynced *entry, Forge__Error *error)
{
	forge__fork_synced__init(entry);
	entry->fork = (char *)"tools";
	entry->branch = (char *)"main";
	entry->status = line->status;
	entry->behind = line->behind;
	entry->counts_unknown = line->counts_unknown;
	entry->dry_run = line->dry_run;
	if (line->backup)
		entry->backup = (char *)line->backup;
	if (line->reason) {
		forge__error__init(error);
		error->code = (char *)"PUSH_REJECTED";
		error->message = (char *)line->reason;
		entry->error = error;
	}
}

static void lines_are_worded_as_promised(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(line_cases); i++) {
		Forge__ForkSynced entry;
		Forge__Error error;
		make_entry(&line_cases[i], &entry, &error);
		g_autofree char *line = render_entry_line(&entry, line_cases[i].with_branch);
		g_assert_cmpstr(line, ==, line_cases[i].line);
		gboolean good = g_str_has_prefix(line, "✓");
		g_assert_cmpint(render_succeeded(&entry), ==, good);
	}
}

static void entry_has_the_keys_of_the_contract(void)
{
	Forge__ConflictPath path = FORGE__CONFLICT_PATH__INIT;
	path.path = (char *)"schema.json";
	path.type = (char *)"content";
	Forge__ConflictPath *paths[] = {&path};
	Forge__ForkSynced entry = FORGE__FORK_SYNCED__INIT;
	entry.fork = (char *)"tools";
	entry.branch = (char *)"main";
	entry.status = STATUS(CONFLICT);
	entry.before = entry.after = (char *)"aa";
	entry.behind = 2;
	entry.ahead = 1;
	entry.conflicts = paths;
	entry.n_conflicts = entry.conflict_count = 1;
	scoped(value) value = render_entry(&entry, "do this");
	g_autofree char *json = document_write_json(value, DOCUMENT_COMPACT);
	g_assert_cmpstr(json, ==,
		"{\"name\":\"tools\",\"branch\":\"main\",\"status\":\"conflict\",\"behind\":2,"
		"\"ahead\":1,\"before\":\"aa\",\"after\":\"aa\",\"backup\":null,\"conflicts\":[{"
		"\"path\":\"schema.json\",\"type\":\"content\"}],\"error\":{\"code\":"
		"\"SYNC_CONFLICT\",\"message\":\"merge conflict, manual resolution required\","
		"\"hint\":\"do this\"}}");
}

static void job_without_branches_has_nulls(void)
{
	Forge__Error error = FORGE__ERROR__INIT;
	error.code = (char *)"TIMEOUT";
	error.message = (char *)"no answer";
	error.hint = (char *)"wait";
	Forge__ForkSynced entry = FORGE__FORK_SYNCED__INIT;
	entry.fork = (char *)"tools";
	entry.status = STATUS(FAILED);
	entry.error = &error;
	scoped(value) value = render_entry(&entry, NULL);
	g_autofree char *json = document_write_json(value, DOCUMENT_COMPACT);
	g_assert_cmpstr(json, ==,
		"{\"name\":\"tools\",\"branch\":null,\"status\":\"failed\",\"behind\":null,"
		"\"ahead\":null,\"before\":null,\"after\":null,\"backup\":null,\"conflicts\":[],"
		"\"error\":{\"code\":\"TIMEOUT\",\"message\":\"no answer\",\"hint\":\"wait\"}}");
}

static void commands_are_quoted_for_a_shell(void)
{
	static const char *const names[] = {"a\nrm -rf b", "my notes.md", "it's\377"};
	Forge__ConflictPath rows[G_N_ELEMENTS(names)];
	Forge__ConflictPath *paths[G_N_ELEMENTS(names)];
	Forge__ForkSynced entry = FORGE__FORK_SYNCED__INIT;
	entry.fork = (char *)"tools";
	entry.branch = (char *)"fix/$HOME";
	entry.conflicts = paths;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		forge__conflict_path__init(&rows[i]);
		rows[i].path = (char *)names[i];
		paths[i] = &rows[i];
	}
	entry.n_conflicts = G_N_ELEMENTS(names);
	entry.conflict_count = 5;
	g_autofree char *commands = render_conflict_commands(
		&entry, "/srv/my git/f.git", "https://h.example/o/u");
	g_assert_cmpstr(commands, ==,
		"git clone --branch 'fix/$HOME' '/srv/my git/f.git' 'tools-fix-$HOME'\n"
		"cd 'tools-fix-$HOME'\n"
		"git remote add upstream https://h.example/o/u\n"
		"git fetch upstream\n"
		"git merge 'upstream/fix/$HOME'\n"
		"# edit what conflicts: $'a\\012rm -rf b', 'my notes.md', $'it\\'s\\377' and 2 more\n"
		"git commit --all --no-edit\n"
		"git push origin 'fix/$HOME'\n");
}

static void commands_of_a_rebase_push_only_over_the_tip_that_was_seen(void)
{
	Forge__ConflictPath row = FORGE__CONFLICT_PATH__INIT, *path = &row;
	Forge__Error error = FORGE__ERROR__INIT;
	Forge__ForkSynced entry = FORGE__FORK_SYNCED__INIT;

	error.message = (char *)"commit c0ffee1 'x\ny', one of 2 to replay, conflicts in 1 path";
	row.path = (char *)"schema.json";
	entry.fork = (char *)"tools";
	entry.branch = (char *)"main";
	entry.before = (char *)"0123456789012345678901234567890123456789";
	entry.conflict_commit = (char *)"c0ffee1";
	entry.conflicts = &path;
	entry.n_conflicts = entry.conflict_count = 1;
	entry.error = &error;
	g_autofree char *commands = render_conflict_commands(
		&entry, "/srv/f.git", "https://h.example/o/u");
	g_assert_cmpstr(commands, ==,
		"git clone --branch main /srv/f.git tools-main\n"
		"cd tools-main\n"
		"git remote add upstream https://h.example/o/u\n"
		"git fetch upstream\n"
		"# commit c0ffee1 'x y', one of 2 to replay, conflicts in 1 path\n"
		"git rebase upstream/main\n"
		"# edit what conflicts: schema.json\n"
		"git add --all\n"
		"GIT_EDITOR=true git rebase --continue\n"
		"# the last three again for each further commit that conflicts\n"
		"git push --force-with-lease=main:0123456789012345678901234567890123456789 "
		"origin main\n");
}

static void tally_of(struct tally *tally, const Forge__BranchStatus *statuses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		Forge__ForkSynced entry = FORGE__FORK_SYNCED__INIT;
		entry.status = statuses[i];
		tally_add(tally, &entry);
	}
}

static void conflict_outranks_failure_in_the_exit_status(void)
{
	const Forge__BranchStatus statuses[] = {STATUS(MERGED), STATUS(UP_TO_DATE), STATUS(SKIPPED),
		STATUS(FAILED), STATUS(CONFLICT)};
	static const int expected[] = {0, 0, 0, 1, 1, 7};
	for (size_t count = 0; count <= G_N_ELEMENTS(statuses); count++) {
		struct tally tally = {0};
		tally_of(&tally, statuses, count);
		g_assert_cmpint(tally_exit_status(&tally), ==, expected[count]);
		g_assert_cmpuint(tally.total, ==, count);
	}
}

static void what_was_cancelled_is_not_called_skipped(void)
{
	struct tally tally = {0};
	Forge__ForkSynced entry = FORGE__FORK_SYNCED__INIT;
	Forge__Error error = FORGE__ERROR__INIT;
	g_autofree char *text = NULL;

	error.code = (char *)"CANCELLED";
	entry.status = STATUS(SKIPPED);
	tally_add(&tally, &entry);
	entry.error = &error;
	tally_add(&tally, &entry);
	tally_add(&tally, &entry);
	text = render_tally(&tally, "fork", "forks", FALSE, 1);
	g_assert_cmpstr(text, ==, "3 forks: 0 in order, 1 skipped, 2 cancelled (1.0 s)");
	g_assert_cmpint(tally_exit_status(&tally), ==, 1);
}

static void summary_names_only_what_there_is(void)
{
	struct tally tally = {.total = 3, .succeeded = 2, .conflicts = 1};
	g_autofree char *text = render_tally(&tally, "fork", "forks", FALSE, 0.412);
	g_assert_cmpstr(text, ==, "3 forks: 2 in order, 1 in conflict (0.4 s)");
	struct tally one = {.total = 1, .succeeded = 1};
	g_autofree char *single = render_tally(&one, "fork", "forks", TRUE, 0.04);
	g_assert_cmpstr(single, ==, "1 fork: 1 in order (0.0 s); a dry run, nothing was changed");
}

static void strategies_are_known_by_their_words(void)
{
	Forge__Strategy strategy;
	g_assert_true(render_parse_strategy("fast-forward", &strategy, NULL));
	g_assert_cmpint(strategy, ==, FORGE__STRATEGY__STRATEGY_FAST_FORWARD);
	g_assert_true(render_parse_strategy("rebase", &strategy, NULL));
	g_assert_cmpint(strategy, ==, FORGE__STRATEGY__STRATEGY_REBASE);
	g_autoptr(GError) unknown = NULL;
	g_assert_false(render_parse_strategy("mrege", &strategy, &unknown));
	g_assert_error(unknown, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/render/lines_are_worded_as_promised", lines_are_worded_as_promised);
	g_test_add_func(
		"/render/entry_has_the_keys_of_the_contract", entry_has_the_keys_of_the_contract);
	g_test_add_func("/render/job_without_branches_has_nulls", job_without_branches_has_nulls);
	g_test_add_func("/render/commands_are_quoted_for_a_shell", commands_are_quoted_for_a_shell);
	g_test_add_func("/render/commands_of_a_rebase_push_only_over_the_tip_that_was_seen",
		commands_of_a_rebase_push_only_over_the_tip_that_was_seen);
	g_test_add_func("/render/conflict_outranks_failure_in_the_exit_status",
		conflict_outranks_failure_in_the_exit_status);
	g_test_add_func(
		"/render/summary_names_only_what_there_is", summary_names_only_what_there_is);
	g_test_add_func("/render/what_was_cancelled_is_not_called_skipped",
		what_was_cancelled_is_not_called_skipped);
	g_test_add_func(
		"/render/strategies_are_known_by_their_words", strategies_are_known_by_their_words);
	return g_test_run();
}
