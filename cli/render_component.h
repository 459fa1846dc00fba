#ifndef FORGE_CLI_RENDER_COMPONENT_H
#define FORGE_CLI_RENDER_COMPONENT_H

#include <glib.h>

#include "journal/base/value.h"
#include "queue/messages.pb-c.h"

/* Components in words: pure, nothing is printed here. Every char * that is returned is the
 * caller's. */

/** `synced`, `modified`, … ; `unknown` where nothing is known of upstream. Static. */
const char *render_component_status(Forge__ComponentStatus status);

/** The first seven digits of an object id; `-` for none. */
char *render_short_id(const char *id);

/** `Component 'x' is outdated (local: abc1234, upstream: def4567)`. */
char *render_component_line(const Forge__ComponentRow *row);

/** TRUE if the files are just what was pushed last; after an edit, or where the push merged in what
 * upstream had, they are not. */
gboolean render_is_as_pushed(const Forge__ComponentRow *row);

/** Why upstream could not be asked, or the newest job failed; NULL if neither. Borrowed. */
const Forge__Error *render_component_trouble(const Forge__ComponentRow *row);

/** `✓ 1 synced, ⚠ 1 modified, ⬆ 1 outdated, ✗ 1 conflict`: what there is of each. */
char *render_component_summary(GPtrArray *rows);

/** The same as a map of counts. */
struct value *render_component_counts(GPtrArray *rows);

/** The row for machines; CHANGES (may be NULL) is taken: a list. */
struct value *render_component_row(const Forge__ComponentRow *row, struct value *take_changes);

/** `a1b2c3d (2026-01-15 10:30:00)`, in UTC; the time is left out if it is 0. */
char *render_commit_and_time(const char *id, uint64_t time_us);

#endif
