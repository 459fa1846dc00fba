/*
 * Rows of components as a person expects them: in the order of their own forge.yaml, and with a word
 * on what is listed there but not installed here.
 *
 * The journal's order is that in which installations ended, which nobody chose.
 */
#include "cli/workspace_rows.h"

#include <string.h>

#include "cli/output.h"
#include "cli/terminal.h"
#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/base/nearest.h"
#include "worker/workspace/workspace_documents.h"

static const char *name_of(gconstpointer row)
{
	return ((const Forge__ComponentRow *)row)->component->name;
}

/* ---- order -------------------------------------------------------------------------------- */

static guint place_of(GHashTable *places, gconstpointer row)
{
	gpointer place;

	return g_hash_table_lookup_extended(places, name_of(row), NULL, &place)
		? GPOINTER_TO_UINT(place)
		: G_MAXUINT;
}

static gint compare_places(gconstpointer a, gconstpointer b, gpointer places)
{
	guint first = place_of(places, *(gconstpointer const *)a);
	guint second = place_of(places, *(gconstpointer const *)b);

	return first < second ? -1 : first > second;
}

/* The sort is stable, so what is not listed stays in the journal's order. */
static void sort_as_listed(GPtrArray *rows, const struct wanted_file *listed)
{
	g_autoptr(GHashTable) places = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (guint i = 0; i < listed->components->len; i++) {
		struct wanted_component *component = listed->components->pdata[i];

		g_hash_table_insert(places, component->component, GUINT_TO_POINTER(i));
	}
	g_ptr_array_sort_with_data(rows, compare_places, places);
}

/* What is listed; NULL where that cannot be told, which is another command's to complain about. */
static struct wanted_file *listed_by(const struct invocation *invocation)
{
	return workspace_wanted_read(invocation->config->workspace, NULL);
}

GPtrArray *workspace_rows(struct invocation *invocation, struct client *client, GError **error)
{
	GPtrArray *rows = requests_components(client, NULL, error);
	scoped(wanted_file) listed = rows ? listed_by(invocation) : NULL;

	if (listed)
		sort_as_listed(rows, listed);
	return rows;
}

/* ---- names -------------------------------------------------------------------------------- */

static gboolean is_there(const GPtrArray *rows, const char *name)
{
	for (guint i = 0; i < rows->len; i++)
		if (strcmp(name_of(rows->pdata[i]), name) == 0)
			return TRUE;
	return FALSE;
}

static void fail_for(
	struct invocation *invocation, struct client *client, const char *name, GError **error)
{
	g_autoptr(GPtrArray) all = requests_components(client, NULL, NULL);
	scoped(wanted_file) listed = listed_by(invocation);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *question = NULL;

	if (listed && wanted_file_find(listed, name)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"forge.yaml lists '%s', but it is not installed here; `forge install` does that",
			name);
		return;
	}
	for (guint i = 0; all && i < all->len; i++)
		g_ptr_array_add(names, (gpointer)name_of(all->pdata[i]));
	g_ptr_array_add(names, NULL);
	question = nearest_question(name, (const char *const *)names->pdata);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"no component is called '%s' in this workspace%s%s", name, question ? "; " : "",
		question ? question : "");
}

GPtrArray *workspace_rows_named(
	struct invocation *invocation, struct client *client, char **names, GError **error)
{
	g_autoptr(GPtrArray) rows = requests_components(client, names, error);

	for (char **name = names; rows && *name; name++) {
		if (is_there(rows, *name))
			continue;
		fail_for(invocation, client, *name, error);
		return NULL;
	}
	return g_steal_pointer(&rows);
}

/* ---- what is not installed ---------------------------------------------------------------- */

/* The first of NAMES, and how many more. */
static char *enumerate(const GPtrArray *names)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < names->len && i < LIMIT_COMPONENTS_NAMED; i++)
		g_string_append_printf(
			text, "%s%s", i > 0 ? ", " : "", (const char *)names->pdata[i]);
	if (names->len > LIMIT_COMPONENTS_NAMED)
		g_string_append_printf(text, " and %u more", names->len - LIMIT_COMPONENTS_NAMED);
	return g_string_free(text, FALSE);
}

void workspace_rows_remark(const struct invocation *invocation, const GPtrArray *rows)
{
	scoped(wanted_file) listed = listed_by(invocation);
	g_autoptr(GHashTable) installed = g_hash_table_new(hash_string_keyed, g_str_equal);
	g_autoptr(GPtrArray) missing = g_ptr_array_new();
	g_autofree char *names = NULL;

	for (guint i = 0; i < rows->len; i++)
		g_hash_table_add(installed, (gpointer)name_of(rows->pdata[i]));
	for (guint i = 0; listed && i < listed->components->len; i++) {
		struct wanted_component *component = listed->components->pdata[i];

		if (!g_hash_table_contains(installed, component->component))
			g_ptr_array_add(missing, component->component);
	}
	if (missing->len > 0) {
		names = enumerate(missing);
		output_remark(invocation,
			"forge.yaml lists %u component%s not installed here (%s); `forge install` does that.",
			missing->len, missing->len == 1 ? " that is" : "s that are", names);
	} else if (rows->len == 0) {
		output_remark(invocation,
			"No components are installed; `forge install REPOSITORY/COMPONENT` does that.");
	}
}
