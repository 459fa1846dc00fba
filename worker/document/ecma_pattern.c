/*
 * ECMAScript's regular expressions on GLib's.
 *
 * The two languages share most of their syntax and differ in what is dangerous to overlook: `$`
 * before a last line feed, `\d` and `\w` beyond ASCII, the dot, empty and POSIX classes, and all
 * that only PCRE knows (recursion, verbs, inline options). So a source is rewritten, piece by
 * piece, into one that means the same there, and what ECMAScript does not have is refused. What is
 * malformed in both is left for PCRE to refuse.
 *
 * A pattern comes from outside: matching is bounded by PCRE's own count of steps, which stands at
 * the beginning of the rewritten source. PCRE counts anew from each place where a match may begin,
 * so there is one such place: the search is part of the pattern.
 */
#include "worker/document/ecma_pattern.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

#define ANY "\\x{0}-\\x{10ffff}"
#define DIGITS "0-9"
#define NOT_DIGITS "\\x{0}-/:-\\x{10ffff}"
#define WORDS "A-Za-z0-9_"
#define NOT_WORDS "\\x{0}-/:-@\\x{5b}-\\x{5e}`\\x{7b}-\\x{10ffff}"
#define SPACES "\\x{9}-\\x{d} \\x{a0}\\x{2028}\\x{2029}\\x{feff}\\p{Zs}"
/* Between the spaces, in the order of their numbers. */
#define NOT_SPACES \
	"\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}" \
	"\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}" \
	"\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

struct ecma_pattern {
	GRegex *regex;
	size_t bytes_max; /* of a text */
};

struct rewriting {
	const char *at;
	GString *result;
	gboolean in_class;
	unsigned groups; /* open ones */
};

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean refuse(GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_propagate_error(error,
		g_error_new_valist(FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, format, arguments));
	va_end(arguments);
	return FALSE;
}

/* Reads N hexadecimal digits at AT; FALSE if there are fewer. */
static gboolean read_hex(const char *at, size_t n, guint *number)
{
	*number = 0;
	for (size_t i = 0; i < n; i++) {
		int digit = g_ascii_xdigit_value(at[i]);

		if (digit < 0)
			return FALSE;
		*number = *number * 16 + (guint)digit;
	}
	return TRUE;
}

/* `{X…}` behind `\u`. Returns how many bytes it takes, 0 if it is none. */
static size_t read_braced(const char *at, guint *number)
{
	size_t digits;

	if (*at != '{')
		return 0;
	digits = strspn(at + 1, "0123456789abcdefABCDEF");
	if (digits == 0 || digits > 6 || at[1 + digits] != '}')
		return 0;
	return read_hex(at + 1, digits, number) ? digits + 2 : 0;
}

/* A character written as `\uXXXX`, as a pair of them, or as `\u{X}`; `at` is behind the `u`. */
static gboolean rewrite_unicode(struct rewriting *rewriting, GError **error)
{
	guint number = 0, second = 0;
	size_t n = read_braced(rewriting->at, &number);

	if (n == 0 && read_hex(rewriting->at, 4, &number))
		n = 4;
	if (n == 0)
		return refuse(error, "\\u wants four digits, or {…}");
	rewriting->at += n;
	if (number >= 0xd800 && number < 0xdc00 && rewriting->at[0] == '\\' &&
		rewriting->at[1] == 'u' && read_hex(rewriting->at + 2, 4, &second) &&
		second >= 0xdc00 && second < 0xe000) {
		number = 0x10000 + ((number - 0xd800) << 10) + (second - 0xdc00);
		rewriting->at += 6;
	}
	if (number > 0x10ffff || (number >= 0xd800 && number < 0xe000))
		return refuse(error, "\\u%x is no character", number);
	g_string_append_printf(rewriting->result, "\\x{%x}", number);
	return TRUE;
}

/* ECMAScript's long names of the general categories, which PCRE does not know. */
static const char *category_of(const char *name)
{
	static const char *const categories[][2] = {{"Letter", "L"}, {"Lowercase_Letter", "Ll"},
		{"Uppercase_Letter", "Lu"}, {"Titlecase_Letter", "Lt"}, {"Modifier_Letter", "Lm"},
		{"Other_Letter", "Lo"}, {"Mark", "M"}, {"Number", "N"}, {"Decimal_Number", "Nd"},
		{"digit", "Nd"}, {"Letter_Number", "Nl"}, {"Other_Number", "No"},
		{"Punctuation", "P"}, {"punct", "P"}, {"Symbol", "S"}, {"Separator", "Z"},
		{"Space_Separator", "Zs"}, {"Other", "C"}, {"Control", "Cc"}, {"Any", "Any"}};

	for (size_t i = 0; i < G_N_ELEMENTS(categories); i++)
		if (strcmp(categories[i][0], name) == 0)
			return categories[i][1];
	return name;
}

/* `\p{NAME}`, `\p{NAME=VALUE}`; `at` is behind the `p`. */
static gboolean rewrite_property(struct rewriting *rewriting, char letter, GError **error)
{
	size_t n = *rewriting->at == '{' ? strcspn(rewriting->at + 1, "}") : 0;
	g_autofree char *name = NULL;
	const char *value;

	if (n == 0 || rewriting->at[1 + n] != '}')
		return refuse(error, "\\%c wants a property in braces", letter);
	name = g_strndup(rewriting->at + 1, n);
	value = strchr(name, '=') ? strchr(name, '=') + 1 : name;
	if (strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") != strlen(value))
		return refuse(error, "no property is called like that");
	g_string_append_printf(rewriting->result, "\\%c{%s}", letter, category_of(value));
	rewriting->at += n + 2;
	return TRUE;
}

static void append_class(struct rewriting *rewriting, const char *inside)
{
	if (rewriting->in_class)
		g_string_append(rewriting->result, inside);
	else
		g_string_append_printf(rewriting->result, "[%s]", inside);
}

/* An escape whose letter says it all; FALSE if LETTER is none. */
static gboolean rewrite_class_escape(struct rewriting *rewriting, char letter)
{
	static const struct {
		char letter;
		const char *inside;
	} classes[] = {{'d', DIGITS}, {'D', NOT_DIGITS}, {'w', WORDS}, {'W', NOT_WORDS},
		{'s', SPACES}, {'S', NOT_SPACES}};

	for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
		if (classes[i].letter != letter)
			continue;
		append_class(rewriting, classes[i].inside);
		return TRUE;
	}
	return FALSE;
}

/* A word's boundary where words are of ASCII letters alone. */
static void rewrite_boundary(struct rewriting *rewriting, char letter)
{
	if (rewriting->in_class)
		g_string_append(rewriting->result, "\\x{8}");
	else if (letter == 'b')
		g_string_append(rewriting->result,
			"(?:(?<=[" WORDS "])(?![" WORDS "])|(?<![" WORDS "])(?=[" WORDS "]))");
	else
		g_string_append(rewriting->result,
			"(?:(?<=[" WORDS "])(?=[" WORDS "])|(?<![" WORDS "])(?![" WORDS "]))");
}

static gboolean rewrite_escape(struct rewriting *rewriting, GError **error)
{
	char letter = rewriting->at[1];
	guint number;

	if (letter == '\0')
		return refuse(error, "it ends in a backslash");
	rewriting->at += 2;
	if (letter == 'u')
		return rewrite_unicode(rewriting, error);
	if (letter == 'p' || letter == 'P')
		return rewrite_property(rewriting, letter, error);
	if (rewrite_class_escape(rewriting, letter))
		return TRUE;
	if (letter == 'b' || (letter == 'B' && !rewriting->in_class)) {
		rewrite_boundary(rewriting, letter);
		return TRUE;
	}
	if (letter == 'x' && read_hex(rewriting->at, 2, &number)) {
		rewriting->at += 2;
		g_string_append_printf(rewriting->result, "\\x{%x}", number);
		return TRUE;
	}
	if (letter == 'c' && g_ascii_isalpha(*rewriting->at)) {
		g_string_append_printf(
			rewriting->result, "\\x{%x}", (guint)*rewriting->at++ & 0x1f);
		return TRUE;
	}
	if (letter == '0' && !g_ascii_isdigit(*rewriting->at)) {
		g_string_append(rewriting->result, "\\x{0}");
		return TRUE;
	}
	if (letter == 'v') {
		g_string_append(rewriting->result, "\\x{b}");
		return TRUE;
	}
	if (g_ascii_isalpha(letter) && !strchr("nrtf", letter) &&
		!(letter == 'k' && *rewriting->at == '<'))
		return refuse(error, "\\%c is no escape of ECMAScript", letter);
	if (g_ascii_isdigit(letter) && (rewriting->in_class || letter == '0'))
		return refuse(error, "\\%c is no escape of ECMAScript", letter);
	if ((unsigned char)letter >= 0x80)
		return refuse(error, "only signs of ASCII may be escaped");
	g_string_append_printf(rewriting->result, "\\%c", letter);
	return TRUE;
}

/* `[`; `[]` matches nothing and `[^]` everything, where PCRE takes the bracket for a member. */
static void begin_class(struct rewriting *rewriting)
{
	if (g_str_has_prefix(rewriting->at, "[]")) {
		g_string_append(rewriting->result, "(?!)");
		rewriting->at += 2;
	} else if (g_str_has_prefix(rewriting->at, "[^]")) {
		g_string_append(rewriting->result, "[" ANY "]");
		rewriting->at += 3;
	} else {
		gboolean negated = rewriting->at[1] == '^';

		g_string_append(rewriting->result, negated ? "[^" : "[");
		rewriting->at += negated ? 2 : 1;
		rewriting->in_class = TRUE;
	}
}

static gboolean check_group(const char *at, GError **error)
{
	static const char *const kinds[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", NULL};

	if (at[1] == '*')
		return refuse(error, "nothing stands before the * of '(*'");
	if (at[1] != '?')
		return TRUE;
	for (size_t i = 0; kinds[i]; i++)
		if (g_str_has_prefix(at, kinds[i]))
			return TRUE;
	if (g_str_has_prefix(at, "(?<") && (g_ascii_isalpha(at[3]) || at[3] == '_'))
		return TRUE;
	return refuse(error, "'(?%c' is no group of ECMAScript", at[2] ? at[2] : ' ');
}

/* Copies a quantifier that begins at `at`; nothing may follow it but one question mark. */
static gboolean rewrite_quantifier(struct rewriting *rewriting, GError **error)
{
	size_t n = *rewriting->at == '{' ? strcspn(rewriting->at, "}") + 1 : 1;

	g_string_append_len(rewriting->result, rewriting->at, (gssize)n);
	rewriting->at += n;
	if (*rewriting->at == '?')
		g_string_append_c(rewriting->result, *rewriting->at++);
	if (*rewriting->at && strchr("*+?", *rewriting->at))
		return refuse(error, "nothing stands before the last '%c'", *rewriting->at);
	return TRUE;
}

static gboolean is_repeat(const char *at)
{
	size_t n = strspn(at + 1, "0123456789,");

	return *at == '{' && n > 0 && g_ascii_isdigit(at[1]) && at[1 + n] == '}';
}

static gboolean rewrite_outside(struct rewriting *rewriting, GError **error)
{
	const char *at = rewriting->at;

	if (*at == '[') {
		begin_class(rewriting);
		return TRUE;
	}
	if (strchr("*+?", *at) || is_repeat(at))
		return rewrite_quantifier(rewriting, error);
	if (*at == '(' && !check_group(at, error))
		return FALSE;
	if (*at == ')' && rewriting->groups == 0)
		return refuse(error, "no group begins before ')'");
	rewriting->groups += *at == '(';
	rewriting->groups -= *at == ')';
	if (g_str_has_prefix(at, "(?")) {
		g_string_append(rewriting->result, "(?");
		rewriting->at += 2;
		return TRUE;
	}
	if (*at == '.')
		g_string_append(rewriting->result, "[^\\n\\r\\x{2028}\\x{2029}]");
	else
		g_string_append_c(rewriting->result, *at);
	rewriting->at++;
	return TRUE;
}

static void rewrite_inside(struct rewriting *rewriting)
{
	/* `[[:alpha:]]` is no POSIX class here. */
	if (*rewriting->at == '[')
		g_string_append_c(rewriting->result, '\\');
	if (*rewriting->at == ']')
		rewriting->in_class = FALSE;
	g_string_append_c(rewriting->result, *rewriting->at++);
}

/* A pattern that can match at the beginning alone, as is plain to see. */
static gboolean is_anchored(const char *source)
{
	return source[0] == '^' && !strchr(source, '|') && !strchr("*+?{", source[1]);
}

static char *rewrite(const char *source, GError **error)
{
	g_autoptr(GString) result = g_string_new(NULL);
	struct rewriting rewriting = {source, result, FALSE, 0};

	g_string_append_printf(result, "(*LIMIT_MATCH=%d)%s(?:", LIMIT_PATTERN_BACKTRACKS,
		is_anchored(source) ? "" : "[" ANY "]*?");
	while (*rewriting.at) {
		if (*rewriting.at == '\\') {
			if (!rewrite_escape(&rewriting, error))
				return NULL;
		} else if (rewriting.in_class) {
			rewrite_inside(&rewriting);
		} else if (!rewrite_outside(&rewriting, error)) {
			return NULL;
		}
	}
	g_string_append_c(result, ')');
	return g_string_free(g_steal_pointer(&result), FALSE);
}

struct ecma_pattern *ecma_pattern_new(const char *source, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *rewritten = NULL;
	struct ecma_pattern *pattern;
	GRegex *regex;

	if (strlen(source) > LIMIT_PATTERN_BYTES) {
		refuse(error, "longer than %d bytes", LIMIT_PATTERN_BYTES);
		return NULL;
	}
	rewritten = rewrite(source, error);
	if (!rewritten)
		return NULL;
	regex = g_regex_new(rewritten, G_REGEX_DOLLAR_ENDONLY | G_REGEX_ANCHORED, 0, &why);
	if (!regex) {
		refuse(error, "no regular expression");
		return NULL;
	}
	pattern = g_new0(struct ecma_pattern, 1);
	pattern->regex = regex;
	pattern->bytes_max = is_anchored(source) ? LIMIT_PATTERN_ANCHORED_BYTES
						 : LIMIT_PATTERN_SEARCHED_BYTES;
	return pattern;
}

void ecma_pattern_free(struct ecma_pattern *pattern)
{
	if (!pattern)
		return;
	g_regex_unref(pattern->regex);
	g_free(pattern);
}

gboolean ecma_pattern_matches(
	const struct ecma_pattern *pattern, const char *text, gboolean *matches, GError **error)
{
	g_autoptr(GError) why = NULL;
	gboolean matched;

	if (strlen(text) > pattern->bytes_max)
		return refuse(error, "it is asked of a text longer than %" G_GSIZE_FORMAT " bytes",
			pattern->bytes_max);
	matched = g_regex_match_full(pattern->regex, text, -1, 0, 0, NULL, &why);
	if (why)
		return refuse(error, "it goes back too often over one text");
	*matches = matched;
	return TRUE;
}
