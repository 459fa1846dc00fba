/*
 * The book of what repositories advertised, as commits in the workspace's own repository.
 *
 * A commit has one file, `refs`. It is only ever added to: what a past resolution names stays
 * reachable from the repository's ref. The digest in the ref's name is of the repository's name, as
 * people wrote it.
 */
#include "worker/dependency/ref_book.h"

#include <string.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"

#define FILE_NAME "refs"
#define DIGEST_DIGITS 40

static char *ref_of(const char *repository)
{
	struct hash digest = hash_chain(NULL, repository, strlen(repository));
	g_autofree char *hex = hash_hex(&digest);

	return g_strdup_printf("refs/upstreams/%.*s", DIGEST_DIGITS, hex);
}

static gboolean broken(GError **error, const char *what)
{
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s", what);
	return FALSE;
}

struct ref_record *ref_book_read(git_repository *forge, const git_oid *commit_oid, GError **error)
{
	struct ref_record *record = NULL;
	git_commit *commit = NULL;
	git_tree *tree = NULL;
	git_blob *blob = NULL;
	const git_tree_entry *entry = NULL;

	if (git_commit_lookup(&commit, forge, commit_oid) != 0 ||
		git_commit_tree(&tree, commit) != 0 ||
		!(entry = git_tree_entry_byname(tree, FILE_NAME)) ||
		git_blob_lookup(&blob, forge, git_tree_entry_id(entry)) != 0)
		broken(error, "recorded refs cannot be read");
	else if (git_blob_rawsize(blob) > LIMIT_REF_LISTING_BYTES)
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"recorded refs are larger than any that are written");
	else
		record = ref_record_parse(
			git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob), error);
	git_blob_free(blob);
	git_tree_free(tree);
	git_commit_free(commit);
	return record;
}

struct ref_record *ref_book_newest(
	git_repository *forge, const char *repository, git_oid *commit, GError **error)
{
	g_autofree char *ref = ref_of(repository);
	int result;

	memset(commit, 0, sizeof(*commit));
	result = git_reference_name_to_id(commit, forge, ref);
	if (result == 0)
		return ref_book_read(forge, commit, error);
	if (result != GIT_ENOTFOUND)
		broken(error, "recorded refs cannot be found");
	return NULL;
}

static gboolean write_tree(
	git_repository *forge, const struct ref_record *record, git_oid *tree, GError **error)
{
	g_autoptr(GString) text = ref_record_text(record);
	git_treebuilder *builder = NULL;
	git_oid blob;
	gboolean done;

	/* Tags that are gone add up; what is too large to be read again must not be the newest. */
	if (text->len > LIMIT_REF_LISTING_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"it has, and had, more refs than can be recorded (%" G_GSIZE_FORMAT
			" bytes of them)",
			text->len);
		return FALSE;
	}
	done = git_blob_create_from_buffer(&blob, forge, text->str, text->len) == 0 &&
		git_treebuilder_new(&builder, forge, NULL) == 0 &&
		git_treebuilder_insert(NULL, builder, FILE_NAME, &blob, GIT_FILEMODE_BLOB) == 0 &&
		git_treebuilder_write(tree, builder) == 0;

	git_treebuilder_free(builder);
	return done || broken(error, "refs cannot be recorded");
}

static gboolean point_at(git_repository *forge, const char *repository, const git_oid *before,
	const git_oid *commit, GError **error)
{
	g_autofree char *ref = ref_of(repository);
	git_reference *reference = NULL;
	int result = git_oid_is_zero(before)
		? git_reference_create(&reference, forge, ref, commit, FALSE, NULL)
		: git_reference_create_matching(&reference, forge, ref, commit, TRUE, before, NULL);

	git_reference_free(reference);
	if (result == 0)
		return TRUE;
	if (result == GIT_EMODIFIED || result == GIT_EEXISTS || result == GIT_ENOTFOUND)
		git_library_error(error, FORGE_ERROR_REF_MOVED,
			"somebody else has recorded the refs of %s meanwhile", repository);
	else if (result == GIT_ELOCKED)
		git_library_error(error, FORGE_ERROR_STORE_BUSY, "%s is locked", ref);
	else
		broken(error, "refs cannot be recorded");
	return FALSE;
}

/* TRUE if PARENT (or NULL) has TREE. */
static gboolean has_tree(const git_commit *parent, const git_oid *tree)
{
	return parent && git_oid_equal(git_commit_tree_id(parent), tree);
}

gboolean ref_book_keep(git_repository *forge, const struct ref_record *record,
	const git_oid *before, const git_signature *who, git_oid *commit, GError **error)
{
	git_commit *parent = NULL;
	git_tree *tree = NULL;
	git_oid tree_oid;
	gboolean done = FALSE;

	if (!git_oid_is_zero(before) && git_commit_lookup(&parent, forge, before) != 0) {
		broken(error, "recorded refs cannot be read");
	} else if (write_tree(forge, record, &tree_oid, error)) {
		const git_commit *parents[] = {parent};
		g_autofree char *message = g_strdup_printf("Refs of %s\n", record->repository);

		if (has_tree(parent, &tree_oid)) {
			*commit = *before;
			done = TRUE;
		} else if (git_tree_lookup(&tree, forge, &tree_oid) != 0 ||
			git_commit_create(commit, forge, NULL, who, who, NULL, message, tree,
				parent ? 1 : 0, parents) != 0) {
			broken(error, "refs cannot be recorded");
		} else {
			done = point_at(forge, record->repository, before, commit, error);
		}
	}
	git_tree_free(tree);
	git_commit_free(parent);
	return done;
}

void ref_book_unlock(git_repository *forge, const char *repository)
{
	g_autofree char *ref = ref_of(repository);
	g_autofree char *path = g_strconcat(git_repository_path(forge), ref, ".lock", NULL);

	/* One that cannot be removed is named by the write that it stops. */
	(void)!unlink(path);
}
