#ifndef FORGE_SCHEDULER_QUERY_H
#define FORGE_SCHEDULER_QUERY_H

#include "scheduler/decide.h"

/**
 * Answers a request that only asks (lists, stats) into DECISION, paged. FALSE if REQUEST is none of those. Reading events is
 * not among them: the loop answers that from the journal.
 */
gboolean query_answer(const struct view *view, const struct input *input, struct decision *decision);

#endif
