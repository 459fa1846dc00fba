/*
 * The conflicts of a pending merge and their decisions.
 *
 * The journal says which conflicts there are; git's objects say what each is about: the merge is
 * made again, which gives the same conflicts with their three versions. What is decided goes into
 * an index that began as everything that merged, and is kept as a commit upon both sides, whose
 * message lists the choices by number. A commit of another merge's sides is not ours and is passed
 * over.
 */
#include "worker/sync/resolution.h"

#include <stdio.h>
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/git/identity.h"
#include "worker/sync/component_texts.h"
#include "worker/sync/pending.h"
#include "worker/sync/resolution_parts.h"
#include "worker/sync/settle.h"
#include "worker/sync/three_way.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/component_merge.h"
#include "worker/workspace/workspace_repository.h"

static const char *const choice_words[] = {
	[RESOLUTION_OPEN] = "open",
	[RESOLUTION_LOCAL] = "local",
	[RESOLUTION_UPSTREAM] = "upstream",
	[RESOLUTION_EDITED] = "edited",
	[RESOLUTION_MERGED] = "merged",
	[RESOLUTION_PARTS] = "parts",
};

const char *resolution_choice_word(enum resolution_choice choice)
{
	return choice_words[choice];
}

static gboolean is_file(const struct tree_version *version)
{
	return version->mode == GIT_FILEMODE_BLOB || version->mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

/* ---- which conflicts there are ------------------------------------------------------------ */

static void free_conflict(gpointer data)
{
	struct resolving_conflict *conflict = data;

	g_free(conflict->shown.path);
	g_free(conflict->shown.type);
	g_free(conflict->shown.place);
	resolution_forget_parts(conflict);
	g_free(conflict);
}

static struct resolving_conflict *add_conflict(
	struct resolution *resolution, const char *path, const char *type, const char *place)
{
	struct resolving_conflict *conflict = g_new0(struct resolving_conflict, 1);

	conflict->shown.path = g_strdup(path);
	conflict->shown.type = g_strdup(type);
	conflict->shown.place = g_strdup(place);
	g_ptr_array_add(resolution->conflicts, conflict);
	return conflict;
}

static void read_version(
	git_repository *forge, const git_oid *root, const char *path, struct tree_version *version)
{
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;

	memset(version, 0, sizeof(*version));
	if (git_tree_lookup(&tree, forge, root) == 0 &&
		git_tree_entry_bypath(&entry, tree, path) == 0) {
		version->mode = git_tree_entry_filemode(entry);
		git_oid_cpy(&version->oid, git_tree_entry_id(entry));
	}
	git_tree_entry_free(entry);
	git_tree_free(tree);
}

/* TRUE if the merge holds ours' version of a conflict: else something settled it. */
static gboolean holds_ours(
	const struct resolution *resolution, const struct merge_conflict *conflict)
{
	const struct tree_version *ours = &conflict->stages[MERGE_STAGE_OURS];
	const git_index_entry *entry;

	if (conflict->kind != CONFLICT_CONTENT && conflict->kind != CONFLICT_BOTH_ADDED)
		return TRUE;
	entry = git_index_get_bypath(resolution->index, conflict->path, 0);
	return entry ? git_oid_equal(&entry->id, &ours->oid) : !is_file(ours);
}

static enum resolution_shape shape_of(
	struct resolution *resolution, const struct merge_conflict *conflict)
{
	const struct tree_version *stages = conflict->stages;

	if ((conflict->kind != CONFLICT_CONTENT && conflict->kind != CONFLICT_BOTH_ADDED) ||
		!is_file(&stages[MERGE_STAGE_OURS]) || !is_file(&stages[MERGE_STAGE_THEIRS]) ||
		(stages[MERGE_STAGE_BASE].mode != 0 && !is_file(&stages[MERGE_STAGE_BASE])) ||
		stages[MERGE_STAGE_OURS].mode != stages[MERGE_STAGE_THEIRS].mode)
		return RESOLUTION_WHOLE;
	for (size_t i = 0; i < MERGE_STAGES; i++) {
		g_autoptr(GBytes) text = stages[i].mode == 0
			? g_bytes_new(NULL, 0)
			: resolution_blob(resolution, &stages[i], NULL);

		if (!text)
			return RESOLUTION_WHOLE;
	}
	return RESOLUTION_TEXT;
}

static void describe_file(struct resolution *resolution, struct resolving_conflict *conflict,
	const struct merge_conflict *merged)
{
	memcpy(conflict->stages, merged->stages, sizeof(conflict->stages));
	conflict->shown.shape = shape_of(resolution, merged);
}

static void describe_rule(struct resolution *resolution, struct resolving_conflict *conflict)
{
	const char *path = conflict->shown.path;

	read_version(resolution->forge, &resolution->local_tree, path,
		&conflict->stages[MERGE_STAGE_OURS]);
	read_version(resolution->forge, &resolution->upstream_tree, path,
		&conflict->stages[MERGE_STAGE_THEIRS]);
	conflict->shown.shape = RESOLUTION_RULE;
}

static const struct merge_conflict *find_merged(const struct tree_merge *trees, const char *path)
{
	for (guint i = 0; trees->conflicts && i < trees->conflicts->len; i++) {
		const struct merge_conflict *conflict = trees->conflicts->pdata[i];

		if (strcmp(conflict->path, path) == 0)
			return conflict;
	}
	return NULL;
}

/* Files that merged are not merged again: what is wrong is the result. */
static gboolean is_of_rules(const Forge__ComponentConflicted *pending)
{
	return pending->n_conflicts > 0 && pending->conflicts[0]->rule;
}

/* An event names the first conflicts only; the others are those that nothing settled. */
static void add_unnamed(struct resolution *resolution, const struct tree_merge *trees)
{
	const Forge__ComponentConflicted *pending = resolution->pending;
	g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal);

	if (pending->conflict_count <= pending->n_conflicts)
		return;
	for (size_t i = 0; i < pending->n_conflicts; i++)
		g_hash_table_add(named, pending->conflicts[i]->path);
	for (guint i = 0; trees->conflicts && i < trees->conflicts->len; i++) {
		const struct merge_conflict *merged = trees->conflicts->pdata[i];

		if (g_hash_table_contains(named, merged->path) || !holds_ours(resolution, merged))
			continue;
		describe_file(
			resolution, add_conflict(resolution, merged->path, "content", ""), merged);
	}
}

static gboolean find_conflicts(struct resolution *resolution, GError **error)
{
	const Forge__ComponentConflicted *pending = resolution->pending;
	scoped_value(tree_merge) trees = {0};

	/* A pull that only moves forward merges nothing: all its conflicts are of rules. */
	if (!is_of_rules(pending) && pending->strategy != FORGE__STRATEGY__STRATEGY_FAST_FORWARD &&
		!component_merge(resolution->forge, &resolution->local, &resolution->upstream,
			&trees, error))
		return FALSE;
	for (size_t i = 0; i < pending->n_conflicts; i++) {
		const Forge__Conflict *named = pending->conflicts[i];
		const struct merge_conflict *merged = find_merged(&trees, named->path);
		gboolean of_rule = named->rule || strcmp(named->type, "version") == 0 ||
			strcmp(named->type, "dependency") == 0;
		struct resolving_conflict *conflict = add_conflict(
			resolution, named->path, named->type, named->place);

		if (merged && !of_rule && holds_ours(resolution, merged))
			describe_file(resolution, conflict, merged);
		else
			describe_rule(resolution, conflict);
	}
	add_unnamed(resolution, &trees);
	return TRUE;
}

/* ---- opening ------------------------------------------------------------------------------ */

static gboolean read_tree(struct resolution *resolution, const git_oid *oid, GError **error)
{
	git_tree *tree = NULL;
	gboolean ok = git_tree_lookup(&tree, resolution->forge, oid) == 0 &&
		git_index_read_tree(resolution->index, tree) == 0;

	git_tree_free(tree);
	if (!ok)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"the pending merge of '%s' cannot be read", resolution->name);
	return ok;
}

static gboolean is_of_this_merge(const struct resolution *resolution, const git_commit *commit)
{
	return git_commit_parentcount(commit) == 2 &&
		git_oid_equal(git_commit_parent_id(commit, 0), &resolution->local) &&
		git_oid_equal(git_commit_parent_id(commit, 1), &resolution->upstream);
}

/* The commit REF, if it is one of this merge; *COMMIT stays NULL if not. */
static gboolean read_kept(
	struct resolution *resolution, const char *ref, git_commit **commit, GError **error)
{
	git_oid oid;

	*commit = NULL;
	if (!workspace_ref_get(resolution->forge, resolution->name, ref, &oid, error))
		return FALSE;
	if (git_oid_is_zero(&oid))
		return TRUE;
	if (git_commit_lookup(commit, resolution->forge, &oid) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"what was decided of '%s' cannot be read", resolution->name);
		return FALSE;
	}
	if (!is_of_this_merge(resolution, *commit)) {
		git_commit_free(*commit);
		*commit = NULL;
	}
	return TRUE;
}

static void read_choice(struct resolution *resolution, const char *line)
{
	unsigned number;
	char word[16];

	if (sscanf(line, "%u %15s", &number, word) != 2 || number == 0 ||
		number > resolution->conflicts->len)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(choice_words); i++)
		if (strcmp(choice_words[i], word) == 0)
			resolution_conflict_at(resolution, number - 1)->shown.choice =
				(enum resolution_choice)i;
}

static gboolean read_choices(struct resolution *resolution, GError **error)
{
	g_auto(GStrv) lines = NULL;
	git_commit *commit;
	gboolean ok;

	if (!read_kept(resolution, PENDING_RESOLVED, &commit, error))
		return FALSE;
	if (!commit)
		return TRUE;
	git_oid_cpy(&resolution->resolved, git_commit_id(commit));
	git_oid_tostr(resolution->tree, sizeof(resolution->tree), git_commit_tree_id(commit));
	ok = read_tree(resolution, git_commit_tree_id(commit), error);
	lines = g_strsplit(git_commit_message_raw(commit), "\n", -1);
	for (char **line = lines; ok && *line; line++) {
		read_choice(resolution, *line);
		resolution_read_part(resolution, *line);
	}
	git_commit_free(commit);
	return ok;
}

static gboolean read_markers(struct resolution *resolution, GError **error)
{
	git_commit *commit;

	if (!read_kept(resolution, PENDING_MARKERS, &commit, error))
		return FALSE;
	if (commit)
		git_oid_cpy(&resolution->markers_tree, git_commit_tree_id(commit));
	git_commit_free(commit);
	return TRUE;
}

static gboolean is_named(const git_oid *oid, const char *hex)
{
	return git_oid_streq(oid, hex) == 0;
}

static gboolean read_sides(struct resolution *resolution, GError **error)
{
	const Forge__ComponentConflicted *pending = resolution->pending;
	git_repository *forge = resolution->forge;
	const char *name = resolution->name;

	if (!workspace_ref_get(forge, name, PENDING_LOCAL, &resolution->local, error) ||
		!workspace_ref_get(forge, name, PENDING_UPSTREAM, &resolution->upstream, error) ||
		!workspace_ref_get(forge, name, PENDING_MERGED, &resolution->merged, error))
		return FALSE;
	if (!is_named(&resolution->local, pending->local_commit) ||
		!is_named(&resolution->upstream, pending->upstream_commit) ||
		git_oid_is_zero(&resolution->merged)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"the pending merge of '%s' is not in .forge any more; "
			"`forge sync resolve %s --abort` forgets it",
			name, name);
		return FALSE;
	}
	return component_history_tree(forge, &resolution->local, &resolution->local_tree, error) &&
		component_history_tree(
			forge, &resolution->upstream, &resolution->upstream_tree, error);
}

static gboolean open_merge(struct resolution *resolution, GError **error)
{
	git_oid merged_tree;

	resolution->forge = workspace_repository_open(resolution->root, error);
	if (!resolution->forge ||
		!settle_recover(resolution->root, resolution->forge, NULL, NULL, NULL, error) ||
		!read_sides(resolution, error) ||
		!component_history_tree(
			resolution->forge, &resolution->merged, &merged_tree, error))
		return FALSE;
	if (git_index_new(&resolution->index) != 0) {
		git_library_error(error, FORGE_ERROR_FAILED, "no index can be made");
		return FALSE;
	}
	return read_tree(resolution, &merged_tree, error) && find_conflicts(resolution, error) &&
		read_choices(resolution, error) && read_markers(resolution, error);
}

struct resolution *resolution_open(const char *root, const Forge__ComponentConflicted *pending,
	const struct config *config, GError **error)
{
	struct resolution *resolution = g_new0(struct resolution, 1);

	git_library_start();
	resolution->root = g_strdup(root);
	resolution->name = g_strdup(pending->component ? pending->component->name : "");
	resolution->pending = pending;
	resolution->config = config;
	resolution->conflicts = g_ptr_array_new_with_free_func(free_conflict);
	if (open_merge(resolution, error))
		return resolution;
	resolution_free(resolution);
	return NULL;
}

void resolution_free(struct resolution *resolution)
{
	if (!resolution)
		return;
	git_index_free(resolution->index);
	git_repository_free(resolution->forge);
	g_ptr_array_unref(resolution->conflicts);
	g_free(resolution->name);
	g_free(resolution->root);
	g_free(resolution);
	git_library_stop();
}

struct resolving_conflict *resolution_conflict_at(const struct resolution *resolution, guint at)
{
	return g_ptr_array_index(resolution->conflicts, at);
}

guint resolution_count(const struct resolution *resolution)
{
	return resolution->conflicts->len;
}

guint resolution_left(const struct resolution *resolution)
{
	guint left = 0;

	for (guint i = 0; i < resolution->conflicts->len; i++)
		if (resolution_at(resolution, i)->choice == RESOLUTION_OPEN)
			left++;
	return left;
}

const struct resolution_conflict *resolution_at(const struct resolution *resolution, guint at)
{
	return &resolution_conflict_at(resolution, at)->shown;
}

gboolean resolution_gives_up(const struct resolution *resolution)
{
	for (guint i = 0; i < resolution->conflicts->len; i++) {
		const struct resolution_conflict *conflict = resolution_at(resolution, i);

		if (conflict->choice == RESOLUTION_LOCAL && conflict->shape == RESOLUTION_RULE &&
			strcmp(conflict->type, "schema") != 0)
			return TRUE;
	}
	return FALSE;
}

char **resolution_accepted(const struct resolution *resolution)
{
	GPtrArray *places = g_ptr_array_new();

	for (guint i = 0; i < resolution->conflicts->len; i++) {
		const struct resolution_conflict *conflict = resolution_at(resolution, i);

		if (conflict->choice != RESOLUTION_OPEN && conflict->shape == RESOLUTION_RULE &&
			strcmp(conflict->type, "schema") != 0)
			g_ptr_array_add(places, conflict->place);
	}
	g_ptr_array_add(places, NULL);
	return (char **)g_ptr_array_free(places, FALSE);
}

/* ---- keeping ------------------------------------------------------------------------------ */

gboolean resolution_keep(struct resolution *resolution, git_index *index, const char *ref,
	const git_oid *expected, const char *message, git_oid *tree, git_oid *commit,
	GError **error)
{
	git_oid parents[2] = {resolution->local, resolution->upstream};
	git_signature *who;
	gboolean made;

	if (git_index_write_tree_to(tree, index, resolution->forge) != 0) {
		git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE,
			"what was decided cannot be written to .forge");
		return FALSE;
	}
	who = identity_signature(resolution->config, (uint64_t)clock_now().wall_us, error);
	if (!who)
		return FALSE;
	made = component_history_commit(
		resolution->forge, tree, parents, 2, who, message, commit, error);
	git_signature_free(who);
	return made &&
		workspace_ref_set(
			resolution->forge, resolution->name, ref, expected, commit, error);
}

gboolean resolution_save(struct resolution *resolution, GError **error)
{
	g_autoptr(GString) message = g_string_new("Choices made of a pull's conflicts\n\n");
	git_oid tree, commit;

	for (guint i = 0; i < resolution->conflicts->len; i++) {
		const struct resolution_conflict *conflict = resolution_at(resolution, i);

		if (conflict->choice != RESOLUTION_OPEN)
			g_string_append_printf(message, "%u %s\n", i + 1,
				resolution_choice_word(conflict->choice));
		else
			resolution_write_parts(resolution, i, message);
	}
	if (!resolution_keep(resolution, resolution->index, PENDING_RESOLVED,
		    git_oid_is_zero(&resolution->resolved) ? NULL : &resolution->resolved,
		    message->str, &tree, &commit, error))
		return FALSE;
	git_oid_cpy(&resolution->resolved, &commit);
	git_oid_tostr(resolution->tree, sizeof(resolution->tree), &tree);
	return TRUE;
}

const char *resolution_tree(const struct resolution *resolution)
{
	return resolution->tree;
}
