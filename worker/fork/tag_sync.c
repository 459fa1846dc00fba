/*
 * The tags of one fork: those that upstream has and the fork lacks are added, all with one push.
 *
 * A push of tags can only make refs that are not there. So it needs no memory to be right: whoever
 * comes after a kill in the middle finds the tags that arrived equal and adds the others. Each is
 * announced all the same before the push, which is durable first: the journal says who put a tag
 * there, and the next attempt counts those that arrived as this job's.
 *
 * What stands in the way of one tag (it differs, the server refuses it, its content is missing)
 * does not hold up the others; all is told in one fact.
 */
#include "worker/fork/tag_sync.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/fork/branch_sync.h"
#include "worker/fork/tag_plan.h"
#include "worker/git/git_library.h"
#include "worker/store/anchors.h"

/* A tag that is about to be added. */
struct new_tag {
	const struct advertised_ref *ref; /* upstream's */
	git_oid commit;
};

struct tagging {
	struct fork_syncing *syncing;
	const struct ref_listing *upstream;
	const struct branch_plan *branches;
	struct tag_plan *plan;
	guint n_lacked;     /* before this job's first push of them */
	GArray *new_tags;   /* of struct new_tag */
	GPtrArray *skipped; /* names, borrowed: they lead to no commit */
	GPtrArray *moved;   /* likewise: somebody else made them meanwhile, differently */
	guint n_refused;    /* by the server or for what it lacks */
	guint n_left;       /* for another sync */
	GError *refusal;    /* why the first of those was */
};

static void tagging_clear(struct tagging *tagging)
{
	tag_plan_free(tagging->plan);
	g_array_unref(tagging->new_tags);
	g_ptr_array_unref(tagging->skipped);
	g_ptr_array_unref(tagging->moved);
	g_clear_error(&tagging->refusal);
}
SCOPED_VALUE(tagging, tagging_clear)

/* ---- what is told -------------------------------------------------------------------------- */

/* `v1, v2 and 7 more`. */
static void append_names(GString *text, const GPtrArray *names)
{
	for (guint i = 0; i < MIN(names->len, LIMIT_TAGS_NAMED); i++)
		g_string_append_printf(
			text, "%s%s", i > 0 ? ", " : "", (const char *)names->pdata[i]);
	if (names->len > LIMIT_TAGS_NAMED)
		g_string_append_printf(text, " and %u more", names->len - LIMIT_TAGS_NAMED);
}

/* Where there are NAMES, says what is the matter with them; the first reason decides the end. */
static void add_reason(GError **reason, enum forge_error code, const GPtrArray *names,
	const char *one, const char *many)
{
	g_autoptr(GString) text = g_string_new(*reason ? (*reason)->message : NULL);
	enum forge_error first = *reason ? forge_error_code(*reason) : code;

	if (names->len == 0)
		return;
	g_string_append_printf(
		text, "%s%u %s: ", *reason ? "; " : "", names->len, names->len == 1 ? one : many);
	append_names(text, names);
	g_clear_error(reason);
	g_set_error_literal(reason, FORGE_ERROR, (gint)first, text->str);
}

/* Names of REFS, of struct advertised_ref; caller unrefs. */
static GPtrArray *names_of(const GPtrArray *refs)
{
	GPtrArray *names = g_ptr_array_new();

	for (guint i = 0; i < refs->len; i++)
		g_ptr_array_add(names, (gpointer)tag_name(refs->pdata[i]));
	return names;
}

static void list_differing(Forge__ForkSynced *fact, const GPtrArray *names)
{
	guint named = MIN(names->len, LIMIT_CONFLICT_PATHS);
	size_t bytes = 0;

	fact->conflict_count = names->len;
	fact->conflicts = g_new(Forge__ConflictPath *, MAX(1, named));
	for (guint i = 0; i < named; i++) {
		g_autofree char *ref = g_strconcat(TAGS, names->pdata[i], NULL);
		Forge__ConflictPath *path;

		bytes += strlen(ref);
		if (bytes > LIMIT_NOTED_BYTES)
			break;
		path = g_new(Forge__ConflictPath, 1);
		forge__conflict_path__init(path);
		message_set_string(&path->path, ref);
		message_set_string(&path->type, "tag");
		fact->conflicts[fact->n_conflicts++] = path;
	}
}

/* Why not all is in order, and the end that makes of it; NULL if all is. Caller frees. */
static GError *reason_of(
	const struct tagging *tagging, const GPtrArray *differing, Forge__BranchStatus *status)
{
	GError *reason = tagging->refusal ? g_error_copy(tagging->refusal) : NULL;

	*status = reason ? FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED
			 : FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED;
	if (reason && tagging->n_refused > 1)
		g_prefix_error(&reason, "%u tags could not be added, the first since ",
			tagging->n_refused);
	add_reason(&reason, FORGE_ERROR_TAG_DIFFERS, differing,
		"tag differs from upstream's and is not moved",
		"tags differ from upstream's and are not moved");
	add_reason(&reason, FORGE_ERROR_UNSUPPORTED, tagging->skipped,
		"tag names no commit and was left out", "tags name no commit and were left out");
	if (!reason && tagging->n_left > 0)
		g_set_error(&reason, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"upstream has %u tags that the fork lacks; one sync adds at most %d, the next "
			"goes on",
			tagging->plan->missing->len, LIMIT_TAGS_PER_SYNC);
	return reason;
}

static Forge__ForkSynced *fact_of(const struct tagging *tagging)
{
	const struct planned_branch tags = {.name = (char *)TAGS_BRANCH};
	Forge__ForkSynced *fact = branch_sync_equal(tagging->syncing, &tags);
	g_autoptr(GPtrArray) differing = names_of(tagging->plan->differing);
	Forge__BranchStatus status;
	g_autoptr(GError) reason = NULL;

	for (guint i = 0; i < tagging->moved->len; i++)
		g_ptr_array_add(differing, tagging->moved->pdata[i]);
	reason = reason_of(tagging, differing, &status);
	fact->behind = tagging->n_lacked;
	fact->ahead = tagging->plan->n_own;
	if (differing->len > 0)
		list_differing(fact, differing);
	if (reason) {
		fact->status = status;
		fact->error = operation_error(reason);
	} else if (tagging->n_lacked > 0) {
		fact->status = FORGE__BRANCH_STATUS__BRANCH_STATUS_FAST_FORWARDED;
	}
	return fact;
}

/* ---- objects ------------------------------------------------------------------------------- */

static void add_fetch(GArray *refs, GPtrArray *names, const char *name, const git_oid *oid)
{
	char *remote_name = g_strdup(name);
	char *local_name = anchor_name("tip", name);
	struct fetch_ref ref = {remote_name, *oid, local_name};

	g_ptr_array_add(names, remote_name);
	g_ptr_array_add(names, local_name);
	g_array_append_val(refs, ref);
}

/* The store with the new tags, and with upstream's branches: what the fork has of those need not be
 * sent along with the tags. */
static struct store *open_store(const struct tagging *tagging, guint n_tags, GError **error)
{
	const struct operation *operation = tagging->syncing->operation;
	g_autoptr(GArray) refs = g_array_new(FALSE, FALSE, sizeof(struct fetch_ref));
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < tagging->branches->branches->len; i++) {
		const struct planned_branch *branch = tagging->branches->branches->pdata[i];
		g_autofree char *name = g_strconcat("refs/heads/", branch->name, NULL);

		if (ref_listing_find(tagging->upstream, name))
			add_fetch(refs, names, name, &branch->upstream_tip);
	}
	for (guint i = 0; i < n_tags; i++) {
		const struct advertised_ref *ref = tagging->plan->missing->pdata[i];

		add_fetch(refs, names, ref->name, &ref->oid);
	}
	return store_open(operation->workshop->stores, tagging->syncing->upstream,
		(struct fetch_ref *)(void *)refs->data, refs->len, operation->budget, error);
}

/* Sets *COMMIT to what the tag OID leads to, itself or by one tag object: what can be pushed.
 * *LEADS is FALSE for anything else. */
static gboolean find_commit(
	git_repository *git, const git_oid *oid, git_oid *commit, gboolean *leads, GError **error)
{
	git_object *object = NULL;

	if (git_object_lookup(&object, git, oid, GIT_OBJECT_ANY) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "tag %s cannot be read",
			git_oid_tostr_s(oid));
		return FALSE;
	}
	*leads = TRUE;
	if (git_object_type(object) == GIT_OBJECT_COMMIT)
		*commit = *oid;
	else if (git_object_type(object) == GIT_OBJECT_TAG &&
		git_tag_target_type((git_tag *)object) == GIT_OBJECT_COMMIT)
		*commit = *git_tag_target_id((git_tag *)object);
	else
		*leads = FALSE;
	git_object_free(object);
	return TRUE;
}

static void note_refused(struct tagging *tagging, GError *take_refusal)
{
	tagging->n_refused++;
	if (tagging->refusal)
		g_error_free(take_refusal);
	else
		tagging->refusal = take_refusal;
}

/* ---- which can be added -------------------------------------------------------------------- */

/* A commit that the fork's server is known to have with all its content; zero if none is known. */
static git_oid find_known(const struct tagging *tagging)
{
	git_oid none = {0};

	for (guint i = 0; i < tagging->branches->branches->len; i++) {
		const struct planned_branch *branch = tagging->branches->branches->pdata[i];

		if (!git_oid_is_zero(&branch->fork_tip) &&
			fork_repository_has(tagging->syncing->repository, &branch->fork_tip))
			return branch->fork_tip;
	}
	return none;
}

/* Whether the fork's server has what TAG needs that git does not push, compared with KNOWN, which it
 * becomes. What is missing is noted. */
static gboolean check_content(struct tagging *tagging, const struct new_tag *tag, git_oid *known,
	gboolean *whole, GError **error)
{
	struct fork_syncing *syncing = tagging->syncing;
	GError *failure = NULL;

	*whole = content_check_branch(syncing->content, fork_repository_git(syncing->repository),
		known, &tag->commit, syncing->operation->budget, &failure);
	if (*whole) {
		*known = tag->commit;
		return TRUE;
	}
	if (branch_sync_lacks_content(failure)) {
		g_prefix_error(&failure, "%s: ", tag_name(tag->ref));
		note_refused(tagging, failure);
		return TRUE;
	}
	g_propagate_error(error, failure);
	return FALSE;
}

static gboolean choose(struct tagging *tagging, guint n_tags, GError **error)
{
	git_repository *git = fork_repository_git(tagging->syncing->repository);
	git_oid known = find_known(tagging);

	for (guint i = 0; i < n_tags; i++) {
		struct new_tag tag = {.ref = tagging->plan->missing->pdata[i]};
		gboolean leads, whole;

		if (!budget_check(tagging->syncing->operation->budget, error) ||
			!find_commit(git, &tag.ref->oid, &tag.commit, &leads, error))
			return FALSE;
		if (!leads) {
			g_ptr_array_add(tagging->skipped, (gpointer)tag_name(tag.ref));
			continue;
		}
		if (!check_content(tagging, &tag, &known, &whole, error))
			return FALSE;
		if (whole)
			g_array_append_val(tagging->new_tags, tag);
	}
	return TRUE;
}

/* ---- adding them --------------------------------------------------------------------------- */

static gboolean announce(const struct tagging *tagging, const struct new_tag *tag, GError **error)
{
	struct operation *operation = tagging->syncing->operation;
	Forge__PushIntended *intended = g_new(Forge__PushIntended, 1);
	Forge__Fact *fact = g_new(Forge__Fact, 1);

	forge__push_intended__init(intended);
	message_set_string(&intended->fork, tagging->syncing->spec->name);
	message_set_string(&intended->ref, tag->ref->name);
	field_set_oid(&intended->after, &tag->ref->oid);
	intended->status = FORGE__BRANCH_STATUS__BRANCH_STATUS_FAST_FORWARDED;
	forge__fact__init(fact);
	fact->kind_case = FORGE__FACT__KIND_PUSH_INTENDED;
	fact->push_intended = intended;
	operation_note(operation, fact);
	return operation->noted->len < LIMIT_FACTS_PER_REPORT / 2 ||
		operation_report(operation, error);
}

static gboolean announce_all(const struct tagging *tagging, GError **error)
{
	for (guint i = 0; i < tagging->new_tags->len; i++)
		if (!announce(tagging, &g_array_index(tagging->new_tags, struct new_tag, i), error))
			return FALSE;
	return operation_report(tagging->syncing->operation, error);
}

/* The server's tags once more, since one that was to be made is there; sorts out which of PUSHES
 * are what they should be and which somebody else made otherwise. */
static gboolean look_again(
	struct tagging *tagging, const struct push_ref *pushes, guint n, GError **error)
{
	static const char *const prefixes[] = {TAGS, NULL};
	const struct operation *operation = tagging->syncing->operation;
	scoped(ref_listing) now = transfer_list(operation->workshop->http, tagging->syncing->fork,
		prefixes, operation->budget, error);

	for (guint i = 0; now && i < n; i++) {
		const struct advertised_ref *found;

		if (pushes[i].result != PUSH_MOVED)
			continue;
		found = ref_listing_find(now, pushes[i].remote_name);
		if (found && !git_oid_equal(&found->oid, &pushes[i].after))
			g_ptr_array_add(
				tagging->moved, (gpointer)(pushes[i].remote_name + strlen(TAGS)));
	}
	return now != NULL;
}

/* What became of each of PUSHES. */
static gboolean judge(
	struct tagging *tagging, const struct push_ref *pushes, guint n, GError **error)
{
	gboolean moved = FALSE;

	for (guint i = 0; i < n; i++) {
		const char *name = pushes[i].remote_name + strlen(TAGS);

		switch (pushes[i].result) {
		case PUSH_DONE:
			break;
		case PUSH_MOVED:
			moved = TRUE;
			break;
		case PUSH_REJECTED:
			note_refused(tagging,
				g_error_new(FORGE_ERROR, FORGE_ERROR_PUSH_REJECTED,
					"the server refused the tag '%s': %s", name,
					pushes[i].message ? pushes[i].message : "no reason given"));
			break;
		case PUSH_NOT_TRIED:
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
				"the server did not say what became of the tag '%s'", name);
			return FALSE;
		}
	}
	return !moved || look_again(tagging, pushes, n, error);
}

static gboolean push_all(struct tagging *tagging, GError **error)
{
	const struct fork_syncing *syncing = tagging->syncing;
	const struct operation *operation = syncing->operation;
	guint n = tagging->new_tags->len;
	g_autofree struct push_ref *pushes = g_new0(struct push_ref, n);
	gboolean done;

	for (guint i = 0; i < n; i++) {
		const struct new_tag *tag = &g_array_index(tagging->new_tags, struct new_tag, i);

		pushes[i].remote_name = tag->ref->name;
		pushes[i].after = tag->ref->oid;
	}
	done = transfer_push(operation->workshop->http, fork_repository_git(syncing->repository),
		       syncing->fork, pushes, n, operation->budget, error) &&
		judge(tagging, pushes, n, error);
	for (guint i = 0; i < n; i++)
		g_free(pushes[i].message);
	return done;
}

static gboolean add_in_repository(struct tagging *tagging, guint n_tags, GError **error)
{
	if (!choose(tagging, n_tags, error))
		return FALSE;
	return tagging->new_tags->len == 0 || tagging->syncing->dry_run ||
		(announce_all(tagging, error) && push_all(tagging, error));
}

static gboolean add_missing(struct tagging *tagging, GError **error)
{
	struct fork_syncing *syncing = tagging->syncing;
	const struct operation *operation = syncing->operation;
	guint n_tags = MIN(tagging->plan->missing->len, LIMIT_TAGS_PER_SYNC);
	scoped(store) store = open_store(tagging, n_tags, error);
	scoped(fork_repository) repository = NULL;
	gboolean added;

	if (!store)
		return FALSE;
	repository = fork_repository_open(
		operation->workshop->stores, store, syncing->fork, operation->budget, error);
	if (!repository)
		return FALSE;
	tagging->n_left = tagging->plan->missing->len - n_tags;
	syncing->repository = repository;
	added = add_in_repository(tagging, n_tags, error);
	syncing->repository = NULL;
	/* What borrows goes before what it borrows from. */
	g_clear_pointer(&repository, fork_repository_close);
	return added;
}

/* Tags that an earlier attempt of this job announced and that are there. */
static guint count_arrived(const struct tagging *tagging, const struct ref_listing *fork)
{
	const Forge__GrantedJob *job = tagging->syncing->operation->job;
	guint n = 0;

	for (size_t i = 0; i < job->n_intended; i++) {
		const struct advertised_ref *ref = g_str_has_prefix(job->intended[i]->ref, TAGS)
			? ref_listing_find(fork, job->intended[i]->ref)
			: NULL;

		if (ref && strcmp(git_oid_tostr_s(&ref->oid), job->intended[i]->after) == 0)
			n++;
	}
	return n;
}

Forge__ForkSynced *tag_sync(struct fork_syncing *syncing, const struct ref_listing *upstream,
	const struct ref_listing *fork, const struct branch_plan *branches, GError **error)
{
	scoped_value(tagging) tagging = {
		.syncing = syncing,
		.upstream = upstream,
		.branches = branches,
		.plan = tag_plan_new(upstream, fork),
		.new_tags = g_array_new(FALSE, FALSE, sizeof(struct new_tag)),
		.skipped = g_ptr_array_new(),
		.moved = g_ptr_array_new(),
	};

	tagging.n_lacked = tagging.plan->missing->len + count_arrived(&tagging, fork);
	if (tagging.plan->missing->len > 0 && !add_missing(&tagging, error))
		return NULL;
	return fact_of(&tagging);
}
