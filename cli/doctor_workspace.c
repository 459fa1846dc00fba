/*
 * The workspace somebody stands in: its two files, what `.forge` holds, and what waits in it.
 */
#include <string.h>

#include "cli/doctor.h"
#include "worker/workspace/workspace.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_look.h"

#define BROKEN_HINT \
	"keep a copy of .forge; then remove it and run `forge install`, which makes it anew from " \
	"forge.yaml and forge.lock (stashes and checkpoints were only in it)"

static void check_wanted(struct checkup *checkup, const char *root)
{
	g_autoptr(GError) problem = NULL;
	scoped(wanted_file) wanted = workspace_wanted_read(root, &problem);

	if (wanted)
		checkup_good(checkup, WORKSPACE_WANTED, "%u component%s wanted",
			wanted->components->len, wanted->components->len == 1 ? "" : "s");
	else
		checkup_bad(checkup, WORKSPACE_WANTED,
			"correct the line that is named, or take the file back from git", "%s",
			problem->message);
}

static const struct component_look *find(const GPtrArray *looks, const char *name)
{
	for (guint i = 0; i < looks->len; i++) {
		const struct component_look *look = looks->pdata[i];

		if (strcmp(look->name, name) == 0)
			return look;
	}
	return NULL;
}

/* Is everything that forge.lock lists installed here? */
static void check_locked(struct checkup *checkup, const char *root, const GPtrArray *looks)
{
	g_autoptr(GError) problem = NULL;
	scoped(lock_file) lock = workspace_locked_read(root, &problem);
	g_autoptr(GString) missing = g_string_new(NULL);

	if (!lock) {
		checkup_bad(checkup, WORKSPACE_LOCKED,
			"it is forge's own: take it back from git, or remove it and run `forge install`",
			"%s", problem->message);
		return;
	}
	for (guint i = 0; looks && i < lock->components->len; i++) {
		const struct locked_component *component = lock->components->pdata[i];
		const struct component_look *look = find(looks, component->component);

		if (!look || !look->installed)
			g_string_append_printf(missing, "%s%s", missing->len > 0 ? ", " : "",
				component->component);
	}
	if (missing->len > 0)
		checkup_bad(checkup, WORKSPACE_LOCKED, "`forge install` puts it there",
			"listed, but not installed here: %s", missing->str);
	else
		checkup_good(checkup, WORKSPACE_LOCKED, "%u component%s locked",
			lock->components->len, lock->components->len == 1 ? "" : "s");
}

static GPtrArray *check_own(struct checkup *checkup, const char *root)
{
	g_autofree char *repository = g_build_filename(root, WORKSPACE_OWN, "repository", NULL);
	g_autoptr(GError) problem = NULL;
	GPtrArray *looks;

	if (!g_file_test(repository, G_FILE_TEST_EXISTS)) {
		checkup_bad(checkup, WORKSPACE_OWN,
			"`forge install` makes it from forge.yaml and forge.lock",
			"%s is not there, as in a fresh clone", repository);
		return NULL;
	}
	looks = workspace_look(root, &problem);
	if (!looks)
		checkup_bad(checkup, WORKSPACE_OWN, BROKEN_HINT, "%s", problem->message);
	else
		checkup_good(checkup, WORKSPACE_OWN, "%s", repository);
	return looks;
}

static void check_components(struct checkup *checkup, const GPtrArray *looks)
{
	for (guint i = 0; i < looks->len; i++) {
		const struct component_look *look = looks->pdata[i];
		g_autofree char *name = g_strdup_printf("component %s", look->name);
		g_autofree char *hint = NULL;

		if (look->problem) {
			checkup_bad(checkup, name, BROKEN_HINT, "%s", look->problem->message);
		} else if (look->pending) {
			hint = g_strdup_printf(
				"`forge sync resolve %s` decides it, with --abort the "
				"pull is given up",
				look->name);
			checkup_bad(checkup, name, hint, "a pull left conflicts for you to decide");
		}
	}
}

void doctor_workspace(struct checkup *checkup, const char *here)
{
	g_autofree char *root = workspace_find(here, NULL);
	g_autofree char *journal = NULL;
	g_autoptr(GPtrArray) looks = NULL;

	if (!root)
		return;
	checkup_good(checkup, "workspace", "%s", root);
	check_wanted(checkup, root);
	looks = check_own(checkup, root);
	check_locked(checkup, root, looks);
	if (looks)
		check_components(checkup, looks);
	if (workspace_look_interrupted(root))
		checkup_bad(checkup, "interrupted change",
			"the next command that works on the workspace completes it: `forge sync status`",
			"a command was killed while it changed files");
	journal = g_build_filename(root, WORKSPACE_OWN, "journal", NULL);
	doctor_journal(checkup, "workspace journal", journal, FALSE);
}
