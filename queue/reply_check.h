#ifndef FORGE_QUEUE_REPLY_CHECK_H
#define FORGE_QUEUE_REPLY_CHECK_H

#include <glib.h>

#include "queue/messages.pb-c.h"

/**
 * TRUE if REPLY has every part that its readers take for granted: the fork of a fork's row, the
 * event of an event's row. A scheduler of another version, or something that is none, may leave
 * them out; PROTOCOL_ERROR says which. What a grant holds is checked job by job.
 */
gboolean reply_check(const Forge__Reply *reply, GError **error);

/** The same of a job that was granted: its id, and what a job of its kind is about. */
gboolean reply_check_granted(const Forge__GrantedJob *job, GError **error);

#endif
