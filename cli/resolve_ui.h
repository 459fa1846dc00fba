#ifndef FORGE_CLI_RESOLVE_UI_H
#define FORGE_CLI_RESOLVE_UI_H

#include "cli/invocation.h"
#include "worker/sync/resolution.h"

/**
 * Asks a person about each open conflict of RESOLUTION, on standard input and output, and keeps
 * each choice as it is made. Ends when all were asked about, at `q`, or at the input's end; what
 * was skipped stays open. INTERRUPTED after a signal.
 */
gboolean resolve_ui_ask(
	struct invocation *invocation, struct resolution *resolution, GError **error);

/** TRUE if there is a person to ask: standard input and output are a terminal. */
gboolean resolve_ui_has_person(const struct invocation *invocation);

#endif
