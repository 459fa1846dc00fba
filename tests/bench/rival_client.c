/*
 * Clients of the servers that forge is compared with, as sparing as forge's own: commands are made
 * once, and of answers lines are counted.
 */
#include "tests/bench/rival_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 65536

static struct rival_client *connect_to(const char *socket_path, guint lines_per_answer)
{
	struct rival_client *client = g_new0(struct rival_client, 1);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	client->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, socket_path, strlen(socket_path));
	g_assert_cmpint(
		connect(client->descriptor, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	client->out = g_string_new(NULL);
	client->in = g_string_new(NULL);
	client->submission = g_string_new(NULL);
	client->lines_per_answer = lines_per_answer;
	return client;
}

struct rival_client *rival_client_redis(const char *socket, size_t job_bytes)
{
	/* The length of the entry's id, and the id. */
	struct rival_client *client = connect_to(socket, 2);
	g_autofree char *job = g_strnfill(job_bytes, 'j');

	g_string_printf(client->submission,
		"*5\r\n$4\r\nXADD\r\n$4\r\njobs\r\n$1\r\n*\r\n$3\r\njob\r\n$%zu\r\n%s\r\n",
		job_bytes, job);
	return client;
}

struct rival_client *rival_client_beanstalkd(const char *socket, size_t job_bytes)
{
	struct rival_client *client = connect_to(socket, 1);
	g_autofree char *job = g_strnfill(job_bytes, 'j');

	g_string_printf(client->submission, "put 0 0 60 %zu\r\n%s\r\n", job_bytes, job);
	return client;
}

void rival_client_free(struct rival_client *client)
{
	if (!client)
		return;
	close(client->descriptor);
	g_string_free(client->out, TRUE);
	g_string_free(client->in, TRUE);
	g_string_free(client->submission, TRUE);
	g_free(client);
}

void rival_client_submit(struct rival_client *client)
{
	g_string_append_len(client->out, client->submission->str, (gssize)client->submission->len);
	client->outstanding++;
}

void rival_client_add(struct rival_client *client, const char *text)
{
	g_string_append(client->out, text);
}

void rival_client_fill(struct rival_client *client, gboolean wait)
{
	char data[READ_BYTES];
	ssize_t n = recv(client->descriptor, data, sizeof(data), wait ? 0 : MSG_DONTWAIT);

	g_assert_true(n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	if (n > 0)
		g_string_append_len(client->in, data, n);
}

/* Answers are read meanwhile: a server that cannot get rid of them takes no more commands. */
void rival_client_flush(struct rival_client *client)
{
	struct pollfd both = {client->descriptor, POLLIN | POLLOUT, 0};
	size_t done = 0;

	while (done < client->out->len) {
		ssize_t n = send(client->descriptor, client->out->str + done,
			client->out->len - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		g_assert_true(n > 0 || errno == EINTR || errno == EAGAIN);
		done += n > 0 ? (size_t)n : 0;
		if (n > 0 || errno != EAGAIN)
			continue;
		g_assert_cmpint(poll(&both, 1, 30000), >, 0);
		if (both.revents & POLLIN)
			rival_client_fill(client, FALSE);
	}
	g_string_truncate(client->out, 0);
}

guint rival_client_take_submitted(struct rival_client *client)
{
	guint lines = 0, whole;
	gsize begin = 0, end = 0;

	rival_client_fill(client, FALSE);
	for (gsize i = 0; i < client->in->len; i++) {
		if (client->in->str[i] != '\n')
			continue;
		/* Ids, their lengths, and INSERTED; an error begins otherwise. */
		g_assert_nonnull(strchr("$0123456789I", client->in->str[begin]));
		begin = i + 1;
		if (++lines % client->lines_per_answer == 0)
			end = begin;
	}
	whole = lines / client->lines_per_answer;
	g_string_erase(client->in, 0, (gssize)end);
	client->outstanding -= whole;
	return whole;
}

void rival_client_command(struct rival_client *client, const char *command)
{
	g_string_append(client->out, command);
	g_string_append(client->out, "\r\n");
	rival_client_flush(client);
	do
		rival_client_fill(client, TRUE);
	while (client->in->str[client->in->len - 1] != '\n');
	g_assert_cmpint(client->in->str[0], !=, '-');
	g_string_truncate(client->in, 0);
}
