/*
 * `forge plumbing OP`: the pure parts, for scripts and conformance suites. A line of JSON in, a
 * line of JSON out, in order, each handed on before the next is read.
 *
 * A question that is wrong is answered with an error of its own; only input that cannot be read as
 * lines ends the run.
 */
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/handlers.h"
#include "cli/output.h"
#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/tree_merge.h"

/* The repository of the question before: suites ask thousands of the same one. */
struct bench {
	git_repository *repository;
	char *folder;
};

static gboolean fail_with_git(GError **error, const char *what, const char *on)
{
	const git_error *problem = git_error_last();
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s '%s': %s", what, on,
		problem ? problem->message : "unknown error");
	return FALSE;
}

static gboolean open_repository(struct bench *bench, const char *folder, GError **error)
{
	if (g_strcmp0(bench->folder, folder) == 0)
		return TRUE;
	git_repository *repository;
	if (git_repository_open(&repository, folder) != 0)
		return fail_with_git(error, "repository", folder);
	git_repository_free(bench->repository);
	g_free(bench->folder);
	bench->repository = repository;
	bench->folder = g_strdup(folder);
	return TRUE;
}

static gboolean find_commit(
	git_repository *repository, const char *name, git_oid *oid, GError **error)
{
	git_object *object;
	if (git_revparse_single(&object, repository, name) != 0)
		return fail_with_git(error, "commit", name);
	git_object *commit;
	int peeled = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	git_object_free(object);
	if (peeled != 0)
		return fail_with_git(error, "commit", name);
	git_oid_cpy(oid, git_object_id(commit));
	git_object_free(commit);
	return TRUE;
}

static const char *text_member(const struct value *question, const char *key, GError **error)
{
	const struct value *member = value_get(question, key);
	if (member && value_kind(member) == VALUE_STRING)
		return value_string(member);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s: expected text", key);
	return NULL;
}

static void put_merge(struct value *answer, const struct tree_merge *merge)
{
	if (merge->clean) {
		char tree[GIT_OID_HEXSZ + 1];
		git_oid_tostr(tree, sizeof tree, &merge->tree);
		value_put_string(answer, "tree", tree);
		return;
	}
	struct value *conflicts = value_new_list();
	for (guint i = 0; i < merge->conflicts->len; i++) {
		const struct merge_conflict *conflict = g_ptr_array_index(merge->conflicts, i);
		struct value *item = value_new_map();
		value_put_string(item, "path", conflict->path);
		value_put_string(item, "type", conflict->type);
		value_append_take(conflicts, item);
	}
	value_put_take(answer, "conflicts", conflicts);
}

static gboolean merge(
	struct bench *bench, const struct value *question, struct value *answer, GError **error)
{
	const char *folder = text_member(question, "repository", error);
	const char *ours_name = folder ? text_member(question, "ours", error) : NULL;
	const char *theirs_name = ours_name ? text_member(question, "theirs", error) : NULL;
	git_oid ours;
	git_oid theirs;
	if (!theirs_name || !open_repository(bench, folder, error) ||
		!find_commit(bench->repository, ours_name, &ours, error) ||
		!find_commit(bench->repository, theirs_name, &theirs, error))
		return FALSE;
	scoped_value(tree_merge) result = {0};
	if (!tree_merge_commits(bench->repository, &ours, &theirs, &result, error))
		return FALSE;
	put_merge(answer, &result);
	return TRUE;
}

static gboolean wants_structured(const struct value *question)
{
	const struct value *structured = value_get(question, "structured");
	return structured && value_kind(structured) == VALUE_BOOLEAN && value_boolean(structured);
}

static struct value *answer_line(struct bench *bench, const char *line, size_t size)
{
	static const struct document_origin origin = {"stdin", FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GError) failure = NULL;
	scoped(value) answer = value_new_map();
	scoped(value) question = document_parse(DOCUMENT_JSON, &origin, line, size, &failure);
	if (question && value_kind(question) != VALUE_MAP)
		g_set_error_literal(
			&failure, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "expected an object");
	if (!failure) {
		const struct value *id = value_get(question, "id");
		if (id)
			value_put_take(answer, "id", value_copy(id));
		if (wants_structured(question))
			value_put_boolean(answer, "unsupported", TRUE);
		else
			merge(bench, question, answer, &failure);
	}
	if (failure)
		value_put_string(answer, "error", failure->message);
	return g_steal_pointer(&answer);
}

static gboolean answer_all(struct bench *bench, GError **error)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	while ((size = getline(&line, &room, stdin)) > 0) {
		if (strspn(line, " \t\r\n") == (size_t)size)
			continue;
		scoped(value) answer = answer_line(bench, line, (size_t)size);
		output_json_line(answer);
		fflush(stdout);
	}
	free(line);
	if (!ferror(stdin))
		return TRUE;
	g_set_error_literal(
		error, FORGE_ERROR, FORGE_ERROR_FAILED, "standard input cannot be read");
	return FALSE;
}

int cmd_plumbing_merge_tree(struct invocation *invocation, GError **error)
{
	(void)invocation;
	git_libgit2_init();
	struct bench bench = {0};
	gboolean answered = answer_all(&bench, error);
	git_repository_free(bench.repository);
	g_free(bench.folder);
	git_libgit2_shutdown();
	return answered ? 0 : 1;
}
