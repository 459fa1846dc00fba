/*
 * A component's commits: bases made from upstream's, local ones made from snapshots.
 *
 * A base commit keeps upstream's subject and people, so that a log reads as upstream's does, and
 * ends in three trailers in a fixed order behind an empty line. Whoever writes upstream's subject
 * can make it look like trailers, but it is one line at the beginning; only the end of the message
 * is read, and that is always ours. Everything in a base follows from its inputs, so a job that is
 * run again makes the same commit.
 *
 * The base before is the parent: then the merge base of local commits and a new base is the old
 * one, without anybody keeping book.
 */
#include "worker/workspace/component_history.h"

#include <git2/sys/commit.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/commit_graph.h"
#include "worker/git/git_library.h"
#include "worker/git/oid_set.h"
#include "worker/workspace/object_copy.h"
#include "worker/workspace/upstream_history.h"

#define REPOSITORY_TRAILER "Forge-Repository: "
#define PATH_TRAILER "Forge-Path: "
#define COMMIT_TRAILER "Forge-Commit: "
/* How the root is written: no folder has this path, and an empty value might be cut off. */
#define ROOT_PATH "."

void upstream_link_clear(struct upstream_link *link)
{
	g_clear_pointer(&link->repository, g_free);
	g_clear_pointer(&link->path, g_free);
	link->commit = (git_oid){{0}};
}

static git_commit *find_commit(git_repository *repository, const git_oid *oid, GError **error)
{
	git_commit *commit = NULL;

	if (git_commit_lookup(&commit, repository, oid) == 0)
		return commit;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot read the commit %s",
		git_oid_tostr_s(oid));
	return NULL;
}

/* ---- base commits ------------------------------------------------------------------------- */

/* The first line of COMMIT's message that says something, cut to LIMIT_SUBJECT_BYTES, without
 * control characters. In the commit's encoding. */
static char *subject_of(const git_commit *commit)
{
	const char *message = git_commit_message(commit);
	GString *subject = g_string_new(NULL);

	while (*message == '\n' || *message == '\r' || *message == ' ' || *message == '\t')
		message++;
	for (; *message && *message != '\n' && subject->len < LIMIT_SUBJECT_BYTES; message++)
		g_string_append_c(subject,
			(unsigned char)*message < 0x20 || *message == 0x7f ? ' ' : *message);
	/* A character that was cut in the middle goes. */
	if (*message && *message != '\n') {
		const char *end;

		if (!g_utf8_validate_len(subject->str, subject->len, &end) &&
			subject->len - (gsize)(end - subject->str) < 4)
			g_string_truncate(subject, (gsize)(end - subject->str));
	}
	g_strchomp(subject->str);
	if (*subject->str == '\0')
		g_string_assign(subject, "(no subject)");
	return g_string_free(subject, FALSE);
}

static gboolean take_trailer(const char **line, const char *trailer, char **value)
{
	const char *end = strchr(*line, '\n');

	if (!end || !g_str_has_prefix(*line, trailer))
		return FALSE;
	*value = g_strndup(*line + strlen(trailer), (gsize)(end - *line) - strlen(trailer));
	*line = end + 1;
	return TRUE;
}

/* Reads the last three lines of MESSAGE, behind an empty one. */
static gboolean parse_trailers(const char *message, struct upstream_link *link)
{
	scoped_value(upstream_link) found = {0};
	g_autofree char *hex = NULL;
	const char *line = message + strlen(message);
	int lines = 0;

	/* LINE goes back to the beginning of the third line from the end. */
	while (line > message && lines < 4) {
		line--;
		lines += *line == '\n';
	}
	if (lines < 4 || line == message || line[-1] != '\n')
		return FALSE;
	line++;
	if (!take_trailer(&line, REPOSITORY_TRAILER, &found.repository) ||
		!take_trailer(&line, PATH_TRAILER, &found.path) ||
		!take_trailer(&line, COMMIT_TRAILER, &hex) || *line != '\0' ||
		strlen(hex) != GIT_OID_HEXSZ || git_oid_fromstr(&found.commit, hex) != 0)
		return FALSE;
	if (strcmp(found.path, ROOT_PATH) == 0)
		*found.path = '\0';
	*link = found;
	found = (struct upstream_link){0};
	return TRUE;
}

gboolean component_history_link(
	git_repository *forge, const git_oid *base, struct upstream_link *link, GError **error)
{
	git_commit *commit = find_commit(forge, base, error);
	gboolean ok;

	if (!commit)
		return FALSE;
	ok = parse_trailers(git_commit_message(commit), link);
	git_commit_free(commit);
	if (!ok)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"commit %s does not say what it stands for", git_oid_tostr_s(base));
	return ok;
}

/* Makes the base for COMMIT with the folder TREE. */
static gboolean write_base(git_repository *forge, const git_commit *commit, const git_oid *tree,
	const char *path, const char *repository, const git_oid *previous, git_oid *base,
	GError **error)
{
	g_autofree char *subject = subject_of(commit);
	g_autofree char *message = g_strdup_printf("%s\n\n" REPOSITORY_TRAILER "%s\n" PATH_TRAILER
						   "%s\n" COMMIT_TRAILER "%s\n",
		subject, repository, *path ? path : ROOT_PATH,
		git_oid_tostr_s(git_commit_id(commit)));
	const git_oid *parents[] = {previous};

	if (git_commit_create_from_ids(base, forge, NULL, git_commit_author(commit),
		    git_commit_committer(commit), git_commit_message_encoding(commit), message,
		    tree, previous ? 1 : 0, parents) == 0)
		return TRUE;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
		"cannot make the base commit for %s", git_oid_tostr_s(git_commit_id(commit)));
	return FALSE;
}

/* TRUE if PREVIOUS stands for that very version of upstream. */
static gboolean stands_for(git_repository *forge, const git_oid *previous, const char *repository,
	const char *path, const git_oid *commit)
{
	scoped_value(upstream_link) link = {0};

	return component_history_link(forge, previous, &link, NULL) &&
		strcmp(link.repository, repository) == 0 && strcmp(link.path, path) == 0 &&
		git_oid_equal(&link.commit, commit);
}

static gboolean repository_is_valid(const char *repository)
{
	gsize size = strlen(repository);

	if (size == 0 || size > LIMIT_URL_BYTES)
		return FALSE;
	for (const char *c = repository; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return FALSE;
	return TRUE;
}

gboolean component_history_import(git_repository *forge, git_repository *upstream,
	const git_oid *upstream_commit, const char *path, const char *repository,
	const git_oid *previous_base, git_oid *base, GError **error)
{
	enum folder_presence presence;
	git_oid tree, known;
	git_commit *commit;
	gboolean ok;

	if (!repository_is_valid(repository)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"the repository's name is empty, too long or has control characters");
		return FALSE;
	}
	if (!upstream_history_tree_at(upstream, upstream_commit, path, &presence, &tree, error))
		return FALSE;
	if (presence != FOLDER_PRESENT) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"%s has no folder '%s' at %.10s%s", repository, path,
			git_oid_tostr_s(upstream_commit),
			presence == FOLDER_IS_NONE ? ": there is a file" : "");
		return FALSE;
	}
	if (previous_base && stands_for(forge, previous_base, repository, path, upstream_commit)) {
		*base = *previous_base;
		return TRUE;
	}
	if (previous_base && !component_history_tree(forge, previous_base, &known, error))
		return FALSE;
	commit = find_commit(upstream, upstream_commit, error);
	ok = commit &&
		object_copy_tree(upstream, forge, &tree, previous_base ? &known : NULL, error) &&
		write_base(forge, commit, &tree, path, repository, previous_base, base, error);
	git_commit_free(commit);
	return ok;
}

gboolean component_history_join(git_repository *forge, const git_oid *base, const git_oid *beside,
	git_oid *joined, GError **error)
{
	git_commit *commit = find_commit(forge, base, error);
	g_autofree const git_oid **parents = NULL;
	unsigned n;
	gboolean made;

	if (!commit)
		return FALSE;
	n = git_commit_parentcount(commit);
	parents = g_new(const git_oid *, n + 1);
	for (unsigned i = 0; i < n; i++)
		parents[i] = git_commit_parent_id(commit, i);
	parents[n] = beside;
	made = git_commit_create_from_ids(joined, forge, NULL, git_commit_author(commit),
		       git_commit_committer(commit), git_commit_message_encoding(commit),
		       git_commit_message_raw(commit), git_commit_tree_id(commit), n + 1,
		       parents) == 0;
	git_commit_free(commit);
	if (!made)
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot make a base commit");
	return made;
}

/* ---- local commits ------------------------------------------------------------------------ */

gboolean component_history_commit(git_repository *forge, const git_oid *tree,
	const git_oid *parents, size_t n_parents, const git_signature *who, const char *message,
	git_oid *commit, GError **error)
{
	g_autofree const git_oid **list = g_new0(const git_oid *, n_parents + 1);
	g_autofree char *text = g_str_has_suffix(message, "\n") ? g_strdup(message)
								: g_strconcat(message, "\n", NULL);

	for (size_t i = 0; i < n_parents; i++)
		list[i] = &parents[i];
	if (git_commit_create_from_ids(
		    commit, forge, NULL, who, who, NULL, text, tree, n_parents, list) == 0)
		return TRUE;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot make a commit");
	return FALSE;
}

gboolean component_history_tree(
	git_repository *forge, const git_oid *oid, git_oid *tree, GError **error)
{
	git_commit *commit = find_commit(forge, oid, error);

	if (!commit)
		return FALSE;
	*tree = *git_commit_tree_id(commit);
	git_commit_free(commit);
	return TRUE;
}

gboolean component_history_empty_tree(git_repository *forge, git_oid *tree, GError **error)
{
	git_treebuilder *empty = NULL;
	gboolean made = git_treebuilder_new(&empty, forge, NULL) == 0 &&
		git_treebuilder_write(tree, empty) == 0;

	git_treebuilder_free(empty);
	if (!made)
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot write the empty tree");
	return made;
}

static void free_entry(gpointer data)
{
	struct history_entry *entry = data;

	g_free(entry->author);
	g_free(entry->subject);
	g_free(entry);
}

static void list_commit(GPtrArray *entries, const git_commit *commit)
{
	struct history_entry *entry = g_new0(struct history_entry, 1);
	g_autofree char *subject = subject_of(commit);

	entry->oid = *git_commit_id(commit);
	entry->tree = *git_commit_tree_id(commit);
	entry->time_s = git_commit_time(commit);
	entry->author = g_utf8_make_valid(git_commit_author(commit)->name, -1);
	entry->subject = g_utf8_make_valid(subject, -1);
	g_ptr_array_add(entries, entry);
}

GPtrArray *component_history_log(git_repository *forge, const git_oid *local, const git_oid *base,
	uint32_t limit, GError **error)
{
	scoped(commit_graph) graph = commit_graph_new(forge, error);
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_entry);
	g_autoptr(GHashTable) beyond = NULL;
	gboolean descends, related;
	git_oid at = *local;

	if (!graph)
		return NULL;
	beyond = commit_graph_beyond(
		graph, base, local, LIMIT_HISTORY_COMMITS, &descends, &related, error);
	if (!beyond)
		return NULL;
	if (limit == 0)
		limit = LIMIT_LOCAL_COMMITS;
	while (entries->len < limit && oid_set_has(beyond, &at)) {
		git_commit *commit = find_commit(forge, &at, error);

		if (!commit)
			return NULL;
		list_commit(entries, commit);
		at = git_commit_parentcount(commit) > 0 ? *git_commit_parent_id(commit, 0)
							: (git_oid){{0}};
		git_commit_free(commit);
	}
	return g_steal_pointer(&entries);
}
