#ifndef FORGE_CLI_COMMANDS_H
#define FORGE_CLI_COMMANDS_H

#include <glib.h>

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_LIST,
	OPTION_NUMBER,
};

/** One option, as commands.def has it. */
struct command_option {
	const char *name; /**< the long form; NULL ends a list of options */
	char letter;      /**< the short form; 0: none */
	enum option_kind kind;
	const char *argument; /**< what help calls the value; NULL for a flag */
	const char *help;     /**< NULL: understood, not shown */
	const char *choices; /**< the values there are, as `merge|rebase`; NULL: not a fixed list */
};

/** A command, or a group of commands (then `handled` is FALSE and nothing below summary is set). */
struct command {
	const char *words; /**< `fork sync` */
	const char *summary;
	gboolean handled;
	const char *synopsis; /**< of the arguments */
	guint least;          /**< arguments */
	guint most;           /**< arguments; G_MAXUINT: any number */
	const char *description;
	const struct command_option *options;
};

/** The table, in the order of help; COUNT rows. Static. */
const struct command *commands_table(size_t *count);

/** Options that every command takes. Ends with a NULL name. Static. */
const struct command_option *commands_global_options(void);

/** The row whose words are exactly WORDS; NULL if there is none. */
const struct command *commands_find(const char *words);

/** TRUE if COMMAND stands directly below PARENT in the tree
 * (`fork sync` below `fork`, `fork` below ""). */
gboolean command_is_child(const struct command *command, const char *parent);

/**
 * The words of the command or group below PARENT whose last word resembles WORD most; NULL if none
 * is near. Static.
 */
const char *commands_nearest(const char *parent, const char *word);

/** The name (without dashes) of COMMAND's or of a global
 * option that resembles NAME most, or NULL. Static. */
const char *commands_nearest_option(const struct command *command, const char *name);

#endif
