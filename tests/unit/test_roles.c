/*
 * The list of those who may use a scheduler, as people write it: each row is a file and what must
 * come of it.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/errors.h"
#include "queue/roles.h"
#include "tests/unit/sandbox.h"

#define KEY_A "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define KEY_B "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static struct roles *parse(const char *text, GError **error)
{
	return roles_parse("list", text, strlen(text), error);
}

static void roles_contain_those_below_them(void)
{
	static const struct {
		const char *words;
		guint roles;
	} cases[] = {
		{"read", ROLE_READ},
		{"submit", ROLE_READ | ROLE_SUBMIT},
		{"operate", ROLE_READ | ROLE_SUBMIT | ROLE_OPERATE},
		{"worker", ROLE_WORKER},
		{"worker, read", ROLE_READ | ROLE_WORKER},
		{"read, read", ROLE_READ},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *text = g_strdup_printf(
			"keys: {a: {public_key: '" KEY_A "', roles: [%s]}}", cases[i].words);
		scoped(roles) roles = parse(text, &error);

		g_assert_no_error(error);
		g_assert_cmpuint(roles_find(roles, KEY_A)->roles, ==, cases[i].roles);
		g_assert_cmpstr(roles_find(roles, KEY_A)->name, ==, "a");
		g_assert_null(roles_find(roles, KEY_B));
	}
}

static void what_is_no_list_is_refused_with_its_line(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"keys:\n  a:\n    public_key: short\n    roles: [read]\n",
			"list:3: keys.a.public_key: expected a public key of 40 characters (Z85)"},
		{"keys:\n  a: {public_key: '" KEY_A "', roles: [admin]}\n",
			"list:2: keys.a.roles[0]: expected one of read, submit, operate, worker"},
		{"keys:\n  a: {public_key: '" KEY_A "', roles: []}\n",
			"list:2: keys.a.roles: expected"},
		{"keys:\n  a: {public_key: '" KEY_A "'}\n", "list:2: keys.a.roles: "},
		{"keys:\n  a: {roles: [read]}\n", "list:2: keys.a.public_key: "},
		{"keys:\n  a: {public_key: '" KEY_A "', roles: [read], x: 1}\n",
			"list:2: keys.a.x"},
		{"keys:\n  a: {public_key: '" KEY_A "', roles: [read]}\n"
		 "  b: {public_key: '" KEY_A "', roles: [operate]}\n",
			"list: keys.b: has the public key of 'a'"},
		{"keys:\n  a: {public_key: '" KEY_A "', roles: [read]}\n"
		 "  a: {public_key: '" KEY_B "', roles: [operate]}\n",
			"list:3: "},
		{"keys:\n  'a/b': {public_key: '" KEY_A "', roles: [read]}\n",
			"list: keys.a/b: a name has"},
		{"keys:\n  '': {public_key: '" KEY_A "', roles: [read]}\n", "list"},
		{"other: {}\n", "list:1: "},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", cases[i].text);
		g_assert_null(parse(cases[i].text, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID);
		g_test_message("%s", error->message);
		g_assert_true(g_str_has_prefix(error->message, cases[i].message));
	}
}

static void list_that_names_nobody_lets_nobody_in(void)
{
	static const char *const texts[] = {"", "keys:\n", "keys: {}\n"};

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		scoped(roles) roles = parse(texts[i], &error);

		g_assert_no_error(error);
		g_assert_cmpuint(roles_all(roles)->len, ==, 0);
		g_assert_null(roles_find(roles, KEY_A));
	}
}

static void new_list_is_one(void)
{
	g_autoptr(GError) error = NULL;
	scoped(roles) roles = parse(roles_new_text(), &error);

	g_assert_no_error(error);
	g_assert_cmpuint(roles_all(roles)->len, ==, 0);
}

static void list_that_others_may_change_is_refused(void)
{
	char *folder = g_dir_make_tmp("forge-roles-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "allowed.yaml", NULL);
	static const guint modes[] = {0620, 0602, 0666};
	scoped(roles) roles = NULL;

	g_assert_true(g_file_set_contents(path, roles_new_text(), -1, NULL));
	for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_cmpint(g_chmod(path, modes[i]), ==, 0);
		g_assert_null(roles_read(path, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED);
	}
	g_assert_cmpint(g_chmod(path, 0644), ==, 0);
	roles = roles_read(path, NULL);
	g_assert_nonnull(roles);
	sandbox_remove(folder);
}

static void missing_list_says_how_to_begin_one(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(roles_read("/nowhere/allowed.yaml", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID);
	g_assert_nonnull(strstr(error->message, "forge config keys allow"));
}

#define ADD(test) g_test_add_func("/roles/" #test, test)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(roles_contain_those_below_them);
	ADD(what_is_no_list_is_refused_with_its_line);
	ADD(list_that_names_nobody_lets_nobody_in);
	ADD(new_list_is_one);
	ADD(list_that_others_may_change_is_refused);
	ADD(missing_list_says_how_to_begin_one);
	return g_test_run();
}
