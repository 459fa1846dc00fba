#ifndef FORGE_CLI_OUTPUT_H
#define FORGE_CLI_OUTPUT_H

#include <glib.h>

#include "cli/invocation.h"
#include "cli/table.h"
#include "journal/base/value.h"
#include "queue/messages.pb-c.h"

/** TRUE if standard output belongs to a machine format: then nothing else may be written to it. */
gboolean output_is_machine(const struct invocation *invocation);

/** Writes VALUE to standard output in the machine format
 * asked for; json and yaml are laid out for people too. */
void output_value(const struct invocation *invocation, const struct value *value);

/** Writes VALUE as one line of JSON. Who writes line by
 * line flushes when a reader should see it. */
void output_json_line(const struct value *value);

/** A list of rows: `{KEY: [...]}` in json and yaml, a line a row in jsonl. */
void output_rows(const struct invocation *invocation, const char *key, const struct value *list);

/** A table, boxed on a terminal; EMPTY is said (as a remark) if it has no rows. */
void output_table(
	const struct invocation *invocation, const struct table *table, const char *empty);

/** A line for people on standard output; nothing with a machine format. */
void output_line(const struct invocation *invocation, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** The same, for what is under way and no result: dropped with --quiet. */
void output_step(const struct invocation *invocation, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** As output_line(), with its ✓ or ✗ coloured. Each further line of TEXT is kept as it is. */
void output_marked(const struct invocation *invocation, const char *text);

/** One event of a tail: a line for people, a line of JSON with the machine formats. */
void output_event(const struct invocation *invocation, const Forge__EventRow *row);

/** One event as machines read it. Caller frees. */
struct value *output_event_value(const Forge__EventRow *row);

/** One event as a line of JSON, whatever the format. */
void output_event_line(const Forge__EventRow *row);

/** A line on standard error that is no result: dropped with --quiet. */
void output_remark(const struct invocation *invocation, const char *format, ...)
	G_GNUC_PRINTF(2, 3);

/**
 * The one place where a command's error is shown: for people on standard error, with json or yaml
 * as
 * `{"error": {"code", "message", "hint", "details"}}` on standard output. Returns the exit status.
 */
int output_failure(const struct invocation *invocation, const GError *failure);

#endif
