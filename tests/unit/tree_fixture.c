#include "tests/unit/tree_fixture.h"

#include <string.h>

#include "worker/git/tree_entries.h"

static git_oid write_object(
	git_repository *repository, const void *data, size_t size, git_object_t type)
{
	git_odb *odb;
	git_oid oid;

	g_assert_cmpint(git_repository_odb(&odb, repository), ==, 0);
	g_assert_cmpint(git_odb_write(&oid, odb, data, size, type), ==, 0);
	git_odb_free(odb);
	return oid;
}

git_oid tree_fixture_blob(git_repository *repository, const char *content)
{
	return write_object(repository, content, strlen(content), GIT_OBJECT_BLOB);
}

git_oid tree_fixture_one(
	git_repository *repository, const char *name, uint32_t mode, const git_oid *oid)
{
	g_autoptr(GByteArray) content = g_byte_array_new();

	tree_entries_append(content, name, mode, oid);
	return write_object(repository, content->data, content->len, GIT_OBJECT_TREE);
}

static gint by_git(gconstpointer a, gconstpointer b)
{
	const struct tree_entry *left = a;
	const struct tree_entry *right = b;

	return tree_entries_compare(left->name, left->mode, right->name, right->mode);
}

/* The tree of those files whose path begins with PREFIX (empty, or with a slash at its end). */
static git_oid write_level(git_repository *repository, const struct fixture_file *files,
	size_t count, const char *prefix)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GArray) entries = g_array_new(FALSE, TRUE, sizeof(struct tree_entry));
	g_autoptr(GByteArray) content = g_byte_array_new();

	for (size_t i = 0; i < count; i++) {
		struct tree_entry entry = {.mode = files[i].mode != 0 ? files[i].mode : 0100644u};
		const char *rest = files[i].path + strlen(prefix);
		char *name;

		if (!g_str_has_prefix(files[i].path, prefix))
			continue;
		name = g_strndup(rest, strcspn(rest, "/"));
		g_ptr_array_add(names, name);
		if (!g_hash_table_add(seen, name))
			continue;
		if (strchr(rest, '/') != NULL) {
			g_autofree char *below = g_strconcat(prefix, name, "/", NULL);

			entry.mode = 0040000u;
			entry.oid = write_level(repository, files, count, below);
		} else {
			entry.oid = tree_fixture_blob(repository, files[i].content);
		}
		entry.name = name;
		g_array_append_val(entries, entry);
	}
	g_array_sort(entries, by_git);
	for (guint i = 0; i < entries->len; i++) {
		const struct tree_entry *entry = &g_array_index(entries, struct tree_entry, i);

		tree_entries_append(content, entry->name, entry->mode, &entry->oid);
	}
	return write_object(repository, content->data, content->len, GIT_OBJECT_TREE);
}

git_oid tree_fixture_write(
	git_repository *repository, const struct fixture_file *files, size_t count)
{
	return write_level(repository, files, count, "");
}
