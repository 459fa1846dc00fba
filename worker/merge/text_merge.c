/*
 * The three-way merge of texts.
 *
 * Each side's changes to the base are laid beside each other. A change that only one side made is
 * taken; one that both made alike is there already; where changes meet and differ, or only touch,
 * they become one conflict. A conflict is then narrowed by a diff of its two versions, and
 * conflicts with three lines or fewer between them are joined. All of this is git's default for
 * merges, so the bytes that come out are git's, those between markers too: a virtual merge base
 * with conflicts in it is the base of the next merge.
 *
 * What a file's syntax means is no business of this module.
 */
#include "worker/merge/text_merge.h"

#include <string.h>

#include "journal/base/hash.h"
#include "worker/merge/line_diff.h"

#define BINARY_PROBE_BYTES 8000
#define LINES_BETWEEN_JOINED 3

struct text_line {
	const char *data;
	size_t size;
	guint hash;
};

/** A text cut into lines (each with its line feed), and their classes. */
struct text_lines {
	GArray *lines;   /**< of struct text_line */
	GArray *classes; /**< of uint32_t */
};

enum piece_kind {
	PIECE_CONFLICT,
	PIECE_OURS,
	PIECE_THEIRS,
	PIECE_SAME, /**< a conflict that proved to be none */
};

/** A stretch of the result; between pieces both sides have the base's lines. */
struct merge_piece {
	enum piece_kind kind;
	size_t ours, ours_n;
	size_t theirs, theirs_n;
};

struct merging {
	struct text_lines base, ours, theirs;
	uint32_t n_classes;
	GArray *pieces; /**< of struct merge_piece */
};

gboolean text_is_binary(const struct text_version *text)
{
	return text->size > 0 &&
		memchr(text->data, '\0', MIN(text->size, BINARY_PROBE_BYTES)) != NULL;
}

static guint line_hash(gconstpointer pointer)
{
	return ((const struct text_line *)pointer)->hash;
}

static gboolean line_equal(gconstpointer a, gconstpointer b)
{
	const struct text_line *one = a, *two = b;

	return one->size == two->size && memcmp(one->data, two->data, one->size) == 0;
}

/** Seeded, so that nobody can write a file whose lines all collide. */
static guint hash_bytes(uint64_t seed, const char *data, size_t size)
{
	uint64_t hash = seed ^ size;

	for (; size >= 8; data += 8, size -= 8) {
		uint64_t word;
		memcpy(&word, data, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	for (; size > 0; data++, size--)
		hash = (hash ^ (unsigned char)*data) * 0x100000001b3u;
	hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u;
	return (guint)(hash >> 32);
}

static GArray *cut_lines(const struct text_version *text, uint64_t seed)
{
	GArray *lines = g_array_new(FALSE, FALSE, sizeof(struct text_line));
	const char *at = text->data;
	const char *end = at != NULL ? at + text->size : NULL;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *stop = feed != NULL ? feed + 1 : end;
		size_t size = (size_t)(stop - at);
		struct text_line line = {at, size, hash_bytes(seed, at, size)};
		g_array_append_val(lines, line);
		at = stop;
	}
	return lines;
}

/** Numbers the lines of TEXT; equal lines, in whichever text, get equal numbers. */
static void classify(struct text_lines *text, GHashTable *classes)
{
	/* Room for one at least: a sequence of none of them points somewhere, too. */
	text->classes = g_array_sized_new(FALSE, FALSE, sizeof(uint32_t), text->lines->len + 1);
	for (guint i = 0; i < text->lines->len; i++) {
		struct text_line *line = &g_array_index(text->lines, struct text_line, i);
		gpointer known;
		uint32_t class = g_hash_table_size(classes);
		if (g_hash_table_lookup_extended(classes, line, NULL, &known))
			class = GPOINTER_TO_UINT(known);
		else
			g_hash_table_insert(classes, line, GUINT_TO_POINTER(class));
		g_array_append_val(text->classes, class);
	}
}

static struct line_sequence sequence_of(const struct text_lines *text, size_t at, size_t n)
{
	return (struct line_sequence){(const uint32_t *)(const void *)text->classes->data + at, n};
}

static gboolean same_lines(
	const struct text_lines *a, size_t a_at, const struct text_lines *b, size_t b_at, size_t n)
{
	return n == 0 ||
		memcmp(sequence_of(a, a_at, n).lines, sequence_of(b, b_at, n).lines,
			n * sizeof(uint32_t)) == 0;
}

/** Adds a piece, or widens the last one if the two touch on either side. */
static void add_piece(struct merging *merging, struct merge_piece piece)
{
	struct merge_piece *last = merging->pieces->len == 0
		? NULL
		: &g_array_index(merging->pieces, struct merge_piece, merging->pieces->len - 1);

	if (last == NULL ||
		(piece.ours > last->ours + last->ours_n &&
			piece.theirs > last->theirs + last->theirs_n)) {
		g_array_append_val(merging->pieces, piece);
		return;
	}
	if (last->kind != piece.kind)
		last->kind = PIECE_CONFLICT;
	last->ours_n = piece.ours + piece.ours_n - last->ours;
	last->theirs_n = piece.theirs + piece.theirs_n - last->theirs;
}

/** Two changes whose base lines overlap or touch and that differ: as much of both sides as either
 * covers. */
static struct merge_piece conflict_of(
	const struct line_change *ours, const struct line_change *theirs)
{
	size_t start = MIN(ours->from, theirs->from);
	size_t end = MAX(ours->from + ours->from_n, theirs->from + theirs->from_n);
	size_t ours_at = ours->to - (ours->from - start);
	size_t theirs_at = theirs->to - (theirs->from - start);
	size_t ours_end = ours->to + ours->to_n + (end - (ours->from + ours->from_n));
	size_t theirs_end = theirs->to + theirs->to_n + (end - (theirs->from + theirs->from_n));

	return (struct merge_piece){
		PIECE_CONFLICT, ours_at, ours_end - ours_at, theirs_at, theirs_end - theirs_at};
}

static void lay_beside(
	struct merging *merging, const GArray *our_changes, const GArray *their_changes)
{
	const struct line_change *ours = (const void *)our_changes->data;
	const struct line_change *theirs = (const void *)their_changes->data;
	const struct line_change *ours_end = ours + our_changes->len;
	const struct line_change *theirs_end = theirs + their_changes->len;
	size_t base_n = merging->base.lines->len;

	while (ours < ours_end || theirs < theirs_end) {
		/* Where a base line is found in the other side: counted from its next change, or
		 * from the end. */
		size_t our_anchor = ours < ours_end ? ours->from : base_n;
		size_t our_place = ours < ours_end ? ours->to : merging->ours.lines->len;
		size_t their_anchor = theirs < theirs_end ? theirs->from : base_n;
		size_t their_place = theirs < theirs_end ? theirs->to : merging->theirs.lines->len;

		if (theirs == theirs_end ||
			(ours < ours_end && ours->from + ours->from_n < theirs->from)) {
			add_piece(merging,
				(struct merge_piece){PIECE_OURS, ours->to, ours->to_n,
					their_place + ours->from - their_anchor, ours->from_n});
			ours++;
			continue;
		}
		if (ours == ours_end || theirs->from + theirs->from_n < ours->from) {
			add_piece(merging,
				(struct merge_piece){PIECE_THEIRS,
					our_place + theirs->from - our_anchor, theirs->from_n,
					theirs->to, theirs->to_n});
			theirs++;
			continue;
		}
		if (ours->from != theirs->from || ours->from_n != theirs->from_n ||
			ours->to_n != theirs->to_n ||
			!same_lines(
				&merging->ours, ours->to, &merging->theirs, theirs->to, ours->to_n))
			add_piece(merging, conflict_of(ours, theirs));
		size_t ours_done = ours->from + ours->from_n;
		size_t theirs_done = theirs->from + theirs->from_n;
		if (ours_done >= theirs_done)
			theirs++;
		if (theirs_done >= ours_done)
			ours++;
	}
}

/** Replaces each conflict by those of its lines in which the sides differ. */
static void narrow_conflicts(struct merging *merging)
{
	GArray *pieces = g_array_new(FALSE, FALSE, sizeof(struct merge_piece));

	for (guint i = 0; i < merging->pieces->len; i++) {
		struct merge_piece piece = g_array_index(merging->pieces, struct merge_piece, i);
		if (piece.kind != PIECE_CONFLICT || piece.ours_n == 0 || piece.theirs_n == 0) {
			g_array_append_val(pieces, piece);
			continue;
		}
		g_autoptr(GArray)
			changes = line_diff(sequence_of(&merging->ours, piece.ours, piece.ours_n),
				sequence_of(&merging->theirs, piece.theirs, piece.theirs_n),
				merging->n_classes);
		if (changes->len == 0) {
			piece.kind = PIECE_SAME;
			g_array_append_val(pieces, piece);
		}
		for (guint j = 0; j < changes->len; j++) {
			const struct line_change *change = &g_array_index(
				changes, struct line_change, j);
			struct merge_piece part = {PIECE_CONFLICT, piece.ours + change->from,
				change->from_n, piece.theirs + change->to, change->to_n};
			g_array_append_val(pieces, part);
		}
	}
	g_array_unref(merging->pieces);
	merging->pieces = pieces;
}

static void join_conflicts(struct merging *merging)
{
	GArray *pieces = g_array_new(FALSE, FALSE, sizeof(struct merge_piece));

	for (guint i = 0; i < merging->pieces->len; i++) {
		struct merge_piece piece = g_array_index(merging->pieces, struct merge_piece, i);
		struct merge_piece *last = pieces->len == 0
			? NULL
			: &g_array_index(pieces, struct merge_piece, pieces->len - 1);
		if (last == NULL || last->kind != PIECE_CONFLICT || piece.kind != PIECE_CONFLICT ||
			piece.ours > last->ours + last->ours_n + LINES_BETWEEN_JOINED) {
			g_array_append_val(pieces, piece);
			continue;
		}
		last->ours_n = piece.ours + piece.ours_n - last->ours;
		last->theirs_n = piece.theirs + piece.theirs_n - last->theirs;
	}
	g_array_unref(merging->pieces);
	merging->pieces = pieces;
}

enum line_ending {
	ENDING_UNKNOWN,
	ENDING_LF,
	ENDING_CRLF,
};

/** How the line AT ends; a last line without an end is judged by the one before it. */
static enum line_ending ending_of(const struct text_lines *text, size_t at)
{
	const struct text_line *lines = (const void *)text->lines->data;

	if (text->lines->len == 0)
		return ENDING_UNKNOWN;
	if (lines[at].data[lines[at].size - 1] != '\n') {
		if (at == 0)
			return ENDING_UNKNOWN;
		at--;
	}
	return lines[at].size > 1 && lines[at].data[lines[at].size - 2] == '\r' ? ENDING_CRLF
										: ENDING_LF;
}

/** TRUE if marker lines at PIECE end in CR LF: both sides and the base say so, as far as they say
 * anything. */
static gboolean wants_crlf(const struct merging *merging, const struct merge_piece *piece)
{
	enum line_ending ending = ending_of(&merging->ours, piece->ours > 0 ? piece->ours - 1 : 0);

	if (ending != ENDING_LF)
		ending = ending_of(&merging->theirs, piece->theirs > 0 ? piece->theirs - 1 : 0);
	if (ending != ENDING_LF)
		ending = ending_of(&merging->base, 0);
	return ending == ENDING_CRLF;
}

static void put_lines(GByteArray *out, const struct text_lines *text, size_t at, size_t n)
{
	const struct text_line *lines = (const void *)text->lines->data;

	/* Lines of one text lie behind each other. */
	if (n > 0)
		g_byte_array_append(out, (const guint8 *)lines[at].data,
			(guint)(lines[at + n - 1].data + lines[at + n - 1].size - lines[at].data));
}

static void put_end(GByteArray *out, gboolean crlf)
{
	g_byte_array_append(out, (const guint8 *)(crlf ? "\r\n" : "\n"), crlf ? 2 : 1);
}

static void put_marker(GByteArray *out, char mark, size_t size, const char *label, gboolean crlf)
{
	guint at = out->len;

	g_byte_array_set_size(out, at + (guint)size);
	memset(out->data + at, mark, size);
	if (label != NULL) {
		g_byte_array_append(out, (const guint8 *)" ", 1);
		g_byte_array_append(out, (const guint8 *)label, (guint)strlen(label));
	}
	put_end(out, crlf);
}

static void put_whole_lines(
	GByteArray *out, const struct text_lines *text, size_t at, size_t n, gboolean crlf)
{
	put_lines(out, text, at, n);
	if (n > 0 && out->data[out->len - 1] != '\n')
		put_end(out, crlf);
}

static GByteArray *write_result(
	const struct merging *merging, const struct text_markers *markers, size_t *conflicts)
{
	GByteArray *out = g_byte_array_new();
	size_t at = 0;

	*conflicts = 0;
	for (guint i = 0; i < merging->pieces->len; i++) {
		const struct merge_piece *piece = &g_array_index(
			merging->pieces, struct merge_piece, i);
		gboolean crlf;
		if (piece->kind == PIECE_SAME)
			continue;
		put_lines(out, &merging->ours, at, piece->ours - at);
		at = piece->ours + piece->ours_n;
		switch (piece->kind) {
		case PIECE_CONFLICT:
			crlf = wants_crlf(merging, piece);
			put_marker(out, '<', markers->size, markers->ours, crlf);
			put_whole_lines(out, &merging->ours, piece->ours, piece->ours_n, crlf);
			put_marker(out, '=', markers->size, markers->middle, crlf);
			put_whole_lines(
				out, &merging->theirs, piece->theirs, piece->theirs_n, crlf);
			put_marker(out, '>', markers->size, markers->theirs, crlf);
			(*conflicts)++;
			break;
		case PIECE_OURS:
			put_lines(out, &merging->ours, piece->ours, piece->ours_n);
			break;
		case PIECE_THEIRS:
			put_lines(out, &merging->theirs, piece->theirs, piece->theirs_n);
			break;
		case PIECE_SAME:
			break;
		}
	}
	put_lines(out, &merging->ours, at, merging->ours.lines->len - at);
	return out;
}

GByteArray *text_merge(const struct text_version *base, const struct text_version *ours,
	const struct text_version *theirs, const struct text_markers *markers, size_t *conflicts)
{
	g_autoptr(GHashTable) classes = g_hash_table_new(line_hash, line_equal);
	g_autoptr(GArray) our_changes = NULL;
	g_autoptr(GArray) their_changes = NULL;
	struct merging merging = {.pieces = g_array_new(FALSE, FALSE, sizeof(struct merge_piece))};
	struct text_lines *texts[] = {&merging.base, &merging.ours, &merging.theirs};
	const struct text_version *versions[] = {base, ours, theirs};
	GByteArray *result;
	uint64_t seed;

	hash_random(&seed, sizeof(seed));
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		texts[i]->lines = cut_lines(versions[i], seed);
		classify(texts[i], classes);
	}
	merging.n_classes = g_hash_table_size(classes);
	our_changes = line_diff(sequence_of(&merging.base, 0, merging.base.lines->len),
		sequence_of(&merging.ours, 0, merging.ours.lines->len), merging.n_classes);
	their_changes = line_diff(sequence_of(&merging.base, 0, merging.base.lines->len),
		sequence_of(&merging.theirs, 0, merging.theirs.lines->len), merging.n_classes);
	if (our_changes->len == 0 || their_changes->len == 0) {
		const struct text_version *changed = our_changes->len == 0 ? theirs : ours;
		result = g_byte_array_new();
		if (changed->size > 0)
			g_byte_array_append(
				result, (const guint8 *)changed->data, (guint)changed->size);
		*conflicts = 0;
	} else {
		lay_beside(&merging, our_changes, their_changes);
		narrow_conflicts(&merging);
		join_conflicts(&merging);
		result = write_result(&merging, markers, conflicts);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_array_unref(texts[i]->lines);
		g_array_unref(texts[i]->classes);
	}
	g_array_unref(merging.pieces);
	return result;
}
