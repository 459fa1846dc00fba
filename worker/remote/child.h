#ifndef FORGE_WORKER_REMOTE_CHILD_H
#define FORGE_WORKER_REMOTE_CHILD_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"

/**
 * A program that was started and is talked to through its standard input and output. What it writes
 * to standard error is read all the time, so that it can never block on it, and its beginning is
 * kept. Belongs to one thread; several threads may start children at once.
 */
struct child;

/**
 * Starts ARGUMENTS (NULL-terminated; the first is looked up in PATH) as the leader of its own
 * process group, with an empty signal mask, default signals, no descriptors but its three, and an
 * environment of known names only. Counts as one request of BUDGET, which is borrowed until the
 * child is freed and bounds every wait. UNSUPPORTED if there is no such program.
 */
struct child *child_new(const char *const *arguments, struct budget *budget, GError **error);

/** Ends the child if it still runs (SIGTERM, then SIGKILL, to its whole group) and reaps it. Takes
 * NULL. */
void child_free(struct child *child);
SCOPED_POINTER(child, child_free)

/**
 * Waits for output and reads at most SIZE bytes of it; *N_READ is 0 at its end. INTERRUPTED and
 * TIMEOUT as budget_check(), and TIMEOUT if nothing moved for the budget's low-speed time.
 */
gboolean child_read(struct child *child, char *buffer, size_t size, size_t *n_read, GError **error);

/** Writes all SIZE bytes; REPOSITORY_UNREACHABLE if the child no longer reads, else as
 * child_read(). */
gboolean child_write(struct child *child, const char *data, size_t size, GError **error);

/** Lets the child see the end of its input. */
void child_close_input(struct child *child);

/**
 * Closes input and output and waits for the child to exit, at most LIMIT_CHILD_EXIT_MS; then it is
 * ended as by child_free(). Gives its exit status as a shell does: 128 and the signal if one ended
 * it.
 */
int child_finish(struct child *child);

/** The first LIMIT_CHILD_COMPLAINT_BYTES of what the child wrote to standard error so far; not
 * redacted. Borrowed. */
const char *child_complaint(const struct child *child);

#endif
