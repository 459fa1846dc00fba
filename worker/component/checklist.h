#ifndef FORGE_WORKER_COMPONENT_CHECKLIST_H
#define FORGE_WORKER_COMPONENT_CHECKLIST_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/document.h"

/**
 * Reads fields of a document that may hold keys nobody knows, and goes on after a wrong one, so
 * that all that is wrong with a file can be listed at once.
 */
struct checklist {
	const struct document_origin *origin;
	GPtrArray *problems; /**< of char *: `component.yaml:7: metadata.name: is missing` */
	unsigned more;       /**< problems beyond LIMIT_COMPONENT_PROBLEMS */
};

/** A map of the document and its path there, `dependencies.tools[1]`; empty for the whole. */
struct checked_map {
	const struct value *map;
	const char *path;
};

void checklist_init(struct checklist *list, const struct document_origin *origin);
void checklist_clear(struct checklist *list);
SCOPED_VALUE(checklist, checklist_clear)

/** Notes that MESSAGE is wrong with the member KEY (NULL: with the map itself) of WHERE. */
void checklist_note(struct checklist *list, struct checked_map where, const char *key,
	unsigned line, const char *format, ...) G_GNUC_PRINTF(5, 6);

/** TRUE if nothing was noted; else ERROR is the first problem and says how many more there are. */
gboolean checklist_end(const struct checklist *list, GError **error);

enum checked_need {
	CHECKED_OPTIONAL,
	CHECKED_REQUIRED,
};

/**
 * The member KEY as text, NULL if there is none. A number without quotes counts as it is written, a
 * null as not there. CHECK may be NULL, or says what is wrong with a text (static). Caller frees.
 */
char *checklist_text(struct checklist *list, struct checked_map where, const char *key,
	enum checked_need need, const char *(*check)(const char *text));

/** The member KEY, a map respectively a list of at most ITEMS_MAX items; NULL if there is none.
 * Borrowed. */
const struct value *checklist_map(
	struct checklist *list, struct checked_map where, const char *key);
const struct value *checklist_list(
	struct checklist *list, struct checked_map where, const char *key, size_t items_max);

/**
 * Item AT of LIST (the member KEY of WHERE), which must be a map. *PATH is made for it, freed by
 * the caller. FALSE if it is none.
 */
gboolean checklist_item(struct checklist *list, struct checked_map where, const char *key,
	const struct value *items, size_t at, char **path, struct checked_map *item);

/** The member KEY, a list of at most ITEMS_MAX texts that pass CHECK; NULL-terminated, or NULL.
 * Caller frees. */
char **checklist_texts(struct checklist *list, struct checked_map where, const char *key,
	size_t items_max, const char *(*check)(const char *text));

/**
 * Notes keys of WHERE that look like one of KEYS mistyped. Other unknown keys are let be: a file
 * may have been written for a newer forge, or for somebody else as well.
 */
void checklist_mistyped(struct checklist *list, struct checked_map where, const char *const *keys);

#endif
