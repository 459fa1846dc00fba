/*
 * Anchors: the refs of a store or fork repository, kept whole in its packed-refs file.
 *
 * One file that is replaced by rename has what a folder of loose refs lacks: all refs of a fetch
 * appear together, a killed writer leaves no lock behind, and a branch `a` that gave way to `a/b`
 * is no conflict of a file with a folder. Both libgit2 and git read it. The format is git's
 * (gitrepository-layout, packed-refs), without its header line, which promises an order and peeled
 * tags that nobody here needs. Whoever writes holds the folder's lock.
 */
#include "worker/store/anchors.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/store/store_file.h"

#define ENCODED_NAME_BYTES_MAX 200

static gint compare_names(gconstpointer a, gconstpointer b, gpointer unused)
{
	(void)unused;
	return strcmp(a, b);
}

void anchors_init(struct anchors *anchors)
{
	anchors->by_name = g_tree_new_full(compare_names, NULL, g_free, g_free);
}

void anchors_clear(struct anchors *anchors)
{
	g_clear_pointer(&anchors->by_name, g_tree_unref);
}

char *anchor_name(const char *kind, const char *remote_name)
{
	g_autoptr(GString) name = g_string_new(NULL);

	for (const char *c = remote_name; *c; c++) {
		if (g_ascii_isalnum(*c) || *c == '-' || *c == '_')
			g_string_append_c(name, *c);
		else
			g_string_append_printf(name, "%%%02X", (unsigned)(guchar)*c);
	}
	/* Encoded names have no '=', so that a digest is never mistaken for one. */
	if (name->len > ENCODED_NAME_BYTES_MAX) {
		struct hash digest = hash_chain(NULL, remote_name, strlen(remote_name));
		g_autofree char *hex = hash_hex(&digest);

		g_string_assign(name, "=");
		g_string_append(name, hex);
	}
	return g_strdup_printf("refs/anchors/%s/%s", kind, name->str);
}

char *anchor_remote_name(const char *kind, const char *name)
{
	g_autofree char *prefix = g_strdup_printf("refs/anchors/%s/", kind);

	if (!g_str_has_prefix(name, prefix) || name[strlen(prefix)] == '=')
		return NULL;
	return g_uri_unescape_string(name + strlen(prefix), NULL);
}

gboolean anchor_is_of_tag(const char *name)
{
	return g_str_has_prefix(name, "refs/anchors/tip/refs%2Ftags%2F");
}

static gboolean read_line(struct anchors *anchors, const char *line)
{
	git_oid oid;

	if (strlen(line) < GIT_OID_HEXSZ + 2 || line[GIT_OID_HEXSZ] != ' ' ||
		git_oid_fromstrn(&oid, line, GIT_OID_HEXSZ) != 0 || git_oid_is_zero(&oid) ||
		!g_str_has_prefix(line + GIT_OID_HEXSZ + 1, "refs/"))
		return FALSE;
	anchors_set(anchors, line + GIT_OID_HEXSZ + 1, &oid);
	return TRUE;
}

gboolean anchors_read(struct anchors *anchors, const char *folder, GError **error)
{
	g_autofree char *path = g_build_filename(folder, "packed-refs", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	g_autoptr(GError) failure = NULL;

	if (!g_file_get_contents(path, &text, NULL, &failure)) {
		if (g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			return TRUE;
		g_set_error_literal(
			error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY, failure->message);
		return FALSE;
	}
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i]; i++) {
		/* libgit2 adds a header and peeled tags when it removes a ref of its own. */
		if (*lines[i] == '#' || *lines[i] == '^')
			continue;
		/* The last line ends the file; one without its end was cut off. */
		if (!lines[i + 1] && *lines[i] == '\0')
			break;
		if (!lines[i + 1] || !read_line(anchors, lines[i])) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
				"%s, line %u, is no ref", path, i + 1);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean append_line(gpointer name, gpointer oid, gpointer text)
{
	g_string_append_printf(text, "%s %s\n", git_oid_tostr_s(oid), (const char *)name);
	return FALSE;
}

gboolean anchors_write(const struct anchors *anchors, const char *folder, GError **error)
{
	g_autofree char *path = g_build_filename(folder, "packed-refs", NULL);
	g_autoptr(GString) text = g_string_new(NULL);

	if (g_tree_nnodes(anchors->by_name) > LIMIT_ANCHORS) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"%s would keep more than %d refs", folder, LIMIT_ANCHORS);
		return FALSE;
	}
	g_tree_foreach(anchors->by_name, append_line, text);
	return store_file_replace(path, text->str, text->len, error);
}

const git_oid *anchors_find(const struct anchors *anchors, const char *name)
{
	return g_tree_lookup(anchors->by_name, name);
}

gboolean anchors_set(struct anchors *anchors, const char *name, const git_oid *oid)
{
	const git_oid *old = anchors_find(anchors, name);

	if (old && git_oid_equal(old, oid))
		return FALSE;
	g_tree_replace(anchors->by_name, g_strdup(name), g_memdup2(oid, sizeof(*oid)));
	return TRUE;
}

/* Names that go, borrowed from the tree; every second one that is not wanted. */
struct thinning {
	GHashTable *wanted;
	GPtrArray *going;
	gboolean goes;
};

static gboolean choose(gpointer name, gpointer oid, gpointer data)
{
	struct thinning *thinning = data;

	(void)oid;
	if (g_hash_table_contains(thinning->wanted, name))
		return FALSE;
	thinning->goes = !thinning->goes;
	if (thinning->goes)
		g_ptr_array_add(thinning->going, name);
	return FALSE;
}

void anchors_thin(struct anchors *anchors, const struct fetch_ref *refs, size_t n_refs)
{
	g_autoptr(GHashTable) wanted = g_hash_table_new(hash_string_keyed, g_str_equal);
	g_autoptr(GPtrArray) going = g_ptr_array_new();
	struct thinning thinning = {wanted, going, FALSE};

	if (g_tree_nnodes(anchors->by_name) <= LIMIT_ANCHORS)
		return;
	for (size_t i = 0; i < n_refs; i++)
		g_hash_table_add(wanted, (gpointer)refs[i].local_name);
	g_tree_foreach(anchors->by_name, choose, &thinning);
	for (guint i = 0; i < going->len; i++)
		g_tree_remove(anchors->by_name, going->pdata[i]);
}
