#ifndef FORGE_SCHEDULER_DECISION_H
#define FORGE_SCHEDULER_DECISION_H

#include "scheduler/decide.h"

/* For whoever decides: building a decision, and what several rooms decide alike. */

/** An empty message of TYPE, for an event. It, and all that is put into it, lives as long as the
 * turn's arena; nobody frees it. */
gpointer decision_make(struct decision *decision, const ProtobufCMessageDescriptor *type);

/** Copies for such a message: a text, another message, an error with its own hint; and SIZE zeros,
 * or NULL for none. */
char *decision_text(struct decision *decision, const char *text);
gpointer decision_copy(struct decision *decision, const ProtobufCMessage *message);
Forge__Error *decision_error(struct decision *decision, enum forge_error code, const char *message);
gpointer decision_room(struct decision *decision, size_t size);

/** Adds an event of KIND whose submessage is PAYLOAD (taken). Returns the sequence it will have. */
uint64_t decision_add(const struct view *view, struct decision *decision,
	Forge__Event__KindCase kind, gpointer payload);

/** Packs REPLY at once (so it may borrow) for ROUTING. */
void decision_reply(struct decision *decision, GBytes *routing, const Forge__Reply *reply);

/** Answers request ID of ROUTING with an error. */
void decision_refuse(struct decision *decision, GBytes *routing, uint64_t id, enum forge_error code,
	const char *format, ...) G_GNUC_PRINTF(5, 6);

/**
 * Ends the lease on the job ID whose worker cannot go on: LOST with its worker (expired, or failed after
 * too many), else handed back for REASON; cancelled if it was to be.
 */
void decide_lease_ended(const struct view *view, struct decision *decision, Forge__JobId *id,
	uint16_t attempt, gboolean lost, Forge__ReturnReason reason);

/** The next jobs of the first batch that still grows; FALSE if none does. */
gboolean decide_growth(const struct view *view, struct decision *decision);

/** All jobs of the batch that DECISION opens as BATCH, by the event OPENED, if they are few enough
 * for the same entry and no other batch still grows; else it grows later. */
void decide_small_batch(const struct view *view, struct decision *decision, uint64_t batch,
	const Forge__BatchOpened *opened);

/** A new id message. */
Forge__JobId *decide_job_id(struct decision *decision, uint64_t batch, uint32_t number);

/** A worker leaves: its leases end, then its session. */
void decide_worker_gone(const struct view *view, struct decision *decision, const struct seat *seat,
	const char *reason);

/** One request being decided, with what every function needs. */
struct asking {
	const struct view *view;
	const struct peer *peer;
	const struct identity *identity;
	GBytes *routing;
	uint64_t id;
	struct decision *decision;
};

/** Answers with the message of KIND at PAYLOAD (borrowed). */
void asking_answer(const struct asking *asking, Forge__Reply__KindCase kind, gpointer payload);

void asking_answer_done(const struct asking *asking);

/** Answers with an error. */
void asking_refuse(const struct asking *asking, GError *take_error);

/* What workers say of their jobs (decide_report.c). */
void decide_report(const struct asking *asking, const Forge__Report *report);
void decide_return(const struct asking *asking, const Forge__ReturnJobs *message);
void decide_heartbeat(const struct asking *asking, const Forge__Heartbeat *heartbeat);

#endif
