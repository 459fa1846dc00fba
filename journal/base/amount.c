/*
 * Sizes and durations with their units, as configuration and command line have them. Whole numbers
 * only: what cannot be said exactly in one unit is said in a smaller one.
 */
#include "journal/base/amount.h"

#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

#define KILO UINT64_C(1000)
#define KIBI UINT64_C(1024)

/* Descending, so that formatting takes the largest that divides. */
static const struct unit size_units[] = {
	{"TiB", KIBI *KIBI *KIBI *KIBI},
	{"TB", KILO *KILO *KILO *KILO},
	{"GiB", KIBI *KIBI *KIBI},
	{"GB", KILO *KILO *KILO},
	{"MiB", KIBI *KIBI},
	{"MB", KILO *KILO},
	{"KiB", KIBI},
	{"kB", KILO},
	{"B", 1},
};

static const struct unit time_units[] = {
	{"d", 24 * 60 * 60 * KILO},
	{"h", 60 * 60 * KILO},
	{"m", 60 * KILO},
	{"s", KILO},
	{"ms", 1},
};

static gboolean parse(const char *text, const struct unit *units, size_t count, uint64_t *amount)
{
	size_t digits = strspn(text, "0123456789");
	g_autofree char *number = g_strndup(text, digits);
	uint64_t whole, product;

	if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT64, &whole, NULL))
		return FALSE;
	for (size_t i = 0; i < count; i++) {
		if (g_ascii_strcasecmp(text + digits, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(whole, units[i].factor, &product))
			return FALSE;
		*amount = product;
		return TRUE;
	}
	return FALSE;
}

static char *format(uint64_t amount, const struct unit *units, size_t count)
{
	size_t i = 0;

	while (i + 1 < count && (amount == 0 || amount % units[i].factor != 0))
		i++;
	return g_strdup_printf("%" G_GUINT64_FORMAT "%s", amount / units[i].factor, units[i].name);
}

gboolean amount_parse_bytes(const char *text, uint64_t *bytes)
{
	if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, bytes, NULL))
		return TRUE;
	return parse(text, size_units, G_N_ELEMENTS(size_units), bytes);
}

gboolean amount_parse_ms(const char *text, uint64_t *ms)
{
	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return TRUE;
	}
	return parse(text, time_units, G_N_ELEMENTS(time_units), ms);
}

char *amount_format_bytes(uint64_t bytes)
{
	return format(bytes, size_units, G_N_ELEMENTS(size_units));
}

char *amount_format_ms(uint64_t ms)
{
	return format(ms, time_units, G_N_ELEMENTS(time_units));
}
