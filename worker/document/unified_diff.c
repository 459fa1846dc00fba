/*
 * The lines that changed between two texts, as git shows them.
 *
 * libgit2 finds them. What it gives are the bytes of the files, and those are hostile: each line
 * passes through printable characters before it is put into the result.
 */
#include "worker/document/unified_diff.h"

#include <git2.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/printable.h"

#define CONTEXT_LINES 3

static void free_patch(git_patch **patch)
{
	git_patch_free(*patch);
}

/* SIZE bytes at TEXT, of which only tabs and line feeds are kept among what cannot be printed. */
static void append_printable(GString *diff, const char *text, size_t size)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize)size);
	const char *at = valid;

	while (*at) {
		size_t plain = strcspn(at, "\t\n");
		g_autofree char *raw = g_strndup(at, plain);
		g_autofree char *shown = printable_text(raw);

		g_string_append(diff, shown);
		at += plain;
		if (*at)
			g_string_append_c(diff, *at++);
	}
}

static void append_line(GString *diff, const git_diff_line *line)
{
	if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
		line->origin == GIT_DIFF_LINE_DELETION)
		g_string_append_c(diff, line->origin);
	append_printable(diff, line->content, line->content_len);
}

/* Appends hunk AT while there is room; returns how many of its lines were left out. */
static size_t append_hunk(GString *diff, git_patch *patch, size_t at)
{
	const git_diff_hunk *hunk;
	const git_diff_line *line;
	size_t n, left_out = 0;

	g_assert(git_patch_get_hunk(&hunk, &n, patch, at) == 0);
	if (diff->len < LIMIT_DIFF_BYTES)
		append_printable(diff, hunk->header, hunk->header_len);
	for (size_t i = 0; i < n; i++) {
		g_assert(git_patch_get_line_in_hunk(&line, patch, at, i) == 0);
		if (diff->len < LIMIT_DIFF_BYTES &&
			line->content_len <= LIMIT_DIFF_BYTES - diff->len)
			append_line(diff, line);
		else
			left_out++;
	}
	return left_out;
}

static char *diff_of(git_patch *patch)
{
	GString *diff = g_string_new(NULL);
	size_t left_out = 0;

	for (size_t i = 0; i < git_patch_num_hunks(patch); i++)
		left_out += append_hunk(diff, patch, i);
	if (left_out > 0)
		g_string_append_printf(
			diff, "… (%" G_GSIZE_FORMAT " more lines of the diff)\n", left_out);
	return g_string_free(diff, FALSE);
}

char *unified_diff(const struct text_version *before, const struct text_version *after,
	struct line_counts *counts, GError **error)
{
	__attribute__((cleanup(free_patch))) git_patch *patch = NULL;
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;

	options.context_lines = CONTEXT_LINES;
	options.flags = GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC;
	options.max_size = -1;
	if (git_patch_from_buffers(&patch, before->data ? before->data : "", before->size, "before",
		    after->data ? after->data : "", after->size, "after", &options) != 0) {
		const git_error *why = git_error_last();

		g_set_error(error, FORGE_ERROR, FORGE_ERROR_FAILED, "cannot compare: %s",
			why ? why->message : "libgit2 does not say why");
		return NULL;
	}
	g_assert(git_patch_line_stats(NULL, &counts->added, &counts->removed, patch) == 0);
	return diff_of(patch);
}
