#ifndef FORGE_SCHEDULER_ASKING_H
#define FORGE_SCHEDULER_ASKING_H

#include "scheduler/decide.h"

/** One request being decided, with what every function needs. For the rooms of decide only. */
struct asking {
	const struct view *view;
	const struct peer *peer;
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
