#ifndef FORGE_SCHEDULER_QUERY_H
#define FORGE_SCHEDULER_QUERY_H

#include "scheduler/decision.h"

/*
 * Answers to requests that only ask. Lists are paged. Reading events is not among them: the loop
 * answers that from the journal.
 */
void query_components(const struct asking *asking, const Forge__ListComponents *list);
void query_forks(const struct asking *asking, const Forge__ListForks *list);
void query_batches(const struct asking *asking, const Forge__ListBatches *list);
void query_jobs(const struct asking *asking, const Forge__ListJobs *list);
void query_stats(const struct asking *asking, gboolean with_digest);

#endif
