/*
 * Counting what a packed message would become, against messages that were packed.
 */
#include <string.h>

#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/messages.pb-c.h"
#include "queue/wire_check.h"

#define MANY 1000

static gboolean fits(GBytes *bytes, size_t fields_max)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(bytes, &size);

	return wire_check(&forge__request__descriptor, data, size, fields_max);
}

/* A report with a fact in which MANY conflicts are named: deep, and wide at the bottom. */
static GBytes *a_report(void)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Report report = FORGE__REPORT__INIT;
	Forge__Fact fact = FORGE__FACT__INIT, *facts[] = {&fact};
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;
	Forge__ConflictPath conflict = FORGE__CONFLICT_PATH__INIT, *conflicts[MANY];

	for (guint i = 0; i < MANY; i++)
		conflicts[i] = &conflict;
	synced.n_conflicts = MANY;
	synced.conflicts = conflicts;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	report.n_facts = 1;
	report.facts = facts;
	report.attempt = 1;
	request.id = 7;
	request.kind_case = FORGE__REQUEST__KIND_REPORT;
	request.report = &report;
	return message_pack(&request.base);
}

static void fields_are_counted_at_every_depth(void)
{
	g_autoptr(GBytes) bytes = a_report();

	/* id, report; attempt, fact; fork_synced; the conflicts. */
	g_assert_true(fits(bytes, MANY + 5));
	g_assert_false(fits(bytes, MANY + 4));
}

static void what_breaks_off_is_none(void)
{
	g_autoptr(GBytes) bytes = a_report();

	for (gsize size = 1; size < 40; size++) {
		g_autoptr(GBytes) part = g_bytes_new_from_bytes(bytes, 0, size);

		/* After the id alone it is whole. */
		g_assert_cmpint(fits(part, MANY), ==, size == 2);
	}
}

static void what_the_schema_does_not_know_is_counted_once(void)
{
	/* Field 2000 holds bytes that look like many fields. */
	static const uint8_t unknown[] = {0x82, 0x7d, 6, 0x0a, 0, 0x0a, 0, 0x0a, 0};
	/* A group, which nobody writes any more. */
	static const uint8_t group[] = {0x0b, 0x0c};

	g_assert_true(wire_check(&forge__request__descriptor, unknown, sizeof(unknown), 1));
	g_assert_false(wire_check(&forge__request__descriptor, group, sizeof(group), 9));
}

static void whatever_it_takes_is_unpacked_or_refused_without_harm(void)
{
	g_autoptr(GBytes) bytes = a_report();
	gsize size;
	const uint8_t *good = g_bytes_get_data(bytes, &size);
	g_autofree uint8_t *data = g_memdup2(good, size);

	for (guint i = 0; i < 20000; i++) {
		gsize at = (gsize)g_test_rand_int_range(0, 64);
		uint8_t before = data[at];
		Forge__Request *request;

		data[at] = (uint8_t)g_test_rand_int_range(0, 256);
		if (wire_check(&forge__request__descriptor, data, size, LIMIT_REQUEST_FIELDS)) {
			request = forge__request__unpack(NULL, size, data);
			if (request)
				forge__request__free_unpacked(request, NULL);
		}
		data[at] = before;
	}
}

#define ADD(test) g_test_add_func("/wire_check/" #test, test)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(fields_are_counted_at_every_depth);
	ADD(what_breaks_off_is_none);
	ADD(what_the_schema_does_not_know_is_counted_once);
	ADD(whatever_it_takes_is_unpacked_or_refused_without_harm);
	return g_test_run();
}
