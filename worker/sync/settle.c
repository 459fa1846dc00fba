/*
 * Files, refs, forge.yaml and forge.lock as one change. The folder's intent carries all of it as a
 * line of JSON, its token, so that recovery needs nothing but the intent.
 *
 * Everything here may be done twice: it says what shall be, not what is to be changed.
 */
#include "worker/sync/settle.h"

#include <string.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/base/log.h"
#include "worker/workspace/tree_safety.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_lock.h"
#include "worker/workspace/workspace_repository.h"

/* ---- the token ---------------------------------------------------------------------------- */

static void put_oid(struct value *map, const char *key, const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (!git_oid_is_zero(oid))
		value_put_string(map, key, git_oid_tostr(hex, sizeof(hex), oid));
}

static void get_oid(const struct value *map, const char *key, git_oid *oid)
{
	const struct value *member = value_get(map, key);

	memset(oid, 0, sizeof(*oid));
	if (member && value_kind(member) == VALUE_STRING &&
		git_oid_fromstr(oid, value_string(member)) != 0)
		memset(oid, 0, sizeof(*oid));
}

static const char *get_text(const struct value *map, const char *key)
{
	const struct value *member = value_get(map, key);

	return member && value_kind(member) == VALUE_STRING ? value_string(member) : NULL;
}

static gboolean get_flag(const struct value *map, const char *key)
{
	const struct value *member = value_get(map, key);

	return member && value_kind(member) == VALUE_BOOLEAN && value_boolean(member);
}

static void put_text(struct value *map, const char *key, const char *text)
{
	if (text)
		value_put_string(map, key, text);
}

static struct value *value_of_wanted(const struct wanted_component *wanted, const char *before)
{
	struct value *map = value_new_map();

	put_text(map, "before", before);
	put_text(map, "repository", wanted->repository);
	put_text(map, "constraint", wanted->constraint);
	put_text(map, "path", wanted->path);
	return map;
}

static struct value *value_of_locked(const struct locked_component *locked)
{
	struct value *map = value_new_map();
	struct value *dependencies = value_new_list();

	put_text(map, "repository", locked->repository);
	put_text(map, "path", locked->path);
	put_text(map, "version", locked->version);
	put_text(map, "commit", locked->commit);
	put_text(map, "tree", locked->tree);
	put_text(map, "resolved_at", locked->resolved_at);
	for (char **name = locked->dependencies; name && *name; name++)
		value_append_take(dependencies, value_new_string(*name));
	value_put_take(map, "dependencies", dependencies);
	return map;
}

static struct value *value_of_pull(const struct settled_pull *pull)
{
	struct value *map = value_new_map();

	value_put_integer(map, "strategy", pull->strategy);
	put_oid(map, "before", &pull->before);
	put_oid(map, "local_before", &pull->local_before);
	put_oid(map, "stash", &pull->stash);
	return map;
}

/* BEFORE is the component whose line of forge.yaml comes next; or NULL. */
static char *token_of(const struct settlement *settlement, const char *before)
{
	scoped(value) token = value_new_map();

	value_put_boolean(token, "removes", settlement->removes);
	value_put_boolean(token, "to_pending", settlement->to_pending);
	put_oid(token, "base", &settlement->base);
	put_oid(token, "local", &settlement->local);
	if (settlement->wanted)
		value_put_take(token, "wanted", value_of_wanted(settlement->wanted, before));
	if (settlement->locked)
		value_put_take(token, "locked", value_of_locked(settlement->locked));
	if (settlement->pull.strategy != FORGE__STRATEGY__STRATEGY_UNSET)
		value_put_take(token, "pull", value_of_pull(&settlement->pull));
	return document_write_json(token, DOCUMENT_COMPACT);
}

/* ---- settling ----------------------------------------------------------------------------- */

struct settling {
	const char *root;
	git_repository *forge;
};

static gboolean set_or_delete(const struct settling *settling, const char *name, const char *ref,
	const git_oid *oid, GError **error)
{
	if (git_oid_is_zero(oid))
		return workspace_ref_delete(settling->forge, name, ref, NULL, error);
	return workspace_ref_set(settling->forge, name, ref, NULL, oid, error);
}

static gboolean settle_refs(const struct settling *settling, const char *name,
	const struct value *token, GError **error)
{
	git_oid base, local;

	get_oid(token, "base", &base);
	get_oid(token, "local", &local);
	return set_or_delete(settling, name, COMPONENT_REF_BASE, &base, error) &&
		set_or_delete(settling, name, COMPONENT_REF_LOCAL, &local, error) &&
		(get_flag(token, "to_pending") ||
			workspace_refs_delete(settling->forge, name, COMPONENT_REF_PENDING, error));
}

static gboolean settle_wanted(
	const struct settling *settling, const char *name, const struct value *map, GError **error)
{
	struct wanted_component wanted = {.component = (char *)name,
		.repository = (char *)get_text(map, "repository"),
		.constraint = (char *)get_text(map, "constraint"),
		.path = (char *)get_text(map, "path")};

	return !wanted.repository ||
		workspace_wanted_write(settling->root, &wanted, get_text(map, "before"), error);
}

static gboolean settle_locked(
	const struct settling *settling, const char *name, const struct value *map, GError **error)
{
	g_autoptr(GPtrArray) dependencies = g_ptr_array_new();
	const struct value *list = value_get(map, "dependencies");
	struct locked_component locked = {.component = (char *)name,
		.repository = (char *)get_text(map, "repository"),
		.path = (char *)get_text(map, "path"),
		.version = (char *)get_text(map, "version"),
		.commit = (char *)get_text(map, "commit"),
		.tree = (char *)get_text(map, "tree"),
		.resolved_at = (char *)get_text(map, "resolved_at")};

	for (size_t i = 0; list && i < value_count(list); i++)
		if (value_kind(value_at(list, i)) == VALUE_STRING)
			g_ptr_array_add(dependencies, (char *)value_string(value_at(list, i)));
	g_ptr_array_add(dependencies, NULL);
	locked.dependencies = (char **)dependencies->pdata;
	return !locked.repository || workspace_locked_write(settling->root, &locked, error);
}

static struct value *read_token(const struct folder_change *change, GError **error)
{
	static const struct document_origin origin = {"intent", FORGE_ERROR_CACHE_UNUSABLE};

	return document_parse(DOCUMENT_JSON, &origin, change->token, strlen(change->token), error);
}

/* What was stashed of a component that goes can be taken back after it comes again only if its
 * history goes on from where it was. */
static gboolean remember_base(const struct settling *settling, const char *name, GError **error)
{
	git_oid base;

	if (!workspace_ref_get(settling->forge, name, COMPONENT_REF_BASE, &base, error))
		return FALSE;
	return git_oid_is_zero(&base) ||
		workspace_ref_set(settling->forge, name, COMPONENT_REF_REMOVED, NULL, &base, error);
}

static gboolean settle(const struct folder_change *change, const struct apply_report *report,
	void *data, GError **error)
{
	const struct settling *settling = data;
	scoped(value) token = NULL;
	const struct value *wanted, *locked;

	(void)report;
	if (!change->token || !*change->token)
		return TRUE;
	token = read_token(change, error);
	if (!token)
		return FALSE;
	/* Who was killed here may have held a ref. */
	workspace_refs_unlock(settling->forge, change->component);
	if (get_flag(token, "removes"))
		return workspace_entry_remove(settling->root, change->component, error) &&
			remember_base(settling, change->component, error) &&
			workspace_ref_delete(settling->forge, change->component, COMPONENT_REF_BASE,
				NULL, error) &&
			workspace_ref_delete(settling->forge, change->component,
				COMPONENT_REF_LOCAL, NULL, error) &&
			workspace_ref_delete(settling->forge, change->component,
				COMPONENT_REF_NEEDED, NULL, error) &&
			workspace_refs_delete(
				settling->forge, change->component, COMPONENT_REF_PENDING, error);
	wanted = value_get(token, "wanted");
	locked = value_get(token, "locked");
	return settle_refs(settling, change->component, token, error) &&
		(!wanted || settle_wanted(settling, change->component, wanted, error)) &&
		(!locked || settle_locked(settling, change->component, locked, error));
}

static gboolean ref_is(git_repository *forge, const char *name, const char *ref,
	const git_oid *before, const git_oid *after, GError **error)
{
	git_oid now;

	if (!workspace_ref_get(forge, name, ref, &now, error))
		return FALSE;
	if (git_oid_equal(&now, before) || git_oid_equal(&now, after))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED,
		"another command changed '%s' meanwhile", name);
	return FALSE;
}

/* A job that was stopped for long, or lost its lease, must not undo what others did since. */
static gboolean is_as_seen(
	git_repository *forge, const struct settlement *settlement, GError **error)
{
	static const git_oid none;
	gboolean removes = settlement->removes;

	return ref_is(forge, settlement->name, COMPONENT_REF_BASE, &settlement->base_before,
		       removes ? &none : &settlement->base, error) &&
		ref_is(forge, settlement->name, COMPONENT_REF_LOCAL, &settlement->local_before,
			removes ? &none : &settlement->local, error);
}

gboolean settle_apply(const char *root, git_repository *forge, const struct settlement *settlement,
	const git_oid *from, const git_oid *to, const struct budget *budget,
	struct apply_report *report, GError **error)
{
	scoped(workspace_lock) lock = workspace_lock_take(root, budget, error);
	/* Nobody adds a line before this change has added its own, in this process or in recovery.
	 */
	g_autofree char *before = lock && settlement->wanted_later
		? workspace_wanted_place(root, settlement->wanted_later)
		: NULL;
	g_autofree char *token = token_of(settlement, before);
	struct settling settling = {root, forge};
	struct tree_limits limits = {.blob_bytes_max = settlement->file_bytes_max};
	struct workspace_paths paths = {.root = root,
		.repository = forge,
		.lock = lock,
		.limits = &limits,
		.budget = budget,
		.settle = settle,
		.settle_data = &settling};
	struct folder_change change = {.component = settlement->name,
		.folder = settlement->folder,
		.from = from,
		.to = to,
		.token = token};

	return lock && is_as_seen(forge, settlement, error) &&
		folder_apply(&paths, &change, report, error);
}

/* ---- recovery ----------------------------------------------------------------------------- */

void settle_tell_kept(const char *name, const struct apply_report *report)
{
	for (guint i = 0; report->kept && i < report->kept->len; i++) {
		const struct kept_file *kept = report->kept->pdata[i];

		g_warning("%s: %s was edited meanwhile; that version is in %s", name, kept->path,
			kept->kept);
	}
}

static void read_pull(const struct value *map, const git_oid *after, struct settled_pull *pull)
{
	const struct value *strategy = value_get(map, "strategy");
	int64_t number = strategy && value_kind(strategy) == VALUE_INTEGER ? value_integer(strategy)
									   : 0;

	memset(pull, 0, sizeof(*pull));
	if (number > FORGE__STRATEGY__STRATEGY_UNSET &&
		protobuf_c_enum_descriptor_get_value(&forge__strategy__descriptor, (int)number))
		pull->strategy = (Forge__Strategy)number;
	get_oid(map, "before", &pull->before);
	get_oid(map, "local_before", &pull->local_before);
	get_oid(map, "stash", &pull->stash);
	if (after)
		git_oid_cpy(&pull->local_after, after);
}

struct recovering {
	const char *name; /* whose pull is wanted; or NULL */
	struct settled_pull *pull;
};

static void tell_recovered(
	const struct folder_change *change, const struct apply_report *report, void *data)
{
	struct recovering *recovering = data;
	scoped(value) token = NULL;
	struct settled_pull pull;
	const struct value *map;
	char hex[GIT_OID_HEXSZ + 1];

	settle_tell_kept(change->component, report);
	token = change->token && *change->token ? read_token(change, NULL) : NULL;
	map = token ? value_get(token, "pull") : NULL;
	if (!map || value_kind(map) != VALUE_MAP)
		return;
	read_pull(map, change->to, &pull);
	if (!git_oid_is_zero(&pull.stash))
		g_warning("%s: a pull that was interrupted is complete; what it replaced is "
			  "stashed: %s",
			change->component, git_oid_tostr(hex, sizeof(hex), &pull.stash));
	if (g_strcmp0(change->component, recovering->name) == 0)
		*recovering->pull = pull;
}

gboolean settle_recover(const char *root, git_repository *forge, const struct budget *budget,
	const char *name, struct settled_pull *pull, GError **error)
{
	struct recovering recovering = {name, pull};
	struct settling settling = {root, forge};
	struct workspace_paths paths = {.root = root,
		.repository = forge,
		.budget = budget,
		.settle = settle,
		.settle_data = &settling};

	return folder_apply_recover(&paths, tell_recovered, &recovering, error);
}
