/*
 * Servers for tests of what speaks HTTP: a real one for git, and one that says exactly what it is
 * told to, however wrong. Both listen before they are handed out, so nothing waits for them to come
 * up.
 */
#include "tests/unit/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_on_loopback(guint *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)(void *)&address, size), ==, 0);
	g_assert_cmpint(listen(fd, 64), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)(void *)&address, &size), ==, 0);
	*port = ntohs(address.sin_port);
	return fd;
}

char *run_in(const char *folder, const char *format, ...)
{
	g_autofree char *command = NULL;
	g_auto(GStrv) environment = g_get_environ();
	g_autoptr(GError) error = NULL;
	char *output = NULL;
	int status = 0;
	va_list arguments;

	va_start(arguments, format);
	command = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	environment = g_environ_setenv(environment, "GIT_AUTHOR_NAME", "Sam", TRUE);
	environment = g_environ_setenv(environment, "GIT_AUTHOR_EMAIL", "sam@example.org", TRUE);
	environment = g_environ_setenv(environment, "GIT_COMMITTER_NAME", "Sam", TRUE);
	environment = g_environ_setenv(environment, "GIT_COMMITTER_EMAIL", "sam@example.org", TRUE);
	environment = g_environ_setenv(environment, "GIT_TERMINAL_PROMPT", "0", TRUE);

	const char *argv[] = {"/bin/sh", "-ec", command, NULL};
	g_spawn_sync(folder, (char **)argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL,
		&status, &error);
	g_assert_no_error(error);
	if (!g_spawn_check_wait_status(status, &error))
		g_error("%s: %s", command, error->message);
	return output;
}

/* ---- lighttpd
 * ----------------------------------------------------------------------------------------------------
 */

struct git_server {
	char *folder;
	char *url;
	GPid pid;
};

static const char configuration[] =
	"server.document-root = \"@FOLDER@/www\"\n"
	"server.bind = \"127.0.0.1\"\n"
	"server.port = @PORT@\n"
	"server.systemd-socket-activation = \"enable\"\n"
	"server.errorlog = \"@FOLDER@/error.log\"\n"
	"server.breakagelog = \"@FOLDER@/cgi.log\"\n"
	"server.modules = (\"mod_auth\", \"mod_authn_file\", \"mod_redirect\", \"mod_alias\", \"mod_setenv\", "
	"\"mod_rewrite\", \"mod_cgi\")\n"
	"mimetype.assign = (\"\" => \"text/html\")\n"
	"url.redirect = (\"^/old/(.*)\" => \"/git/$1\")\n"
	"alias.url = (\"/git/\" => \"@BACKEND@/\", \"/v0/\" => \"@BACKEND@/\", \"/private/\" => \"@BACKEND@/\")\n"
	"auth.backend = \"plain\"\n"
	"auth.backend.plain.userfile = \"@FOLDER@/users\"\n"
	"$HTTP[\"url\"] =~ \"^/page/\" { url.rewrite-once = (\"\" => \"/page.html\") }\n"
	"$HTTP[\"url\"] =~ \"^/(git|v0|private)/\" {\n"
	"	cgi.assign = (\"\" => \"\")\n"
	"	setenv.set-environment = (\"GIT_PROJECT_ROOT\" => \"@FOLDER@/git\", \"GIT_HTTP_EXPORT_ALL\" => \"1\", "
	"\"HOME\" => \"@FOLDER@\")\n"
	"}\n"
	"$HTTP[\"url\"] =~ \"^/v0/\" {\n"
	"	setenv.set-environment = (\"GIT_PROJECT_ROOT\" => \"@FOLDER@/git\", \"GIT_HTTP_EXPORT_ALL\" => \"1\", "
	"\"HOME\" => \"@FOLDER@\", \"GIT_PROTOCOL\" => \"version=0\")\n"
	"}\n"
	"$HTTP[\"url\"] =~ \"^/private/\" { auth.require = (\"\" => (\"method\" => \"basic\", "
	"\"realm\" => \"git\", \"require\" => \"valid-user\")) }\n";

/* A test that aborts must not leave servers behind. */
static void die_with_parent(gpointer unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* Starts ARGV in FOLDER with the socket as its descriptor 3; closes it here. */
static GPid spawn_with_socket(const char *folder, const char *const *argv, int socket)
{
	g_autoptr(GError) error = NULL;
	int target = 3;
	GPid pid = 0;

	g_spawn_async_with_pipes_and_fds(folder, argv, NULL,
		G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, die_with_parent, NULL, -1, -1, -1,
		&socket, &target, 1, &pid, NULL, NULL, NULL, &error);
	g_assert_no_error(error);
	close(socket);
	return pid;
}

static void write_file(const char *folder, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void write_configuration(const char *folder, guint port)
{
	g_autoptr(GString) text = g_string_new(configuration);
	g_autofree char *number = g_strdup_printf("%u", port);

	g_string_replace(text, "@FOLDER@", folder, 0);
	g_string_replace(text, "@PORT@", number, 0);
	g_string_replace(text, "@BACKEND@", "/usr/lib/git-core/git-http-backend", 0);
	write_file(folder, "lighttpd.conf", text->str);
}

struct git_server *git_server_new(void)
{
	static const char *const argv[] = {"/bin/sh", "-c",
		"export LISTEN_PID=$$ LISTEN_FDS=1; exec lighttpd -D -f lighttpd.conf 2>start.log",
		NULL};
	struct git_server *server = g_new0(struct git_server, 1);
	g_autoptr(GError) error = NULL;
	guint port;
	int source = listen_on_loopback(&port);

	server->folder = g_dir_make_tmp("forge-http-XXXXXX", &error);
	g_assert_no_error(error);
	server->url = g_strdup_printf("http://127.0.0.1:%u", port);
	g_free(run_in(server->folder, "mkdir git www"));
	write_configuration(server->folder, port);
	write_file(server->folder, "users", "sam:secret-word\n");
	write_file(server->folder, "www/page.html",
		"<!DOCTYPE html>\n<p>Welcome to our login page.\n");

	/* lighttpd takes over a socket that listens already, as systemd would hand it over. */
	server->pid = spawn_with_socket(server->folder, argv, source);
	return server;
}

void git_server_free(struct git_server *server)
{
	if (!server)
		return;
	kill(server->pid, SIGTERM);
	waitpid(server->pid, NULL, 0);
	g_free(run_in("/", "rm -rf '%s'", server->folder));
	g_free(server->folder);
	g_free(server->url);
	g_free(server);
}

const char *git_server_url(const struct git_server *server)
{
	return server->url;
}

const char *git_server_folder(const struct git_server *server)
{
	return server->folder;
}

char *git_server_repository(struct git_server *server, const char *name)
{
	char *path = g_build_filename(server->folder, "git", name, NULL);

	if (!g_file_test(path, G_FILE_TEST_IS_DIR))
		g_free(run_in(server->folder,
			"git init -q --bare -b main '%s'; git -C '%s' config http.receivepack true",
			path, path));
	return path;
}

/* ---- nginx
 * -------------------------------------------------------------------------------------------------------
 */

struct tls_server {
	char *folder;
	char *url;
	char *certificate;
	GPid pid;
};

static const char tls_configuration[] =
	"daemon off; worker_processes 1; user @USER@; pid @FOLDER@/pid; error_log @FOLDER@/error.log;\n"
	"events {}\n"
	"http {\n"
	"	access_log @FOLDER@/access.log;\n"
	"	client_body_temp_path @FOLDER@/body; proxy_temp_path @FOLDER@/proxy; fastcgi_temp_path @FOLDER@/f;\n"
	"	uwsgi_temp_path @FOLDER@/u; scgi_temp_path @FOLDER@/s;\n"
	"	client_max_body_size 0;\n"
	"	server {\n"
	"		listen 127.0.0.1:@PORT@ ssl http2;\n"
	"		ssl_certificate @FOLDER@/certificate.pem; ssl_certificate_key @FOLDER@/key.pem;\n"
	"		location / { proxy_pass @BEHIND@; proxy_http_version 1.1; proxy_buffering off; }\n"
	"	}\n"
	"}\n";

struct tls_server *tls_server_new(const struct git_server *behind)
{
	static const char *const argv[] = {"/bin/sh", "-c",
		"NGINX='3;' exec nginx -p . -c \"$PWD/nginx.conf\" 2>start.log", NULL};
	g_autofree char *nginx = g_find_program_in_path("nginx");
	g_autofree char *openssl = g_find_program_in_path("openssl");
	g_autoptr(GString) text = g_string_new(tls_configuration);
	g_autofree char *number = NULL;
	struct tls_server *server;
	guint port;
	int socket;

	if (!nginx || !openssl)
		return NULL;
	server = g_new0(struct tls_server, 1);
	socket = listen_on_loopback(&port);
	number = g_strdup_printf("%u", port);
	server->folder = g_build_filename(behind->folder, "tls", NULL);
	server->url = g_strdup_printf("https://localhost:%u", port);
	server->certificate = g_build_filename(server->folder, "certificate.pem", NULL);
	g_free(run_in(behind->folder,
		"mkdir tls; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tls/key.pem -out tls/certificate.pem -days 2 "
		"-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null"));
	g_string_replace(text, "@FOLDER@", server->folder, 0);
	g_string_replace(text, "@PORT@", number, 0);
	g_string_replace(text, "@USER@", g_get_user_name(), 0);
	g_string_replace(text, "@BEHIND@", behind->url, 0);
	write_file(server->folder, "nginx.conf", text->str);
	/* nginx takes over a socket as from an older nginx that it replaces. */
	server->pid = spawn_with_socket(server->folder, argv, socket);
	return server;
}

void tls_server_free(struct tls_server *server)
{
	if (!server)
		return;
	kill(server->pid, SIGTERM);
	waitpid(server->pid, NULL, 0);
	g_free(server->folder);
	g_free(server->url);
	g_free(server->certificate);
	g_free(server);
}

const char *tls_server_url(const struct tls_server *server)
{
	return server->url;
}

const char *tls_server_certificate(const struct tls_server *server)
{
	return server->certificate;
}

/* ---- canned
 * ------------------------------------------------------------------------------------------------------
 */

struct canned_server {
	int socket;
	char *url;
	const struct canned_answer *answers;
	guint n_answers;
	GThread *thread;
	pthread_mutex_t lock; /* not GMutex: the thread sanitizer does not see through it */
	pthread_cond_t changed;
	GPtrArray *requests; /* of char * */
	guint connections;
};

/* Reads one request whole, as far as its headers tell its length; NULL if the client left. */
static char *read_request(int fd)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char block[4096];

	for (;;) {
		const char *end = strstr(text->str, "\r\n\r\n");
		const char *length = strstr(text->str, "Content-Length: ");
		guint64 wanted = length
			? g_ascii_strtoull(length + strlen("Content-Length: "), NULL, 10)
			: 0;
		gssize n;

		if (end && text->len >= (gsize)(end + 4 - text->str) + wanted)
			return g_string_free(g_steal_pointer(&text), FALSE);
		n = read(fd, block, sizeof(block));
		if (n <= 0)
			return NULL;
		g_string_append_len(text, block, n);
	}
}

static gboolean send_all(int fd, const char *bytes, gsize size)
{
	while (size > 0) {
		gssize n = send(fd, bytes, size, MSG_NOSIGNAL);

		if (n <= 0)
			return FALSE;
		bytes += n;
		size -= (gsize)n;
	}
	return TRUE;
}

static void wait_for_client_to_leave(int fd)
{
	char block[4096];

	while (read(fd, block, sizeof(block)) > 0)
		;
}

static const struct canned_answer *note_request(struct canned_server *server, char *take_request)
{
	guint number;

	pthread_mutex_lock(&server->lock);
	number = MIN(server->requests->len, server->n_answers - 1);
	g_ptr_array_add(server->requests, take_request);
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
	return &server->answers[number];
}

static void serve_connection(struct canned_server *server, int fd)
{
	for (char *request = read_request(fd); request; request = read_request(fd)) {
		const struct canned_answer *answer = note_request(server, request);
		const struct linger reset = {.l_onoff = 1, .l_linger = 0};
		gsize size = answer->size ? answer->size : strlen(answer->bytes);
		gboolean sent = send_all(fd, answer->bytes, size);

		switch (answer->end) {
		case CANNED_KEEP:
			continue;
		case CANNED_CLOSE:
			return;
		case CANNED_RESET:
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			return;
		case CANNED_HOLD:
			wait_for_client_to_leave(fd);
			return;
		case CANNED_REPEAT:
			while (sent)
				sent = send_all(fd, answer->bytes, size);
			return;
		}
	}
}

static gpointer serve(gpointer data)
{
	struct canned_server *server = data;

	for (;;) {
		int fd = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		pthread_mutex_lock(&server->lock);
		server->connections++;
		pthread_mutex_unlock(&server->lock);
		serve_connection(server, fd);
		close(fd);
	}
}

struct canned_server *canned_server_new(const struct canned_answer *answers, guint n_answers)
{
	struct canned_server *server = g_new0(struct canned_server, 1);
	guint port;

	server->socket = listen_on_loopback(&port);
	server->url = g_strdup_printf("http://127.0.0.1:%u", port);
	server->answers = answers;
	server->n_answers = n_answers;
	server->requests = g_ptr_array_new_with_free_func(g_free);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->changed, NULL);
	server->thread = g_thread_new("canned", serve, server);
	return server;
}

/* Clients must have closed their connections: free the struct http first. */
void canned_server_free(struct canned_server *server)
{
	if (!server)
		return;
	shutdown(server->socket, SHUT_RDWR);
	g_thread_join(server->thread);
	close(server->socket);
	g_ptr_array_unref(server->requests);
	pthread_mutex_destroy(&server->lock);
	pthread_cond_destroy(&server->changed);
	g_free(server->url);
	g_free(server);
}

const char *canned_server_url(const struct canned_server *server)
{
	return server->url;
}

guint canned_server_count(struct canned_server *server)
{
	guint count;

	pthread_mutex_lock(&server->lock);
	count = server->requests->len;
	pthread_mutex_unlock(&server->lock);
	return count;
}

guint canned_server_connections(struct canned_server *server)
{
	guint count;

	pthread_mutex_lock(&server->lock);
	count = server->connections;
	pthread_mutex_unlock(&server->lock);
	return count;
}

char *canned_server_request(struct canned_server *server, guint n)
{
	char *text;

	pthread_mutex_lock(&server->lock);
	g_assert_cmpuint(n, <, server->requests->len);
	text = g_strdup(server->requests->pdata[n]);
	pthread_mutex_unlock(&server->lock);
	return text;
}

void canned_server_wait(struct canned_server *server, guint count)
{
	pthread_mutex_lock(&server->lock);
	while (server->requests->len < count)
		pthread_cond_wait(&server->changed, &server->lock);
	pthread_mutex_unlock(&server->lock);
}
