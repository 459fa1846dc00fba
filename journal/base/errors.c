/*
 * The error domain, read from errors.def: name, class, exit status and hint of each code.
 *
 * Errors travel as GError of this one domain. A GError of another domain is possible only where
 * GLib made it (files, options); it counts as FAILED, so wrap it where more is known.
 */
#include "journal/base/errors.h"

#include <string.h>

struct error_row {
	const char *name;
	enum forge_error_class class;
	int exit_status;
	const char *hint;
};

static const struct error_row rows[] = {
#define X(code, class, status, hint) {#code, FORGE_ERROR_CLASS_##class, status, hint},
#include "journal/base/errors.def"
#undef X
};

GQuark forge_error_quark(void)
{
	return g_quark_from_static_string("forge-error");
}

static const struct error_row *row_of(enum forge_error code)
{
	g_assert((size_t)code < G_N_ELEMENTS(rows));
	return &rows[code];
}

const char *forge_error_name(enum forge_error code)
{
	return row_of(code)->name;
}

enum forge_error forge_error_from_name(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return (enum forge_error)i;
	return FORGE_ERROR_FAILED;
}

enum forge_error_class forge_error_class(enum forge_error code)
{
	return row_of(code)->class;
}

int forge_error_exit_status(enum forge_error code)
{
	return row_of(code)->exit_status;
}

const char *forge_error_hint(enum forge_error code)
{
	return row_of(code)->hint;
}

enum forge_error forge_error_code(const GError *error)
{
	return error->domain == FORGE_ERROR ? (enum forge_error)error->code : FORGE_ERROR_FAILED;
}
