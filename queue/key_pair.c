/*
 * An installation's keys: drawn, kept in one file, read back.
 *
 * The file holds the secret key alone; the public one follows from it, so the two cannot disagree.
 * The secret passes only through memory of libsodium's: locked, not dumped, cleared. Files are made
 * complete under another name first and then linked or renamed, so a key that somebody may have
 * told others of is never lost.
 */
#include "queue/key_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

#define FOLDER "keys"
#define FILE_NAME "secret.key"
/* The text and a line break, and one byte by which a longer file is known. */
#define FILE_BYTES (KEY_CHARACTERS + 2)

struct key_pair {
	char public_text[KEY_CHARACTERS + 1];
	uint8_t *secret; /* sodium_malloc() */
};

G_STATIC_ASSERT(KEY_BYTES == crypto_box_SECRETKEYBYTES && KEY_BYTES == crypto_box_PUBLICKEYBYTES);

static const char alphabet[] =
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/* ---- text --------------------------------------------------------------------------------- */

/* Four bytes, the first the highest, are five digits to the base of 85. */
void key_text_write(const uint8_t *key, char *text)
{
	for (size_t i = 0; i < KEY_BYTES; i += 4, text += 5) {
		uint32_t value = (uint32_t)key[i] << 24 | (uint32_t)key[i + 1] << 16 |
			(uint32_t)key[i + 2] << 8 | key[i + 3];

		for (int digit = 4; digit >= 0; digit--, value /= 85)
			text[digit] = alphabet[value % 85];
	}
	*text = '\0';
}

/* TEXT need not end; KEY_CHARACTERS are read. */
static gboolean read_text(const char *text, uint8_t *key)
{
	for (size_t i = 0; i < KEY_BYTES; i += 4) {
		uint64_t value = 0;

		for (int digit = 0; digit < 5; digit++, text++) {
			const char *place = *text ? strchr(alphabet, *text) : NULL;

			if (!place)
				return FALSE;
			value = value * 85 + (uint64_t)(place - alphabet);
		}
		if (value > G_MAXUINT32)
			return FALSE;
		for (int byte = 0; byte < 4; byte++)
			key[i + (size_t)byte] = (uint8_t)(value >> (24 - 8 * byte));
	}
	return TRUE;
}

gboolean key_text_is_valid(const char *text)
{
	uint8_t key[KEY_BYTES];

	return strlen(text) == KEY_CHARACTERS && read_text(text, key);
}

/* ---- pairs -------------------------------------------------------------------------------- */

/* Memory for a secret. */
static gpointer new_secret(size_t size)
{
	gpointer memory;

	g_assert(sodium_init() >= 0);
	memory = sodium_malloc(size);
	g_assert(memory);
	return memory;
}

static struct key_pair *new_pair(void)
{
	struct key_pair *pair = g_new0(struct key_pair, 1);

	pair->secret = new_secret(KEY_BYTES);
	return pair;
}

struct key_pair *key_pair_new(void)
{
	struct key_pair *pair = new_pair();
	uint8_t public_key[KEY_BYTES];

	/* A key is typed as an argument; one with a dash first would be taken for an option. */
	do {
		crypto_box_keypair(public_key, pair->secret);
		key_text_write(public_key, pair->public_text);
	} while (pair->public_text[0] == '-');
	return pair;
}

void key_pair_free(struct key_pair *pair)
{
	if (!pair)
		return;
	sodium_free(pair->secret);
	g_free(pair);
}

const char *key_pair_public(const struct key_pair *pair)
{
	return pair->public_text;
}

const uint8_t *key_pair_secret(const struct key_pair *pair)
{
	return pair->secret;
}

char *key_pair_path(const char *home)
{
	return g_build_filename(home, FOLDER, FILE_NAME, NULL);
}

/* ---- reading ------------------------------------------------------------------------------ */

static gboolean fail(GError **error, int error_number, const char *what, const char *path)
{
	g_set_error(error, FORGE_ERROR,
		error_number == EACCES || error_number == EPERM || error_number == EROFS
			? FORGE_ERROR_PERMISSION_DENIED
			: FORGE_ERROR_CACHE_UNUSABLE,
		"cannot %s %s: %s", what, path, g_strerror(error_number));
	return FALSE;
}

/* As ssh does: a secret that others can read is none. */
static gboolean check_private(int descriptor, const char *path, GError **error)
{
	struct stat status;

	if (fstat(descriptor, &status) != 0)
		return fail(error, errno, "look at", path);
	if (S_ISREG(status.st_mode) && (status.st_mode & 077) == 0 &&
		(status.st_uid == geteuid() || status.st_uid == 0))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
		"%s is a secret key that others may read, or not a file of this user: "
		"`chmod 600` it, or make a new pair with `forge config keys --new --force`",
		path);
	return FALSE;
}

/* At most FILE_BYTES; returns how many, -1 with errno set. */
static ssize_t read_all(int descriptor, char *text)
{
	ssize_t size = 0;

	while (size < FILE_BYTES) {
		ssize_t got = read(descriptor, text + size, (size_t)(FILE_BYTES - size));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		size += got;
	}
	return size;
}

static struct key_pair *parse(const char *text, ssize_t size)
{
	scoped(key_pair) pair = new_pair();
	uint8_t public_key[KEY_BYTES];

	if ((size != KEY_CHARACTERS && (size != KEY_CHARACTERS + 1 || text[size - 1] != '\n')) ||
		!read_text(text, pair->secret) ||
		crypto_scalarmult_base(public_key, pair->secret) != 0)
		return NULL;
	key_text_write(public_key, pair->public_text);
	return g_steal_pointer(&pair);
}

static struct key_pair *read_open(int descriptor, const char *path, GError **error)
{
	char *text;
	ssize_t size;
	struct key_pair *pair = NULL;

	if (!check_private(descriptor, path, error))
		return NULL;
	text = new_secret(FILE_BYTES);
	size = read_all(descriptor, text);
	if (size < 0)
		fail(error, errno, "read", path);
	else if (!(pair = parse(text, size)))
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
			"%s is no secret key; `forge config keys --new --force` makes a new pair "
			"and keeps that file",
			path);
	sodium_free(text);
	return pair;
}

struct key_pair *key_pair_read(const char *home, GError **error)
{
	g_autofree char *path = key_pair_path(home);
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct key_pair *pair;

	if (descriptor < 0 && errno == ENOENT) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
			"this installation has no keys yet (%s): `forge config keys --new` makes them",
			path);
		return NULL;
	}
	if (descriptor < 0) {
		fail(error, errno, "read", path);
		return NULL;
	}
	pair = read_open(descriptor, path, error);
	close(descriptor);
	return pair;
}

/* ---- writing ------------------------------------------------------------------------------ */

static gboolean sync_folder(const char *folder, GError **error)
{
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean synced = descriptor >= 0 && fsync(descriptor) == 0;
	int error_number = errno;

	if (descriptor >= 0)
		close(descriptor);
	return synced || fail(error, error_number, "sync", folder);
}

static gboolean write_secret(int descriptor, const struct key_pair *pair)
{
	char *text = new_secret(KEY_CHARACTERS + 1);
	ssize_t written;

	key_text_write(pair->secret, text);
	text[KEY_CHARACTERS] = '\n';
	written = write(descriptor, text, KEY_CHARACTERS + 1);
	/* A file takes so few bytes whole or, if its disk is full, not at all or in part. */
	if (written >= 0 && written < KEY_CHARACTERS + 1)
		errno = ENOSPC;
	sodium_free(text);
	return written == KEY_CHARACTERS + 1 && fsync(descriptor) == 0;
}

/* A new file in FOLDER with PAIR's secret, for its owner alone; NULL with ERROR. Caller frees. */
static char *write_draft(const struct key_pair *pair, const char *folder, GError **error)
{
	g_autofree char *path = g_build_filename(folder, FILE_NAME ".draft-XXXXXX", NULL);
	int descriptor = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	gboolean written;
	int error_number;

	if (descriptor < 0) {
		fail(error, errno, "write into", folder);
		return NULL;
	}
	written = write_secret(descriptor, pair);
	error_number = errno;
	close(descriptor);
	if (written)
		return g_steal_pointer(&path);
	g_unlink(path);
	fail(error, error_number, "write", path);
	return NULL;
}

/* Gives the file at PATH, if there is one, a second name that is kept; *ASIDE is NULL else. */
static gboolean keep_aside(const char *path, char **aside, GError **error)
{
	for (guint number = 1; number <= LIMIT_KEYS_ASIDE; number++) {
		g_autofree char *name = g_strdup_printf("%s.old-%u", path, number);

		if (link(path, name) == 0) {
			*aside = g_steal_pointer(&name);
			return TRUE;
		}
		if (errno == ENOENT) {
			*aside = NULL;
			return TRUE;
		}
		if (errno != EEXIST)
			return fail(error, errno, "keep a copy of", path);
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
		"%d old keys are kept beside %s; remove some", LIMIT_KEYS_ASIDE, path);
	return FALSE;
}

static gboolean put_in_place(const char *draft, const char *path, char **aside, GError **error)
{
	g_autofree char *kept = NULL;

	if (!aside && link(draft, path) == 0)
		return TRUE;
	if (!aside && errno == EEXIST) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
			"this installation has keys already (%s); with --force they are kept aside "
			"and new ones are made, which others have to be told of",
			path);
		return FALSE;
	}
	if (!aside)
		return fail(error, errno, "make", path);
	if (!keep_aside(path, &kept, error))
		return FALSE;
	if (rename(draft, path) != 0)
		return fail(error, errno, "make", path);
	*aside = g_steal_pointer(&kept);
	return TRUE;
}

gboolean key_pair_write(const struct key_pair *pair, const char *home, char **aside, GError **error)
{
	g_autofree char *folder = g_build_filename(home, FOLDER, NULL);
	g_autofree char *path = key_pair_path(home);
	g_autofree char *draft = NULL;
	gboolean placed;

	if (g_mkdir_with_parents(folder, 0700) != 0)
		return fail(error, errno, "make the folder", folder);
	draft = write_draft(pair, folder, error);
	if (!draft)
		return FALSE;
	placed = put_in_place(draft, path, aside, error);
	/* Linked it has both names, renamed only the good one. */
	g_unlink(draft);
	return placed && sync_folder(folder, error);
}
