#ifndef FORGE_TESTS_UNIT_TREE_FIXTURE_H
#define FORGE_TESTS_UNIT_TREE_FIXTURE_H

/* Trees made from a table of paths, without a work tree. */

#include <git2.h>
#include <glib.h>
#include <stdint.h>

struct fixture_file {
	const char *path; /**< directories before it are made */
	uint32_t mode;    /**< 0: 100644 */
	const char *content;
};

git_oid tree_fixture_blob(git_repository *repository, const char *content);

/** The tree of COUNT files; paths must be distinct, and none a directory of another. */
git_oid tree_fixture_write(
	git_repository *repository, const struct fixture_file *files, size_t count);

/** Makes an entry of exactly these bytes the tree's only one. */
git_oid tree_fixture_one(
	git_repository *repository, const char *name, uint32_t mode, const git_oid *oid);

#endif
