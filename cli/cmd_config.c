/*
 * `forge config show|validate`: the configuration as it is in force, and whether it can be.
 */
#include "cli/handlers.h"
#include "cli/output.h"

int cmd_config_show(struct invocation *invocation, GError **error)
{
	static const char *const titles[] = {"Setting", "Value", "From", NULL};
	const struct config *config = invocation_config(invocation, error);
	if (!config)
		return 1;
	scoped(value) settings = config_describe(config);
	if (output_is_machine(invocation)) {
		output_rows(invocation, "settings", settings);
		return 0;
	}
	scoped(table) table = table_new(titles);
	for (size_t i = 0; i < value_count(settings); i++) {
		const struct value *setting = value_at(settings, i);
		const struct value *text = value_get(setting, "value");
		char *cells[] = {
			g_strdup(value_string(value_get(setting, "key"))),
			g_strdup(value_kind(text) == VALUE_STRING ? value_string(text) : "(not set)"),
			g_strdup(value_string(value_get(setting, "source"))),
		};
		table_add_take(table, cells);
	}
	output_table(invocation, table, "There are no settings.");
	return 0;
}

int cmd_config_validate(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	if (!config)
		return 1;
	gboolean there = g_file_test(config->path, G_FILE_TEST_EXISTS);
	scoped(value) object = value_new_map();
	value_put_string(object, "file", config->path);
	value_put_boolean(object, "exists", there);
	value_put_boolean(object, "valid", TRUE);
	output_value(invocation, object);
	g_autofree char *line = g_strdup_printf("✓ %s: %s", config->path,
		there ? "valid" : "not there; the defaults are in force");
	output_marked(invocation, line);
	return 0;
}
