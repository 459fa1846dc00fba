#ifndef FORGE_WORKER_SYNC_RESOLUTION_H
#define FORGE_WORKER_SYNC_RESOLUTION_H

#include <glib.h>

#include "journal/base/config.h"
#include "journal/base/scope.h"
#include "journal/events.pb-c.h"

/**
 * The conflicts of one pending merge, and what has been decided of them so far. What is decided is
 * kept in the workspace's repository (`pending/resolved`), so that another process goes on from
 * there; the component's files are not touched. Belongs to one thread.
 */
struct resolution;

/** What was made of a conflict. */
enum resolution_choice {
	RESOLUTION_OPEN,
	RESOLUTION_LOCAL,
	RESOLUTION_UPSTREAM,
	RESOLUTION_EDITED,
	RESOLUTION_MERGED,
	RESOLUTION_PARTS, /**< each of its parts was decided for itself */
};

enum resolution_shape {
	RESOLUTION_TEXT,  /**< a file both sides changed: parts of it conflict */
	RESOLUTION_WHOLE, /**< one side's version or the other's, as it is; or its absence */
	RESOLUTION_RULE,  /**< it merged, but a rule of components is broken */
};

struct resolution_conflict {
	char *path;  /**< in the component */
	char *type;  /**< `content`, `schema`, `version` or `dependency` */
	char *place; /**< where in the file, or what the rule is; "" if nobody can say */
	enum resolution_shape shape;
	enum resolution_choice choice;
};

/**
 * Opens the merge that PENDING (borrowed until the end) tells of, in the workspace at ROOT, with
 * the choices that were kept. CONFIG (borrowed) says who makes commits and which rule settles
 * versions. BROKEN_REPOSITORY if the repository knows nothing of that merge. Caller frees.
 */
struct resolution *resolution_open(const char *root, const Forge__ComponentConflicted *pending,
	const struct config *config, GError **error);
void resolution_free(struct resolution *resolution);
SCOPED_POINTER(resolution, resolution_free)

guint resolution_count(const struct resolution *resolution);
guint resolution_left(const struct resolution *resolution);

/** Conflict AT, from 0 (people count from 1). Borrowed. */
const struct resolution_conflict *resolution_at(const struct resolution *resolution, guint at);

/** `local`, `upstream`, `edited`, `merged`; `open`. Static. */
const char *resolution_choice_word(enum resolution_choice choice);

/** How conflicts may be settled without a person. */
enum resolution_way {
	RESOLUTION_BY_LOCAL,
	RESOLUTION_BY_UPSTREAM,
	RESOLUTION_BY_UNION, /**< both sides, where that is possible */
	RESOLUTION_BY_MERGE, /**< by key, with the configured rule */
};

/** Settles conflict AT in WAY; where that cannot be it stays open. What merged stays. */
gboolean resolution_settle(
	struct resolution *resolution, guint at, enum resolution_way way, GError **error);

/** TRUE if local was chosen where a version or dependency does not fit: nothing of upstream may
 * come then, and the pull is to be given up as a whole. */
gboolean resolution_gives_up(const struct resolution *resolution);

/** The places of the broken rules (versions, dependencies) that were decided on: who did accepts
 * them. A NULL-ended array; its texts are borrowed, the caller frees the array alone. */
char **resolution_accepted(const struct resolution *resolution);

/* ---- parts of a file (resolution_split.c) ---- */

/** A key or a hunk of a file that is in conflict with others of it. */
struct resolution_part {
	char *place; /**< `config.timeout`, `line 7` */
	char *base;  /**< as text that ends with a line; NULL: not there, or not known */
	char *local; /**< NULL: not there; so upstream */
	char *upstream;
	enum resolution_choice choice; /**< OPEN, LOCAL or UPSTREAM */
};

/**
 * The parts of conflict AT, of struct resolution_part, in the file's order; at least two, else NULL
 * without an error: the conflict has one, or its file cannot be merged inside. Borrowed; choices change
 * with resolution_settle_part().
 */
const GPtrArray *resolution_parts(struct resolution *resolution, guint at, GError **error);

/**
 * Takes local's or upstream's side of part N of conflict AT. With the last part the conflict is
 * decided, unless the parts cannot be put together as they were chosen: then *TOGETHER is FALSE and
 * all of them are open again.
 */
gboolean resolution_settle_part(struct resolution *resolution, guint at, guint n,
	enum resolution_way way, gboolean *together, GError **error);

/** The text of conflict AT for an editor, with markers where parts conflict; NULL without an error
 * if there is none (links, binary files). Caller unrefs. */
GBytes *resolution_text(struct resolution *resolution, guint at, GError **error);

/** Takes TEXT for conflict AT's file. The caller has looked for markers, and judged it. */
gboolean resolution_take(struct resolution *resolution, guint at, GBytes *text, GError **error);

/** Judges TEXT, which somebody wrote for conflict AT's file, before it is taken: *PROBLEM says what
 * of component.yaml, schema.json or `config` it breaks that neither side had broken; NULL: nothing.
 * Caller frees. */
gboolean resolution_judge_text(
	struct resolution *resolution, guint at, GBytes *text, char **problem, GError **error);

/** The line of TEXT, from 1, that is a conflict's marker and stands in neither side's version; 0:
 * none is. */
guint resolution_marker_line(struct resolution *resolution, guint at, GBytes *text);

/** What a person gets to see of conflict AT: its hunks between markers, or in words what is against
 * what. Bytes as they are. Caller frees. */
char *resolution_story(struct resolution *resolution, guint at, GError **error);

/** The base's version of conflict AT's file; NULL without an error if it has none, or no text.
 * Caller unrefs. */
GBytes *resolution_base(struct resolution *resolution, guint at, GError **error);

/** Keeps what was decided. REF_MOVED if another process decided something meanwhile. */
gboolean resolution_save(struct resolution *resolution, GError **error);

/** The tree of what was decided, in hexadecimal, as resolution_save() kept it. Borrowed. */
const char *resolution_tree(const struct resolution *resolution);

/* ---- the files in the folder (resolution_files.c) ---- */

/**
 * Looks at the component's files: they must be what the merge was made of, or what --strategy
 * manual wrote. EDITED_MEANWHILE if somebody edited them since.
 */
gboolean resolution_check_files(struct resolution *resolution, GError **error);

/** The tree of the files as resolution_check_files() or resolution_read_files() saw them. */
const char *resolution_files(const struct resolution *resolution);

/**
 * Makes the tree in which every open conflict of text is between markers, and notes under
 * `pending/markers` that it is what the files are to be. *TREE: borrowed.
 */
gboolean resolution_mark(struct resolution *resolution, const char **tree, GError **error);

/**
 * Takes the files as they are for the result; resolution_files() is their tree. USAGE if no markers
 * were written before; SYNC_CONFLICT names the first marker that is left.
 */
gboolean resolution_read_files(struct resolution *resolution, GError **error);

#endif
