#ifndef FORGE_CLI_CHECKUP_H
#define FORGE_CLI_CHECKUP_H

#include <glib.h>

#include "cli/invocation.h"
#include "journal/base/scope.h"
#include "journal/base/value.h"

/** What `forge doctor` found, check by check, shown as it is found. */
struct checkup;

struct checkup *checkup_new(const struct invocation *invocation);
void checkup_free(struct checkup *checkup);
SCOPED_POINTER(checkup, checkup_free)

/** NAME (`journal`, `host github.com`) is in order; SAYS how, in a few words. */
void checkup_good(struct checkup *checkup, const char *name, const char *says, ...)
	G_GNUC_PRINTF(3, 4);

/** NAME is not: SAYS what is wrong, HINT what to do. */
void checkup_bad(struct checkup *checkup, const char *name, const char *hint, const char *says, ...)
	G_GNUC_PRINTF(4, 5);

/** The same for PROBLEM, with the hint of its code. */
void checkup_bad_error(struct checkup *checkup, const char *name, const GError *problem);

/** Writes what machine formats want; returns the exit status: 1 if anything was bad. */
int checkup_finish(struct checkup *checkup);

#endif
