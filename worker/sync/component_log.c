/*
 * The history of a component as its refs tell it: checkpoints, bases, stashes.
 *
 * A base's parent is the base before it, so earlier ones are a walk along first parents that ends
 * at the first commit that is no base.
 */
#include "worker/sync/component_log.h"

#include <git2.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/workspace_repository.h"

/* As few digits of an id as git takes. */
#define DIGITS_LEAST 4

/* ---- where it stands ---------------------------------------------------------------------- */

struct reading {
	const char *name;
	git_repository *forge;
	git_oid base;
	git_oid local; /* zero: no checkpoint */
};

static void reading_end(struct reading *reading)
{
	git_repository_free(reading->forge);
	git_library_stop();
}

/* A reading that was begun is ended, also after an error. */
static gboolean reading_begin(
	struct reading *reading, const char *root, const char *name, GError **error)
{
	git_library_start();
	*reading = (struct reading){.name = name};
	reading->forge = workspace_repository_open(root, error);
	if (!reading->forge ||
		!workspace_ref_get(
			reading->forge, name, COMPONENT_REF_BASE, &reading->base, error) ||
		!workspace_ref_get(
			reading->forge, name, COMPONENT_REF_LOCAL, &reading->local, error))
		return FALSE;
	if (!git_oid_is_zero(&reading->base))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"'%s' is not installed in this workspace", name);
	return FALSE;
}

static char *hex_of(const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	return g_strdup(git_oid_tostr(hex, sizeof(hex), oid));
}

void component_head_clear(struct component_head *head)
{
	g_free(head->base);
	g_free(head->base_tree);
	g_free(head->local);
	g_free(head->tree);
}

static gboolean read_head(
	const struct reading *reading, struct component_head *head, GError **error)
{
	gboolean has_local = !git_oid_is_zero(&reading->local);
	git_oid base_tree, tree;

	if (!component_history_tree(reading->forge, &reading->base, &base_tree, error) ||
		!component_history_tree(
			reading->forge, has_local ? &reading->local : &reading->base, &tree, error))
		return FALSE;
	head->base = hex_of(&reading->base);
	head->base_tree = hex_of(&base_tree);
	head->local = has_local ? hex_of(&reading->local) : NULL;
	head->tree = hex_of(&tree);
	return TRUE;
}

gboolean component_head_read(
	const char *root, const char *name, struct component_head *head, GError **error)
{
	struct reading reading;
	gboolean ok = reading_begin(&reading, root, name, error) &&
		read_head(&reading, head, error);

	reading_end(&reading);
	return ok;
}

/* ---- the log ------------------------------------------------------------------------------ */

static void free_log_entry(gpointer data)
{
	struct log_entry *entry = data;

	g_free(entry->id);
	g_free(entry->upstream);
	g_free(entry->author);
	g_free(entry->subject);
	g_free(entry);
}

static struct log_entry *add_entry(
	GPtrArray *entries, enum log_kind kind, const struct history_entry *commit)
{
	struct log_entry *entry = g_new0(struct log_entry, 1);

	entry->kind = kind;
	entry->id = hex_of(&commit->oid);
	entry->author = g_strdup(commit->author);
	entry->subject = g_strdup(commit->subject);
	entry->time_s = commit->time_s;
	g_ptr_array_add(entries, entry);
	return entry;
}

static gboolean add_checkpoints(
	const struct reading *reading, uint32_t limit, GPtrArray *entries, GError **error)
{
	g_autoptr(GPtrArray) commits = NULL;

	if (git_oid_is_zero(&reading->local))
		return TRUE;
	commits = component_history_log(
		reading->forge, &reading->local, &reading->base, limit, error);
	for (guint i = 0; commits && i < commits->len; i++)
		add_entry(entries, LOG_CHECKPOINT, commits->pdata[i]);
	return commits != NULL;
}

static gboolean add_base(const struct reading *reading, enum log_kind kind, const git_oid *oid,
	const git_commit *commit, GPtrArray *entries, GError **error)
{
	scoped_value(upstream_link) link = {0};
	const char *summary = git_commit_summary((git_commit *)(uintptr_t)commit);
	g_autofree char *author = g_utf8_make_valid(git_commit_author(commit)->name, -1);
	g_autofree char *subject = g_utf8_make_valid(summary ? summary : "", -1);
	struct history_entry entry = {.oid = *oid,
		.time_s = git_commit_time(commit),
		.author = author,
		.subject = subject};

	if (!component_history_link(reading->forge, oid, &link, error))
		return FALSE;
	add_entry(entries, kind, &entry)->upstream = hex_of(&link.commit);
	return TRUE;
}

static gboolean add_bases(
	const struct reading *reading, uint32_t limit, GPtrArray *entries, GError **error)
{
	git_oid at = reading->base;
	enum log_kind kind = LOG_BASE;

	while (entries->len < limit && !git_oid_is_zero(&at)) {
		git_commit *commit = NULL;
		gboolean added;
		git_oid next = {{0}};

		if (git_commit_lookup(&commit, reading->forge, &at) != 0) {
			git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
				"the history of '%s' cannot be read", reading->name);
			return FALSE;
		}
		added = add_base(reading, kind, &at, commit, entries, error);
		if (git_commit_parentcount(commit) > 0)
			next = *git_commit_parent_id(commit, 0);
		git_commit_free(commit);
		if (!added)
			return FALSE;
		at = next;
		kind = LOG_EARLIER;
	}
	return TRUE;
}

GPtrArray *component_log(const char *root, const char *name, uint32_t limit, GError **error)
{
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_log_entry);
	struct reading reading;
	gboolean ok;

	if (limit == 0)
		limit = LIMIT_LOCAL_COMMITS;
	ok = reading_begin(&reading, root, name, error) &&
		add_checkpoints(&reading, limit, entries, error) &&
		add_bases(&reading, limit, entries, error);
	reading_end(&reading);
	return ok ? g_steal_pointer(&entries) : NULL;
}

static gboolean begins_with(const char *id, const char *digits)
{
	return id && g_ascii_strncasecmp(id, digits, strlen(digits)) == 0;
}

char *component_log_find(const char *root, const char *name, const char *text, GError **error)
{
	g_autoptr(GPtrArray) entries = component_log(root, name, 0, error);
	const struct log_entry *found = NULL;

	if (!entries)
		return NULL;
	for (guint i = 0; i < entries->len && strlen(text) >= DIGITS_LEAST; i++) {
		const struct log_entry *entry = entries->pdata[i];

		if (entry->kind == LOG_EARLIER ||
			(!begins_with(entry->id, text) && !begins_with(entry->upstream, text)))
			continue;
		if (found) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
				"several checkpoints of '%s' begin with %.40s", name, text);
			return NULL;
		}
		found = entry;
	}
	if (found)
		return g_strdup(found->id);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CHECKPOINT_NOT_FOUND,
		"'%s' has no checkpoint '%.40s' since its base", name, text);
	return NULL;
}

/* ---- stashes ------------------------------------------------------------------------------ */

static void free_stash_entry(gpointer data)
{
	struct stash_entry *entry = data;

	g_free(entry->id);
	g_free(entry->tree);
	g_free(entry->parent);
	g_free(entry->subject);
	g_free(entry);
}

static gboolean add_stash(const struct reading *reading, const struct workspace_stash *stash,
	GPtrArray *entries, GError **error)
{
	struct stash_entry *entry;
	git_commit *commit = NULL;
	git_oid parent = {{0}};
	const char *summary;

	if (git_commit_lookup(&commit, reading->forge, &stash->oid) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"stash %u of '%s' cannot be read", stash->number, reading->name);
		return FALSE;
	}
	if (git_commit_parentcount(commit) > 0 &&
		!component_history_tree(
			reading->forge, git_commit_parent_id(commit, 0), &parent, error)) {
		git_commit_free(commit);
		return FALSE;
	}
	entry = g_new0(struct stash_entry, 1);
	summary = git_commit_summary(commit);
	entry->number = stash->number;
	entry->id = hex_of(&stash->oid);
	entry->tree = hex_of(git_commit_tree_id(commit));
	entry->parent = git_oid_is_zero(&parent) ? g_strdup("") : hex_of(&parent);
	entry->subject = g_utf8_make_valid(summary ? summary : "", -1);
	entry->time_s = git_commit_time(commit);
	g_ptr_array_add(entries, entry);
	git_commit_free(commit);
	return TRUE;
}

GPtrArray *component_stashes(const char *root, const char *name, GError **error)
{
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_stash_entry);
	g_autoptr(GArray) stashes = NULL;
	struct reading reading;
	gboolean ok = reading_begin(&reading, root, name, error);

	if (ok)
		stashes = workspace_stash_list(reading.forge, name, error);
	ok = stashes != NULL;
	for (guint i = 0; ok && i < stashes->len; i++)
		ok = add_stash(&reading, &g_array_index(stashes, struct workspace_stash, i),
			entries, error);
	reading_end(&reading);
	return ok ? g_steal_pointer(&entries) : NULL;
}
