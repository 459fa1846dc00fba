#ifndef FORGE_CLI_INVOCATION_H
#define FORGE_CLI_INVOCATION_H

#include <glib.h>
#include <stdint.h>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "journal/base/config.h"

enum output_format {
	OUTPUT_TABLE, /**< for people */
	OUTPUT_JSON,
	OUTPUT_YAML,
	OUTPUT_JSONL,
};

/** The value of one option; which member counts is told by its kind. */
struct option_value {
	gboolean given;
	char *text;
	char **list;
	uint64_t number;
};

/** One command line, parsed: what a handler gets. */
struct invocation {
	char *words;                   /**< of the command or group; "" for none */
	const struct command *command; /**< NULL if words name none or a group */
	gboolean help;
	gboolean version;

	char **arguments; /**< valid UTF-8, NULL-terminated */
	guint argument_count;

	enum output_format format;
	gboolean quiet;
	gboolean verbose;
	struct terminal terminal;

	struct option_value *global_values;   /**< parallel to commands_global_options() */
	struct option_value *command_values;  /**< parallel to command->options */
	struct config *config;                /**< once invocation_config() was called */
	struct workspace_lock *workspace_use; /**< once workspace_connect() was called; or NULL */
};

/**
 * A handler: returns the exit status. If it sets ERROR, the status it returned counts for nothing:
 * the error is shown and the status is that of its code.
 */
typedef int command_handler(struct invocation *invocation, GError **error);

struct invocation *invocation_new(const struct terminal *terminal);
void invocation_free(struct invocation *invocation);
SCOPED_POINTER(invocation, invocation_free)

/**
 * Parses ARGV (ARGC words, the first is the program). USAGE says what is wrong, with the nearest
 * word if there is one; words and format hold then what was understood, so that the error can be
 * shown as asked.
 */
gboolean invocation_parse(struct invocation *invocation, int argc, char **argv, GError **error);

/** TRUE if the command has an option NAME at all. */
gboolean invocation_has_option(const struct invocation *invocation, const char *name);

/** TRUE if option NAME of the command (a flag, or any
 * other) was given. NAME must be in the table. */
gboolean invocation_flag(const struct invocation *invocation, const char *name);

/** The value of option NAME, or NULL. Borrowed. */
const char *invocation_text(const struct invocation *invocation, const char *name);

/** The values of option NAME, NULL-terminated; NULL if it was not given. Borrowed. */
char **invocation_list(const struct invocation *invocation, const char *name);

/** The value of option NAME, or FALLBACK. */
uint64_t invocation_number(
	const struct invocation *invocation, const char *name, uint64_t fallback);

/** The same, refusing more than MOST with USAGE. */
gboolean invocation_number_within(const struct invocation *invocation, const char *name,
	uint64_t fallback, uint64_t most, uint64_t *number, GError **error);

/** The file that --config names, or NULL. Borrowed. */
const char *invocation_config_option(const struct invocation *invocation);

/** The configuration, read at the first call. Borrowed. */
const struct config *invocation_config(struct invocation *invocation, GError **error);

/** The configuration as it is now, read once more from the same place. Caller frees. */
struct config *invocation_read_config(const struct invocation *invocation, GError **error);

#endif
