/* packed-refs of the cache: what was read and is written is read again as the same. */
#include "tests/fuzz/input.h"
#include "worker/store/anchors.h"

static gboolean is_same(gpointer name, gpointer oid, gpointer other)
{
	const git_oid *found = anchors_find(other, name);

	g_assert_nonnull(found);
	g_assert_true(git_oid_equal(found, oid));
	return FALSE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	scoped_value(anchors) anchors;
	scoped_value(anchors) again;
	g_autoptr(GError) error = NULL;

	input_start_git();
	anchors_init(&anchors);
	anchors_init(&again);
	input_write_file("packed-refs", &input);
	if (!anchors_read(&anchors, input_folder(), &error)) {
		g_assert_nonnull(error);
		return 0;
	}
	anchors_write(&anchors, input_folder(), &error);
	g_assert_no_error(error);
	anchors_read(&again, input_folder(), &error);
	g_assert_no_error(error);
	g_assert_cmpint(g_tree_nnodes(anchors.by_name), ==, g_tree_nnodes(again.by_name));
	g_tree_foreach(anchors.by_name, is_same, &again);
	return 0;
}
