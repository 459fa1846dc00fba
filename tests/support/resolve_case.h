#ifndef FORGE_TESTS_SUPPORT_RESOLVE_CASE_H
#define FORGE_TESTS_SUPPORT_RESOLVE_CASE_H

#include <glib.h>

#include "worker/resolve/solver.h"

/** A case of tests/cases/resolve.txt, whose head says what the lines mean. */
struct resolve_case {
	char *claim;
	char *expected;   /**< the solution or the explanation, without a line break at the end */
	GPtrArray *lines; /**< before `---` */
	GHashTable *versions; /**< name → GPtrArray of struct case_version, the highest first */
	GHashTable *missing;  /**< name → reason */
	GArray *requirements; /**< of struct solver_requirement */
	GPtrArray *texts;     /**< owned texts of the requirements */
	enum solver_preference preference;
	gboolean advise;
};

/** All cases. Caller frees. */
GPtrArray *resolve_cases_read(const char *path);

/** Asks the solver. Caller frees. */
struct solver_result *resolve_case_solve(struct resolve_case *one, GError **error);

/** What RESULT would look like in the file. Caller frees. */
char *resolve_case_text(const struct solver_result *result);

#endif
