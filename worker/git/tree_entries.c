/*
 * Tree objects as git stores them: `MODE NAME\0ID`, sorted.
 *
 * Parsed here and not by libgit2's trees because a merge reads each tree once, wants the names
 * where they lie, and needs modes as git compares them: old repositories have modes such as 100664,
 * which git takes for 100644. What git would refuse or misread (no order, doubled names, a slash in
 * a name) is an error: a merge that guesses at a broken tree would write its guess into a good one.
 */
#include "worker/git/tree_entries.h"

#include <string.h>

#include "journal/base/errors.h"

static uint32_t canonical_mode(uint32_t mode)
{
	switch (mode & 0170000u) {
	case 0100000u:
		return (mode & 0100u) != 0 ? 0100755u : 0100644u;
	case 0120000u:
		return 0120000u;
	case 0040000u:
		return 0040000u;
	default:
		return 0160000u;
	}
}

static const char *parse_mode(const char *text, const char *end, uint32_t *mode)
{
	uint32_t value = 0;
	int digits = 0;

	for (; text < end && *text >= '0' && *text <= '7' && digits < 7; text++, digits++)
		value = value << 3 | (uint32_t)(*text - '0');
	if (digits == 0 || text == end || *text != ' ')
		return NULL;
	*mode = canonical_mode(value);
	return text + 1;
}

int tree_entries_compare(const char *a, uint32_t a_mode, const char *b, uint32_t b_mode)
{
	size_t i = 0;

	while (a[i] != '\0' && a[i] == b[i])
		i++;
	unsigned char at_a = (unsigned char)a[i];
	unsigned char at_b = (unsigned char)b[i];
	if (at_a == '\0' && a_mode == 0040000u)
		at_a = '/';
	if (at_b == '\0' && b_mode == 0040000u)
		at_b = '/';
	return (int)at_a - (int)at_b;
}

GArray *tree_entries_parse(const void *content, size_t size, GError **error)
{
	const char *at = content;
	const char *end = at + size;
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct tree_entry));

	while (at < end) {
		struct tree_entry entry;
		const char *name = parse_mode(at, end, &entry.mode);
		const char *stop = name != NULL ? memchr(name, '\0', (size_t)(end - name)) : NULL;
		if (stop == NULL || stop == name || end - stop < 1 + GIT_OID_RAWSZ ||
			memchr(name, '/', (size_t)(stop - name)) != NULL)
			goto malformed;
		entry.name = name;
		entry.name_bytes = (size_t)(stop - name);
		memcpy(entry.oid.id, stop + 1, GIT_OID_RAWSZ);
		if (entries->len > 0) {
			const struct tree_entry *last = &g_array_index(
				entries, struct tree_entry, entries->len - 1);
			if (strcmp(last->name, entry.name) == 0 ||
				tree_entries_compare(
					last->name, last->mode, entry.name, entry.mode) >= 0)
				goto malformed;
		}
		g_array_append_val(entries, entry);
		at = stop + 1 + GIT_OID_RAWSZ;
	}
	return g_steal_pointer(&entries);

malformed:
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY, "malformed tree at entry %u",
		entries->len);
	return NULL;
}

void tree_entries_append(GByteArray *content, const char *name, uint32_t mode, const git_oid *oid)
{
	char text[16];
	int length = g_snprintf(text, sizeof(text), "%o ", mode);

	g_byte_array_append(content, (const guint8 *)text, (guint)length);
	g_byte_array_append(content, (const guint8 *)name, (guint)strlen(name) + 1);
	g_byte_array_append(content, oid->id, GIT_OID_RAWSZ);
}
