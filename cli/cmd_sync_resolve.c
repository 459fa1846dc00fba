/*
 * `forge sync resolve`: from a pending merge and what somebody wants of it to the job that ends it.
 *
 * Deciding happens here, without a job and without a connection, for it may take a person an hour.
 * A job that an earlier command left in the queue is waited for first, so that what is decided is
 * about the merge that is pending now.
 */
#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/resolve_ui.h"
#include "cli/workspace_rows.h"
#include "journal/base/errors.h"

enum mode {
	MODE_ASK,
	MODE_LOCAL,
	MODE_UPSTREAM,
	MODE_UNION,
	MODE_MERGE,
	MODE_MANUAL,
	MODE_CONTINUE,
	MODE_ABORT,
	MODE_NONE,
};

struct resolving {
	struct invocation *invocation;
	const char *name;
	char *root;
	enum mode mode;
	struct resolution *resolution; /* NULL for --abort */
	GArray *chosen_before;         /* of enum resolution_choice: as earlier commands left it */
	struct component_run run;      /* of the job; no history: none was needed */
	gboolean judged;               /* the job found that the result breaks a rule */
	struct history *told;          /* where it says so: what RESOLUTION is of then */
	struct value *decided;         /* what had been decided before; for machines */
};

/* ---- the mode ----------------------------------------------------------------------------- */

struct mode_word {
	const char *word;
	enum mode mode;
};

static const struct mode_word flags[] = {
	{"interactive", MODE_ASK},
	{"prefer-local", MODE_LOCAL},
	{"prefer-upstream", MODE_UPSTREAM},
	{"continue", MODE_CONTINUE},
	{"abort", MODE_ABORT},
};

static const struct mode_word strategies[] = {
	{"ours", MODE_LOCAL},
	{"theirs", MODE_UPSTREAM},
	{"union", MODE_UNION},
	{"merge", MODE_MERGE},
	{"manual", MODE_MANUAL},
};

static gboolean read_strategy(const char *word, enum mode *mode, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++)
		if (g_strcmp0(strategies[i].word, word) == 0) {
			*mode = strategies[i].mode;
			return TRUE;
		}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
		"--strategy: expected merge, ours, theirs, union or manual, not '%s'", word);
	return FALSE;
}

static gboolean read_mode(const struct invocation *invocation, enum mode *mode, GError **error)
{
	const char *word = invocation_text(invocation, "strategy");
	guint given = word ? 1 : 0;

	*mode = MODE_NONE;
	if (word && !read_strategy(word, mode, error))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
		if (!invocation_flag(invocation, flags[i].word))
			continue;
		*mode = flags[i].mode;
		given++;
	}
	if (given == 0 && !output_is_machine(invocation) && resolve_ui_has_person(invocation))
		*mode = MODE_ASK;
	if (given > 1 || *mode == MODE_NONE) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"%s of --interactive, --prefer-local, --prefer-upstream, --strategy "
			"merge|ours|theirs|union|manual, --continue and --abort",
			given > 1 ? "only one" : "there is no terminal to ask on: give one");
		return FALSE;
	}
	if (*mode == MODE_ASK && output_is_machine(invocation)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--interactive asks a person and has no machine format");
		return FALSE;
	}
	return TRUE;
}

/* ---- jobs --------------------------------------------------------------------------------- */

static void show_if_failed(const struct history_job *job, gpointer user_data)
{
	if (job->state != JOB_DONE && job->state != JOB_CONFLICT)
		component_show_failure(user_data, job);
}

static gboolean run_job(struct resolving *resolving, struct client *client, Forge__JobKind kind,
	Forge__ComponentArguments *component, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	char *targets[] = {(char *)resolving->name, NULL};

	arguments.component = component;
	submit.kind = kind;
	submit.arguments = &arguments;
	submit.targets = targets;
	submit.n_targets = 1;
	component_run_clear(&resolving->run);
	return component_run(resolving->invocation, client, &submit, show_if_failed,
		resolving->invocation, &resolving->run, error);
}

/* FROM and TO are trees in hexadecimal; NULL: the merge is given up. */
static gboolean run_resolve(
	struct resolving *resolving, const char *from, const char *to, GError **error)
{
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	scoped(client) client = workspace_connect(resolving->invocation, CLIENT_WORKS, NULL, error);
	g_autofree char **accepted = NULL; /* its texts are the resolution's */

	if (!client)
		return FALSE;
	component.abort = to == NULL;
	if (to) {
		accepted = resolution_accepted(resolving->resolution);
		component.from_tree = (char *)from;
		component.to_tree = (char *)to;
		component.accepted = accepted;
		component.n_accepted = g_strv_length(accepted);
	}
	return run_job(
		resolving, client, FORGE__JOB_KIND__JOB_KIND_COMPONENT_RESOLVE, &component, error);
}

/* ---- for machines ------------------------------------------------------------------------- */

/* What is decided of the parts of conflict AT; NULL: it has none. */
static struct value *value_of_parts(struct resolution *resolution, guint at)
{
	const GPtrArray *parts = resolution_parts(resolution, at, NULL);
	struct value *list = parts ? value_new_list() : NULL;

	for (guint i = 0; parts && i < parts->len; i++) {
		const struct resolution_part *part = parts->pdata[i];
		struct value *item = value_new_map();

		value_put_string(item, "place", part->place);
		value_put_string(item, "resolution",
			part->choice == RESOLUTION_OPEN ? NULL
							: resolution_choice_word(part->choice));
		value_append_take(list, item);
	}
	return list;
}

static struct value *value_of_conflict(struct resolution *resolution, guint at)
{
	const struct resolution_conflict *conflict = resolution_at(resolution, at);
	struct value *parts = value_of_parts(resolution, at);
	struct value *item = value_new_map();

	value_put_integer(item, "number", (int64_t)at + 1);
	value_put_string(item, "type", conflict->type);
	value_put_string(item, "path", conflict->path);
	value_put_string(item, "place", *conflict->place ? conflict->place : NULL);
	if (conflict->choice != RESOLUTION_OPEN)
		value_put_string(item, "resolution", resolution_choice_word(conflict->choice));
	if (parts && (conflict->choice == RESOLUTION_OPEN || conflict->choice == RESOLUTION_PARTS))
		value_put_take(item, "parts", parts);
	else
		value_free(parts);
	return item;
}

/* Adds what is decided to the list that is shown at the end. */
static void add_decided(struct resolving *resolving)
{
	struct resolution *resolution = resolving->resolution;

	for (guint i = 0; i < resolution_count(resolution); i++)
		if (resolution_at(resolution, i)->choice != RESOLUTION_OPEN)
			value_append_take(resolving->decided, value_of_conflict(resolution, i));
}

static void show_object(struct resolving *resolving, const char *status)
{
	struct resolution *resolution = resolving->resolution;
	const struct history *history = resolving->run.history;
	scoped(value) object = value_new_map();
	struct value *list = value_new_list();
	struct value *left = value_new_list();
	struct value *map;

	if (history) {
		map = component_value_of_job(history->jobs->pdata[0]);
	} else {
		map = value_new_map();
		value_put_string(map, "component", resolving->name);
		value_put_string(map, "status", status);
		value_put_take(map, "error", value_new_null());
	}
	if (resolution)
		add_decided(resolving);
	for (guint i = 0; resolution && i < resolution_count(resolution); i++)
		if (resolution_at(resolution, i)->choice == RESOLUTION_OPEN)
			value_append_take(left, value_of_conflict(resolution, i));
	value_put_take(map, "resolved", g_steal_pointer(&resolving->decided));
	value_put_take(map, "left", left);
	value_append_take(list, map);
	value_put_take(object, "components", list);
	if (resolving->invocation->format != OUTPUT_JSONL)
		output_value(resolving->invocation, object);
}

/* ---- for people --------------------------------------------------------------------------- */

static void show_one(
	const struct resolving *resolving, const char *format, const char *path, const char *more)
{
	g_autofree char *text = g_strdup_printf("%s (%s)", path, more);
	g_autofree char *printable = text_printable(text);
	g_autofree char *line = g_strconcat(format, printable, NULL);

	output_marked(resolving->invocation, line);
}

/* What this command decided; what earlier ones had decided only once all of it has come true. */
static void show_choices(const struct resolving *resolving, gboolean all)
{
	for (guint i = 0; i < resolution_count(resolving->resolution); i++) {
		const struct resolution_conflict *conflict = resolution_at(
			resolving->resolution, i);
		enum resolution_choice before = g_array_index(
			resolving->chosen_before, enum resolution_choice, i);

		if (conflict->choice != RESOLUTION_OPEN && (all || before == RESOLUTION_OPEN))
			show_one(resolving, "✓ Resolved: ", conflict->path,
				resolution_choice_word(conflict->choice));
	}
}

static int show_left(struct resolving *resolving)
{
	const struct resolution *resolution = resolving->resolution;
	guint left = resolution_left(resolution);

	show_choices(resolving, FALSE);
	for (guint i = 0; i < resolution_count(resolution); i++) {
		const struct resolution_conflict *conflict = resolution_at(resolution, i);

		if (conflict->choice == RESOLUTION_OPEN)
			show_one(resolving, "✗ Left: ", conflict->path,
				*conflict->place ? conflict->place : conflict->type);
	}
	output_line(resolving->invocation,
		"%u of %u conflicts of %s %s left; the files are as they were. "
		"`forge sync resolve %s%s",
		left, resolution_count(resolution), resolving->name, left == 1 ? "is" : "are",
		resolving->name,
		resolving->mode == MODE_CONTINUE ? " --continue` accepts that, `--abort` does not"
						 : "` goes on");
	show_object(resolving, "conflict");
	return forge_error_exit_status(FORGE_ERROR_SYNC_CONFLICT);
}

static void show_end(const struct resolving *resolving, const char *before, const char *after)
{
	g_autofree char *line = g_strconcat(before, resolving->name, after, NULL);

	output_marked(resolving->invocation, line);
}

static void show_marked(const struct resolving *resolving)
{
	const struct resolution *resolution = resolving->resolution;
	const char *name = resolving->name;

	for (guint i = 0; i < resolution_count(resolution); i++) {
		const struct resolution_conflict *conflict = resolution_at(resolution, i);
		g_autofree char *path = text_printable(conflict->path);
		g_autofree char *place = text_printable(conflict->place);

		if (conflict->choice != RESOLUTION_OPEN)
			continue;
		if (conflict->shape == RESOLUTION_TEXT)
			output_line(resolving->invocation, "Conflict marked in: %s", path);
		else if (conflict->shape == RESOLUTION_WHOLE)
			output_line(resolving->invocation,
				"Conflict in: %s (local's version is there; no markers fit)", path);
		else
			output_line(resolving->invocation, "Conflict in: %s (%s)", path, place);
	}
	output_line(resolving->invocation, "Edit the files, then: forge sync resolve %s --continue",
		name);
	output_line(
		resolving->invocation, "To give the pull up: forge sync resolve %s --abort", name);
}

/* ---- modes -------------------------------------------------------------------------------- */

static int give_up(struct resolving *resolving, GError **error)
{
	if (!run_resolve(resolving, NULL, NULL, error))
		return 1;
	if (resolving->run.status == 0) {
		if (resolving->resolution)
			show_choices(resolving, TRUE);
		show_end(resolving, "✓ ",
			resolving->resolution ? " stays as it was: the pull is given up"
					      : " is as it was before the pull");
	}
	show_object(resolving, "done");
	return resolving->run.status;
}

/* What the job came to breaks a rule, and it says which. */
static gboolean is_judged(const struct resolving *resolving)
{
	const struct history_job *job = resolving->run.history->jobs->pdata[0];

	return job->state == JOB_CONFLICT &&
		component_run_fact(job, FORGE__FACT__KIND_COMPONENT_CONFLICTED) != NULL;
}

static int end_merge(struct resolving *resolving, const char *from, const char *to, GError **error)
{
	if (!run_resolve(resolving, from, to, error))
		return 1;
	resolving->judged = is_judged(resolving);
	if (resolving->judged)
		return resolving->run.status;
	if (resolving->run.status == 0) {
		show_choices(resolving, TRUE);
		show_end(resolving, "✓ All conflicts of ", " are resolved");
	}
	show_object(resolving, "done");
	return resolving->run.status;
}

static gboolean settle_all(struct resolution *resolution, enum resolution_way way, GError **error)
{
	for (guint i = 0; i < resolution_count(resolution); i++)
		if (resolution_at(resolution, i)->choice == RESOLUTION_OPEN &&
			!resolution_settle(resolution, i, way, error))
			return FALSE;
	return TRUE;
}

static int decide(struct resolving *resolving, gboolean decided, GError **error)
{
	struct resolution *resolution = resolving->resolution;

	if (!decided)
		return 1;
	if (resolving->mode == MODE_MERGE && resolution_left(resolution) > 0)
		return show_left(resolving);
	if (!resolution_save(resolution, error))
		return 1;
	if (resolution_gives_up(resolution))
		return give_up(resolving, error);
	if (resolution_left(resolution) > 0)
		return show_left(resolving);
	return end_merge(
		resolving, resolution_files(resolution), resolution_tree(resolution), error);
}

static int write_markers(struct resolving *resolving, GError **error)
{
	struct resolution *resolution = resolving->resolution;
	const char *from = resolution_files(resolution);
	const char *tree;

	if (!resolution_mark(resolution, &tree, error))
		return 1;
	if (g_strcmp0(from, tree) != 0 && !run_resolve(resolving, from, tree, error))
		return 1;
	if (resolving->run.status == 0)
		show_marked(resolving);
	show_object(resolving, "conflict");
	return resolving->run.status;
}

static int go_on(struct resolving *resolving, GError **error)
{
	struct resolution *resolution = resolving->resolution;

	if (!resolution_read_files(resolution, error))
		return 1;
	return end_merge(
		resolving, resolution_files(resolution), resolution_files(resolution), error);
}

static int resolve_in_mode(struct resolving *resolving, GError **error)
{
	struct resolution *resolution = resolving->resolution;

	if (resolving->mode != MODE_CONTINUE && !resolution_check_files(resolution, error))
		return 1;
	switch (resolving->mode) {
	case MODE_ASK:
		return decide(
			resolving, resolve_ui_ask(resolving->invocation, resolution, error), error);
	case MODE_LOCAL:
		return decide(resolving, settle_all(resolution, RESOLUTION_BY_LOCAL, error), error);
	case MODE_UPSTREAM:
		return decide(
			resolving, settle_all(resolution, RESOLUTION_BY_UPSTREAM, error), error);
	case MODE_UNION:
		return decide(resolving, settle_all(resolution, RESOLUTION_BY_UNION, error), error);
	case MODE_MERGE:
		return decide(resolving, settle_all(resolution, RESOLUTION_BY_MERGE, error), error);
	case MODE_MANUAL:
		return write_markers(resolving, error);
	case MODE_CONTINUE:
		return go_on(resolving, error);
	case MODE_ABORT:
	case MODE_NONE:
		break;
	}
	g_assert_not_reached();
}

/* ---- the command -------------------------------------------------------------------------- */

/* Waits for what an earlier command left in the queue and looks at the files. */
static gboolean catch_up(struct resolving *resolving, struct client *client, GError **error)
{
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;

	component.offline = TRUE;
	return run_job(
		resolving, client, FORGE__JOB_KIND__JOB_KIND_COMPONENT_CHECK, &component, error);
}

static gboolean open_resolution(
	struct resolving *resolving, const Forge__ComponentConflicted *pending, GError **error)
{
	resolving->resolution = resolution_open(
		resolving->root, pending, resolving->invocation->config, error);
	if (!resolving->resolution)
		return FALSE;
	g_array_set_size(resolving->chosen_before, 0);
	for (guint i = 0; i < resolution_count(resolving->resolution); i++) {
		enum resolution_choice choice = resolution_at(resolving->resolution, i)->choice;

		g_array_append_val(resolving->chosen_before, choice);
	}
	return TRUE;
}

/* The conflicts are those that the job found from here on; what was decided is told. */
static gboolean take_judged(struct resolving *resolving, GError **error)
{
	struct resolution *decided = resolving->resolution;
	struct history *before = resolving->told;
	const Forge__Fact *found;
	gboolean opened;

	show_choices(resolving, TRUE);
	add_decided(resolving);
	resolving->judged = FALSE;
	resolving->told = g_steal_pointer(&resolving->run.history);
	found = component_run_fact(
		resolving->told->jobs->pdata[0], FORGE__FACT__KIND_COMPONENT_CONFLICTED);
	opened = open_resolution(resolving, found->component_conflicted, error);
	resolution_free(decided);
	history_free(before);
	return opened;
}

static int say_nothing_pending(struct resolving *resolving)
{
	component_show_nothing(resolving->invocation);
	output_remark(resolving->invocation, "'%s' has no conflict", resolving->name);
	return 1;
}

static int resolve(
	struct resolving *resolving, const Forge__ComponentConflicted *pending, GError **error)
{
	int status;

	if (!pending)
		return say_nothing_pending(resolving);
	if (resolving->mode == MODE_ABORT)
		return give_up(resolving, error);
	if (!open_resolution(resolving, pending, error))
		return 1;
	status = resolve_in_mode(resolving, error);
	while (resolving->judged) {
		if (!take_judged(resolving, error))
			return 1;
		status = resolving->mode == MODE_ASK ? resolve_in_mode(resolving, error)
						     : show_left(resolving);
	}
	return status;
}

static int connect_and_resolve(struct resolving *resolving, GError **error)
{
	const char *root;
	struct client *client = workspace_connect(
		resolving->invocation, CLIENT_WORKS, &root, error);
	g_autoptr(GPtrArray) rows = NULL;

	if (!client)
		return 1;
	resolving->root = g_strdup(root);
	if (catch_up(resolving, client, error) && resolving->run.status == 0)
		rows = workspace_rows_named(
			resolving->invocation, client, resolving->invocation->arguments, error);
	client_free(client);
	if (!rows) {
		if (resolving->run.history)
			show_object(resolving, "failed");
		return resolving->run.status ? resolving->run.status : 1;
	}
	component_run_clear(&resolving->run);
	return resolve(resolving, ((const Forge__ComponentRow *)rows->pdata[0])->pending, error);
}

int cmd_sync_resolve(struct invocation *invocation, GError **error)
{
	struct resolving resolving = {.invocation = invocation, .name = invocation->arguments[0]};
	int status;

	if (!read_mode(invocation, &resolving.mode, error))
		return 1;
	resolving.decided = value_new_list();
	resolving.chosen_before = g_array_new(FALSE, FALSE, sizeof(enum resolution_choice));
	status = connect_and_resolve(&resolving, error);
	resolution_free(resolving.resolution);
	component_run_clear(&resolving.run);
	history_free(resolving.told);
	value_free(resolving.decided);
	g_array_unref(resolving.chosen_before);
	g_free(resolving.root);
	return status;
}
