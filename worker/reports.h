#ifndef FORGE_WORKER_REPORTS_H
#define FORGE_WORKER_REPORTS_H

#include <glib.h>
#include <stdint.h>

#include "queue/bus.h"
#include "worker/slots.h"

/** Reports that the scheduler has not answered yet. Belongs to the worker's thread. */
struct reports;

/** Reports go through SOCKET, which is borrowed. */
struct reports *reports_new(struct bus_socket *socket);
void reports_free(struct reports *reports);

/** Keeps REQUEST (packed, taken) with the number ID until it is answered. IS_END: ASSIGNMENT ends
 * with it; else its slot waits for the answer. It is not sent. */
void reports_add(struct reports *reports, uint64_t id, GBytes *take_request,
	struct assignment *assignment, gboolean is_end);

/** Sends the report ID, which is kept. */
void reports_send(struct reports *reports, uint64_t id);

/** Sends those again that were sent at least SILENT_MS ago; 0: all. Their order is free: they concern
 * different jobs, or the same one at most once. */
void reports_send_again(struct reports *reports, int64_t silent_ms);

/** The report ID has this ANSWER. Returns the assignment that has ended by it; NULL if none has. */
struct assignment *reports_settle(struct reports *reports, uint64_t id, enum report_answer answer);

/** Answers every job that waits for its facts to be recorded. Ends wait on: they hold nothing up. */
void reports_settle_facts(struct reports *reports, enum report_answer answer);

#endif
