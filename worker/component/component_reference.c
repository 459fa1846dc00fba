/*
 * What people type to name a component.
 *
 * `@` and `#` stand in addresses, tags and branches too, so the order of looking matters: first
 * whether there is an address with `#`, since only there an `@` may stand before the component;
 * then the first `@` behind the component begins the constraint, and all that follows belongs to it
 * (`lookup@lookup@1.2.3` asks for the tag `lookup@1.2.3`).
 */
#include "worker/component/component_reference.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/printable.h"
#include "journal/base/secret.h"
#include "worker/component/component_name.h"

void component_reference_free(struct component_reference *reference)
{
	if (!reference)
		return;
	g_free(reference->repository);
	g_free(reference->component);
	component_constraint_free(reference->constraint);
	g_free(reference);
}

static gpointer refuse(GError **error, const char *text, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Refuses TEXT, which is quoted unless it may hold a secret. */
static gpointer refuse(GError **error, const char *text, const char *format, ...)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *shown = printable_text(valid);
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	if (secret_in_address(text))
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s", message);
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "'%s': %s", shown,
			message);
	return NULL;
}

static gboolean is_path(const char *text)
{
	return *text == '/' || *text == '~' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
		g_str_has_prefix(text, "./") || g_str_has_prefix(text, "../");
}

/* `git@host:owner/name`: a user before the first of colons, slashes and further `@`. */
static gboolean has_login(const char *text)
{
	size_t user = strcspn(text, "/:@");
	size_t host = text[user] == '@' ? strcspn(text + user + 1, "/:@") : 0;

	return user > 0 && host > 0 && text[user + 1 + host] == ':';
}

static gboolean is_address(const char *text)
{
	return strstr(text, "://") || is_path(text) || has_login(text);
}

/* Whether what stands before a `#` can be a repository, rather than a component and a part of its
 * constraint. */
static gboolean can_precede(const char *text)
{
	return is_address(text) || (!strchr(text, '@') && strpbrk(text, "/:"));
}

static gboolean begins_with_name(const char *text)
{
	g_autofree char *name = g_strndup(text, strcspn(text, "@"));

	return component_name_wrong(name) == NULL;
}

/*
 * The `#` of `ADDRESS#COMPONENT` in TEXT, or NULL: the first behind which a component's name
 * stands, else the last, whose error will say what is wrong with the name.
 */
static const char *find_hash(const char *text)
{
	const char *last = NULL;

	for (const char *hash = strchr(text, '#'); hash; hash = strchr(hash + 1, '#')) {
		g_autofree char *before = g_strndup(text, (gsize)(hash - text));

		if (!can_precede(before))
			continue;
		if (begins_with_name(hash + 1))
			return hash;
		last = hash;
	}
	return last;
}

/* Number of SIZE bytes at TEXT that are slashes. */
static unsigned count_slashes(const char *text, size_t size)
{
	unsigned count = 0;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '/';
	return count;
}

/* `HOST/OWNER/NAME/COMPONENT` or `COMPONENT`, without what follows an `@`. */
static gboolean split_short(
	struct component_reference *reference, const char *whole, const char *text, GError **error)
{
	const char *slash = strrchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : 0;

	if (slash && (count_slashes(text, size) < 2 || strstr(text, "//"))) {
		refuse(error, whole,
			"expected COMPONENT, HOST/OWNER/NAME/COMPONENT or ADDRESS#COMPONENT");
		return FALSE;
	}
	reference->repository = slash ? g_strndup(text, size) : NULL;
	reference->component = g_strdup(slash ? slash + 1 : text);
	return TRUE;
}

static gboolean split(struct component_reference *reference, const char *text,
	const char **constraint, GError **error)
{
	const char *hash = find_hash(text);
	const char *rest = hash ? hash + 1 : text;
	g_autofree char *named = NULL;

	if (!hash && is_address(text)) {
		refuse(error, text, "names no component; write ADDRESS#COMPONENT");
		return FALSE;
	}
	named = g_strndup(rest, strcspn(rest, "@"));
	*constraint = rest[strlen(named)] == '@' ? rest + strlen(named) + 1 : NULL;
	if (!hash)
		return split_short(reference, text, named, error);
	reference->repository = g_strndup(text, (gsize)(hash - text));
	reference->component = g_steal_pointer(&named);
	return TRUE;
}

struct component_reference *component_reference_parse(const char *text, GError **error)
{
	scoped(component_reference) reference = g_new0(struct component_reference, 1);
	g_autoptr(GError) failure = NULL;
	const char *constraint = NULL;
	const char *wrong;

	if (strlen(text) > LIMIT_URL_BYTES)
		return refuse(error, "", "the name of a component is too long");
	if (*text == '\0')
		return refuse(error, text, "names no component");
	if (!split(reference, text, &constraint, error))
		return NULL;
	wrong = reference->repository ? component_repository_wrong(reference->repository) : NULL;
	if (wrong)
		return refuse(error, text, "the repository %s", wrong);
	wrong = component_name_wrong(reference->component);
	if (wrong)
		return refuse(error, text, "the component's name %s", wrong);
	if (constraint && *constraint == '\0')
		return refuse(error, text, "nothing stands behind the '@'");
	reference->constraint = component_constraint_parse(constraint, &failure);
	if (!reference->constraint)
		return refuse(error, text, "behind the '@': %s", failure->message);
	return g_steal_pointer(&reference);
}

char *component_reference_constraint(const struct component_reference *reference)
{
	const struct component_constraint *constraint = reference->constraint;

	/* The id of a commit is kept without its `@`. */
	return g_strconcat(constraint->kind == CONSTRAINT_COMMIT ? "@" : "",
		constraint->text ? constraint->text : "", NULL);
}

char *component_reference_typed(const char *repository, const char *name, const char *constraint)
{
	gboolean constrained = constraint && *constraint;
	g_autofree char *text = g_strconcat(repository, is_address(repository) ? "#" : "/", name,
		constrained ? "@" : "", constrained ? constraint : "", NULL);

	return strpbrk(text, " \t'\"\\<>|&;()$`*?[!^") || *text == '~' ? g_shell_quote(text)
								       : g_strdup(text);
}
