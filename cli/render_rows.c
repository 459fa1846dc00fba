/*
 * The scheduler's rows (forks, batches, jobs, statistics) as machines read them.
 *
 * Times are RFC 3339 in UTC. What is not known, or not set, is a null, so that every row of a list
 * has the same keys.
 */
#include <string.h>

#include "cli/render.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/event_text.h"
#include "queue/batch_name.h"
#include "queue/job_kinds.h"

/* The words are the schema's; a fork or batch that names none is merged. */
const char *render_strategy(Forge__Strategy strategy)
{
	const char *word;

	if (strategy == FORGE__STRATEGY__STRATEGY_UNSET)
		strategy = FORGE__STRATEGY__STRATEGY_MERGE;
	word = event_enum_word(&forge__strategy__descriptor, (int)strategy);
	return word ? word : "unknown";
}

const char *render_kind(Forge__JobKind kind)
{
	const struct job_kind *row = job_kind_of(kind);

	return row ? row->name : "unknown";
}

gboolean render_parse_strategy(const char *word, Forge__Strategy *strategy, GError **error)
{
	g_autofree char *underscored = g_strdelimit(g_strdup(word), "-", '_');
	const ProtobufCEnumDescriptor *schema = &forge__strategy__descriptor;

	for (unsigned i = 0; i < schema->n_values; i++) {
		int value = schema->values[i].value;

		if (value == FORGE__STRATEGY__STRATEGY_UNSET ||
			strcmp(event_enum_word(schema, value), underscored) != 0)
			continue;
		*strategy = (Forge__Strategy)value;
		return TRUE;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"--strategy: expected merge, fast_forward, rebase or overwrite, not '%s'", word);
	return FALSE;
}

struct value *render_time(uint64_t wall_us)
{
	g_autofree char *text = NULL;

	if (wall_us == 0)
		return value_new_null();
	text = clock_format((int64_t)wall_us);
	return value_new_string(text);
}

static struct value *render_strings(char *const *strings, size_t count)
{
	struct value *list = value_new_list();

	for (size_t i = 0; i < count; i++)
		value_append_take(list, value_new_string(strings[i]));
	return list;
}

struct value *render_fork_row(const Forge__ForkRow *row)
{
	const Forge__Fork *fork = row->fork;
	struct value *object = value_new_map();
	struct value *list;

	value_put_string(object, "name", fork->name);
	value_put_string(object, "fork", fork->fork);
	value_put_string(object, "upstream", fork->upstream);
	value_put_take(object, "branches", render_strings(fork->branches, fork->n_branches));
	value_put_boolean(object, "tags", fork->tags);
	value_put_string(object, "strategy", render_strategy(fork->strategy));
	value_put_take(object, "registered_at", render_time(row->registered_us));
	list = value_new_list();
	for (size_t i = 0; i < row->n_branches; i++) {
		const Forge__BranchRow *branch = row->branches[i];
		struct value *entry = render_entry(branch->last, NULL);

		value_put_take(entry, "at", render_time(branch->time_us));
		value_put_take(entry, "seq", value_new_unsigned(branch->seq));
		value_append_take(list, entry);
	}
	value_put_take(object, "last", list);
	value_put_take(object, "error", render_error(row->failure));
	value_put_take(object, "failed_at",
		row->failure ? render_time(row->failure_us) : value_new_null());
	return object;
}

static struct value *render_counts(const Forge__BatchCounts *counts)
{
	struct value *object = value_new_map();

	value_put_integer(object, "total", counts->total);
	value_put_integer(object, "queued", counts->queued);
	value_put_integer(object, "waiting", counts->waiting);
	value_put_integer(object, "leased", counts->leased);
	value_put_integer(object, "done", counts->done);
	value_put_integer(object, "conflict", counts->conflict);
	value_put_integer(object, "skipped", counts->skipped);
	value_put_integer(object, "failed", counts->failed);
	value_put_integer(object, "cancelled", counts->cancelled);
	return object;
}

static struct value *render_arguments(const Forge__BatchArguments *arguments)
{
	struct value *object = value_new_map();

	value_put_string(object, "strategy",
		arguments->strategy == FORGE__STRATEGY__STRATEGY_UNSET
			? NULL
			: render_strategy(arguments->strategy));
	value_put_boolean(object, "dry_run", arguments->dry_run);
	value_put_take(
		object, "branches", render_strings(arguments->branches, arguments->n_branches));
	value_put_integer(object, "noop_ms", arguments->noop_ms);
	return object;
}

struct value *render_batch_row(const Forge__BatchRow *row)
{
	struct value *object = value_new_map();

	value_put_string(object, "batch", row->name);
	value_put_take(object, "seq", value_new_unsigned(row->batch));
	value_put_string(object, "kind", render_kind(row->kind));
	value_put_string(object, "state", row->closed ? "closed" : "open");
	value_put_take(object, "opened_at", render_time(row->opened_us));
	value_put_take(object, "closed_at", render_time(row->closed_us));
	value_put_text(object, "actor", row->actor);
	value_put_text(object, "retry_of", row->retry_of);
	value_put_take(object, "arguments",
		row->arguments ? render_arguments(row->arguments) : value_new_null());
	value_put_take(
		object, "counts", row->counts ? render_counts(row->counts) : value_new_null());
	return object;
}

struct value *render_job_row(const Forge__JobRow *row)
{
	g_autofree char *name = batch_name_of_job(row->batch_name, row->job->number);
	struct value *object = value_new_map();

	value_put_string(object, "job", name);
	value_put_string(object, "batch", row->batch_name);
	value_put_integer(object, "number", row->job->number);
	value_put_text(object, "target", row->target);
	value_put_string(object, "state", row->state);
	value_put_integer(object, "attempt", row->attempt);
	value_put_take(object, "not_before", render_time(row->not_before_us));
	value_put_take(object, "error", render_error(row->error));
	return object;
}

struct value *render_stats(const Forge__Stats *stats)
{
	struct value *object = value_new_map();
	struct value *workers;

	value_put_string(object, "journal", stats->journal_id);
	value_put_take(object, "last_seq", value_new_unsigned(stats->last_seq));
	value_put_text(object, "digest", stats->digest);
	value_put_integer(object, "forks", stats->forks);
	value_put_integer(object, "open_batches", stats->open_batches);
	value_put_take(object, "queued", value_new_unsigned(stats->queued));
	value_put_take(object, "waiting", value_new_unsigned(stats->waiting));
	value_put_take(object, "leased", value_new_unsigned(stats->leased));
	value_put_boolean(object, "paused", stats->paused);
	value_put_take(object, "started_at", render_time(stats->started_us));
	value_put_text(object, "host", stats->host);
	value_put_integer(object, "pid", stats->pid);
	workers = value_new_list();
	for (size_t i = 0; i < stats->n_workers; i++) {
		const Forge__WorkerRow *worker = stats->workers[i];
		struct value *item = value_new_map();

		value_put_take(item, "session", value_new_unsigned(worker->session));
		value_put_string(item, "name", worker->name);
		value_put_integer(item, "slots", worker->slots);
		value_put_integer(item, "leased", worker->leased);
		value_put_boolean(item, "owned", worker->owned);
		value_append_take(workers, item);
	}
	value_put_take(object, "workers", workers);
	return object;
}
