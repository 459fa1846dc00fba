/*
 * Objects read from a repository and objects that are only in memory.
 *
 * Reading a staged object comes first: a virtual merge base's trees name blobs that nobody else
 * has. Objects that were read are kept until they are released, because the merge borrows names and
 * ids out of tree buffers instead of copying them. Objects are written in the order in which they
 * were added: a tree is added after what it names, so a crash between two writes leaves no dangling
 * tree.
 */
#include "worker/git/object_stage.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

struct staged_object {
	git_oid oid;
	git_object_t type;
	GBytes *content;
};

struct object_stage {
	git_odb *odb;
	GHashTable *loaded; /**< git_oid, inside the value → git_odb_object */
	GHashTable *staged; /**< git_oid, inside the value → struct staged_object */
	size_t loaded_bytes;
	GPtrArray *unwritten; /**< of struct staged_object, borrowed from staged */
};

static guint oid_hash(gconstpointer key)
{
	guint hash;

	memcpy(&hash, ((const git_oid *)key)->id, sizeof(hash));
	return hash;
}

static gboolean oid_equal(gconstpointer a, gconstpointer b)
{
	return git_oid_equal(a, b);
}

static void staged_object_free(gpointer pointer)
{
	struct staged_object *object = pointer;

	g_bytes_unref(object->content);
	g_free(object);
}

static void loaded_free(gpointer object)
{
	git_odb_object_free(object);
}

void object_stage_set_error(GError **error, const char *what)
{
	const git_error *last = git_error_last();

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY, "%s: %s", what,
		last != NULL && last->message != NULL ? last->message : "unknown");
}

struct object_stage *object_stage_new(git_repository *repository, GError **error)
{
	git_odb *odb;

	if (git_repository_odb(&odb, repository) < 0) {
		object_stage_set_error(error, "cannot open the object database");
		return NULL;
	}
	struct object_stage *stage = g_new0(struct object_stage, 1);
	stage->odb = odb;
	stage->loaded = g_hash_table_new_full(oid_hash, oid_equal, NULL, loaded_free);
	stage->staged = g_hash_table_new_full(oid_hash, oid_equal, NULL, staged_object_free);
	stage->unwritten = g_ptr_array_new();
	return stage;
}

void object_stage_free(struct object_stage *stage)
{
	if (stage == NULL)
		return;
	g_hash_table_unref(stage->loaded);
	g_ptr_array_unref(stage->unwritten);
	g_hash_table_unref(stage->staged);
	git_odb_free(stage->odb);
	g_free(stage);
}

const void *object_stage_read(struct object_stage *stage, const git_oid *oid, git_object_t type,
	size_t *size, GError **error)
{
	const struct staged_object *staged = g_hash_table_lookup(stage->staged, oid);
	git_odb_object *object;

	if (staged != NULL) {
		g_assert(staged->type == type);
		const void *data = g_bytes_get_data(staged->content, size);
		return data != NULL ? data : "";
	}
	object = g_hash_table_lookup(stage->loaded, oid);
	if (object == NULL) {
		if (git_odb_read(&object, stage->odb, oid) < 0) {
			object_stage_set_error(error, "cannot read an object");
			return NULL;
		}
		g_hash_table_insert(stage->loaded, (gpointer)git_odb_object_id(object), object);
		stage->loaded_bytes += git_odb_object_size(object);
	}
	if (git_odb_object_type(object) != type) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"object %s is a %s, not a %s", git_oid_tostr_s(oid),
			git_object_type2string(git_odb_object_type(object)),
			git_object_type2string(type));
		return NULL;
	}
	*size = git_odb_object_size(object);
	return git_odb_object_data(object);
}

void object_stage_release(struct object_stage *stage, const git_oid *oid)
{
	git_odb_object *object = g_hash_table_lookup(stage->loaded, oid);

	if (object == NULL)
		return;
	stage->loaded_bytes -= git_odb_object_size(object);
	g_hash_table_remove(stage->loaded, oid);
}

void object_stage_reset(struct object_stage *stage)
{
	g_ptr_array_set_size(stage->unwritten, 0);
	g_hash_table_remove_all(stage->staged);
	if (stage->loaded_bytes > LIMIT_OBJECTS_KEPT_BYTES) {
		g_hash_table_remove_all(stage->loaded);
		stage->loaded_bytes = 0;
	}
}

gboolean object_stage_size(
	struct object_stage *stage, const git_oid *oid, size_t *size, GError **error)
{
	const struct staged_object *staged = g_hash_table_lookup(stage->staged, oid);
	git_object_t type;

	if (staged != NULL) {
		*size = g_bytes_get_size(staged->content);
		return TRUE;
	}
	if (git_odb_read_header(size, &type, stage->odb, oid) < 0) {
		object_stage_set_error(error, "cannot read an object's size");
		return FALSE;
	}
	return TRUE;
}

gboolean object_stage_add(struct object_stage *stage, git_object_t type, const void *data,
	size_t size, git_oid *oid, GError **error)
{
	struct staged_object *object;

	if (git_odb_hash(oid, data, size, type) < 0) {
		object_stage_set_error(error, "cannot hash an object");
		return FALSE;
	}
	object = g_hash_table_lookup(stage->staged, oid);
	if (object == NULL) {
		object = g_new(struct staged_object, 1);
		object->oid = *oid;
		object->type = type;
		object->content = g_bytes_new(data, size);
		g_hash_table_insert(stage->staged, &object->oid, object);
	}
	g_ptr_array_add(stage->unwritten, object);
	return TRUE;
}

void object_stage_forget_added(struct object_stage *stage)
{
	g_ptr_array_set_size(stage->unwritten, 0);
}

gboolean object_stage_write(struct object_stage *stage, GError **error)
{
	for (guint i = 0; i < stage->unwritten->len; i++) {
		const struct staged_object *object = stage->unwritten->pdata[i];
		git_oid oid;
		gsize size;
		const void *data = g_bytes_get_data(object->content, &size);

		if (git_odb_write(&oid, stage->odb, data != NULL ? data : "", size, object->type) <
			0) {
			object_stage_set_error(error, "cannot write an object");
			return FALSE;
		}
	}
	g_ptr_array_set_size(stage->unwritten, 0);
	return TRUE;
}
