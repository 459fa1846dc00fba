/* Copies of generated messages. */
#include <string.h>

#include "journal/arena.h"
#include "journal/message.h"

#define CLAIM(claim) g_test_add_func("/message/" #claim, test_##claim)

/* Of nearly everything that fields can be: numbers, texts, empty ones, parts, lists, a oneof. */
static Forge__Event *make_event(void)
{
	Forge__Event *event = g_new(Forge__Event, 1);
	Forge__BatchOpened *opened = g_new(Forge__BatchOpened, 1);

	forge__event__init(event);
	forge__batch_opened__init(opened);
	event->kind_case = FORGE__EVENT__KIND_BATCH_OPENED;
	event->batch_opened = opened;
	message_set_string(&opened->batch, "batch");
	opened->kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	opened->not_before_us = UINT64_MAX;
	opened->all_forks = TRUE;
	opened->arguments = g_new(Forge__BatchArguments, 1);
	forge__batch_arguments__init(opened->arguments);
	opened->arguments->n_branches = 2;
	opened->arguments->branches = g_new(char *, 2);
	opened->arguments->branches[0] = g_strdup("main");
	opened->arguments->branches[1] = g_strdup("");
	return event;
}

static void assert_same(const ProtobufCMessage *message, const ProtobufCMessage *copy)
{
	g_autoptr(GBytes) packed = message_pack(message);
	g_autoptr(GBytes) copied = message_pack(copy);

	g_assert_true(g_bytes_equal(packed, copied));
}

static void test_a_copy_shares_nothing_with_what_it_was_made_of(void)
{
	Forge__Event *event = make_event();
	Forge__Event *same = make_event();
	Forge__Event *copy = message_copy(&event->base);

	assert_same(&event->base, &copy->base);
	memset(event->batch_opened->batch, '?', strlen("batch"));
	memset(event->batch_opened->arguments->branches[0], '?', strlen("main"));
	forge__event__free_unpacked(event, NULL);
	assert_same(&same->base, &copy->base);
	forge__event__free_unpacked(copy, NULL);
	forge__event__free_unpacked(same, NULL);
}

static void test_bytes_are_copied_too(void)
{
	static const uint8_t packed[] = {1 << 3, 7, 2 << 3 | 2, 3, 'a', 0, 'b'};
	Forge__BaseChunk *chunk = forge__base_chunk__unpack(NULL, sizeof(packed), packed);
	Forge__BaseChunk *copy = message_copy(&chunk->base);
	Forge__BaseChunk empty = FORGE__BASE_CHUNK__INIT;
	Forge__BaseChunk *none = message_copy(&empty.base);

	memset(chunk->image.data, '?', chunk->image.len);
	forge__base_chunk__free_unpacked(chunk, NULL);
	g_assert_cmpuint(copy->image.len, ==, 3);
	g_assert_true(memcmp(copy->image.data, packed + 4, 3) == 0);
	g_assert_cmpuint(none->image.len, ==, 0);
	g_assert_null(none->image.data);
	forge__base_chunk__free_unpacked(copy, NULL);
	forge__base_chunk__free_unpacked(none, NULL);
}

static void test_a_copy_in_an_arena_goes_with_it(void)
{
	Forge__Event *event = make_event();
	struct arena *arena = arena_new();
	Forge__Event *copy = message_copy_to(&event->base, arena_allocator(arena));

	assert_same(&event->base, &copy->base);
	forge__event__free_unpacked(event, NULL);
	arena_free(arena);
}

/* A peer of a later version may send what this build does not know. */
static void test_fields_without_a_name_are_not_copied(void)
{
	static const uint8_t later[] = {1 << 3, 7, 15 << 3, 1}; /* batch 7, and field 15 */
	Forge__JobId *id = forge__job_id__unpack(NULL, sizeof(later), later);
	Forge__JobId *copy = message_copy(&id->base);

	g_assert_cmpuint(id->base.n_unknown_fields, ==, 1);
	g_assert_cmpuint(copy->batch, ==, 7);
	g_assert_cmpuint(copy->base.n_unknown_fields, ==, 0);
	forge__job_id__free_unpacked(id, NULL);
	forge__job_id__free_unpacked(copy, NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	CLAIM(a_copy_shares_nothing_with_what_it_was_made_of);
	CLAIM(bytes_are_copied_too);
	CLAIM(a_copy_in_an_arena_goes_with_it);
	CLAIM(fields_without_a_name_are_not_copied);
	return g_test_run();
}
