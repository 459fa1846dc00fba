/* Which host an address leads to: one row an address. */
#include <glib.h>

#include "queue/repository_host.h"

static const struct {
	const char *repository, *host;
} rows[] = {
	{"github.com/company/crm-tools", "github.com"},
	{"GitHub.com/company/crm-tools", "github.com"},
	{"https://github.com/company/crm-tools.git", "github.com"},
	{"https://me@github.com/company/x", "github.com"},
	{"https://me:word@github.com:8443/company/x", "github.com:8443"},
	{"http://127.0.0.1:8080/me@home/x", "127.0.0.1:8080"},
	{"ssh://git@host:22/a/b", "host:22"},
	{"git@github.com:company/crm-tools", "github.com"},
	{"host:path/to/x", "host"},
	{"file:///srv/git/x", "localhost"},
	{"/srv/git/x", "localhost"},
	{"./x", "localhost"},
	{"../x", "localhost"},
	{"", "localhost"},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *host = repository_host(rows[i].repository);

		g_test_message("%s", rows[i].repository);
		g_assert_cmpstr(host, ==, rows[i].host);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/repository_host/is_what_the_address_names", test_rows);
	return g_test_run();
}
