#ifndef FORGE_CLI_JOB_EVENTS_H
#define FORGE_CLI_JOB_EVENTS_H

#include <glib.h>
#include <stdint.h>

#include "journal/events.pb-c.h"

/** What an event has to do with one job. */
enum job_event {
	JOB_EVENT_OTHER,
	JOB_EVENT_CONCERNS,
	JOB_EVENT_ENDS, /**< the job ends with it */
};

/** What EVENT, one of the batch that BATCH opened, has to do with its job NUMBER. */
enum job_event job_event_of(const Forge__Event *event, uint64_t batch, uint32_t number);

#endif
