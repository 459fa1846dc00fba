/*
 * What has to happen in a folder, and how an intent says it.
 *
 * Two trees side by side; whatever is equal is left out, so the plan names changed files only.
 * Directories are in no plan: they come and go with the files in them.
 *
 * An intent is a magic line, a checksum, and a GVariant in the machine's own order: it never leaves
 * the folder it was written in. It is renamed into its place when it is on disk, so an intent that
 * is there is whole, or the disk is broken.
 */
#include "worker/workspace/apply_plan.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/git/tree_entries.h"
#include "worker/workspace/beneath.h"
#include "worker/workspace/path_safety.h"

#define MAGIC "forge-apply 1\n"
#define MAGIC_BYTES (sizeof(MAGIC) - 1)
#define FORM "(ayayayayayta(uayayayuut))"
#define MODE_TREE 0040000u
#define MODE_SYMLINK 0120000u
#define MODE_GITLINK 0160000u

/* One tree, read: entries whose names are in the object. */
struct side {
	git_odb_object *object;
	GArray *entries;
};

static void step_clear(gpointer pointer)
{
	g_free(((struct apply_step *)pointer)->path);
}

static struct apply_plan *plan_new(void)
{
	struct apply_plan *plan = g_new0(struct apply_plan, 1);

	plan->steps = g_array_new(FALSE, TRUE, sizeof(struct apply_step));
	g_array_set_clear_func(plan->steps, step_clear);
	return plan;
}

void apply_plan_free(struct apply_plan *plan)
{
	if (plan == NULL)
		return;
	g_free(plan->component);
	g_free(plan->folder);
	g_free(plan->token);
	g_array_unref(plan->steps);
	g_free(plan);
}

struct apply_step *apply_plan_step(const struct apply_plan *plan, guint at)
{
	return &g_array_index(plan->steps, struct apply_step, at);
}

static gboolean read_side(git_odb *odb, const git_oid *tree, struct side *side, GError **error)
{
	if (tree == NULL)
		return TRUE;
	if (git_odb_read(&side->object, odb, tree) < 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "the tree %s", git_oid_tostr_s(tree));
		return FALSE;
	}
	side->entries = tree_entries_parse(
		git_odb_object_data(side->object), git_odb_object_size(side->object), error);
	return side->entries != NULL;
}

static void side_clear(struct side *side)
{
	git_odb_object_free(side->object);
	g_clear_pointer(&side->entries, g_array_unref);
}

static guint side_count(const struct side *side)
{
	return side->entries != NULL ? side->entries->len : 0;
}

static const struct tree_entry *side_at(const struct side *side, guint at)
{
	return &g_array_index(side->entries, struct tree_entry, at);
}

static void add_step(struct apply_plan *plan, enum apply_action action, const char *path,
	const struct tree_entry *from, const struct tree_entry *to)
{
	struct apply_step step = {.action = action, .path = g_strdup(path)};

	if (from != NULL) {
		step.from = from->oid;
		step.from_mode = from->mode;
	}
	if (to != NULL) {
		step.to = to->oid;
		step.to_mode = to->mode;
	}
	g_array_append_val(plan->steps, step);
}

static gboolean compare_trees(struct apply_plan *plan, git_odb *odb, const char *folder,
	const git_oid *from, const git_oid *to, unsigned depth, GError **error);

/* What is at PATH on both sides; either may be NULL. */
static gboolean compare_entries(struct apply_plan *plan, git_odb *odb, const char *path,
	const struct tree_entry *from, const struct tree_entry *to, unsigned depth, GError **error)
{
	gboolean from_tree = from != NULL && from->mode == MODE_TREE;
	gboolean to_tree = to != NULL && to->mode == MODE_TREE;
	const struct tree_entry *old = from_tree ? NULL : from;
	const struct tree_entry *new = to_tree ? NULL : to;

	if ((from_tree || to_tree) &&
		!compare_trees(plan, odb, path, from_tree ? &from->oid : NULL,
			to_tree ? &to->oid : NULL, depth + 1, error))
		return FALSE;
	if (old == NULL && new == NULL)
		return TRUE;
	if (old == NULL)
		add_step(plan, APPLY_PLACE, path, NULL, new);
	else if (new == NULL)
		add_step(plan, APPLY_REMOVE, path, old, NULL);
	else if (!git_oid_equal(&old->oid, &new->oid) ||
		(old->mode != new->mode &&
			(old->mode == MODE_SYMLINK || new->mode == MODE_SYMLINK)))
		add_step(plan, APPLY_EXCHANGE, path, old, new);
	else if (old->mode != new->mode)
		add_step(plan, APPLY_MODE, path, old, new);
	return TRUE;
}

static gboolean check_entry(const char *path, const struct tree_entry *entry, GError **error)
{
	g_autofree char *shown = path_safety_shown(path);
	const char *fault = path_safety_fault(entry->name);

	if (fault != NULL)
		g_set_error(
			error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED, "%s: %s", shown, fault);
	else if (entry->mode == MODE_GITLINK)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
			"%s: a submodule; components cannot hold any", shown);
	else
		return TRUE;
	return FALSE;
}

static gboolean compare_sides(struct apply_plan *plan, git_odb *odb, const char *folder,
	const struct side *from, const struct side *to, unsigned depth, GError **error)
{
	g_autoptr(GHashTable) olds = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (guint i = 0; i < side_count(from); i++)
		g_hash_table_insert(
			olds, (gpointer)side_at(from, i)->name, (gpointer)side_at(from, i));
	for (guint i = 0; i < side_count(to) + side_count(from); i++) {
		gboolean is_new = i < side_count(to);
		const struct tree_entry *entry = is_new ? side_at(to, i)
							: side_at(from, i - side_count(to));
		const struct tree_entry *old = g_hash_table_lookup(olds, entry->name);
		g_autofree char *path = *folder != '\0'
			? g_strconcat(folder, "/", entry->name, NULL)
			: g_strdup(entry->name);

		if (!is_new && old == NULL)
			continue;
		if (!check_entry(path, entry, error) ||
			!compare_entries(plan, odb, path, old, is_new ? entry : NULL, depth, error))
			return FALSE;
		g_hash_table_remove(olds, entry->name);
	}
	return TRUE;
}

static gboolean compare_trees(struct apply_plan *plan, git_odb *odb, const char *folder,
	const git_oid *from, const git_oid *to, unsigned depth, GError **error)
{
	struct side old = {0};
	struct side new = {0};
	gboolean good;

	if (from != NULL && to != NULL && git_oid_equal(from, to))
		return TRUE;
	if (depth > LIMIT_TREE_DEPTH || plan->steps->len > 2 * LIMIT_FOLDER_ENTRIES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"more than %d directories within each other, or %d files", LIMIT_TREE_DEPTH,
			2 * LIMIT_FOLDER_ENTRIES);
		return FALSE;
	}
	good = read_side(odb, from, &old, error) && read_side(odb, to, &new, error) &&
		compare_sides(plan, odb, folder, &old, &new, depth, error);
	side_clear(&old);
	side_clear(&new);
	return good;
}

struct apply_plan *apply_plan_new(
	git_repository *repository, const git_oid *from, const git_oid *to, GError **error)
{
	scoped(apply_plan) plan = plan_new();
	git_odb *odb;
	gboolean good;

	plan->has_from = from != NULL;
	plan->has_to = to != NULL;
	if (from != NULL)
		plan->from = *from;
	if (to != NULL)
		plan->to = *to;
	if (git_repository_odb(&odb, repository) < 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open the object database");
		return NULL;
	}
	good = compare_trees(plan, odb, "", from, to, 0, error);
	git_odb_free(odb);
	return good ? g_steal_pointer(&plan) : NULL;
}

static GVariant *pack_oid(const git_oid *oid, gboolean is_there)
{
	return g_variant_new_fixed_array(
		G_VARIANT_TYPE_BYTE, oid->id, is_there ? GIT_OID_RAWSZ : 0, 1);
}

static gboolean unpack_oid(GVariant *packed, git_oid *oid)
{
	gsize size;
	const void *bytes = g_variant_get_fixed_array(packed, &size, 1);

	if (size == GIT_OID_RAWSZ)
		memcpy(oid->id, bytes, GIT_OID_RAWSZ);
	return size == GIT_OID_RAWSZ;
}

GBytes *apply_plan_pack(const struct apply_plan *plan)
{
	GVariantBuilder steps;
	g_autoptr(GVariant) packed = NULL;
	GByteArray *file = g_byte_array_new();
	struct hash sum;

	g_variant_builder_init(&steps, G_VARIANT_TYPE("a(uayayayuut)"));
	for (guint i = 0; i < plan->steps->len; i++) {
		const struct apply_step *step = apply_plan_step(plan, i);

		g_variant_builder_add(&steps, "(u@ay@ay@ayuut)", (guint32)step->action,
			g_variant_new_bytestring(step->path),
			pack_oid(&step->from, step->from_mode != 0),
			pack_oid(&step->to, step->to_mode != 0), step->from_mode, step->to_mode,
			(guint64)step->inode);
	}
	packed = g_variant_ref_sink(g_variant_new("(@ay@ay@ay@ay@ayt@a(uayayayuut))",
		g_variant_new_bytestring(plan->component), g_variant_new_bytestring(plan->folder),
		g_variant_new_bytestring(plan->token), pack_oid(&plan->from, plan->has_from),
		pack_oid(&plan->to, plan->has_to), (guint64)plan->stage_inode,
		g_variant_builder_end(&steps)));
	sum = hash_chain(NULL, g_variant_get_data(packed), g_variant_get_size(packed));
	g_byte_array_append(file, (const guint8 *)MAGIC, MAGIC_BYTES);
	g_byte_array_append(file, sum.bytes, HASH_BYTES);
	g_byte_array_append(file, g_variant_get_data(packed), (guint)g_variant_get_size(packed));
	return g_byte_array_free_to_bytes(file);
}

static gboolean unpack_step(struct apply_plan *plan, GVariant *packed)
{
	struct apply_step step = {0};
	g_autoptr(GVariant) path = NULL;
	g_autoptr(GVariant) from = NULL;
	g_autoptr(GVariant) to = NULL;
	guint32 action;
	guint64 inode;

	g_variant_get(packed, "(u@ay@ay@ayuut)", &action, &path, &from, &to, &step.from_mode,
		&step.to_mode, &inode);
	step.action = (enum apply_action)action;
	step.inode = inode;
	if (action > APPLY_MODE || !beneath_is_clean(g_variant_get_bytestring(path)) ||
		unpack_oid(from, &step.from) != (step.from_mode != 0) ||
		unpack_oid(to, &step.to) != (step.to_mode != 0))
		return FALSE;
	step.path = g_strdup(g_variant_get_bytestring(path));
	g_array_append_val(plan->steps, step);
	return TRUE;
}

struct apply_plan *apply_plan_unpack(const void *data, size_t size)
{
	scoped(apply_plan) plan = plan_new();
	g_autoptr(GVariant) packed = NULL;
	g_autoptr(GVariant) from = NULL;
	g_autoptr(GVariant) to = NULL;
	g_autoptr(GVariant) steps = NULL;
	g_autoptr(GBytes) bytes = NULL;
	const char *at = data;
	guint64 inode;

	if (size < MAGIC_BYTES + HASH_BYTES || memcmp(at, MAGIC, MAGIC_BYTES) != 0)
		return NULL;
	at += MAGIC_BYTES + HASH_BYTES;
	size -= MAGIC_BYTES + HASH_BYTES;
	struct hash sum = hash_chain(NULL, at, size);
	if (memcmp(sum.bytes, at - HASH_BYTES, HASH_BYTES) != 0)
		return NULL;
	bytes = g_bytes_new(at, size);
	packed = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(FORM), bytes, FALSE));
	if (!g_variant_is_normal_form(packed))
		return NULL;
	g_variant_get(packed, "(^ay^ay^ay@ay@ayt@a(uayayayuut))", &plan->component, &plan->folder,
		&plan->token, &from, &to, &inode, &steps);
	plan->stage_inode = inode;
	plan->has_from = unpack_oid(from, &plan->from);
	plan->has_to = unpack_oid(to, &plan->to);
	for (gsize i = 0; i < g_variant_n_children(steps); i++) {
		g_autoptr(GVariant) step = g_variant_get_child_value(steps, i);

		if (!unpack_step(plan, step))
			return NULL;
	}
	return beneath_is_clean(plan->folder) ? g_steal_pointer(&plan) : NULL;
}
