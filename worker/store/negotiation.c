/*
 * What a fetch offers the server as known.
 *
 * libgit2 offers what the refs of a repository reach, newest first, and gives up after 256 commits:
 * a merge base that lies deeper is never offered, and the whole history comes again. So the
 * repository that a fetch goes into (the quarantine) gets refs for a sparse choice of commits only,
 * and a commit graph, which libgit2 asks before the commits themselves, that says they have no
 * parents: the walk then visits the choice and nothing between. The order of the offer is the
 * graph's dates. The server's first acknowledgement ends the negotiation, and haves travel twenty
 * at a time over HTTP, so the newest must come first.
 *
 * The graph is a lie that only the negotiation may see; the quarantine's commits are read after it
 * is gone. Format: https://git-scm.com/docs/gitformat-commit-graph, version 1.
 */
#include "worker/store/negotiation.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/store/store_file.h"

#define GRAPH_NO_PARENT 0x70000000u
#define GRAPH_CHUNKS 3
#define GRAPH_HEADER_BYTES 8

void negotiation_init(struct negotiation *negotiation)
{
	negotiation->haves = g_array_new(FALSE, FALSE, sizeof(git_oid));
	negotiation->offered = oid_set_new();
}

void negotiation_clear(struct negotiation *negotiation)
{
	g_clear_pointer(&negotiation->haves, g_array_unref);
	g_clear_pointer(&negotiation->offered, g_hash_table_unref);
}

gboolean negotiation_offer(struct negotiation *negotiation, const git_oid *oid)
{
	if (negotiation->haves->len == LIMIT_NEGOTIATION_HAVES)
		return FALSE;
	if (oid_set_add(negotiation->offered, oid))
		g_array_append_val(negotiation->haves, *oid);
	return TRUE;
}

/* The commit that the object OID leads to: itself, or what a tag points at in the end. */
static gboolean peel_to_commit(git_repository *repository, const git_oid *oid, git_oid *commit)
{
	git_object *object = NULL, *peeled = NULL;
	gboolean found = git_object_lookup(&object, repository, oid, GIT_OBJECT_ANY) == 0 &&
		git_object_peel(&peeled, object, GIT_OBJECT_COMMIT) == 0;

	if (found)
		*commit = *git_object_id(peeled);
	git_object_free(object);
	git_object_free(peeled);
	return found;
}

gboolean negotiation_offer_tag(
	struct negotiation *negotiation, git_repository *repository, const git_oid *tag)
{
	git_oid commit;

	return !peel_to_commit(repository, tag, &commit) || negotiation_offer(negotiation, &commit);
}

void negotiation_offer_sparse(
	struct negotiation *negotiation, const GPtrArray *lines, guint density)
{
	guint longest = 0;

	for (guint k = 0; k < lines->len; k++)
		longest = MAX(longest, ((GArray *)g_ptr_array_index(lines, k))->len);
	for (guint i = 0; i < longest; i += 1 + i / density)
		for (guint k = 0; k < lines->len; k++) {
			GArray *line = g_ptr_array_index(lines, k);

			if (i < line->len)
				negotiation_offer(negotiation, &g_array_index(line, git_oid, i));
		}
	for (guint k = 0; k < lines->len; k++) {
		GArray *line = g_ptr_array_index(lines, k);

		if (line->len > 0)
			negotiation_offer(
				negotiation, &g_array_index(line, git_oid, line->len - 1));
	}
}

GArray *negotiation_line(git_repository *repository, const git_oid *tip, guint length_max,
	GHashTable *seen, git_oid *met, GError **error)
{
	g_autoptr(GArray) line = g_array_new(FALSE, FALSE, sizeof(git_oid));
	git_revwalk *walk = NULL;
	git_oid oid;
	int result;

	memset(met, 0, sizeof(*met));
	if (!peel_to_commit(repository, tip, &oid))
		return g_steal_pointer(&line);
	result = git_revwalk_new(&walk, repository);
	if (result == 0)
		result = git_revwalk_simplify_first_parent(walk);
	if (result == 0)
		result = git_revwalk_push(walk, &oid);
	while (result == 0 && line->len < length_max) {
		result = git_revwalk_next(&oid, walk);
		if (result == 0 && !oid_set_add(seen, &oid)) {
			*met = oid;
			break;
		}
		if (result == 0)
			g_array_append_val(line, oid);
	}
	git_revwalk_free(walk);
	if (result != 0 && result != GIT_ITEROVER) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"the history of %s cannot be read", git_oid_tostr_s(tip));
		return NULL;
	}
	return g_steal_pointer(&line);
}

static void put_u32(GByteArray *out, guint32 value)
{
	guint32 big = GUINT32_TO_BE(value);

	g_byte_array_append(out, (const guint8 *)&big, sizeof(big));
}

static void put_chunk(GByteArray *out, const char id[4], guint32 offset)
{
	g_byte_array_append(out, (const guint8 *)id, 4);
	put_u32(out, 0);
	put_u32(out, offset);
}

static gint compare_oids(gconstpointer a, gconstpointer b, gpointer haves)
{
	return git_oid_cmp(&g_array_index((GArray *)haves, git_oid, *(const guint *)a),
		&g_array_index((GArray *)haves, git_oid, *(const guint *)b));
}

/* How many of the sorted commits begin with a byte of at most each value. */
static void put_fanout(GByteArray *out, GArray *haves, const GArray *sorted)
{
	guint32 counts[256] = {0};
	guint32 sum = 0;

	for (guint i = 0; i < sorted->len; i++)
		counts[g_array_index(haves, git_oid, g_array_index(sorted, guint, i)).id[0]]++;
	for (guint i = 0; i < 256; i++)
		put_u32(out, sum += counts[i]);
}

/* The commit graph of HAVES, each without parents and with a date that falls in the order of the
 * array. */
static GByteArray *build_graph(GArray *haves)
{
	static const guint8 header[GRAPH_HEADER_BYTES] = {
		'C', 'G', 'P', 'H', 1, 1, GRAPH_CHUNKS, 0};
	static const guint8 no_tree[GIT_OID_RAWSZ];
	guint32 fanout_at = GRAPH_HEADER_BYTES + (GRAPH_CHUNKS + 1) * 12;
	guint32 oids_at = fanout_at + 256 * 4;
	guint32 data_at = oids_at + haves->len * GIT_OID_RAWSZ;
	guint32 end = data_at + haves->len * (GIT_OID_RAWSZ + 16);
	GByteArray *out = g_byte_array_new();
	g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(guint));
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
	guint8 digest[GIT_OID_RAWSZ];
	gsize digest_bytes = sizeof(digest);

	for (guint i = 0; i < haves->len; i++)
		g_array_append_val(sorted, i);
	g_array_sort_with_data(sorted, compare_oids, haves);
	g_byte_array_append(out, header, sizeof(header));
	put_chunk(out, "OIDF", fanout_at);
	put_chunk(out, "OIDL", oids_at);
	put_chunk(out, "CDAT", data_at);
	put_chunk(out, "\0\0\0\0", end);
	put_fanout(out, haves, sorted);
	for (guint i = 0; i < sorted->len; i++)
		g_byte_array_append(out,
			g_array_index(haves, git_oid, g_array_index(sorted, guint, i)).id,
			GIT_OID_RAWSZ);
	for (guint i = 0; i < sorted->len; i++) {
		g_byte_array_append(out, no_tree, sizeof(no_tree));
		put_u32(out, GRAPH_NO_PARENT);
		put_u32(out, GRAPH_NO_PARENT);
		put_u32(out, 1 << 2);
		put_u32(out, haves->len - g_array_index(sorted, guint, i));
	}
	g_assert(out->len == end);
	g_checksum_update(checksum, out->data, out->len);
	g_checksum_get_digest(checksum, digest, &digest_bytes);
	g_byte_array_append(out, digest, sizeof(digest));
	return out;
}

gboolean negotiation_write(
	const struct negotiation *negotiation, const char *folder, GError **error)
{
	g_autofree char *refs_path = g_build_filename(folder, "packed-refs", NULL);
	g_autofree char *graph_path = g_build_filename(
		folder, "objects", "info", "commit-graph", NULL);
	g_autoptr(GString) refs = g_string_new(NULL);
	g_autoptr(GByteArray) graph = NULL;

	if (negotiation->haves->len == 0)
		return TRUE;
	for (guint i = 0; i < negotiation->haves->len; i++)
		g_string_append_printf(refs, "%s refs/haves/%03u\n",
			git_oid_tostr_s(&g_array_index(negotiation->haves, git_oid, i)), i);
	graph = build_graph(negotiation->haves);
	return store_file_replace(refs_path, refs->str, refs->len, error) &&
		store_file_replace(graph_path, graph->data, graph->len, error);
}

gboolean negotiation_forget(const char *folder, GError **error)
{
	g_autofree char *graph_path = g_build_filename(
		folder, "objects", "info", "commit-graph", NULL);

	if (unlink(graph_path) != 0 && errno != ENOENT) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE, "cannot remove %s: %s",
			graph_path, g_strerror(errno));
		return FALSE;
	}
	return TRUE;
}
