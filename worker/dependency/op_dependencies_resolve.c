/*
 * The job that finds an exact commit for everything that a workspace needs.
 *
 * It changes nothing but the record of what repositories advertise: what comes of it is a fact, and
 * installing is other jobs' work, one component each. So a resolution can be looked at before it is
 * followed, and made again from the refs that it names.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/dependency/change_reasons.h"
#include "worker/dependency/resolving.h"
#include "worker/git/identity.h"
#include "worker/operation.h"
#include "worker/workspace/workspace_repository.h"

/* What the job holds while it runs. */
struct resolve_job {
	struct operation *operation;
	struct source_terms terms;
	git_repository *forge;
	git_signature *who;
	struct resolving resolving;
};

static void clear_job(struct resolve_job *job)
{
	resolving_clear(&job->resolving);
	g_clear_pointer(&job->terms.as_of, g_hash_table_unref);
	git_signature_free(job->who);
	git_repository_free(job->forge);
}

/* ---- beginning ---------------------------------------------------------------------------- */

static GHashTable *records_named(const Forge__ResolveArguments *arguments)
{
	GHashTable *records;

	if (!arguments || arguments->n_as_of == 0)
		return NULL;
	records = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, g_free);
	for (size_t i = 0; i < arguments->n_as_of; i++) {
		git_oid oid;

		if (git_oid_fromstr(&oid, arguments->as_of[i]->refs) == 0)
			g_hash_table_insert(records, g_strdup(arguments->as_of[i]->repository),
				g_memdup2(&oid, sizeof(oid)));
	}
	return records;
}

static gboolean begin(struct resolve_job *job, GError **error)
{
	const struct operation *operation = job->operation;
	const struct workshop *workshop = operation->workshop;
	const Forge__BatchArguments *batch = operation->job->arguments;
	const Forge__ResolveArguments *arguments = batch ? batch->resolve : NULL;

	if (workshop->table_only) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
			"a worker that runs as a daemon has no workspaces: they are resolved where that was "
			"asked for");
		return FALSE;
	}
	job->forge = workspace_repository_open(operation->job->target, error);
	job->who = job->forge
		? identity_signature(workshop->config, operation->job->opened_us, error)
		: NULL;
	if (!job->who)
		return FALSE;
	job->terms = resolving_terms(operation, operation->job->target, job->forge, job->who);
	job->terms.offline = arguments && arguments->offline;
	job->terms.accept_moved_tags = arguments && arguments->accept_moved_tags;
	job->terms.as_of = records_named(arguments);
	return resolving_begin(
		&job->resolving, operation->job->target, arguments, &job->terms, error);
}

/* ---- the resolution, entry by entry ------------------------------------------------------- */

/* A choice of the solver, with the component it stands for. */
struct chosen {
	struct package *package;
	struct candidate *candidate;
	const struct locked_component *before; /* what forge.lock has; or NULL */
	struct resolved_entry entry;
	char *shown_before;
};

static void free_chosen(gpointer data)
{
	struct chosen *chosen = data;

	g_ptr_array_unref(chosen->entry.needs);
	g_free(chosen->shown_before);
	g_free(chosen);
}

static gint compare_chosen(gconstpointer a, gconstpointer b)
{
	const struct chosen *one = *(struct chosen *const *)a;
	const struct chosen *two = *(struct chosen *const *)b;

	return strcmp(one->package->name, two->package->name);
}

static gboolean is_commit(const git_oid *oid, const char *hex)
{
	return strcmp(git_oid_tostr_s(oid), hex) == 0;
}

/* Sets *ALLOWS to whether CONSTRAINT would take what forge.lock has of CHOSEN. */
static gboolean allows_before(
	const struct chosen *chosen, const char *constraint, gboolean *allows, GError **error)
{
	scoped_value(package_allowed) allowed = {0};

	*allows = FALSE;
	if (!chosen->before)
		return TRUE;
	if (!package_allow(chosen->package, constraint, &allowed, error))
		return FALSE;
	for (guint i = 0; i < allowed.candidates->len; i++) {
		const struct candidate *candidate =
			chosen->package->candidates
				->pdata[g_array_index(allowed.candidates, guint, i)];

		*allows = *allows || is_commit(&candidate->commit, chosen->before->commit);
	}
	return TRUE;
}

static gboolean is_there(const struct chosen *chosen)
{
	for (guint i = 0; i < chosen->package->candidates->len; i++)
		if (is_commit(&((struct candidate *)chosen->package->candidates->pdata[i])->commit,
			    chosen->before->commit))
			return TRUE;
	return FALSE;
}

static char *shown_locked(const struct locked_component *locked)
{
	return locked->version ? g_strdup(locked->version) : g_strndup(locked->commit, 7);
}

/* The version that the job was asked to take of NAME, or NULL. */
static const char *exactly_of(const struct resolve_job *job, const char *name)
{
	const Forge__ResolveArguments *arguments = job->resolving.arguments;
	const Forge__WantedComponent *exactly = arguments ? arguments->exactly : NULL;

	return exactly && strcmp(exactly->name, name) == 0 ? exactly->constraint : NULL;
}

static struct chosen *choose(
	const struct resolve_job *job, const struct solver_choice *choice, GError **error)
{
	struct package *package = workspace_provider_package(
		job->resolving.provider, choice->package);
	struct chosen *chosen = g_new0(struct chosen, 1);
	struct resolved_entry *entry = &chosen->entry;
	const struct wanted_component *wanted;

	chosen->package = package;
	chosen->candidate = package->candidates->pdata[choice->candidate];
	chosen->before = lock_file_find(job->resolving.locked, package->name);
	wanted = resolving_wanted(&job->resolving, package->name);
	entry->name = package->name;
	entry->shown = chosen->candidate->text;
	entry->needs = g_ptr_array_new_with_free_func(resolved_need_free);
	entry->named = resolving_names(&job->resolving, package->name);
	entry->exactly = exactly_of(job, package->name);
	entry->listed_constraint = wanted ? resolving_constraint(wanted) : NULL;
	entry->moved = !chosen->before ||
		!is_commit(&chosen->candidate->commit, chosen->before->commit) ||
		strcmp(chosen->before->repository, package->source->repository) != 0;
	if (chosen->before) {
		entry->shown_before = chosen->shown_before = shown_locked(chosen->before);
		entry->before_is_there = is_there(chosen);
	}
	if (!wanted ||
		allows_before(
			chosen, entry->listed_constraint, &entry->listed_allows_before, error))
		return chosen;
	free_chosen(chosen);
	return NULL;
}

static struct chosen *find_chosen(const GPtrArray *all, const char *name)
{
	for (guint i = 0; i < all->len; i++) {
		struct chosen *chosen = all->pdata[i];

		if (strcmp(chosen->package->name, name) == 0)
			return chosen;
	}
	return NULL;
}

static gboolean add_needs(struct chosen *chosen, const GPtrArray *all, GError **error)
{
	const GPtrArray *dependencies = chosen->candidate->file->dependencies;

	for (guint i = 0; i < dependencies->len; i++) {
		const struct component_dependency *dependency = dependencies->pdata[i];
		const struct chosen *needed = find_chosen(all, dependency->component);
		struct resolved_need *need = g_new0(struct resolved_need, 1);

		need->component = g_strdup(dependency->component);
		need->constraint = g_strdup(dependency->constraint ? dependency->constraint : "");
		g_ptr_array_add(chosen->entry.needs, need);
		if (needed && !allows_before(needed, need->constraint, &need->allows_before, error))
			return FALSE;
	}
	return TRUE;
}

/* All that was chosen, by name. */
static GPtrArray *list_chosen(const struct resolve_job *job, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_chosen);
	const GPtrArray *choices = job->resolving.result->choices;

	for (guint i = 0; i < choices->len; i++) {
		const struct solver_choice *choice = choices->pdata[i];
		struct chosen *chosen;

		if (!workspace_provider_package(job->resolving.provider, choice->package))
			continue;
		chosen = choose(job, choice, error);
		if (!chosen)
			return NULL;
		g_ptr_array_add(all, chosen);
	}
	g_ptr_array_sort(all, compare_chosen);
	for (guint i = 0; i < all->len; i++)
		if (!add_needs(all->pdata[i], all, error))
			return NULL;
	return g_steal_pointer(&all);
}

/* ---- facts -------------------------------------------------------------------------------- */

static void set_oid(char **field, const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	message_set_string(field, git_oid_tostr(hex, sizeof(hex), oid));
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void set_needs(Forge__ResolvedComponent *component, const struct chosen *chosen)
{
	const GPtrArray *needs = chosen->entry.needs;

	component->needs = g_new0(char *, MAX(needs->len, 1));
	for (guint i = 0; i < needs->len; i++)
		component->needs[component->n_needs++] = g_strdup(
			((const struct resolved_need *)needs->pdata[i])->component);
	qsort(component->needs, component->n_needs, sizeof(char *), compare_texts);
}

static Forge__ResolvedComponent *component_of(const struct chosen *chosen, const char *why)
{
	const struct candidate *candidate = chosen->candidate;
	const struct candidate *latest = package_latest(chosen->package);
	Forge__ResolvedComponent *component = g_new(Forge__ResolvedComponent, 1);

	forge__resolved_component__init(component);
	message_set_string(&component->name, chosen->package->name);
	message_set_string(&component->repository, chosen->package->source->repository);
	message_set_string(&component->path, candidate->path);
	message_set_string(&component->version, candidate->version ? candidate->version : "");
	message_set_string(&component->ref, candidate->ref ? candidate->ref : "");
	message_set_string(&component->latest, latest ? latest->version : "");
	message_set_string(&component->why, why ? why : "");
	set_oid(&component->commit, &candidate->commit);
	set_oid(&component->tree, &candidate->tree);
	set_needs(component, chosen);
	component->listed = chosen->entry.listed_constraint != NULL;
	if (component->listed &&
		strcmp(chosen->entry.listed_constraint, PACKAGE_DEFAULT_BRANCH) != 0)
		message_set_string(&component->constraint, chosen->entry.listed_constraint);
	if (chosen->before) {
		message_set_string(&component->before_version,
			chosen->before->version ? chosen->before->version : "");
		message_set_string(&component->before_commit, chosen->before->commit);
	}
	component->yanked = candidate->yanked;
	return component;
}

static void append_text(char ***texts, size_t *count, char *take_text)
{
	*texts = g_renew(char *, *texts, *count + 1);
	(*texts)[(*count)++] = take_text;
}

static Forge__DependenciesResolved *resolved_new(const struct resolve_job *job)
{
	Forge__DependenciesResolved *resolved = g_new(Forge__DependenciesResolved, 1);

	forge__dependencies_resolved__init(resolved);
	message_set_string(&resolved->workspace, job->operation->job->target);
	return resolved;
}

static void note(struct resolve_job *job, Forge__DependenciesResolved *take_resolved)
{
	Forge__Fact *fact = g_new(Forge__Fact, 1);

	forge__fact__init(fact);
	fact->kind_case = FORGE__FACT__KIND_DEPENDENCIES_RESOLVED;
	fact->dependencies_resolved = take_resolved;
	operation_note(job->operation, fact);
}

static void warn(Forge__DependenciesResolved *resolved, const struct chosen *chosen)
{
	const struct candidate *candidate = chosen->candidate;
	const char *name = chosen->package->name;

	if (candidate->yanked)
		append_text(&resolved->warnings, &resolved->n_warnings,
			g_strdup_printf("%s: version %s was yanked: its repository says that "
					"nobody should choose it any more",
				name, candidate->version));
	if (candidate->version && chosen->package->manifest_problem)
		append_text(&resolved->warnings, &resolved->n_warnings,
			g_strdup_printf("%s: nobody can say whether version %s was yanked: %s",
				name, candidate->version,
				chosen->package->manifest_problem->message));
	if (candidate->version && candidate->file &&
		strcmp(candidate->file->version, candidate->version) != 0)
		append_text(&resolved->warnings, &resolved->n_warnings,
			g_strdup_printf("%s: the tag of %s leads to a component.yaml that says "
					"version %s",
				name, candidate->version, candidate->file->version));
}

static void add_sources(const struct resolve_job *job, Forge__DependenciesResolved *resolved)
{
	g_autoptr(GPtrArray) sources = workspace_provider_sources(job->resolving.provider);

	resolved->repositories = g_new0(Forge__ResolvedRepository *, MAX(sources->len, 1));
	for (guint i = 0; i < sources->len; i++) {
		const struct source *source = sources->pdata[i];
		Forge__ResolvedRepository *repository;

		if (source->state == SOURCE_NEW)
			continue;
		repository = g_new(Forge__ResolvedRepository, 1);
		forge__resolved_repository__init(repository);
		message_set_string(&repository->repository, source->repository);
		if (!git_oid_is_zero(&source->record_commit))
			set_oid(&repository->refs, &source->record_commit);
		repository->gone = source->state == SOURCE_GONE;
		if (repository->gone)
			append_text(&resolved->warnings, &resolved->n_warnings,
				g_strdup_printf(
					"%s is not there any more (%s): what forge.lock has "
					"of it stays",
					source->repository, source->gone->message));
		resolved->repositories[resolved->n_repositories++] = repository;
	}
}

/* Whether a component that is locked needs NAME. */
static gboolean is_needed_in_lock(const struct lock_file *locked, const char *name)
{
	for (guint i = 0; i < locked->components->len; i++) {
		const struct locked_component *other = locked->components->pdata[i];

		if (g_strv_contains((const char *const *)other->dependencies, name))
			return TRUE;
	}
	return FALSE;
}

static void keep_with_needs(const struct lock_file *file, const char *name, GHashTable *kept)
{
	const struct locked_component *locked = lock_file_find(file, name);

	if (!locked || !g_hash_table_add(kept, locked->component))
		return;
	for (char **needed = locked->dependencies; *needed; needed++)
		keep_with_needs(file, *needed, kept);
}

/* Whether the component was installed because others needed it, and for nothing else. */
static gboolean was_only_needed(const struct resolve_job *job, const char *name)
{
	git_oid mark;

	return workspace_ref_get(job->forge, name, COMPONENT_REF_NEEDED, &mark, NULL) &&
		!git_oid_is_zero(&mark);
}

/*
 * What is locked and not chosen. Somebody installed what no other component ever needed, so it is
 * not for us to take out, nor what it needs: forge.yaml may lack it by mistake.
 */
static void add_unneeded(
	const struct resolve_job *job, const GPtrArray *all, Forge__DependenciesResolved *resolved)
{
	const struct lock_file *locked = job->resolving.locked;
	g_autoptr(GHashTable) kept = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (guint i = 0; i < locked->components->len; i++) {
		const char *name =
			((struct locked_component *)locked->components->pdata[i])->component;

		if (find_chosen(all, name) || is_needed_in_lock(locked, name) ||
			was_only_needed(job, name))
			continue;
		keep_with_needs(locked, name, kept);
		append_text(&resolved->warnings, &resolved->n_warnings,
			g_strdup_printf(
				"%s is in forge.lock, but not in forge.yaml; `forge remove %s` "
				"takes it out",
				name, name));
	}
	for (guint i = 0; i < locked->components->len; i++) {
		const char *name =
			((struct locked_component *)locked->components->pdata[i])->component;

		if (!find_chosen(all, name) && !g_hash_table_contains(kept, name))
			append_text(&resolved->unneeded, &resolved->n_unneeded, g_strdup(name));
	}
}

/* Notes RESOLVED, and begins another part once it is large. */
static gboolean next_part(
	struct resolve_job *job, Forge__DependenciesResolved **resolved, GError **error)
{
	if (protobuf_c_message_get_packed_size(&(*resolved)->base) < LIMIT_NOTED_BYTES / 2)
		return TRUE;
	(*resolved)->more = TRUE;
	note(job, *resolved);
	*resolved = resolved_new(job);
	return operation_report(job->operation, error);
}

static gboolean tell_solution(struct resolve_job *job, GError **error)
{
	g_autoptr(GPtrArray) all = list_chosen(job, error);
	g_autoptr(GPtrArray) entries = g_ptr_array_new();
	Forge__DependenciesResolved *resolved;
	gboolean done = TRUE;

	if (!all)
		return FALSE;
	for (guint i = 0; i < all->len; i++)
		g_ptr_array_add(entries, &((struct chosen *)all->pdata[i])->entry);
	resolved = resolved_new(job);
	for (guint i = 0; i < job->resolving.held->len; i++)
		append_text(&resolved->warnings, &resolved->n_warnings,
			g_strdup(job->resolving.held->pdata[i]));
	for (guint i = 0; done && i < all->len; i++) {
		struct chosen *chosen = all->pdata[i];
		g_autofree char *why = change_reason(&chosen->entry, entries);

		resolved->components = g_renew(Forge__ResolvedComponent *, resolved->components,
			resolved->n_components + 1);
		resolved->components[resolved->n_components++] = component_of(chosen, why);
		warn(resolved, chosen);
		done = next_part(job, &resolved, error);
	}
	if (done) {
		add_sources(job, resolved);
		add_unneeded(job, all, resolved);
	}
	note(job, resolved);
	return done;
}

/* The lines of the explanation, as far as they fit. */
static void tell_explanation(struct resolve_job *job)
{
	Forge__DependenciesResolved *resolved = resolved_new(job);
	g_auto(GStrv) lines = g_strsplit(job->resolving.result->explanation, "\n", -1);
	size_t bytes = 0;

	for (char **line = lines; *line; line++) {
		bytes += strlen(*line);
		if (bytes > LIMIT_NOTED_BYTES / 2) {
			append_text(&resolved->explanation, &resolved->n_explanation,
				g_strdup("(the rest of this is longer than anybody would read)"));
			break;
		}
		append_text(&resolved->explanation, &resolved->n_explanation, g_strdup(*line));
	}
	add_sources(job, resolved);
	note(job, resolved);
}

Forge__JobEnd *op_dependencies_resolve(struct operation *operation)
{
	struct resolve_job job = {.operation = operation};
	g_autoptr(GError) error = NULL;
	Forge__JobEnd *end;

	if (!begin(&job, &error) || !resolving_solve(&job.resolving, &error)) {
		end = operation_failed(error);
	} else if (!job.resolving.result->choices) {
		tell_explanation(&job);
		end = operation_ended(FORGE__VERDICT__VERDICT_CONFLICT);
	} else {
		end = tell_solution(&job, &error) ? operation_ended(FORGE__VERDICT__VERDICT_DONE)
						  : operation_failed(error);
	}
	clear_job(&job);
	return end;
}
