/*
 * The components of a repository at a commit, from its objects alone.
 *
 * With a manifest, what it lists counts and nothing else. Without one, three folders are looked
 * through, one level deep. Blobs are asked for their size before they are read, and symlinks are no
 * files: a name in a stranger's tree says nothing about what it leads to. One broken component does
 * not hide the others; it carries its problem to whoever asks for it.
 */
#include "worker/component/component_catalog.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/base/nearest.h"
#include "worker/git/git_library.h"

#define MANIFEST "forge-manifest.yaml"
#define COMPONENT "component.yaml"

SCOPED_POINTER(git_tree, git_tree_free)

struct listing {
	git_repository *git;
	struct component_catalog *catalog;
	size_t bytes; /* read so far */
};

static void free_entry(gpointer data)
{
	struct catalog_entry *entry = data;

	g_free(entry->name);
	g_free(entry->path);
	g_free(entry->version);
	g_free(entry->description);
	g_free(entry->stability);
	g_clear_error(&entry->problem);
	g_free(entry);
}

void component_catalog_free(struct component_catalog *catalog)
{
	if (!catalog)
		return;
	g_ptr_array_unref(catalog->entries);
	component_manifest_free(catalog->manifest);
	g_free(catalog);
}

/* ---- objects ---- */

static struct git_tree *read_tree(git_repository *git, const git_oid *id, GError **error)
{
	git_object *object = NULL;
	git_object *tree = NULL;

	if (git_object_lookup(&object, git, id, GIT_OBJECT_ANY) != 0 ||
		git_object_peel(&tree, object, GIT_OBJECT_TREE) != 0)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"the tree of %s cannot be read", git_oid_tostr_s(id));
	git_object_free(object);
	return (struct git_tree *)tree;
}

static gboolean is_file(const git_tree_entry *entry)
{
	return git_tree_entry_type(entry) == GIT_OBJECT_BLOB &&
		git_tree_entry_filemode(entry) != GIT_FILEMODE_LINK;
}

/* The bytes of the file ENTRY, called PATH in errors; a GString, so that they end in a NUL. */
static GString *read_file(
	git_repository *git, const git_tree_entry *entry, const char *path, GError **error)
{
	const git_oid *id = git_tree_entry_id(entry);
	git_odb *odb = NULL;
	git_blob *blob = NULL;
	git_object_t type;
	size_t size = 0;
	GString *text = NULL;

	if (!is_file(entry)) {
		g_set_error(
			error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s: is no file", path);
		return NULL;
	}
	if (git_repository_odb(&odb, git) != 0 || git_odb_read_header(&size, &type, odb, id) != 0)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s: cannot be read", path);
	else if (size > LIMIT_COMPONENT_YAML_BYTES)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "%s: larger than %d bytes",
			path, LIMIT_COMPONENT_YAML_BYTES);
	else if (git_blob_lookup(&blob, git, id) != 0)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s: cannot be read", path);
	else
		text = g_string_new_len(git_blob_rawcontent(blob), (gssize)git_blob_rawsize(blob));
	git_blob_free(blob);
	git_odb_free(odb);
	return text;
}

static struct component_file *parse_component(const GString *text, const char *path, GError **error)
{
	const struct document_origin origin = {
		.name = path, .invalid = FORGE_ERROR_VALIDATION_FAILED};

	return component_file_parse(&origin, text->str, text->len, NULL, error);
}

static char *file_path(const char *folder)
{
	return g_strconcat(folder, *folder ? "/" : "", COMPONENT, NULL);
}

struct component_file *component_catalog_read(
	git_repository *git, const git_oid *tree_id, const char *path, GError **error)
{
	scoped(git_tree) tree = read_tree(git, tree_id, error);
	const git_tree_entry *entry = tree ? git_tree_entry_byname(tree, COMPONENT) : NULL;
	g_autofree char *name = file_path(path);
	g_autoptr(GString) text = NULL;

	if (!tree)
		return NULL;
	if (!entry) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s: is not there",
			name);
		return NULL;
	}
	text = read_file(git, entry, name, error);
	return text ? parse_component(text, name, error) : NULL;
}

/* ---- entries ---- */

static gboolean add_entry(struct listing *listing, struct catalog_entry *take_entry, GError **error)
{
	g_ptr_array_add(listing->catalog->entries, take_entry);
	if (listing->catalog->entries->len <= LIMIT_COMPONENTS_PER_REPOSITORY)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
		"the repository holds more than %d components", LIMIT_COMPONENTS_PER_REPOSITORY);
	return FALSE;
}

/* What the file at ENTRY says of the component in the folder PATH. FALSE only if nothing can be
 * listed any more. */
static gboolean fill_from_file(struct listing *listing, struct catalog_entry *component,
	const git_tree_entry *entry, GError **error)
{
	g_autofree char *path = file_path(component->path);
	g_autoptr(GString) text = read_file(listing->git, entry, path, &component->problem);
	scoped(component_file) file = NULL;

	listing->bytes += text ? text->len : 0;
	if (listing->bytes > LIMIT_CATALOG_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"the components' files have more than %d bytes", LIMIT_CATALOG_BYTES);
		return FALSE;
	}
	file = text ? parse_component(text, path, &component->problem) : NULL;
	if (!file)
		return TRUE;
	g_free(component->name);
	component->name = g_strdup(file->name);
	component->version = g_strdup(file->version);
	component->description = g_strdup(file->description);
	if (component->kind == COMPONENT_UNKNOWN)
		component->kind = file->kind;
	return TRUE;
}

/* The component in TREE, the folder PATH, if there is one. */
static gboolean list_folder(struct listing *listing, const git_tree *tree, const char *path,
	const char *folder, enum component_kind kind, GError **error)
{
	const git_tree_entry *entry = git_tree_entry_byname(tree, COMPONENT);
	struct catalog_entry *component;

	if (!entry)
		return TRUE;
	component = g_new0(struct catalog_entry, 1);
	component->name = g_strdup(folder);
	component->path = g_strdup(path);
	component->kind = kind;
	component->tree = *git_tree_id(tree);
	return add_entry(listing, component, error) &&
		fill_from_file(listing, component, entry, error);
}

static gboolean list_kind(struct listing *listing, const git_tree *components,
	enum component_kind kind, GError **error)
{
	const char *plural = component_kind_plural(kind);
	const git_tree_entry *entry = git_tree_entry_byname(components, plural);
	scoped(git_tree) folders = NULL;

	if (!entry || git_tree_entry_type(entry) != GIT_OBJECT_TREE)
		return TRUE;
	folders = read_tree(listing->git, git_tree_entry_id(entry), error);
	for (size_t i = 0; folders && i < git_tree_entrycount(folders); i++) {
		const git_tree_entry *folder = git_tree_entry_byindex(folders, i);
		const char *name = git_tree_entry_name(folder);
		g_autofree char *path = g_strdup_printf("components/%s/%s", plural, name);
		scoped(git_tree) tree = NULL;

		if (git_tree_entry_type(folder) != GIT_OBJECT_TREE ||
			!g_utf8_validate(path, -1, NULL) || component_path_wrong(path))
			continue;
		tree = read_tree(listing->git, git_tree_entry_id(folder), error);
		if (!tree || !list_folder(listing, tree, path, name, kind, error))
			return FALSE;
	}
	return folders != NULL;
}

static gboolean list_folders(struct listing *listing, const git_tree *root, GError **error)
{
	const git_tree_entry *entry = git_tree_entry_byname(root, "components");
	scoped(git_tree) components = NULL;

	if (!list_folder(listing, root, "", "", COMPONENT_UNKNOWN, error))
		return FALSE;
	if (!entry || git_tree_entry_type(entry) != GIT_OBJECT_TREE)
		return TRUE;
	components = read_tree(listing->git, git_tree_entry_id(entry), error);
	for (unsigned kind = 0; components && kind < COMPONENT_KINDS; kind++)
		if (!list_kind(listing, components, (enum component_kind)kind, error))
			return FALSE;
	return components != NULL;
}

/* ---- the manifest ---- */

/* The tree of the folder PATH below ROOT, into ENTRY, or its problem. */
static void find_folder(struct catalog_entry *entry, const git_tree *root)
{
	git_tree_entry *found = NULL;
	int result = 0;

	if (*entry->path == '\0') {
		entry->tree = *git_tree_id(root);
		return;
	}
	result = git_tree_entry_bypath(&found, root, entry->path);
	if (result == 0 && git_tree_entry_type(found) == GIT_OBJECT_TREE)
		entry->tree = *git_tree_entry_id(found);
	else if (result == 0 || result == GIT_ENOTFOUND)
		g_set_error(&entry->problem, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			MANIFEST " says that '%s' is in '%s', which is no folder of the repository",
			entry->name, entry->path);
	else
		git_library_error(&entry->problem, FORGE_ERROR_BROKEN_REPOSITORY,
			"'%s' cannot be read", entry->path);
	git_tree_entry_free(found);
}

static struct component_manifest *read_manifest(
	git_repository *git, const git_tree_entry *file, GError **error)
{
	const struct document_origin origin = {
		.name = MANIFEST, .invalid = FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GString) text = read_file(git, file, MANIFEST, error);

	return text ? component_manifest_parse(&origin, text->str, text->len, error) : NULL;
}

static gboolean list_manifest(
	struct listing *listing, const git_tree *root, const git_tree_entry *file, GError **error)
{
	struct component_manifest *manifest = read_manifest(listing->git, file, error);

	listing->catalog->manifest = manifest;
	for (guint i = 0; manifest && i < manifest->components->len; i++) {
		const struct manifest_component *listed = manifest->components->pdata[i];
		struct catalog_entry *entry = g_new0(struct catalog_entry, 1);

		entry->name = g_strdup(listed->name);
		entry->kind = listed->kind;
		entry->path = g_strdup(listed->path);
		entry->version = g_strdup(listed->version);
		entry->description = g_strdup(listed->description);
		entry->stability = g_strdup(listed->stability);
		entry->listed = listed;
		find_folder(entry, root);
		if (!add_entry(listing, entry, error))
			return FALSE;
	}
	return manifest != NULL;
}

/* ---- public ---- */

static gint compare_entries(gconstpointer a, gconstpointer b)
{
	const struct catalog_entry *first = *(const struct catalog_entry *const *)a;
	const struct catalog_entry *second = *(const struct catalog_entry *const *)b;
	int order = strcmp(first->name, second->name);

	return order != 0 ? order : strcmp(first->path, second->path);
}

static gboolean check_names(const GPtrArray *entries, GError **error)
{
	for (guint i = 1; i < entries->len; i++) {
		const struct catalog_entry *first = g_ptr_array_index(entries, i - 1);
		const struct catalog_entry *second = g_ptr_array_index(entries, i);

		if (strcmp(first->name, second->name) != 0)
			continue;
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"two components of the repository are called '%s': in '%s' and in '%s'",
			first->name, *first->path ? first->path : ".", second->path);
		return FALSE;
	}
	return TRUE;
}

struct component_catalog *component_catalog_new(
	git_repository *git, const git_oid *id, GError **error)
{
	scoped(git_tree) root = read_tree(git, id, error);
	scoped(component_catalog) catalog = g_new0(struct component_catalog, 1);
	struct listing listing = {.git = git, .catalog = catalog};
	const git_tree_entry *manifest = root ? git_tree_entry_byname(root, MANIFEST) : NULL;
	gboolean listed;

	catalog->entries = g_ptr_array_new_with_free_func(free_entry);
	if (!root)
		return NULL;
	listed = manifest ? list_manifest(&listing, root, manifest, error)
			  : list_folders(&listing, root, error);
	if (!listed)
		return NULL;
	g_ptr_array_sort(catalog->entries, compare_entries);
	return check_names(catalog->entries, error) ? g_steal_pointer(&catalog) : NULL;
}

const struct catalog_entry *component_catalog_find(
	const struct component_catalog *catalog, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *question = NULL;

	for (guint i = 0; i < catalog->entries->len; i++) {
		const struct catalog_entry *entry = g_ptr_array_index(catalog->entries, i);

		g_ptr_array_add(names, entry->name);
		if (strcmp(entry->name, name) != 0)
			continue;
		if (entry->problem)
			g_propagate_error(error, g_error_copy(entry->problem));
		return entry->problem ? NULL : entry;
	}
	g_ptr_array_add(names, NULL);
	question = nearest_question(name, (const char *const *)names->pdata);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"the repository has no component '%s'%s%s", name, question ? "; " : "",
		question ? question : "");
	return NULL;
}

char **component_catalog_yanked(
	const struct component_catalog *catalog, const struct catalog_entry *entry)
{
	return entry->listed ? component_manifest_yanked(catalog->manifest, entry->listed)
			     : g_new0(char *, 1);
}

struct component_manifest *component_catalog_manifest(
	git_repository *git, const git_oid *id, GError **error)
{
	scoped(git_tree) root = read_tree(git, id, error);
	const git_tree_entry *file = root ? git_tree_entry_byname(root, MANIFEST) : NULL;

	if (!root)
		return NULL;
	return file ? read_manifest(git, file, error) : component_manifest_new();
}
