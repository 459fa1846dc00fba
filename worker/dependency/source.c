/*
 * One repository that components come from.
 *
 * Many are looked at at once: each in a thread of its own that talks to its server and fills its
 * store, and touches nothing else. The workspace's repository is read and written by the job's
 * thread alone, before and after. A thread sees a cancelled job through a budget of its own, which
 * the job's thread, waiting for the answers, cancels in turn.
 */
#include "worker/dependency/source.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/component/component_constraint.h"
#include "worker/component/semver.h"
#include "worker/dependency/ref_book.h"
#include "worker/remote/remote.h"
#include "worker/remote/transfer.h"
#include "worker/store/anchors.h"
#include "worker/workspace/workspace_lock.h"

#define TAGS "refs/tags/"
#define HEADS "refs/heads/"

struct source *source_new(const struct source_terms *terms, const char *repository)
{
	struct source *source = g_new0(struct source, 1);

	source->terms = terms;
	source->repository = g_strdup(repository);
	source->names = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	source->moved = moved_tags_new();
	source->has_news = TRUE;
	return source;
}

static void forget_objects(struct source *source)
{
	g_clear_pointer(&source->catalog, component_catalog_free);
	g_clear_error(&source->catalog_problem);
	g_clear_pointer(&source->git, git_repository_free);
	g_clear_pointer(&source->store, store_close);
}

void source_free(struct source *source)
{
	if (!source)
		return;
	forget_objects(source);
	g_clear_pointer(&source->listing, ref_listing_free);
	ref_record_free(source->record);
	g_ptr_array_unref(source->moved);
	g_hash_table_unref(source->names);
	g_clear_error(&source->gone);
	g_free(source->repository);
	g_free(source);
}

/* ---- wants -------------------------------------------------------------------------------- */

void source_want_name(struct source *source, const char *name)
{
	if (g_hash_table_add(source->names, g_strdup(name)))
		source->has_news = TRUE;
}

void source_want(struct source *source, const char *constraint_text)
{
	scoped(component_constraint) constraint = component_constraint_parse(constraint_text, NULL);

	if (!constraint)
		return;
	if (constraint->kind == CONSTRAINT_NAME)
		source_want_name(source, constraint->text);
}

void source_want_all(struct source *source)
{
	source->has_news = source->has_news || !source->wants_all;
	source->wants_all = TRUE;
}

/* ---- asking a server (in a thread of its own) --------------------------------------------- */

/* One source that is looked at. */
struct look {
	struct source *source;
	struct budget budget;
	GError *error;
};

static char **prefixes_of(const struct source *source)
{
	g_autoptr(GStrvBuilder) prefixes = g_strv_builder_new();
	g_autoptr(GList)
		names = g_list_sort(g_hash_table_get_keys(source->names), (GCompareFunc)strcmp);

	g_strv_builder_add(prefixes, "HEAD");
	g_strv_builder_add(prefixes, TAGS);
	if (source->wants_all)
		g_strv_builder_add(prefixes, HEADS);
	for (GList *link = names; link; link = link->next) {
		g_autofree char *head = g_strconcat(HEADS, link->data, NULL);

		if (g_str_has_prefix(link->data, "refs/"))
			g_strv_builder_add(prefixes, link->data);
		if (!source->wants_all)
			g_strv_builder_add(prefixes, head);
	}
	return g_strv_builder_end(prefixes);
}

/* TRUE if the tag NAME (without refs/tags/) ends in a version: it may be one of any component, whose
 * names and folders nobody knows before the objects are there. */
static gboolean may_be_version(const char *name)
{
	const char *at = name + strlen(name);

	/* A version has neither slash nor @; a `v` may stand before it, or `NAME-v`, and both NAME and a
	 * prerelease may have a `-v` of their own. */
	while (at > name && at[-1] != '/' && at[-1] != '@')
		at--;
	while (at) {
		scoped(semver) version = semver_parse(*at == 'v' ? at + 1 : at, SEMVER_STRICT);

		if (version)
			return TRUE;
		at = strstr(at + (*at != '\0'), "-v");
		at = at ? at + 1 : NULL;
	}
	return FALSE;
}

static gboolean is_named(const struct source *source, const char *ref)
{
	const char *name = g_str_has_prefix(ref, TAGS) ? ref + strlen(TAGS)
		: g_str_has_prefix(ref, HEADS)         ? ref + strlen(HEADS)
						       : ref;

	return g_hash_table_contains(source->names, name) ||
		g_hash_table_contains(source->names, ref);
}

static gboolean is_needed(const struct look *look, const char *ref)
{
	if (look->source->wants_all)
		return g_str_has_prefix(ref, TAGS) || g_str_has_prefix(ref, HEADS);
	if (is_named(look->source, ref))
		return TRUE;
	return g_str_has_prefix(ref, TAGS) && may_be_version(ref + strlen(TAGS));
}

static void add_tip(GArray *tips, GPtrArray *texts, const char *name, const git_oid *oid)
{
	struct fetch_ref tip = {name, *oid, anchor_name("tip", name)};

	g_ptr_array_add(texts, (char *)tip.local_name);
	g_array_append_val(tips, tip);
}

/* Opens the store with what is needed of what LISTING has (NULL: with what there is). */
static gboolean open_store(struct look *look, const struct remote *remote,
	const struct ref_listing *listing, GError **error)
{
	struct source *source = look->source;
	g_autoptr(GArray) tips = g_array_new(FALSE, FALSE, sizeof(struct fetch_ref));
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	const struct advertised_ref *head = listing ? ref_listing_find(listing, "HEAD") : NULL;
	const char *branch = head && head->symref_target ? head->symref_target : "HEAD";

	if (head)
		add_tip(tips, texts, branch, &head->oid);
	for (guint i = 0; listing && i < listing->refs->len; i++) {
		const struct advertised_ref *ref = listing->refs->pdata[i];

		if (strcmp(ref->name, branch) == 0 || ref == head || !is_needed(look, ref->name))
			continue;
		if (tips->len >= LIMIT_REFS_PER_SOURCE) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
				"more than %d tags may be versions of components",
				LIMIT_REFS_PER_SOURCE);
			return FALSE;
		}
		add_tip(tips, texts, ref->name, &ref->oid);
	}
	forget_objects(source);
	source->store = store_open(source->terms->stores, remote,
		(const struct fetch_ref *)(const void *)tips->data, tips->len, &look->budget,
		error);
	return source->store != NULL;
}

static gboolean look_at_server(struct look *look, const struct remote *remote, GError **error)
{
	struct source *source = look->source;
	g_auto(GStrv) prefixes = prefixes_of(source);
	struct ref_listing *listing = transfer_list(
		source->terms->http, remote, (const char *const *)prefixes, &look->budget, error);

	if (!listing)
		return FALSE;
	g_clear_pointer(&source->listing, ref_listing_free);
	source->listing = listing;
	return open_store(look, remote, listing, error);
}

static gboolean asks_nobody(const struct source_terms *terms)
{
	return terms->offline || terms->as_of;
}

/* What a thread does. */
static void look_at(gpointer data, gpointer done)
{
	struct look *look = data;
	struct source *source = look->source;
	scoped(remote) remote = remote_new(source->terms->config, source->repository, &look->error);

	if (remote && asks_nobody(source->terms))
		open_store(look, remote, NULL, &look->error);
	else if (remote && !look_at_server(look, remote, &look->error) &&
		forge_error_code(look->error) == FORGE_ERROR_REPOSITORY_NOT_FOUND)
		/* What is locked may be in the cache. */
		open_store(look, remote, NULL, NULL);
	g_async_queue_push(done, look);
}

/* ---- what came of it (in the job's thread) ------------------------------------------------ */

static struct ref_record *record_of_listing(const struct source *source)
{
	struct ref_record *record = ref_record_new(source->repository);

	for (guint i = 0; i < source->listing->refs->len; i++) {
		const struct advertised_ref *ref = source->listing->refs->pdata[i];

		if (strcmp(ref->name, "HEAD") == 0) {
			g_free(record->head);
			record->head = g_strdup(ref->symref_target);
			record->head_oid = ref->peeled;
		} else if (g_str_has_prefix(ref->name, "refs/")) {
			ref_record_add(record, ref->name, &ref->peeled);
		}
	}
	ref_record_sort(record);
	return record;
}

static gboolean write_record(struct source *source, GError **error)
{
	const struct source_terms *terms = source->terms;
	scoped(ref_record) seen = record_of_listing(source);
	scoped(ref_record) old = NULL;
	g_autoptr(GError) problem = NULL;
	git_oid before;

	old = ref_book_newest(terms->forge, source->repository, &before, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	ref_record_free(source->record);
	g_ptr_array_set_size(source->moved, 0);
	/* Of tags that were there before anybody looked, nobody knows for how long. */
	source->record = ref_record_update(
		old, seen, old ? terms->now_us : 0, terms->accept_moved_tags, source->moved);
	return ref_book_keep(
		terms->forge, source->record, &before, terms->who, &source->record_commit, error);
}

/* One at a time in a workspace, so that none loses what another saw, and a lock file that is there is
 * one that a killed process left. */
static gboolean keep_record(struct source *source, GError **error)
{
	scoped(workspace_lock)
		lock = workspace_lock_take(source->terms->root, source->terms->budget, error);

	if (!lock)
		return FALSE;
	ref_book_unlock(source->terms->forge, source->repository);
	return write_record(source, error);
}

/* The default branch that the cache's branches, of which none says so, most likely have. */
static void guess_head(struct ref_record *record)
{
	static const char *const usual[] = {HEADS "main", HEADS "master"};
	const struct recorded_ref *only = NULL;
	guint branches = 0;

	for (guint i = 0; i < record->refs->len; i++) {
		const struct recorded_ref *ref = record->refs->pdata[i];

		if (g_str_has_prefix(ref->name, HEADS)) {
			only = ref;
			branches++;
		}
	}
	for (size_t i = 0; branches > 1 && i < G_N_ELEMENTS(usual); i++)
		if ((only = ref_record_find(record, usual[i])))
			break;
	if (!only)
		return;
	record->head = g_strdup(only->name);
	record->head_oid = only->oid;
}

static struct ref_record *record_of_cache(const struct source *source)
{
	struct ref_record *record = ref_record_new(source->repository);
	g_autoptr(GPtrArray) tips = store_tips(source->store);

	for (guint i = 0; i < tips->len; i++) {
		const struct store_tip *tip = tips->pdata[i];
		git_object *object = NULL, *commit = NULL;

		if (g_str_has_prefix(tip->name, "refs/") &&
			git_object_lookup(&object, source->git, &tip->oid, GIT_OBJECT_ANY) == 0 &&
			git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0)
			ref_record_add(record, tip->name, git_object_id(commit));
		git_object_free(commit);
		git_object_free(object);
	}
	ref_record_sort(record);
	guess_head(record);
	return record;
}

/* What is known without asking: the record that is named, the newest, or what the cache has. */
static gboolean take_known_record(struct source *source, GError **error)
{
	const struct source_terms *terms = source->terms;
	g_autoptr(GError) problem = NULL;
	const git_oid *named = terms->as_of ? g_hash_table_lookup(terms->as_of, source->repository)
					    : NULL;

	g_clear_pointer(&source->record, ref_record_free);
	if (named) {
		source->record_commit = *named;
		source->record = ref_book_read(terms->forge, named, error);
		return source->record != NULL;
	}
	source->record = ref_book_newest(
		terms->forge, source->repository, &source->record_commit, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!source->record)
		source->record = record_of_cache(source);
	return TRUE;
}

static gboolean open_objects(struct source *source, GError **error)
{
	source->git = store_git(source->store, error);
	return source->git != NULL;
}

static gboolean take_look(struct look *look, GError **error)
{
	struct source *source = look->source;
	gboolean done;

	source->has_news = FALSE;
	if (look->error) {
		g_propagate_error(error, g_steal_pointer(&look->error));
		if (forge_error_code(*error) != FORGE_ERROR_REPOSITORY_NOT_FOUND)
			return FALSE;
		g_clear_error(&source->gone);
		source->gone = *error;
		*error = NULL;
		source->state = SOURCE_GONE;
		return !source->store || open_objects(source, error);
	}
	done = open_objects(source, error) &&
		(asks_nobody(source->terms) ? take_known_record(source, error)
					    : keep_record(source, error));
	source->state = done ? SOURCE_KNOWN : source->state;
	return done;
}

/* ---- many at once ------------------------------------------------------------------------- */

static struct look *look_new(struct source *source)
{
	struct look *look = g_new0(struct look, 1);

	look->source = source;
	look->budget = *source->terms->budget;
	look->budget.progress = NULL;
	look->budget.requests = 0;
	look->budget.bytes_received = 0;
	look->budget.bytes_sent = 0;
	return look;
}

static void look_free(gpointer data)
{
	struct look *look = data;

	g_clear_error(&look->error);
	g_free(look);
}

static void add_up(struct budget *budget, const struct budget *part)
{
	budget->requests += part->requests;
	budget->bytes_received += part->bytes_received;
	budget->bytes_sent += part->bytes_sent;
	budget->retry_after_ms = MAX(budget->retry_after_ms, part->retry_after_ms);
}

/* Waits until all LOOKS are done; those of a job that must stop end soon. */
static void wait_for(const GPtrArray *looks, GAsyncQueue *done, struct budget *budget)
{
	for (guint finished = 0; finished < looks->len;) {
		struct look *look = g_async_queue_timeout_pop(done, LIMIT_BUDGET_STEP_MS * 1000);

		if (look) {
			add_up(budget, &look->budget);
			finished++;
		} else if (!budget_check(budget, NULL)) {
			for (guint i = 0; i < looks->len; i++)
				g_atomic_int_set(
					&((struct look *)looks->pdata[i])->budget.cancelled, 1);
		}
	}
}

static gboolean run_looks(const GPtrArray *looks, const struct source_terms *terms, GError **error)
{
	g_autoptr(GAsyncQueue) done = g_async_queue_new();
	GThreadPool *threads = g_thread_pool_new(
		look_at, done, (gint)MIN(looks->len, LIMIT_SOURCES_AT_ONCE), FALSE, error);

	if (!threads)
		return FALSE;
	for (guint i = 0; i < looks->len; i++)
		g_thread_pool_push(threads, looks->pdata[i], NULL);
	wait_for(looks, done, terms->budget);
	g_thread_pool_free(threads, FALSE, TRUE);
	return TRUE;
}

gboolean sources_look(const GPtrArray *sources, GError **error)
{
	g_autoptr(GPtrArray) looks = g_ptr_array_new_with_free_func(look_free);

	for (guint i = 0; i < sources->len; i++) {
		struct source *source = sources->pdata[i];

		if (source->has_news && source->state != SOURCE_GONE)
			g_ptr_array_add(looks, look_new(source));
	}
	if (looks->len == 0)
		return TRUE;
	if (!run_looks(looks, ((struct source *)sources->pdata[0])->terms, error))
		return FALSE;
	for (guint i = 0; i < looks->len; i++) {
		GError *problem = NULL;
		struct look *look = looks->pdata[i];

		if (take_look(look, &problem))
			continue;
		g_propagate_error(error, problem);
		/* Those of the network name it themselves. */
		if (!g_str_has_prefix(problem->message, look->source->repository))
			g_prefix_error(error, "%s: ", look->source->repository);
		return FALSE;
	}
	return TRUE;
}

/* ---- objects ------------------------------------------------------------------------------ */

gboolean source_has(const struct source *source, const git_oid *commit)
{
	return source->store && store_has(source->store, commit);
}

const struct component_catalog *source_catalog(struct source *source, GError **error)
{
	if (!source->catalog && !source->catalog_problem) {
		if (!source->record || git_oid_is_zero(&source->record->head_oid))
			g_set_error(&source->catalog_problem, FORGE_ERROR,
				FORGE_ERROR_EMPTY_REPOSITORY, "it has no default branch");
		else if (!source_has(source, &source->record->head_oid))
			g_set_error(&source->catalog_problem, FORGE_ERROR,
				FORGE_ERROR_COMPONENT_NOT_FOUND,
				"its default branch is not in the cache");
		else
			source->catalog = component_catalog_new(
				source->git, &source->record->head_oid, &source->catalog_problem);
	}
	if (source->catalog_problem)
		g_propagate_error(error, g_error_copy(source->catalog_problem));
	return source->catalog;
}
