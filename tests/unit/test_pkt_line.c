/*
 * Packets: a table of bytes and what they read as, and what is written.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/pkt_line.h"

/* READ: d(TEXT) data, f flush, | delimiter, . response end, ! an error; $ the end. */
static const struct {
	const char *name;
	const char *bytes;
	const char *read;
} cases[] = {
	{"nothing", "", "$"},
	{"flush", "0000", "f$"},
	{"delimiter_and_response_end", "00010002", "|.$"},
	{"line_feed_is_dropped", "0006a\n", "d(a)$"},
	{"only_one_line_feed_is_dropped", "0007a\n\n", "d(a\n)$"},
	{"data_without_line_feed", "0005a", "d(a)$"},
	{"empty_data", "0004", "d()$"},
	{"line_feed_alone", "0005\n", "d()$"},
	{"several", "0006a\n0001000ab\nc\nde0000", "d(a)|d(b\nc\nde)f$"},
	{"upper_case_length", "000Aabcdef", "d(abcdef)$"},
	{"length_is_no_number", "00g0", "!"},
	{"length_has_a_sign", "-005a", "!"},
	{"length_has_a_space", " 005a", "!"},
	{"length_3_is_impossible", "0003", "!"},
	{"cut_in_length", "000", "!"},
	{"cut_in_data", "0009abc", "!"},
	{"cut_after_a_good_one", "0006a\n00", "d(a)!"},
	{"length_lies", "ffffabc", "!"},
};

static char *read_all(const char *bytes, gsize size)
{
	struct pkt_reader reader = {bytes, size, 0};
	GString *read = g_string_new(NULL);

	while (reader.offset < reader.size) {
		g_autoptr(GError) error = NULL;
		struct pkt pkt;

		if (!pkt_read(&reader, &pkt, &error)) {
			g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
			g_string_append_c(read, '!');
			return g_string_free(read, FALSE);
		}
		switch (pkt.kind) {
		case PKT_DATA:
			g_string_append_printf(read, "d(%.*s)", (int)pkt.size, pkt.text);
			break;
		case PKT_FLUSH:
			g_string_append_c(read, 'f');
			break;
		case PKT_DELIMITER:
			g_string_append_c(read, '|');
			break;
		case PKT_RESPONSE_END:
			g_string_append_c(read, '.');
			break;
		}
	}
	g_string_append_c(read, '$');
	return g_string_free(read, FALSE);
}

static void reads_as(gconstpointer data)
{
	gsize n = GPOINTER_TO_SIZE(data);
	gsize size = strlen(cases[n].bytes);
	/* A copy of exactly the size, so that the address sanitizer sees a read past it. */
	g_autofree char *copy = g_memdup2(cases[n].bytes, size);
	g_autofree char *read = read_all(copy, size);

	g_assert_cmpstr(read, ==, cases[n].read);
}

static void reading_past_the_end_is_an_error(void)
{
	struct pkt_reader reader = {"", 0, 0};
	g_autoptr(GError) error = NULL;
	struct pkt pkt;

	g_assert_false(pkt_read(&reader, &pkt, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
}

static void packet_longer_than_git_allows_is_refused(void)
{
	g_autofree char *bytes = g_malloc0(LIMIT_PKT_LINE_BYTES + 1);
	struct pkt_reader reader = {bytes, LIMIT_PKT_LINE_BYTES + 1, 0};
	g_autoptr(GError) error = NULL;
	struct pkt pkt;

	memcpy(bytes, "fff1", 4);
	g_assert_false(pkt_read(&reader, &pkt, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
	memcpy(bytes, "fff0", 4);
	g_assert_true(pkt_read(&reader, &pkt, NULL));
	g_assert_cmpuint(pkt.size, ==, LIMIT_PKT_LINE_BYTES - 4);
}

static void written_packets_count_themselves(void)
{
	g_autoptr(GString) out = g_string_new(NULL);

	pkt_append(out, "command=ls-refs");
	pkt_append_delimiter(out);
	pkt_append(out, "peel");
	pkt_append_flush(out);
	g_assert_cmpstr(out->str, ==, "0014command=ls-refs\n00010009peel\n0000");
}

static void prefix_gives_the_rest(void)
{
	const struct pkt pkt = {PKT_DATA, "ERR gone", 8};
	const struct pkt flush = {.kind = PKT_FLUSH};
	const char *rest;
	gsize size;

	g_assert_true(pkt_has_prefix(&pkt, "ERR ", &rest, &size));
	g_assert_cmpuint(size, ==, 4);
	g_assert_cmpint(memcmp(rest, "gone", size), ==, 0);
	g_assert_false(pkt_has_prefix(&pkt, "ERR gone away", NULL, NULL));
	g_assert_false(pkt_has_prefix(&flush, "", NULL, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/pkt_line/%s", cases[i].name);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), reads_as);
	}
	g_test_add_func(
		"/pkt_line/reading_past_the_end_is_an_error", reading_past_the_end_is_an_error);
	g_test_add_func("/pkt_line/packet_longer_than_git_allows_is_refused",
		packet_longer_than_git_allows_is_refused);
	g_test_add_func(
		"/pkt_line/written_packets_count_themselves", written_packets_count_themselves);
	g_test_add_func("/pkt_line/prefix_gives_the_rest", prefix_gives_the_rest);
	return g_test_run();
}
