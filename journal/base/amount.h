#ifndef FORGE_JOURNAL_BASE_AMOUNT_H
#define FORGE_JOURNAL_BASE_AMOUNT_H

#include <glib.h>
#include <stdint.h>

/**
 * A size as people write it, in bytes: a whole number and B, kB, MB, GB, TB (powers of 1000) or
 * KiB, MiB, GiB, TiB (powers of 1024); case does not matter, no unit means bytes. FALSE if TEXT is
 * none or too large for BYTES.
 */
gboolean amount_parse_bytes(const char *text, uint64_t *bytes);

/** A duration as people write it, in milliseconds: a whole
 * number and ms, s, m, h or d, or `0`. FALSE as above. */
gboolean amount_parse_ms(const char *text, uint64_t *ms);

/** The shortest text that the parsers above read back as
 * the same amount (`20GB`, `15m`). Caller frees. */
char *amount_format_bytes(uint64_t bytes);
char *amount_format_ms(uint64_t ms);

#endif
