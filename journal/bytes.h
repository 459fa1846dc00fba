#ifndef FORGE_JOURNAL_BYTES_H
#define FORGE_JOURNAL_BYTES_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

/*
 * Numbers as the journal's files hold them: little-endian, at any address. Each function moves one
 * number and says nothing about bounds; callers have checked the size before.
 */

static inline void bytes_put_u32(uint8_t *to, uint32_t number)
{
	number = GUINT32_TO_LE(number);
	memcpy(to, &number, sizeof(number));
}

static inline void bytes_put_u64(uint8_t *to, uint64_t number)
{
	number = GUINT64_TO_LE(number);
	memcpy(to, &number, sizeof(number));
}

static inline uint32_t bytes_get_u32(const uint8_t *from)
{
	uint32_t number;

	memcpy(&number, from, sizeof(number));
	return GUINT32_FROM_LE(number);
}

static inline uint64_t bytes_get_u64(const uint8_t *from)
{
	uint64_t number;

	memcpy(&number, from, sizeof(number));
	return GUINT64_FROM_LE(number);
}

#endif
