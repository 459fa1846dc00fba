#ifndef FORGE_TESTS_REMOVAL_H
#define FORGE_TESTS_REMOVAL_H

#include <glib.h>
#include <glib/gstdio.h>

/** Removes PATH with everything in it. */
static inline void remove_all(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *inner = g_build_filename(path, name, NULL);

		remove_all(inner);
	}
	g_assert_cmpint(g_remove(path), ==, 0);
}

#endif
