#ifndef FORGE_WORKER_DEPENDENCY_WORKSPACE_PROVIDER_H
#define FORGE_WORKER_DEPENDENCY_WORKSPACE_PROVIDER_H

#include <glib.h>

#include "worker/dependency/package.h"
#include "worker/resolve/solver.h"

/** What the solver asks about the components of a workspace, answered from their repositories. */
struct workspace_provider;

/** TERMS, LOCKED (forge.lock; what was given up of it left out) and WHOLE_LOCK (forge.lock) are
 * borrowed. */
struct workspace_provider *workspace_provider_new(const struct source_terms *terms,
	const struct lock_file *locked, const struct lock_file *whole_lock);
void workspace_provider_free(struct workspace_provider *provider);
SCOPED_POINTER(workspace_provider, workspace_provider_free)

/**
 * Says that NAME is the component of REPOSITORY, as a workspace's file does: there it goes by its
 * name alone. First come, first served; *KEY is the package's name to the solver. DEPENDENCY_CONFLICT
 * if it is another repository's already. KEY is borrowed.
 */
gboolean workspace_provider_bind(struct workspace_provider *provider, const char *name,
	const char *repository, const char **key, GError **error);

/** Notes that CONSTRAINT will be asked of the package KEY. */
void workspace_provider_want(
	struct workspace_provider *provider, const char *key, const char *constraint);

/** Takes back that what forge.lock has of the package KEY was given up. FALSE if it has nothing of it. */
gboolean workspace_provider_hold(struct workspace_provider *provider, const char *key);

/** Looks at the repositories of all packages that were bound and wanted, at once. */
gboolean workspace_provider_look(struct workspace_provider *provider, GError **error);

/** The functions; `user_data` is PROVIDER. */
struct solver_provider workspace_provider_functions(struct workspace_provider *provider);

/** The package called KEY, or NULL: it stands for no component. Borrowed. */
struct package *workspace_provider_package(
	const struct workspace_provider *provider, const char *key);

/** All sources that were looked at, as a GPtrArray of struct source by repository; borrowed
 * members. Caller unrefs. */
GPtrArray *workspace_provider_sources(const struct workspace_provider *provider);

#endif
