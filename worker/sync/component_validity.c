/*
 * Is a component what a component must be? All that is wrong is told at once, since whoever
 * corrects a file wants to do it in one go.
 *
 * The first problem of reading ends the look at one file, not at the others: a broken schema says
 * nothing of component.yaml.
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

static gboolean read_file(git_repository *repository, const git_oid *tree, GPtrArray *problems,
	struct component_file **file, GError **error)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
	GError *problem = NULL;

	*file = component_texts_file(repository, tree, found, &problem);
	if (!*file && !problem)
		add_problem(problems, "component.yaml: is missing");
	for (guint i = 0; i < found->len; i++)
		add_problem(problems, found->pdata[i]);
	if (found->len > 0)
		g_clear_error(&problem);
	return take(problems, problem, error);
}

static struct json_schema *read_schema(
	git_repository *repository, const git_oid *tree, GError **error)
{
	static const struct document_origin origin = {SCHEMA_JSON, FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GBytes) bytes = component_texts_read(repository, tree, SCHEMA_JSON, error);
	scoped(value) document = NULL;
	const char *text;
	gsize size;

	if (!bytes)
		return NULL;
	text = g_bytes_get_data(bytes, &size);
	document = document_parse(DOCUMENT_JSON, &origin, text ? text : "", size, error);
	return document ? json_schema_new(document, &origin, error) : NULL;
}

static void check_config(const struct json_schema *schema, const struct component_file *file,
	GPtrArray *problems, GError **problem)
{
	g_autoptr(GPtrArray) findings = schema_findings_new();

	if (!file->config || !json_schema_has(schema, CONFIG))
		return;
	json_schema_check(schema, CONFIG, file->config, "config", findings, problem);
	for (guint i = 0; i < findings->len; i++) {
		g_autofree char *finding = schema_finding_text(findings->pdata[i]);
		g_autofree char *text = g_strconcat("component.yaml: ", finding, NULL);

		add_problem(problems, text);
	}
}

gboolean component_validity(
	git_repository *repository, const git_oid *tree, GPtrArray *problems, GError **error)
{
	struct component_file *read = NULL;
	scoped(component_file) file = NULL;
	scoped(json_schema) schema = NULL;
	GError *problem = NULL;
	gboolean ok = read_file(repository, tree, problems, &read, error);

	file = read;
	if (!ok)
		return FALSE;
	schema = read_schema(repository, tree, &problem);
	if (schema && file)
		check_config(schema, file, problems, &problem);
	return take(problems, problem, error);
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
