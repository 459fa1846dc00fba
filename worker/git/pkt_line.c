/*
 * Packets of git's protocol: four hexadecimal digits that count themselves, then the payload. Pure:
 * bytes in, packets out, nothing copied. Side bands are left to libgit2; what is read here are
 * answers about refs, which are held whole and bounded by who received them.
 */
#include "worker/git/pkt_line.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

#define LENGTH_DIGITS 4

/* The number that the four digits at DATA spell, or -1. */
static int parse_length(const char *data)
{
	int length = 0;

	for (size_t i = 0; i < LENGTH_DIGITS; i++) {
		int digit = g_ascii_xdigit_value(data[i]);

		if (digit < 0)
			return -1;
		length = length * 16 + digit;
	}
	return length;
}

static gboolean refuse(GError **error, const char *what)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR, "the server's answer %s", what);
	return FALSE;
}

gboolean pkt_read(struct pkt_reader *reader, struct pkt *pkt, GError **error)
{
	static const enum pkt_kind short_kinds[] = {PKT_FLUSH, PKT_DELIMITER, PKT_RESPONSE_END};
	const char *data = reader->data + reader->offset;
	size_t left = reader->size - reader->offset;
	size_t size;
	int length;

	if (left < LENGTH_DIGITS)
		return refuse(
			error, left == 0 ? "ends too early" : "ends inside a packet's length");
	length = parse_length(data);
	if (length < 0)
		return refuse(error, "has a packet whose length is no number");
	if (length < (int)G_N_ELEMENTS(short_kinds)) {
		*pkt = (struct pkt){.kind = short_kinds[length]};
		reader->offset += LENGTH_DIGITS;
		return TRUE;
	}
	if (length < LENGTH_DIGITS || length > LIMIT_PKT_LINE_BYTES)
		return refuse(error, "has a packet of an impossible length");
	if ((size_t)length > left)
		return refuse(error, "ends inside a packet");

	size = (size_t)length - LENGTH_DIGITS;
	if (size > 0 && data[length - 1] == '\n')
		size--;
	*pkt = (struct pkt){.kind = PKT_DATA, .text = data + LENGTH_DIGITS, .size = size};
	reader->offset += (size_t)length;
	return TRUE;
}

gboolean pkt_has_prefix(
	const struct pkt *pkt, const char *prefix, const char **rest, size_t *rest_size)
{
	size_t length = strlen(prefix);

	if (pkt->kind != PKT_DATA || pkt->size < length || memcmp(pkt->text, prefix, length) != 0)
		return FALSE;
	if (rest) {
		*rest = pkt->text + length;
		*rest_size = pkt->size - length;
	}
	return TRUE;
}

void pkt_append(GString *out, const char *line)
{
	size_t length = LENGTH_DIGITS + strlen(line) + 1;

	g_assert(length <= LIMIT_PKT_LINE_BYTES);
	g_string_append_printf(out, "%04zx%s\n", length, line);
}

void pkt_append_flush(GString *out)
{
	g_string_append(out, "0000");
}

void pkt_append_delimiter(GString *out)
{
	g_string_append(out, "0001");
}
