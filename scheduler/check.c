/*
 * Requests are input: everything that would become part of an event is bounded and checked here
 * first, so that the fold and the workers meet only what can be right.
 */
#include "scheduler/check.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/nearest.h"
#include "journal/base/secret.h"
#include "queue/job_kinds.h"
#include "queue/protocol.h"
#include "scheduler/component_rows.h"

static gboolean refuse(GError **error, enum forge_error code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static gboolean refuse(GError **error, enum forge_error code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_propagate_error(error, g_error_new_valist(FORGE_ERROR, (gint)code, format, arguments));
	va_end(arguments);
	return FALSE;
}

gboolean check_fork_is_there(const struct state *state, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = NULL;
	g_autofree char *question = NULL;

	if (state_fork(state, name))
		return TRUE;
	names = g_ptr_array_sized_new(state->forks->len + 1);
	for (guint i = 0; i < state->forks->len; i++)
		g_ptr_array_add(names, ((struct fork_row *)state->forks->pdata[i])->spec->name);
	g_ptr_array_add(names, NULL);
	question = nearest_question(name, (const char *const *)names->pdata);
	return refuse(error, FORGE_ERROR_FORK_NOT_FOUND, "no fork is called '%.*s'%s%s",
		LIMIT_NAME_BYTES, name, question ? "; " : "", question ? question : "");
}

gboolean check_hello(const Forge__Hello *hello, GError **error)
{
	if (hello->protocol != PROTOCOL_VERSION)
		return refuse(error, FORGE_ERROR_UNSUPPORTED,
			"this scheduler (%s) speaks protocol %d, the peer (%.*s) %u", FORGE_VERSION,
			PROTOCOL_VERSION, LIMIT_NAME_BYTES, hello->build, hello->protocol);
	/* Both become part of events. */
	if (strlen(hello->name) > LIMIT_NAME_BYTES || strlen(hello->owner) > LIMIT_NAME_BYTES)
		return refuse(error, FORGE_ERROR_TOO_LARGE, "a peer's name is longer than %d bytes",
			LIMIT_NAME_BYTES);
	return TRUE;
}

static gboolean check_strategy(Forge__Strategy strategy, GError **error)
{
	switch (strategy) {
	case FORGE__STRATEGY__STRATEGY_UNSET:
	case FORGE__STRATEGY__STRATEGY_FAST_FORWARD:
	case FORGE__STRATEGY__STRATEGY_MERGE:
	case FORGE__STRATEGY__STRATEGY_REBASE:
	case FORGE__STRATEGY__STRATEGY_OVERWRITE:
		return TRUE;
	case _FORGE__STRATEGY_IS_INT_SIZE:
		break;
	}
	return refuse(error, FORGE_ERROR_VALIDATION_FAILED, "unknown strategy %d", strategy);
}

static gboolean check_branches(char *const *branches, size_t n_branches, GError **error)
{
	if (n_branches > LIMIT_BRANCH_PATTERNS)
		return refuse(error, FORGE_ERROR_TOO_LARGE,
			"%" G_GSIZE_FORMAT " branch patterns; at most %d are taken", n_branches,
			LIMIT_BRANCH_PATTERNS);
	for (size_t i = 0; i < n_branches; i++) {
		size_t length = strlen(branches[i]);

		if (length == 0 || length > LIMIT_NAME_BYTES || branches[i][0] == '-' ||
			strcspn(branches[i], " ~^:\\\x7f") != length ||
			!g_utf8_validate(branches[i], -1, NULL))
			return refuse(error, FORGE_ERROR_VALIDATION_FAILED,
				"'%.*s' is no branch name or pattern", LIMIT_NAME_BYTES,
				branches[i]);
	}
	return TRUE;
}

static gboolean check_arguments(const Forge__BatchArguments *arguments, GError **error)
{
	if (!arguments)
		return TRUE;
	return check_strategy(arguments->strategy, error) &&
		check_branches(arguments->branches, arguments->n_branches, error);
}

gboolean check_component_is_there(const struct state *state, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = NULL;
	g_autofree char *question = NULL;

	if (state_component(state, name))
		return TRUE;
	names = g_ptr_array_sized_new(state->components->len + 1);
	for (guint i = 0; i < state->components->len; i++)
		g_ptr_array_add(names,
			((struct component_row *)state->components->pdata[i])->component->name);
	g_ptr_array_add(names, NULL);
	question = nearest_question(name, (const char *const *)names->pdata);
	return refuse(error, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"no component is called '%.*s' in this workspace%s%s", LIMIT_NAME_BYTES, name,
		question ? "; " : "", question ? question : "");
}

static gboolean check_name(const char *what, const char *name, GError **error)
{
	size_t length = strlen(name);

	if (length > 0 && length <= LIMIT_NAME_BYTES && g_ascii_isalnum(name[0]) &&
		strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == length)
		return TRUE;
	return refuse(error, FORGE_ERROR_VALIDATION_FAILED,
		"'%.*s' cannot name a %s: letters, digits, '.', '_' and '-', a letter or digit first",
		LIMIT_NAME_BYTES, name, what);
}

static gboolean check_workspace(const char *root, GError **error)
{
	if (*root == '/' && strlen(root) < LIMIT_PATH_BYTES)
		return TRUE;
	return refuse(error, FORGE_ERROR_VALIDATION_FAILED,
		"'%.*s' is no absolute path of a workspace", LIMIT_NAME_BYTES, root);
}

static gboolean check_target(
	const struct state *state, const struct job_kind *kind, const char *target, GError **error)
{
	switch (kind->about) {
	case JOB_ABOUT_FORK:
		return check_fork_is_there(state, target, error);
	case JOB_ABOUT_COMPONENT:
		if (kind->kind == FORGE__JOB_KIND__JOB_KIND_COMPONENT_INSTALL)
			return check_name("component", target, error);
		return check_component_is_there(state, target, error);
	case JOB_ABOUT_WORKSPACE:
		return check_workspace(target, error);
	case JOB_ABOUT_NOTHING:
		break;
	}
	return refuse(error, FORGE_ERROR_USAGE, "jobs of '%s' have no targets", kind->name);
}

static gboolean check_targets(const struct state *state, const struct job_kind *kind,
	const Forge__Submit *submit, GError **error)
{
	if (submit->n_targets > LIMIT_TARGETS_PER_REQUEST)
		return refuse(error, FORGE_ERROR_TOO_LARGE,
			"%" G_GSIZE_FORMAT " targets in one request; at most %d are taken",
			submit->n_targets, LIMIT_TARGETS_PER_REQUEST);
	for (size_t i = 0; i < submit->n_targets; i++)
		if (!check_target(state, kind, submit->targets[i], error))
			return FALSE;
	return TRUE;
}

gboolean check_key(const char *key, GError **error)
{
	return strlen(key) <= LIMIT_NAME_BYTES ||
		refuse(error, FORGE_ERROR_TOO_LARGE, "a key is longer than %d bytes",
			LIMIT_NAME_BYTES);
}

gboolean check_submit(const struct state *state, const Forge__Submit *submit, GError **error)
{
	const struct job_kind *kind = job_kind_of(submit->kind);
	uint64_t unfinished = state_unfinished(state);
	guint all = 0;

	if (!kind)
		return refuse(error, FORGE_ERROR_UNSUPPORTED, "unknown job kind %d", submit->kind);
	if (submit->all_forks && kind->about == JOB_ABOUT_WORKSPACE)
		return refuse(error, FORGE_ERROR_USAGE, "name the workspaces");
	if (submit->all_forks)
		all = kind->about == JOB_ABOUT_COMPONENT ? state->components->len
							 : state->forks->len;
	if (submit->n_targets + submit->noops == 0 && !submit->all_forks)
		return refuse(error, FORGE_ERROR_USAGE, "nothing to do was named");
	if ((kind->about == JOB_ABOUT_NOTHING) != (submit->noops > 0) ||
		(submit->noops > 0) + (submit->n_targets > 0) + (submit->all_forks ? 1 : 0) > 1)
		return refuse(error, FORGE_ERROR_USAGE,
			"a batch of '%s' jobs cannot have these targets", kind->name);
	if (protobuf_c_message_get_packed_size(&submit->base) > LIMIT_ENTRY_BYTES / 2)
		return refuse(error, FORGE_ERROR_TOO_LARGE,
			"the request is larger than %d bytes; name fewer targets, or all",
			LIMIT_ENTRY_BYTES / 2);
	if (submit->not_before_us > G_MAXINT64)
		return refuse(error, FORGE_ERROR_VALIDATION_FAILED, "not_before is no time");
	if (submit->noops > LIMIT_TARGETS_PER_BATCH)
		return refuse(error, FORGE_ERROR_TOO_LARGE, "at most %d jobs a batch are taken",
			LIMIT_TARGETS_PER_BATCH);
	if (all > LIMIT_TARGETS_PER_BATCH)
		return refuse(error, FORGE_ERROR_TOO_LARGE,
			"there are %u targets; at most %d jobs a batch are taken", all,
			LIMIT_TARGETS_PER_BATCH);
	if (unfinished + submit->noops + submit->n_targets + all > LIMIT_QUEUED_JOBS)
		return refuse(error, FORGE_ERROR_BUSY,
			"%" G_GUINT64_FORMAT " jobs are queued already", unfinished);
	return check_key(submit->request_id, error) && check_key(submit->unique_key, error) &&
		check_key(submit->retry_of, error) && check_arguments(submit->arguments, error) &&
		check_targets(state, kind, submit, error);
}

static gboolean check_address(const char *what, const char *address, GError **error)
{
	size_t length = strlen(address);

	if (length == 0 || length > LIMIT_URL_BYTES || !g_utf8_validate(address, -1, NULL) ||
		address[0] == '-')
		return refuse(error, FORGE_ERROR_VALIDATION_FAILED,
			"the %s's address is empty, too long or no address", what);
	for (const char *c = address; *c; c++)
		if (g_ascii_iscntrl(*c))
			return refuse(error, FORGE_ERROR_VALIDATION_FAILED,
				"the %s's address has a control character", what);
	/* What stands in an event stands there for ever. */
	if (secret_in_address(address))
		return refuse(error, FORGE_ERROR_SECURITY_REFUSED,
			"the %s's address carries a password or token; leave it out and use "
			"hosts.HOST.token_env or git's credential helper",
			what);
	return TRUE;
}

gboolean check_fork(const Forge__Fork *fork, GError **error)
{
	if (!fork)
		return refuse(error, FORGE_ERROR_USAGE, "no fork was named");
	return check_name("fork", fork->name, error) && check_address("fork", fork->fork, error) &&
		check_address("upstream", fork->upstream, error) &&
		check_branches(fork->branches, fork->n_branches, error) &&
		check_strategy(fork->strategy, error);
}

static size_t paths_of(const Forge__Fact *fact)
{
	switch (fact->kind_case) {
	case FORGE__FACT__KIND_FORK_SYNCED:
		return fact->fork_synced->n_conflicts;
	case FORGE__FACT__KIND_COMPONENT_CONFLICTED:
		return MAX(fact->component_conflicted->n_conflicts,
			fact->component_conflicted->n_merged);
	case FORGE__FACT__KIND_COMPONENT_PULLED:
		return fact->component_pulled->n_merged;
	case FORGE__FACT__KIND_PUSH_INTENDED:
	case FORGE__FACT__KIND_COMPONENT_INSTALLED:
	case FORGE__FACT__KIND_COMPONENT_OBSERVED:
	case FORGE__FACT__KIND_COMPONENT_RESOLVED:
	case FORGE__FACT__KIND_COMPONENT_PUSHED:
	case FORGE__FACT__KIND_COMPONENT_EDITED:
	case FORGE__FACT__KIND_COMPONENT_REMOVED:
	case FORGE__FACT__KIND_DEPENDENCIES_RESOLVED:
	case FORGE__FACT__KIND__NOT_SET:
	case _FORGE__FACT__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return 0;
}

/* What a job has to be about to report FACT. */
static gboolean may_report(const struct job_kind *kind, const Forge__Fact *fact)
{
	if (component_fact_is(fact->kind_case))
		return kind->about == JOB_ABOUT_COMPONENT;
	if (fact->kind_case == FORGE__FACT__KIND_DEPENDENCIES_RESOLVED)
		return kind->about == JOB_ABOUT_WORKSPACE;
	if (fact->kind_case == FORGE__FACT__KIND_PUSH_INTENDED)
		return kind->about != JOB_ABOUT_WORKSPACE;
	return kind->about == JOB_ABOUT_FORK || kind->about == JOB_ABOUT_NOTHING;
}

/* A component or workspace may be spoken of only by a job that is about it. */
static gboolean check_about(
	const Forge__Fact *fact, const struct job_kind *kind, const char *target, GError **error)
{
	const char *name = NULL;

	if (!may_report(kind, fact))
		return refuse(error, FORGE_ERROR_VALIDATION_FAILED,
			"a job of '%s' reports what it is not about", kind->name);
	if (component_fact_is(fact->kind_case))
		name = component_fact_name(fact);
	else if (fact->kind_case == FORGE__FACT__KIND_DEPENDENCIES_RESOLVED)
		name = fact->dependencies_resolved->workspace;
	if (!name || g_strcmp0(name, target) == 0)
		return TRUE;
	return refuse(error, FORGE_ERROR_VALIDATION_FAILED,
		"a report is about something else than its job");
}

static gboolean check_facts(Forge__Fact *const *facts, size_t n_facts, const struct job_kind *kind,
	const char *target, GError **error)
{
	for (size_t i = 0; i < n_facts; i++) {
		if (paths_of(facts[i]) > LIMIT_CONFLICT_PATHS)
			return refuse(error, FORGE_ERROR_TOO_LARGE, "too many conflict paths");
		if (!check_about(facts[i], kind, target, error))
			return FALSE;
	}
	return TRUE;
}

gboolean check_report(const Forge__Report *report, const struct job_kind *kind, const char *target,
	GError **error)
{
	size_t size = protobuf_c_message_get_packed_size(&report->base);

	if (report->n_facts > LIMIT_FACTS_PER_REPORT ||
		(report->end && report->end->n_facts_if_final > LIMIT_FACTS_PER_REPORT) ||
		size > LIMIT_ENTRY_BYTES / 2)
		return refuse(error, FORGE_ERROR_TOO_LARGE,
			"a report of %" G_GSIZE_FORMAT " facts and %" G_GSIZE_FORMAT " bytes",
			report->n_facts, size);
	return check_facts(report->facts, report->n_facts, kind, target, error) &&
		(!report->end ||
			check_facts(report->end->facts_if_final, report->end->n_facts_if_final,
				kind, target, error));
}
