/*
 * `forge config show|validate`: the configuration as it is in force, and whether it can be.
 */
#include <string.h>

#include "cli/handlers.h"
#include "cli/output.h"
#include "journal/base/document.h"

/* The member KEY of MAP, a map itself; made if it is not there. */
static struct value *section(struct value *map, const char *key)
{
	const struct value *there = value_get(map, key);
	struct value *made;

	if (there)
		return (struct value *)there;
	made = value_new_map();
	value_put_take(map, key, made);
	return made;
}

/* `8` as a number, `true` as a boolean, as the configuration file would have it. */
static struct value *typed(const struct value *text)
{
	static const struct document_origin origin = {"setting", FORGE_ERROR_CONFIGURATION_INVALID};
	const char *string;
	scoped(value) value = NULL;
	gboolean scalar;

	if (value_kind(text) != VALUE_STRING)
		return value_copy(text);
	string = value_string(text);
	value = document_parse(DOCUMENT_YAML, &origin, string, strlen(string), NULL);
	scalar = value &&
		(value_kind(value) == VALUE_INTEGER || value_kind(value) == VALUE_BOOLEAN);
	return scalar ? g_steal_pointer(&value) : value_copy(text);
}

/*
 * Puts a setting where the file has it: `worker.jobs` into worker, `hosts.github.com.clone` into
 * hosts, github.com (a host's name may hold dots, a section or key never does).
 */
static void place(struct value *settings, const struct value *setting)
{
	const char *key = value_string(value_get(setting, "key"));
	const char *first = strchr(key, '.');
	const char *last = strrchr(key, '.');
	struct value *map = settings;

	if (first) {
		g_autofree char *outer = g_strndup(key, (gsize)(first - key));

		map = section(map, outer);
		key = last + 1;
	}
	if (first < last) {
		g_autofree char *inner = g_strndup(first + 1, (gsize)(last - first - 1));

		map = section(map, inner);
	}
	value_put_take(map, key, typed(value_get(setting, "value")));
}

static void show_document(const struct invocation *invocation, const struct value *settings)
{
	scoped(value) document = NULL;

	if (invocation->format == OUTPUT_JSONL) {
		output_rows(invocation, "settings", settings);
		return;
	}
	document = value_new_map();
	for (size_t i = 0; i < value_count(settings); i++)
		place(document, value_at(settings, i));
	output_value(invocation, document);
}

int cmd_config_show(struct invocation *invocation, GError **error)
{
	static const char *const titles[] = {"Setting", "Value", "From", NULL};
	const struct config *config = invocation_config(invocation, error);
	scoped(value) settings = NULL;
	scoped(table) table = NULL;

	if (!config)
		return 1;
	settings = config_describe(config);
	if (output_is_machine(invocation)) {
		show_document(invocation, settings);
		return 0;
	}
	table = table_new(titles);
	for (size_t i = 0; i < value_count(settings); i++) {
		const struct value *setting = value_at(settings, i);
		const struct value *text = value_get(setting, "value");
		char *cells[] = {
			g_strdup(value_string(value_get(setting, "key"))),
			g_strdup(value_kind(text) == VALUE_STRING ? value_string(text)
								  : "(not set)"),
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
	gboolean there;
	scoped(value) object = NULL;
	g_autofree char *line = NULL;

	if (!config)
		return 1;
	there = g_file_test(config->path, G_FILE_TEST_EXISTS);
	object = value_new_map();
	value_put_string(object, "file", config->path);
	value_put_boolean(object, "exists", there);
	value_put_boolean(object, "valid", TRUE);
	output_value(invocation, object);
	line = g_strdup_printf(
		"✓ %s: %s", config->path, there ? "valid" : "not there; the defaults are in force");
	output_marked(invocation, line);
	return 0;
}
