/*
 * Patterns of `.gitignore`, matched in bounded time.
 *
 * A pattern comes from upstream, so it may be made to hurt: a matcher that tries every length of
 * each star takes exponential time on `*a*a*a*b`. Here all positions in the pattern that are
 * possible so far go through the path together, byte by byte, as an automaton.
 *
 * The meaning is that of git's wildmatch with paths: bytes, not characters; no star but `**`
 * between slashes crosses a slash, nor does `?` or a class; a class without end, one with an
 * unknown name and a backslash at the end match nothing.
 */
#include "worker/workspace/glob_pattern.h"

#include <stdint.h>
#include <string.h>

enum token_kind {
	TOKEN_BYTE,     /**< this byte */
	TOKEN_SET,      /**< one byte of a set, which never holds the slash */
	TOKEN_STAR,     /**< any bytes but slashes, also none */
	TOKEN_ALL,      /**< any bytes, also none */
	TOKEN_ALL_DIRS, /**< as TOKEN_ALL, and the slash that follows may be missing if it is none
			 */
	TOKEN_NEVER,
};

struct token {
	enum token_kind kind;
	guchar byte;
	uint32_t set[8];
};

struct glob_pattern {
	GArray *tokens; /**< of struct token */
};

struct class_name {
	const char *name;
	gboolean (*has)(guchar byte);
};

#define CLASS(name, expression) \
	static gboolean is_##name(guchar byte) \
	{ \
		return (expression); \
	}
CLASS(alnum, g_ascii_isalnum(byte))
CLASS(alpha, g_ascii_isalpha(byte))
CLASS(blank, byte == ' ' || byte == '\t')
CLASS(cntrl, g_ascii_iscntrl(byte))
CLASS(digit, g_ascii_isdigit(byte))
CLASS(graph, g_ascii_isgraph(byte))
CLASS(lower, g_ascii_islower(byte))
CLASS(print, g_ascii_isprint(byte))
CLASS(punct, g_ascii_ispunct(byte))
CLASS(space, g_ascii_isspace(byte) || byte == '\v')
CLASS(upper, g_ascii_isupper(byte))
CLASS(xdigit, g_ascii_isxdigit(byte))
#undef CLASS

static const struct class_name class_names[] = {
#define CLASS(name) \
	{ \
#name, is_##name \
	}
	CLASS(alnum),
	CLASS(alpha),
	CLASS(blank),
	CLASS(cntrl),
	CLASS(digit),
	CLASS(graph),
	CLASS(lower),
	CLASS(print),
	CLASS(punct),
	CLASS(space),
	CLASS(upper),
	CLASS(xdigit),
#undef CLASS
};

static void set_add(struct token *token, guchar byte)
{
	token->set[byte / 32] |= UINT32_C(1) << byte % 32;
}

static gboolean set_has(const struct token *token, guchar byte)
{
	return (token->set[byte / 32] >> byte % 32 & 1u) != 0;
}

static gboolean add_named(struct token *token, const char *name, size_t length)
{
	for (size_t i = 0; i < G_N_ELEMENTS(class_names); i++) {
		if (strlen(class_names[i].name) != length ||
			memcmp(class_names[i].name, name, length) != 0)
			continue;
		for (unsigned byte = 0; byte < 256; byte++)
			if (class_names[i].has((guchar)byte))
				set_add(token, (guchar)byte);
		return TRUE;
	}
	return FALSE;
}

/* One member of a class at AT, which *BEFORE may begin a range; where the next one begins, or NULL.
 */
static const char *read_member(struct token *token, const char *at, int *before)
{
	guchar byte = (guchar)*at;

	if (byte == '\\') {
		byte = (guchar) * ++at;
		if (byte == '\0')
			return NULL;
		set_add(token, byte);
		*before = byte;
		return at + 1;
	}
	if (byte == '-' && *before > 0 && at[1] != '\0' && at[1] != ']') {
		byte = (guchar) * ++at;
		if (byte == '\\')
			byte = (guchar) * ++at;
		if (byte == '\0')
			return NULL;
		for (int member = *before; member <= byte; member++)
			set_add(token, (guchar)member);
		*before = 0;
		return at + 1;
	}
	if (byte == '[' && at[1] == ':') {
		const char *name = at + 2;
		const char *end = strchr(name, ']');

		if (end == NULL)
			return NULL;
		if (end > name && end[-1] == ':') {
			*before = 0;
			return add_named(token, name, (size_t)(end - 1 - name)) ? end + 1 : NULL;
		}
	}
	set_add(token, byte);
	*before = byte;
	return at + 1;
}

/* The class whose `[` is at AT; where the pattern goes on, or NULL if it is malformed. */
static const char *read_class(struct token *token, const char *at)
{
	gboolean negated;
	int before = 0;

	at++;
	negated = *at == '!' || *at == '^';
	if (negated)
		at++;
	do {
		if (*at == '\0')
			return NULL;
		at = read_member(token, at, &before);
	} while (at != NULL && *at != ']');
	if (at == NULL)
		return NULL;
	if (negated)
		for (size_t i = 0; i < G_N_ELEMENTS(token->set); i++)
			token->set[i] = ~token->set[i];
	token->set['/' / 32] &= ~(UINT32_C(1) << '/' % 32);
	return at + 1;
}

/* The stars at AT, in the pattern that begins at TEXT; where it goes on. */
static const char *read_stars(struct token *token, const char *text, const char *at)
{
	const char *first = at;

	while (*at == '*')
		at++;
	token->kind = TOKEN_STAR;
	if (at - first < 2 || (first != text && first[-1] != '/'))
		return at;
	if (*at == '\0' || (at[0] == '\\' && at[1] == '/'))
		token->kind = TOKEN_ALL;
	else if (*at == '/')
		token->kind = TOKEN_ALL_DIRS;
	return at;
}

struct glob_pattern *glob_pattern_new(const char *text, size_t length)
{
	g_autofree char *copy = g_strndup(text, length);
	struct glob_pattern *pattern = g_new(struct glob_pattern, 1);
	const char *at = copy;

	pattern->tokens = g_array_new(FALSE, FALSE, sizeof(struct token));
	while (at != NULL && *at != '\0') {
		struct token token = {.kind = TOKEN_BYTE, .byte = (guchar)*at};

		if (*at == '*') {
			at = read_stars(&token, copy, at);
		} else if (*at == '[') {
			token.kind = TOKEN_SET;
			at = read_class(&token, at);
		} else if (*at == '?') {
			token.kind = TOKEN_SET;
			memset(token.set, 0xff, sizeof(token.set));
			token.set['/' / 32] &= ~(UINT32_C(1) << '/' % 32);
			at++;
		} else if (*at == '\\') {
			token.byte = (guchar)at[1];
			at = at[1] != '\0' ? at + 2 : NULL;
		} else {
			at++;
		}
		if (at == NULL)
			token.kind = TOKEN_NEVER;
		g_array_append_val(pattern->tokens, token);
	}
	return pattern;
}

void glob_pattern_free(struct glob_pattern *pattern)
{
	if (pattern == NULL)
		return;
	g_array_unref(pattern->tokens);
	g_free(pattern);
}

static const struct token *token_at(const struct glob_pattern *pattern, guint at)
{
	return &g_array_index(pattern->tokens, struct token, at);
}

/* Marks POSITION, and those that are reached from it without a byte. */
static void enter(const struct glob_pattern *pattern, guint8 *marks, guint position)
{
	while (!marks[position]) {
		marks[position] = 1;
		if (position == pattern->tokens->len)
			return;
		switch (token_at(pattern, position)->kind) {
		case TOKEN_ALL_DIRS:
			/* Only where the path has had nothing of it yet, so not after each byte. */
		case TOKEN_STAR:
		case TOKEN_ALL:
			position++;
			break;
		case TOKEN_BYTE:
		case TOKEN_SET:
		case TOKEN_NEVER:
			return;
		}
	}
}

/* As enter(), for a position that is reached for the first time: `**` and its slash may be nothing.
 */
static void arrive(const struct glob_pattern *pattern, guint8 *marks, guint position)
{
	guint from = position;

	enter(pattern, marks, position);
	while (from < pattern->tokens->len && token_at(pattern, from)->kind == TOKEN_ALL_DIRS) {
		from += 2;
		enter(pattern, marks, from);
	}
}

/* From MARKS over BYTE to NEXT; FALSE if no position is left. */
static gboolean advance(
	const struct glob_pattern *pattern, const guint8 *marks, guint8 *next, guchar byte)
{
	gboolean any = FALSE;

	for (guint i = 0; i < pattern->tokens->len; i++) {
		const struct token *token = token_at(pattern, i);

		if (!marks[i])
			continue;
		switch (token->kind) {
		case TOKEN_BYTE:
			if (token->byte != byte)
				continue;
			arrive(pattern, next, i + 1);
			break;
		case TOKEN_SET:
			if (!set_has(token, byte))
				continue;
			arrive(pattern, next, i + 1);
			break;
		case TOKEN_STAR:
			if (byte == '/')
				continue;
			enter(pattern, next, i);
			break;
		case TOKEN_ALL:
		case TOKEN_ALL_DIRS:
			enter(pattern, next, i);
			break;
		case TOKEN_NEVER:
			continue;
		}
		any = TRUE;
	}
	return any;
}

gboolean glob_pattern_matches(const struct glob_pattern *pattern, const char *path)
{
	size_t size = pattern->tokens->len + 1;
	g_autofree guint8 *marks = g_malloc0(size);
	g_autofree guint8 *next = g_malloc0(size);
	guint8 *swap;

	arrive(pattern, marks, 0);
	for (; *path != '\0'; path++) {
		memset(next, 0, size);
		if (!advance(pattern, marks, next, (guchar)*path))
			return FALSE;
		swap = marks;
		marks = next;
		next = swap;
	}
	return marks[size - 1] != 0;
}
