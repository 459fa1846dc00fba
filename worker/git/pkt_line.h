#ifndef FORGE_WORKER_GIT_PKT_LINE_H
#define FORGE_WORKER_GIT_PKT_LINE_H

#include <glib.h>
#include <stddef.h>

/** The kinds of packet of git's protocol (gitprotocol-common, gitprotocol-v2). */
enum pkt_kind {
	PKT_DATA,
	PKT_FLUSH,        /**< 0000 */
	PKT_DELIMITER,    /**< 0001 */
	PKT_RESPONSE_END, /**< 0002 */
};

/** One packet; TEXT points into the reader's bytes and is not terminated by a zero. */
struct pkt {
	enum pkt_kind kind;
	const char *text; /**< of PKT_DATA, without the line feed that may end it; else NULL */
	size_t size;
};

/** Reads packets from bytes that are all there. Set data and size; the bytes stay the caller's. */
struct pkt_reader {
	const char *data;
	size_t size;
	size_t offset; /**< of the next packet */
};

/**
 * The next packet. PROTOCOL_ERROR for a length that is none (not hexadecimal, 0003) or reaches past
 * the end, also where nothing is left: who expects a flush gets an error for an answer cut short.
 */
gboolean pkt_read(struct pkt_reader *reader, struct pkt *pkt, GError **error);

/** TRUE if PKT is data that begins with PREFIX; then *REST (if not NULL) is what follows and
 * *REST_SIZE its bytes. */
gboolean pkt_has_prefix(
	const struct pkt *pkt, const char *prefix, const char **rest, size_t *rest_size);

/** Appends LINE and a line feed as one packet. LINE has at most LIMIT_PKT_LINE_BYTES - 5 bytes, or
 * it is a defect. */
void pkt_append(GString *out, const char *line);
void pkt_append_flush(GString *out);
void pkt_append_delimiter(GString *out);

#endif
