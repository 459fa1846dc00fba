/*
 * The configuration as people write it: real files in a folder of their own, real environment
 * variables. Each row of the tables is one file and what must come of it.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/config.h"
#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

struct fixture {
	char *folder;
	char *path;
};

static void clear_environment(void)
{
	g_auto(GStrv) names = g_listenv();

	for (size_t i = 0; names[i]; i++)
		if (g_str_has_prefix(names[i], "FORGE_"))
			g_unsetenv(names[i]);
}

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	clear_environment();
	fixture->folder = g_dir_make_tmp("forge-config-XXXXXX", NULL);
	g_assert_nonnull(fixture->folder);
	fixture->path = g_build_filename(fixture->folder, "config.yaml", NULL);
	g_setenv("FORGE_HOME", fixture->folder, TRUE);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	clear_environment();
	g_remove(fixture->path);
	g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
	g_free(fixture->path);
	g_free(fixture->folder);
}

static void write_file(const struct fixture *fixture, const char *text)
{
	g_assert_true(g_file_set_contents(fixture->path, text, -1, NULL));
}

static struct config *load(const struct fixture *fixture, const char *text)
{
	g_autoptr(GError) error = NULL;
	struct config *config;

	write_file(fixture, text);
	config = config_load(NULL, &error);
	g_assert_no_error(error);
	g_assert_nonnull(config);
	return config;
}

/* The message without the folder in front: `config.yaml:3: …`. */
static void assert_refused(const struct fixture *fixture, const char *message)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *prefix = g_strconcat(fixture->folder, "/", NULL);
	scoped(config) config = config_load(NULL, &error);
	const char *text;

	g_assert_null(config);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID);
	text = g_str_has_prefix(error->message, prefix) ? error->message + strlen(prefix)
							: error->message;
	g_assert_cmpstr(text, ==, message);
}

static void test_nothing_configured_gives_the_defaults(
	struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(config) config = config_load(NULL, &error);
	const struct config_host *github;
	g_autofree char *journal = NULL;
	g_autofree char *expected = g_build_filename(fixture->folder, "journal", NULL);

	(void)unused;
	g_assert_no_error(error);
	g_assert_cmpstr(config->home, ==, fixture->folder);
	g_assert_cmpstr(config->path, ==, fixture->path);
	g_assert_null(config->scheduler_endpoint);
	g_assert_null(config->git_username);
	g_assert_cmpuint(config->worker_jobs, ==, 8);
	g_assert_cmpuint(config->worker_cache_bytes, ==, 20000000000);
	g_assert_cmpuint(config->network_connect_ms, ==, LIMIT_CONNECT_MS);
	g_assert_cmpuint(config->network_request_ms, ==, LIMIT_REQUEST_MS);
	g_assert_cmpuint(config->network_low_speed_ms, ==, LIMIT_LOW_SPEED_MS);
	g_assert_cmpuint(config->network_pack_bytes, ==, 4LL * 1024 * 1024 * 1024);
	g_assert_cmpstr(config->sync_conflict_resolution, ==, "manual");
	g_assert_cmpstr(config->sync_version_conflict, ==, "conflict");
	g_assert_false(config->sync_create_fork_if_no_access);
	g_assert_cmpstr(config->sync_default_commit_message, ==, "forge: update {component}");
	g_assert_cmpstr(config->log_level, ==, "info");
	journal = config_journal_path(config);
	g_assert_cmpstr(journal, ==, expected);
	github = config_host(config, "github.com");
	g_assert_nonnull(github);
	g_assert_cmpstr(github->api, ==, "https://api.github.com");
	g_assert_cmpstr(github->clone, ==, "https://github.com");
	g_assert_cmpstr(github->token_env, ==, "GITHUB_TOKEN");
	g_assert_null(config_host(config, "gitlab.com"));
}

static void test_every_key_of_the_file_is_read(struct fixture *fixture, gconstpointer unused)
{
	scoped(config) config = load(fixture,
		"git: {username: Jane Doe, email: jane@example.com}\n"
		"scheduler:\n"
		"  endpoint: tcp://scheduler.example.com:7700\n"
		"  server_key: \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\"\n"
		"worker: {jobs: 3, cache_size: 1GiB}\n"
		"hosts:\n"
		"  git.example.com:8443:\n"
		"    api: https://git.example.com:8443/api/v3\n"
		"    clone: file:///srv/git\n"
		"    token_env: EXAMPLE_TOKEN\n"
		"  other.example.com: {}\n"
		"sync:\n"
		"  conflict_resolution: manual\n"
		"  version_conflict: higher\n"
		"  create_fork_if_no_access: true\n"
		"  default_commit_message: \"update {component}\"\n"
		"network: {connect: 500ms, request: 2m, low_speed: 5s, max_pack: 10MB}\n"
		"log_level: debug\n"
		"journal: rocksdb:/var/lib/forge\n");
	const struct config_host *host = config_host(config, "GIT.example.com:8443");
	g_autofree char *journal = config_journal_path(config);

	(void)unused;
	g_assert_cmpstr(config->git_username, ==, "Jane Doe");
	g_assert_cmpstr(config->git_email, ==, "jane@example.com");
	g_assert_cmpstr(config->scheduler_endpoint, ==, "tcp://scheduler.example.com:7700");
	g_assert_cmpuint(strlen(config->scheduler_server_key), ==, 40);
	g_assert_cmpuint(config->worker_jobs, ==, 3);
	g_assert_cmpuint(config->worker_cache_bytes, ==, 1 << 30);
	g_assert_cmpstr(host->name, ==, "git.example.com:8443");
	g_assert_cmpstr(host->api, ==, "https://git.example.com:8443/api/v3");
	g_assert_cmpstr(host->clone, ==, "file:///srv/git");
	g_assert_cmpstr(host->token_env, ==, "EXAMPLE_TOKEN");
	host = config_host(config, "other.example.com");
	g_assert_cmpstr(host->clone, ==, "https://other.example.com");
	g_assert_null(host->token_env);
	g_assert_nonnull(config_host(config, "github.com"));
	g_assert_cmpstr(config->sync_version_conflict, ==, "higher");
	g_assert_true(config->sync_create_fork_if_no_access);
	g_assert_cmpstr(config->sync_default_commit_message, ==, "update {component}");
	g_assert_cmpuint(config->network_connect_ms, ==, 500);
	g_assert_cmpuint(config->network_request_ms, ==, 120000);
	g_assert_cmpuint(config->network_low_speed_ms, ==, 5000);
	g_assert_cmpuint(config->network_pack_bytes, ==, 10000000);
	g_assert_cmpstr(config->log_level, ==, "debug");
	g_assert_cmpstr(journal, ==, "/var/lib/forge");
}

static void test_a_github_that_is_configured_gets_no_token_by_default(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(config)
		config = load(fixture, "hosts:\n  github.com: {clone: 'http://127.0.0.1:8080'}\n");
	const struct config_host *host = config_host(config, "github.com");

	(void)unused;
	g_assert_cmpuint(config->hosts->len, ==, 1);
	g_assert_cmpstr(host->clone, ==, "http://127.0.0.1:8080");
	g_assert_null(host->token_env);
	g_assert_null(host->api);
}

static const struct {
	const char *text;
	const char *message;
} bad_files[] = {
	{"worker:\n  # how many\n  jobs: many\n",
		"config.yaml:3: worker.jobs: expected a whole number"},
	{"worker: {jobs: \"8\"}\n", "config.yaml:1: worker.jobs: expected a whole number"},
	{"worker: {jobs: 8.5}\n", "config.yaml:1: worker.jobs: expected a whole number"},
	{"worker: {jobs: -1}\n", "config.yaml:1: worker.jobs: expected a whole number"},
	{"worker: {jobs: 0}\n",
		"config.yaml:1: worker.jobs: expected a whole number from 1 to 256"},
	{"worker: {jobs: 257}\n",
		"config.yaml:1: worker.jobs: expected a whole number from 1 to 256"},
	{"worker: {job: 8}\n", "config.yaml:1: worker.job: unknown key; did you mean 'jobs'?"},
	{"\nwroker:\n  jobs: 8\n", "config.yaml:2: wroker: unknown key; did you mean 'worker'?"},
	{"worker.jobs: 8\n", "config.yaml:1: worker.jobs: unknown key"},
	{"worker: 8\n", "config.yaml:1: worker: expected a map of keys"},
	{"- worker\n", "config.yaml:1: expected a map of keys"},
	{"worker:\n  jobs: 8\n  jobs: 9\n", "config.yaml:3: duplicate key 'jobs'"},
	{"worker: {cache_size: 20 potatoes}\n",
		"config.yaml:1: worker.cache_size: expected a size such as 20GB"},
	{"worker: {cache_size: 99999999999TB}\n",
		"config.yaml:1: worker.cache_size: expected a size such as 20GB"},
	{"worker: {cache_size: 0}\n",
		"config.yaml:1: worker.cache_size: expected a size from 1B to 1024TiB"},
	{"network: {request: 30}\n",
		"config.yaml:1: network.request: expected a duration such as 30s"},
	{"network: {request: 0}\n",
		"config.yaml:1: network.request: expected a duration from 1ms to 7d"},
	{"network: {request: 8d}\n",
		"config.yaml:1: network.request: expected a duration from 1ms to 7d"},
	{"log_level: loud\n",
		"config.yaml:1: log_level: expected one of error, warning, info, debug"},
	{"journal: postgres\n", "config.yaml:1: journal: expected rocksdb or rocksdb:PATH"},
	{"journal: 'rocksdb:'\n", "config.yaml:1: journal: expected rocksdb or rocksdb:PATH"},
	{"sync: {create_fork_if_no_access: yes}\n",
		"config.yaml:1: sync.create_fork_if_no_access: expected true or false"},
	{"git: {username: ''}\n", "config.yaml:1: git.username: must not be empty"},
	{"git: {username: \"a\\nb\"}\n",
		"config.yaml:1: git.username: must not hold line breaks, control characters, < or >"},
	{"scheduler: {endpoint: 'tcp://127.0.0.1'}\n",
		"config.yaml:1: scheduler.endpoint: expected ipc:///PATH or tcp://HOST:PORT"},
	{"scheduler: {endpoint: 'tcp://127.0.0.1:70000'}\n",
		"config.yaml:1: scheduler.endpoint: expected ipc:///PATH or tcp://HOST:PORT"},
	{"scheduler: {endpoint: 'http://127.0.0.1:80'}\n",
		"config.yaml:1: scheduler.endpoint: expected ipc:///PATH or tcp://HOST:PORT"},
	{"scheduler:\n  endpoint: tcp://scheduler.example.com:7700\n",
		"config.yaml:2: scheduler.endpoint: off this machine it needs scheduler.server_key, which `forge config keys` prints there"},
	{"scheduler: {endpoint: 'tcp://127.0.0.1.example.com:1'}\n",
		"config.yaml:1: scheduler.endpoint: off this machine it needs scheduler.server_key, which `forge config keys` prints there"},
	{"scheduler: {endpoint: 'tcp://*:7700'}\n",
		"config.yaml:1: scheduler.endpoint: off this machine it needs scheduler.server_key, which `forge config keys` prints there"},
	{"scheduler: {server_key: short}\n",
		"config.yaml:1: scheduler.server_key: expected a CURVE public key of 40 characters (Z85)"},
	{"hosts:\n  h.example:\n    token: x\n",
		"config.yaml:3: hosts.h.example.token: unknown key"},
	{"hosts:\n  h.example:\n    clone: nowhere\n",
		"config.yaml:3: hosts.h.example.clone: expected the prefix of OWNER/NAME, such as https://github.com"},
	{"hosts:\n  h.example:\n    token_env: 9LIVES\n",
		"config.yaml:3: hosts.h.example.token_env: expected the name of an environment variable"},
	{"hosts: {'a/b': {}}\n", "config.yaml:1: hosts.a/b: expected the name of a host"},
	{"hosts: [github.com]\n", "config.yaml:1: hosts: expected a map of keys"},
	{"hosts: {github.com: https://github.com}\n",
		"config.yaml:1: hosts.github.com: expected a map of keys"},
	{"a: &a [1]\nb: *c\n", "config.yaml:2: the alias '*c' names no whole value before it"},
};

static void test_a_bad_file_is_refused_by_line_and_key(
	struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(bad_files); i++) {
		g_test_message("%s", bad_files[i].text);
		write_file(fixture, bad_files[i].text);
		assert_refused(fixture, bad_files[i].message);
	}
}

static void test_a_secret_in_the_wrong_place_is_not_repeated(
	struct fixture *fixture, gconstpointer unused)
{
	static const char *const files[] = {
		"hosts: {h.example: {token_env: ghp_s3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3t}}\n",
		"hosts: {h.example: {token_env: github_pat_s3cr3t}}\n",
		"hosts: {h.example: {token_env: s3cr3t89abcdef0123456789abcdef01234567}}\n",
		"hosts: {h.example: {token_env: 's3cr3t word'}}\n",
		"hosts: {h.example: {clone: 'https://jane:s3cr3t@h.example'}}\n",
		"hosts: {h.example: {clone: 'https://s3cr3t@h.example'}}\n",
		"hosts: {h.example: {clone: 'ssh://git:s3cr3t@h.example'}}\n",
		"hosts: {h.example: {api: 'https://jane:s3cr3t@h.example'}}\n",
		"hosts: {h.example: {token_env: \"s3cr3t\n",
		"hosts: s3cr3t\n",
	};

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autoptr(GError) error = NULL;
		scoped(config) config = NULL;

		write_file(fixture, files[i]);
		config = config_load(NULL, &error);
		g_assert_null(config);
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID);
		g_assert_null(strstr(error->message, "s3cr3t"));
	}
}

static const char *const good_endpoints[] = {
	"ipc:///run/forge/scheduler.sock",
	"tcp://127.0.0.1:7700",
	"tcp://127.3.2.1:1",
	"tcp://localhost:65535",
	"tcp://[::1]:7700",
};

static void test_loopback_needs_no_key(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(good_endpoints); i++) {
		g_autofree char *text = g_strdup_printf(
			"scheduler: {endpoint: '%s'}\n", good_endpoints[i]);
		scoped(config) config = load(fixture, text);

		g_assert_cmpstr(config->scheduler_endpoint, ==, good_endpoints[i]);
	}
}

static void test_the_environment_beats_the_file(struct fixture *fixture, gconstpointer unused)
{
	scoped(config) config = NULL;
	g_autofree char *journal = NULL;
	g_autofree char *here = g_get_current_dir();
	g_autofree char *expected = g_build_filename(here, "j", NULL);

	(void)unused;
	g_setenv("FORGE_WORKER_JOBS", "4", TRUE);
	g_setenv("FORGE_LOG_LEVEL", "warning", TRUE);
	g_setenv("FORGE_SCHEDULER_ENDPOINT", "ipc:///tmp/x", TRUE);
	g_setenv("FORGE_JOURNAL", "rocksdb:j", TRUE);
	g_setenv("FORGE_NETWORK_REQUEST", "1s", TRUE);
	g_setenv("FORGE_SYNC_CREATE_FORK_IF_NO_ACCESS", "true", TRUE);
	g_setenv("FORGE_GIT_USERNAME", "", TRUE);
	config = load(fixture, "worker: {jobs: 8}\nlog_level: debug\ngit: {username: Jane}\n");
	g_assert_cmpuint(config->worker_jobs, ==, 4);
	g_assert_cmpstr(config->log_level, ==, "warning");
	g_assert_cmpstr(config->scheduler_endpoint, ==, "ipc:///tmp/x");
	g_assert_cmpuint(config->network_request_ms, ==, 1000);
	g_assert_true(config->sync_create_fork_if_no_access);
	g_assert_cmpstr(config->git_username, ==, "Jane");
	journal = config_journal_path(config);
	g_assert_cmpstr(journal, ==, expected);
}

static void test_a_bad_variable_is_named(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	g_setenv("FORGE_WORKER_JOBS", "many", TRUE);
	assert_refused(fixture, "FORGE_WORKER_JOBS: expected a whole number");
	g_setenv("FORGE_WORKER_JOBS", "1000", TRUE);
	assert_refused(fixture, "FORGE_WORKER_JOBS: expected a whole number from 1 to 256");
	g_unsetenv("FORGE_WORKER_JOBS");
	g_setenv("FORGE_SCHEDULER_ENDPOINT", "tcp://192.0.2.1:7700", TRUE);
	assert_refused(fixture,
		"environment FORGE_SCHEDULER_ENDPOINT: scheduler.endpoint: off this machine it needs "
		"scheduler.server_key, which `forge config keys` prints there");
}

static void test_a_named_file_must_be_there(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(config) config = NULL;

	(void)unused;
	g_setenv("FORGE_CONFIG", fixture->path, TRUE);
	assert_refused(fixture, "config.yaml: No such file or directory");
	config = config_load("/nonexistent/other.yaml", &error);
	g_assert_null(config);
	g_assert_cmpstr(error->message, ==, "/nonexistent/other.yaml: No such file or directory");
}

static void test_a_journal_in_the_file_is_relative_to_it(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(config) config = load(fixture, "journal: rocksdb:deep/er\n");
	g_autofree char *journal = config_journal_path(config);
	g_autofree char *expected = g_build_filename(fixture->folder, "deep/er", NULL);

	(void)unused;
	g_assert_cmpstr(journal, ==, expected);
}

static void test_describe_names_the_source_of_each_value(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(config) config = NULL;
	scoped(value) rows = NULL;
	g_autoptr(GString) text = g_string_new(NULL);

	(void)unused;
	g_setenv("FORGE_LOG_LEVEL", "debug", TRUE);
	config = load(fixture, "worker:\n  jobs: 4\nhosts: {h.example: {clone: /srv}}\n");
	rows = config_describe(config);
	for (size_t i = 0; i < value_count(rows); i++) {
		const struct value *row = value_at(rows, i);
		const struct value *value = value_get(row, "value");
		g_autofree char *source = g_path_get_basename(
			value_string(value_get(row, "source")));

		if (value_kind(value) == VALUE_STRING)
			g_string_append_printf(text, "%s=%s (%s)\n",
				value_string(value_get(row, "key")), value_string(value), source);
	}
	g_assert_cmpstr(text->str, ==,
		"worker.jobs=4 (config.yaml:2)\n"
		"worker.cache_size=20GB (default)\n"
		"hosts.h.example.clone=/srv (config.yaml:3)\n"
		"hosts.github.com.api=https://api.github.com (default)\n"
		"hosts.github.com.clone=https://github.com (default)\n"
		"hosts.github.com.token_env=GITHUB_TOKEN (default)\n"
		"sync.conflict_resolution=manual (default)\n"
		"sync.version_conflict=conflict (default)\n"
		"sync.create_fork_if_no_access=false (default)\n"
		"sync.default_commit_message=forge: update {component} (default)\n"
		"sync.max_file=100MB (default)\n"
		"sync.minimum_age=0ms (default)\n"
		"network.connect=10s (default)\n"
		"network.request=15m (default)\n"
		"network.low_speed=30s (default)\n"
		"network.max_pack=4GiB (default)\n"
		"log_level=debug (environment FORGE_LOG_LEVEL)\n"
		"journal=rocksdb (default)\n");
}

#define ADD(name) g_test_add("/config/" #name, struct fixture, NULL, set_up, test_##name, tear_down)

/* Manual pages and completion live on it. */
static void test_every_key_says_what_it_is_for(struct fixture *fixture, gconstpointer unused)
{
	scoped(value) keys = config_keys();

	(void)fixture;
	(void)unused;
	g_assert_cmpuint(value_count(keys), >, 15);
	for (size_t i = 0; i < value_count(keys); i++) {
		const struct value *row = value_at(keys, i);
		const char *key = value_string(value_get(row, "key"));
		const struct value *about = value_get(row, "about");

		if (value_kind(about) != VALUE_STRING)
			g_error("%s says nothing about itself in the table of config.c", key);
		g_assert_cmpuint(strlen(value_string(value_get(row, "expects"))), >, 0);
	}
}

static void test_shared_configuration_lives_until_its_last_owner_lets_go(
	struct fixture *fixture, gconstpointer unused)
{
	struct config *config = load(fixture, "worker: {jobs: 3}\n");
	struct config *shared = config_share(config);

	(void)unused;
	config_free(config);
	g_assert_cmpuint(shared->worker_jobs, ==, 3);
	config_free(shared);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(nothing_configured_gives_the_defaults);
	ADD(every_key_of_the_file_is_read);
	ADD(a_github_that_is_configured_gets_no_token_by_default);
	ADD(a_bad_file_is_refused_by_line_and_key);
	ADD(a_secret_in_the_wrong_place_is_not_repeated);
	ADD(loopback_needs_no_key);
	ADD(the_environment_beats_the_file);
	ADD(a_bad_variable_is_named);
	ADD(a_named_file_must_be_there);
	ADD(a_journal_in_the_file_is_relative_to_it);
	ADD(describe_names_the_source_of_each_value);
	ADD(every_key_says_what_it_is_for);
	ADD(shared_configuration_lives_until_its_last_owner_lets_go);
	return g_test_run();
}
