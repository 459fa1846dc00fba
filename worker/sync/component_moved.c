/*
 * A tag that stands for another commit than before is not followed by a pull either: it is the book
 * of refs that remembers what was seen first, and forge.lock where nobody ever resolved.
 */
#include <string.h>

#include "worker/dependency/ref_book.h"
#include "worker/sync/component_job.h"

#define TAGS "refs/tags/"

/* What forge.lock has of the very version is another commit. */
static gboolean check_lock(const struct component_job *job, GError **error)
{
	const struct locked_component *locked = lock_file_find(job->locked, job->name);
	git_oid before;

	return !job->pick.version || !locked || strcmp(locked->repository, job->repository) != 0 ||
		g_strcmp0(locked->version, job->pick.version) != 0 ||
		git_oid_fromstr(&before, locked->commit) != 0 ||
		git_oid_equal(&before, &job->pick.commit) ||
		ref_record_refuse_moved(job->pick.ref, &before, &job->pick.commit, error);
}

gboolean component_job_check_moved(const struct component_job *job, GError **error)
{
	const struct recorded_ref *known = NULL;
	scoped(ref_record) record = NULL;
	g_autoptr(GError) problem = NULL;
	git_oid commit;

	if (!job->pick.ref || !g_str_has_prefix(job->pick.ref, TAGS) ||
		(job->installed && git_oid_equal(&job->pick.commit, &job->link.commit)))
		return TRUE;
	record = ref_book_newest(job->forge, job->repository, &commit, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	known = record ? ref_record_known(record, job->pick.ref) : NULL;
	if (known && !git_oid_equal(&known->oid, &job->pick.commit))
		return ref_record_refuse_moved(
			job->pick.ref, &known->oid, &job->pick.commit, error);
	return check_lock(job, error);
}
