#ifndef FORGE_TESTS_BENCH_SERVER_PROCESS_H
#define FORGE_TESTS_BENCH_SERVER_PROCESS_H

#include <glib.h>
#include <sys/types.h>

#include "journal/base/scope.h"

/** A server that a benchmark started, and ends by its process id. */
struct server_process {
	pid_t pid;
	char *folder; /**< for its files and its socket; a new one below the temporary folder */
	char *socket; /**< path of its Unix socket, in FOLDER */
};

/**
 * A new folder, named after NAME, with a server to come. server_process_start() is given the
 * command, whose first word is looked up in PATH, with ENVIRONMENT (`NAME=VALUE`, NULL at the end;
 * may be NULL) added to this process's.
 */
struct server_process *server_process_new(const char *name);
void server_process_start(
	struct server_process *server, const char *const *command, const char *const *environment);

/** Waits until somebody accepts connections at the server's socket. */
void server_process_await(struct server_process *server);

/** Ends it with SIGNAL and waits until it has ended; the folder stays. */
void server_process_end(struct server_process *server, int signal);

/** Bytes of memory it holds. */
double server_process_rss(const struct server_process *server);

/** Nanoseconds of processor time that its first thread has used: what a loaded machine changes
 * little. */
double server_process_cpu_ns(const struct server_process *server);

/** Ends the server if it runs, and removes its folder. */
void server_process_free(struct server_process *server);
SCOPED_POINTER(server_process, server_process_free)

/** `forge scheduler` with its journal in the folder, listening at the socket. Does not wait. */
struct server_process *server_process_forge(void);
void server_process_start_forge(struct server_process *server);
void server_process_start_forge_at(
	struct server_process *server, const char *endpoint, const char *server_key);

/** redis-server with one append-only file that is synced before each answer; NULL if it is not
 * installed. */
struct server_process *server_process_redis(void);

/** beanstalkd that syncs each job; NULL if it is not installed. */
struct server_process *server_process_beanstalkd(void);

#endif
