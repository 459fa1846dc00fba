#ifndef FORGE_JOURNAL_BASE_CONFIG_H
#define FORGE_JOURNAL_BASE_CONFIG_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "journal/base/value.h"

/** How one git host is reached (`hosts:` of the configuration). */
struct config_host {
	char *name;        /**< as in HOST/OWNER/NAME */
	char *api;         /**< base URL of its API; NULL: none */
	char *clone;       /**< prefix of OWNER/NAME: `https://github.com`, `file:///srv/git` */
	char *token_env;   /**< name of the variable that holds the token; NULL: none */
	gboolean built_in; /**< known without being configured */
};

/** Everything a process of forge may be told, from file and
 * environment; see config.c for the table of keys. */
struct config {
	char *home; /**< FORGE_HOME, absolute: journal/, cache/, keys */
	char *path; /**< the file that was read, or would be; absolute */

	char *git_username; /**< NULL: as git says */
	char *git_email;

	char *scheduler_endpoint; /**< NULL: embedded */
	char *scheduler_server_key;

	uint64_t worker_jobs; /**< jobs at once */
	uint64_t worker_cache_bytes;

	GPtrArray *hosts; /**< of struct config_host, in the order of the file */

	char *sync_conflict_resolution;
	char *sync_version_conflict;
	gboolean sync_create_fork_if_no_access;
	char *sync_default_commit_message;
	uint64_t sync_file_bytes;     /**< the largest file of a component */
	uint64_t sync_minimum_age_ms; /**< younger versions are not chosen; 0: all may be */

	uint64_t network_connect_ms;   /**< until a connection stands */
	uint64_t network_request_ms;   /**< one whole request, whatever moves */
	uint64_t network_low_speed_ms; /**< a transfer that stands still for so long ends */
	uint64_t network_pack_bytes;   /**< the largest pack that is taken */

	char *log_level;
	char *journal;   /**< `rocksdb`, `rocksdb:PATH` with PATH absolute */
	char *workspace; /**< root of the workspace whose journal that is; NULL: of none. In no
			    file: see config_enter_workspace() */

	char **sources; /**< where each value came from, for config_describe() */

	gint further_owners; /**< atomic; see config_share() */
};

/**
 * Reads PATH (NULL: $FORGE_CONFIG, else config.yaml in the home), then the environment
 * (FORGE_SECTION_KEY). A file that was named and is not there is an error; a default one that is
 * not there is not. CONFIGURATION_INVALID names file, line and key (`config.yaml:3: worker.jobs:
 * expected a whole number`), and for an unknown key the nearest one.
 */
struct config *config_load(const char *path, GError **error);

/** The file that config_load(PATH) reads, absolute, be it there or not. Caller frees. */
char *config_file_path(const char *path);

/** CONFIG for one more owner, who calls config_free() too; from then on it is not changed. From any
 * thread. */
struct config *config_share(const struct config *config);
void config_free(struct config *config);
SCOPED_POINTER(config, config_free)

/** The host called NAME, or NULL. */
const struct config_host *config_host(const struct config *config, const char *name);

/**
 * Every value in effect and where it came from, as a list of `{"key": "worker.jobs", "value": "8",
 * "source": S}` in the order of the table; S is `FILE:LINE`, `environment FORGE_WORKER_JOBS` or
 * `default`, and what is not set is a null. What might be a secret is not shown. Caller frees.
 */
struct value *config_describe(const struct config *config);

/**
 * Every key there is, in the order of the table, as a list of `{"key", "about", "expects",
 * "choices", "default", "variable"}`: texts, or null where there is none; choices as `a|b`. Keys of
 * a host are `hosts.HOST.clone`. Caller frees.
 */
struct value *config_keys(void);

/**
 * Makes CONFIG that of commands in the workspace at ROOT (absolute): its own journal, never a
 * scheduler somewhere else.
 */
void config_enter_workspace(struct config *config, const char *root);

/** Folder of the journal: what `journal:` says, else `journal` in the home. Caller frees. */
char *config_journal_path(const struct config *config);

#endif
