/*
 * Lock files: what a package manager resolved, whose parts refer to each other.
 *
 * Key by key, two resolutions always merge, often into one that nobody resolved: one side takes the
 * last use of a package away and its entry with it, the other begins to use it. So a lock file is
 * merged by key only if what the two sides changed has no name in common. A name is a word with
 * letters and something else in it (`@scope/name`, `name@1.2.3`), alone or between parentheses, and
 * a member that holds a version (`name: 1.2.3`). That is more than is needed, and refuses more.
 */
#include "worker/document/file_merge_lock.h"

#include <string.h>

#include "journal/base/hash.h"
#include "worker/document/value_merge.h"

#define BETWEEN_NAMES " \t\r\n()"

gboolean file_merge_is_lock(const char *path)
{
	static const char *const ends[] = {"-lock", "_lock", ".lock", "/lock", "-shrinkwrap"};
	g_autofree char *rooted = g_strconcat("/", path, NULL);
	g_autofree char *name = g_ascii_strdown(strrchr(rooted, '/'), -1);
	char *extension = strrchr(name, '.');

	if (extension)
		*extension = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
		if (g_str_has_suffix(name, ends[i]))
			return TRUE;
	return FALSE;
}

static gboolean is_name(const char *word, size_t size)
{
	gboolean letter = FALSE, other = FALSE;

	for (size_t i = 0; i < size; i++) {
		letter = letter || g_ascii_islower(word[i]);
		other = other || !g_ascii_isalpha(word[i]);
	}
	return letter && other;
}

static void add_words(GHashTable *names, const char *text)
{
	while (*text) {
		size_t size = strcspn(text, BETWEEN_NAMES);

		if (is_name(text, size))
			g_hash_table_add(names, g_strndup(text, size));
		text += size;
		text += strspn(text, BETWEEN_NAMES);
	}
}

/* Every name in VALUE, which stands at KEY. */
static void add_names(GHashTable *names, const char *key, const struct value *value)
{
	add_words(names, key);
	if (value_kind(value) == VALUE_STRING) {
		const char *text = value_string(value);

		add_words(names, text);
		if (g_ascii_isdigit(*text))
			g_hash_table_add(names,
				g_strdup_printf(
					"%s@%.*s", key, (int)strcspn(text, BETWEEN_NAMES), text));
		return;
	}
	for (size_t i = 0; i < value_count(value); i++)
		add_names(names, value_kind(value) == VALUE_MAP ? value_key_at(value, i) : "",
			value_at(value, i));
}

/* Every name in what SIDE changed of BASE, which both stand at KEY and may be NULL. */
static void add_changes(
	GHashTable *names, const char *key, const struct value *base, const struct value *side)
{
	if (value_same(base, side))
		return;
	if (!base || !side || value_kind(base) != VALUE_MAP || value_kind(side) != VALUE_MAP) {
		if (base)
			add_names(names, key, base);
		if (side)
			add_names(names, key, side);
		return;
	}
	for (size_t i = 0; i < value_count(base); i++)
		add_changes(names, value_key_at(base, i), value_at(base, i),
			value_get(side, value_key_at(base, i)));
	for (size_t i = 0; i < value_count(side); i++)
		if (!value_get(base, value_key_at(side, i)))
			add_changes(names, value_key_at(side, i), NULL, value_at(side, i));
}

gboolean file_merge_is_entangled(
	const struct value *base, const struct value *ours, const struct value *theirs)
{
	g_autoptr(GHashTable)
		mine = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable)
		others = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	GHashTableIter iterator;
	gpointer name;

	if (!base)
		return TRUE;
	add_changes(mine, "", base, ours);
	add_changes(others, "", base, theirs);
	g_hash_table_iter_init(&iterator, mine);
	while (g_hash_table_iter_next(&iterator, &name, NULL))
		if (g_hash_table_contains(others, name))
			return TRUE;
	return FALSE;
}
