/*
 * ZeroMQ accepts without a bound, and a process without descriptors cannot write its journal. So
 * connections are counted, and at the bound the listening TCP socket gets a packet filter that lets
 * nothing through: whoever comes then is not answered by the kernel, and tries again; those who are
 * connected notice nothing. Who does not shake hands in LIMIT_HANDSHAKE_MS makes room.
 *
 * A thread of its own does this, since the one that reads messages may be busy with a disk while
 * thousands come. It shares nothing: it ends when ZeroMQ says that there is nothing more to see.
 */
#include "queue/bus_crowd.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <zmq.h>

#include "journal/base/limits.h"

/* The thread's own, once it runs. */
struct bus_crowd {
	void *socket;  /* the one that listens; only to stop looking */
	void *monitor; /* what happens to connections */
	GThread *thread;
	int listening; /* descriptor; -1: none, or none that can be closed to newcomers */
	gint64 connections;
	gint64 connections_max;
	gboolean closed;
};

/* What a process may have open, less what it needs for itself. */
static gint64 most_connections(void)
{
	struct rlimit limit;
	gint64 left;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return LIMIT_CONNECTIONS;
	left = (gint64)limit.rlim_cur - LIMIT_DESCRIPTORS_KEPT;
	return CLAMP(left, LIMIT_CONNECTIONS_LEAST, LIMIT_CONNECTIONS);
}

/* Each connection is a descriptor, so there are no more than these, whatever was counted: a door that
 * closed for connections that are gone would stay closed. */
static gint64 open_descriptors(void)
{
	GDir *folder = g_dir_open("/proc/self/fd", 0, NULL);
	gint64 count = 0;

	if (!folder)
		return G_MAXINT64;
	while (g_dir_read_name(folder))
		count++;
	g_dir_close(folder);
	return count;
}

static void open_or_close(struct bus_crowd *crowd)
{
	struct sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = {.len = 1, .filter = &drop_all};
	gboolean full;
	int none = 0;

	if (crowd->listening < 0)
		return;
	if (crowd->connections >= crowd->connections_max && !crowd->closed)
		crowd->connections = MIN(crowd->connections, open_descriptors());
	full = crowd->connections >= crowd->connections_max;
	if (full == crowd->closed)
		return;
	/* Open again only once there is some room, not at each one who leaves. */
	if (!full && crowd->connections > crowd->connections_max - crowd->connections_max / 16)
		return;
	if (full ? setsockopt(crowd->listening, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			   sizeof(filter)) != 0
		 : setsockopt(crowd->listening, SOL_SOCKET, SO_DETACH_FILTER, &none,
			   sizeof(none)) != 0) {
		g_warning("cannot bound the connections: %s", g_strerror(errno));
		crowd->listening = -1;
		return;
	}
	crowd->closed = full;
	if (full)
		g_warning("no further connections are accepted connections=%" G_GINT64_FORMAT
			  " most=%" G_GINT64_FORMAT,
			crowd->connections, crowd->connections_max);
	else
		g_message("connections are accepted again connections=%" G_GINT64_FORMAT,
			crowd->connections);
}

/* An event is its number and a value, and a frame with the address. */
static gboolean receive_event(void *monitor, uint16_t *event, int32_t *value)
{
	uint8_t frame[sizeof(*event) + sizeof(*value)];
	char address[LIMIT_ENDPOINT_BYTES];

	if (zmq_recv(monitor, frame, sizeof(frame), 0) != (int)sizeof(frame))
		return FALSE;
	memcpy(event, frame, sizeof(*event));
	memcpy(value, frame + sizeof(*event), sizeof(*value));
	return zmq_recv(monitor, address, sizeof(address), 0) >= 0;
}

static void take_event(struct bus_crowd *crowd, uint16_t event, int32_t value)
{
	switch (event) {
	case ZMQ_EVENT_LISTENING:
		crowd->listening = value;
		break;
	case ZMQ_EVENT_ACCEPTED:
		crowd->connections++;
		break;
	case ZMQ_EVENT_DISCONNECTED:
		crowd->connections = MAX(crowd->connections - 1, 0);
		break;
	}
	open_or_close(crowd);
}

static gpointer watch(gpointer data)
{
	struct bus_crowd *crowd = data;
	uint16_t event = 0;
	int32_t value;

	while (event != ZMQ_EVENT_MONITOR_STOPPED)
		if (receive_event(crowd->monitor, &event, &value))
			take_event(crowd, event, value);
		else if (errno == ETERM)
			break;
	zmq_close(crowd->monitor);
	return NULL;
}

struct bus_crowd *bus_crowd_new(void *context, void *socket)
{
	struct bus_crowd *crowd = g_new0(struct bus_crowd, 1);
	g_autofree char *name = g_strdup_printf("inproc://crowd-%p", socket);
	const int none = 0, unbounded = 0;
	int result;

	crowd->socket = socket;
	crowd->listening = -1;
	crowd->connections_max = most_connections();
	result = zmq_socket_monitor(socket, name,
		ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
			ZMQ_EVENT_MONITOR_STOPPED);
	g_assert(result == 0);
	crowd->monitor = zmq_socket(context, ZMQ_PAIR);
	g_assert(crowd->monitor);
	zmq_setsockopt(crowd->monitor, ZMQ_LINGER, &none, sizeof(none));
	/* ZeroMQ's own thread would wait for a full one; each connection has but two events. */
	zmq_setsockopt(crowd->monitor, ZMQ_RCVHWM, &unbounded, sizeof(unbounded));
	result = zmq_connect(crowd->monitor, name);
	g_assert(result == 0);
	crowd->thread = g_thread_new("crowd", watch, crowd);
	return crowd;
}

void bus_crowd_free(struct bus_crowd *crowd)
{
	if (!crowd)
		return;
	zmq_socket_monitor(crowd->socket, NULL, 0);
	g_thread_join(crowd->thread);
	g_free(crowd);
}
