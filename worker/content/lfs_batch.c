/*
 * The two messages of git-lfs's batch API, as far as a question needs them: nothing is downloaded.
 *
 * An object is there if the server says where to get it, and missing if it says so by 404, 410 or
 * 422 (other size than the pointer's). Any other code of an object is a failure of the question:
 * who may not read, or asks too often, has not learnt that the object is missing.
 */
#include "worker/content/lfs_batch.h"

#include <string.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "worker/remote/http.h"

char *lfs_batch_request(const struct lfs_pointer *const *objects, size_t n)
{
	scoped(value) request = value_new_map();
	struct value *transfers = value_new_list();
	struct value *list = value_new_list();

	for (size_t i = 0; i < n; i++) {
		struct value *object = value_new_map();

		value_put_string(object, "oid", objects[i]->oid);
		value_put_integer(object, "size", objects[i]->size);
		value_append_take(list, object);
	}
	value_append_take(transfers, value_new_string("basic"));
	value_put_string(request, "operation", "download");
	value_put_take(request, "transfers", transfers);
	value_put_take(request, "objects", list);
	value_put_string(request, "hash_algo", "sha256");
	return document_write_json(request, DOCUMENT_COMPACT);
}

/* The member KEY of MAP if it is of KIND, else NULL. */
static const struct value *member(const struct value *map, const char *key, enum value_kind kind)
{
	const struct value *value = value_kind(map) == VALUE_MAP ? value_get(map, key) : NULL;

	return value && value_kind(value) == kind ? value : NULL;
}

static gboolean fail(const char *name, const char *why, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR, "%s: git-lfs's answer %s", name,
		why);
	return FALSE;
}

/* What the server says of one object. */
static gboolean read_object(
	const char *name, const struct value *object, gboolean *present, GError **error)
{
	const struct value *failure = member(object, "error", VALUE_MAP);
	const struct value *status = failure ? member(failure, "code", VALUE_INTEGER) : NULL;
	const struct value *actions = member(object, "actions", VALUE_MAP);
	enum forge_error code;

	*present = !failure && actions && member(actions, "download", VALUE_MAP);
	if (!failure)
		return TRUE;
	if (!status)
		return fail(name, "has an error without a code", error);
	switch (value_integer(status)) {
	case 404:
	case 410:
	case 422:
		return TRUE;
	default:
		break;
	}
	if (value_integer(status) < 300 || value_integer(status) > 599 ||
		!http_status_error((int)value_integer(status), FALSE, &code))
		code = FORGE_ERROR_PROTOCOL_ERROR;
	g_set_error(error, FORGE_ERROR, (gint)code, "%s: git-lfs answers %d for an object", name,
		(int)value_integer(status));
	return FALSE;
}

/* oid → the server's object, borrowed from LIST. */
static GHashTable *objects_by_oid(const struct value *list)
{
	GHashTable *objects = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (size_t i = 0; i < value_count(list); i++) {
		const struct value *oid = member(value_at(list, i), "oid", VALUE_STRING);

		if (oid)
			g_hash_table_insert(
				objects, (gpointer)value_string(oid), (gpointer)value_at(list, i));
	}
	return objects;
}

gboolean lfs_batch_answer(const char *text, size_t size, const char *name,
	const struct lfs_pointer *const *objects, size_t n, gboolean *present, GError **error)
{
	const struct document_origin origin = {name, FORGE_ERROR_PROTOCOL_ERROR};
	scoped(value) answer = document_parse(DOCUMENT_JSON, &origin, text, size, error);
	const struct value *list = answer ? member(answer, "objects", VALUE_LIST) : NULL;
	g_autoptr(GHashTable) known = list ? objects_by_oid(list) : NULL;

	if (!answer)
		return FALSE;
	if (!list)
		return fail(name, "has no list of objects", error);
	for (size_t i = 0; i < n; i++) {
		const struct value *object = g_hash_table_lookup(known, objects[i]->oid);

		if (!object)
			return fail(name, "leaves out an object that was asked for", error);
		if (!read_object(name, object, &present[i], error))
			return FALSE;
	}
	return TRUE;
}
