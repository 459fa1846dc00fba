#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"
#include "worker/content/config_text.h"
#include "worker/content/gitmodules.h"

/* ---- the format --------------------------------------------------------------------------- */

static gboolean print_setting(const char *section, const char *subsection, const char *key,
	const char *value, gpointer user_data)
{
	g_string_append_printf(user_data, "%s|%s|%s|%s;", section, subsection ? subsection : "-",
		key, value ? value : "-");
	return TRUE;
}

static const struct {
	const char *what;
	const char *text;
	const char *settings; /* NULL: malformed */
} texts[] = {
	{"nothing", "", ""},
	{"a section and a key", "[lfs]\n\turl = https://x/y\n", "lfs|-|url|https://x/y;"},
	{"no line break at the end", "[a]\nb=c", "a|-|b|c;"},
	{"a subsection keeps its case", "[Submodule \"Lib A\"]\nPath = x\n",
		"submodule|Lib A|path|x;"},
	{"a subsection's escapes", "[a \"q\\\"b\\\\c\\d\"]\nk = v\n", "a|q\"b\\cd|k|v;"},
	{"an old subsection", "[a.B]\nk=v\n", "a|b|k|v;"},
	{"comments", "# one\n; two\n[a] # three\nk = v ; four\nl = \"#5\" # six\n",
		"a|-|k|v;a|-|l|#5;"},
	{"quotes keep spaces", "[a]\nk = \"  x \"  \n", "a|-|k|  x ;"},
	{"inner spaces stay, outer go", "[a]\nk =   x  y  \n", "a|-|k|x  y;"},
	{"escapes", "[a]\nk = \\t\\n\\\\\\\"\n", "a|-|k|\t\n\\\";"},
	{"a line goes on", "[a]\nk = x\\\ny\n", "a|-|k|xy;"},
	{"a key alone", "[a]\nk\nl =\n", "a|-|k|-;a|-|l|;"},
	{"a key behind its section", "[a] k = v\n", "a|-|k|v;"},
	{"line ends of Windows", "[a]\r\nk = v\r\n", "a|-|k|v;"},
	{"a byte order mark", "\xef\xbb\xbf[a]\nk = v\n", "a|-|k|v;"},
	{"an include is not followed", "[include]\npath = /etc/passwd\n",
		"include|-|path|/etc/passwd;"},
	{"a key before any section", "k = v\n", NULL},
	{"an open section", "[a\nk = v\n", NULL},
	{"a section without a name", "[]\nk = v\n", NULL},
	{"an open subsection", "[a \"b]\nk = v\n", NULL},
	{"a break in a subsection", "[a \"b\nc\"]\nk = v\n", NULL},
	{"an open quote", "[a]\nk = \"v\n", NULL},
	{"an unknown escape", "[a]\nk = \\x\n", NULL},
	{"a backslash at the end", "[a]\nk = \\", NULL},
	{"a key with a strange character", "[a]\nk_l = v\n", NULL},
	{"a key that begins with a digit", "[a]\n1k = v\n", NULL},
};

static void texts_are_read_as_git_reads_its_configuration(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		/* Its own memory, so that the sanitizers see what reads past its end. */
		gsize size = strlen(texts[i].text);
		g_autofree char *exact = g_memdup2(texts[i].text, size);
		g_autoptr(GString) settings = g_string_new(NULL);
		gboolean read = config_text_each(exact, size, print_setting, settings);

		g_test_message("%s", texts[i].what);
		g_assert_cmpint(read, ==, texts[i].settings != NULL);
		if (texts[i].settings)
			g_assert_cmpstr(settings->str, ==, texts[i].settings);
	}
}

static void zeros_and_endless_texts_are_malformed(void)
{
	static const char zero[] = "[a]\nk = v\0w\n";
	g_autofree char *endless = g_strnfill(LIMIT_CONFIG_TEXT_BYTES + 1, '\n');
	g_autoptr(GString) settings = g_string_new(NULL);

	g_assert_false(config_text_each(zero, sizeof(zero) - 1, print_setting, settings));
	g_assert_false(
		config_text_each(endless, LIMIT_CONFIG_TEXT_BYTES + 1, print_setting, settings));
	g_assert_true(config_text_each(endless, LIMIT_CONFIG_TEXT_BYTES, print_setting, settings));
	g_assert_cmpstr(settings->str, ==, "");
}

/* ---- .gitmodules -------------------------------------------------------------------------- */

static void paths_lead_to_addresses(void)
{
	static const char text[] = "[submodule \"one\"]\n\tpath = libs/one\n\turl = ../one\n"
				   "[submodule \"two\"]\n\turl = https://x/two\n\tpath = two\n"
				   "[submodule \"one\"]\n\turl = ../later\n"
				   "[submodule \"again\"]\n\tpath = two\n\turl = ../again\n"
				   "[submodule \"no url\"]\n\tpath = three\n"
				   "[submodule]\n\tpath = four\n\turl = ../four\n"
				   "[other \"x\"]\n\tpath = five\n\turl = ../five\n";
	g_autoptr(GHashTable) urls = gitmodules_parse(text, strlen(text));

	g_assert_cmpuint(g_hash_table_size(urls), ==, 2);
	g_assert_cmpstr(g_hash_table_lookup(urls, "libs/one"), ==, "../one");
	g_assert_cmpstr(g_hash_table_lookup(urls, "two"), ==, "https://x/two");
}

static void a_malformed_file_names_nothing(void)
{
	static const char text[] = "[submodule \"one\"]\npath = one\nurl = ../one\n[broken\n";
	g_autoptr(GHashTable) urls = gitmodules_parse(text, strlen(text));

	g_assert_cmpuint(g_hash_table_size(urls), ==, 0);
}

static const struct {
	enum remote_kind kind;
	const char *fork;
	const char *path;
	const char *url;
	const char *address; /* NULL: not on the fork's server */
} addresses[] = {
	{REMOTE_HTTP, "https://h/me/tools", NULL, "../library", "https://h/me/library"},
	{REMOTE_HTTP, "https://h/me/tools.git", NULL, "../library.git/",
		"https://h/me/library.git"},
	{REMOTE_HTTP, "https://h:8443/me/tools", NULL, "../../you/library",
		"https://h:8443/you/library"},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "./sub", "https://h/me/tools/sub"},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "././../x", "https://h/me/x"},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "../../x", "https://h/x"},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "../../../evil.example/x", NULL},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "../../../../evil.example/x", NULL},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "https://other/x", NULL},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "git@other:x", NULL},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "/srv/x", NULL},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "library", NULL},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "..", NULL},
	{REMOTE_HTTP, "https://h/me/tools", NULL, "", NULL},
	{REMOTE_SSH, "git@h:me/tools", "me/tools", "../library", "git@h:me/library"},
	{REMOTE_SSH, "git@h:me/tools", "me/tools", "../../library", "git@h:library"},
	{REMOTE_SSH, "git@h:me/tools", "me/tools", "../../../library", NULL},
	{REMOTE_SSH, "git@h:me/tools/", "me/tools", "../library", "git@h:me/library"},
	{REMOTE_SSH, "git@h:/me/tools", "/me/tools", "../../library", "git@h:/library"},
	{REMOTE_SSH, "git@h:tools", "tools", "../library", "git@h:library"},
	{REMOTE_SSH, "ssh://git@h:2222/me/tools", "/me/tools", "../library",
		"ssh://git@h:2222/me/library"},
	{REMOTE_SSH, "ssh://git@h/me/tools", "/me/tools", "../../../other/library", NULL},
	{REMOTE_PATH, "/srv/me/tools.git", "/srv/me/tools.git", "../library", "/srv/me/library"},
	{REMOTE_PATH, "/tools", "/tools", "../library", "/library"},
	{REMOTE_PATH, "/tools", "/tools", "../../library", NULL},
};

static void relative_addresses_stay_on_the_forks_server(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
		const struct remote remote = {
			.kind = addresses[i].kind,
			.url = (char *)addresses[i].fork,
			.path = (char *)addresses[i].path,
		};
		g_autofree char *address = gitmodules_resolve(&remote, addresses[i].url);

		g_test_message("%s from %s", addresses[i].url, addresses[i].fork);
		g_assert_cmpstr(address, ==, addresses[i].address);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config_text/texts_are_read_as_git_reads_its_configuration",
		texts_are_read_as_git_reads_its_configuration);
	g_test_add_func("/config_text/zeros_and_endless_texts_are_malformed",
		zeros_and_endless_texts_are_malformed);
#define TEST(name) g_test_add_func("/gitmodules/" #name, name)
	TEST(paths_lead_to_addresses);
	TEST(a_malformed_file_names_nothing);
	TEST(relative_addresses_stay_on_the_forks_server);
	return g_test_run();
}
