/*
 * Pointers of git-lfs: the small text that stands in a tree for a large file.
 *
 *     version https://git-lfs.github.com/spec/v1
 *     oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
 *     size 12345
 *
 * What counts is what git-lfs itself would replace when it checks the file out. So line ends of
 * Windows, empty lines and the two older names of the version pass, as they do there; upper-case
 * digits and other lengths of the digest do not, for no server has such an object.
 */
#include "worker/content/lfs_pointer.h"

#include <string.h>

#include "journal/base/limits.h"

/* Lines behind `version`, before `oid`: the specification has at most ten extensions. */
#define EXTENSIONS_MAX 10

static const char *const versions[] = {
	"https://git-lfs.github.com/spec/v1",
	"https://hawser.github.com/spec/v1",
	"http://git-media.io/v/2",
};

struct line {
	const char *key;
	size_t key_bytes;
	const char *value;
	size_t value_bytes;
};

/* Takes the next line that is not empty off CONTENT; FALSE at the end or if it has no value. */
static gboolean next_line(const char **content, size_t *size, struct line *line)
{
	while (*size > 0) {
		const char *start = *content;
		const char *end = memchr(start, '\n', *size);
		size_t bytes = end ? (size_t)(end - start) : *size;
		const char *space;

		*content += end ? bytes + 1 : bytes;
		*size -= end ? bytes + 1 : bytes;
		if (bytes > 0 && start[bytes - 1] == '\r')
			bytes--;
		if (bytes == 0)
			continue;
		space = memchr(start, ' ', bytes);
		if (!space)
			return FALSE;
		*line = (struct line){start, (size_t)(space - start), space + 1,
			bytes - (size_t)(space - start) - 1};
		return TRUE;
	}
	return FALSE;
}

static gboolean equals(const char *text, size_t bytes, const char *wanted)
{
	return bytes == strlen(wanted) && memcmp(text, wanted, bytes) == 0;
}

static gboolean is_known_version(const struct line *line)
{
	for (size_t i = 0; i < G_N_ELEMENTS(versions); i++)
		if (equals(line->value, line->value_bytes, versions[i]))
			return TRUE;
	return FALSE;
}

static gboolean is_extension(const struct line *line)
{
	return line->key_bytes > strlen("ext-0-") && memcmp(line->key, "ext-", 4) == 0 &&
		g_ascii_isdigit(line->key[4]) && line->key[5] == '-';
}

static gboolean parse_oid(const struct line *line, struct lfs_pointer *pointer)
{
	static const char method[] = "sha256:";
	const char *digits = line->value + strlen(method);

	if (line->value_bytes != strlen(method) + LFS_OID_HEXSZ ||
		memcmp(line->value, method, strlen(method)) != 0)
		return FALSE;
	for (size_t i = 0; i < LFS_OID_HEXSZ; i++)
		if (!g_ascii_isxdigit(digits[i]) || g_ascii_isupper(digits[i]))
			return FALSE;
	memcpy(pointer->oid, digits, LFS_OID_HEXSZ);
	pointer->oid[LFS_OID_HEXSZ] = '\0';
	return TRUE;
}

static gboolean parse_size(const struct line *line, struct lfs_pointer *pointer)
{
	g_autofree char *digits = g_strndup(line->value, line->value_bytes);
	guint64 size;

	if (strlen(digits) != line->value_bytes ||
		!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64, &size, NULL))
		return FALSE;
	pointer->size = (int64_t)size;
	return TRUE;
}

gboolean lfs_pointer_parse(const char *content, size_t size, struct lfs_pointer *pointer)
{
	struct lfs_pointer found;
	struct line line;
	int extensions = 0;

	if (size > LIMIT_LFS_POINTER_BYTES || !next_line(&content, &size, &line) ||
		!equals(line.key, line.key_bytes, "version") || !is_known_version(&line))
		return FALSE;
	do {
		if (!next_line(&content, &size, &line))
			return FALSE;
	} while (is_extension(&line) && extensions++ < EXTENSIONS_MAX);
	if (!equals(line.key, line.key_bytes, "oid") || !parse_oid(&line, &found) ||
		!next_line(&content, &size, &line) || !equals(line.key, line.key_bytes, "size") ||
		!parse_size(&line, &found))
		return FALSE;
	while (size > 0 && g_ascii_isspace(*content)) {
		content++;
		size--;
	}
	if (size > 0)
		return FALSE;
	*pointer = found;
	return TRUE;
}
