#ifndef FORGE_CLI_WORKSHOP_H
#define FORGE_CLI_WORKSHOP_H

#include "journal/base/scope.h"
#include "worker/operation.h"

/** What the jobs of this process share, made from CONFIG (borrowed). */
struct workshop *workshop_new(const struct config *config);
void workshop_free(struct workshop *workshop);
SCOPED_POINTER(workshop, workshop_free)

#endif
