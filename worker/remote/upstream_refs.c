/*
 * One question to an upstream for a whole batch. The first slot that asks sends the request; the
 * others wait for its answer, each within its own budget. What was answered is counted by
 * reference, since a slot may still read it when it is pushed out.
 *
 * An asker that was stopped itself (cancelled, out of time) leaves no answer: the next one asks.
 */
#include "worker/remote/upstream_refs.h"

#include "journal/base/clock.h"
#include "journal/base/limits.h"
#include "worker/remote/transfer.h"

struct upstream_refs {
	struct http *http;
	GMutex mutex;
	GCond ready;
	GHashTable *answers; /* key → struct upstream_answer; NULL while somebody asks */
	GQueue order;        /* of keys that were answered, oldest first; the table's own */
};

void upstream_answer_unref(struct upstream_answer *answer)
{
	if (!g_atomic_ref_count_dec(&answer->references))
		return;
	if (answer->listing)
		ref_listing_free(answer->listing);
	g_clear_error(&answer->error);
	if (answer->kept)
		answer->kept_free(answer->kept);
	g_free(answer);
}

gconstpointer upstream_answer_kept(struct upstream_answer *answer)
{
	return g_atomic_pointer_get(&answer->kept);
}

gconstpointer upstream_answer_keep(
	struct upstream_answer *answer, gpointer take_made, GDestroyNotify free)
{
	if (g_atomic_pointer_compare_and_exchange(&answer->kept, NULL, take_made))
		g_atomic_pointer_set(&answer->kept_free, free);
	else
		free(take_made);
	return g_atomic_pointer_get(&answer->kept);
}

static struct upstream_answer *reference(struct upstream_answer *answer)
{
	g_atomic_ref_count_inc(&answer->references);
	return answer;
}

static void drop_answer(gpointer data)
{
	if (data)
		upstream_answer_unref(data);
}

struct upstream_refs *upstream_refs_new(struct http *http)
{
	struct upstream_refs *refs = g_new0(struct upstream_refs, 1);

	refs->http = http;
	g_mutex_init(&refs->mutex);
	g_cond_init(&refs->ready);
	refs->answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, drop_answer);
	return refs;
}

void upstream_refs_free(struct upstream_refs *refs)
{
	if (!refs)
		return;
	g_hash_table_destroy(refs->answers);
	g_queue_clear(&refs->order);
	g_mutex_clear(&refs->mutex);
	g_cond_clear(&refs->ready);
	g_free(refs);
}

/* ---- asking ------------------------------------------------------------------------------- */

static char *key_of(const char *round, const struct remote *upstream, const char *const *prefixes)
{
	g_autofree char *joined = g_strjoinv("\n", (char **)prefixes);

	return g_strconcat(round, "\n", upstream->identity, "\n", joined, NULL);
}

static struct upstream_answer *ask(struct upstream_refs *refs, const struct remote *upstream,
	const char *const *prefixes, struct budget *budget)
{
	struct upstream_answer *answer = g_new0(struct upstream_answer, 1);

	g_atomic_ref_count_init(&answer->references);
	answer->listing = transfer_list(refs->http, upstream, prefixes, budget, &answer->error);
	return answer;
}

static void forget_oldest(struct upstream_refs *refs)
{
	while (refs->order.length > LIMIT_UPSTREAM_ANSWERS)
		g_hash_table_remove(refs->answers, g_queue_pop_head(&refs->order));
}

/* Keeps ANSWER under KEY (taken) for the others of the round, unless it only says that its asker
 * had to stop. */
static void publish(struct upstream_refs *refs, char *take_key, struct upstream_answer *answer,
	const struct budget *budget)
{
	g_mutex_lock(&refs->mutex);
	if (!answer->listing && !budget_check(budget, NULL)) {
		g_hash_table_remove(refs->answers, take_key);
		g_free(take_key);
	} else {
		g_hash_table_replace(refs->answers, take_key, reference(answer));
		g_queue_push_tail(&refs->order, take_key);
		forget_oldest(refs);
	}
	g_cond_broadcast(&refs->ready);
	g_mutex_unlock(&refs->mutex);
}

/* The answer under KEY, waiting for whoever asks now. NULL with an error: stopped; without: the
 * caller is to ask. */
static struct upstream_answer *wait_for_answer(
	struct upstream_refs *refs, const char *key, const struct budget *budget, GError **error)
{
	struct upstream_answer *found = NULL;
	gpointer value;

	g_mutex_lock(&refs->mutex);
	while (g_hash_table_lookup_extended(refs->answers, key, NULL, &value)) {
		if (value) {
			found = reference(value);
			break;
		}
		if (!budget_check(budget, error)) {
			g_mutex_unlock(&refs->mutex);
			return NULL;
		}
		g_cond_wait_until(&refs->ready, &refs->mutex, clock_wait_end(LIMIT_BUDGET_STEP_MS));
	}
	if (!found)
		g_hash_table_insert(refs->answers, g_strdup(key), NULL);
	g_mutex_unlock(&refs->mutex);
	return found;
}

struct upstream_answer *upstream_refs_get(struct upstream_refs *refs, const char *round,
	const struct remote *upstream, const char *const *prefixes, struct budget *budget,
	GError **error)
{
	char *key = key_of(round, upstream, prefixes);
	GError *stopped = NULL;
	scoped(upstream_answer) answer = wait_for_answer(refs, key, budget, &stopped);

	if (stopped) {
		g_propagate_error(error, stopped);
		g_free(key);
		return NULL;
	}
	if (answer) {
		g_free(key);
	} else {
		answer = ask(refs, upstream, prefixes, budget);
		publish(refs, key, answer, budget);
	}
	if (answer->listing)
		return g_steal_pointer(&answer);
	g_propagate_error(error, g_error_copy(answer->error));
	return NULL;
}
