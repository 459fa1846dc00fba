/*
 * Names of batches and jobs. Pure: the same journal, sequence and time give the same name at replay
 * and in the simulation.
 */
#include "queue/batch_name.h"

#include <string.h>

#include "journal/base/hash.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

char *batch_name_make(const char *journal_id, uint64_t seq, int64_t wall_us)
{
	g_autofree char *source = g_strdup_printf("%s/%" G_GUINT64_FORMAT, journal_id, seq);
	struct hash digest = hash_chain(NULL, source, strlen(source));
	uint64_t ms = (uint64_t)MAX(0, wall_us) / 1000 & G_GUINT64_CONSTANT(0xffffffffffff);
	char *name = g_malloc(BATCH_NAME_LENGTH + 1);

	for (int i = 9; i >= 0; i--, ms >>= 5)
		name[i] = alphabet[ms & 31];
	/* One base-32 digit takes the low five bits of a
	 * byte: 16 of the digest's 32 bytes, 80 bits. */
	for (int i = 0; i < 16; i++)
		name[10 + i] = alphabet[digest.bytes[i] & 31];
	name[BATCH_NAME_LENGTH] = '\0';
	return name;
}

char *batch_name_of_job(const char *batch_name, uint32_t number)
{
	return g_strdup_printf("%s.%u", batch_name, number);
}

gboolean batch_name_parse(const char *text, char **batch, uint32_t *number)
{
	const char *dot = strchr(text, '.');
	size_t length = dot ? (size_t)(dot - text) : strlen(text);
	g_autofree char *name = g_ascii_strup(text, (gssize)length);
	guint64 parsed = 0;

	if (length == 0 || length > BATCH_NAME_LENGTH || strspn(name, alphabet) != length)
		return FALSE;
	if (dot && (!g_ascii_string_to_unsigned(dot + 1, 10, 1, G_MAXUINT32, &parsed, NULL)))
		return FALSE;
	*batch = g_steal_pointer(&name);
	*number = (uint32_t)parsed;
	return TRUE;
}
