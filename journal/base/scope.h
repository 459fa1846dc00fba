#ifndef FORGE_JOURNAL_BASE_SCOPE_H
#define FORGE_JOURNAL_BASE_SCOPE_H

#include <glib.h>

/*
 * g_autoptr for struct tags: GLib's own wants a typedef, whose name would shadow every variable
 * called like it.
 *
 *     SCOPED_POINTER(journal, journal_close)            in journal.h
 *     scoped(journal) journal = journal_open(...);      freed at the end of its scope;
 * g_steal_pointer() takes it out
 *
 *     SCOPED_VALUE(tree_merge, tree_merge_clear)        for a caller's struct
 *     scoped_value(tree_merge) merge = {0};
 */
#define SCOPED_POINTER(tag, free_function) \
	static inline G_GNUC_UNUSED void scoped_free_##tag(struct tag **pointer) \
	{ \
		if (*pointer) \
			free_function(*pointer); \
	}
#define scoped(tag) __attribute__((cleanup(scoped_free_##tag))) struct tag *

#define SCOPED_VALUE(tag, clear_function) \
	static inline G_GNUC_UNUSED void scoped_clear_##tag(struct tag *value) \
	{ \
		clear_function(value); \
	}
#define scoped_value(tag) __attribute__((cleanup(scoped_clear_##tag))) struct tag

#endif
