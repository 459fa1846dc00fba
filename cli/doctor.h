#ifndef FORGE_CLI_DOCTOR_H
#define FORGE_CLI_DOCTOR_H

#include "cli/checkup.h"
#include "journal/base/config.h"

/*
 * What `forge doctor` looks at, a part each. Nothing is changed: no folder made, no journal opened
 * for writing, no job run, nothing completed or repaired.
 */

/** Home, cache, disks, and the folder of sockets. */
void doctor_places(struct checkup *checkup, const struct config *config);

/** The journal in FOLDER, called NAME: who holds it, whether it is whole, and the clock against its
 * last event. SERVED: a scheduler is configured, so one may hold it. */
void doctor_journal(struct checkup *checkup, const char *name, const char *folder, gboolean served);

/** Each host of the configuration: whether it answers, and takes its token. */
void doctor_hosts(struct checkup *checkup, const struct config *config);

/** The workspace that the folder HERE is in, if it is in one. */
void doctor_workspace(struct checkup *checkup, const char *here);

#endif
