/*
 * What gives a secret away by its shape, so that it is refused before it is written anywhere. Pure.
 */
#include "journal/base/secret.h"

#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define TOKEN_LENGTH_LEAST 20

gboolean secret_looks_like_token(const char *text)
{
	static const char *const prefixes[] = {"ghp_", "gho_", "ghu_", "ghs_", "ghr_",
		"github_pat_", "glpat-", "gldt-", "xox", "eyJ"};

	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (g_str_has_prefix(text, prefixes[i]))
			return TRUE;
	return strlen(text) >= TOKEN_LENGTH_LEAST && strpbrk(text, LETTERS) &&
		strpbrk(text, DIGITS);
}

gboolean secret_in_address(const char *address)
{
	const char *start = strstr(address, "://");
	const char *colon, *at;
	g_autofree char *user = NULL;

	if (!start)
		return FALSE;
	start += strlen("://");
	at = strchr(start, '@');
	if (!at)
		return FALSE;
	colon = memchr(start, ':', (size_t)(at - start));
	/* A colon before any slash opens a password (or a
	 * port, behind which an `@` is in the path). */
	if (colon && (size_t)(colon - start) < strcspn(start, "/") && !g_ascii_isdigit(colon[1]))
		return TRUE;
	if ((size_t)(at - start) > strcspn(start, "/"))
		return FALSE;
	user = g_strndup(start, (size_t)(at - start));
	return colon != NULL || secret_looks_like_token(user);
}
