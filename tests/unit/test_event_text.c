/*
 * Events as scripts and people see them. Expected rows are JSON as it would be printed, so a case
 * is readable at a glance; a walk over the schema itself makes one event of every kind.
 */
#include <glib.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/event_text.h"

#define WHEN UINT64_C(1768473000000123) /* 2026-01-15T10:30:00.000123Z */

static void assert_row(const Forge__Event *event, const char *expected)
{
	scoped(value) row = event_row(7, WHEN, event);
	g_autofree char *text = document_write_json(row, DOCUMENT_COMPACT);

	g_assert_cmpstr(text, ==, expected);
}

static void assert_line(const Forge__Event *event, const char *expected)
{
	g_autofree char *line = event_line(event);

	g_assert_cmpstr(line, ==, expected);
}

static void test_failed_job_names_job_attempt_and_error(void)
{
	Forge__JobId job = FORGE__JOB_ID__INIT;
	Forge__Error cause = FORGE__ERROR__INIT;
	Forge__JobFailed failed = FORGE__JOB_FAILED__INIT;
	Forge__Event event = FORGE__EVENT__INIT;

	job.batch = 12;
	job.number = 3;
	cause.code = (char *)"TIMEOUT";
	cause.message = (char *)"no answer from \"h\"\n\x1b[31m";
	failed.job = &job;
	failed.attempt = 2;
	failed.error = &cause;
	event.kind_case = FORGE__EVENT__KIND_JOB_FAILED;
	event.job_failed = &failed;
	assert_row(&event,
		"{\"seq\":7,\"time\":\"2026-01-15T10:30:00.000123Z\",\"type\":\"job_failed\",\"data\":"
		"{\"job\":{\"batch\":12,\"number\":3},\"attempt\":2,\"error\":{\"code\":\"TIMEOUT\","
		"\"message\":\"no answer from \\\"h\\\"\\n\\u001B[31m\"},\"retries_used_up\":false}}");
	assert_line(&event,
		"job_failed job=12/3 attempt=2 error.code=TIMEOUT "
		"error.message=\"no answer from \\\"h\\\"\\n\\u001B[31m\"");
	cause.message = (char *)"plain";
	failed.retries_used_up = TRUE;
	assert_line(&event,
		"job_failed job=12/3 attempt=2 error.code=TIMEOUT error.message=plain retries_used_up=true");
}

static void test_reported_fact_is_shown_as_the_fact(void)
{
	Forge__JobId job = FORGE__JOB_ID__INIT;
	Forge__ConflictPath conflict = FORGE__CONFLICT_PATH__INIT;
	Forge__ConflictPath *conflicts[] = {&conflict};
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__Reported reported = FORGE__REPORTED__INIT;
	Forge__Event event = FORGE__EVENT__INIT;

	job.batch = 12;
	job.number = 1;
	conflict.path = (char *)"a b\xc2\x9b.txt";
	conflict.type = (char *)"content";
	synced.fork = (char *)"crm";
	synced.branch = (char *)"main";
	synced.status = FORGE__BRANCH_STATUS__BRANCH_STATUS_FAST_FORWARDED;
	synced.behind = 2;
	synced.conflicts = conflicts;
	synced.n_conflicts = 1;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	reported.job = &job;
	reported.attempt = 1;
	reported.fact = &fact;
	event.kind_case = FORGE__EVENT__KIND_REPORTED;
	event.reported = &reported;
	g_assert_cmpstr(event_type(&event), ==, "fork_synced");
	assert_row(&event,
		"{\"seq\":7,\"time\":\"2026-01-15T10:30:00.000123Z\",\"type\":\"fork_synced\",\"data\":"
		"{\"job\":{\"batch\":12,\"number\":1},\"attempt\":1,\"fork\":\"crm\",\"branch\":\"main\","
		"\"status\":\"fast_forwarded\",\"behind\":2,\"ahead\":0,"
		"\"conflicts\":[{\"path\":\"a b\xc2\x9b.txt\",\"type\":\"content\"}],\"conflict_count\":0,"
		"\"dry_run\":false,\"counts_unknown\":false}}");
	assert_line(&event,
		"fork_synced job=12/1 attempt=1 fork=crm branch=main status=fast_forwarded behind=2 "
		"conflicts={\"path\":\"a b\xef\xbf\xbd.txt\",\"type\":\"content\"}");
	reported.fact = NULL;
	assert_line(&event, "reported job=12/1 attempt=1");
}

static void test_long_lists_are_cut_in_lines_and_whole_in_rows(void)
{
	char *targets[] = {
		(char *)"a", (char *)"b c", (char *)"c", (char *)"d", (char *)"e", (char *)"f"};
	Forge__BatchExtended extended = FORGE__BATCH_EXTENDED__INIT;
	Forge__Event event = FORGE__EVENT__INIT;

	extended.batch = 4;
	extended.targets = targets;
	extended.n_targets = G_N_ELEMENTS(targets);
	extended.cursor = G_MAXUINT64;
	event.kind_case = FORGE__EVENT__KIND_BATCH_EXTENDED;
	event.batch_extended = &extended;
	assert_row(&event,
		"{\"seq\":7,\"time\":\"2026-01-15T10:30:00.000123Z\",\"type\":\"batch_extended\",\"data\":"
		"{\"batch\":4,\"targets\":[\"a\",\"b c\",\"c\",\"d\",\"e\",\"f\"],"
		"\"cursor\":\"18446744073709551615\",\"noops\":0}}");
	assert_line(&event,
		"batch_extended batch=4 targets=a,\"b c\",c,d,e,…(6) cursor=18446744073709551615");
}

static void test_unset_words_and_times_are_left_out(void)
{
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__BatchOpened opened = FORGE__BATCH_OPENED__INIT;
	scoped(value) value = NULL;

	opened.arguments = &arguments;
	opened.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	value = event_message_value(&opened.base);
	g_assert_null(value_get(value, "not_before_us"));
	g_assert_null(value_get(value_get(value, "arguments"), "strategy"));
	g_assert_cmpstr(value_string(value_get(value, "kind")), ==, "fork_sync");
	g_assert_cmpint(value_integer(value_get(value, "noops")), ==, 0);
	g_assert_cmpuint(value_count(value_get(value, "targets")), ==, 0);
	g_clear_pointer(&value, value_free);

	opened.not_before_us = UINT64_C(1768473000000000);
	opened.kind = (Forge__JobKind)77;
	arguments.strategy = FORGE__STRATEGY__STRATEGY_OVERWRITE;
	value = event_message_value(&opened.base);
	g_assert_cmpstr(
		value_string(value_get(value, "not_before_us")), ==, "2026-01-15T10:30:00Z");
	g_assert_cmpstr(value_string(value_get(value_get(value, "arguments"), "strategy")), ==,
		"overwrite");
	g_assert_cmpint(value_integer(value_get(value, "kind")), ==, 77);
}

static void test_event_without_a_kind_is_unknown(void)
{
	Forge__Event event = FORGE__EVENT__INIT;

	assert_line(&event, "unknown");
	assert_row(&event,
		"{\"seq\":7,\"time\":\"2026-01-15T10:30:00.000123Z\",\"type\":\"unknown\",\"data\":{}}");
}

static void test_times(void)
{
	static const struct {
		uint64_t time_us;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00Z"},
		{1, "1970-01-01T00:00:00.000001Z"},
		{WHEN, "2026-01-15T10:30:00.000123Z"},
		{G_MAXINT64, "out of range"},
		{G_MAXUINT64, "out of range"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = event_time(rows[i].time_us);

		g_assert_cmpstr(text, ==, rows[i].text);
	}
}

static void test_words_are_the_schemas(void)
{
	const ProtobufCEnumDescriptor *strategy = &forge__strategy__descriptor;

	g_assert_cmpstr(event_enum_word(strategy, FORGE__STRATEGY__STRATEGY_FAST_FORWARD), ==,
		"fast_forward");
	g_assert_null(event_enum_word(strategy, 99));
	g_assert_cmpstr(event_enum_word(&forge__job_kind__descriptor, 1), ==, "fork_sync");
}

/* An empty message of every kind in the oneof of DESCRIPTOR, as MAKE puts it into an event. */
static void for_every_kind(const ProtobufCMessageDescriptor *descriptor,
	void (*visit)(const ProtobufCFieldDescriptor *, ProtobufCMessage *))
{
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCMessageDescriptor *kind = descriptor->fields[i].descriptor;
		g_autofree ProtobufCMessage *message = g_malloc0(kind->sizeof_message);

		protobuf_c_message_init(kind, message);
		visit(&descriptor->fields[i], message);
	}
}

static void show_event(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	Forge__Event event = FORGE__EVENT__INIT;
	scoped(value) row = NULL;
	scoped(value) read = NULL;
	g_autofree char *json = NULL;
	g_autofree char *line = NULL;

	event.kind_case = (Forge__Event__KindCase)field->id;
	event.reported = (Forge__Reported *)message;
	g_assert_cmpstr(event_type(&event), ==, field->name);
	row = event_row(1, WHEN, &event);
	json = document_write_json(row, DOCUMENT_COMPACT);
	read = document_parse(DOCUMENT_JSON, &(struct document_origin){.name = field->name}, json,
		strlen(json), NULL);
	g_assert_nonnull(read);
	line = event_line(&event);
	g_assert_true(g_str_has_prefix(line, field->name));
}

static void show_fact(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	Forge__JobId job = FORGE__JOB_ID__INIT;
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__Reported reported = FORGE__REPORTED__INIT;
	Forge__Event event = FORGE__EVENT__INIT;
	scoped(value) row = NULL;

	fact.kind_case = (Forge__Fact__KindCase)field->id;
	fact.fork_synced = (Forge__ForkSynced *)message;
	reported.job = &job;
	reported.fact = &fact;
	event.kind_case = FORGE__EVENT__KIND_REPORTED;
	event.reported = &reported;
	row = event_row(1, WHEN, &event);
	g_assert_cmpstr(value_string(value_get(row, "type")), ==, field->name);
	g_assert_nonnull(value_get(value_get(row, "data"), "attempt"));
}

static void test_every_event_of_the_schema_can_be_shown(void)
{
	for_every_kind(&forge__event__descriptor, show_event);
	for_every_kind(&forge__fact__descriptor, show_fact);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/event_text/failed_job_names_job_attempt_and_error",
		test_failed_job_names_job_attempt_and_error);
	g_test_add_func("/event_text/reported_fact_is_shown_as_the_fact",
		test_reported_fact_is_shown_as_the_fact);
	g_test_add_func("/event_text/long_lists_are_cut_in_lines_and_whole_in_rows",
		test_long_lists_are_cut_in_lines_and_whole_in_rows);
	g_test_add_func("/event_text/unset_words_and_times_are_left_out",
		test_unset_words_and_times_are_left_out);
	g_test_add_func("/event_text/event_without_a_kind_is_unknown",
		test_event_without_a_kind_is_unknown);
	g_test_add_func("/event_text/times_are_rfc_3339", test_times);
	g_test_add_func("/event_text/words_are_the_schemas", test_words_are_the_schemas);
	g_test_add_func("/event_text/every_event_of_the_schema_can_be_shown",
		test_every_event_of_the_schema_can_be_shown);
	return g_test_run();
}
