/*
 * Text that fits a terminal: widths, tables, the progress bar.
 */
#include "cli/table.h"

#include <string.h>

#include "cli/progress.h"
#include "cli/terminal.h"

static struct table *make_table(void)
{
	static const char *const titles[] = {"Fork", "Status", NULL};
	struct table *table = table_new(titles);
	char *first[] = {g_strdup("my-crm-tools"), g_strdup("merged")};
	char *second[] = {g_strdup("日本"), NULL};
	table_add_take(table, first);
	table_add_take(table, second);
	return table;
}

static void table_on_a_terminal_has_boxes(void)
{
	scoped(table) table = make_table();
	g_autofree char *drawn = table_draw(table, TRUE, 80);
	g_assert_cmpstr(drawn, ==,
		"┌──────────────┬────────┐\n"
		"│ Fork         │ Status │\n"
		"├──────────────┼────────┤\n"
		"│ my-crm-tools │ merged │\n"
		"│ 日本         │        │\n"
		"└──────────────┴────────┘\n");
}

static void table_in_a_pipe_is_plain_and_whole(void)
{
	scoped(table) table = make_table();
	g_autofree char *drawn = table_draw(table, FALSE, 10);
	g_assert_cmpstr(drawn, ==,
		"Fork          Status\n"
		"my-crm-tools  merged\n"
		"日本\n");
}

static void boxes_are_narrowed_to_the_terminal(void)
{
	scoped(table) table = make_table();
	for (guint columns = 20; columns < 30; columns++) {
		g_autofree char *drawn = table_draw(table, TRUE, columns);
		g_auto(GStrv) lines = g_strsplit(drawn, "\n", -1);
		guint width = text_columns(lines[0]);
		g_assert_cmpuint(width, <=, columns);
		for (char **line = lines; **line; line++)
			g_assert_cmpuint(text_columns(*line), ==, width);
	}
}

static void spare_columns_go_before_others_are_narrowed(void)
{
	static const char *const titles[] = {"Fork", "Status", "Repository", NULL};
	scoped(table) table = table_new(titles);
	char *row[] = {
		g_strdup("tools"), g_strdup("up_to_date"), g_strdup("git.example.com/me/tools")};
	table_add_take(table, row);
	table_spare(table, 1);
	g_autofree char *narrow = table_draw(table, TRUE, 30);
	g_autofree char *wide = table_draw(table, TRUE, 80);
	g_assert_nonnull(strstr(narrow, "up_to_date"));
	g_assert_null(strstr(narrow, "Repository"));
	g_assert_nonnull(strstr(wide, "git.example.com/me/tools"));
}

static void cells_cannot_drive_the_terminal(void)
{
	static const char *const titles[] = {"Branch", NULL};
	scoped(table) table = table_new(titles);
	char *row[] = {g_strdup("a\033[2Jb\nc\xff")};
	table_add_take(table, row);
	g_autofree char *drawn = table_draw(table, FALSE, 80);
	g_assert_cmpstr(drawn, ==, "Branch\na\xef\xbf\xbd[2Jb c\xef\xbf\xbd\n");
}

static void text_is_shortened_by_columns_not_bytes(void)
{
	static const struct {
		const char *text;
		guint columns;
		const char *shortened;
	} cases[] = {{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"abcdef", 1, "…"},
		{"abcdef", 0, ""}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"},
		{"日本語", 4, "日…"}, {"e\xcc\x81tude", 5, "e\xcc\x81tude"}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *shortened = text_shorten(cases[i].text, cases[i].columns);
		g_assert_cmpstr(shortened, ==, cases[i].shortened);
	}
}

static void text_is_wrapped_at_spaces_and_paragraphs_stay(void)
{
	g_autofree char *wrapped = text_wrap("one two three\n\nfour", 10, 2);
	g_assert_cmpstr(wrapped, ==, "  one two\n  three\n\n  four");
}

static void progress_line_never_fills_the_last_column(void)
{
	for (guint columns = 20; columns < 60; columns++) {
		g_autofree char *line = progress_line(3, 7, "fetching my-crm-tools", columns);
		g_assert_cmpuint(text_columns(line), <, columns);
	}
	g_autofree char *whole = progress_line(6, 12, NULL, 80);
	g_assert_cmpstr(whole, ==, "████████████░░░░░░░░░░░░ 6/12");
	g_autofree char *unknown = progress_line(0, 0, "a\nb", 80);
	g_assert_cmpstr(unknown, ==, "…  a b");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/table/" #name, name)
	CLAIM(table_on_a_terminal_has_boxes);
	CLAIM(table_in_a_pipe_is_plain_and_whole);
	CLAIM(boxes_are_narrowed_to_the_terminal);
	CLAIM(spare_columns_go_before_others_are_narrowed);
	CLAIM(cells_cannot_drive_the_terminal);
	CLAIM(text_is_shortened_by_columns_not_bytes);
	CLAIM(text_is_wrapped_at_spaces_and_paragraphs_stay);
	CLAIM(progress_line_never_fills_the_last_column);
	return g_test_run();
}
