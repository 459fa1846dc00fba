/*
 * Is a component what a component must be? All that is wrong is told at once, since whoever
 * corrects a file wants to do it in one go.
 *
 * What cannot be read ends the look at that file, not at the others.
 */
#include "worker/sync/component_validity.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/printable.h"
#include "worker/document/json_schema.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_texts.h"
#include "worker/workspace/workspace_repository.h"

#define COMPONENT_YAML "component.yaml"
#define SCHEMA_JSON "schema.json"
#define CONFIG "#/properties/config"

static void add_problem(GPtrArray *problems, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	g_ptr_array_add(problems, printable_text(valid));
}

/* A problem is noted and forgotten; what is no problem of the component's is the caller's error. */
static gboolean take(GPtrArray *problems, GError *take_problem, GError **error)
{
	enum forge_error code;

	if (!take_problem)
		return TRUE;
	code = forge_error_code(take_problem);
	if (code != FORGE_ERROR_VALIDATION_FAILED && code != FORGE_ERROR_TOO_LARGE) {
		g_propagate_error(error, take_problem);
		return FALSE;
	}
	add_problem(problems, take_problem->message);
	g_error_free(take_problem);
	return TRUE;
}

static gboolean check_file(
	git_repository *repository, const git_oid *tree, GPtrArray *problems, GError **error)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
	GError *problem = NULL;
	scoped(component_file) file = component_texts_file(repository, tree, found, &problem);

	if (!file && !problem)
		add_problem(problems, COMPONENT_YAML ": is missing");
	for (guint i = 0; i < found->len; i++)
		add_problem(problems, found->pdata[i]);
	if (found->len > 0)
		g_clear_error(&problem);
	return take(problems, problem, error);
}

static struct value *read_document(git_repository *repository, const git_oid *tree,
	const char *path, enum document_format format, GError **error)
{
	const struct document_origin origin = {path, FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GBytes) bytes = component_texts_read(repository, tree, path, error);
	const char *text;
	gsize size;

	if (!bytes)
		return NULL;
	text = g_bytes_get_data(bytes, &size);
	return document_parse(format, &origin, text ? text : "", size, error);
}

static void check_config(const struct json_schema *schema, const struct value *config,
	GPtrArray *problems, GError **problem)
{
	g_autoptr(GPtrArray) findings = schema_findings_new();

	json_schema_check(schema, CONFIG, config, "config", findings, problem);
	for (guint i = 0; i < findings->len; i++) {
		g_autofree char *finding = schema_finding_text(findings->pdata[i]);
		g_autofree char *text = g_strconcat(COMPONENT_YAML ": ", finding, NULL);

		add_problem(problems, text);
	}
}

static gboolean check_schema(
	git_repository *repository, const git_oid *tree, GPtrArray *problems, GError **error)
{
	static const struct document_origin origin = {SCHEMA_JSON, FORGE_ERROR_VALIDATION_FAILED};
	GError *problem = NULL;
	scoped(value)
		document = read_document(repository, tree, SCHEMA_JSON, DOCUMENT_JSON, &problem);
	scoped(json_schema) schema = document ? json_schema_new(document, &origin, &problem) : NULL;
	scoped(value) whole = NULL;
	const struct value *config;

	if (!schema || !json_schema_has(schema, CONFIG))
		return take(problems, problem, error);
	/* What is wrong elsewhere in the file was told, and hides nothing here. */
	whole = read_document(repository, tree, COMPONENT_YAML, DOCUMENT_YAML, NULL);
	config = whole && value_kind(whole) == VALUE_MAP ? value_get(whole, "config") : NULL;
	if (config && value_kind(config) == VALUE_MAP)
		check_config(schema, config, problems, &problem);
	return take(problems, problem, error);
}

gboolean component_validity(
	git_repository *repository, const git_oid *tree, GPtrArray *problems, GError **error)
{
	return check_file(repository, tree, problems, error) &&
		check_schema(repository, tree, problems, error);
}

/* A problem without the line it is on, which a change moves. */
static const char *without_line(const char *problem)
{
	const char *colon = strchr(problem, ':');
	const char *rest = colon ? colon + 1 : problem;

	while (g_ascii_isdigit(*rest))
		rest++;
	return colon && rest > colon + 1 && *rest == ':' ? rest : problem;
}

static gboolean has_problem(const GPtrArray *problems, const char *problem)
{
	for (guint i = 0; i < problems->len; i++)
		if (strcmp(without_line(problems->pdata[i]), without_line(problem)) == 0)
			return TRUE;
	return FALSE;
}

gboolean component_validity_broken(git_repository *repository, const git_oid *before, size_t n,
	const git_oid *after, const char *file, char **problem, GError **error)
{
	g_autoptr(GPtrArray) old = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) new = g_ptr_array_new_with_free_func(g_free);

	*problem = NULL;
	if (!component_validity(repository, after, new, error))
		return FALSE;
	for (size_t i = 0; i<n &&new->len> 0; i++)
		if (!git_oid_is_zero(&before[i]) &&
			!component_validity(repository, &before[i], old, error))
			return FALSE;
	for (guint i = 0; i < new->len && !*problem; i++)
		if ((!file || g_str_has_prefix(new->pdata[i], file)) &&
			!has_problem(old, new->pdata[i]))
			*problem = g_strdup(new->pdata[i]);
	return TRUE;
}

GPtrArray *component_validity_of(const char *root, const char *tree, GError **error)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	git_repository *repository;
	gboolean ok;
	git_oid oid;

	if (!*tree) {
		add_problem(problems, "it has no folder");
		return g_steal_pointer(&problems);
	}
	git_library_start();
	repository = workspace_repository_open(root, error);
	ok = repository != NULL;
	if (ok && git_oid_fromstr(&oid, tree) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%.50s is no tree", tree);
		ok = FALSE;
	}
	ok = ok && component_validity(repository, &oid, problems, error);
	git_repository_free(repository);
	git_library_stop();
	return ok ? g_steal_pointer(&problems) : NULL;
}
