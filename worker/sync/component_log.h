#ifndef FORGE_WORKER_SYNC_COMPONENT_LOG_H
#define FORGE_WORKER_SYNC_COMPONENT_LOG_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/* What the workspace's repository remembers of a component. Ids are hexadecimal; NAME is installed
 * in the workspace at ROOT, or it is COMPONENT_NOT_FOUND. Reading changes nothing. */

/** Where a component stands in its history. */
struct component_head {
	char *base;      /**< commit for upstream's version */
	char *base_tree; /**< its files */
	char *local;     /**< newest checkpoint; NULL: none */
	char *tree;      /**< files of the newest checkpoint, else of the base */
};
void component_head_clear(struct component_head *head);
SCOPED_VALUE(component_head, component_head_clear)

gboolean component_head_read(
	const char *root, const char *name, struct component_head *head, GError **error);

enum log_kind {
	LOG_CHECKPOINT,
	LOG_BASE,    /**< upstream's version that the component is based on */
	LOG_EARLIER, /**< one that it was based on before */
};

/** A commit of a component's history. Texts are valid UTF-8, but may hold control characters. */
struct log_entry {
	enum log_kind kind;
	char *id;
	char *upstream; /**< the commit that a base stands for; NULL for a checkpoint */
	char *author;
	char *subject;
	int64_t time_s; /**< since 1970; a base's is upstream's */
};

/** Checkpoints since the base, the base, then earlier bases, newest first, at most LIMIT (0:
 * LIMIT_LOCAL_COMMITS). A GPtrArray of struct log_entry. BROKEN_REPOSITORY. Caller unrefs. */
GPtrArray *component_log(const char *root, const char *name, uint32_t limit, GError **error);

/** The id of the checkpoint, or of the base, that TEXT is the beginning of (of the base also
 * upstream's id); at least four digits. CHECKPOINT_NOT_FOUND; VALIDATION_FAILED if several are
 * meant. Caller frees. */
char *component_log_find(const char *root, const char *name, const char *text, GError **error);

struct stash_entry {
	uint32_t number;
	char *id;
	char *tree;   /**< the files that it keeps */
	char *parent; /**< tree of the commit that they were changed from */
	char *subject;
	int64_t time_s;
};

/** The stashes, newest first: a GPtrArray of struct stash_entry. Caller unrefs. */
GPtrArray *component_stashes(const char *root, const char *name, GError **error);

#endif
