/*
 * What an object names, read from its raw bytes (gitformat: commit, tree and tag objects).
 *
 * libgit2's parsers build a structure for each object, with strings and vectors; the check of a
 * fetch reads every tree that arrived and needs only the ids. Nothing but ids and types is judged
 * here: names and modes that are dangerous are refused where files are made of them.
 */
#include "worker/git/object_links.h"

#include <string.h>

#define MODE_TYPE_BITS 0170000u
#define MODE_TREE 0040000u
#define MODE_GITLINK 0160000u

/* Reads "KEY HEX\n" at the beginning of DATA and steps over it. */
static gboolean take_header(const char **data, gsize *size, const char *key, git_oid *oid)
{
	gsize key_bytes = strlen(key);
	gsize line_bytes = key_bytes + GIT_OID_HEXSZ + 1;

	if (*size < line_bytes || memcmp(*data, key, key_bytes) != 0 ||
		(*data)[line_bytes - 1] != '\n' ||
		git_oid_fromstrn(oid, *data + key_bytes, GIT_OID_HEXSZ) != 0)
		return FALSE;
	*data += line_bytes;
	*size -= line_bytes;
	return TRUE;
}

static gboolean commit_links(const char *data, gsize size, object_link_func each,
	gpointer user_data, gboolean *malformed)
{
	struct object_link link = {.type = GIT_OBJECT_TREE};

	if (!take_header(&data, &size, "tree ", &link.oid)) {
		*malformed = TRUE;
		return FALSE;
	}
	if (!each(&link, user_data))
		return FALSE;
	link.type = GIT_OBJECT_COMMIT;
	while (take_header(&data, &size, "parent ", &link.oid))
		if (!each(&link, user_data))
			return FALSE;
	/* A parent line that is not quite one would hide a parent from this check but not from
	 * others. */
	*malformed = size < strlen("author ") || memcmp(data, "author ", strlen("author ")) != 0;
	return !*malformed;
}

static gboolean tag_links(const char *data, gsize size, object_link_func each, gpointer user_data,
	gboolean *malformed)
{
	struct object_link link = {0};
	const char *end;
	g_autofree char *type = NULL;

	*malformed = TRUE;
	if (!take_header(&data, &size, "object ", &link.oid) || size < strlen("type ") ||
		memcmp(data, "type ", strlen("type ")) != 0)
		return FALSE;
	data += strlen("type ");
	size -= strlen("type ");
	end = memchr(data, '\n', size);
	if (!end)
		return FALSE;
	type = g_strndup(data, (gsize)(end - data));
	link.type = git_object_string2type(type);
	if (!git_object_typeisloose(link.type))
		return FALSE;
	*malformed = FALSE;
	return each(&link, user_data);
}

/* The mode at the beginning of an entry, in octal, or 0. */
static guint entry_mode(const char *text, gsize size)
{
	guint mode = 0;

	for (gsize i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '7' || i >= 7)
			return 0;
		mode = mode * 8 + (guint)(text[i] - '0');
	}
	return mode;
}

static gboolean tree_links(const char *data, gsize size, object_link_func each, gpointer user_data,
	gboolean *malformed)
{
	while (size > 0) {
		const char *space = memchr(data, ' ', size);
		const char *nul = space ? memchr(space, '\0', size - (gsize)(space - data)) : NULL;
		guint mode = nul ? entry_mode(data, (gsize)(space - data)) : 0;
		gsize entry_bytes = nul ? (gsize)(nul - data) + 1 + GIT_OID_RAWSZ : 0;
		struct object_link link = {.type = GIT_OBJECT_BLOB};

		if (mode == 0 || entry_bytes > size) {
			*malformed = TRUE;
			return FALSE;
		}
		git_oid_fromraw(&link.oid, (const unsigned char *)nul + 1);
		link.name = space + 1;
		if ((mode & MODE_TYPE_BITS) == MODE_TREE)
			link.type = GIT_OBJECT_TREE;
		if ((mode & MODE_TYPE_BITS) != MODE_GITLINK && !each(&link, user_data))
			return FALSE;
		data += entry_bytes;
		size -= entry_bytes;
	}
	return TRUE;
}

gboolean object_links(git_object_t type, const char *data, gsize size, object_link_func each,
	gpointer user_data, gboolean *malformed)
{
	*malformed = FALSE;
	if (type == GIT_OBJECT_COMMIT)
		return commit_links(data, size, each, user_data, malformed);
	if (type == GIT_OBJECT_TREE)
		return tree_links(data, size, each, user_data, malformed);
	if (type == GIT_OBJECT_TAG)
		return tag_links(data, size, each, user_data, malformed);
	return TRUE;
}
