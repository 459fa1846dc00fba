/*
 * What forge is told by its configuration file and its environment.
 *
 * The table below is the only list of keys: names, types, bounds, defaults and environment
 * variables (FORGE_SECTION_KEY) all come from it. Environment beats file beats default, and the
 * source of each value is kept, so that an error and `forge config show` can name it. Values are
 * checked here once; the rest of forge believes them.
 */
#include "journal/base/config.h"

#include <string.h>

#include "journal/base/config_check.h"
#include "journal/base/document.h"
#include "journal/base/field.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const resolutions[] = {"manual", "merge", "ours", "theirs", "union", NULL};
static const char *const version_rules[] = {"conflict", "higher", "replay", "ours", "theirs", NULL};

#define HOST(member) offsetof(struct config_host, member)

static const struct field host_fields[] = {
	{"api", FIELD_STRING, HOST(api), .min = 1, .check = config_check_api,
		.about = "base URL of the host's API"},
	{"clone", FIELD_STRING, HOST(clone), .min = 1, .check = config_check_clone,
		.about =
			"prefix of OWNER/NAME: http, https, ssh or file address, `git@host`, or a folder; "
			"without it, `https://HOST`"},
	{"token_env", FIELD_STRING, HOST(token_env), .min = 1, .check = config_check_token_variable,
		.about = "name of the environment variable that holds the host's token; never the "
			 "token itself"},
};

static const struct field_table host_table = {
	.fields = host_fields,
	.count = G_N_ELEMENTS(host_fields),
	.size = sizeof(struct config_host),
	.name_offset = HOST(name),
};

#define AT(member) offsetof(struct config, member)
#define WAIT .min = 1, .max = LIMIT_CONFIGURED_WAIT_MS
#define SIZE .min = 1, .max = LIMIT_CONFIGURED_BYTES

static const struct field fields[] = {
	{"git.username", FIELD_STRING, AT(git_username), .min = 1, .max = LIMIT_NAME_BYTES,
		.check = config_check_identity,
		.about = "author and committer of commits that forge makes; unset: as git says"},
	{"git.email", FIELD_STRING, AT(git_email), .min = 1, .max = LIMIT_NAME_BYTES,
		.check = config_check_identity,
		.about = "mail address in the same commits; unset: as git says"},
	{"scheduler.endpoint", FIELD_STRING, AT(scheduler_endpoint), .min = 1,
		.check = config_check_endpoint,
		.about =
			"where the scheduler listens and everybody else connects: `ipc:///PATH`, or "
			"`tcp://HOST:PORT`; unset: embedded in each command"},
	{"scheduler.server_key", FIELD_STRING, AT(scheduler_server_key), .min = 1,
		.check = config_check_server_key,
		.about = "public key (CURVE) of the scheduler, for an endpoint off this machine"},
	{"worker.jobs", FIELD_COUNT, AT(worker_jobs), .fallback = "8", .min = 1,
		.max = LIMIT_WORKER_JOBS, .about = "how many jobs run at once"},
	{"worker.cache_size", FIELD_BYTES, AT(worker_cache_bytes), .fallback = "20GB", SIZE,
		.about = "what the cache may grow to; what was used longest ago goes first"},
	{"hosts", FIELD_NAMED, AT(hosts), .max = LIMIT_HOSTS, .items = &host_table,
		.about = "git hosts by name, and how each is reached"},
	{"sync.conflict_resolution", FIELD_STRING, AT(sync_conflict_resolution),
		.fallback = "manual", .words = resolutions,
		.about = "what becomes of conflicts that a pull leaves"},
	{"sync.version_conflict", FIELD_STRING, AT(sync_version_conflict), .fallback = "conflict",
		.words = version_rules, .about = "which version stands where both sides moved it"},
	{"sync.create_fork_if_no_access", FIELD_BOOLEAN, AT(sync_create_fork_if_no_access),
		.fallback = "false",
		.about = "whether a push makes a fork where upstream may not be written to"},
	{"sync.default_commit_message", FIELD_STRING, AT(sync_default_commit_message),
		.fallback = "forge: update {component}", .min = 1,
		.about = "message of a push without --message; {component} is its name"},
	{"sync.max_file", FIELD_BYTES, AT(sync_file_bytes), .fallback = "100MB", SIZE,
		.about = "the largest file that a component may have"},
	{"sync.minimum_age", FIELD_DURATION, AT(sync_minimum_age_ms), .fallback = "0s",
		.max = LIMIT_CONFIGURED_AGE_MS,
		.about =
			"versions younger than that, since their tag was first seen, are not chosen"},
	{"network.connect", FIELD_DURATION, AT(network_connect_ms), .fallback = "10s", WAIT,
		.about = "longest time until a connection stands"},
	{"network.request", FIELD_DURATION, AT(network_request_ms), .fallback = "15m", WAIT,
		.about = "longest time for one transfer"},
	{"network.low_speed", FIELD_DURATION, AT(network_low_speed_ms), .fallback = "30s", WAIT,
		.about = "longest time for which a transfer may stand still"},
	{"network.max_pack", FIELD_BYTES, AT(network_pack_bytes), .fallback = "4GiB", SIZE,
		.about = "most that one fetch may bring"},
	{"log_level", FIELD_STRING, AT(log_level), .fallback = "info", .words = log_levels,
		.about = "what the daemons log"},
	{"journal", FIELD_STRING, AT(journal), .fallback = "rocksdb", .min = 1,
		.check = config_check_journal,
		.about = "where the journal is: `rocksdb` (in the home) or `rocksdb:PATH`"},
};

static const struct field_table table = {
	.fields = fields,
	.count = G_N_ELEMENTS(fields),
	.size = sizeof(struct config),
};

#define DEFAULT_SOURCE "default"
#define JOURNAL_PREFIX "rocksdb:"

/* ---- where things are --------------------------------------------------------------------- */

/* An environment variable that is set to nothing is not set. */
static const char *variable(const char *name)
{
	const char *text = g_getenv(name);

	return text && *text ? text : NULL;
}

static char *find_home(void)
{
	const char *home = variable("FORGE_HOME");

	return home ? g_canonicalize_filename(home, NULL)
		    : g_build_filename(g_get_home_dir(), ".forge", NULL);
}

static char *variable_of(const struct field *field)
{
	g_autofree char *upper = g_ascii_strup(field->path, -1);

	return g_strconcat("FORGE_", g_strdelimit(upper, ".", '_'), NULL);
}

static size_t place_of(const char *path)
{
	for (size_t i = 0; i < table.count; i++)
		if (strcmp(fields[i].path, path) == 0)
			return i;
	g_assert_not_reached();
}

/* The source of the field called PATH, which may be `default`. */
static const char *source_of(const struct config *config, const char *path)
{
	return config->sources[place_of(path)];
}

/* ---- file --------------------------------------------------------------------------------- */

/* What stands in the file at PATH; an empty document where it need not be there and is not. */
static struct value *read_file(const char *path, gboolean named, GError **error)
{
	if (!named && !g_file_test(path, G_FILE_TEST_EXISTS))
		return value_new_null();
	return document_read_file(path, FORGE_ERROR_CONFIGURATION_INVALID, error);
}

static struct config *read_config(const char *path, gboolean named, GError **error)
{
	const struct document_origin origin = {
		.name = path, .invalid = FORGE_ERROR_CONFIGURATION_INVALID};
	scoped(value) document = read_file(path, named, error);
	unsigned lines[G_N_ELEMENTS(fields)];
	struct config *config = document ? field_read(&table, document, &origin, lines, error)
					 : NULL;

	if (!config)
		return NULL;
	config->path = g_strdup(path);
	config->sources = g_new0(char *, table.count + 1);
	for (size_t i = 0; i < table.count; i++)
		config->sources[i] = lines[i] ? g_strdup_printf("%s:%u", path, lines[i])
					      : g_strdup(DEFAULT_SOURCE);
	return config;
}

/* ---- environment -------------------------------------------------------------------------- */

static gboolean read_environment(struct config *config, GError **error)
{
	for (size_t i = 0; i < table.count; i++) {
		g_autofree char *name = variable_of(&fields[i]);
		const char *text = variable(name);
		const struct document_origin origin = {
			.name = name, .invalid = FORGE_ERROR_CONFIGURATION_INVALID};

		if (!text || fields[i].type == FIELD_NAMED)
			continue;
		if (!field_set(&fields[i], config, text, &origin, error))
			return FALSE;
		g_free(config->sources[i]);
		config->sources[i] = g_strdup_printf("environment %s", name);
	}
	return TRUE;
}

/* ---- what concerns several values --------------------------------------------------------- */

static gboolean check_endpoint(const struct config *config, GError **error)
{
	if (!config->scheduler_endpoint || config->scheduler_server_key ||
		!config_endpoint_is_remote(config->scheduler_endpoint))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
		"%s: scheduler.endpoint: off this machine it needs scheduler.server_key, which "
		"`forge config keys` prints there",
		source_of(config, "scheduler.endpoint"));
	return FALSE;
}

static gboolean check_hosts(const struct config *config, GError **error)
{
	for (guint i = 0; i < config->hosts->len; i++) {
		const struct config_host *host = g_ptr_array_index(config->hosts, i);
		const char *wrong = config_check_host(host->name);

		if (!wrong)
			continue;
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
			"%s: hosts.%s: %s", source_of(config, "hosts"), host->name, wrong);
		return FALSE;
	}
	return TRUE;
}

static void add_github(struct config *config)
{
	struct config_host *host = field_new(&host_table);

	host->name = g_strdup("github.com");
	host->api = g_strdup("https://api.github.com");
	host->clone = g_strdup("https://github.com");
	host->token_env = g_strdup("GITHUB_TOKEN");
	host->built_in = TRUE;
	g_ptr_array_add(config->hosts, host);
}

/*
 * A host without an address is reached by https under its name. github.com is known unless it is
 * configured; then nothing is added to it, so that its token goes nowhere it was not sent by name.
 */
static void complete_hosts(struct config *config)
{
	for (guint i = 0; i < config->hosts->len; i++) {
		struct config_host *host = g_ptr_array_index(config->hosts, i);

		if (!host->clone)
			host->clone = g_strconcat("https://", host->name, NULL);
	}
	if (!config_host(config, "github.com"))
		add_github(config);
}

/* A relative path means the folder of the file that says
 * it, and in the environment the current one. */
static void complete_journal(struct config *config)
{
	g_autofree char *folder = g_path_get_dirname(config->path);
	g_autofree char *absolute = NULL;
	const char *path = config->journal + strlen(JOURNAL_PREFIX);
	gboolean from_file = !g_str_has_prefix(source_of(config, "journal"), "environment ");

	if (!g_str_has_prefix(config->journal, JOURNAL_PREFIX))
		return;
	if (g_str_has_prefix(path, "~/"))
		absolute = g_canonicalize_filename(path + strlen("~/"), g_get_home_dir());
	else
		absolute = g_canonicalize_filename(path, from_file ? folder : NULL);
	g_free(config->journal);
	config->journal = g_strconcat(JOURNAL_PREFIX, absolute, NULL);
}

/* Everything else would only fail later, and say less. */
static gboolean check_home(const char *home, GError **error)
{
	if (!g_file_test(home, G_FILE_TEST_EXISTS) || g_file_test(home, G_FILE_TEST_IS_DIR))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
		"%s: '%s' is no folder; forge keeps its journal and caches in it",
		variable("FORGE_HOME") ? "FORGE_HOME" : "the home of forge", home);
	return FALSE;
}

/* ---- public ------------------------------------------------------------------------------- */

char *config_file_path(const char *path)
{
	g_autofree char *home = find_home();

	path = path ? path : variable("FORGE_CONFIG");
	return path ? g_canonicalize_filename(path, NULL)
		    : g_build_filename(home, "config.yaml", NULL);
}

struct config *config_load(const char *path, GError **error)
{
	scoped(config) config = NULL;
	g_autofree char *home = find_home();
	g_autofree char *file = config_file_path(path);

	if (!check_home(home, error))
		return NULL;
	config = read_config(file, path || variable("FORGE_CONFIG"), error);
	if (!config)
		return NULL;
	config->home = g_steal_pointer(&home);
	if (!read_environment(config, error) || !check_endpoint(config, error) ||
		!check_hosts(config, error))
		return NULL;
	complete_hosts(config);
	complete_journal(config);
	return g_steal_pointer(&config);
}

struct config *config_share(const struct config *config)
{
	struct config *shared = (struct config *)config;

	g_atomic_int_inc(&shared->further_owners);
	return shared;
}

void config_free(struct config *config)
{
	if (!config || g_atomic_int_add(&config->further_owners, -1) > 0)
		return;
	g_free(config->home);
	g_free(config->path);
	g_free(config->workspace);
	g_strfreev(config->sources);
	field_free(&table, config);
}

const struct config_host *config_host(const struct config *config, const char *name)
{
	for (guint i = 0; i < config->hosts->len; i++) {
		const struct config_host *host = g_ptr_array_index(config->hosts, i);

		if (g_ascii_strcasecmp(host->name, name) == 0)
			return host;
	}
	return NULL;
}

static void describe(struct value *list, const char *key, const char *text, const char *source)
{
	struct value *row = value_new_map();
	g_autofree char *shown = text ? log_redact(text, NULL) : NULL;

	value_put_string(row, "key", key);
	value_put_string(row, "value", shown);
	value_put_string(row, "source", source);
	value_append_take(list, row);
}

static void describe_hosts(struct value *list, const struct config *config)
{
	for (guint i = 0; i < config->hosts->len; i++) {
		const struct config_host *host = g_ptr_array_index(config->hosts, i);

		for (size_t j = 0; j < host_table.count; j++) {
			g_autofree char *key = g_strdup_printf(
				"hosts.%s.%s", host->name, host_fields[j].path);
			g_autofree char *text = field_text(&host_fields[j], host);

			describe(list, key, text,
				host->built_in ? DEFAULT_SOURCE : source_of(config, "hosts"));
		}
	}
}

struct value *config_describe(const struct config *config)
{
	struct value *list = value_new_list();

	for (size_t i = 0; i < table.count; i++) {
		g_autofree char *text = field_text(&fields[i], config);

		if (fields[i].type == FIELD_NAMED)
			describe_hosts(list, config);
		else
			describe(list, fields[i].path, text, config->sources[i]);
	}
	return list;
}

static void list_key(struct value *list, const char *prefix, const struct field *field)
{
	struct value *row = value_new_map();
	g_autofree char *key = g_strconcat(prefix, field->path, NULL);
	g_autofree char *variable_name = *prefix ? NULL : variable_of(field);
	g_autofree char *expects = field_expects(field);
	g_autofree char *words = field->words ? g_strjoinv("|", (char **)field->words) : NULL;

	if (!words && field->type == FIELD_BOOLEAN)
		words = g_strdup("true|false");
	value_put_string(row, "key", key);
	value_put_string(row, "about", field->about);
	value_put_string(row, "expects", expects);
	value_put_string(row, "choices", words);
	value_put_string(row, "default", field->fallback);
	value_put_string(row, "variable", variable_name);
	value_append_take(list, row);
}

struct value *config_keys(void)
{
	struct value *list = value_new_list();

	for (size_t i = 0; i < table.count; i++) {
		if (fields[i].type != FIELD_NAMED) {
			list_key(list, "", &fields[i]);
			continue;
		}
		for (size_t j = 0; j < fields[i].items->count; j++)
			list_key(list, "hosts.HOST.", &fields[i].items->fields[j]);
	}
	return list;
}

void config_enter_workspace(struct config *config, const char *root)
{
	g_free(config->workspace);
	config->workspace = g_strdup(root);
	g_free(config->journal);
	config->journal = g_strconcat(JOURNAL_PREFIX, root, "/.forge/journal", NULL);
	g_clear_pointer(&config->scheduler_endpoint, g_free);
}

char *config_journal_path(const struct config *config)
{
	if (g_str_has_prefix(config->journal, JOURNAL_PREFIX))
		return g_strdup(config->journal + strlen(JOURNAL_PREFIX));
	return g_build_filename(config->home, "journal", NULL);
}
