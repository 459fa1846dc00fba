/*
 * Why an entry of the lock moved, in a few words. The first of these that holds is the reason a
 * person looks for: something that needs it no longer takes the old one; the old one is not to be
 * had any more; it was asked to move; nobody had it before; what it needed did not go with the
 * rest.
 */
#include "worker/dependency/change_reasons.h"

#include <string.h>

void resolved_need_free(gpointer data)
{
	struct resolved_need *need = data;

	g_free(need->component);
	g_free(need->constraint);
	g_free(need);
}

/* The first of ENTRIES that needs NAME, and, if OBJECTS, does not take what it was. */
static const struct resolved_entry *who_needs(const GPtrArray *entries, const char *name,
	gboolean objects, const struct resolved_need **how)
{
	for (guint i = 0; i < entries->len; i++) {
		const struct resolved_entry *entry = entries->pdata[i];

		for (guint j = 0; j < entry->needs->len; j++) {
			const struct resolved_need *need = entry->needs->pdata[j];

			if (strcmp(need->component, name) != 0 || (objects && need->allows_before))
				continue;
			*how = need;
			return entry;
		}
	}
	return NULL;
}

static char *needed_by(const struct resolved_entry *by, const struct resolved_need *how)
{
	return g_strdup_printf("%s %s needs it%s%s%s", by->name, by->shown,
		*how->constraint ? " (" : "", how->constraint, *how->constraint ? ")" : "");
}

static char *why_new(const struct resolved_entry *entry, const GPtrArray *entries)
{
	const struct resolved_need *how = NULL;
	const struct resolved_entry *by = entry->listed_constraint
		? NULL
		: who_needs(entries, entry->name, FALSE, &how);

	return by ? needed_by(by, how) : g_strdup("it was asked for");
}

char *change_reason(const struct resolved_entry *entry, const GPtrArray *entries)
{
	const struct resolved_need *how = NULL;
	const struct resolved_entry *by;

	if (!entry->moved)
		return NULL;
	if (!entry->shown_before)
		return why_new(entry, entries);
	if (entry->exactly)
		return g_strdup_printf("%s is asked for", entry->exactly);
	by = who_needs(entries, entry->name, TRUE, &how);
	if (by)
		return needed_by(by, how);
	if (entry->listed_constraint && !entry->listed_allows_before)
		return g_strdup_printf("%s is asked for", entry->listed_constraint);
	if (!entry->before_is_there)
		return g_strdup_printf("%s is not there any more", entry->shown_before);
	if (entry->named)
		return g_strdup("the newest that all who need it allow");
	return g_strdup_printf("%s did not go with the others", entry->shown_before);
}
