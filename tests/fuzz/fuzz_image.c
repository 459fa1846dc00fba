/*
 * Images of the state, and checkpoint files that hold them. What is taken for an image gives the
 * same image again, can be audited and can go on; a file that was tampered with is passed over.
 */
#include <string.h>

#include "journal/checkpoint.h"
#include "journal/record.h"
#include "queue/job_table.h"
#include "scheduler/state.h"
#include "tests/fuzz/input.h"

static void restore(const struct fuzz_input *input)
{
	g_autofree char *copy = input_exact(input);
	g_autoptr(GBytes) image = g_bytes_new_static(copy, input->size);
	scoped(state) state = state_from_image(image);
	g_autofree char *why = NULL;
	g_autoptr(GBytes) again = NULL;

	if (!state)
		return;
	again = state_image(state);
	g_assert_true(g_bytes_equal(image, again));
	job_table_audit(state->jobs, &why);
	g_assert_cmpstr(why, ==, NULL);
	state_unfinished(state);
}

static void load(const struct fuzz_input *input)
{
	struct journal_position position;
	g_autoptr(GBytes) blob = NULL;

	input_write_file("checkpoint-7", input);
	blob = checkpoint_load(
		input_folder(), "00000000000000000000000000000001", "tag", UINT64_MAX, &position);
	if (blob)
		g_assert_cmpuint(position.seq, ==, 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	if (input_byte(&input) == 'f')
		load(&input);
	else
		restore(&input);
	return 0;
}
