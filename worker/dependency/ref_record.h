#ifndef FORGE_WORKER_DEPENDENCY_REF_RECORD_H
#define FORGE_WORKER_DEPENDENCY_REF_RECORD_H

#include <git2.h>
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/base/scope.h"

/** A ref as a repository advertised it. */
struct recorded_ref {
	char *name;             /**< in full: `refs/tags/v1.2.3` */
	git_oid oid;            /**< the commit; of an annotated tag, what it leads to in the end */
	uint64_t first_seen_us; /**< of a tag: when it was first seen; of a branch 0 */
	gboolean gone;          /**< a tag that was there once and is not advertised any more */
};

/** What a repository advertised, and since when we know its tags. */
struct ref_record {
	char *repository;
	char *head;       /**< the default branch in full; NULL: nobody said */
	git_oid head_oid; /**< its commit; zero: none */
	GPtrArray *refs;  /**< of struct recorded_ref, by name */
};

/** A tag that stands for another commit than when it was first seen. */
struct moved_tag {
	char *name;
	git_oid before;
	git_oid after;
};

struct ref_record *ref_record_new(const char *repository);
void ref_record_free(struct ref_record *record);
SCOPED_POINTER(ref_record, ref_record_free)

/** Adds a ref. NAME is copied. */
struct recorded_ref *ref_record_add(
	struct ref_record *record, const char *name, const git_oid *oid);

/** Sorts the refs by name, as all other functions want them; of several with one name, the one that was
 * added first stays. */
void ref_record_sort(struct ref_record *record);

/** The ref called NAME that is advertised, or NULL. Borrowed. */
const struct recorded_ref *ref_record_find(const struct ref_record *record, const char *name);

/**
 * What is known after a repository that was known as OLD (NULL: not at all) advertised SEEN at
 * NOW_US: SEEN with the times at which its tags were first seen, and OLD's tags that are gone, so
 * that one which comes back elsewhere is noticed. SEEN has all tags. A tag that moved keeps OLD's
 * commit, and is added to MOVED (of struct moved_tag), unless ACCEPT_MOVED. Pure. Caller frees.
 */
struct ref_record *ref_record_update(const struct ref_record *old, const struct ref_record *seen,
	uint64_t now_us, gboolean accept_moved, GPtrArray *moved);

/** The ref called NAME as it was last seen, also one that is gone; or NULL. Borrowed. */
const struct recorded_ref *ref_record_known(const struct ref_record *record, const char *name);

/** Says that the tag NAME, in full, moved: TAG_MOVED. Returns FALSE. */
gboolean ref_record_refuse_moved(
	const char *name, const git_oid *before, const git_oid *after, GError **error);

/** An empty list that owns its struct moved_tag. */
GPtrArray *moved_tags_new(void);

/** RECORD as a text, the same for the same record. Caller frees. */
GString *ref_record_text(const struct ref_record *record);

/** Reads what ref_record_text() wrote, SIZE bytes at TEXT. BROKEN_REPOSITORY names the line. Caller
 * frees. */
struct ref_record *ref_record_parse(const char *text, size_t size, GError **error);

#endif
