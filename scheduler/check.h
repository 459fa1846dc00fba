#ifndef FORGE_SCHEDULER_CHECK_H
#define FORGE_SCHEDULER_CHECK_H

#include "queue/job_kinds.h"
#include "queue/messages.pb-c.h"
#include "scheduler/state.h"

/* Whether a request may become an event. Each sets the error that its sender is told. */

/** Protocol (UNSUPPORTED) and length of names; whoever fails this stays a stranger. */
gboolean check_hello(const Forge__Hello *hello, GError **error);

/**
 * Limits, words and names of a submission; every fork or component it names must be there
 * (FORK_NOT_FOUND, COMPONENT_NOT_FOUND, with the nearest name). BUSY if the queue is full.
 */
gboolean check_submit(const struct state *state, const Forge__Submit *submit, GError **error);

/** TOO_LARGE for a request id or unique key over LIMIT_NAME_BYTES. */
gboolean check_key(const char *key, GError **error);

/** A fork's name, addresses and branches: VALIDATION_FAILED,
 * or SECURITY_REFUSED for an address with a password. */
gboolean check_fork(const Forge__Fork *fork, GError **error);

/** FORK_NOT_FOUND, with the nearest name, unless NAME is registered. */
gboolean check_fork_is_there(const struct state *state, const char *name, GError **error);

/** COMPONENT_NOT_FOUND, with the nearest name, unless NAME is installed. */
gboolean check_component_is_there(const struct state *state, const char *name, GError **error);

/**
 * A report on a job of KIND about TARGET (NULL: about nothing): bounds, and facts only of what the
 * job is about, whole enough for the fold.
 */
gboolean check_report(const Forge__Report *report, const struct job_kind *kind, const char *target,
	GError **error);

#endif
