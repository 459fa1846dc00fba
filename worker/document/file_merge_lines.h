#ifndef FORGE_WORKER_DOCUMENT_FILE_MERGE_LINES_H
#define FORGE_WORKER_DOCUMENT_FILE_MERGE_LINES_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/merge/text_merge.h"

/** A text merged line by line: what is agreed, and both sides of each conflict. */
struct file_lines;

enum file_lines_side {
	FILE_LINES_OURS,
	FILE_LINES_THEIRS,
	FILE_LINES_BOTH,    /**< ours, then theirs */
	FILE_LINES_MARKERS, /**< both between markers */
};

/** Merges as text_merge() does. The texts may go afterwards. Never fails. */
struct file_lines *file_lines_merge(const struct text_version *base,
	const struct text_version *ours, const struct text_version *theirs);
void file_lines_free(struct file_lines *lines);
SCOPED_POINTER(file_lines, file_lines_free)

size_t file_lines_conflicts(const struct file_lines *lines);

/** Both sides of conflict AT, borrowed. Their line breaks are as they stand between markers. */
const char *file_lines_conflict(
	const struct file_lines *lines, size_t at, enum file_lines_side side);

/** The line of our text, from 1, where conflict AT begins. */
size_t file_lines_line(const struct file_lines *lines, size_t at);

/** The text with conflict AT (from 0) as SIDES[AT] says. Labels may be NULL if no side is MARKERS.
 * Caller frees with g_string_free(). */
GString *file_lines_compose(const struct file_lines *lines, const enum file_lines_side *sides,
	const char *ours_label, const char *theirs_label);

/** The same with every conflict on one SIDE. */
GString *file_lines_compose_all(const struct file_lines *lines, enum file_lines_side side,
	const char *ours_label, const char *theirs_label);

#endif
