/* Secrets that give themselves away by their shape, as a table. */
#include "journal/base/secret.h"

static const struct {
	const char *address;
	gboolean secret;
} addresses[] = {
	{"https://host/owner/name", FALSE},
	{"https://jane@host/owner/name", FALSE},
	{"https://jane:word@host/owner/name", TRUE},
	{"https://jane:pa/ss@host/owner/name", TRUE},
	{"https://jane:12345@host/owner/name", TRUE},
	{"https://ghp_abcdefghij@host/owner/name", TRUE},
	{"https://a1b2c3d4e5f6a7b8c9d0e1f2@host/owner/name", TRUE},
	{"https://host:8443/owner/name@2", FALSE},
	{"http://127.0.0.1:80/a@b", FALSE},
	{"ssh://git@host:22/owner/name", FALSE},
	{"git@host:owner/name", FALSE},
	{"/srv/git/a@b:c", FALSE},
	{"github.com/company/crm-tools", FALSE},
};

static void test_addresses_with_secrets_are_told_from_others(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_test_message("%s", addresses[i].address);
		g_assert_cmpint(secret_in_address(addresses[i].address), ==, addresses[i].secret);
	}
}

static void test_names_of_variables_are_no_tokens(void)
{
	g_assert_false(secret_looks_like_token("GITHUB_TOKEN"));
	g_assert_false(secret_looks_like_token("A_VERY_LONG_VARIABLE_NAME_2"));
	g_assert_true(secret_looks_like_token("glpat-x"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/secret/addresses_with_secrets_are_told_from_others",
		test_addresses_with_secrets_are_told_from_others);
	g_test_add_func(
		"/secret/names_of_variables_are_no_tokens", test_names_of_variables_are_no_tokens);
	return g_test_run();
}
