/*
 * `forge config get|set`: one setting.
 */
#include <string.h>

#include "cli/config_file.h"
#include "cli/handlers.h"
#include "cli/output.h"

/* The row of config_describe() called KEY; NULL if a host is not configured. */
static const struct value *find(const struct value *settings, const char *key)
{
	for (size_t i = 0; i < value_count(settings); i++)
		if (strcmp(value_string(value_get(value_at(settings, i), "key")), key) == 0)
			return value_at(settings, i);
	return NULL;
}

int cmd_config_get(struct invocation *invocation, GError **error)
{
	const char *key = invocation->arguments[0];
	scoped(value) known = config_file_key(key, error);
	const struct config *config = known ? invocation_config(invocation, error) : NULL;
	scoped(value) settings = NULL;
	scoped(value) shown = NULL;
	const struct value *row;
	const struct value *text;

	if (!config)
		return 1;
	settings = config_describe(config);
	row = find(settings, key);
	text = row ? value_get(row, "value") : NULL;
	if (!row) {
		shown = value_new_map();
		value_put_string(shown, "key", key);
		value_put_string(shown, "value", NULL);
		value_put_string(shown, "source", NULL);
	}
	output_value(invocation, row ? row : shown);
	if (text && value_kind(text) == VALUE_STRING) {
		output_line(invocation, "%s", value_string(text));
		return 0;
	}
	output_remark(invocation, "%s is not set", key);
	return 1;
}

int cmd_config_set(struct invocation *invocation, GError **error)
{
	const char *key = invocation->arguments[0];
	g_autofree char *file = config_file_path(invocation_config_option(invocation));
	scoped(value) row = NULL;
	const struct value *variable;
	scoped(value) object = NULL;
	g_autofree char *line = NULL;

	if (!config_file_set(file, key, invocation->arguments[1], error))
		return 1;
	row = config_file_key(key, error);
	object = value_new_map();
	value_put_string(object, "file", file);
	value_put_string(object, "key", key);
	value_put_string(object, "value", invocation->arguments[1]);
	output_value(invocation, object);
	line = g_strdup_printf("✓ %s: %s", file, key);
	output_marked(invocation, line);
	variable = value_get(row, "variable");
	if (value_kind(variable) == VALUE_STRING && g_getenv(value_string(variable)))
		output_remark(invocation, "The environment says otherwise, and beats the file: %s",
			value_string(variable));
	return 0;
}
