/*
 * `forge config keys [list|allow|revoke]`: this installation's own keys, and whose keys its
 * scheduler takes.
 */
#include <string.h>

#include "cli/allowed_keys.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "journal/base/errors.h"
#include "queue/key_pair.h"
#include "queue/roles.h"

/* ---- own keys ----------------------------------------------------------------------------- */

/* What others may call this installation: its host, as far as that can be a name. Caller frees. */
static char *proposed_name(const struct invocation *invocation)
{
	const char *given = invocation_text(invocation, "name");
	char *host;

	if (given)
		return g_strdup(given);
	host = g_strcanon(
		g_strdup(g_get_host_name()), G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-", '-');
	if (roles_name_is_valid(host))
		return host;
	g_free(host);
	return g_strdup("NAME");
}

static void show_keys(const struct invocation *invocation, const struct config *config,
	const struct key_pair *pair, const char *kept)
{
	scoped(value) object = value_new_map();
	g_autofree char *file = key_pair_path(config->home);
	g_autofree char *name = proposed_name(invocation);

	value_put_string(object, "public_key", key_pair_public(pair));
	value_put_string(object, "secret_key_file", file);
	value_put_boolean(object, "new", invocation_flag(invocation, "new"));
	value_put_string(object, "kept", kept);
	output_value(invocation, object);
	output_line(invocation, "%s", key_pair_public(pair));
	if (!invocation_flag(invocation, "new"))
		return;
	output_remark(invocation, "The secret key is in %s and never leaves it.", file);
	if (kept)
		output_remark(invocation, "The old one is kept in %s.", kept);
	output_remark(invocation,
		"On the scheduler's machine: forge config keys allow '%s' --role "
		"read|submit|operate|worker --name %s",
		key_pair_public(pair), name);
}

static struct key_pair *make_keys(const struct invocation *invocation, const struct config *config,
	char **kept, GError **error)
{
	scoped(key_pair) pair = key_pair_new();
	gboolean force = invocation_flag(invocation, "force");

	return key_pair_write(pair, config->home, force ? kept : NULL, error)
		? g_steal_pointer(&pair)
		: NULL;
}

static gboolean check_options(const struct invocation *invocation, GError **error)
{
	const char *name = invocation_text(invocation, "name");

	if (!invocation_flag(invocation, "new") && (invocation_flag(invocation, "force") || name)) {
		g_set_error_literal(
			error, FORGE_ERROR, FORGE_ERROR_USAGE, "--force and --name go with --new");
		return FALSE;
	}
	if (!name || roles_name_is_valid(name))
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"--name: letters, digits, '.', '_' and '-', a letter or digit first");
	return FALSE;
}

int cmd_config_keys(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	scoped(key_pair) pair = NULL;
	g_autofree char *kept = NULL;

	if (!config || !check_options(invocation, error))
		return 1;
	pair = invocation_flag(invocation, "new") ? make_keys(invocation, config, &kept, error)
						  : key_pair_read(config->home, error);
	if (!pair)
		return 1;
	show_keys(invocation, config, pair, kept);
	return 0;
}

/* ---- the list ----------------------------------------------------------------------------- */

static struct value *row_of(const struct identity *identity)
{
	struct value *row = value_new_map();
	struct value *roles = value_new_list();

	for (char **word = identity->role_words; *word; word++)
		value_append_take(roles, value_new_string(*word));
	value_put_string(row, "name", identity->name);
	value_put_take(row, "roles", roles);
	value_put_string(row, "public_key", identity->public_key);
	return row;
}

static void show_list(const struct invocation *invocation, const GPtrArray *all)
{
	static const char *const titles[] = {"Name", "Roles", "Public Key", NULL};
	scoped(value) rows = value_new_list();
	scoped(table) table = table_new(titles);

	for (guint i = 0; i < all->len; i++) {
		const struct identity *identity = all->pdata[i];
		char *cells[] = {
			g_strdup(identity->name),
			g_strjoinv(", ", identity->role_words),
			g_strdup(identity->public_key),
		};

		value_append_take(rows, row_of(identity));
		table_add_take(table, cells);
	}
	if (output_is_machine(invocation))
		output_rows(invocation, "keys", rows);
	else
		output_table(invocation, table, "Nobody may use this scheduler.");
}

int cmd_config_keys_list(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	g_autofree char *path = config ? roles_path(config->home) : NULL;
	scoped(roles) roles = path ? roles_read(path, error) : NULL;

	if (!roles)
		return 1;
	show_list(invocation, roles_all(roles));
	return 0;
}

static void say_done(const struct invocation *invocation, const char *name, gboolean allowed)
{
	scoped(value) object = value_new_map();
	g_autofree char *line = g_strdup_printf(
		"✓ %s %s use this scheduler", name, allowed ? "may" : "may no longer");

	value_put_string(object, "name", name);
	value_put_boolean(object, "allowed", allowed);
	output_value(invocation, object);
	output_marked(invocation, line);
	output_remark(invocation, "A scheduler that runs reads the list again at SIGHUP.");
}

int cmd_config_keys_allow(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	const char *name = invocation_text(invocation, "name");
	char **roles = invocation_list(invocation, "role");

	if (!config)
		return 1;
	if (!name || !roles) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"`forge config keys allow` needs --role and --name");
		return 2;
	}
	if (!allowed_keys_allow(config->home, name, invocation->arguments[0], roles, error))
		return 1;
	say_done(invocation, name, TRUE);
	return 0;
}

int cmd_config_keys_revoke(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	const char *name = invocation->arguments[0];

	if (!config || !allowed_keys_revoke(config->home, name, error))
		return 1;
	say_done(invocation, name, FALSE);
	return 0;
}
