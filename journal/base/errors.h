#ifndef FORGE_JOURNAL_BASE_ERRORS_H
#define FORGE_JOURNAL_BASE_ERRORS_H

#include <glib.h>

/** Codes of the one error domain; see errors.def for what each means. */
enum forge_error {
#define X(code, class, status, hint) FORGE_ERROR_##code,
#include "journal/base/errors.def"
#undef X
};

/** What may be done about an error. Retries are decided by this alone, never by a message. */
enum forge_error_class {
	FORGE_ERROR_CLASS_RETRY,
	FORGE_ERROR_CLASS_USER,
	FORGE_ERROR_CLASS_FATAL,
};

#define FORGE_ERROR (forge_error_quark())
GQuark forge_error_quark(void);

/** The upper-case word for CODE, as scripts see it (`PUSH_REJECTED`). Static. */
const char *forge_error_name(enum forge_error code);

/** The code of a word made by forge_error_name(); FORGE_ERROR_FAILED if it is none. */
enum forge_error forge_error_from_name(const char *name);

enum forge_error_class forge_error_class(enum forge_error code);

/** Exit status of a command with one target that ended in CODE. */
int forge_error_exit_status(enum forge_error code);

/** The next step for the person who sees CODE: a sentence without a full stop. Static. */
const char *forge_error_hint(enum forge_error code);

/** The code of ERROR; an error of another domain (GLib's own) is FORGE_ERROR_FAILED. */
enum forge_error forge_error_code(const GError *error);

#endif
