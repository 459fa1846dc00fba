/*
 * Before a push: does the fork's server have what the pushed tree needs and git does not carry?
 *
 * A push of LFS pointers or gitlinks succeeds without their content, and the fork is broken for
 * whoever clones it. So what is new in the tree is collected, asked for, and named if it is
 * missing. What the fork's tip refers to already is not asked for: its absence is no news, and not
 * ours to report.
 *
 * The tree is a stranger's. It chooses which objects and which repositories of the fork's own
 * server are asked for, within the limits, and nothing else: no address in it is followed to
 * another server.
 */
#include "worker/content/content_check.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/base/printable.h"
#include "worker/content/config_text.h"
#include "worker/git/git_library.h"
#include "worker/content/gitmodules.h"
#include "worker/content/lfs_server.h"
#include "worker/content/new_content.h"
#include "worker/remote/transfer.h"

enum answer {
	ANSWER_UNKNOWN,
	ANSWER_PRESENT,
	ANSWER_MISSING,
};

struct content_check {
	const struct config *config;
	struct http *http;
	const struct remote *upstream;
	const struct remote *fork;
	GHashTable *objects;      /* LFS oid → enum answer */
	GHashTable *repositories; /* URL → enum answer */
	gboolean lacks_lfs;       /* the server has no git-lfs at all */
};

struct content_check *content_check_new(const struct config *config, struct http *http,
	const struct remote *upstream, const struct remote *fork)
{
	struct content_check *check = g_new0(struct content_check, 1);

	check->config = config;
	check->http = http;
	check->upstream = upstream;
	check->fork = fork;
	check->objects = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	check->repositories = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	return check;
}

void content_check_free(struct content_check *check)
{
	if (!check)
		return;
	g_hash_table_unref(check->objects);
	g_hash_table_unref(check->repositories);
	g_free(check);
}

static enum answer known(GHashTable *answers, const char *key)
{
	return (enum answer)GPOINTER_TO_INT(g_hash_table_lookup(answers, key));
}

static void note(GHashTable *answers, const char *key, gboolean present)
{
	g_hash_table_insert(
		answers, g_strdup(key), GINT_TO_POINTER(present ? ANSWER_PRESENT : ANSWER_MISSING));
}

/* ---- what is missing ---------------------------------------------------------------------- */

/* Names for an error: the first few, and the count of all. */
struct findings {
	GString *named;
	guint count;
};

static void findings_clear(struct findings *findings)
{
	g_string_free(findings->named, TRUE);
}
SCOPED_VALUE(findings, findings_clear)

/* NAME is bytes of a tree; DETAIL (may be NULL) follows it in brackets. */
static void add_finding(struct findings *findings, const char *name, const char *detail)
{
	g_autofree char *whole = detail ? g_strdup_printf("%s (%s)", name, detail) : g_strdup(name);
	g_autofree char *valid = g_utf8_make_valid(whole, -1);
	g_autofree char *shown = printable_text(valid);

	if (findings->count++ < LIMIT_CONTENT_NAMED)
		g_string_append_printf(
			findings->named, "%s%s", findings->named->len > 0 ? ", " : "", shown);
}

static void end_findings(struct findings *findings)
{
	if (findings->count > LIMIT_CONTENT_NAMED)
		g_string_append_printf(
			findings->named, " and %u more", findings->count - LIMIT_CONTENT_NAMED);
}

/* ---- files at the root -------------------------------------------------------------------- */

/* The file ID called NAME, which must not be larger than any of its kind. */
static gboolean read_blob(
	git_repository *git, const git_oid *id, const char *name, git_blob **blob, GError **error)
{
	git_odb *odb = NULL;
	git_object_t type;
	size_t size = 0;
	gboolean done = git_repository_odb(&odb, git) == 0 &&
		git_odb_read_header(&size, &type, odb, id) == 0 &&
		(size > LIMIT_CONFIG_TEXT_BYTES || git_blob_lookup(blob, git, id) == 0);

	git_odb_free(odb);
	if (!done)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s cannot be read", name);
	else if (!*blob)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "%s has more than %d bytes",
			name, LIMIT_CONFIG_TEXT_BYTES);
	return *blob != NULL;
}

/* The file NAME at the root of the tree ID; *BLOB is NULL if there is none. */
static gboolean read_file(
	git_repository *git, const git_oid *id, const char *name, git_blob **blob, GError **error)
{
	git_tree *tree = NULL;
	const git_tree_entry *entry;
	gboolean done = TRUE;

	*blob = NULL;
	if (git_tree_lookup(&tree, git, id) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "tree %s cannot be read",
			git_oid_tostr_s(id));
		return FALSE;
	}
	entry = git_tree_entry_byname(tree, name);
	if (entry && git_tree_entry_type(entry) == GIT_OBJECT_BLOB &&
		git_tree_entry_filemode(entry) != GIT_FILEMODE_LINK)
		done = read_blob(git, git_tree_entry_id(entry), name, blob, error);
	git_tree_free(tree);
	return done;
}

/* ---- git-lfs ------------------------------------------------------------------------------ */

static gboolean note_lfs_url(const char *section, const char *subsection, const char *key,
	const char *value, gpointer user_data)
{
	gboolean *elsewhere = user_data;

	if (strcmp(section, "lfs") == 0 && !subsection && strcmp(key, "url") == 0)
		*elsewhere = value && strstr(value, "://");
	return TRUE;
}

/* Whether the tree itself says that its objects are on one server, whoever forks it. */
static gboolean find_lfs_url(
	git_repository *git, const git_oid *tree, gboolean *elsewhere, GError **error)
{
	git_blob *blob = NULL;

	*elsewhere = FALSE;
	if (!read_file(git, tree, ".lfsconfig", &blob, error))
		return FALSE;
	if (blob &&
		!config_text_each(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob),
			note_lfs_url, elsewhere))
		*elsewhere = FALSE;
	git_blob_free(blob);
	return TRUE;
}

/* Asks for those objects of CONTENT of which nothing is known. */
static gboolean ask_lfs(struct content_check *check, const struct new_content *content,
	struct budget *budget, GError **error)
{
	g_autoptr(GPtrArray) asked = g_ptr_array_new();
	g_autofree gboolean *present = g_new0(gboolean, content->pointers->len);
	gboolean speaks_lfs = TRUE;

	for (guint i = 0; i < content->pointers->len; i++) {
		struct new_pointer *found = content->pointers->pdata[i];

		if (found->pointer.size > 0 &&
			known(check->objects, found->pointer.oid) == ANSWER_UNKNOWN)
			g_ptr_array_add(asked, &found->pointer);
	}
	if (asked->len > 0 &&
		!lfs_server_ask(check->http, check->fork,
			(const struct lfs_pointer *const *)asked->pdata, asked->len, present,
			&speaks_lfs, budget, error))
		return FALSE;
	check->lacks_lfs = check->lacks_lfs || !speaks_lfs;
	for (guint i = 0; i < asked->len; i++) {
		const struct lfs_pointer *pointer = asked->pdata[i];

		note(check->objects, pointer->oid, present[i]);
	}
	return TRUE;
}

static gboolean fail_lfs(
	const struct content_check *check, struct findings *missing, gboolean asked, GError **error)
{
	const char *objects = missing->count == 1 ? "object" : "objects";

	end_findings(missing);
	if (!asked)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_MISSING_LFS_OBJECTS,
			"the branch needs %u new LFS %s (%s), and over ssh the fork's server "
			"cannot be asked whether it has what upstream's has; an https address of "
			"the fork can",
			missing->count, objects, missing->named->str);
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_MISSING_LFS_OBJECTS,
			"the fork's server %s %u LFS %s: %s",
			check->lacks_lfs ? "has no git-lfs, and the branch needs" : "lacks",
			missing->count, objects, missing->named->str);
	return FALSE;
}

static gboolean check_lfs(struct content_check *check, git_repository *git, const git_oid *tree,
	const struct new_content *content, struct budget *budget, GError **error)
{
	scoped_value(findings) missing = {g_string_new(NULL), 0};
	gboolean can_ask = check->fork->kind != REMOTE_SSH;
	gboolean elsewhere;

	if (content->pointers->len == 0)
		return TRUE;
	if (!find_lfs_url(git, tree, &elsewhere, error))
		return FALSE;
	if (elsewhere || (!can_ask && strcmp(check->fork->host, check->upstream->host) == 0))
		return TRUE;
	if (can_ask && !ask_lfs(check, content, budget, error))
		return FALSE;
	for (guint i = 0; i < content->pointers->len; i++) {
		const struct new_pointer *found = content->pointers->pdata[i];

		if (found->pointer.size > 0 &&
			known(check->objects, found->pointer.oid) != ANSWER_PRESENT)
			add_finding(&missing, found->path, NULL);
	}
	return missing.count == 0 || fail_lfs(check, &missing, can_ask, error);
}

/* ---- submodules --------------------------------------------------------------------------- */

/* A repository beside the fork is reached as the fork is. */
static struct remote *beside(const struct content_check *check, const char *url, GError **error)
{
	const struct remote *fork = check->fork;
	struct remote *remote = remote_new(check->config, url, error);

	if (remote && remote->kind == REMOTE_HTTP && !remote->password) {
		g_free(remote->username);
		remote->username = g_strdup(fork->username);
		remote->password = g_strdup(fork->password);
	}
	return remote;
}

/* Notes whether there is a repository at URL. */
static gboolean ask_repository(
	struct content_check *check, const char *url, struct budget *budget, GError **error)
{
	static const char *const head[] = {"HEAD", NULL};
	scoped(remote) remote = beside(check, url, NULL);
	scoped(ref_listing) listing = NULL;
	g_autoptr(GError) failure = NULL;

	if (g_hash_table_size(check->repositories) >= LIMIT_CONTENT_REPOSITORIES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"the fork needs more than %d repositories of submodules beside it",
			LIMIT_CONTENT_REPOSITORIES);
		return FALSE;
	}
	if (remote)
		listing = transfer_list(check->http, remote, head, budget, &failure);
	if (failure && forge_error_code(failure) != FORGE_ERROR_REPOSITORY_NOT_FOUND) {
		g_propagate_prefixed_error(error, g_steal_pointer(&failure), "submodule at ");
		return FALSE;
	}
	/* What is no address of a repository has none behind it. */
	note(check->repositories, url, listing != NULL);
	return TRUE;
}

static gboolean check_gitlink(struct content_check *check, const struct new_gitlink *gitlink,
	const char *url, struct findings *missing, struct budget *budget, GError **error)
{
	g_autofree char *address = url ? gitmodules_resolve(check->fork, url) : NULL;

	if (!address)
		return TRUE;
	if (known(check->repositories, address) == ANSWER_UNKNOWN &&
		!ask_repository(check, address, budget, error))
		return FALSE;
	if (known(check->repositories, address) == ANSWER_MISSING)
		add_finding(missing, gitlink->path, address);
	return TRUE;
}

static gboolean check_submodules(struct content_check *check, git_repository *git,
	const git_oid *tree, const struct new_content *content, struct budget *budget,
	GError **error)
{
	scoped_value(findings) missing = {g_string_new(NULL), 0};
	g_autoptr(GHashTable) urls = NULL;
	git_blob *blob = NULL;

	if (content->gitlinks->len == 0)
		return TRUE;
	if (!read_file(git, tree, ".gitmodules", &blob, error))
		return FALSE;
	urls = gitmodules_parse(
		blob ? git_blob_rawcontent(blob) : "", blob ? (size_t)git_blob_rawsize(blob) : 0);
	git_blob_free(blob);
	for (guint i = 0; i < content->gitlinks->len; i++) {
		const struct new_gitlink *gitlink = content->gitlinks->pdata[i];

		if (!check_gitlink(check, gitlink, g_hash_table_lookup(urls, gitlink->path),
			    &missing, budget, error))
			return FALSE;
	}
	if (missing.count == 0)
		return TRUE;
	end_findings(&missing);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_MISSING_SUBMODULE,
		"the fork's server lacks the repositories of %u submodule%s: %s", missing.count,
		missing.count == 1 ? "" : "s", missing.named->str);
	return FALSE;
}

/* ---- a branch ----------------------------------------------------------------------------- */

static gboolean find_tree(git_repository *git, const git_oid *id, git_oid *tree, GError **error)
{
	git_commit *commit = NULL;

	if (git_commit_lookup(&commit, git, id) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "commit %s cannot be read",
			git_oid_tostr_s(id));
		return FALSE;
	}
	git_oid_cpy(tree, git_commit_tree_id(commit));
	git_commit_free(commit);
	return TRUE;
}

gboolean content_check_branch(struct content_check *check, git_repository *git,
	const git_oid *before, const git_oid *after, struct budget *budget, GError **error)
{
	gboolean has_before = !git_oid_is_zero(before);
	scoped_value(new_content) content = {0};
	git_odb *odb = NULL;
	git_oid old_tree, new_tree;
	gboolean collected;

	if ((has_before && !find_tree(git, before, &old_tree, error)) ||
		!find_tree(git, after, &new_tree, error))
		return FALSE;
	if (git_repository_odb(&odb, git) != 0) {
		git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "no objects");
		return FALSE;
	}
	collected = new_content_collect(
		odb, has_before ? &old_tree : NULL, &new_tree, budget, &content, error);
	git_odb_free(odb);
	return collected && check_lfs(check, git, &new_tree, &content, budget, error) &&
		check_submodules(check, git, &new_tree, &content, budget, error);
}
