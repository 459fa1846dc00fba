/*
 * What comes from a scheduler, before anybody reads it. Messages within messages may be absent in
 * protobuf, whatever the schema means; here it is said once which never are, so that those who show
 * rows and run jobs need not ask at each place.
 */
#include "queue/reply_check.h"

#include "journal/base/errors.h"
#include "queue/job_kinds.h"

static gboolean has(gconstpointer part, const char *name, GError **error)
{
	if (part)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
		"the scheduler's answer lacks %s", name);
	return FALSE;
}

static gboolean check_forks(const Forge__ForkRows *rows, GError **error)
{
	for (size_t i = 0; i < rows->n_rows; i++) {
		const Forge__ForkRow *row = rows->rows[i];

		if (!has(row->fork, "a row's fork", error))
			return FALSE;
		for (size_t k = 0; k < row->n_branches; k++)
			if (!has(row->branches[k]->last, "how a branch ended", error))
				return FALSE;
	}
	return TRUE;
}

static gboolean check_components(const Forge__ComponentRows *rows, GError **error)
{
	for (size_t i = 0; i < rows->n_rows; i++)
		if (!has(rows->rows[i]->component, "a row's component", error))
			return FALSE;
	return TRUE;
}

static gboolean check_batches(const Forge__BatchRows *rows, GError **error)
{
	for (size_t i = 0; i < rows->n_rows; i++)
		if (!has(rows->rows[i]->counts, "a batch's counts", error))
			return FALSE;
	return TRUE;
}

static gboolean check_jobs(const Forge__JobRows *rows, GError **error)
{
	for (size_t i = 0; i < rows->n_rows; i++)
		if (!has(rows->rows[i]->job, "a job's id", error))
			return FALSE;
	return TRUE;
}

static gboolean check_events(const Forge__Events *events, GError **error)
{
	for (size_t i = 0; i < events->n_events; i++)
		if (!has(events->events[i]->event, "an event", error))
			return FALSE;
	return TRUE;
}

gboolean reply_check(const Forge__Reply *reply, GError **error)
{
	switch (reply->kind_case) {
	case FORGE__REPLY__KIND_FORK_ROWS:
		return check_forks(reply->fork_rows, error);
	case FORGE__REPLY__KIND_COMPONENT_ROWS:
		return check_components(reply->component_rows, error);
	case FORGE__REPLY__KIND_BATCH_ROWS:
		return check_batches(reply->batch_rows, error);
	case FORGE__REPLY__KIND_JOB_ROWS:
		return check_jobs(reply->job_rows, error);
	case FORGE__REPLY__KIND_EVENTS:
		return check_events(reply->events, error);
	case FORGE__REPLY__KIND_ERROR:
	case FORGE__REPLY__KIND_WELCOME:
	case FORGE__REPLY__KIND_SUBMITTED:
	case FORGE__REPLY__KIND_GRANT:
	case FORGE__REPLY__KIND_RECORDED:
	case FORGE__REPLY__KIND_REVOKE:
	case FORGE__REPLY__KIND_STATS:
	case FORGE__REPLY__KIND_DONE:
	case FORGE__REPLY__KIND_GOODBYE:
	case FORGE__REPLY__KIND__NOT_SET:
	case _FORGE__REPLY__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return TRUE;
}

gboolean reply_check_granted(const Forge__GrantedJob *job, GError **error)
{
	const struct job_kind *kind = job_kind_of(job->kind);

	if (!has(job->job, "a granted job's id", error))
		return FALSE;
	/* Who runs a job of an unknown kind says so itself. */
	if (!kind)
		return TRUE;
	switch (kind->about) {
	case JOB_ABOUT_FORK:
		return has(job->fork, "the fork that a granted job is about", error);
	case JOB_ABOUT_COMPONENT:
		return has(*job->target ? job->target : NULL,
			"the component that a granted job is about", error);
	case JOB_ABOUT_WORKSPACE:
		return has(*job->target ? job->target : NULL,
			"the workspace that a granted job is about", error);
	case JOB_ABOUT_NOTHING:
		break;
	}
	return TRUE;
}
