/* Trees of values that are changed and compared. */
#include "journal/base/value.h"

#include <glib.h>

static void a_large_map_finds_its_members_after_some_went(void)
{
	scoped(value) map = value_new_map();
	size_t at;

	for (int i = 0; i < 40; i++) {
		g_autofree char *key = g_strdup_printf("k%d", i);

		value_put_integer(map, key, i);
	}
	value_remove_at(map, 0);
	value_remove_at(map, 20);
	value_remove_at(map, value_count(map) - 1);
	g_assert_cmpuint(value_count(map), ==, 37);
	g_assert_null(value_get(map, "k0"));
	g_assert_null(value_get(map, "k21"));
	g_assert_null(value_get(map, "k39"));
	for (size_t i = 0; i < value_count(map); i++) {
		g_assert_true(value_find(map, value_key_at(map, i), &at));
		g_assert_cmpuint(at, ==, i);
	}
	value_put_integer(map, "k0", 7);
	g_assert_cmpint(value_integer(value_get(map, "k0")), ==, 7);
}

static void items_come_in_and_are_replaced_in_their_place(void)
{
	scoped(value) list = value_new_list();

	value_insert_take(list, 0, value_new_integer(2));
	value_insert_take(list, 0, value_new_integer(1));
	value_insert_take(list, 2, value_new_integer(4));
	value_replace_take(list, 2, value_new_integer(3));
	for (size_t i = 0; i < 3; i++)
		g_assert_cmpint(value_integer(value_at(list, i)), ==, (int64_t)i + 1);
}

static void values_are_equal_by_kind_content_and_order(void)
{
	scoped(value) one = value_new_integer(1);
	scoped(value) same = value_new_integer(1);
	scoped(value) real = value_new_real(1);
	scoped(value) ab = value_new_map();
	scoped(value) ba = value_new_map();
	scoped(value) copy = NULL;

	value_set_written(same, "0x1");
	g_assert_true(value_equal(one, same));
	g_assert_false(value_equal(one, real));
	value_put_integer(ab, "a", 1);
	value_put_integer(ab, "b", 2);
	value_put_integer(ba, "b", 2);
	value_put_integer(ba, "a", 1);
	copy = value_copy(ab);
	g_assert_true(value_equal(ab, copy));
	g_assert_false(value_equal(ab, ba));
	value_replace_take(copy, 1, value_new_null());
	g_assert_false(value_equal(ab, copy));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/value/a_large_map_finds_its_members_after_some_went",
		a_large_map_finds_its_members_after_some_went);
	g_test_add_func("/value/items_come_in_and_are_replaced_in_their_place",
		items_come_in_and_are_replaced_in_their_place);
	g_test_add_func("/value/values_are_equal_by_kind_content_and_order",
		values_are_equal_by_kind_content_and_order);
	return g_test_run();
}
