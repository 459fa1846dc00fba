/*
 * Deciding one conflict: by a preference, by a text that somebody edited; and what there is to see
 * of it before.
 *
 * Parts of a file are settled by merging it again with the preference, so what merged cleanly stays
 * whatever is preferred. A version without a common inside (binary, deleted, a link) is taken
 * whole. Of a broken rule, upstream means that it is accepted as it merged, except for a schema's
 * file, which is upstream's then.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/sync/resolution_parts.h"
#include "worker/sync/three_way.h"

/* ---- texts -------------------------------------------------------------------------------- */

GBytes *resolution_blob(
	struct resolution *resolution, const struct tree_version *version, GError **error)
{
	struct text_version text;
	git_blob *blob = NULL;
	GBytes *bytes = NULL;

	if (version->mode != GIT_FILEMODE_BLOB && version->mode != GIT_FILEMODE_BLOB_EXECUTABLE)
		return NULL;
	if (git_blob_lookup(&blob, resolution->forge, &version->oid) != 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "a version of a file cannot be read");
		return NULL;
	}
	text.data = git_blob_rawcontent(blob);
	text.size = (size_t)git_blob_rawsize(blob);
	if (text.size <= LIMIT_MERGE_BLOB_BYTES && !text_is_binary(&text))
		bytes = g_bytes_new(text.data, text.size);
	git_blob_free(blob);
	return bytes;
}

struct file_merge *resolution_merge(struct resolution *resolution,
	const struct resolving_conflict *conflict, enum value_preference preference,
	GHashTable *choices, GError **error)
{
	const struct file_merge_options options = {.structured = TRUE,
		.version_rule = three_way_rule(resolution->config->sync_version_conflict),
		.preference = preference,
		.choices = choices};
	struct file_versions versions = {.path = conflict->shown.path};
	struct text_version *texts[MERGE_STAGES] = {
		&versions.base, &versions.ours, &versions.theirs};
	GBytes *bytes[MERGE_STAGES] = {NULL};
	struct file_merge *merge = NULL;
	gboolean ok = TRUE;

	for (size_t i = 0; ok && i < MERGE_STAGES; i++) {
		if (conflict->stages[i].mode == 0)
			continue;
		bytes[i] = resolution_blob(resolution, &conflict->stages[i], error);
		ok = bytes[i] != NULL;
		if (ok)
			texts[i]->data = g_bytes_get_data(bytes[i], &texts[i]->size);
		if (ok && !texts[i]->data)
			texts[i]->data = "";
	}
	if (ok)
		merge = file_merge_new(&versions, &options);
	else if (error && !*error)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"%s is no text any more", conflict->shown.path);
	for (size_t i = 0; i < MERGE_STAGES; i++)
		if (bytes[i])
			g_bytes_unref(bytes[i]);
	return merge;
}

/* ---- the index ---------------------------------------------------------------------------- */

static gboolean fail_index(const char *path, GError **error)
{
	git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "%s cannot be put down", path);
	return FALSE;
}

static gboolean put(
	git_index *index, const char *path, uint32_t mode, const git_oid *oid, GError **error)
{
	git_index_entry entry = {.mode = mode, .path = path};

	git_oid_cpy(&entry.id, oid);
	return git_index_add(index, &entry) == 0 || fail_index(path, error);
}

gboolean resolution_put_text(git_repository *forge, git_index *index, const char *path,
	uint32_t mode, const void *data, size_t size, GError **error)
{
	git_oid oid;

	if (git_blob_create_from_buffer(&oid, forge, data ? data : "", size) != 0)
		return fail_index(path, error);
	return put(index, path, mode, &oid, error);
}

struct placing {
	git_index *index;
	const char *folder;
	GError **error;
};

static int place_entry(const char *root, const git_tree_entry *entry, void *data)
{
	struct placing *placing = data;
	g_autofree char *path = NULL;

	if (git_tree_entry_type(entry) == GIT_OBJECT_TREE)
		return 0;
	path = g_strconcat(placing->folder, "/", root, git_tree_entry_name(entry), NULL);
	return put(placing->index, path, git_tree_entry_filemode(entry), git_tree_entry_id(entry),
		       placing->error)
		? 0
		: -1;
}

static gboolean put_folder(
	struct resolution *resolution, const char *path, const git_oid *oid, GError **error)
{
	struct placing placing = {resolution->index, path, error};
	git_tree *tree = NULL;
	gboolean ok = git_tree_lookup(&tree, resolution->forge, oid) == 0 &&
		git_tree_walk(tree, GIT_TREEWALK_PRE, place_entry, &placing) == 0;

	git_tree_free(tree);
	if (!ok && (!error || !*error))
		fail_index(path, error);
	return ok;
}

/* Makes VERSION, whatever it is, stand at PATH alone. */
static gboolean put_version(struct resolution *resolution, const char *path,
	const struct tree_version *version, GError **error)
{
	git_index_remove(resolution->index, path, 0);
	git_index_remove_directory(resolution->index, path, 0);
	if (version->mode == 0)
		return TRUE;
	if (merge_mode_is_directory(version->mode))
		return put_folder(resolution, path, &version->oid, error);
	return put(resolution->index, path, version->mode, &version->oid, error);
}

/* ---- by a preference ---------------------------------------------------------------------- */

static enum value_preference preference_of(enum resolution_way way)
{
	switch (way) {
	case RESOLUTION_BY_LOCAL:
		return VALUE_PREFER_OURS;
	case RESOLUTION_BY_UPSTREAM:
		return VALUE_PREFER_THEIRS;
	case RESOLUTION_BY_UNION:
		return VALUE_PREFER_BOTH;
	case RESOLUTION_BY_MERGE:
		break;
	}
	return VALUE_PREFER_NONE;
}

static enum resolution_choice choice_of(enum resolution_way way)
{
	switch (way) {
	case RESOLUTION_BY_LOCAL:
		return RESOLUTION_LOCAL;
	case RESOLUTION_BY_UPSTREAM:
		return RESOLUTION_UPSTREAM;
	case RESOLUTION_BY_UNION:
	case RESOLUTION_BY_MERGE:
		break;
	}
	return RESOLUTION_MERGED;
}

/* A side that merging again cannot single out (a file that has to be a whole) is that side's; parts
 * that were decided before are given up for it. */
static gboolean settle_text(struct resolution *resolution, struct resolving_conflict *conflict,
	enum resolution_way way, GError **error)
{
	enum merge_stage side = way == RESOLUTION_BY_LOCAL ? MERGE_STAGE_OURS : MERGE_STAGE_THEIRS;
	scoped(file_merge) merge = resolution_merge(
		resolution, conflict, preference_of(way), conflict->chosen, error);

	if (!merge)
		return FALSE;
	if (merge->conflicts->len == 0) {
		conflict->shown.choice = conflict->chosen ? RESOLUTION_PARTS : choice_of(way);
		return resolution_put_text(resolution->forge, resolution->index,
			conflict->shown.path, conflict->stages[MERGE_STAGE_OURS].mode,
			merge->text->str, merge->text->len, error);
	}
	if (way == RESOLUTION_BY_UNION || way == RESOLUTION_BY_MERGE)
		return TRUE;
	conflict->shown.choice = choice_of(way);
	return put_version(resolution, conflict->shown.path, &conflict->stages[side], error);
}

static gboolean settle_whole(struct resolution *resolution, struct resolving_conflict *conflict,
	enum resolution_way way, GError **error)
{
	if (way == RESOLUTION_BY_UNION || way == RESOLUTION_BY_MERGE)
		return TRUE;
	conflict->shown.choice = choice_of(way);
	/* What merged has local's version already. */
	return way == RESOLUTION_BY_LOCAL ||
		put_version(resolution, conflict->shown.path, &conflict->stages[MERGE_STAGE_THEIRS],
			error);
}

static gboolean settle_rule(struct resolution *resolution, struct resolving_conflict *conflict,
	enum resolution_way way, GError **error)
{
	enum merge_stage side = way == RESOLUTION_BY_LOCAL ? MERGE_STAGE_OURS : MERGE_STAGE_THEIRS;

	if (way == RESOLUTION_BY_UNION || way == RESOLUTION_BY_MERGE)
		return TRUE;
	conflict->shown.choice = choice_of(way);
	return strcmp(conflict->shown.type, "schema") != 0 ||
		put_version(resolution, conflict->shown.path, &conflict->stages[side], error);
}

gboolean resolution_settle(
	struct resolution *resolution, guint at, enum resolution_way way, GError **error)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);

	switch (conflict->shown.shape) {
	case RESOLUTION_TEXT:
		return settle_text(resolution, conflict, way, error);
	case RESOLUTION_WHOLE:
		return settle_whole(resolution, conflict, way, error);
	case RESOLUTION_RULE:
		return settle_rule(resolution, conflict, way, error);
	}
	g_assert_not_reached();
}

/* ---- by hand ------------------------------------------------------------------------------ */

/* What an editor begins with where nothing is between markers: the file as it merged, else what
 * either side has. */
static const struct tree_version *version_to_edit(const struct resolution *resolution,
	const struct resolving_conflict *conflict, struct tree_version *indexed)
{
	const git_index_entry *entry = git_index_get_bypath(
		resolution->index, conflict->shown.path, 0);

	if (!entry)
		return &conflict->stages[MERGE_STAGE_THEIRS];
	indexed->mode = entry->mode;
	git_oid_cpy(&indexed->oid, &entry->id);
	return indexed;
}

GBytes *resolution_text(struct resolution *resolution, guint at, GError **error)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	scoped(file_merge) merge = NULL;
	struct tree_version indexed;

	if (conflict->shown.shape != RESOLUTION_TEXT)
		return resolution_blob(
			resolution, version_to_edit(resolution, conflict, &indexed), error);
	merge = resolution_merge(resolution, conflict, VALUE_PREFER_NONE, conflict->chosen, error);
	return merge ? g_bytes_new(merge->text->str, merge->text->len) : NULL;
}

gboolean resolution_take(struct resolution *resolution, guint at, GBytes *text, GError **error)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	struct tree_version indexed;
	const struct tree_version *like = version_to_edit(resolution, conflict, &indexed);
	gsize size;
	const void *data = g_bytes_get_data(text, &size);

	conflict->shown.choice = RESOLUTION_EDITED;
	return resolution_put_text(resolution->forge, resolution->index, conflict->shown.path,
		like->mode == GIT_FILEMODE_BLOB_EXECUTABLE ? GIT_FILEMODE_BLOB_EXECUTABLE
							   : GIT_FILEMODE_BLOB,
		data, size, error);
}

/* ---- markers ------------------------------------------------------------------------------ */

/* A line that begins with a marker; a longer row of the same sign is a text's own. */
static gboolean is_marker(const char *line, size_t length)
{
	static const char *const markers[] = {"<<<<<<<", "=======", ">>>>>>>"};

	if (length < 7 || (length > 7 && line[7] != ' ' && line[7] != '\r'))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(markers); i++)
		if (memcmp(line, markers[i], 7) == 0)
			return TRUE;
	return FALSE;
}

/* The next line from *REST, without its end; FALSE behind the last. */
static gboolean next_line(const char **rest, const char *end, const char **line, size_t *length)
{
	const char *stop;

	if (*rest >= end)
		return FALSE;
	stop = memchr(*rest, '\n', (size_t)(end - *rest));
	*line = *rest;
	*length = (size_t)((stop ? stop : end) - *rest);
	*rest = stop ? stop + 1 : end;
	return TRUE;
}

/* Adds the lines of TEXT (may be NULL) that look like markers to LINES. */
static void collect_markers(GHashTable *lines, GBytes *text)
{
	gsize size = 0;
	const char *rest = text ? g_bytes_get_data(text, &size) : NULL;
	const char *end = rest ? rest + size : NULL;
	const char *line;
	size_t length;

	while (rest && next_line(&rest, end, &line, &length))
		if (is_marker(line, length))
			g_hash_table_add(lines, g_strndup(line, length));
}

guint resolution_marker_line(struct resolution *resolution, guint at, GBytes *text)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	g_autoptr(GHashTable)
		own = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	gsize size;
	const char *rest = g_bytes_get_data(text, &size);
	const char *end = rest ? rest + size : NULL;
	const char *line;
	size_t length;

	for (int side = MERGE_STAGE_OURS; side <= MERGE_STAGE_THEIRS; side++) {
		g_autoptr(GBytes)
			version = resolution_blob(resolution, &conflict->stages[side], NULL);

		collect_markers(own, version);
	}
	for (guint number = 1; rest && next_line(&rest, end, &line, &length); number++) {
		g_autofree char *copy = is_marker(line, length) ? g_strndup(line, length) : NULL;

		if (copy && !g_hash_table_contains(own, copy))
			return number;
	}
	return 0;
}

/* ---- to see ------------------------------------------------------------------------------- */

/* The hunks of TEXT that are between markers, an empty line between two. */
static char *hunks_of(GBytes *text)
{
	g_autoptr(GString) hunks = g_string_new(NULL);
	gsize size;
	const char *rest = g_bytes_get_data(text, &size);
	const char *end = rest ? rest + size : NULL;
	gboolean inside = FALSE;
	const char *line;
	size_t length;

	while (rest && next_line(&rest, end, &line, &length)) {
		if (!inside && length >= 13 && memcmp(line, "<<<<<<< LOCAL", 13) == 0) {
			inside = TRUE;
			if (hunks->len > 0)
				g_string_append_c(hunks, '\n');
		}
		if (!inside)
			continue;
		g_string_append_len(hunks, line, (gssize)length);
		g_string_append_c(hunks, '\n');
		inside = length < 16 || memcmp(line, ">>>>>>> UPSTREAM", 16) != 0;
	}
	return g_strdup(hunks->str);
}

static const char *kind_of(struct resolution *resolution, const struct tree_version *version)
{
	g_autoptr(GBytes) text = resolution_blob(resolution, version, NULL);

	switch (version->mode) {
	case 0:
		return "nothing (deleted, or moved away)";
	case GIT_FILEMODE_BLOB:
		return text ? "a file" : "a binary file";
	case GIT_FILEMODE_BLOB_EXECUTABLE:
		return text ? "an executable file" : "an executable binary file";
	case GIT_FILEMODE_LINK:
		return "a symbolic link";
	case GIT_FILEMODE_COMMIT:
		return "a submodule";
	default:
		return "a folder";
	}
}

char *resolution_story(struct resolution *resolution, guint at, GError **error)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	g_autoptr(GBytes) text = NULL;

	switch (conflict->shown.shape) {
	case RESOLUTION_TEXT:
		text = resolution_text(resolution, at, error);
		return text ? hunks_of(text) : NULL;
	case RESOLUTION_WHOLE:
		return g_strdup_printf("Local has %s, upstream has %s; one of them stands.\n",
			kind_of(resolution, &conflict->stages[MERGE_STAGE_OURS]),
			kind_of(resolution, &conflict->stages[MERGE_STAGE_THEIRS]));
	case RESOLUTION_RULE:
		return g_strdup_printf("%s: %s\n%s", conflict->shown.type, conflict->shown.place,
			strcmp(conflict->shown.type, "schema") == 0
				? ""
				: "Upstream accepts it as it is; local gives the pull up.\n");
	}
	g_assert_not_reached();
}

GBytes *resolution_base(struct resolution *resolution, guint at, GError **error)
{
	return resolution_blob(resolution,
		&resolution_conflict_at(resolution, at)->stages[MERGE_STAGE_BASE], error);
}
