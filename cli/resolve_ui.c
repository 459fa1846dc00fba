/*
 * The questions of `forge sync resolve --interactive`.
 *
 * A choice is kept before the next question, so whatever ends the command, nothing decided is
 * asked again. Everything of the files is shown line by line as printable text.
 */
#include "cli/resolve_ui.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/editor.h"
#include "cli/output.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

enum answer {
	ANSWER_LOCAL,
	ANSWER_UPSTREAM,
	ANSWER_EDIT,
	ANSWER_SKIP,
	ANSWER_BASE,
	ANSWER_QUIT,
	ANSWER_UNKNOWN,
};

gboolean resolve_ui_has_person(const struct invocation *invocation)
{
	return invocation->terminal.output && isatty(STDIN_FILENO) == 1;
}

/* ---- showing ------------------------------------------------------------------------------ */

/* TEXT without its last line's end, at most LIMIT_RESOLVE_SHOWN_LINES lines of it. */
static void show_text(const struct invocation *invocation, const char *text)
{
	const char *rest = text;
	guint shown = 0;

	while (*rest && shown++ < LIMIT_RESOLVE_SHOWN_LINES) {
		size_t length = strcspn(rest, "\n");
		g_autofree char *line = g_strndup(rest, length);
		g_auto(GStrv) parts = g_strsplit(line, "\t", -1);
		g_autofree char *spaced = g_strjoinv("        ", parts);
		g_autofree char *printable = text_printable(spaced);

		output_line(invocation, "%s", printable);
		rest += length + (rest[length] == '\n' ? 1 : 0);
	}
	if (*rest)
		output_line(invocation, "(and more: choice 3 shows all of it)");
}

static gboolean show_conflict(const struct invocation *invocation, struct resolution *resolution,
	guint at, GError **error)
{
	g_autofree char *story = resolution_story(resolution, at, error);
	const struct resolution_conflict *conflict = resolution_at(resolution, at);
	g_autofree char *path = text_printable(conflict->path);

	if (!story)
		return FALSE;
	output_line(invocation, "Conflict %u/%u: %s", at + 1, resolution_count(resolution), path);
	output_line(invocation, "%s", "");
	show_text(invocation, story);
	output_line(invocation, "%s", "");
	return TRUE;
}

static void show_choices(const struct invocation *invocation)
{
	output_line(invocation, "Choose resolution:");
	output_line(invocation, "  1. Use local version");
	output_line(invocation, "  2. Use upstream version");
	output_line(invocation, "  3. Edit manually");
	output_line(invocation, "  4. Skip this conflict");
}

static gboolean show_base(const struct invocation *invocation, struct resolution *resolution,
	guint at, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(GBytes) base = resolution_base(resolution, at, &problem);
	g_autofree char *text = NULL;
	const char *data;
	gsize size;

	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!base) {
		output_line(invocation, "The base has no text of this file.");
		return TRUE;
	}
	data = g_bytes_get_data(base, &size);
	text = g_strndup(data ? data : "", size);
	show_text(invocation, text);
	output_line(invocation, "%s", "");
	return TRUE;
}

/* ---- asking ------------------------------------------------------------------------------- */

static enum answer parse_answer(const char *line)
{
	static const struct {
		const char *word;
		enum answer answer;
	} words[] = {{"1", ANSWER_LOCAL}, {"2", ANSWER_UPSTREAM}, {"3", ANSWER_EDIT},
		{"4", ANSWER_SKIP}, {"b", ANSWER_BASE}, {"q", ANSWER_QUIT}};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(line, words[i].word) == 0)
			return words[i].answer;
	return ANSWER_UNKNOWN;
}

/* One line from the person; the input's end means to stop. FALSE after a signal. */
static gboolean read_answer(enum answer *answer, GError **error)
{
	char line[LIMIT_RESOLVE_ANSWER_BYTES];
	gboolean whole;

	errno = 0;
	if (!fgets(line, sizeof(line), stdin)) {
		*answer = ANSWER_QUIT;
		if (!ferror(stdin) || errno != EINTR)
			return TRUE;
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED,
			"interrupted; the choices made are kept");
		return FALSE;
	}
	whole = strchr(line, '\n') != NULL;
	for (int c = 0; !whole && c != '\n' && c != EOF;)
		c = getchar();
	*answer = parse_answer(g_strstrip(line));
	return TRUE;
}

static gboolean ask(enum answer *answer, GError **error)
{
	fputs("Choice: ", stdout);
	fflush(stdout);
	return read_answer(answer, error);
}

/* ---- doing -------------------------------------------------------------------------------- */

/* TRUE if TEXT may be taken; what is wrong with it is told. */
static gboolean may_take(struct invocation *invocation, struct resolution *resolution, guint at,
	GBytes *text, gboolean *may, GError **error)
{
	guint line = resolution_marker_line(resolution, at, text);
	g_autofree char *problem = NULL;

	*may = FALSE;
	if (line > 0) {
		output_line(invocation,
			"Line %u is a conflict's marker still: nothing was taken. Edit it again, "
			"or choose otherwise.",
			line);
		return TRUE;
	}
	if (!resolution_judge_text(resolution, at, text, &problem, error))
		return FALSE;
	if (problem)
		output_line(invocation,
			"%s: nothing was taken. Edit it again, or choose otherwise.", problem);
	*may = problem == NULL;
	return TRUE;
}

/* FALSE only if nothing can go on; an editor's failure is told, and asked about again. What was
 * edited and could not be taken is *DRAFT, with which the next editor begins. */
static gboolean edit(struct invocation *invocation, struct resolution *resolution, guint at,
	GBytes **draft, GError **error)
{
	const struct resolution_conflict *conflict = resolution_at(resolution, at);
	g_autoptr(GError) problem = NULL;
	g_autoptr(GBytes) text = *draft ? g_bytes_ref(*draft)
					: resolution_text(resolution, at, &problem);
	GBytes *edited;
	gboolean may;

	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!text) {
		output_line(invocation, "This is no text that could be edited: choose 1 or 2.");
		return TRUE;
	}
	fflush(stdout);
	edited = editor_edit(conflict->path, text, &problem);
	if (!edited) {
		output_line(invocation, "%s", problem->message);
		return TRUE;
	}
	g_clear_pointer(draft, g_bytes_unref);
	*draft = edited;
	return may_take(invocation, resolution, at, edited, &may, error) &&
		(!may || resolution_take(resolution, at, edited, error));
}

/* Does what ANSWER says; *SKIP leaves the conflict open. */
static gboolean act(struct invocation *invocation, struct resolution *resolution, guint at,
	enum answer answer, GBytes **draft, gboolean *skip, GError **error)
{
	switch (answer) {
	case ANSWER_LOCAL:
		return resolution_settle(resolution, at, RESOLUTION_BY_LOCAL, error);
	case ANSWER_UPSTREAM:
		return resolution_settle(resolution, at, RESOLUTION_BY_UPSTREAM, error);
	case ANSWER_EDIT:
		return edit(invocation, resolution, at, draft, error);
	case ANSWER_BASE:
		return show_base(invocation, resolution, at, error);
	case ANSWER_SKIP:
	case ANSWER_QUIT:
		*skip = TRUE;
		return TRUE;
	case ANSWER_UNKNOWN:
		output_line(invocation,
			"1, 2, 3 or 4; b shows the base's version, q stops (choices are kept).");
		return TRUE;
	}
	g_assert_not_reached();
}

static gboolean ask_about(struct invocation *invocation, struct resolution *resolution, guint at,
	gboolean *quit, GError **error)
{
	g_autoptr(GBytes) draft = NULL;
	gboolean skip = FALSE;
	enum answer answer;

	if (!show_conflict(invocation, resolution, at, error))
		return FALSE;
	show_choices(invocation);
	while (!skip && resolution_at(resolution, at)->choice == RESOLUTION_OPEN) {
		if (!ask(&answer, error) ||
			!act(invocation, resolution, at, answer, &draft, &skip, error))
			return FALSE;
		*quit = answer == ANSWER_QUIT;
	}
	return skip || resolution_save(resolution, error);
}

gboolean resolve_ui_ask(
	struct invocation *invocation, struct resolution *resolution, GError **error)
{
	gboolean quit = FALSE;

	for (guint i = 0; i < resolution_count(resolution) && !quit; i++)
		if (!resolution_gives_up(resolution) &&
			resolution_at(resolution, i)->choice == RESOLUTION_OPEN &&
			!ask_about(invocation, resolution, i, &quit, error))
			return FALSE;
	return TRUE;
}
