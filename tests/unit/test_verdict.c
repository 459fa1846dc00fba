/*
 * What servers, git and ssh say, word for word as they were seen, and what it means.
 */
#include "worker/remote/verdict.h"

#include <string.h>

#include "journal/base/limits.h"

static const struct {
	const char *words;
	enum forge_error code;
	const char *line;
} sayings[] = {
	/* OpenSSH */
	{"git@host: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n",
		FORGE_ERROR_AUTHENTICATION_FAILED, "git@host: Permission denied (publickey)."},
	{"Warning: Permanently added 'host' (ED25519) to the list of known hosts.\nReceived disconnect from ::1 port 22:2: "
	 "Too many authentication failures\n",
		FORGE_ERROR_AUTHENTICATION_FAILED,
		"Received disconnect from ::1 port 22:2: Too many authentication failures"},
	{"@@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n",
		FORGE_ERROR_AUTHENTICATION_FAILED, "Host key verification failed."},
	{"ssh: Could not resolve hostname nowhere.invalid: Name or service not known\n",
		FORGE_ERROR_REPOSITORY_UNREACHABLE,
		"ssh: Could not resolve hostname nowhere.invalid: Name or service not known"},
	{"ssh: connect to host 127.0.0.1 port 1: Connection refused",
		FORGE_ERROR_REPOSITORY_UNREACHABLE,
		"ssh: connect to host 127.0.0.1 port 1: Connection refused"},
	{"ssh: connect to host 192.0.2.1 port 22: Connection timed out", FORGE_ERROR_TIMEOUT,
		"ssh: connect to host 192.0.2.1 port 22: Connection timed out"},
	{"kex_exchange_identification: read: Connection reset by peer",
		FORGE_ERROR_REPOSITORY_UNREACHABLE,
		"kex_exchange_identification: read: Connection reset by peer"},
	/* hosts */
	{"ERROR: Repository not found.\nfatal: Could not read from remote repository.\n",
		FORGE_ERROR_REPOSITORY_NOT_FOUND, "ERROR: Repository not found."},
	{"ERROR: Permission to octo/site.git denied to joe.", FORGE_ERROR_PERMISSION_DENIED,
		"ERROR: Permission to octo/site.git denied to joe."},
	{"remote: The project you were looking for could not be found or you don't have permission to view it.",
		FORGE_ERROR_REPOSITORY_NOT_FOUND,
		"remote: The project you were looking for could not be found or you don't have permission to view it."},
	/* git */
	{"fatal: '/srv/x' does not appear to be a git repository", FORGE_ERROR_REPOSITORY_NOT_FOUND,
		"fatal: '/srv/x' does not appear to be a git repository"},
	{"fatal: detected dubious ownership in repository at '/srv/x'\nTo add an exception, call:\n",
		FORGE_ERROR_PERMISSION_DENIED,
		"fatal: detected dubious ownership in repository at '/srv/x'"},
	{"error: Could not read 8a\nfatal: unable to read tree 8a\naborting due to possible repository corruption on the "
	 "remote side.",
		FORGE_ERROR_BROKEN_REPOSITORY,
		"aborting due to possible repository corruption on the remote side."},
	{"remote error: upload-pack: not our ref 1111", FORGE_ERROR_REF_MOVED,
		"remote error: upload-pack: not our ref 1111"},
	{"sh: 1: git-upload-pack: not found", FORGE_ERROR_UNSUPPORTED,
		"sh: 1: git-upload-pack: not found"},
	{"bash: git-upload-pack: command not found", FORGE_ERROR_UNSUPPORTED,
		"bash: git-upload-pack: command not found"},
	/* What is not known falls back, and chatter is not shown. */
	{"debug1: something\n\n  the moon is wrong \nfatal: Could not read from remote repository.",
		FORGE_ERROR_FAILED, "the moon is wrong"},
	{"", FORGE_ERROR_FAILED, ""},
	{"\377\376", FORGE_ERROR_FAILED, "\xef\xbf\xbd\xef\xbf\xbd"},
};

static const struct {
	const char *status;
	const char *remarks;
	enum push_result result;
} statuses[] = {
	{"pre-receive hook declined", "", PUSH_REJECTED},
	{"hook declined", "", PUSH_REJECTED},
	{"protected branch hook declined",
		"error: GH006: Protected branch update failed for refs/heads/main.", PUSH_REJECTED},
	{"push declined due to repository rule violations", "", PUSH_REJECTED},
	{"refusing to allow an OAuth App to create or update workflow `.github/workflows/ci.yml` without `workflow` scope",
		"", PUSH_REJECTED},
	{"deletion prohibited", "", PUSH_REJECTED},
	{"non-fast-forward", "", PUSH_REJECTED},
	{"deny updating a hidden ref", "", PUSH_REJECTED},
	{"branch is currently checked out", "", PUSH_REJECTED},
	{"missing necessary objects", "", PUSH_REJECTED},
	{"failed to update ref", "", PUSH_MOVED},
	{"failed to update ref", "error: cannot lock ref 'refs/heads/main': is at 1 but expected 2",
		PUSH_MOVED},
	{"failed to update ref", "error: cannot lock ref 'refs/heads/a': reference already exists",
		PUSH_MOVED},
	{"failed to update ref",
		"error: cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b'",
		PUSH_REJECTED},
	{"failed to update ref", "error: unable to create '/x.lock': No space left on device",
		PUSH_REJECTED},
	{"cannot lock ref 'refs/heads/main': is at 1 but expected 2", "", PUSH_MOVED},
	{"failed to lock", "", PUSH_MOVED},
	{"reference already exists", "", PUSH_MOVED},
	{"stale info", "", PUSH_MOVED},
	{"something nobody has heard of", "", PUSH_REJECTED},
};

static void words_have_their_meaning(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sayings); i++) {
		g_autofree char *line = NULL;
		enum forge_error code = verdict_of_words(
			sayings[i].words, FORGE_ERROR_FAILED, &line);

		g_test_message("%s", sayings[i].line);
		g_assert_cmpstr(forge_error_name(code), ==, forge_error_name(sayings[i].code));
		g_assert_cmpstr(line, ==, sayings[i].line);
	}
}

static void refusals_are_told_from_lost_races(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
		g_test_message("%s / %s", statuses[i].status, statuses[i].remarks);
		g_assert_cmpint(verdict_of_push(statuses[i].status, statuses[i].remarks), ==,
			statuses[i].result);
	}
}

static void remarks_lose_progress_bars_and_are_bounded(void)
{
	g_autofree char *text = verdict_remarks(
		"Unpacking objects:  50% (1/2)\rUnpacking objects: 100% (2/2), done.\nGH006: no\n\n  ask  \r\n");
	g_autoptr(GString) long_line = g_string_new(NULL);
	g_autofree char *bounded = NULL;

	for (int i = 0; i < 1000; i++)
		g_string_append(long_line, "€");
	bounded = verdict_remarks(long_line->str);

	g_assert_cmpstr(text, ==, "GH006: no ask");
	g_assert_true(g_utf8_validate(bounded, -1, NULL));
	g_assert_cmpuint(strlen(bounded), >, LIMIT_ERROR_TEXT_BYTES - 5);
	g_assert_cmpuint(strlen(bounded), <=, LIMIT_ERROR_TEXT_BYTES);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/verdict/words_have_their_meaning", words_have_their_meaning);
	g_test_add_func(
		"/verdict/refusals_are_told_from_lost_races", refusals_are_told_from_lost_races);
	g_test_add_func("/verdict/remarks_lose_progress_bars_and_are_bounded",
		remarks_lose_progress_bars_and_are_bounded);
	return g_test_run();
}
