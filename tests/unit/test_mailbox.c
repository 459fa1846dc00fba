/* Requests that wait for their turn. */
#include <string.h>

#include "journal/base/limits.h"
#include "journal/message.h"
#include "scheduler/mailbox.h"

#define CLAIM(claim) g_test_add_func("/mailbox/" #claim, test_##claim)

static GBytes *pack_submission(guint n_targets)
{
	g_autofree char **targets = g_new(char *, MAX(n_targets, 1));
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Submit submit = FORGE__SUBMIT__INIT;

	for (guint i = 0; i < n_targets; i++)
		targets[i] = (char *)"a-fork-with-a-name";
	submit.targets = targets;
	submit.n_targets = n_targets;
	request.id = n_targets;
	request.kind_case = FORGE__REQUEST__KIND_SUBMIT;
	request.submit = &submit;
	return message_pack(&request.base);
}

static void test_small_and_large_requests_are_read_whole_again_and_again(void)
{
	static const guint sizes[] = {0, 1, 30, LIMIT_TARGETS_PER_REQUEST, 2, 0};
	scoped(mailbox) mailbox = mailbox_new();
	g_autoptr(GBytes) routing = g_bytes_new_static("peer", 4);

	for (guint round = 0; round < 3; round++) {
		struct letter *letters[G_N_ELEMENTS(sizes)];

		for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
			g_autoptr(GBytes) message = pack_submission(sizes[i]);

			letters[i] = mailbox_open(mailbox, g_bytes_ref(routing), message);
		}
		for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
			g_autoptr(GBytes) sent = pack_submission(sizes[i]);
			g_autoptr(GBytes) read = message_pack(&letters[i]->request->base);

			g_assert_true(g_bytes_equal(sent, read));
			g_assert_true(letters[i]->routing == routing);
			mailbox_drop(mailbox, letters[i]);
		}
	}
}

static void test_what_is_no_request_is_no_letter(void)
{
	scoped(mailbox) mailbox = mailbox_new();
	g_autoptr(GBytes) nonsense = g_bytes_new_static("\xff\xff\xff", 3);

	for (guint i = 0; i < 3; i++)
		g_assert_null(mailbox_open(mailbox, g_bytes_new_static("peer", 4), nonsense));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	CLAIM(small_and_large_requests_are_read_whole_again_and_again);
	CLAIM(what_is_no_request_is_no_letter);
	return g_test_run();
}
