/*
 * Meaning of what git, ssh and git servers say to people. Neither git's protocol nor ssh has codes
 * for why they fail, so their words are all there is; all knowledge of such words is in the two
 * tables here.
 *
 * The tables are searched from the top: a pattern above wins over one below, wherever in the text
 * each stands, because the same failure often leaves a trail ("Permission denied (publickey)" and
 * then "Could not read from remote repository"). Words that are not known never become a good
 * outcome: the caller names the fallback.
 */
#include "worker/remote/verdict.h"

#include <string.h>

#include "journal/base/limits.h"

static const struct {
	const char *pattern; /* lower case, anywhere in a line */
	enum forge_error code;
} meanings[] = {
	{"host key verification failed", FORGE_ERROR_AUTHENTICATION_FAILED},
	{"permission denied (", FORGE_ERROR_AUTHENTICATION_FAILED},
	{"too many authentication failures", FORGE_ERROR_AUTHENTICATION_FAILED},
	{"authentication failed", FORGE_ERROR_AUTHENTICATION_FAILED},
	{"could not read username", FORGE_ERROR_AUTHENTICATION_FAILED},
	{"could not resolve hostname", FORGE_ERROR_REPOSITORY_UNREACHABLE},
	{"connection refused", FORGE_ERROR_REPOSITORY_UNREACHABLE},
	{"no route to host", FORGE_ERROR_REPOSITORY_UNREACHABLE},
	{"network is unreachable", FORGE_ERROR_REPOSITORY_UNREACHABLE},
	{"timed out", FORGE_ERROR_TIMEOUT},
	{"rate limit", FORGE_ERROR_RATE_LIMIT_EXCEEDED},
	{"too many requests", FORGE_ERROR_RATE_LIMIT_EXCEEDED},
	{"dubious ownership", FORGE_ERROR_PERMISSION_DENIED},
	{"does not appear to be a git repository", FORGE_ERROR_REPOSITORY_NOT_FOUND},
	{"not a git repository", FORGE_ERROR_REPOSITORY_NOT_FOUND},
	{"repository not found", FORGE_ERROR_REPOSITORY_NOT_FOUND},
	{"repository does not exist", FORGE_ERROR_REPOSITORY_NOT_FOUND},
	{"could not be found", FORGE_ERROR_REPOSITORY_NOT_FOUND},
	{"cannot find repository", FORGE_ERROR_REPOSITORY_NOT_FOUND},
	{"permission to", FORGE_ERROR_PERMISSION_DENIED},
	{"permission denied", FORGE_ERROR_PERMISSION_DENIED},
	{"access denied", FORGE_ERROR_PERMISSION_DENIED},
	{"not allowed to", FORGE_ERROR_PERMISSION_DENIED},
	{"insufficient permission", FORGE_ERROR_PERMISSION_DENIED},
	{"not our ref", FORGE_ERROR_REF_MOVED},
	{"repository corruption", FORGE_ERROR_BROKEN_REPOSITORY},
	{"pack-objects died", FORGE_ERROR_BROKEN_REPOSITORY},
	{"bad object", FORGE_ERROR_BROKEN_REPOSITORY},
	{"is corrupt", FORGE_ERROR_BROKEN_REPOSITORY},
	{"failed to apply delta", FORGE_ERROR_BROKEN_REPOSITORY},
	{"command not found", FORGE_ERROR_UNSUPPORTED},
	{"-pack: not found", FORGE_ERROR_UNSUPPORTED},
	{"connection reset", FORGE_ERROR_REPOSITORY_UNREACHABLE},
	{"connection closed", FORGE_ERROR_REPOSITORY_UNREACHABLE},
	{"kex_exchange_identification", FORGE_ERROR_REPOSITORY_UNREACHABLE},
};

/* Lines that say nothing about a failure, by their beginning in lower case. */
static const char *const chatter[] = {"warning: permanently added",
	"debug1:", "debug2:", "debug3:", "@@@", "***",
	"hint:", "fatal: could not read from remote repository", "fatal: the remote end hung up"};

static gboolean is_chatter(const char *line)
{
	g_autofree char *lower = g_ascii_strdown(line, -1);

	for (size_t i = 0; i < G_N_ELEMENTS(chatter); i++)
		if (g_str_has_prefix(lower, chatter[i]))
			return TRUE;
	return *lower == '\0';
}

static char *first_telling_line(char *const *lines)
{
	for (size_t i = 0; lines[i]; i++)
		if (!is_chatter(lines[i]))
			return g_strdup(lines[i]);
	return g_strdup("");
}

enum forge_error verdict_of_words(const char *words, enum forge_error fallback, char **line)
{
	g_autofree char *valid = g_utf8_make_valid(words, -1);
	g_auto(GStrv) lines = g_strsplit_set(valid, "\r\n", -1);

	for (size_t i = 0; lines[i]; i++)
		g_strstrip(lines[i]);
	for (size_t m = 0; m < G_N_ELEMENTS(meanings); m++) {
		for (size_t i = 0; lines[i]; i++) {
			g_autofree char *lower = g_ascii_strdown(lines[i], -1);

			if (!strstr(lower, meanings[m].pattern))
				continue;
			*line = g_strdup(lines[i]);
			return meanings[m].code;
		}
	}
	*line = first_telling_line(lines);
	return fallback;
}

/*
 * Statuses of a ref that was refused because it moved. "failed to update ref" is what git says of
 * any failed transaction, mostly a lost race for the lock; asked again, the server either takes it
 * or shows what moved.
 */
static const char *const moved_statuses[] = {"failed to update ref", "failed to lock",
	"cannot lock ref", "stale info", "fetch first", "reference already exists", "but expected",
	"transaction failed to start", "remote ref updated since checkout", "ref was updated"};

/* Remarks with which a failed transaction was no race: asking again changes nothing. */
static const char *const refusing_remarks[] = {"exists; cannot create", "permission denied",
	"no space left", "read-only file system", "insufficient permission"};

static gboolean says_any(const char *text, const char *const *patterns, size_t n_patterns)
{
	g_autofree char *lower = g_ascii_strdown(text, -1);

	for (size_t i = 0; i < n_patterns; i++)
		if (strstr(lower, patterns[i]))
			return TRUE;
	return FALSE;
}

enum push_result verdict_of_push(const char *status, const char *remarks)
{
	if (!says_any(status, moved_statuses, G_N_ELEMENTS(moved_statuses)))
		return PUSH_REJECTED;
	if (says_any(remarks, refusing_remarks, G_N_ELEMENTS(refusing_remarks)))
		return PUSH_REJECTED;
	return PUSH_MOVED;
}

char *verdict_remarks(const char *remarks)
{
	g_autofree char *valid = g_utf8_make_valid(remarks, -1);
	g_auto(GStrv) lines = g_strsplit_set(valid, "\r\n", -1);
	GString *text = g_string_new(NULL);

	for (size_t i = 0; lines[i]; i++) {
		g_strstrip(lines[i]);
		if (*lines[i] == '\0' ||
			g_regex_match_simple("^[A-Z][a-z ]+: +[0-9]+% \\(", lines[i], 0, 0))
			continue;
		if (text->len > 0)
			g_string_append_c(text, ' ');
		g_string_append(text, lines[i]);
	}
	if (text->len > LIMIT_ERROR_TEXT_BYTES) {
		const char *cut = g_utf8_find_prev_char(
			text->str, text->str + LIMIT_ERROR_TEXT_BYTES);

		g_string_truncate(text, (gsize)(cut - text->str));
	}
	return g_string_free(text, FALSE);
}
