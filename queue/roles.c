/*
 * Who may use a scheduler: a list of public keys with names and roles, in a file that people may
 * edit. A key is all by which a peer over the network is known; its name is what events say.
 */
#include "queue/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/field.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "queue/key_pair.h"

/* The file as a whole. */
struct list {
	GPtrArray *keys; /* of struct identity */
};

struct roles {
	struct list *list;
	GHashTable *by_key; /* borrowed from the list */
};

static const char *const names[] = {"read", "submit", "operate", "worker", NULL};

/* ---- the file's tables -------------------------------------------------------------------- */

static const char *check_key(const char *text)
{
	return key_text_is_valid(text) ? NULL : "expected a public key of 40 characters (Z85)";
}

static const struct field identity_fields[] = {
	{"public_key", FIELD_STRING, offsetof(struct identity, public_key), .required = TRUE,
		.check = check_key},
	{"roles", FIELD_STRINGS, offsetof(struct identity, role_words), .required = TRUE, .min = 1,
		.max = 4, .words = names},
};

static const struct field_table identity_table = {
	.fields = identity_fields,
	.count = G_N_ELEMENTS(identity_fields),
	.size = sizeof(struct identity),
	.name_offset = offsetof(struct identity, name),
};

static const struct field list_fields[] = {
	{"keys", FIELD_NAMED, offsetof(struct list, keys), .max = LIMIT_KEYS,
		.items = &identity_table},
};

static const struct field_table list_table = {
	.fields = list_fields,
	.count = G_N_ELEMENTS(list_fields),
	.size = sizeof(struct list),
};

/* ---- roles -------------------------------------------------------------------------------- */

const char *const *role_names(void)
{
	return names;
}

const char *role_name(enum role role)
{
	switch (role) {
	case ROLE_READ:
		return names[0];
	case ROLE_SUBMIT:
		return names[1];
	case ROLE_OPERATE:
		return names[2];
	case ROLE_WORKER:
		return names[3];
	}
	g_assert_not_reached();
}

static guint with_contained(guint roles)
{
	if (roles & ROLE_OPERATE)
		roles |= ROLE_SUBMIT;
	if (roles & ROLE_SUBMIT)
		roles |= ROLE_READ;
	return roles;
}

/* The words were checked when they were read. */
static guint roles_of(char *const *words)
{
	guint roles = 0;

	for (; words && *words; words++)
		for (guint i = 0; names[i]; i++)
			if (strcmp(names[i], *words) == 0)
				roles |= 1u << i;
	return with_contained(roles);
}

/* ---- reading ------------------------------------------------------------------------------ */

gboolean roles_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= LIMIT_NAME_BYTES && g_ascii_isalnum(name[0]) &&
		strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == length;
}

static gboolean take_identity(struct roles *roles, struct identity *identity,
	const struct document_origin *origin, GError **error)
{
	const struct identity *other = g_hash_table_lookup(roles->by_key, identity->public_key);

	if (!roles_name_is_valid(identity->name)) {
		document_error(error, origin, 0,
			"keys.%.*s: a name has letters, digits, '.', '_' and '-', a letter or "
			"digit first",
			LIMIT_NAME_BYTES, identity->name);
		return FALSE;
	}
	if (other) {
		document_error(error, origin, 0, "keys.%s: has the public key of '%s'",
			identity->name, other->name);
		return FALSE;
	}
	identity->roles = roles_of(identity->role_words);
	g_hash_table_insert(roles->by_key, identity->public_key, identity);
	return TRUE;
}

struct roles *roles_parse(const char *origin_name, const char *text, size_t size, GError **error)
{
	const struct document_origin origin = {origin_name, FORGE_ERROR_CONFIGURATION_INVALID};
	scoped(roles) roles = g_new0(struct roles, 1);
	scoped(value) document = document_parse(DOCUMENT_YAML, &origin, text, size, error);

	if (!document)
		return NULL;
	roles->by_key = g_hash_table_new(hash_string_keyed, g_str_equal);
	roles->list = field_read(&list_table, document, &origin, NULL, error);
	if (!roles->list)
		return NULL;
	for (guint i = 0; i < roles->list->keys->len; i++)
		if (!take_identity(roles, roles->list->keys->pdata[i], &origin, error))
			return NULL;
	return g_steal_pointer(&roles);
}

/* Whoever can write the list is its master. */
static gboolean check_unwritable(const char *path, GError **error)
{
	struct stat status;

	if (stat(path, &status) == 0 && (status.st_mode & 022) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
			"%s says who may use the scheduler, and others than its owner may change it: "
			"`chmod go-w` it",
			path);
		return FALSE;
	}
	return TRUE;
}

struct roles *roles_read(const char *path, GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) failure = NULL;
	gsize size;

	if (!check_unwritable(path, error))
		return NULL;
	if (g_file_get_contents(path, &text, &size, &failure))
		return roles_parse(path, text, size, error);
	if (g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
			"nobody may use this scheduler yet (%s): `forge config keys allow "
			"PUBLIC_KEY --role ROLE --name NAME` says who may",
			path);
	else
		g_set_error_literal(
			error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED, failure->message);
	return NULL;
}

void roles_free(struct roles *roles)
{
	if (!roles)
		return;
	g_clear_pointer(&roles->by_key, g_hash_table_destroy);
	if (roles->list)
		field_free(&list_table, roles->list);
	g_free(roles);
}

/* ---- asking ------------------------------------------------------------------------------- */

char *roles_path(const char *home)
{
	return g_build_filename(home, "keys", "allowed.yaml", NULL);
}

const char *roles_new_text(void)
{
	return "# Who may use this scheduler over the network, by public key. `forge config keys allow` and\n"
	       "# `revoke` change this file, and so may you; a running scheduler reads it again at SIGHUP.\n"
	       "# Roles: read; submit (read, and submit and cancel jobs); operate (submit, and register forks\n"
	       "# and pause the queue); worker (take jobs).\n"
	       "keys: {}\n";
}

const struct identity *roles_find(const struct roles *roles, const char *public_key)
{
	return g_hash_table_lookup(roles->by_key, public_key);
}

const GPtrArray *roles_all(const struct roles *roles)
{
	return roles->list->keys;
}
