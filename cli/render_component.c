/*
 * How components stand, in words and as objects. The wording of lines is a contract: users grep for
 * it.
 */
#include "cli/render_component.h"

#include <string.h>

#include "cli/render.h"
#include "journal/base/clock.h"

#define SHORT_ID 7

struct status_words {
	const char *word;
	const char *mark;
};

static const struct status_words *words_of(Forge__ComponentStatus status)
{
	static const struct status_words words[] = {
		[FORGE__COMPONENT_STATUS__COMPONENT_STATUS_UNSET] = {"unknown", "?"},
		[FORGE__COMPONENT_STATUS__COMPONENT_STATUS_CONFLICT] = {"conflict", "✗"},
		[FORGE__COMPONENT_STATUS__COMPONENT_STATUS_DETACHED] = {"detached", "∅"},
		[FORGE__COMPONENT_STATUS__COMPONENT_STATUS_FORKED] = {"forked", "⑂"},
		[FORGE__COMPONENT_STATUS__COMPONENT_STATUS_MODIFIED] = {"modified", "⚠"},
		[FORGE__COMPONENT_STATUS__COMPONENT_STATUS_OUTDATED] = {"outdated", "⬆"},
		[FORGE__COMPONENT_STATUS__COMPONENT_STATUS_SYNCED] = {"synced", "✓"},
	};

	return (size_t)status < G_N_ELEMENTS(words) ? &words[status] : &words[0];
}

/* The order of the summary. */
static const Forge__ComponentStatus summary_order[] = {
	FORGE__COMPONENT_STATUS__COMPONENT_STATUS_SYNCED,
	FORGE__COMPONENT_STATUS__COMPONENT_STATUS_MODIFIED,
	FORGE__COMPONENT_STATUS__COMPONENT_STATUS_OUTDATED,
	FORGE__COMPONENT_STATUS__COMPONENT_STATUS_CONFLICT,
	FORGE__COMPONENT_STATUS__COMPONENT_STATUS_FORKED,
	FORGE__COMPONENT_STATUS__COMPONENT_STATUS_DETACHED,
	FORGE__COMPONENT_STATUS__COMPONENT_STATUS_UNSET,
};

const char *render_component_status(Forge__ComponentStatus status)
{
	return words_of(status)->word;
}

char *render_short_id(const char *id)
{
	return *id ? g_strndup(id, SHORT_ID) : g_strdup("-");
}

const Forge__Error *render_component_trouble(const Forge__ComponentRow *row)
{
	if (row->observed && row->observed->error)
		return row->observed->error;
	return row->failure;
}

static const char *upstream_commit(const Forge__ComponentRow *row)
{
	return row->observed ? row->observed->upstream_commit : "";
}

static uint32_t files_changed(const Forge__ComponentRow *row)
{
	return row->observed ? row->observed->files_changed : 0;
}

/* TRUE if a push waits to be taken in: what it brought is not the base yet. */
static gboolean is_pushed(const Forge__ComponentRow *row)
{
	return row->pushed && strcmp(row->pushed->tree, row->component->tree) != 0;
}

gboolean render_is_as_pushed(const Forge__ComponentRow *row)
{
	return row->pushed && row->observed &&
		strcmp(row->observed->local_tree, row->pushed->tree) == 0;
}

/* What stands in the parentheses. */
static char *details_of(const Forge__ComponentRow *row)
{
	g_autofree char *local = render_short_id(row->component->commit);
	g_autofree char *upstream = render_short_id(upstream_commit(row));
	uint32_t files = files_changed(row);

	switch (row->status) {
	case FORGE__COMPONENT_STATUS__COMPONENT_STATUS_SYNCED:
		return g_strdup_printf("commit: %s", upstream);
	case FORGE__COMPONENT_STATUS__COMPONENT_STATUS_OUTDATED:
		return g_strdup_printf("local: %s, upstream: %s", local, upstream);
	case FORGE__COMPONENT_STATUS__COMPONENT_STATUS_MODIFIED:
		if (is_pushed(row))
			return g_strdup_printf(
				"local: %s, upstream: %s, %u file%s changed, %s %s, commit: "
				"%.7s",
				local, upstream, files, files == 1 ? "" : "s",
				render_is_as_pushed(row) ? "pushed to" : "last push:",
				row->pushed->branch, row->pushed->commit);
		if (row->observed->behind > 0)
			return g_strdup_printf(
				"local: %s, upstream: %s, %u file%s changed, %u commit%s behind",
				local, upstream, files, files == 1 ? "" : "s",
				row->observed->behind, row->observed->behind == 1 ? "" : "s");
		return g_strdup_printf("local: %s, upstream: %s, %u file%s changed", local,
			upstream, files, files == 1 ? "" : "s");
	case FORGE__COMPONENT_STATUS__COMPONENT_STATUS_FORKED:
		return g_strdup_printf("local: %s, fork: %s, branch: %s", local,
			row->pushed->repository, row->pushed->branch);
	case FORGE__COMPONENT_STATUS__COMPONENT_STATUS_CONFLICT:
		return g_strdup_printf("local: %s, upstream: %.7s, %u conflict%s", local,
			row->pending->component ? row->pending->component->commit : "",
			row->pending->conflict_count, row->pending->conflict_count == 1 ? "" : "s");
	case FORGE__COMPONENT_STATUS__COMPONENT_STATUS_DETACHED:
		if (row->observed && *row->observed->moved_to)
			return g_strdup_printf("local: %s, upstream: now %s in %s", local,
				row->observed->moved_to, row->component->repository);
		return g_strdup_printf(
			"local: %s, upstream: no longer in %s", local, row->component->repository);
	case FORGE__COMPONENT_STATUS__COMPONENT_STATUS_UNSET:
	case _FORGE__COMPONENT_STATUS_IS_INT_SIZE:
		break;
	}
	return g_strdup_printf("local: %s", local);
}

char *render_component_line(const Forge__ComponentRow *row)
{
	g_autofree char *details = details_of(row);

	return g_strdup_printf("Component '%s' is %s%s (%s)", row->component->name,
		row->status == FORGE__COMPONENT_STATUS__COMPONENT_STATUS_CONFLICT ? "in " : "",
		render_component_status(row->status), details);
}

static guint count_of(GPtrArray *rows, Forge__ComponentStatus status)
{
	guint count = 0;

	for (guint i = 0; i < rows->len; i++)
		count += ((const Forge__ComponentRow *)rows->pdata[i])->status == status;
	return count;
}

char *render_component_summary(GPtrArray *rows)
{
	GString *summary = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(summary_order); i++) {
		const struct status_words *words = words_of(summary_order[i]);
		guint count = count_of(rows, summary_order[i]);

		if (count > 0)
			g_string_append_printf(summary, "%s%s %u %s", summary->len > 0 ? ", " : "",
				words->mark, count, words->word);
	}
	return g_string_free(summary, FALSE);
}

struct value *render_component_counts(GPtrArray *rows)
{
	struct value *counts = value_new_map();

	for (size_t i = 0; i < G_N_ELEMENTS(summary_order); i++)
		value_put_integer(
			counts, words_of(summary_order[i])->word, count_of(rows, summary_order[i]));
	return counts;
}

char *render_commit_and_time(const char *id, uint64_t time_us)
{
	g_autofree char *shown = render_short_id(id);
	g_autofree char *time = NULL;

	if (time_us == 0)
		return g_steal_pointer(&shown);
	time = clock_format((int64_t)time_us);
	/* 2026-01-15T10:30:00Z, as people write it. */
	time[10] = ' ';
	time[19] = '\0';
	return g_strdup_printf("%s (%s)", shown, time);
}

/* ---- for machines ------------------------------------------------------------------------- */

static void put_time(struct value *map, const char *key, uint64_t time_us)
{
	g_autofree char *time = time_us ? clock_format((int64_t)time_us) : NULL;

	value_put_string(map, key, time);
}

static gboolean has_local_changes(const Forge__ComponentRow *row)
{
	return row->observed && strcmp(row->observed->local_tree, row->component->tree) != 0;
}

struct value *render_component_row(const Forge__ComponentRow *row, struct value *take_changes)
{
	const Forge__ComponentObserved *seen = row->observed;
	struct value *map = value_new_map();

	value_put_string(map, "component", row->component->name);
	value_put_string(map, "status", render_component_status(row->status));
	value_put_text(map, "repository", row->component->repository);
	value_put_text(map, "folder", row->component->folder);
	value_put_text(map, "version", row->component->version);
	value_put_boolean(map, "yanked", seen && seen->yanked);
	value_put_text(map, "local_commit", row->component->commit);
	value_put_text(map, "upstream_commit", seen ? seen->upstream_commit : NULL);
	value_put_text(map, "upstream_version", seen ? seen->upstream_version : NULL);
	value_put_take(map, "behind",
		seen && !seen->behind_unknown ? value_new_integer(seen->behind) : value_new_null());
	value_put_integer(map, "ahead", has_local_changes(row) ? 1 : 0);
	value_put_boolean(map, "has_local_changes", has_local_changes(row));
	value_put_integer(map, "conflict_count", row->pending ? row->pending->conflict_count : 0);
	value_put_text(
		map, "fork", row->pushed && row->pushed->to_fork ? row->pushed->repository : NULL);
	value_put_text(map, "branch", row->pushed ? row->pushed->branch : NULL);
	put_time(map, "last_sync_at", row->synced_us);
	value_put_boolean(map, "rewritten", seen && seen->rewritten);
	value_put_text(map, "moved_to", seen ? seen->moved_to : NULL);
	value_put_take(map, "changes", take_changes ? take_changes : value_new_list());
	value_put_take(map, "error", render_error(render_component_trouble(row)));
	return map;
}
