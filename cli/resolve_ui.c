/*
 * The questions of `forge sync resolve --interactive`.
 *
 * A choice, of a file or of a part of one, is kept before the next question, so whatever ends the
 * command, nothing decided is asked again. Everything of the files is shown line by line as printable text.
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
	ANSWER_PARTS,
	ANSWER_FILE,
	ANSWER_BASE,
	ANSWER_QUIT,
	ANSWER_UNKNOWN,
};

gboolean resolve_ui_has_person(const struct invocation *invocation)
{
	return invocation->terminal.output && isatty(STDIN_FILENO) == 1;
}

/* What is being asked about. */
struct asking {
	struct invocation *invocation;
	struct resolution *resolution;
	guint at;               /* the conflict */
	const GPtrArray *parts; /* of it, if there are several; else NULL */
	GBytes *draft;          /* edited, and could not be taken; NULL: nothing was */
	gboolean skip;          /* it stays open */
	gboolean quit;
};

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

/* TRUE if STORY has more than one hunk. */
static gboolean has_hunks(const char *story)
{
	const char *first = strstr(story, "<<<<<<< LOCAL\n");

	return first && strstr(first + 1, "\n<<<<<<< LOCAL\n");
}

static gboolean show_conflict(struct asking *asking, GError **error)
{
	const struct invocation *invocation = asking->invocation;
	g_autofree char *story = resolution_story(asking->resolution, asking->at, error);
	const struct resolution_conflict *conflict = resolution_at(asking->resolution, asking->at);
	g_autofree char *path = text_printable(conflict->path);

	if (!story)
		return FALSE;
	output_line(invocation, "Conflict %u/%u: %s", asking->at + 1,
		resolution_count(asking->resolution), path);
	output_line(invocation, "%s", "");
	show_text(invocation, story);
	output_line(invocation, "%s", "");
	output_line(invocation, "Choose resolution:");
	output_line(invocation, "  1. Use local version");
	output_line(invocation, "  2. Use upstream version");
	output_line(invocation, "  3. Edit manually");
	output_line(invocation, "  4. Skip this conflict");
	if (asking->parts && has_hunks(story))
		output_line(invocation, "  5. Decide each of its %u parts", asking->parts->len);
	return TRUE;
}

static void show_side(const struct invocation *invocation, const char *text)
{
	show_text(invocation, text ? text : "(not there)\n");
}

static void show_part(const struct asking *asking, guint n)
{
	const struct invocation *invocation = asking->invocation;
	const struct resolution_part *part = g_ptr_array_index(asking->parts, n);
	g_autofree char *path = text_printable(resolution_at(asking->resolution, asking->at)->path);
	g_autofree char *place = text_printable(part->place);

	output_line(invocation, "Part %u/%u of %s: %s", n + 1, asking->parts->len, path, place);
	output_line(invocation, "%s", "");
	output_line(invocation, "<<<<<<< LOCAL");
	show_side(invocation, part->local);
	output_line(invocation, "=======");
	show_side(invocation, part->upstream);
	output_line(invocation, ">>>>>>> UPSTREAM");
	output_line(invocation, "%s", "");
	output_line(invocation, "Choose for this part:");
	output_line(invocation, "  1. Use local version");
	output_line(invocation, "  2. Use upstream version");
	output_line(invocation, "  3. Edit the file");
	output_line(invocation, "  4. Skip this part");
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
		{"4", ANSWER_SKIP}, {"5", ANSWER_PARTS}, {"p", ANSWER_PARTS}, {"f", ANSWER_FILE},
		{"b", ANSWER_BASE}, {"q", ANSWER_QUIT}};

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
 * edited and could not be taken is what the next editor begins with. */
static gboolean edit(struct asking *asking, GError **error)
{
	struct invocation *invocation = asking->invocation;
	struct resolution *resolution = asking->resolution;
	g_autoptr(GError) problem = NULL;
	g_autoptr(GBytes) text = asking->draft ? g_bytes_ref(asking->draft)
					       : resolution_text(resolution, asking->at, &problem);
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
	edited = editor_edit(resolution_at(resolution, asking->at)->path, text, &problem);
	if (!edited) {
		output_line(invocation, "%s", problem->message);
		return TRUE;
	}
	g_clear_pointer(&asking->draft, g_bytes_unref);
	asking->draft = edited;
	return may_take(invocation, resolution, asking->at, edited, &may, error) &&
		(!may || resolution_take(resolution, asking->at, edited, error));
}

/* ---- parts -------------------------------------------------------------------------------- */

static gboolean is_open(const struct asking *asking)
{
	return resolution_at(asking->resolution, asking->at)->choice == RESOLUTION_OPEN;
}

static gboolean settle_part(struct asking *asking, guint n, enum resolution_way way, GError **error)
{
	gboolean together;

	if (!resolution_settle_part(asking->resolution, asking->at, n, way, &together, error))
		return FALSE;
	if (!together)
		output_line(asking->invocation,
			"What was chosen of the parts cannot be put together: choose again, or "
			"decide the file as a whole.");
	return resolution_save(asking->resolution, error);
}

/* Does what ANSWER says about part N; *NEXT: go on with the next one, *FILE: with the file. */
static gboolean act_on_part(struct asking *asking, guint n, enum answer answer, gboolean *next,
	gboolean *file, GError **error)
{
	const struct resolution_part *part = g_ptr_array_index(asking->parts, n);

	switch (answer) {
	case ANSWER_LOCAL:
	case ANSWER_UPSTREAM:
		*next = TRUE;
		return settle_part(asking, n,
			answer == ANSWER_LOCAL ? RESOLUTION_BY_LOCAL : RESOLUTION_BY_UPSTREAM,
			error);
	case ANSWER_EDIT:
		return edit(asking, error);
	case ANSWER_BASE:
		show_side(asking->invocation, part->base);
		return TRUE;
	case ANSWER_SKIP:
		*next = TRUE;
		return TRUE;
	case ANSWER_FILE:
		*file = TRUE;
		return TRUE;
	case ANSWER_QUIT:
		asking->quit = TRUE;
		return TRUE;
	case ANSWER_PARTS:
	case ANSWER_UNKNOWN:
		output_line(asking->invocation,
			"1, 2, 3 or 4; b shows the base's version, f goes back to the file, q stops "
			"(choices are kept).");
		return TRUE;
	}
	g_assert_not_reached();
}

static gboolean ask_about_part(struct asking *asking, guint n, gboolean *file, GError **error)
{
	gboolean next = FALSE;
	enum answer answer;

	show_part(asking, n);
	while (!next && !*file && !asking->quit && is_open(asking))
		if (!ask(&answer, error) || !act_on_part(asking, n, answer, &next, file, error))
			return FALSE;
	return TRUE;
}

/* Asks about each part that is open; *FILE: the file is to be asked about again. */
static gboolean ask_about_parts(struct asking *asking, gboolean *file, GError **error)
{
	*file = FALSE;
	for (guint n = 0; n < asking->parts->len && !*file && !asking->quit && is_open(asking);
		n++) {
		const struct resolution_part *part = g_ptr_array_index(asking->parts, n);
		GError *problem = NULL;

		if (part->choice != RESOLUTION_OPEN)
			continue;
		if (!ask_about_part(asking, n, file, error))
			return FALSE;
		/* They are others if they could not be put together. */
		asking->parts = resolution_parts(asking->resolution, asking->at, &problem);
		if (!asking->parts) {
			g_propagate_error(error, problem);
			return FALSE;
		}
	}
	asking->skip = !*file && is_open(asking);
	return TRUE;
}

/* ---- files -------------------------------------------------------------------------------- */

static void explain(const struct asking *asking)
{
	g_autofree char *parts = asking->parts
		? g_strdup_printf("p decides each of its %u parts, ", asking->parts->len)
		: g_strdup("");

	output_line(asking->invocation,
		"1, 2, 3 or 4; b shows the base's version, %sq stops (choices are kept).", parts);
}

/* Does what ANSWER says; *AGAIN: the whole question is to be asked again. */
static gboolean act(struct asking *asking, enum answer answer, gboolean *again, GError **error)
{
	struct resolution *resolution = asking->resolution;

	switch (answer) {
	case ANSWER_LOCAL:
		return resolution_settle(resolution, asking->at, RESOLUTION_BY_LOCAL, error);
	case ANSWER_UPSTREAM:
		return resolution_settle(resolution, asking->at, RESOLUTION_BY_UPSTREAM, error);
	case ANSWER_EDIT:
		return edit(asking, error);
	case ANSWER_BASE:
		return show_base(asking->invocation, resolution, asking->at, error);
	case ANSWER_SKIP:
		asking->skip = TRUE;
		return TRUE;
	case ANSWER_QUIT:
		asking->quit = TRUE;
		return TRUE;
	case ANSWER_PARTS:
		if (asking->parts)
			return ask_about_parts(asking, again, error);
		explain(asking);
		return TRUE;
	case ANSWER_FILE:
	case ANSWER_UNKNOWN:
		explain(asking);
		return TRUE;
	}
	g_assert_not_reached();
}

static gboolean find_parts(struct asking *asking, GError **error)
{
	GError *problem = NULL;

	asking->parts = resolution_parts(asking->resolution, asking->at, &problem);
	if (problem)
		g_propagate_error(error, problem);
	return problem == NULL;
}

static gboolean ask_about(struct asking *asking, GError **error)
{
	gboolean again = TRUE;
	enum answer answer;

	if (!find_parts(asking, error))
		return FALSE;
	while (!asking->skip && !asking->quit && is_open(asking)) {
		if (again && !show_conflict(asking, error))
			return FALSE;
		again = FALSE;
		if (!ask(&answer, error) || !act(asking, answer, &again, error))
			return FALSE;
	}
	return is_open(asking) || resolution_save(asking->resolution, error);
}

gboolean resolve_ui_ask(
	struct invocation *invocation, struct resolution *resolution, GError **error)
{
	gboolean quit = FALSE;
	gboolean ok = TRUE;

	for (guint i = 0; i < resolution_count(resolution) && !quit && ok; i++) {
		struct asking asking = {
			.invocation = invocation, .resolution = resolution, .at = i};

		if (resolution_gives_up(resolution) || !is_open(&asking))
			continue;
		ok = ask_about(&asking, error);
		quit = asking.quit;
		g_clear_pointer(&asking.draft, g_bytes_unref);
	}
	return ok;
}
