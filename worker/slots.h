#ifndef FORGE_WORKER_SLOTS_H
#define FORGE_WORKER_SLOTS_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "queue/bus.h"
#include "worker/operation.h"

/** What became of a report. */
enum report_answer {
	REPORT_RECORDED = 1,
	REPORT_LEASE_LOST,
	REPORT_STOPPING, /**< the worker is stopping: nobody will answer */
};

/**
 * A leased job on its way through a slot. The worker's thread makes it and frees it once its end is
 * settled; the slot's thread runs it. Between the two only `budget.cancelled`, `revoked`,
 * `abandoned` and the queues are shared.
 */
struct assignment {
	Forge__GrantedJob *job;   /**< owned */
	struct workshop workshop; /**< what the job works with; its configuration is shared */
	struct budget budget;
	gint revoked; /**< g_atomic_int: cancelled by the scheduler, not because the worker stops */
	gint abandoned;       /**< g_atomic_int: nobody answers reports any more */
	GAsyncQueue *answers; /**< of enum report_answer: to reports with facts only */
};

/** Frees what assignment_new() made. */
void assignment_free(struct assignment *assignment);

/** Makes the job of ASSIGNMENT end soon; reports it still makes, and one it waits for, are answered
 * with REPORT_STOPPING. */
void assignment_abandon(struct assignment *assignment);

/** An assignment for JOB, a copy, to be done with what WORKSHOP has now. Its time begins when a slot
 * takes it up. */
struct assignment *assignment_new(const Forge__GrantedJob *job, const struct workshop *workshop);

/** Lets the job, which no slot has taken up, be done with CONFIG instead. */
void assignment_configure(struct assignment *assignment, const struct config *config);

enum slot_message_kind {
	SLOT_REPORT,   /**< facts, perhaps with the job's end */
	SLOT_RETURNED, /**< stopped because the worker stops: to be handed back */
	SLOT_PROGRESS,
};

/** From a slot to the worker's thread. */
struct slot_message {
	enum slot_message_kind kind;
	struct assignment *assignment;
	GBytes *report;  /**< SLOT_REPORT: a packed Forge__Report */
	gboolean is_end; /**< SLOT_REPORT: the job has ended with this */
	char *text;      /**< SLOT_PROGRESS */
	uint64_t bytes;
};

void slot_message_free(struct slot_message *message);

/** The threads that run jobs. */
struct slots;

/** Starts N threads. Each message is put into MESSAGES and PIPE of BUS is poked. */
struct slots *slots_new(uint32_t n, struct bus *bus, const char *pipe, GAsyncQueue *messages);

/** Gives ASSIGNMENT to the next free slot. */
void slots_put(struct slots *slots, struct assignment *assignment);

/** Takes back one assignment that no slot has taken up; NULL if there is none. */
struct assignment *slots_take_back(struct slots *slots);

/** Ends the threads once their jobs have ended: cancel those first. */
void slots_free(struct slots *slots);
SCOPED_POINTER(slots, slots_free)

#endif
