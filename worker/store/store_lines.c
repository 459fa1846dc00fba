/*
 * The first-parent lines of a store, from which every fork of it chooses what to offer its server.
 *
 * Walking twenty thousand commits takes a quarter of a second; two hundred forks should not each do
 * it, nor the first fork of every day. So the lines are kept beside the objects, and when the
 * upstream has moved, only the commits that are new are walked and what was kept is appended. The
 * file is a cache of a cache: whatever is odd about it is ignored, and it is replaced by rename, so
 * several readers may write it at once.
 *
 * File: the digest of all that follows; then, for each line, a count (32 bits, big-endian) and so
 * many object ids.
 */
#include "worker/store/store_lines.h"

#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/store/negotiation.h"
#include "worker/git/oid_set.h"
#include "worker/store/store_file.h"

#define FILE_NAME "forge-lines"
#define COUNT_BYTES sizeof(guint32)

static void line_free(gpointer line)
{
	g_array_unref(line);
}

static GPtrArray *lines_new(void)
{
	return g_ptr_array_new_with_free_func(line_free);
}

static char *file_path(const char *path)
{
	return g_build_filename(path, FILE_NAME, NULL);
}

/* What the file holds; nothing if it is not as it should be. */
static GPtrArray *lines_read(const char *path)
{
	g_autoptr(GPtrArray) lines = lines_new();
	g_autofree char *file = file_path(path);
	g_autofree char *data = NULL;
	struct hash digest;
	gsize size, at = sizeof(digest);

	if (!g_file_get_contents(file, &data, &size, NULL) || size < sizeof(digest))
		return g_steal_pointer(&lines);
	digest = hash_chain(NULL, data + at, size - at);
	if (memcmp(&digest, data, sizeof(digest)) != 0)
		return g_steal_pointer(&lines);
	while (size - at >= COUNT_BYTES) {
		GArray *line = g_array_new(FALSE, FALSE, sizeof(git_oid));
		guint32 count;

		g_ptr_array_add(lines, line);
		memcpy(&count, data + at, COUNT_BYTES);
		count = GUINT32_FROM_BE(count);
		at += COUNT_BYTES;
		if (count > (size - at) / sizeof(git_oid))
			break;
		g_array_append_vals(line, data + at, count);
		at += count * sizeof(git_oid);
	}
	return g_steal_pointer(&lines);
}

static void lines_write(const GPtrArray *lines, const char *path)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autofree char *file = file_path(path);
	g_autoptr(GError) failure = NULL;
	struct hash digest = {{0}};

	g_byte_array_append(out, digest.bytes, sizeof(digest.bytes));
	for (guint i = 0; i < lines->len; i++) {
		GArray *line = g_ptr_array_index(lines, i);
		guint32 count = GUINT32_TO_BE(line->len);

		g_byte_array_append(out, (const guint8 *)&count, COUNT_BYTES);
		g_byte_array_append(
			out, (const guint8 *)line->data, line->len * (guint)sizeof(git_oid));
	}
	digest = hash_chain(NULL, out->data + sizeof(digest), out->len - sizeof(digest));
	memcpy(out->data, &digest, sizeof(digest));
	if (!store_file_replace(file, out->data, out->len, &failure))
		g_warning("store=lines_not_kept reason=\"%s\"", failure->message);
}

struct build {
	git_repository *git;
	GPtrArray *old;
	GPtrArray *lines;
	GHashTable *old_oids; /* what the old lines hold, and what was walked since */
	GHashTable *taken;    /* what the new lines took over from the old ones */
	gboolean changed;
	GError *failure;
};

/* Appends to LINE the old line from MET on, up to where another new line has taken it already. */
static void append_old(struct build *build, GArray *line, const git_oid *met)
{
	for (guint k = 0; k < build->old->len; k++) {
		GArray *old = g_ptr_array_index(build->old, k);
		guint i = 0;

		while (i < old->len && !git_oid_equal(&g_array_index(old, git_oid, i), met))
			i++;
		if (i == old->len)
			continue;
		for (; i < old->len && oid_set_add(build->taken, &g_array_index(old, git_oid, i));
			i++)
			g_array_append_val(line, g_array_index(old, git_oid, i));
		return;
	}
}

static gboolean build_line(gpointer name, gpointer tip, gpointer user_data)
{
	struct build *build = user_data;
	git_oid met;
	GArray *line;

	/* Each would be a line with next to nothing in it, in front of those that tell much. */
	if (anchor_is_of_tag(name))
		return FALSE;
	line = negotiation_line(
		build->git, tip, LIMIT_NEGOTIATION_LINE, build->old_oids, &met, &build->failure);
	if (!line)
		return TRUE;
	build->changed |= line->len > 0;
	if (!git_oid_is_zero(&met))
		append_old(build, line, &met);
	if (line->len > 0)
		g_ptr_array_add(build->lines, line);
	else
		g_array_unref(line);
	return FALSE;
}

GPtrArray *store_lines_get(
	git_repository *git, const char *path, const struct anchors *anchors, GError **error)
{
	g_autoptr(GPtrArray) old = lines_read(path);
	g_autoptr(GPtrArray) lines = lines_new();
	g_autoptr(GHashTable) old_oids = oid_set_new();
	g_autoptr(GHashTable) taken = oid_set_new();
	struct build build = {
		.git = git, .old = old, .lines = lines, .old_oids = old_oids, .taken = taken};

	for (guint k = 0; k < old->len; k++) {
		GArray *line = g_ptr_array_index(old, k);

		for (guint i = 0; i < line->len; i++)
			oid_set_add(old_oids, &g_array_index(line, git_oid, i));
	}
	g_tree_foreach(anchors->by_name, build_line, &build);
	if (build.failure) {
		g_propagate_error(error, build.failure);
		return NULL;
	}
	if (build.changed)
		lines_write(lines, path);
	return g_steal_pointer(&lines);
}
