/*
 * Tree objects of strangers. The input is one, whose entries get objects that are there: a file, a
 * symlink whose target is the second part, and the tree itself once more below. What is called fit
 * to be written has no name that leaves its folder or is git's.
 */
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "worker/git/object_links.h"
#include "worker/git/tree_entries.h"
#include "worker/workspace/path_safety.h"
#include "worker/workspace/tree_safety.h"

static gboolean count_link(const struct object_link *link, gpointer count)
{
	(void)link;
	return ++*(unsigned *)count < 1000;
}

/* The bytes of CONTENT as libgit2 keeps them, with each entry's object one of OBJECTS. */
static GByteArray *with_objects(const GArray *entries, const git_oid objects[3])
{
	GByteArray *content = g_byte_array_new();

	for (guint i = 0; i < entries->len; i++) {
		const struct tree_entry *entry = &g_array_index(entries, struct tree_entry, i);
		g_autofree char *name = g_strndup(entry->name, entry->name_bytes);
		const git_oid *object = entry->mode == 0120000 ? &objects[1]
			: entry->mode == 0040000               ? &objects[2]
							       : &objects[0];

		tree_entries_append(content, name, entry->mode, object);
	}
	return content;
}

static void check_names(const GArray *entries, gboolean fit)
{
	for (guint i = 0; i < entries->len; i++) {
		const struct tree_entry *entry = &g_array_index(entries, struct tree_entry, i);
		g_autofree char *name = g_strndup(entry->name, entry->name_bytes);
		g_autofree char *folded = path_safety_fold(name);
		g_autofree char *shown = path_safety_shown(name);
		const char *fault = path_safety_fault(name);

		g_assert_true(g_utf8_validate(shown, -1, NULL));
		if (path_safety_is_dotgit(name))
			g_assert_nonnull(fault);
		if (!fit)
			continue;
		g_assert_null(fault);
		g_assert_null(strchr(name, '/'));
		g_assert_cmpstr(name, !=, "..");
		g_assert_cmpint(g_ascii_strcasecmp(name, ".git"), !=, 0);
		g_assert_cmpint(g_ascii_strcasecmp(folded, ".forge"), !=, 0);
	}
}

static void check_tree(git_repository *repository, git_odb *odb, const GArray *entries,
	const struct fuzz_input *target)
{
	g_autoptr(GByteArray) inner = NULL;
	g_autoptr(GByteArray) outer = NULL;
	git_oid objects[3], root;
	g_autoptr(GError) error = NULL;
	gboolean fit;

	git_odb_write(&objects[0], odb, "x", 1, GIT_OBJECT_BLOB);
	git_odb_write(&objects[1], odb, target->size ? (const char *)target->data : "",
		target->size, GIT_OBJECT_BLOB);
	git_odb_write(&objects[2], odb, "", 0, GIT_OBJECT_TREE);
	inner = with_objects(entries, objects);
	git_odb_write(&objects[2], odb, inner->data ? (const void *)inner->data : "", inner->len,
		GIT_OBJECT_TREE);
	outer = with_objects(entries, objects);
	git_odb_write(&root, odb, outer->data ? (const void *)outer->data : "", outer->len,
		GIT_OBJECT_TREE);
	fit = tree_safety_check(repository, &root, NULL, &error);
	g_assert_true(fit == (error == NULL));
	if (error)
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
	check_names(entries, fit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct fuzz_input target = input_part(&input);
	g_autofree char *content = input_exact(&input);
	g_autoptr(GArray) entries = NULL;
	git_repository *repository;
	git_odb_backend *memory;
	git_odb *odb;
	gboolean malformed;
	unsigned count = 0;

	input_start_git();
	object_links(GIT_OBJECT_TREE, content, input.size, count_link, &count, &malformed);
	object_links(GIT_OBJECT_COMMIT, content, input.size, count_link, &count, &malformed);
	object_links(GIT_OBJECT_TAG, content, input.size, count_link, &count, &malformed);
	entries = tree_entries_parse(content, input.size, NULL);
	if (entries && git_odb_new(&odb) == 0) {
		g_assert_cmpint(git_mempack_new(&memory), ==, 0);
		g_assert_cmpint(git_odb_add_backend(odb, memory, 1), ==, 0);
		g_assert_cmpint(git_repository_wrap_odb(&repository, odb), ==, 0);
		check_tree(repository, odb, entries, &target);
		git_repository_free(repository);
		git_odb_free(odb);
	}
	return 0;
}
