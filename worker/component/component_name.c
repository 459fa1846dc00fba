/*
 * What components, their kinds, folders and repositories may be called.
 *
 * Names and paths come from repositories of strangers and become folders here, so a path is refused
 * for what any file system could make of it: HFS+ leaves out characters that cannot be seen, NTFS
 * drops dots and spaces at the end, has streams behind a colon and `git~1` for `.git`.
 */
#include "worker/component/component_name.h"

#include <string.h>

#include "journal/base/limits.h"
#include "journal/base/secret.h"

static const struct {
	const char *name, *plural;
} kinds[COMPONENT_KINDS] = {
	[COMPONENT_TOOL] = {"Tool", "tools"},
	[COMPONENT_PROMPT] = {"Prompt", "prompts"},
	[COMPONENT_AGENT] = {"Agent", "agents"},
};

const char *component_kind_plural(enum component_kind kind)
{
	return kind < COMPONENT_KINDS ? kinds[kind].plural : NULL;
}

enum component_kind component_kind_from_name(const char *name)
{
	for (unsigned i = 0; i < COMPONENT_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (enum component_kind)i;
	return COMPONENT_UNKNOWN;
}

enum component_kind component_kind_from_plural(const char *plural)
{
	for (unsigned i = 0; i < COMPONENT_KINDS; i++)
		if (strcmp(kinds[i].plural, plural) == 0)
			return (enum component_kind)i;
	return COMPONENT_UNKNOWN;
}

const char *component_name_wrong(const char *name)
{
	if (*name == '\0')
		return "must not be empty";
	if (strlen(name) > LIMIT_COMPONENT_NAME_BYTES)
		return "longer than 100 characters";
	if (!g_ascii_islower(*name) && !g_ascii_isdigit(*name))
		return "must begin with a small letter or a digit";
	for (; *name; name++)
		if (!g_ascii_islower(*name) && !g_ascii_isdigit(*name) && !strchr("._-", *name))
			return "may hold small letters, digits, '.', '_' and '-' only";
	return NULL;
}

static gboolean has_control(const char *text)
{
	for (; *text; text++)
		if (g_ascii_iscntrl(*text))
			return TRUE;
	return FALSE;
}

/* ---- paths ---- */

/* What HFS+ leaves out of names (git's utf8.c lists the same). */
static gboolean is_ignorable(gunichar c)
{
	return (c >= 0x200c && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
		(c >= 0x206a && c <= 0x206f) || c == 0xfeff;
}

/* Whether the SIZE bytes at NAME could be `.git` somewhere. */
static gboolean is_dot_git(const char *name, size_t size)
{
	g_autofree char *copy = g_strndup(name, size);
	g_autofree char *valid = g_utf8_make_valid(copy, -1);
	g_autoptr(GString) seen = g_string_new(NULL);

	for (const char *at = valid; *at; at = g_utf8_next_char(at))
		if (!is_ignorable(g_utf8_get_char(at)))
			g_string_append_unichar(seen, g_utf8_get_char(at));
	g_string_truncate(seen, strcspn(seen->str, ":"));
	while (seen->len > 0 && strchr(" .", seen->str[seen->len - 1]))
		g_string_truncate(seen, seen->len - 1);
	return g_ascii_strcasecmp(seen->str, ".git") == 0 ||
		g_ascii_strcasecmp(seen->str, "git~1") == 0;
}

const char *component_path_wrong(const char *path)
{
	if (*path == '\0')
		return "must not be empty";
	if (strlen(path) > LIMIT_COMPONENT_PATH_BYTES)
		return "too long";
	if (*path == '/' || (g_ascii_isalpha(path[0]) && path[1] == ':'))
		return "must not be absolute";
	if (strchr(path, '\\'))
		return "must not hold a backslash";
	if (has_control(path))
		return "must not hold control characters";
	for (const char *at = path; *at;) {
		size_t size = strcspn(at, "/");

		/* `.. ` is `..` on some systems. */
		if (size >= 2 && strspn(at, ". ") >= size)
			return "must not leave the repository";
		if (is_dot_git(at, size))
			return "must not lead into .git";
		at += size;
		at += strspn(at, "/");
	}
	return NULL;
}

char *component_path_clean(const char *path)
{
	GString *clean = g_string_new(NULL);

	for (const char *at = path; *at;) {
		size_t size = strcspn(at, "/");

		if (size > 0 && !(size == 1 && *at == '.')) {
			if (clean->len > 0)
				g_string_append_c(clean, '/');
			g_string_append_len(clean, at, (gssize)size);
		}
		at += size;
		at += strspn(at, "/");
	}
	return g_string_free(clean, FALSE);
}

const char *component_repository_wrong(const char *text)
{
	if (*text == '\0')
		return "must not be empty";
	if (strlen(text) > LIMIT_URL_BYTES)
		return "too long";
	if (has_control(text))
		return "must not hold control characters";
	if (*text == '-')
		return "must not begin with a dash";
	if (secret_in_address(text))
		return "must not hold a password or token; git's credential helpers or "
		       "hosts.HOST.token_env have them";
	return NULL;
}
