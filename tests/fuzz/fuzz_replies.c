/*
 * What a scheduler tells its clients, as they show it: every row and event becomes text that no
 * terminal obeys, whatever is missing in it.
 */
#include "cli/render.h"
#include "cli/render_component.h"
#include "cli/terminal.h"
#include "journal/base/document.h"
#include "journal/event_check.h"
#include "journal/event_text.h"
#include "queue/reply_check.h"
#include "tests/fuzz/input.h"

static void show(struct value *take_value)
{
	g_autofree char *json = document_write_json(take_value, DOCUMENT_COMPACT);
	g_autofree char *yaml = document_write_yaml(take_value);

	g_assert_true(g_utf8_validate(json, -1, NULL));
	g_assert_true(g_utf8_validate(yaml, -1, NULL));
	value_free(take_value);
}

static void show_branch(const Forge__ForkSynced *entry)
{
	g_autofree char *line = render_entry_line(entry, TRUE);
	g_autofree char *shown = text_printable(line);
	struct tally tally = {0};

	g_assert_true(g_utf8_validate(shown, -1, NULL));
	tally_add(&tally, entry);
	show(render_entry(entry, render_hint(entry)));
}

static void show_rows(const Forge__Reply *reply)
{
	switch (reply->kind_case) {
	case FORGE__REPLY__KIND_ERROR:
		show(render_error(reply->error));
		break;
	case FORGE__REPLY__KIND_FORK_ROWS:
		for (size_t i = 0; i < reply->fork_rows->n_rows; i++) {
			const Forge__ForkRow *row = reply->fork_rows->rows[i];

			show(render_fork_row(row));
			for (size_t k = 0; k < row->n_branches; k++)
				if (row->branches[k]->last)
					show_branch(row->branches[k]->last);
		}
		break;
	case FORGE__REPLY__KIND_COMPONENT_ROWS:
		for (size_t i = 0; i < reply->component_rows->n_rows; i++) {
			g_autofree char *line = render_component_line(
				reply->component_rows->rows[i]);

			g_assert_nonnull(line);
			show(render_component_row(
				reply->component_rows->rows[i], value_new_list()));
		}
		break;
	case FORGE__REPLY__KIND_BATCH_ROWS:
		for (size_t i = 0; i < reply->batch_rows->n_rows; i++)
			show(render_batch_row(reply->batch_rows->rows[i]));
		break;
	case FORGE__REPLY__KIND_JOB_ROWS:
		for (size_t i = 0; i < reply->job_rows->n_rows; i++)
			show(render_job_row(reply->job_rows->rows[i]));
		break;
	case FORGE__REPLY__KIND_STATS:
		show(render_stats(reply->stats));
		break;
	case FORGE__REPLY__KIND_EVENTS:
		for (size_t i = 0; i < reply->events->n_events; i++) {
			const Forge__EventRow *row = reply->events->events[i];
			g_autofree char *line = NULL;

			if (!row->event || !event_check(&row->event->base, NULL))
				continue;
			line = event_line(row->event);
			g_assert_true(g_utf8_validate(line, -1, NULL));
			show(event_row(row->seq, row->time_us, row->event));
		}
		break;
	case FORGE__REPLY__KIND_WELCOME:
	case FORGE__REPLY__KIND_SUBMITTED:
	case FORGE__REPLY__KIND_GRANT:
	case FORGE__REPLY__KIND_RECORDED:
	case FORGE__REPLY__KIND_REVOKE:
	case FORGE__REPLY__KIND_DONE:
	case FORGE__REPLY__KIND_GOODBYE:
	case FORGE__REPLY__KIND__NOT_SET:
	case _FORGE__REPLY__KIND__CASE_IS_INT_SIZE:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Forge__Reply *reply = forge__reply__unpack(NULL, size, data);
	g_autofree char *place = NULL;

	if (!reply)
		return 0;
	g_assert_true(event_check(&reply->base, &place) == (place == NULL));
	show(event_message_value(&reply->base));
	if (reply_check(reply, NULL))
		show_rows(reply);
	forge__reply__free_unpacked(reply, NULL);
	return 0;
}
