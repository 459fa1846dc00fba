/*
 * How branches ended, in words: the lines for people, the objects for machines, the way out of a
 * conflict.
 *
 * Pure: nothing is printed, read or asked here. The wording of lines is a contract (users grep for
 * it), and tests/unit/test_render.c holds it as a table.
 */
#include "cli/render.h"

#include <string.h>

#include "cli/terminal.h"
#include "journal/base/errors.h"

struct status_row {
	const char *word;
	const char *would; /* in a dry run; an end that changes nothing is the same there */
	const char *past;  /* behind `N commits behind, ` */
	gboolean succeeded;
};

static const struct status_row *status_row(Forge__BranchStatus status)
{
	static const struct status_row rows[] = {
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_UNSET] = {"failed", "failed", NULL, FALSE},
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_UP_TO_DATE] = {"up_to_date", "up_to_date",
			NULL, TRUE},
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_FAST_FORWARDED] = {"fast_forwarded",
			"would_fast_forward", "fast-forwarded", TRUE},
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_MERGED] = {"merged", "would_merge", "merged",
			TRUE},
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_REBASED] = {"rebased", "would_rebase",
			"rebased", TRUE},
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_OVERWRITTEN] = {"overwritten",
			"would_overwrite", "overwritten", TRUE},
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT] = {"conflict", "would_conflict",
			NULL, FALSE},
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED] = {"failed", "failed", NULL, FALSE},
		[FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED] = {"skipped", "skipped", NULL, FALSE},
	};

	/* A newer scheduler may know more ends; none of them is taken for success. */
	return (size_t)status < G_N_ELEMENTS(rows) ? &rows[status] : &rows[0];
}

const char *render_status(const Forge__ForkSynced *entry)
{
	const struct status_row *row = status_row(entry->status);

	return entry->dry_run ? row->would : row->word;
}

gboolean render_succeeded(const Forge__ForkSynced *entry)
{
	return status_row(entry->status)->succeeded;
}

gboolean render_is_of_tags(const Forge__ForkSynced *entry)
{
	return strcmp(entry->branch, "refs/tags/*") == 0;
}

/* Why an entry failed or was skipped: never empty. */
static const char *reason_of(const Forge__ForkSynced *entry)
{
	if (entry->error && *entry->error->message)
		return entry->error->message;
	if (entry->error && *entry->error->code)
		return entry->error->code;
	return status_row(entry->status)->word;
}

static char *moved_text(const Forge__ForkSynced *entry)
{
	const struct status_row *row = status_row(entry->status);
	const char *be = entry->dry_run ? "would be " : "";

	if (render_is_of_tags(entry))
		return g_strdup_printf(
			"%u tag%s %sadded", entry->behind, entry->behind == 1 ? "" : "s", be);

	/* Nothing was replaced where nothing was. */
	if (entry->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_OVERWRITTEN && !*entry->before &&
		!*entry->backup)
		return g_strdup_printf("%screated", be);
	if (entry->counts_unknown || entry->behind == 0)
		return g_strdup_printf("%s%s", be, row->past);
	return g_strdup_printf("%u commit%s behind, %s%s", entry->behind,
		entry->behind == 1 ? "" : "s", be, row->past);
}

char *render_entry_line(const Forge__ForkSynced *entry, gboolean with_branch)
{
	const char *branch = render_is_of_tags(entry) ? "tags" : with_branch ? entry->branch : "";
	g_autofree char *name = *branch ? g_strdup_printf("%s (%s)", entry->fork, branch)
					: g_strdup(entry->fork);

	switch (entry->status) {
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_UP_TO_DATE:
		return g_strdup_printf("✓ %s: up to date", name);
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_FAST_FORWARDED:
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_MERGED:
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_REBASED:
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_OVERWRITTEN: {
		g_autofree char *moved = moved_text(entry);

		return g_strdup_printf("✓ %s: %s%s%s%s", name, moved,
			*entry->backup ? " (backup: " : "", entry->backup,
			*entry->backup ? ")" : "");
	}
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT:
		if (entry->dry_run)
			return g_strdup_printf(
				"✗ %s: would be a merge conflict, manual resolution required",
				name);
		return g_strdup_printf("✗ %s: merge conflict, manual resolution required", name);
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED:
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED:
	case FORGE__BRANCH_STATUS__BRANCH_STATUS_UNSET:
	case _FORGE__BRANCH_STATUS_IS_INT_SIZE:
		break;
	}
	return g_strdup_printf("✗ %s: %s", name, reason_of(entry));
}

const char *render_hint(const Forge__ForkSynced *entry)
{
	if (render_succeeded(entry) || !entry->error || !*entry->error->code)
		return NULL;
	return *entry->error->hint ? entry->error->hint
				   : forge_error_hint(forge_error_from_name(entry->error->code));
}

/* Whether TEXT can stand between quotes as it is: a control byte, or one that is no UTF-8, might
 * change what a terminal shows, and a line end would begin a command of its own. */
static gboolean is_plain_text(const char *text)
{
	g_autofree char *printable = text_printable(text);

	return g_utf8_validate(text, -1, NULL) && strcmp(printable, text) == 0;
}

/* TEXT as $'...', which bash, zsh and ksh read. */
static char *shell_escape(const char *text)
{
	GString *word = g_string_new("$'");

	for (const char *c = text; *c; c++) {
		if (*c == '\'' || *c == '\\')
			g_string_append_printf(word, "\\%c", *c);
		else if (g_ascii_isprint(*c))
			g_string_append_c(word, *c);
		else
			g_string_append_printf(word, "\\%03o", (unsigned char)*c);
	}
	g_string_append_c(word, '\'');
	return g_string_free(word, FALSE);
}

/* TEXT as one word of a shell, quoted only if it must be. */
static char *shell_word(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_./:@%+=,-";

	if (*text && strspn(text, plain) == strlen(text))
		return g_strdup(text);
	return is_plain_text(text) ? g_shell_quote(text) : shell_escape(text);
}

/* What brings upstream in by hand and what is done once it conflicts. A rebase takes commits out of
 * the fork's branch: the push names the tip that they are known to be in. */
static void append_resolving(GString *commands, const Forge__ForkSynced *entry)
{
	g_autofree char *branch = shell_word(entry->branch);
	g_autofree char *tracking_name = g_strdup_printf("upstream/%s", entry->branch);
	g_autofree char *tracking = shell_word(tracking_name);
	g_autofree char *lease_name = g_strdup_printf("%s:%s", entry->branch, entry->before);
	g_autofree char *lease = shell_word(lease_name);
	gboolean rebase = *entry->conflict_commit != '\0';

	if (rebase && entry->error) {
		g_autofree char *which = text_printable(entry->error->message);

		g_string_append_printf(commands, "# %s\n", which);
	}
	g_string_append_printf(commands, "git %s %s\n", rebase ? "rebase" : "merge", tracking);
	g_string_append(commands, "# edit what conflicts");
	for (size_t i = 0; i < entry->n_conflicts; i++) {
		g_autofree char *path = shell_word(entry->conflicts[i]->path);

		g_string_append_printf(commands, "%s %s", i == 0 ? ":" : ",", path);
	}
	if (entry->conflict_count > entry->n_conflicts)
		g_string_append_printf(commands, " and %u more",
			entry->conflict_count - (guint)entry->n_conflicts);
	if (!rebase) {
		g_string_append(commands, "\ngit commit --all --no-edit\n");
		g_string_append_printf(commands, "git push origin %s\n", branch);
		return;
	}
	g_string_append(commands, "\ngit add --all\n");
	g_string_append(commands, "GIT_EDITOR=true git rebase --continue\n");
	g_string_append(
		commands, "# the last three again for each further commit that conflicts\n");
	g_string_append_printf(
		commands, "git push --force-with-lease=%s origin %s\n", lease, branch);
}

char *render_conflict_commands(
	const Forge__ForkSynced *entry, const char *fork_url, const char *upstream_url)
{
	g_autofree char *branch = shell_word(entry->branch);
	/* A folder for each branch: those of one fork may all be in conflict. */
	g_autofree char *folder = g_strdup_printf("%s-%s", entry->fork, entry->branch);
	g_autofree char *name = shell_word(g_strdelimit(folder, "/", '-'));
	g_autofree char *fork = shell_word(fork_url);
	g_autofree char *upstream = shell_word(upstream_url);
	GString *commands = g_string_new(NULL);

	g_string_append_printf(commands, "git clone --branch %s %s %s\n", branch, fork, name);
	g_string_append_printf(commands, "cd %s\n", name);
	g_string_append_printf(commands, "git remote add upstream %s\n", upstream);
	g_string_append(commands, "git fetch upstream\n");
	append_resolving(commands, entry);
	return g_string_free(commands, FALSE);
}

struct value *render_error(const Forge__Error *error)
{
	struct value *object;

	if (!error)
		return value_new_null();
	object = value_new_map();
	value_put_string(object, "code", error->code);
	value_put_string(object, "message", error->message);
	value_put_string(object, "hint",
		*error->hint ? error->hint : forge_error_hint(forge_error_from_name(error->code)));
	return object;
}

static void put_oid(struct value *object, const char *key, const char *oid)
{
	value_put_string(object, key, *oid ? oid : NULL);
}

static void put_commits(
	struct value *object, const char *key, const Forge__ForkSynced *entry, uint32_t commits)
{
	value_put_take(object, key,
		entry->counts_unknown || !*entry->branch ? value_new_null()
							 : value_new_integer(commits));
}

static struct value *render_entry_error(const Forge__ForkSynced *entry, const char *hint)
{
	Forge__Error error = FORGE__ERROR__INIT;

	if (entry->error) {
		error = *entry->error;
	} else if (entry->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT) {
		error.code = (char *)forge_error_name(FORGE_ERROR_SYNC_CONFLICT);
		error.message = (char *)"merge conflict, manual resolution required";
	} else {
		return value_new_null();
	}
	if (hint)
		error.hint = (char *)hint;
	return render_error(&error);
}

struct value *render_entry(const Forge__ForkSynced *entry, const char *hint)
{
	struct value *object = value_new_map();
	struct value *conflicts;

	value_put_string(object, "name", entry->fork);
	value_put_string(object, "branch", *entry->branch ? entry->branch : NULL);
	value_put_string(object, "status", render_status(entry));
	put_commits(object, "behind", entry, entry->behind);
	put_commits(object, "ahead", entry, entry->ahead);
	put_oid(object, "before", entry->before);
	put_oid(object, "after", entry->after);
	put_oid(object, "backup", entry->backup);
	conflicts = value_new_list();
	for (size_t i = 0; i < entry->n_conflicts; i++) {
		struct value *conflict = value_new_map();

		value_put_string(conflict, "path", entry->conflicts[i]->path);
		value_put_string(conflict, "type", entry->conflicts[i]->type);
		if (*entry->conflict_commit)
			value_put_string(conflict, "commit", entry->conflict_commit);
		value_append_take(conflicts, conflict);
	}
	value_put_take(object, "conflicts", conflicts);
	value_put_take(object, "error", render_entry_error(entry, hint));
	return object;
}

void tally_add(struct tally *tally, const Forge__ForkSynced *entry)
{
	tally->total++;
	if (render_succeeded(entry))
		tally->succeeded++;
	else if (entry->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT)
		tally->conflicts++;
	else if (entry->error && forge_error_from_name(entry->error->code) == FORGE_ERROR_CANCELLED)
		tally->cancelled++;
	else if (entry->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED)
		tally->skipped++;
	else
		tally->failed++;
}

int tally_exit_status(const struct tally *tally)
{
	if (tally->conflicts > 0)
		return forge_error_exit_status(FORGE_ERROR_SYNC_CONFLICT);
	return tally->failed + tally->skipped + tally->cancelled > 0 ? 1 : 0;
}

char *render_tally(const struct tally *tally, const char *one, const char *many, gboolean dry_run,
	double seconds)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "%u %s: %u in order", tally->total,
		tally->total == 1 ? one : many, tally->succeeded);
	if (tally->conflicts > 0)
		g_string_append_printf(text, ", %u in conflict", tally->conflicts);
	if (tally->failed > 0)
		g_string_append_printf(text, ", %u failed", tally->failed);
	if (tally->skipped > 0)
		g_string_append_printf(text, ", %u skipped", tally->skipped);
	if (tally->cancelled > 0)
		g_string_append_printf(text, ", %u cancelled", tally->cancelled);
	g_string_append_printf(
		text, " (%.1f s)%s", seconds, dry_run ? "; a dry run, nothing was changed" : "");
	return g_string_free(text, FALSE);
}
