/*
 * What was told to the outside against what the journal holds: messages that leave, reports that
 * were acknowledged, pushes that the git server took, promises made to clients.
 */
#include "tests/simulation/oracle_rows.h"

#include <string.h>

#include "journal/event_text.h"
#include "journal/message.h"
#include "queue/messages.pb-c.h"

/* ---- making and freeing ------------------------------------------------------------------- */

static void free_batch(gpointer data)
{
	struct seen_batch *batch = data;

	for (guint i = 0; i < batch->jobs->len; i++) {
		g_free(((struct seen_job *)batch->jobs->pdata[i])->target);
		g_free(batch->jobs->pdata[i]);
	}
	g_ptr_array_free(batch->jobs, TRUE);
	forge__batch_opened__free_unpacked(batch->opened, NULL);
	g_free(batch);
}

static void free_session(gpointer data)
{
	g_free(((struct seen_session *)data)->owner);
	g_free(data);
}

static void free_fork(gpointer data)
{
	g_free(((struct seen_fork *)data)->name);
	g_free(data);
}

static void free_fact(gpointer data)
{
	forge__fact__free_unpacked(((struct seen_fact *)data)->fact, NULL);
	g_free(data);
}

static void free_promise(gpointer data)
{
	g_free(((struct promise *)data)->request_id);
	g_free(data);
}

struct oracle *oracle_new(struct world *world)
{
	struct oracle *oracle = g_new0(struct oracle, 1);

	oracle->world = world;
	oracle->batches = g_ptr_array_new_with_free_func(free_batch);
	oracle->sessions = g_ptr_array_new_with_free_func(free_session);
	oracle->forks = g_ptr_array_new_with_free_func(free_fork);
	oracle->facts = g_ptr_array_new_with_free_func(free_fact);
	oracle->promises = g_ptr_array_new_with_free_func(free_promise);
	return oracle;
}

void oracle_free(struct oracle *oracle)
{
	g_ptr_array_free(oracle->batches, TRUE);
	g_ptr_array_free(oracle->sessions, TRUE);
	g_ptr_array_free(oracle->forks, TRUE);
	g_ptr_array_free(oracle->facts, TRUE);
	g_ptr_array_free(oracle->promises, TRUE);
	g_free(oracle);
}

/* ---- the journal -------------------------------------------------------------------------- */

static void trace(const struct oracle *oracle, uint64_t seq, const Forge__Event *event)
{
	g_autofree char *line = NULL;

	if (!g_getenv("SIMULATION_TRACE"))
		return;
	line = event_line(event);
	g_printerr("%8" G_GINT64_FORMAT " ms %5" G_GUINT64_FORMAT " %s\n", oracle->world->now_ms,
		seq, line);
}

static void follow_record(struct oracle *oracle, const struct journal_record *record)
{
	uint64_t seq = record->first_seq;

	for (size_t i = 0; i < record->entries->n_entries; i++) {
		const Forge__Entry *entry = record->entries->entries[i];

		for (size_t j = 0; j < entry->n_events; j++, seq++)
			if (seq > oracle->seq) {
				trace(oracle, seq, entry->events[j]);
				oracle_fold(oracle, entry->time_us, entry->events[j]);
			}
	}
}

void oracle_follow(struct oracle *oracle, struct journal *journal)
{
	g_autoptr(GError) error = NULL;
	scoped(journal_reader) reader = NULL;
	struct journal_record record;
	enum journal_read_result result = JOURNAL_READ_ERROR;

	if (journal_end(journal).seq < oracle->seq)
		world_fail(oracle->world, "the journal ends before what was read of it");
	if (journal_end(journal).seq <= oracle->seq)
		return;
	reader = journal_read(journal, oracle->seq + 1, &error);
	while (reader &&
		(result = journal_reader_next(reader, &record, &error)) == JOURNAL_READ_RECORD)
		follow_record(oracle, &record);
	if (result == JOURNAL_READ_ERROR)
		world_fail(oracle->world, "the journal cannot be read: %s", error->message);
}

/* ---- what leaves the scheduler ------------------------------------------------------------ */

/* How many intents a job has whose branch has not ended. */
static guint open_intents(const struct oracle *oracle, uint64_t batch, uint32_t number)
{
	guint n = 0;

	for (guint i = 0; i < oracle->facts->len; i++) {
		const struct seen_fact *seen = oracle->facts->pdata[i];
		gboolean counts = seen->batch == batch && seen->number == number &&
			seen->fact->kind_case == FORGE__FACT__KIND_PUSH_INTENDED;

		for (guint j = 0; counts && j < oracle->facts->len; j++) {
			const struct seen_fact *other = oracle->facts->pdata[j];

			if (other->batch == batch && other->number == number &&
				other->fact->kind_case == FORGE__FACT__KIND_FORK_SYNCED &&
				strcmp(oracle_claim(other->fact).branch,
					oracle_claim(seen->fact).branch) == 0)
				counts = FALSE;
		}
		n += counts ? 1 : 0;
	}
	return n;
}

static void check_grant(struct oracle *oracle, const Forge__Grant *grant)
{
	for (size_t i = 0; i < grant->n_jobs; i++) {
		const Forge__GrantedJob *granted = grant->jobs[i];
		const struct seen_job *job = oracle_job(
			oracle, granted->job->batch, granted->job->number);

		if (!job || !job->leased || job->attempt != granted->attempt) {
			world_fail(oracle->world, "a grant leaves without its lease");
			return;
		}
		if (granted->n_intended !=
			open_intents(oracle, granted->job->batch, granted->job->number))
			world_fail(oracle->world, "a grant names other intents than are recorded");
	}
}

static void check_welcome(struct oracle *oracle, const Forge__Welcome *welcome)
{
	if (welcome->session && !oracle_session(oracle, welcome->session))
		world_fail(oracle->world, "a worker is welcomed that has not joined");
	if (welcome->last_seq > oracle->seq)
		world_fail(oracle->world, "a welcome names an event that is not there");
}

static void check_submitted(struct oracle *oracle, const Forge__Submitted *submitted)
{
	const struct seen_batch *batch = oracle_batch(oracle, submitted->batch);

	if (!batch || strcmp(batch->opened->batch, submitted->name) != 0)
		world_fail(oracle->world, "a submission is acknowledged that is not recorded");
}

static void check_batch_rows(struct oracle *oracle, const Forge__BatchRows *rows)
{
	for (size_t i = 0; i < rows->n_rows; i++) {
		const struct seen_batch *batch = oracle_batch(oracle, rows->rows[i]->batch);

		/* What was listed first may have gone on in the same turn. */
		if (!batch || (rows->rows[i]->closed && !batch->closed) ||
			batch->jobs->len < rows->rows[i]->counts->total)
			world_fail(oracle->world, "a list shows a batch as it is not recorded");
	}
}

void oracle_check_outgoing(struct oracle *oracle, GBytes *message)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);
	Forge__Reply *reply = forge__reply__unpack(NULL, size, data);

	if (reply->kind_case == FORGE__REPLY__KIND_WELCOME)
		check_welcome(oracle, reply->welcome);
	else if (reply->kind_case == FORGE__REPLY__KIND_SUBMITTED)
		check_submitted(oracle, reply->submitted);
	else if (reply->kind_case == FORGE__REPLY__KIND_GRANT)
		check_grant(oracle, reply->grant);
	else if (reply->kind_case == FORGE__REPLY__KIND_STATS &&
		reply->stats->last_seq > oracle->seq)
		world_fail(oracle->world, "the statistics name an event that is not there");
	else if (reply->kind_case == FORGE__REPLY__KIND_BATCH_ROWS && reply->batch_rows->n_rows)
		check_batch_rows(oracle, reply->batch_rows);
	forge__reply__free_unpacked(reply, NULL);
}

/* ---- what workers were told --------------------------------------------------------------- */

static const struct seen_fact *find_fact(
	const struct oracle *oracle, const Forge__JobId *job, const Forge__Fact *fact)
{
	struct branch_claim claim = oracle_claim(fact);

	for (guint i = 0; i < oracle->facts->len; i++) {
		const struct seen_fact *seen = oracle->facts->pdata[i];
		struct branch_claim known = oracle_claim(seen->fact);

		if (seen->batch == job->batch && seen->number == job->number &&
			seen->fact->kind_case == fact->kind_case &&
			strcmp(known.branch, claim.branch) == 0 &&
			strcmp(known.before, claim.before) == 0 &&
			strcmp(known.after, claim.after) == 0)
			return seen;
	}
	return NULL;
}

void oracle_check_recorded(struct oracle *oracle, GBytes *message)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);
	Forge__Request *request = forge__request__unpack(NULL, size, data);
	const Forge__Report *report = request->report;
	const struct seen_job *job = oracle_job(oracle, report->job->batch, report->job->number);

	for (size_t i = 0; i < report->n_facts; i++)
		if (!find_fact(oracle, report->job, report->facts[i]))
			world_fail(oracle->world, "a fact was acknowledged and is not recorded");
	if (!job || (report->end && job->leased && job->attempt == report->attempt))
		world_fail(oracle->world, "an end was acknowledged and is not recorded");
	forge__request__free_unpacked(request, NULL);
}

/* ---- the git server ----------------------------------------------------------------------- */

/* A statement on where the branch is, which a later push of the same job would make untrue. */
static gboolean settles(const Forge__Fact *fact)
{
	return fact->kind_case == FORGE__FACT__KIND_FORK_SYNCED &&
		fact->fork_synced->status != FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED;
}

/* Commits are digests of what they came from, so a move is known by its ends alone. */
static gboolean claims_move(const struct seen_fact *seen, const struct git_move *move)
{
	struct branch_claim claim = oracle_claim(seen->fact);

	return strcmp(claim.branch, move->branch) == 0 && strcmp(claim.before, move->before) == 0 &&
		strcmp(claim.after, move->after) == 0;
}

void oracle_check_push(struct oracle *oracle, const struct git_move *move)
{
	gboolean intended = FALSE;

	for (guint i = 0; i < oracle->facts->len; i++) {
		const struct seen_fact *seen = oracle->facts->pdata[i];

		if (seen->batch != move->batch || seen->number != move->number ||
			strcmp(oracle_claim(seen->fact).branch, move->branch) != 0)
			continue;
		if (settles(seen->fact))
			world_fail(oracle->world, "branch %s moved after its end was recorded",
				move->branch);
		intended = intended || claims_move(seen, move);
	}
	if (!intended)
		world_fail(oracle->world, "branch %s moved and nobody had said so", move->branch);
}

/* Registered again with other branches a fork may have lost the branch from its jobs. */
static gboolean was_removed(const struct oracle *oracle, const char *name)
{
	for (guint i = 0; i < oracle->forks->len; i++) {
		const struct seen_fork *fork = oracle->forks->pdata[i];

		if (fork->removed_seq && strcmp(fork->name, name) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean moved_on(const GPtrArray *moves, const struct git_move *move)
{
	for (guint i = 0; i < moves->len; i++) {
		const struct git_move *other = moves->pdata[i];

		if (strcmp(other->before, move->after) == 0)
			return TRUE;
	}
	return FALSE;
}

/*
 * A move by a job that did its work has its fact, unless the branch was moved on before the next
 * attempt looked: by hand, or by another job that had the lane while this one waited for its retry.
 * Such a job may also push the very commit that the first intended; then both tell of one move.
 */
static void check_move(struct oracle *oracle, const GPtrArray *moves, const struct git_move *move)
{
	const struct seen_job *job = oracle_job(oracle, move->batch, move->number);
	guint facts = 0;

	for (guint i = 0; i < oracle->facts->len; i++) {
		const struct seen_fact *seen = oracle->facts->pdata[i];

		facts += settles(seen->fact) && claims_move(seen, move) ? 1 : 0;
	}
	if (facts == 0 && job->succeeded && !moved_on(moves, move) &&
		!was_removed(oracle, job->target))
		world_fail(oracle->world, "a push by job %" G_GUINT64_FORMAT ".%u was never told",
			move->batch, move->number);
}

static void check_fact(struct oracle *oracle, const GPtrArray *moves, const struct seen_fact *seen)
{
	guint n = 0;

	if (!settles(seen->fact) ||
		strcmp(seen->fact->fork_synced->before, seen->fact->fork_synced->after) == 0)
		return;
	for (guint i = 0; i < moves->len; i++)
		n += claims_move(seen, moves->pdata[i]) ? 1 : 0;
	if (n != 1)
		world_fail(oracle->world,
			"job %" G_GUINT64_FORMAT ".%u says it moved %s, which happened %u times",
			seen->batch, seen->number, seen->fact->fork_synced->branch, n);
}

/* ---- promises ----------------------------------------------------------------------------- */

void oracle_note_promise(struct oracle *oracle, const struct promise *promise)
{
	struct promise *copy = g_memdup2(promise, sizeof(*promise));

	copy->request_id = g_strdup(promise->request_id);
	g_ptr_array_add(oracle->promises, copy);
}

static void check_promise(struct oracle *oracle, const struct promise *promise)
{
	const struct seen_batch *batch = oracle_batch(oracle, promise->batch);
	gboolean own = batch && strcmp(batch->opened->request_id, promise->request_id) == 0;

	if (!batch || !batch->closed || (!own && !promise->unique_key))
		world_fail(oracle->world, "an accepted batch was lost");
	else if (own && promise->jobs != G_MAXUINT32 && !batch->cancelled &&
		batch->jobs->len != promise->jobs)
		world_fail(oracle->world, "an accepted batch has %u jobs, not %u", batch->jobs->len,
			promise->jobs);
}

uint64_t oracle_some_batch(const struct oracle *oracle, struct chance *chance)
{
	guint n = oracle->batches->len;

	if (n == 0)
		return 1;
	return ((struct seen_batch *)
			oracle->batches->pdata[chance_between(chance, n > 4 ? n - 4 : 0, n - 1)])
		->seq;
}

gboolean oracle_is_done(const struct oracle *oracle)
{
	return oracle->open == 0;
}

void oracle_check_end(struct oracle *oracle)
{
	const GPtrArray *moves = sim_git_moves(oracle->world->git);

	for (guint i = 0; i < oracle->batches->len; i++)
		if (!((struct seen_batch *)oracle->batches->pdata[i])->closed)
			world_fail(
				oracle->world, "a batch does not close though all faults stopped");
	for (guint i = 0; i < oracle->promises->len; i++)
		check_promise(oracle, oracle->promises->pdata[i]);
	for (guint i = 0; i < moves->len; i++)
		if (((struct git_move *)moves->pdata[i])->batch)
			check_move(oracle, moves, moves->pdata[i]);
	for (guint i = 0; i < oracle->facts->len; i++)
		check_fact(oracle, moves, oracle->facts->pdata[i]);
}
