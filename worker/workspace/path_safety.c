/*
 * Names as the file systems of this world read them.
 *
 * A component's tree is written here, but also on the machines of those who get it from us, so a
 * name is refused if any common file system takes it for one that git or forge trusts: `.git` with
 * characters that HFS+ leaves out, in NTFS's short form, with the dots and spaces that Windows
 * drops, or as one of its streams. The rules are git's own (core.protectHFS and core.protectNTFS,
 * always on).
 *
 * Names that are not UTF-8 are allowed: Linux keeps them as the bytes they are. Folding leaves such
 * bytes alone.
 */
#include "worker/workspace/path_safety.h"

#include <string.h>

#include "journal/base/limits.h"
#include "journal/base/printable.h"

/* The code points that HFS+ ignores when it compares names. */
static gboolean is_ignorable(gunichar character)
{
	return (character >= 0x200c && character <= 0x200f) ||
		(character >= 0x202a && character <= 0x202e) ||
		(character >= 0x206a && character <= 0x206f) || character == 0xfeff;
}

/* NAME without what HFS+ ignores; bytes that are no UTF-8 stay. */
static char *without_ignorable(const char *name)
{
	GString *left = g_string_new(NULL);

	while (*name != '\0') {
		gunichar character = g_utf8_get_char_validated(name, -1);
		gboolean valid = character != (gunichar)-1 && character != (gunichar)-2;
		int bytes = valid ? g_utf8_skip[(guchar)*name] : 1;

		if (!valid || !is_ignorable(character))
			g_string_append_len(left, name, bytes);
		name += bytes;
	}
	return g_string_free(left, FALSE);
}

/* TRUE if NAME is WANTED (in lower case), and then nothing but what Windows drops or takes for a
 * stream's name. */
static gboolean is_windows_name(const char *name, const char *wanted)
{
	size_t length = strlen(wanted);

	if (g_ascii_strncasecmp(name, wanted, length) != 0)
		return FALSE;
	for (name += length; *name == '.' || *name == ' '; name++)
		;
	return *name == '\0' || *name == ':' || *name == '\\';
}

static gboolean is_spelling_of(const char *name, const char *wanted)
{
	g_autofree char *visible = without_ignorable(name);
	g_autofree char *folded = path_safety_fold(visible);

	return strcmp(folded, wanted) == 0 || is_windows_name(name, wanted) ||
		is_windows_name(visible, wanted);
}

gboolean path_safety_is_dotgit(const char *name)
{
	return is_spelling_of(name, ".git") || is_windows_name(name, "git~1");
}

gboolean path_safety_is_forge(const char *name)
{
	return is_spelling_of(name, ".forge") || is_windows_name(name, "forge~1");
}

const char *path_safety_fault(const char *name)
{
	if (*name == '\0')
		return "a name that is empty";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "a name that leads to another folder";
	if (strchr(name, '/') != NULL)
		return "a slash within a name";
	if (strchr(name, '\\') != NULL)
		return "a backslash, which divides folders on Windows";
	if (path_safety_is_dotgit(name))
		return "a name that some file systems take for .git";
	return NULL;
}

char *path_safety_fold(const char *name)
{
	const char *at = name;

	while (*at != '\0' && (guchar)*at < 0x80)
		at++;
	if (*at == '\0' || !g_utf8_validate(name, -1, NULL))
		return g_ascii_strdown(name, -1);
	g_autofree char *decomposed = g_utf8_normalize(name, -1, G_NORMALIZE_NFD);
	g_autofree char *folded = g_utf8_casefold(decomposed, -1);
	return g_utf8_normalize(folded, -1, G_NORMALIZE_NFC);
}

char *path_safety_shown(const char *path)
{
	g_autofree char *valid = g_utf8_make_valid(path, -1);

	return printable_text(valid);
}
