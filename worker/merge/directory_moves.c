/*
 * Which directory became which.
 *
 * Each file known to have moved is a vote of its directory, and of those above it as long as the
 * names below stay the same. A directory's guess is the place with the most votes of identical
 * files; between equals git's map order decides. A question is closed when the first place leads
 * the second by more than the files still unknown.
 */
#include "worker/merge/directory_moves.h"

#include <string.h>

#include "worker/git/name_order.h"
#include "worker/merge/tree_walk.h"

/** What is known of one old directory. */
struct directory_votes {
	GPtrArray *places; /**< of struct directory_place, in order of their first vote */
	int unknown;       /**< files that might still vote */
	char *guess;       /**< NULL: none */
};

struct directory_place {
	char *path;
	int votes;
};

struct directory_moves {
	GHashTable *removed;
	GHashTable *votes; /**< old directory → struct directory_votes */
};

static void directory_place_free(gpointer pointer)
{
	struct directory_place *place = pointer;

	g_free(place->path);
	g_free(place);
}

static void directory_votes_free(gpointer pointer)
{
	struct directory_votes *votes = pointer;

	g_ptr_array_unref(votes->places);
	g_free(votes->guess);
	g_free(votes);
}

struct directory_moves *directory_moves_new(GHashTable *removed)
{
	struct directory_moves *moves = g_new(struct directory_moves, 1);

	moves->removed = removed;
	moves->votes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, directory_votes_free);
	return moves;
}

void directory_moves_free(struct directory_moves *moves)
{
	if (moves == NULL)
		return;
	g_hash_table_unref(moves->votes);
	g_free(moves);
}

/* The part of PATH before the last slash; "" if there is none. Caller frees. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static struct directory_votes *votes_of(struct directory_moves *moves, const char *directory)
{
	struct directory_votes *votes = g_hash_table_lookup(moves->votes, directory);

	if (votes == NULL) {
		votes = g_new0(struct directory_votes, 1);
		votes->places = g_ptr_array_new_with_free_func(directory_place_free);
		g_hash_table_insert(moves->votes, g_strdup(directory), votes);
	}
	return votes;
}

static void vote(struct directory_moves *moves, const char *from, const char *to)
{
	GPtrArray *places = votes_of(moves, from)->places;
	struct directory_place *place;

	for (guint i = 0; i < places->len; i++) {
		place = places->pdata[i];
		if (strcmp(place->path, to) == 0) {
			place->votes++;
			return;
		}
	}
	place = g_new(struct directory_place, 1);
	place->path = g_strdup(to);
	place->votes = 1;
	g_ptr_array_add(places, place);
}

static enum directory_relevance relevance_of(
	const struct directory_moves *moves, const char *directory)
{
	/* What is not in the table is DIRECTORY_IRRELEVANT, which is 0. */
	return (enum directory_relevance)GPOINTER_TO_INT(
		g_hash_table_lookup(moves->removed, directory));
}

void directory_moves_learn(struct directory_moves *moves, const char *from, const char *to)
{
	g_autofree char *old = parent_of(from);
	g_autofree char *new = parent_of(to);

	for (gboolean first = TRUE; g_hash_table_contains(moves->removed, old); first = FALSE) {
		enum directory_relevance relevance = relevance_of(moves, old);
		if (relevance == DIRECTORY_RELEVANT_FOR_SELF || first)
			vote(moves, old, new);
		if (relevance == DIRECTORY_IRRELEVANT || *old == '\0' || *new == '\0' ||
			strcmp(last_part(old), last_part(new)) != 0)
			return;
		char *old_up = parent_of(old);
		char *new_up = parent_of(new);
		g_free(old);
		g_free(new);
		old = old_up;
		new = new_up;
	}
}

static const char *most_voted(const GPtrArray *places)
{
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	g_autoptr(GHashTable) votes = g_hash_table_new(g_str_hash, g_str_equal);
	const char *best = NULL;
	int most = 0;

	for (guint i = 0; i < places->len; i++) {
		const struct directory_place *place = places->pdata[i];
		g_ptr_array_add(order, place->path);
		g_hash_table_insert(votes, place->path, GINT_TO_POINTER(place->votes));
	}
	name_order_sort(order);
	for (guint i = 0; i < order->len; i++) {
		int here = GPOINTER_TO_INT(g_hash_table_lookup(votes, order->pdata[i]));
		if (here > most) {
			best = order->pdata[i];
			most = here;
		}
	}
	return best;
}

void directory_moves_fix_guesses(struct directory_moves *moves)
{
	GHashTableIter iter;
	gpointer value;

	/* Each directory's guess is its own: the order of this loop does not show. */
	g_hash_table_iter_init(&iter, moves->votes);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct directory_votes *votes = value;
		g_free(votes->guess);
		votes->guess = g_strdup(most_voted(votes->places));
	}
}

char *directory_moves_guess(const struct directory_moves *moves, const char *path)
{
	g_autofree char *directory = parent_of(path);
	const struct directory_votes *votes = g_hash_table_lookup(moves->votes, directory);

	if (votes == NULL || votes->guess == NULL)
		return NULL;
	/* A directory that went to the root gives "/name", which is nowhere: git overlooks that
	 * case, and so it must be. */
	return g_strconcat(votes->guess, "/", last_part(path), NULL);
}

void directory_moves_note_unknown(struct directory_moves *moves, const char *path)
{
	g_autofree char *directory = parent_of(path);

	while (*directory != '\0' && relevance_of(moves, directory) != DIRECTORY_IRRELEVANT) {
		char *up = parent_of(directory);
		votes_of(moves, directory)->unknown++;
		g_free(directory);
		directory = up;
	}
}

static gboolean is_decided(const struct directory_votes *votes)
{
	int first = 0, second = 0;

	for (guint i = 0; i < votes->places->len; i++) {
		int here = ((const struct directory_place *)votes->places->pdata[i])->votes;
		if (here >= first) {
			second = first;
			first = here;
		} else if (here >= second) {
			second = here;
		}
	}
	return first > second + votes->unknown;
}

void directory_moves_close_decided(struct directory_moves *moves)
{
	GHashTableIter iter;
	gpointer directory, votes;

	g_hash_table_iter_init(&iter, moves->votes);
	while (g_hash_table_iter_next(&iter, &directory, &votes)) {
		gpointer key;
		if (relevance_of(moves, directory) == DIRECTORY_RELEVANT_FOR_SELF &&
			is_decided(votes) &&
			g_hash_table_lookup_extended(moves->removed, directory, &key, NULL))
			g_hash_table_insert(moves->removed, key,
				GINT_TO_POINTER(DIRECTORY_RELEVANT_FOR_ANCESTOR));
	}
}

gboolean directory_moves_is_open(const struct directory_moves *moves, const char *path)
{
	g_autofree char *directory = parent_of(path);

	while (*directory != '\0' &&
		relevance_of(moves, directory) == DIRECTORY_RELEVANT_FOR_ANCESTOR) {
		char *up = parent_of(directory);
		g_free(directory);
		directory = up;
	}
	return relevance_of(moves, directory) == DIRECTORY_RELEVANT_FOR_SELF;
}
