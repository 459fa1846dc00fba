/*
 * `.gitignore`, by git's rules and independent of any repository or user's configuration.
 *
 * libgit2 has an engine of its own, but it belongs to a repository with a work tree, follows paths
 * that somebody may exchange for symlinks meanwhile, and takes the user's own list into account, by
 * which the same folder would be another tree for somebody else. Here a list is given as bytes.
 *
 * The last pattern that matches decides, those of the folder itself before those above. As in git,
 * what stands before the first special character is compared as it is and the rest as a pattern of
 * its own: so `a**` + `/b` has a `**` at its beginning. The tests ask git about every rule.
 */
#include "worker/workspace/ignore_rules.h"

#include <string.h>

#include "journal/base/limits.h"
#include "worker/workspace/glob_pattern.h"

struct ignore_pattern {
	char *literal; /**< what the path, or its last name, begins with */
	size_t literal_bytes;
	struct glob_pattern *rest; /**< what follows; NULL: nothing */
	char *suffix;              /**< of `*SUFFIX` without other special characters; else NULL */
	gboolean negated;
	gboolean for_directories;
	gboolean for_names; /**< for the last name of a path in whatever folder below */
};

struct ignore_rules {
	const struct ignore_rules *above;
	size_t folder_bytes; /**< of the folder's path and its slash */
	GArray *patterns;    /**< of struct ignore_pattern */
};

static void pattern_clear(gpointer pointer)
{
	struct ignore_pattern *pattern = pointer;

	g_free(pattern->literal);
	g_free(pattern->suffix);
	glob_pattern_free(pattern->rest);
}

static size_t literal_length(const char *text)
{
	return strcspn(text, "*?[\\");
}

/* The length of LINE without the spaces at its end; one after a backslash stays. */
static size_t trimmed_length(const char *line, size_t length)
{
	size_t end = 0;

	for (size_t i = 0; i < length; i++) {
		if (line[i] == ' ')
			continue;
		if (line[i] == '\\') {
			if (++i == length)
				return length;
		}
		end = i + 1;
	}
	return end;
}

static struct ignore_pattern parse_pattern(const char *text)
{
	struct ignore_pattern pattern = {0};
	g_autofree char *copy = NULL;
	size_t length;
	const char *at;

	pattern.negated = *text == '!';
	copy = g_strdup(text + (pattern.negated ? 1 : 0));
	length = strlen(copy);
	pattern.for_directories = length > 0 && copy[length - 1] == '/';
	if (pattern.for_directories)
		copy[length - 1] = '\0';
	pattern.for_names = strchr(copy, '/') == NULL;
	at = *copy == '/' ? copy + 1 : copy;
	if (pattern.for_names && *at == '*' && at[1 + literal_length(at + 1)] == '\0') {
		pattern.suffix = g_strdup(at + 1);
		return pattern;
	}
	/* The last name is matched as one pattern; a path as what is literal and what is not. */
	pattern.literal_bytes = literal_length(at);
	if (pattern.for_names && at[pattern.literal_bytes] != '\0')
		pattern.literal_bytes = 0;
	pattern.literal = g_strndup(at, pattern.literal_bytes);
	at += pattern.literal_bytes;
	if (*at != '\0')
		pattern.rest = glob_pattern_new(at, strlen(at));
	return pattern;
}

/* One line without its end. */
static void add_line(struct ignore_rules *rules, const char *line, size_t length)
{
	g_autofree char *text = NULL;
	struct ignore_pattern pattern;

	if (length == 0 || *line == '#')
		return;
	text = g_strndup(line, length);
	text[trimmed_length(text, strlen(text))] = '\0';
	if (*text == '\0')
		return;
	pattern = parse_pattern(text);
	g_array_append_val(rules->patterns, pattern);
}

struct ignore_rules *ignore_rules_new(const struct ignore_rules *above, const char *folder,
	const char *text, size_t size, gboolean *too_many)
{
	struct ignore_rules *rules = g_new0(struct ignore_rules, 1);
	const char *end = text + size;

	rules->above = above;
	rules->folder_bytes = *folder != '\0' ? strlen(folder) + 1 : 0;
	rules->patterns = g_array_new(FALSE, FALSE, sizeof(struct ignore_pattern));
	g_array_set_clear_func(rules->patterns, pattern_clear);
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	*too_many = FALSE;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((stop != NULL ? stop : end) - text);

		if (rules->patterns->len == LIMIT_IGNORE_PATTERNS) {
			*too_many = TRUE;
			break;
		}
		if (length > 0 && text[length - 1] == '\r')
			add_line(rules, text, length - 1);
		else
			add_line(rules, text, length);
		text = stop != NULL ? stop + 1 : end;
	}
	return rules;
}

void ignore_rules_free(struct ignore_rules *rules)
{
	if (rules == NULL)
		return;
	g_array_unref(rules->patterns);
	g_free(rules);
}

static gboolean pattern_matches(const struct ignore_pattern *pattern, const char *path,
	const char *name, gboolean is_directory)
{
	const char *subject = pattern->for_names ? name : path;

	if (pattern->for_directories && !is_directory)
		return FALSE;
	if (pattern->suffix != NULL)
		return g_str_has_suffix(subject, pattern->suffix);
	if (strncmp(subject, pattern->literal, pattern->literal_bytes) != 0)
		return FALSE;
	subject += pattern->literal_bytes;
	return pattern->rest != NULL ? glob_pattern_matches(pattern->rest, subject)
				     : *subject == '\0';
}

gboolean ignore_rules_match(
	const struct ignore_rules *rules, const char *path, gboolean is_directory)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	for (; rules != NULL; rules = rules->above)
		for (guint i = rules->patterns->len; i-- > 0;) {
			const struct ignore_pattern *pattern = &g_array_index(
				rules->patterns, struct ignore_pattern, i);

			if (pattern_matches(
				    pattern, path + rules->folder_bytes, name, is_directory))
				return !pattern->negated;
		}
	return FALSE;
}
