/*
 * Which events of a batch concern one of its jobs, for showing the story of a job.
 */
#include "cli/job_events.h"

static enum job_event named(
	const Forge__JobId *id, uint64_t batch, uint32_t number, enum job_event part)
{
	return id && id->batch == batch && id->number == number ? part : JOB_EVENT_OTHER;
}

static enum job_event leased(const Forge__JobsLeased *event, uint64_t batch, uint32_t number)
{
	for (size_t i = 0; i < event->n_jobs; i++)
		if (named(event->jobs[i], batch, number, JOB_EVENT_CONCERNS) == JOB_EVENT_CONCERNS)
			return JOB_EVENT_CONCERNS;
	return JOB_EVENT_OTHER;
}

enum job_event job_event_of(const Forge__Event *event, uint64_t batch, uint32_t number)
{
	switch (event->kind_case) {
	case FORGE__EVENT__KIND_JOBS_LEASED:
		return leased(event->jobs_leased, batch, number);
	case FORGE__EVENT__KIND_JOB_SUCCEEDED:
		return named(event->job_succeeded->job, batch, number, JOB_EVENT_ENDS);
	case FORGE__EVENT__KIND_JOB_FAILED:
		return named(event->job_failed->job, batch, number, JOB_EVENT_ENDS);
	case FORGE__EVENT__KIND_JOB_CANCELLED:
		return named(event->job_cancelled->job, batch, number, JOB_EVENT_ENDS);
	case FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED:
		return named(event->job_retry_scheduled->job, batch, number, JOB_EVENT_CONCERNS);
	case FORGE__EVENT__KIND_JOB_EXPIRED:
		return named(event->job_expired->job, batch, number, JOB_EVENT_CONCERNS);
	case FORGE__EVENT__KIND_JOB_RETURNED:
		return named(event->job_returned->job, batch, number, JOB_EVENT_CONCERNS);
	case FORGE__EVENT__KIND_JOB_CANCEL_REQUESTED:
		return named(event->job_cancel_requested->job, batch, number, JOB_EVENT_CONCERNS);
	case FORGE__EVENT__KIND_REPORTED:
		return named(event->reported->job, batch, number, JOB_EVENT_CONCERNS);
	case FORGE__EVENT__KIND_BATCH_CANCEL_REQUESTED:
		return JOB_EVENT_CONCERNS;
	case FORGE__EVENT__KIND_BATCH_OPENED:
	case FORGE__EVENT__KIND_BATCH_EXTENDED:
	case FORGE__EVENT__KIND_BATCH_SEALED:
	case FORGE__EVENT__KIND_BATCH_CLOSED:
	case FORGE__EVENT__KIND_SCHEDULER_STARTED:
	case FORGE__EVENT__KIND_WORKER_JOINED:
	case FORGE__EVENT__KIND_WORKER_LEFT:
	case FORGE__EVENT__KIND_FORK_REGISTERED:
	case FORGE__EVENT__KIND_FORK_REMOVED:
	case FORGE__EVENT__KIND_QUEUE_PAUSED:
	case FORGE__EVENT__KIND_QUEUE_RESUMED:
	case FORGE__EVENT__KIND_BASE_BEGUN:
	case FORGE__EVENT__KIND_BASE_CHUNK:
	case FORGE__EVENT__KIND_JOURNAL_IMPORTED:
	case FORGE__EVENT__KIND__NOT_SET:
	case _FORGE__EVENT__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return JOB_EVENT_OTHER;
}
