#ifndef FORGE_JOURNAL_BASE_LOG_H
#define FORGE_JOURNAL_BASE_LOG_H

#include <glib.h>

/**
 * Routes GLib's log (g_debug, g_message, g_warning) to standard error, one line of `level=… msg`
 * each, redacted. LEVEL is one of error, warning, info, debug; messages below it are dropped. FALSE
 * if LEVEL is none of these.
 */
gboolean log_start(const char *level);

/**
 * TEXT without what must never be shown: the user part of URLs (`https://user:secret@host` becomes
 * `https://host`), the value of Authorization and cookie headers, and each of SECRETS
 * (NULL-terminated, may be NULL). Everything that came from a server or a library passes through
 * here before it is kept. Caller frees.
 */
char *log_redact(const char *text, const char *const *secrets);

#endif
