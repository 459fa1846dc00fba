#ifndef FORGE_TESTS_SUPPORT_CORE_FIXTURE_H
#define FORGE_TESTS_SUPPORT_CORE_FIXTURE_H

#include "journal/journal_memory.h"
#include "scheduler/turn.h"

/**
 * A scheduler on a disk in memory, asked by peers that are known by name. Each core_ask() is one
 * turn; what it sent is kept until the next.
 */
struct core {
	struct journal_disk *disk;
	struct journal *journal;
	struct scheduler *scheduler;
	struct instant now;
	uint64_t next_id;
	const struct identity *identity; /**< whoever asks from now on; NULL: on this machine */
	GPtrArray *sent;                 /**< of struct sent */
};

/** A message of the last turn. */
struct sent {
	char *to;
	Forge__Reply *reply;
};

struct core *core_new(void);
/** With one peer greeted, "client". */
struct core *core_new_with_client(void);
void core_free(struct core *core);
SCOPED_POINTER(core, core_free)

/** A request as a turn of its own. PAYLOAD is the kind's message, borrowed. */
void core_ask(struct core *core, const char *from, Forge__Request__KindCase kind, gpointer payload);

/** A turn without requests, MS later on both clocks. */
void core_pass(struct core *core, int64_t ms);

/** A turn over several requests at once. */
void core_ask_all(struct core *core, const char *from, const Forge__Request *requests, size_t n);

/** The process with OWNER's mark has ended. */
void core_bury(struct core *core, const char *owner);

/** The scheduler dies and another takes the disk over. */
void core_restart(struct core *core);

/** The first reply of KIND that the last turn sent to TO; NULL if there was none. */
const Forge__Reply *core_sent(const struct core *core, const char *to, Forge__Reply__KindCase kind);

/** As core_sent(), but it must be there. */
const Forge__Reply *core_reply(
	const struct core *core, const char *to, Forge__Reply__KindCase kind);

/** Code of the error that the last turn sent to TO; NULL if there was none. */
const char *core_error(const struct core *core, const char *to);

const struct state *core_state(const struct core *core);

/** Events of KIND in the journal. */
guint core_count(const struct core *core, Forge__Event__KindCase kind);

/** The newest event of KIND in the journal, which must be
 * there. Free with forge__event__free_unpacked(). */
Forge__Event *core_newest(const struct core *core, Forge__Event__KindCase kind);

/* ---- peers -------------------------------------------------------------------------------- */

void core_greet_client(struct core *core, const char *name);

/** A worker says hello. Returns its session. */
uint64_t core_greet_worker(struct core *core, const char *name, uint32_t slots);
uint64_t core_greet_owned_worker(
	struct core *core, const char *name, uint32_t slots, const char *owner);

void core_register(struct core *core, const char *from, const char *fork);

/** Submits and returns the batch's sequence; the request id is REQUEST_ID. */
uint64_t core_submit_noops(
	struct core *core, const char *from, const char *request_id, uint32_t noops);
uint64_t core_submit_fork(
	struct core *core, const char *from, const char *request_id, const char *fork);
uint64_t core_submit_all(struct core *core, const char *from, const char *request_id);

/** The worker tells the end of a job: done, or failed with CODE. */
void core_end(struct core *core, const char *from, uint64_t batch, uint32_t number,
	uint32_t attempt, const char *code);

/** The worker tells a fact of a job. */
void core_tell(struct core *core, const char *from, uint64_t batch, uint32_t number,
	uint32_t attempt, Forge__Fact *fact);

/** A heartbeat that holds no jobs. */
void core_beat_empty(struct core *core, const char *from);

/** The row of a job that is there. */
const struct job *core_job(const struct core *core, uint64_t batch, uint32_t number);

/** Asserts how many jobs of an open batch are in STATE. */
#define core_assert_jobs(core, batch, state, n) \
	g_assert_cmpuint(state_batch(core_state(core), batch)->jobs->counts[state], ==, n)

#endif
