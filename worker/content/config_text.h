#ifndef FORGE_WORKER_CONTENT_CONFIG_TEXT_H
#define FORGE_WORKER_CONTENT_CONFIG_TEXT_H

#include <glib.h>
#include <stddef.h>

/**
 * One setting: SECTION and KEY in lower case, SUBSECTION as written (NULL: none), VALUE without its
 * quotes (NULL: the key stands alone). All borrowed. FALSE stops the reading.
 */
typedef gboolean (*config_text_func)(const char *section, const char *subsection, const char *key,
	const char *value, gpointer user_data);

/**
 * Reads SIZE bytes of TEXT, which somebody else wrote, as git reads its configuration
 * (git-config(1), SYNTAX), and calls EACH for each setting in order. Nothing is included and
 * nothing expanded. FALSE if the text is malformed, longer than LIMIT_CONFIG_TEXT_BYTES, or EACH
 * said so; what came before has been seen by then. Pure.
 */
gboolean config_text_each(const char *text, size_t size, config_text_func each, gpointer user_data);

#endif
