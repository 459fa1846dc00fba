#ifndef FORGE_CLI_RENDER_H
#define FORGE_CLI_RENDER_H

#include <glib.h>

#include "journal/base/value.h"
#include "journal/events.pb-c.h"
#include "queue/messages.pb-c.h"

/**
 * Pure functions from what forge knows to what people and programs read. An entry is how one branch
 * of a fork ended (Forge__ForkSynced); one without a branch stands for a job that ended before it
 * came to branches.
 */

/** The entry's word in machine formats: `merged`, `would_merge`. Static. */
const char *render_status(const Forge__ForkSynced *entry);

/** TRUE if nothing is left to do: up to date, or brought up to date. */
gboolean render_succeeded(const Forge__ForkSynced *entry);

/** TRUE if the entry is of a fork's tags, which are one: it counts tags where others count commits.
 */
gboolean render_is_of_tags(const Forge__ForkSynced *entry);

/** The next step after an entry that did not succeed, in words;
 * NULL if there is none. Static, or borrowed from ENTRY. */
const char *render_hint(const Forge__ForkSynced *entry);

/** The entry's line for people, with `NAME (BRANCH)` if WITH_BRANCH, `NAME (tags)`
 * of tags. Caller frees. */
char *render_entry_line(const Forge__ForkSynced *entry, gboolean with_branch);

/**
 * The commands that resolve a conflict by hand, one a line, as a shell takes them. FORK_URL and
 * UPSTREAM_URL are what git clones from. Caller frees.
 */
char *render_conflict_commands(
	const Forge__ForkSynced *entry, const char *fork_url, const char *upstream_url);

/** The entry as machines read it. HINT (NULL: the error's own) is the next step. Caller frees. */
struct value *render_entry(const Forge__ForkSynced *entry, const char *hint);

/** How many entries ended how. */
struct tally {
	guint total;
	guint succeeded;
	guint conflicts;
	guint failed;
	guint skipped; /**< for another reason than that somebody cancelled the job */
	guint cancelled;
};

void tally_add(struct tally *tally, const Forge__ForkSynced *entry);

/** Exit status of a batch: 7 if any conflict, else 1 if any
 * failed, was skipped or cancelled, else 0. */
int tally_exit_status(const struct tally *tally);

/** `3 forks: 2 in order, 1 in conflict (0.4 s)`. ONE and
 * MANY are the word for what is counted. Caller frees. */
char *render_tally(const struct tally *tally, const char *one, const char *many, gboolean dry_run,
	double seconds);

/** `{"code", "message", "hint"}`, or a null for NULL. Caller frees. */
struct value *render_error(const Forge__Error *error);

struct value *render_fork_row(const Forge__ForkRow *row);
struct value *render_batch_row(const Forge__BatchRow *row);
struct value *render_job_row(const Forge__JobRow *row);
struct value *render_stats(const Forge__Stats *stats);

/** The words of the enumerations, as people type them: `merge`, `fork_sync`. Static. */
const char *render_strategy(Forge__Strategy strategy);
const char *render_kind(Forge__JobKind kind);

/** The strategy called WORD; VALIDATION_FAILED, or UNSUPPORTED for one that does not work yet. */
gboolean render_parse_strategy(const char *word, Forge__Strategy *strategy, GError **error);

/** WALL_US as RFC 3339; a null for 0. Caller frees. */
struct value *render_time(uint64_t wall_us);

#endif
