/*
 * Which added file is which deleted one.
 *
 * In git's order, because each step takes destinations away from the next: identical files (a
 * destination takes the first unused source, one with the same base name rather than another);
 * then, for each source that matters, the one destination with its base name, or the one in the
 * directory to which its directory's identical files went, if they are 75 % alike; then all pairs
 * of what is left, best first, from 50 %. Only four candidates per destination are kept, and equal
 * scores are ordered by base name and then by position; these, too, are part of the outcome.
 *
 * Empty files never take part. Symbolic links and gitlinks take part in the first step alone.
 */
#include "worker/merge/renames.h"

#include <string.h>

#include "journal/base/limits.h"
#include "worker/merge/directory_moves.h"
#include "worker/merge/similarity.h"

#define SCORE_MIN (SIMILARITY_MAX / 2)
#define SCORE_MIN_SAME_NAME (SCORE_MIN + (SIMILARITY_MAX - SCORE_MIN) / 2)
#define IDENTICAL_TRIED_MAX 100
#define CANDIDATES_KEPT 4

static const git_oid empty_blob = {{0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b,
	0x29, 0xae, 0x77, 0x5a, 0xd8, 0xc2, 0xe4, 0x8c, 0x53, 0x91}};

/** A source or a destination. */
struct file {
	struct merge_node *node;
	const struct tree_version *version;
	const char *basename;
	enum rename_relevance relevance; /**< of a source */
	gboolean paired;
	gboolean size_known;
	size_t size;
	struct similarity_profile *profile;
};

struct finder {
	struct object_stage *stage;
	enum merge_stage side;
	GArray *sources;      /**< of struct file, in the order of the walk */
	GArray *destinations; /**< of struct file */
	GArray *pairs;
	size_t profile_bytes;
	const struct merge_node *blocked;
	struct directory_moves *moves;
};

static struct file *file_at(GArray *files, size_t i)
{
	return &g_array_index(files, struct file, i);
}

static GArray *files_of(const GArray *candidates, enum merge_stage stage)
{
	GArray *files = g_array_sized_new(FALSE, TRUE, sizeof(struct file), candidates->len);

	for (guint i = 0; i < candidates->len; i++) {
		const struct rename_candidate *candidate = &g_array_index(
			candidates, struct rename_candidate, i);
		const struct tree_version *version = &candidate->node->stages[stage];
		struct file file = {
			.node = candidate->node,
			.version = version,
			.basename = candidate->node->name,
			.relevance = candidate->relevance,
		};
		if (!git_oid_equal(&version->oid, &empty_blob))
			g_array_append_val(files, file);
	}
	return files;
}

static void files_free(GArray *files)
{
	for (guint i = 0; i < files->len; i++)
		similarity_profile_free(file_at(files, i)->profile);
	g_array_unref(files);
}

static void pair_files(struct finder *finder, struct file *source, struct file *destination)
{
	struct rename_pair pair = {source->node, destination->node, finder->side};

	source->paired = destination->paired = TRUE;
	g_array_append_val(finder->pairs, pair);
}

static guint version_hash(gconstpointer key)
{
	guint hash;

	memcpy(&hash, ((const git_oid *)key)->id, sizeof(hash));
	return hash;
}

static gboolean version_equal(gconstpointer a, gconstpointer b)
{
	return git_oid_equal(a, b);
}

static void sources_unref(gpointer sources)
{
	g_ptr_array_unref(sources);
}

static void pair_identical(struct finder *finder)
{
	g_autoptr(GHashTable)
		by_oid = g_hash_table_new_full(version_hash, version_equal, NULL, sources_unref);

	for (guint i = 0; i < finder->sources->len; i++) {
		struct file *source = file_at(finder->sources, i);
		GPtrArray *same = g_hash_table_lookup(by_oid, &source->version->oid);
		if (same == NULL) {
			same = g_ptr_array_new();
			g_hash_table_insert(by_oid, (gpointer)&source->version->oid, same);
		}
		g_ptr_array_add(same, source);
	}
	for (guint i = 0; i < finder->destinations->len; i++) {
		struct file *destination = file_at(finder->destinations, i);
		const GPtrArray *same = g_hash_table_lookup(by_oid, &destination->version->oid);
		struct file *best = NULL;
		int tried = 0;
		for (guint j = 0; same != NULL && j < same->len && tried < IDENTICAL_TRIED_MAX;
			j++) {
			struct file *source = same->pdata[j];
			gboolean files = merge_mode_is_file(source->version->mode) &&
				merge_mode_is_file(destination->version->mode);
			if (!files && source->version->mode != destination->version->mode)
				continue;
			if (source->paired)
				continue;
			if (strcmp(source->basename, destination->basename) == 0) {
				best = source;
				break;
			}
			if (best == NULL)
				best = source;
			tried++;
		}
		if (best == NULL)
			continue;
		pair_files(finder, best, destination);
		directory_moves_learn(finder->moves, best->node->path, destination->node->path);
	}
	directory_moves_fix_guesses(finder->moves);
}

/** Reads what is needed to compare FILE. FALSE with no error set if our limits forbid it. */
static gboolean file_profile(struct finder *finder, struct file *file, GError **error)
{
	const void *data;
	size_t size;

	if (file->profile != NULL)
		return TRUE;
	if (file->size > LIMIT_MERGE_BLOB_BYTES ||
		finder->profile_bytes > LIMIT_RENAME_PROFILE_BYTES) {
		finder->blocked = file->node;
		return FALSE;
	}
	data = object_stage_read(finder->stage, &file->version->oid, GIT_OBJECT_BLOB, &size, error);
	if (data == NULL)
		return FALSE;
	file->profile = similarity_profile_new(data, size);
	finder->profile_bytes += similarity_profile_bytes(file->profile);
	object_stage_release(finder->stage, &file->version->oid);
	return TRUE;
}

static gboolean file_size(struct finder *finder, struct file *file, GError **error)
{
	if (!file->size_known &&
		!object_stage_size(finder->stage, &file->version->oid, &file->size, error))
		return FALSE;
	file->size_known = TRUE;
	return TRUE;
}

/** *SCORE of SOURCE having become DESTINATION; 0 where it cannot reach MINIMUM. */
static gboolean score_pair(struct finder *finder, struct file *source, struct file *destination,
	int minimum, int *score, GError **error)
{
	*score = 0;
	if (!merge_mode_is_file(source->version->mode) ||
		!merge_mode_is_file(destination->version->mode))
		return TRUE;
	if (!file_size(finder, source, error) || !file_size(finder, destination, error))
		return FALSE;
	if (!similarity_sizes_allow(source->size, destination->size, minimum))
		return TRUE;
	if (!file_profile(finder, source, error) || !file_profile(finder, destination, error))
		return FALSE;
	*score = similarity_score(source->profile, destination->profile);
	return TRUE;
}

/** Base name → 1 + index of the one unpaired file that has it, or 0 if several have. */
static GHashTable *index_basenames(GArray *files)
{
	GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < files->len; i++) {
		const struct file *file = file_at(files, i);
		if (file->paired)
			continue;
		gboolean twice = g_hash_table_contains(index, file->basename);
		g_hash_table_insert(
			index, (gpointer)file->basename, GUINT_TO_POINTER(twice ? 0 : i + 1));
	}
	return index;
}

static GHashTable *index_paths(GArray *files)
{
	GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < files->len; i++) {
		struct file *file = file_at(files, i);
		if (!file->paired)
			g_hash_table_insert(index, (gpointer)file->node->path, file);
	}
	return index;
}

static struct file *in_guessed_directory(
	const struct finder *finder, const struct file *source, GHashTable *by_path)
{
	g_autofree char *path = directory_moves_guess(finder->moves, source->node->path);

	return path != NULL ? g_hash_table_lookup(by_path, path) : NULL;
}

static gboolean pair_same_names(struct finder *finder, GError **error)
{
	g_autoptr(GHashTable) by_path = index_paths(finder->destinations);
	g_autoptr(GHashTable) source_names = index_basenames(finder->sources);
	g_autoptr(GHashTable) destination_names = index_basenames(finder->destinations);

	for (guint i = 0; i < finder->sources->len; i++) {
		struct file *source = file_at(finder->sources, i);
		gpointer found;
		int score;
		if (source->paired || source->relevance == RENAME_IRRELEVANT ||
			!g_hash_table_lookup_extended(
				destination_names, source->basename, NULL, &found))
			continue;
		guint index = GPOINTER_TO_UINT(found);
		gboolean unique = index > 0 &&
			GPOINTER_TO_UINT(g_hash_table_lookup(source_names, source->basename)) > 0;
		struct file *destination = unique ? file_at(finder->destinations, index - 1)
						  : in_guessed_directory(finder, source, by_path);
		if (destination == NULL || destination->paired)
			continue;
		if (!score_pair(finder, source, destination, SCORE_MIN_SAME_NAME, &score, error))
			return FALSE;
		if (score < SCORE_MIN_SAME_NAME)
			continue;
		pair_files(finder, source, destination);
		directory_moves_learn(finder->moves, source->node->path, destination->node->path);
	}
	return TRUE;
}

/** A place in the contest of all with all; DESTINATION NULL: none. */
struct contender {
	struct file *source;
	struct file *destination;
	int score;
	int same_name;
};

/** Below 0 if A is better. */
static int compare_contenders(const struct contender *a, const struct contender *b)
{
	if (a->destination == NULL)
		return b->destination != NULL;
	if (b->destination == NULL)
		return -1;
	return a->score != b->score ? b->score - a->score : b->same_name - a->same_name;
}

static void keep_if_better(
	struct contender kept[CANDIDATES_KEPT], const struct contender *contender)
{
	int worst = 0;

	for (int i = 1; i < CANDIDATES_KEPT; i++)
		if (compare_contenders(&kept[i], &kept[worst]) > 0)
			worst = i;
	if (compare_contenders(&kept[worst], contender) > 0)
		kept[worst] = *contender;
}

/** The sources that still matter: less those that only tell where a directory went, once that is
 * known. */
static GPtrArray *remaining_sources(struct finder *finder)
{
	GPtrArray *sources = g_ptr_array_new();

	for (guint i = 0; i < finder->sources->len; i++) {
		const struct file *source = file_at(finder->sources, i);
		if (!source->paired && source->relevance != RENAME_IRRELEVANT)
			directory_moves_note_unknown(finder->moves, source->node->path);
	}
	directory_moves_close_decided(finder->moves);
	for (guint i = 0; i < finder->sources->len; i++) {
		struct file *source = file_at(finder->sources, i);
		if (source->paired || source->relevance == RENAME_IRRELEVANT)
			continue;
		if (source->relevance == RENAME_RELEVANT_CONTENT ||
			directory_moves_is_open(finder->moves, source->node->path))
			g_ptr_array_add(sources, source);
	}
	return sources;
}

static int compare_by_position(gconstpointer a, gconstpointer b, gpointer unused)
{
	(void)unused;
	return compare_contenders(a, b);
}

static gboolean pair_most_similar(struct finder *finder, GError **error)
{
	g_autoptr(GPtrArray) sources = remaining_sources(finder);
	g_autoptr(GArray) contest = g_array_new(FALSE, FALSE, sizeof(struct contender));
	guint64 n_destinations = 0;

	for (guint i = 0; i < finder->destinations->len; i++)
		n_destinations += !file_at(finder->destinations, i)->paired;
	if (sources->len == 0 || n_destinations == 0)
		return TRUE;
	if (n_destinations * sources->len >
		(guint64)LIMIT_RENAME_CANDIDATES * LIMIT_RENAME_CANDIDATES) {
		finder->blocked = ((struct file *)sources->pdata[0])->node;
		return FALSE;
	}
	for (guint i = 0; i < finder->destinations->len; i++) {
		struct file *destination = file_at(finder->destinations, i);
		struct contender kept[CANDIDATES_KEPT] = {{NULL, NULL, 0, 0}};
		if (destination->paired)
			continue;
		for (guint j = 0; j < sources->len; j++) {
			struct file *source = sources->pdata[j];
			struct contender contender = {source, destination, 0,
				strcmp(source->basename, destination->basename) == 0};
			if (!score_pair(finder, source, destination, SCORE_MIN, &contender.score,
				    error))
				return FALSE;
			keep_if_better(kept, &contender);
		}
		g_array_append_vals(contest, kept, CANDIDATES_KEPT);
	}
	/* g_qsort_with_data() is stable: between equals, the earlier destination's goes first. */
	g_qsort_with_data(contest->data, (gint)contest->len, sizeof(struct contender),
		compare_by_position, NULL);
	for (guint i = 0; i < contest->len; i++) {
		const struct contender *contender = &g_array_index(contest, struct contender, i);
		if (contender->destination == NULL || contender->score < SCORE_MIN)
			break;
		if (!contender->destination->paired && !contender->source->paired)
			pair_files(finder, contender->source, contender->destination);
	}
	return TRUE;
}

gboolean renames_find(struct object_stage *stage, struct side_changes *changes,
	enum merge_stage side, GArray *pairs, const struct merge_node **blocked, GError **error)
{
	scoped(directory_moves) moves = directory_moves_new(changes->removed_dirs);
	struct finder finder = {.stage = stage, .side = side, .pairs = pairs, .moves = moves};
	gboolean ok = TRUE;

	*blocked = NULL;
	if (changes->n_relevant == 0 || changes->destinations->len == 0)
		return TRUE;
	finder.sources = files_of(changes->sources, MERGE_STAGE_BASE);
	finder.destinations = files_of(changes->destinations, side);
	if (finder.sources->len > 0 && finder.destinations->len > 0) {
		pair_identical(&finder);
		ok = pair_same_names(&finder, error) && pair_most_similar(&finder, error);
	}
	*blocked = finder.blocked;
	files_free(finder.sources);
	files_free(finder.destinations);
	return ok || finder.blocked != NULL;
}
