/*
 * Components in the state: one row each, changed by the facts that jobs report, and the word it
 * comes to.
 *
 * A fact about a component that is not there (removed meanwhile) changes nothing; only an
 * installation makes a row. What a job could not ask of upstream is kept as it was known before, so
 * that an answer from the journal alone stays what it was.
 */
#include "scheduler/component_rows.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/message.h"

#define REPLACE(slot, message) \
	do { \
		if (slot) \
			protobuf_c_message_free_unpacked(&(slot)->base, NULL); \
		(slot) = (message) ? message_copy(&(message)->base) : NULL; \
	} while (0)

void component_row_free(gpointer data)
{
	struct component_row *row = data;

	if (!row)
		return;
	protobuf_c_message_free_unpacked(&row->component->base, NULL);
	if (row->observed)
		protobuf_c_message_free_unpacked(&row->observed->base, NULL);
	if (row->pending)
		protobuf_c_message_free_unpacked(&row->pending->base, NULL);
	if (row->pushed)
		protobuf_c_message_free_unpacked(&row->pushed->base, NULL);
	if (row->failure)
		protobuf_c_message_free_unpacked(&row->failure->base, NULL);
	g_free(row);
}

struct component_row *state_component(const struct state *state, const char *name)
{
	return g_hash_table_lookup(state->component_by_name, name);
}

static struct component_row *add_row(
	struct state *state, uint64_t seq, const Forge__Component *component)
{
	struct component_row *row = g_new0(struct component_row, 1);

	row->installed_seq = seq;
	row->component = message_copy(&component->base);
	g_ptr_array_add(state->components, row);
	g_hash_table_insert(state->component_by_name, row->component->name, row);
	return row;
}

/* The row's name is the table's key, so it is looked up anew under the copy's. */
static void set_component(
	struct state *state, struct component_row *row, const Forge__Component *component)
{
	g_hash_table_remove(state->component_by_name, row->component->name);
	REPLACE(row->component, component);
	g_hash_table_insert(state->component_by_name, row->component->name, row);
}

static void clear_failure(struct component_row *row)
{
	REPLACE(row->failure, (Forge__Error *)NULL);
	row->failure_us = 0;
}

void component_row_note_failure(
	struct component_row *row, uint64_t time_us, const Forge__Error *error)
{
	REPLACE(row->failure, error);
	row->failure_us = time_us;
}

/* ---- facts -------------------------------------------------------------------------------- */

static const char *fold_installed(
	struct state *state, uint64_t seq, uint64_t time_us, const Forge__ComponentInstalled *fact)
{
	struct component_row *row;

	if (!fact->component || !*fact->component->name)
		return "it installs a component without a name";
	row = state_component(state, fact->component->name);
	if (!row) {
		row = add_row(state, seq, fact->component);
	} else {
		set_component(state, row, fact->component);
		/* It was there already, as it was: what waits goes on waiting. */
		if (strcmp(fact->before, fact->component->base_commit) == 0)
			return NULL;
	}
	row->synced_us = time_us;
	REPLACE(row->pushed, (Forge__ComponentPushed *)NULL);
	REPLACE(row->pending, (Forge__ComponentConflicted *)NULL);
	return NULL;
}

/* What upstream said when it was last asked, for a look that could not ask. */
static void keep_upstream(
	Forge__ComponentObserved *observed, const Forge__ComponentObserved *before)
{
	if (!before ||
		(before->upstream != FORGE__UPSTREAM__UPSTREAM_KNOWN &&
			before->upstream != FORGE__UPSTREAM__UPSTREAM_GONE))
		return;
	observed->upstream = before->upstream;
	message_set_string(&observed->upstream_commit, before->upstream_commit);
	message_set_string(&observed->upstream_tree, before->upstream_tree);
	message_set_string(&observed->upstream_version, before->upstream_version);
	message_set_string(&observed->moved_to, before->moved_to);
	observed->upstream_time_us = before->upstream_time_us;
	observed->behind = before->behind;
	observed->behind_unknown = before->behind_unknown;
	observed->rewritten = before->rewritten;
	observed->yanked = before->yanked;
	/* A look that asks nobody knows no more than the one that could not. */
	if (!observed->error && before->error)
		observed->error = message_copy(&before->error->base);
}

static void fold_observed(struct state *state, struct component_row *row, uint64_t time_us,
	const Forge__ComponentObserved *fact)
{
	Forge__ComponentObserved *observed = message_copy(&fact->base);

	if (fact->component && strcmp(fact->component->name, row->component->name) == 0)
		set_component(state, row, fact->component);

	if (fact->upstream != FORGE__UPSTREAM__UPSTREAM_KNOWN &&
		fact->upstream != FORGE__UPSTREAM__UPSTREAM_GONE)
		keep_upstream(observed, row->observed);
	if (row->observed)
		protobuf_c_message_free_unpacked(&row->observed->base, NULL);
	row->observed = observed;
	row->observed_us = time_us;
	clear_failure(row);
}

static void fold_pulled(struct state *state, struct component_row *row, uint64_t time_us,
	const Forge__Component *component)
{
	if (component && strcmp(component->name, row->component->name) == 0)
		set_component(state, row, component);
	row->synced_us = time_us;
	REPLACE(row->pending, (Forge__ComponentConflicted *)NULL);
	clear_failure(row);
}

static void remove_row(struct state *state, struct component_row *row)
{
	g_hash_table_remove(state->component_by_name, row->component->name);
	g_ptr_array_remove(state->components, row);
}

gboolean component_fact_is(Forge__Fact__KindCase kind)
{
	switch (kind) {
	case FORGE__FACT__KIND_COMPONENT_INSTALLED:
	case FORGE__FACT__KIND_COMPONENT_OBSERVED:
	case FORGE__FACT__KIND_COMPONENT_PULLED:
	case FORGE__FACT__KIND_COMPONENT_CONFLICTED:
	case FORGE__FACT__KIND_COMPONENT_RESOLVED:
	case FORGE__FACT__KIND_COMPONENT_PUSHED:
	case FORGE__FACT__KIND_COMPONENT_EDITED:
	case FORGE__FACT__KIND_COMPONENT_REMOVED:
		return TRUE;
	case FORGE__FACT__KIND_PUSH_INTENDED:
	case FORGE__FACT__KIND_FORK_SYNCED:
	case FORGE__FACT__KIND_DEPENDENCIES_RESOLVED:
	case FORGE__FACT__KIND__NOT_SET:
	case _FORGE__FACT__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return FALSE;
}

static const char *name_of(const Forge__Component *component)
{
	return component ? component->name : "";
}

const char *component_fact_name(const Forge__Fact *fact)
{
	switch (fact->kind_case) {
	case FORGE__FACT__KIND_COMPONENT_INSTALLED:
		return name_of(fact->component_installed->component);
	case FORGE__FACT__KIND_COMPONENT_OBSERVED:
		return fact->component_observed->name;
	case FORGE__FACT__KIND_COMPONENT_PULLED:
		return name_of(fact->component_pulled->component);
	case FORGE__FACT__KIND_COMPONENT_CONFLICTED:
		return name_of(fact->component_conflicted->component);
	case FORGE__FACT__KIND_COMPONENT_RESOLVED:
		return fact->component_resolved->name;
	case FORGE__FACT__KIND_COMPONENT_PUSHED:
		return fact->component_pushed->name;
	case FORGE__FACT__KIND_COMPONENT_EDITED:
		return fact->component_edited->name;
	case FORGE__FACT__KIND_COMPONENT_REMOVED:
		return fact->component_removed->name;
	case FORGE__FACT__KIND_PUSH_INTENDED:
	case FORGE__FACT__KIND_FORK_SYNCED:
	case FORGE__FACT__KIND_DEPENDENCIES_RESOLVED:
	case FORGE__FACT__KIND__NOT_SET:
	case _FORGE__FACT__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return "";
}

const char *component_fact_fold(
	struct state *state, uint64_t seq, uint64_t time_us, const Forge__Fact *fact)
{
	struct component_row *row = state_component(state, component_fact_name(fact));

	if (fact->kind_case == FORGE__FACT__KIND_COMPONENT_INSTALLED)
		return fold_installed(state, seq, time_us, fact->component_installed);
	if (!row)
		return NULL;
	switch (fact->kind_case) {
	case FORGE__FACT__KIND_COMPONENT_OBSERVED:
		fold_observed(state, row, time_us, fact->component_observed);
		return NULL;
	case FORGE__FACT__KIND_COMPONENT_PULLED:
		fold_pulled(state, row, time_us, fact->component_pulled->component);
		/* UNSET: upstream had nothing new, so what was pushed is still what is here. */
		if (fact->component_pulled->strategy != FORGE__STRATEGY__STRATEGY_UNSET)
			REPLACE(row->pushed, (Forge__ComponentPushed *)NULL);
		return NULL;
	case FORGE__FACT__KIND_COMPONENT_CONFLICTED:
		REPLACE(row->pending, fact->component_conflicted);
		clear_failure(row);
		return NULL;
	case FORGE__FACT__KIND_COMPONENT_RESOLVED:
		fold_pulled(state, row,
			fact->component_resolved->aborted ? row->synced_us : time_us,
			fact->component_resolved->component);
		return NULL;
	case FORGE__FACT__KIND_COMPONENT_PUSHED:
		REPLACE(row->pushed, fact->component_pushed);
		row->synced_us = time_us;
		clear_failure(row);
		return NULL;
	case FORGE__FACT__KIND_COMPONENT_EDITED:
		clear_failure(row);
		return NULL;
	case FORGE__FACT__KIND_COMPONENT_REMOVED:
		remove_row(state, row);
		return NULL;
	case FORGE__FACT__KIND_COMPONENT_INSTALLED:
	case FORGE__FACT__KIND_PUSH_INTENDED:
	case FORGE__FACT__KIND_FORK_SYNCED:
	case FORGE__FACT__KIND_DEPENDENCIES_RESOLVED:
	case FORGE__FACT__KIND__NOT_SET:
	case _FORGE__FACT__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return "it is no fact about a component";
}

struct component_row *component_row_restore(struct state *state, const struct component_row *saved)
{
	struct component_row *row = add_row(state, saved->installed_seq, saved->component);

	row->synced_us = saved->synced_us;
	row->observed_us = saved->observed_us;
	row->failure_us = saved->failure_us;
	REPLACE(row->observed, saved->observed);
	REPLACE(row->pending, saved->pending);
	REPLACE(row->pushed, saved->pushed);
	REPLACE(row->failure, saved->failure);
	return row;
}

/* ---- the word ----------------------------------------------------------------------------- */

/* That the repository is not there says how the component stands; other errors say nothing of it. */
static gboolean is_an_answer(const Forge__Error *error)
{
	return !error ||
		strcmp(error->code, forge_error_name(FORGE_ERROR_REPOSITORY_NOT_FOUND)) == 0;
}

Forge__ComponentStatus component_status(const struct component_row *row)
{
	const Forge__ComponentObserved *seen = row->observed;
	gboolean knows_upstream;

	if (row->pending)
		return FORGE__COMPONENT_STATUS__COMPONENT_STATUS_CONFLICT;
	if (!seen)
		return FORGE__COMPONENT_STATUS__COMPONENT_STATUS_UNSET;
	if (seen->upstream == FORGE__UPSTREAM__UPSTREAM_GONE && is_an_answer(seen->error))
		return FORGE__COMPONENT_STATUS__COMPONENT_STATUS_DETACHED;
	/* Who could not be asked may have moved: what was known before is no answer now. */
	knows_upstream = seen->upstream == FORGE__UPSTREAM__UPSTREAM_KNOWN && !seen->error;
	if (knows_upstream && strcmp(seen->local_tree, seen->upstream_tree) == 0)
		return FORGE__COMPONENT_STATUS__COMPONENT_STATUS_SYNCED;
	if (strcmp(seen->local_tree, row->component->tree) != 0)
		return row->pushed && row->pushed->to_fork &&
				strcmp(row->pushed->tree, seen->local_tree) == 0
			? FORGE__COMPONENT_STATUS__COMPONENT_STATUS_FORKED
			: FORGE__COMPONENT_STATUS__COMPONENT_STATUS_MODIFIED;
	if (!knows_upstream)
		return FORGE__COMPONENT_STATUS__COMPONENT_STATUS_UNSET;
	return FORGE__COMPONENT_STATUS__COMPONENT_STATUS_OUTDATED;
}
