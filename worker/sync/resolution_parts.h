#ifndef FORGE_WORKER_SYNC_RESOLUTION_PARTS_H
#define FORGE_WORKER_SYNC_RESOLUTION_PARTS_H

/* What resolution.c and resolution_files.c share. */

#include <git2.h>

#include "worker/document/file_merge.h"
#include "worker/merge/tree_merge.h"
#include "worker/sync/resolution.h"

struct resolving_conflict {
	struct resolution_conflict shown;
	struct tree_version stages[MERGE_STAGES];
	GHashTable *chosen; /* places of parts to enum value_preference; NULL: none */
	GPtrArray *parts;   /* of struct resolution_part; NULL: nobody asked for them yet */
};

struct resolution {
	char *root;
	char *name;
	const Forge__ComponentConflicted *pending;
	const struct config *config;
	git_repository *forge;
	git_oid local, upstream, merged; /* commits */
	git_oid local_tree, upstream_tree;
	git_oid resolved;     /* commit of what is kept; zero: nothing is */
	git_oid markers_tree; /* of what --strategy manual wrote; zero: nothing */
	git_index *index;     /* the tree as it is decided so far */
	GPtrArray *conflicts; /* of struct resolving_conflict */
	char tree[GIT_OID_HEXSZ + 1];
	char files[GIT_OID_HEXSZ + 1];
	char marked[GIT_OID_HEXSZ + 1];
};

struct resolving_conflict *resolution_conflict_at(const struct resolution *resolution, guint at);

/** Merges the file of a conflict of text, with CHOICES (may be NULL) of parts, which go before
 * PREFERENCE. NULL with an error. Caller frees. */
struct file_merge *resolution_merge(struct resolution *resolution,
	const struct resolving_conflict *conflict, enum value_preference preference,
	GHashTable *choices, GError **error);

/** Puts SIZE bytes as the file PATH with MODE into INDEX. */
gboolean resolution_put_text(git_repository *forge, git_index *index, const char *path,
	uint32_t mode, const void *data, size_t size, GError **error);

/** Makes a commit of INDEX's tree upon both sides of the merge, and points REF at it: EXPECTED is
 * what it was (NULL: whatever). *TREE and *COMMIT say what was made. */
gboolean resolution_keep(struct resolution *resolution, git_index *index, const char *ref,
	const git_oid *expected, const char *message, git_oid *tree, git_oid *commit,
	GError **error);

/** As component_texts_read(), of a blob by its id; NULL without an error where MODE is no file's or
 * the blob is no text. */
GBytes *resolution_blob(
	struct resolution *resolution, const struct tree_version *version, GError **error);

/** VALIDATION_FAILED if TREE, written by hand, breaks what neither side had broken. */
gboolean resolution_judge_tree(
	const struct resolution *resolution, const git_oid *tree, GError **error);

/** Adds a line to MESSAGE for each part of conflict AT that is decided; reads such a LINE again, if it
 * is one. */
void resolution_write_parts(const struct resolution *resolution, guint at, GString *message);
void resolution_read_part(struct resolution *resolution, const char *line);

/** Notes that the part at PLACE is decided. */
void resolution_choose_part(
	struct resolving_conflict *conflict, const char *place, enum value_preference choice);

/** Frees what is known of CONFLICT's parts. */
void resolution_forget_parts(struct resolving_conflict *conflict);

/** A copy of the tree as it is decided so far. Caller frees. */
git_index *resolution_copy_index(const struct resolution *resolution, GError **error);

#endif
