/*
 * A scheduler and what its peers send. An input is a row of frames: a byte that says who sends it
 * (or that time passes, or that the scheduler is started again), two bytes of length, and a packed
 * Request. Whatever they say, each turn ends, its replies can be read, and the journal that it
 * leaves folds into the state that is held (core_fixture.c compares them after every turn).
 */
#include <string.h>

#include "tests/fuzz/input.h"
#include "tests/support/core_fixture.h"

#define FRAMES_MOST 24

enum frame {
	FRAME_PASS = 6, /* what is below it names the peer */
	FRAME_RESTART = 7,
	FRAME_KINDS = 8,
};

static const char *const peers[] = {"client", "other", "worker", "second", "stranger", "late"};

static void send_request(struct core *core, const char *from, const struct fuzz_input *frame)
{
	Forge__Request *request = forge__request__unpack(NULL, frame->size, frame->data);

	if (!request)
		return;
	/* These never reach a decision: the loop answers them (tail.c). */
	if (request->kind_case != FORGE__REQUEST__KIND__NOT_SET)
		core_ask_all(core, from, request, 1);
	forge__request__free_unpacked(request, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct core *core = core_new_with_client();

	core_greet_worker(core, "worker", 4);
	core_register(core, "client", "one");
	for (unsigned i = 0; i < FRAMES_MOST && input.size > 0; i++) {
		uint8_t kind = input_byte(&input) % FRAME_KINDS;
		size_t low = input_byte(&input);
		size_t bytes = low | (size_t)input_byte(&input) << 8;

		if (kind == FRAME_PASS) {
			core_pass(core, (int64_t)bytes);
		} else if (kind == FRAME_RESTART) {
			core_restart(core);
		} else {
			struct fuzz_input frame = input_bytes(&input, bytes);

			send_request(core, peers[kind], &frame);
		}
	}
	core_pass(core, 60000);
	core_free(core);
	return 0;
}
