/*
 * Listings of refs, read from the answers of versions 2 and 0 of git's protocol. Both must end with
 * a flush: an answer cut short must not look like a repository in which branches were deleted.
 * Names are checked, for they go on to become local refs and events; the rest of what a server says
 * stays out.
 */
#include "worker/remote/ref_listing.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"
#include "worker/git/pkt_line.h"

static void advertised_ref_free(gpointer data)
{
	struct advertised_ref *ref = data;

	g_free(ref->name);
	g_free(ref->symref_target);
	g_free(ref);
}

static struct ref_listing *listing_new(void)
{
	struct ref_listing *listing = g_new0(struct ref_listing, 1);

	listing->refs = g_ptr_array_new_with_free_func(advertised_ref_free);
	return listing;
}

void ref_listing_free(struct ref_listing *listing)
{
	if (!listing)
		return;
	g_ptr_array_unref(listing->refs);
	g_free(listing->unborn_head);
	g_free(listing);
}

const struct advertised_ref *ref_listing_find(const struct ref_listing *listing, const char *name)
{
	for (guint i = 0; i < listing->refs->len; i++) {
		const struct advertised_ref *ref = listing->refs->pdata[i];

		if (strcmp(ref->name, name) == 0)
			return ref;
	}
	return NULL;
}

static gboolean refuse(const char *what, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR, "the server's answer %s", what);
	return FALSE;
}

/* The server gave a reason instead of an answer. */
static gboolean check_no_error(const struct pkt *pkt, const struct remote *remote, GError **error)
{
	const char *secrets[] = {remote->password ? remote->password : "", NULL};
	g_autofree char *words = NULL;
	g_autofree char *shown = NULL;
	const char *rest;
	size_t size;

	if (!pkt_has_prefix(pkt, "ERR ", &rest, &size))
		return TRUE;
	words = g_strndup(rest, size);
	shown = log_redact(words, secrets);
	shown[strcspn(shown, "\r\n")] = '\0';
	if (strlen(shown) > LIMIT_ERROR_TEXT_BYTES)
		*g_utf8_find_prev_char(shown, shown + LIMIT_ERROR_TEXT_BYTES) = '\0';
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR, "the server says: %s", shown);
	return FALSE;
}

static gboolean next_pkt(
	struct pkt_reader *reader, const struct remote *remote, struct pkt *pkt, GError **error)
{
	return pkt_read(reader, pkt, error) && check_no_error(pkt, remote, error);
}

static gboolean matches(const char *name, const char *const *prefixes)
{
	for (size_t i = 0; prefixes[i]; i++)
		if (g_str_has_prefix(name, prefixes[i]))
			return TRUE;
	return FALSE;
}

/* A full name of a ref, checked; NULL and an error if it is none. */
static char *ref_name(const char *text, size_t size, GError **error)
{
	g_autofree char *name = g_strndup(text, size);
	int valid = 0;

	if (size > LIMIT_REF_NAME_BYTES || strlen(name) != size ||
		!g_utf8_validate(name, -1, NULL) || git_reference_name_is_valid(&valid, name) < 0 ||
		!valid) {
		refuse("has a name that no ref can have", error);
		return NULL;
	}
	return g_steal_pointer(&name);
}

static gboolean is_sha256(const char *hex, size_t size)
{
	size_t digits = 0;

	while (digits < size && g_ascii_isxdigit(hex[digits]))
		digits++;
	return digits == 64;
}

static gboolean unsupported_format(const char *name, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
		"the repository names its objects by %s, not by SHA-1", name);
	return FALSE;
}

/* Takes "OID " from the front of *TEXT. */
static gboolean take_oid(const char **text, size_t *size, git_oid *oid, GError **error)
{
	if (is_sha256(*text, *size))
		return unsupported_format("SHA-256", error);
	if (*size <= GIT_OID_HEXSZ || (*text)[GIT_OID_HEXSZ] != ' ' ||
		git_oid_fromstrn(oid, *text, GIT_OID_HEXSZ) < 0)
		return refuse("has a line that is no ref", error);
	*text += GIT_OID_HEXSZ + 1;
	*size -= GIT_OID_HEXSZ + 1;
	return TRUE;
}

static gboolean add_ref(
	struct ref_listing *listing, struct advertised_ref **take_ref, GError **error)
{
	if (listing->refs->len >= LIMIT_REFS_PER_REPOSITORY) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"the repository has more than %d refs of the names asked for",
			LIMIT_REFS_PER_REPOSITORY);
		return FALSE;
	}
	g_ptr_array_add(listing->refs, g_steal_pointer(take_ref));
	return TRUE;
}

/* ---- version 2 ---- */

/* One attribute behind a name: symref-target:NAME, peeled:OID, or one that is not known and means
 * nothing here. */
static gboolean read_attribute(
	const char *text, size_t size, char **target, git_oid *peeled, GError **error)
{
	const struct pkt attribute = {PKT_DATA, text, size};
	const char *value;
	size_t value_size;

	if (pkt_has_prefix(&attribute, "symref-target:", &value, &value_size)) {
		g_free(*target);
		*target = ref_name(value, value_size, error);
		return *target != NULL;
	}
	if (pkt_has_prefix(&attribute, "peeled:", &value, &value_size) &&
		(value_size != GIT_OID_HEXSZ || git_oid_fromstrn(peeled, value, value_size) < 0))
		return refuse("has a peeled tag without an id", error);
	return TRUE;
}

/* "OID NAME[ ATTRIBUTE…]" or "unborn NAME[ ATTRIBUTE…]" */
static gboolean read_v2_line(const struct pkt *pkt, struct ref_listing *listing,
	const char *const *prefixes, GError **error)
{
	g_autofree char *name = NULL;
	g_autofree char *target = NULL;
	const char *text = pkt->text;
	size_t size = pkt->size;
	gboolean unborn = pkt_has_prefix(pkt, "unborn ", &text, &size);
	git_oid oid = {0};
	git_oid peeled;
	const char *space;

	if (!unborn && !take_oid(&text, &size, &oid, error))
		return FALSE;
	peeled = oid;
	space = memchr(text, ' ', size);
	name = ref_name(text, space ? (size_t)(space - text) : size, error);
	if (!name)
		return FALSE;
	while (space) {
		const char *attribute = space + 1;
		size_t left = size - (size_t)(attribute - text);

		space = memchr(attribute, ' ', left);
		if (!read_attribute(attribute, space ? (size_t)(space - attribute) : left, &target,
			    &peeled, error))
			return FALSE;
	}
	if (!matches(name, prefixes))
		return TRUE;
	if (unborn) {
		if (strcmp(name, "HEAD") == 0 && !listing->unborn_head)
			listing->unborn_head = g_steal_pointer(&target);
		return TRUE;
	}

	struct advertised_ref *ref = g_new0(struct advertised_ref, 1);
	*ref = (struct advertised_ref){
		g_steal_pointer(&name), oid, peeled, g_steal_pointer(&target)};
	if (add_ref(listing, &ref, error))
		return TRUE;
	advertised_ref_free(ref);
	return FALSE;
}

struct ref_listing *ref_listing_parse_v2(const char *data, size_t size, const char *const *prefixes,
	const struct remote *remote, GError **error)
{
	scoped(ref_listing) listing = listing_new();
	struct pkt_reader reader = {data, size, 0};
	struct pkt pkt = {0};

	do {
		if (!next_pkt(&reader, remote, &pkt, error) ||
			(pkt.kind == PKT_DATA && !read_v2_line(&pkt, listing, prefixes, error))) {
			g_prefix_error(error, "%s: ", remote->shown);
			return NULL;
		}
	} while (pkt.kind != PKT_FLUSH);
	return g_steal_pointer(&listing);
}

/* ---- the advertisement, and version 0 ---- */

/* Passes "# service=…" and its flush, which servers of version 0 send first, and "version 1". */
static gboolean skip_preamble(
	struct pkt_reader *reader, const struct remote *remote, struct pkt *pkt, GError **error)
{
	if (!next_pkt(reader, remote, pkt, error))
		return FALSE;
	if (pkt_has_prefix(pkt, "# service=", NULL, NULL)) {
		if (!next_pkt(reader, remote, pkt, error))
			return FALSE;
		if (pkt->kind != PKT_FLUSH)
			return refuse("lacks the flush behind the service's name", error);
		if (!next_pkt(reader, remote, pkt, error))
			return FALSE;
	}
	if (pkt_has_prefix(pkt, "version 1", NULL, NULL))
		return next_pkt(reader, remote, pkt, error);
	return TRUE;
}

static gboolean check_format(const char *format, size_t size, GError **error)
{
	g_autofree char *name = NULL;

	if (size == strlen("sha1") && memcmp(format, "sha1", size) == 0)
		return TRUE;
	name = size == strlen("sha256") && memcmp(format, "sha256", size) == 0
		? g_strdup("SHA-256")
		: g_strdup("another hash");
	return unsupported_format(name, error);
}

static gboolean read_v2_capabilities(struct pkt_reader *reader, const struct remote *remote,
	struct ref_capabilities *capabilities, GError **error)
{
	struct pkt pkt;
	const char *value;
	size_t size;

	for (;;) {
		if (!next_pkt(reader, remote, &pkt, error))
			return FALSE;
		if (pkt.kind == PKT_FLUSH)
			return TRUE;
		if (pkt_has_prefix(&pkt, "object-format=", &value, &size) &&
			!check_format(value, size, error))
			return FALSE;
		if (pkt_has_prefix(&pkt, "ls-refs=", &value, &size)) {
			g_autofree char *words = g_strndup(value, size);
			g_auto(GStrv) features = g_strsplit(words, " ", -1);

			capabilities->knows_unborn = g_strv_contains(
				(const char *const *)features, "unborn");
		}
	}
}

gboolean ref_capabilities_parse(const char *data, size_t size, const struct remote *remote,
	struct ref_capabilities *capabilities, GError **error)
{
	struct ref_capabilities found = {0};
	struct pkt_reader reader = {data, size, 0};
	struct pkt pkt;

	if (!skip_preamble(&reader, remote, &pkt, error))
		goto failed;
	found.speaks_v2 = pkt_has_prefix(&pkt, "version 2", NULL, NULL);
	if (found.speaks_v2 && !read_v2_capabilities(&reader, remote, &found, error))
		goto failed;
	*capabilities = found;
	return TRUE;
failed:
	g_prefix_error(error, "%s: ", remote->shown);
	return FALSE;
}

/* CAPABILITIES, separated by spaces, stand behind the first ref; symref=NAME:TARGET are those
 * wanted. */
static gboolean read_v0_capabilities(const char *capabilities, GHashTable *symrefs, GError **error)
{
	g_auto(GStrv) words = g_strsplit(capabilities, " ", -1);

	for (char **word = words; *word; word++) {
		if (g_str_has_prefix(*word, "object-format=")) {
			const char *format = *word + strlen("object-format=");

			if (!check_format(format, strlen(format), error))
				return FALSE;
		} else if (g_str_has_prefix(*word, "symref=")) {
			g_auto(GStrv) pair = g_strsplit(*word + strlen("symref="), ":", 2);
			g_autofree char *target = NULL;

			if (!pair[0] || !pair[1])
				return refuse("has a symref without a target", error);
			target = ref_name(pair[1], strlen(pair[1]), error);
			if (!target)
				return FALSE;
			g_hash_table_insert(symrefs, g_strdup(pair[0]), g_steal_pointer(&target));
		}
	}
	return TRUE;
}

/* "OID NAME^{}" tells what the tag NAME, the ref before it, points at. */
static gboolean read_peeled(
	const char *name, size_t size, const git_oid *oid, struct ref_listing *listing)
{
	struct advertised_ref *last;

	if (size < 3 || memcmp(name + size - 3, "^{}", 3) != 0)
		return FALSE;
	if (listing->refs->len == 0)
		return TRUE;
	last = listing->refs->pdata[listing->refs->len - 1];
	if (strlen(last->name) == size - 3 && memcmp(last->name, name, size - 3) == 0)
		last->peeled = *oid;
	return TRUE;
}

static gboolean read_v0_line(const struct pkt *pkt, struct ref_listing *listing,
	GHashTable *symrefs, const char *const *prefixes, GError **error)
{
	g_autofree char *name = NULL;
	const char *text = pkt->text;
	size_t size = pkt->size;
	const char *zero = memchr(text, '\0', size);
	git_oid oid;

	if (zero) {
		g_autofree char *capabilities = g_strndup(
			zero + 1, size - (size_t)(zero - text) - 1);

		if (!read_v0_capabilities(capabilities, symrefs, error))
			return FALSE;
		size = (size_t)(zero - text);
	}
	if (pkt_has_prefix(pkt, "shallow ", NULL, NULL))
		return TRUE;
	if (!take_oid(&text, &size, &oid, error))
		return FALSE;
	/* An empty repository has capabilities and no ref: "capabilities^{}" is peeled from
	 * nothing. */
	if (read_peeled(text, size, &oid, listing))
		return TRUE;
	name = ref_name(text, size, error);
	if (!name)
		return FALSE;
	if (!matches(name, prefixes))
		return TRUE;

	struct advertised_ref *ref = g_new0(struct advertised_ref, 1);
	*ref = (struct advertised_ref){g_steal_pointer(&name), oid, oid, NULL};
	ref->symref_target = g_strdup(g_hash_table_lookup(symrefs, ref->name));
	if (add_ref(listing, &ref, error))
		return TRUE;
	advertised_ref_free(ref);
	return FALSE;
}

struct ref_listing *ref_listing_parse_v0(const char *data, size_t size, const char *const *prefixes,
	const struct remote *remote, GError **error)
{
	scoped(ref_listing) listing = listing_new();
	g_autoptr(GHashTable)
		symrefs = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, g_free);
	struct pkt_reader reader = {data, size, 0};
	struct pkt pkt;

	if (!skip_preamble(&reader, remote, &pkt, error))
		goto failed;
	while (pkt.kind != PKT_FLUSH) {
		if (pkt.kind == PKT_DATA && !read_v0_line(&pkt, listing, symrefs, prefixes, error))
			goto failed;
		if (!next_pkt(&reader, remote, &pkt, error))
			goto failed;
	}
	return g_steal_pointer(&listing);
failed:
	g_prefix_error(error, "%s: ", remote->shown);
	return NULL;
}
