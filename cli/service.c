/*
 * The service manager's protocol, which is a datagram of lines: a library for it would be a
 * dependency for one call of sendto(). What cannot be sent is lost without a word; a manager that
 * does not listen is not the daemon's problem.
 */
#include "cli/service.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "journal/base/clock.h"

struct service {
	int descriptor; /* -1: there is no manager */
	struct sockaddr_un address;
	socklen_t address_size;
	int64_t watchdog_ms; /* between two signs of life; 0: no watchdog */
	int64_t told_ms;     /* the last one */
	gboolean joined;
	gint was_ready; /* atomic */
};

/* The value of NAME, which is then in the environment no more; NULL if there is none. */
static char *take_variable(const char *name)
{
	char *text = g_strdup(g_getenv(name));

	g_unsetenv(name);
	return text;
}

static gboolean set_address(struct service *service, const char *path)
{
	size_t length = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || length >= sizeof(service->address.sun_path))
		return FALSE;
	service->address.sun_family = AF_UNIX;
	memcpy(service->address.sun_path, path, length);
	/* The name of a socket that is in no file system begins with a NUL. */
	if (path[0] == '@')
		service->address.sun_path[0] = '\0';
	service->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return TRUE;
}

/* How often the watchdog wants to hear of this process: three times in its patience. */
static int64_t watchdog_interval(const char *patience_us, const char *process)
{
	guint64 us, pid;

	if (!patience_us || !g_ascii_string_to_unsigned(patience_us, 10, 1, G_MAXINT64, &us, NULL))
		return 0;
	if (process &&
		(!g_ascii_string_to_unsigned(process, 10, 0, G_MAXINT64, &pid, NULL) ||
			pid != (guint64)getpid()))
		return 0;
	return MAX(1, (int64_t)(us / 1000 / 3));
}

struct service *service_new(void)
{
	struct service *service = g_new0(struct service, 1);
	g_autofree char *path = take_variable("NOTIFY_SOCKET");
	g_autofree char *patience_us = take_variable("WATCHDOG_USEC");
	g_autofree char *process = take_variable("WATCHDOG_PID");

	service->descriptor = -1;
	if (path && set_address(service, path))
		service->descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	service->watchdog_ms = watchdog_interval(patience_us, process);
	return service;
}

void service_free(struct service *service)
{
	if (!service)
		return;
	if (service->descriptor >= 0)
		close(service->descriptor);
	g_free(service);
}

static void tell(const struct service *service, const char *lines)
{
	ssize_t sent;

	if (service->descriptor < 0)
		return;
	sent = sendto(service->descriptor, lines, strlen(lines), MSG_NOSIGNAL,
		(const struct sockaddr *)&service->address, service->address_size);
	(void)sent;
}

void service_ready(struct service *service, const char *status)
{
	g_autofree char *lines = g_strdup_printf("READY=1\nSTATUS=%s", status);

	g_atomic_int_set(&service->was_ready, 1);
	tell(service, lines);
}

void service_reloading(struct service *service)
{
	g_autofree char *lines = g_strdup_printf(
		"RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, clock_now().monotonic_ms * 1000);

	if (g_atomic_int_get(&service->was_ready))
		tell(service, lines);
}

void service_reloaded(struct service *service)
{
	if (g_atomic_int_get(&service->was_ready))
		tell(service, "READY=1");
}

void service_stopping(struct service *service, const char *status)
{
	g_autofree char *lines = g_strdup_printf("STOPPING=1\nSTATUS=%s", status);

	tell(service, lines);
}

void service_turned(struct service *service)
{
	int64_t now_ms;

	if (service->descriptor < 0 || service->watchdog_ms == 0)
		return;
	now_ms = clock_now().monotonic_ms;
	if (service->told_ms > 0 && now_ms < service->told_ms + service->watchdog_ms)
		return;
	service->told_ms = now_ms;
	tell(service, "WATCHDOG=1");
}

void service_worker_turned(struct service *service, gboolean joined)
{
	service_turned(service);
	if (joined == service->joined)
		return;
	service->joined = joined;
	if (!joined)
		tell(service, "STATUS=waiting for the scheduler");
	else if (g_atomic_int_get(&service->was_ready))
		tell(service, "STATUS=takes jobs");
	else
		service_ready(service, "takes jobs");
}
