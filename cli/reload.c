/*
 * What a daemon does at SIGHUP. The file is read as at the start, from the same place; either all of
 * it is good, or nothing of it counts. Variables of the environment are those of the start: they
 * cannot be changed from outside.
 */
#include "cli/reload.h"

#include <string.h>

#include "journal/base/log.h"

static const char *text_of(const struct value *settings, const char *key)
{
	for (size_t i = 0; i < value_count(settings); i++) {
		const struct value *row = value_at(settings, i);
		const struct value *text = value_get(row, "value");

		if (strcmp(value_string(value_get(row, "key")), key) == 0)
			return value_kind(text) == VALUE_STRING ? value_string(text) : "";
	}
	return NULL;
}

/* Adds the keys of SETTINGS that OTHERS has not, or with another value, to CHANGED. */
static void add_changed(
	GPtrArray *changed, const struct value *settings, const struct value *others)
{
	for (size_t i = 0; i < value_count(settings); i++) {
		const char *key = value_string(value_get(value_at(settings, i), "key"));

		if (g_strcmp0(text_of(settings, key), text_of(others, key)) != 0 &&
			!g_ptr_array_find_with_equal_func(changed, key, g_str_equal, NULL))
			g_ptr_array_add(changed, g_strdup(key));
	}
}

static gboolean is_fixed(const char *key, const char *const *fixed)
{
	for (; *fixed; fixed++)
		if (g_str_has_suffix(*fixed, ".") ? g_str_has_prefix(key, *fixed)
						  : strcmp(key, *fixed) == 0)
			return TRUE;
	return FALSE;
}

static char *join(const GPtrArray *changed, const char *const *fixed, gboolean which)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < changed->len; i++)
		if (is_fixed(changed->pdata[i], fixed) == which)
			g_string_append_printf(text, "%s%s", text->len > 0 ? "," : "",
				(const char *)changed->pdata[i]);
	return g_string_free(text, FALSE);
}

struct config *reload_config(
	const struct invocation *invocation, const struct config *current, const char *const *fixed)
{
	g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) problem = NULL;
	struct config *config = invocation_read_config(invocation, &problem);
	scoped(value) before = NULL;
	scoped(value) now = NULL;
	g_autofree char *taken = NULL;
	g_autofree char *waiting = NULL;

	if (!config) {
		g_warning("configuration not reloaded, the old one stays in force: %s",
			problem->message);
		return NULL;
	}
	before = config_describe(current);
	now = config_describe(config);
	add_changed(changed, now, before);
	add_changed(changed, before, now);
	taken = join(changed, fixed, FALSE);
	waiting = join(changed, fixed, TRUE);
	log_start(config->log_level);
	g_message("configuration reloaded file=%s changed=%s", config->path,
		*taken ? taken : "nothing");
	if (*waiting)
		g_warning("configuration needs a restart for changed=%s", waiting);
	return config;
}
