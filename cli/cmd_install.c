/*
 * `forge install`: components into the workspace, with what they need.
 *
 * Everything is resolved first and installed then; --no-deps takes each component as it is asked
 * for and looks at no other.
 */
#include <string.h>

#include "cli/component_options.h"
#include "cli/dependency_run.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "journal/base/errors.h"
#include "worker/component/component_reference.h"
#include "worker/workspace/workspace.h"
#include "worker/workspace/workspace_documents.h"

/* ---- what is asked for -------------------------------------------------------------------- */

/* What is asked for, as messages whose texts are kept by REFERENCES. */
struct asking {
	GPtrArray *references; /* of struct component_reference */
	GPtrArray *wanted;     /* of Forge__WantedComponent */
	GPtrArray *names;      /* of char *, borrowed */
};

static void free_reference(gpointer reference)
{
	component_reference_free(reference);
}

static void asking_init(struct asking *asking)
{
	asking->references = g_ptr_array_new_with_free_func(free_reference);
	asking->wanted = g_ptr_array_new_with_free_func(g_free);
	asking->names = g_ptr_array_new();
}

static void asking_clear(struct asking *asking)
{
	g_ptr_array_unref(asking->references);
	g_ptr_array_unref(asking->wanted);
	g_ptr_array_unref(asking->names);
}
SCOPED_VALUE(asking, asking_clear)

static gboolean is_named_already(const struct asking *asking, const char *name)
{
	for (guint i = 0; i < asking->names->len; i++)
		if (strcmp(asking->names->pdata[i], name) == 0)
			return TRUE;
	return FALSE;
}

/* `NAME@C` without a repository is the one that forge.yaml lists. */
static const char *repository_of(const struct component_reference *reference,
	const struct wanted_file *listed, GError **error)
{
	const struct wanted_component *wanted;

	if (reference->repository)
		return reference->repository;
	wanted = wanted_file_find(listed, reference->component);
	if (wanted)
		return wanted->repository;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"forge.yaml does not list '%s'; say where it is from: REPOSITORY/%s",
		reference->component, reference->component);
	return NULL;
}

static gboolean ask_for(
	struct asking *asking, const char *text, const struct wanted_file *listed, GError **error)
{
	struct component_reference *reference = component_reference_parse(text, error);
	Forge__WantedComponent *wanted;
	const char *repository;

	if (!reference)
		return FALSE;
	g_ptr_array_add(asking->references, reference);
	if (is_named_already(asking, reference->component)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"'%s' is named twice; a workspace has one component of a name",
			reference->component);
		return FALSE;
	}
	repository = repository_of(reference, listed, error);
	if (!repository)
		return FALSE;
	wanted = g_new(Forge__WantedComponent, 1);
	forge__wanted_component__init(wanted);
	wanted->name = reference->component;
	wanted->repository = (char *)repository;
	if (reference->constraint->kind == CONSTRAINT_COMMIT) {
		char *at = g_strconcat("@", reference->constraint->text, NULL);

		g_free(reference->constraint->text);
		reference->constraint->text = at;
	}
	if (reference->constraint->text)
		wanted->constraint = reference->constraint->text;
	/* Just a name that is listed: what the files say. */
	if (reference->repository || reference->constraint->kind != CONSTRAINT_NONE)
		g_ptr_array_add(asking->wanted, wanted);
	else
		g_free(wanted);
	g_ptr_array_add(asking->names, reference->component);
	return TRUE;
}

static gboolean ask_for_all(
	struct asking *asking, char **arguments, const struct wanted_file *listed, GError **error)
{
	for (char **text = arguments; *text; text++)
		if (!ask_for(asking, *text, listed, error))
			return FALSE;
	for (guint i = 0; !*arguments && i < listed->components->len; i++)
		g_ptr_array_add(asking->names,
			((struct wanted_component *)listed->components->pdata[i])->component);
	return TRUE;
}

/* ---- without what they need --------------------------------------------------------------- */

static void show_installed(const struct history_job *job, gpointer user_data)
{
	dependency_show_installed(user_data, job, TRUE);
}

static int install_alone(
	struct invocation *invocation, struct client *client, struct asking *asking, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	scoped_value(component_run) run = {0};

	component.wanted = (Forge__WantedComponent **)asking->wanted->pdata;
	component.n_wanted = asking->wanted->len;
	arguments.component = &component;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_INSTALL;
	submit.arguments = &arguments;
	submit.targets = (char **)asking->names->pdata;
	submit.n_targets = asking->names->len;
	if (!component_run(invocation, client, &submit, show_installed, invocation, &run, error))
		return 1;
	component_show_jobs(invocation, &run, dependency_value_of_install);
	return run.status;
}

/* ---- with what they need ------------------------------------------------------------------ */

/* --locked: what would change, as an error. */
static gboolean refuse_changes(const struct dependency_outcome *outcome, GError **error)
{
	for (guint i = 0; i < outcome->components->len; i++) {
		const Forge__ResolvedComponent *component = outcome->components->pdata[i];

		if (!*component->why)
			continue;
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_LOCK_WOULD_CHANGE,
			"forge.lock would change: '%s' (%s)", component->name, component->why);
		return FALSE;
	}
	if (outcome->unneeded->len == 0)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_LOCK_WOULD_CHANGE,
		"forge.lock would change: nothing needs '%s' any more",
		(char *)outcome->unneeded->pdata[0]);
	return FALSE;
}

/* --locked is for those who have a lock. */
static gboolean check_lock_is_there(const char *root, GError **error)
{
	g_autofree char *path = g_build_filename(root, WORKSPACE_LOCKED, NULL);

	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_LOCK_WOULD_CHANGE,
		"there is no forge.lock, so --locked has nothing to keep to");
	return FALSE;
}

static int install_resolved(struct invocation *invocation, struct client *client, const char *root,
	struct asking *asking, GError **error)
{
	Forge__ResolveArguments arguments = FORGE__RESOLVE_ARGUMENTS__INIT;
	scoped_value(dependency_outcome) outcome = {0};
	g_autofree char **unlock = g_new0(char *, asking->wanted->len + 1);
	struct dependency_install how = {.asked = asking->wanted,
		.offline = invocation_flag(invocation, "offline"),
		.tells_unchanged = TRUE};
	int status = 0;

	if (invocation_flag(invocation, "locked") && !check_lock_is_there(root, error))
		return 1;
	arguments.wanted = (Forge__WantedComponent **)asking->wanted->pdata;
	arguments.n_wanted = asking->wanted->len;
	arguments.offline = how.offline;
	arguments.accept_moved_tags = invocation_flag(invocation, "accept-moved-tag");
	arguments.unlock = unlock;
	for (guint i = 0; i < asking->wanted->len; i++)
		arguments.unlock[arguments.n_unlock++] =
			((Forge__WantedComponent *)asking->wanted->pdata[i])->name;
	if (!dependency_resolve(invocation, client, root, &arguments, &outcome, error))
		return 1;
	if (!outcome.components) {
		dependency_fail(&outcome, error);
		return 1;
	}
	if (invocation_flag(invocation, "locked") && !refuse_changes(&outcome, error))
		return 1;
	g_ptr_array_add(asking->names, NULL);
	if (invocation->argument_count > 0)
		how.names = (const char *const *)asking->names->pdata;
	if (!dependency_install(invocation, client, &outcome, &how, &status, error))
		return 1;
	return status;
}

static gboolean check_options(const struct invocation *invocation, GError **error)
{
	if (!invocation_flag(invocation, "no-deps") ||
		(!invocation_flag(invocation, "locked") && !invocation_flag(invocation, "offline")))
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
		"--no-deps resolves nothing, so it goes with neither --locked nor --offline");
	return FALSE;
}

int cmd_install(struct invocation *invocation, GError **error)
{
	scoped_value(asking) asking = {0};
	scoped(client) client = NULL;
	scoped(wanted_file) listed = NULL;
	scoped(lock_file) locked = NULL;
	const char *root;

	asking_init(&asking);
	if (!check_options(invocation, error))
		return 1;
	client = workspace_connect(invocation, CLIENT_WORKS, &root, error);
	listed = client && dependency_recover(root, error) ? workspace_wanted_read(root, error)
							   : NULL;
	locked = listed ? workspace_locked_read(root, error) : NULL;
	if (!locked || !ask_for_all(&asking, invocation->arguments, listed, error))
		return 1;
	/* What is locked and wanted no more has to go. */
	if (asking.names->len == 0 && locked->components->len == 0) {
		output_remark(invocation,
			"forge.yaml lists no components; `forge install REPOSITORY/COMPONENT` adds one.");
		component_show_nothing(invocation);
		return 0;
	}
	return invocation_flag(invocation, "no-deps")
		? install_alone(invocation, client, &asking, error)
		: install_resolved(invocation, client, root, &asking, error);
}
