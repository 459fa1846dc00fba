#ifndef FORGE_CLI_COMPLETION_H
#define FORGE_CLI_COMPLETION_H

#include <glib.h>

#include "journal/base/scope.h"

/** What besides the candidates may stand where the cursor is: names that somebody has to look up. */
enum completion_names {
	COMPLETION_NOTHING,
	COMPLETION_FORKS,
	COMPLETION_COMPONENTS, /**< of the workspace */
	COMPLETION_BATCHES,
	COMPLETION_FILES,
	COMPLETION_FOLDERS,
};

/** How a command line may go on. */
struct completion {
	GPtrArray *candidates; /**< of char *, owned: a word, and behind a tab what it is about */
	enum completion_names names;
	char *typed;  /**< what there is of the word; names must begin so */
	char *before; /**< what stands before it in the same word of the shell: `--strategy=` */
};

/**
 * How the command line WORDS (NULL-terminated, without the program) may go on in its last word,
 * which may be empty. From the table of commands alone. A shell that splits `--strategy=me` into
 * three words (bash) is understood too. Caller frees.
 */
struct completion *completion_of(char **words);
void completion_free(struct completion *completion);
SCOPED_POINTER(completion, completion_free)

/** Adds WORD, with ABOUT (or NULL), if it begins with what was typed and holds nothing that a shell
 * would take for anything but a word. */
void completion_add(struct completion *completion, const char *word, const char *about);

#endif
