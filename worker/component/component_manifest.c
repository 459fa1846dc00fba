/*
 * `forge-manifest.yaml`: what a repository says it holds.
 *
 * Its paths are a stranger's and end as folders here, so they are refused rather than repaired. A
 * version that was yanked stays for those who pinned it; that is for component_versions.c to know.
 */
#include "worker/component/component_manifest.h"

#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/component/checklist.h"
#include "worker/component/component_file.h"

static void free_component(gpointer data)
{
	struct manifest_component *component = data;

	g_free(component->name);
	g_free(component->path);
	g_free(component->version);
	g_free(component->description);
	g_free(component->stability);
	g_strfreev(component->yanked);
	g_free(component);
}

struct component_manifest *component_manifest_new(void)
{
	struct component_manifest *manifest = g_new0(struct component_manifest, 1);

	manifest->components = g_ptr_array_new_with_free_func(free_component);
	manifest->yanked = g_new0(char *, 1);
	return manifest;
}

void component_manifest_free(struct component_manifest *manifest)
{
	if (!manifest)
		return;
	g_ptr_array_unref(manifest->components);
	g_strfreev(manifest->yanked);
	g_free(manifest);
}

/* ---- yanked versions ---- */

static const char *wrong_yanked(const char *text)
{
	const char *at = strrchr(text, '@');

	return component_version_wrong(at ? at + 1 : text);
}

static char **read_yanked(struct checklist *list, struct checked_map where, const char *version)
{
	const struct value *yanked = value_get(where.map, "yanked");
	char **versions;

	if (yanked && value_kind(yanked) == VALUE_BOOLEAN) {
		versions = g_new0(char *, 2);
		if (value_boolean(yanked) && version)
			versions[0] = g_strdup(version);
		else if (value_boolean(yanked))
			checklist_note(list, where, "yanked", value_line(yanked),
				"says true, but no version stands beside it");
		return versions;
	}
	versions = checklist_texts(
		list, where, "yanked", LIMIT_COMPONENT_YANKED, component_version_wrong);
	return versions ? versions : g_new0(char *, 1);
}

char **component_manifest_yanked(
	const struct component_manifest *manifest, const struct manifest_component *component)
{
	g_autoptr(GPtrArray) versions = g_ptr_array_new();

	for (size_t i = 0; component->yanked[i]; i++)
		g_ptr_array_add(versions, g_strdup(component->yanked[i]));
	for (size_t i = 0; manifest->yanked[i]; i++) {
		const char *entry = manifest->yanked[i];
		const char *at = strrchr(entry, '@');

		if (!at)
			g_ptr_array_add(versions, g_strdup(entry));
		else if (strlen(component->name) == (size_t)(at - entry) &&
			g_str_has_prefix(entry, component->name))
			g_ptr_array_add(versions, g_strdup(at + 1));
	}
	g_ptr_array_add(versions, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&versions), FALSE);
}

char **component_manifest_yanked_of(const struct component_manifest *manifest, const char *name)
{
	for (guint i = 0; i < manifest->components->len; i++) {
		const struct manifest_component *listed = manifest->components->pdata[i];

		if (strcmp(listed->name, name) == 0)
			return component_manifest_yanked(manifest, listed);
	}
	return g_new0(char *, 1);
}

/* ---- components ---- */

static struct manifest_component *read_component(
	struct checklist *list, struct checked_map where, enum component_kind kind)
{
	static const char *const keys[] = {
		"name", "path", "version", "description", "stability", "yanked", NULL};
	struct manifest_component *component = g_new0(struct manifest_component, 1);
	const struct value *path = value_get(where.map, "path");
	g_autofree char *written = NULL;

	checklist_mistyped(list, where, keys);
	component->kind = kind;
	component->line = value_line(where.map);
	component->name = checklist_text(
		list, where, "name", CHECKED_REQUIRED, component_name_wrong);
	/* A path that is there and says nothing is a mistake; one that is not there has a meaning.
	 */
	if (path && value_kind(path) == VALUE_NULL)
		checklist_note(list, where, "path", value_line(path), "must not be empty");
	written = checklist_text(list, where, "path", CHECKED_OPTIONAL, component_path_wrong);
	if (written)
		component->path = component_path_clean(written);
	else if (component->name)
		component->path = g_strdup_printf(
			"components/%s/%s", component_kind_plural(kind), component->name);
	component->version = checklist_text(
		list, where, "version", CHECKED_OPTIONAL, component_version_wrong);
	component->description = checklist_text(list, where, "description", CHECKED_OPTIONAL, NULL);
	component->stability = checklist_text(list, where, "stability", CHECKED_OPTIONAL, NULL);
	component->yanked = read_yanked(list, where, component->version);
	return component;
}

static void read_kind(struct component_manifest *manifest, struct checklist *list,
	struct checked_map where, enum component_kind kind, GHashTable *names)
{
	const char *key = component_kind_plural(kind);
	const struct value *items = checklist_list(
		list, where, key, LIMIT_COMPONENTS_PER_REPOSITORY);

	for (size_t i = 0; items && i < value_count(items); i++) {
		g_autofree char *path = NULL;
		struct checked_map item;
		struct manifest_component *component;
		const struct manifest_component *other;

		if (!checklist_item(list, where, key, items, i, &path, &item))
			continue;
		component = read_component(list, item, kind);
		g_ptr_array_add(manifest->components, component);
		other = component->name ? g_hash_table_lookup(names, component->name) : NULL;
		if (other)
			checklist_note(list, item, "name", component->line,
				"'%s' is in line %u already, as '%s', and here as '%s'",
				component->name, other->line, other->path, component->path);
		else if (component->name)
			g_hash_table_insert(names, component->name, component);
	}
}

static void read_components(
	struct component_manifest *manifest, struct checklist *list, struct checked_map whole)
{
	static const char *const keys[] = {"tools", "prompts", "agents", NULL};
	g_autoptr(GHashTable) names = g_hash_table_new(hash_string_keyed, g_str_equal);
	const struct value *map = checklist_map(list, whole, "components");
	struct checked_map components = {map, "components"};

	if (!map)
		return;
	checklist_mistyped(list, components, keys);
	for (unsigned kind = 0; kind < COMPONENT_KINDS; kind++)
		read_kind(manifest, list, components, (enum component_kind)kind, names);
}

static void read_whole(
	struct component_manifest *manifest, struct checklist *list, const struct value *document)
{
	static const char *const keys[] = {"components", "yanked", NULL};
	struct checked_map whole = {document, ""};

	if (value_kind(document) == VALUE_NULL)
		return;
	if (value_kind(document) != VALUE_MAP) {
		checklist_note(list, whole, NULL, value_line(document), "expected a map of keys");
		return;
	}
	checklist_mistyped(list, whole, keys);
	read_components(manifest, list, whole);
	g_strfreev(manifest->yanked);
	manifest->yanked = checklist_texts(
		list, whole, "yanked", LIMIT_COMPONENT_YANKED, wrong_yanked);
}

struct component_manifest *component_manifest_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error)
{
	scoped(value) document = document_parse(DOCUMENT_YAML, origin, text, size, error);
	scoped(component_manifest) manifest = NULL;
	scoped_value(checklist) list;

	checklist_init(&list, origin);
	if (!document)
		return NULL;
	manifest = component_manifest_new();
	read_whole(manifest, &list, document);
	if (!manifest->yanked)
		manifest->yanked = g_new0(char *, 1);
	return checklist_end(&list, error) ? g_steal_pointer(&manifest) : NULL;
}
