/*
 * Numbers and equality as JSON Schema means them.
 *
 * A document's numbers are 64-bit integers or doubles; the schema language knows one kind of
 * number. Equality goes through a text, so that a set of values is a set of texts: a long list is
 * searched for doubles in one pass, under the keyed hash.
 */
#include "worker/document/json_equality.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Reals in this range may be 64-bit integers; the upper end is 2^63 itself. */
#define INTEGER_END 0x1p63

__extension__ typedef unsigned __int128 wide;

static gboolean fits_integer(double real)
{
	return real >= -INTEGER_END && real < INTEGER_END && real == floor(real);
}

gboolean json_is_number(const struct value *value)
{
	return value_kind(value) == VALUE_INTEGER || value_kind(value) == VALUE_REAL;
}

gboolean json_is_integer(const struct value *value)
{
	if (value_kind(value) == VALUE_INTEGER)
		return TRUE;
	return value_kind(value) == VALUE_REAL && isfinite(value_real(value)) &&
		value_real(value) == floor(value_real(value));
}

long double json_number(const struct value *value)
{
	G_STATIC_ASSERT(LDBL_MANT_DIG >= 64);
	if (value_kind(value) == VALUE_INTEGER)
		return (long double)value_integer(value);
	return (long double)value_real(value);
}

static void append_identity(GString *text, const struct value *value);

static void append_string(GString *text, const char *string)
{
	g_string_append_printf(text, "%" G_GSIZE_FORMAT ":%s", strlen(string), string);
}

static void append_real(GString *text, double real)
{
	if (fits_integer(real))
		g_string_append_printf(text, "i%" G_GINT64_FORMAT ";", (gint64)real);
	else
		g_string_append_printf(text, "r%.17g;", real);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append_map(GString *text, const struct value *map)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (size_t i = 0; i < value_count(map); i++)
		g_ptr_array_add(names, (char *)value_key_at(map, i));
	g_ptr_array_sort(names, compare_names);
	g_string_append_c(text, '{');
	for (guint i = 0; i < names->len; i++) {
		append_string(text, names->pdata[i]);
		append_identity(text, value_get(map, names->pdata[i]));
	}
	g_string_append_c(text, '}');
}

static void append_list(GString *text, const struct value *list)
{
	g_string_append_c(text, '[');
	for (size_t i = 0; i < value_count(list); i++)
		append_identity(text, value_at(list, i));
	g_string_append_c(text, ']');
}

static void append_identity(GString *text, const struct value *value)
{
	switch (value_kind(value)) {
	case VALUE_NULL:
		g_string_append_c(text, 'n');
		return;
	case VALUE_BOOLEAN:
		g_string_append_c(text, value_boolean(value) ? 't' : 'f');
		return;
	case VALUE_INTEGER:
		g_string_append_printf(text, "i%" G_GINT64_FORMAT ";", value_integer(value));
		return;
	case VALUE_REAL:
		append_real(text, value_real(value));
		return;
	case VALUE_STRING:
		append_string(text, value_string(value));
		return;
	case VALUE_LIST:
		append_list(text, value);
		return;
	case VALUE_MAP:
		append_map(text, value);
		return;
	}
	g_assert_not_reached();
}

char *json_identity(const struct value *value)
{
	GString *text = g_string_new(NULL);

	append_identity(text, value);
	return g_string_free(text, FALSE);
}

/* DIGITS times ten to the power of EXPONENT. */
struct decimal {
	guint64 digits;
	int exponent;
};

/* The shortest decimal number that reads as REAL, which is finite and not below 0. */
static struct decimal decimal_of_real(double real)
{
	struct decimal decimal = {0, 0};
	char text[40], format[8];
	const char *exponent;

	for (int precision = 14; precision <= 16; precision++) {
		g_snprintf(format, sizeof(format), "%%.%de", precision);
		g_ascii_formatd(text, sizeof(text), format, real);
		if (g_ascii_strtod(text, NULL) == real)
			break;
	}
	exponent = strchr(text, 'e');
	for (const char *at = text; at < exponent; at++)
		if (g_ascii_isdigit(*at))
			decimal.digits = decimal.digits * 10 + (guint64)(*at - '0');
	decimal.exponent = (int)strtol(exponent + 1, NULL, 10);
	for (const char *at = text + 2; at < exponent; at++)
		decimal.exponent--;
	return decimal;
}

static struct decimal decimal_of(const struct value *value)
{
	struct decimal decimal;

	if (value_kind(value) == VALUE_INTEGER) {
		gint64 integer = value_integer(value);

		decimal = (struct decimal){integer < 0 ? -(guint64)integer : (guint64)integer, 0};
	} else {
		decimal = decimal_of_real(fabs(value_real(value)));
	}
	while (decimal.digits > 0 && decimal.digits % 10 == 0) {
		decimal.digits /= 10;
		decimal.exponent++;
	}
	return decimal;
}

gboolean json_is_multiple(const struct value *value, const struct value *divisor)
{
	struct decimal number, by;

	if (!isfinite(value_real(value)) || !isfinite(value_real(divisor)))
		return FALSE;
	number = decimal_of(value);
	by = decimal_of(divisor);
	g_assert(by.digits > 0);
	if (number.digits == 0)
		return TRUE;
	/* The digits end in no zero, so a number that is finer than the divisor is no multiple. */
	if (number.exponent < by.exponent)
		return FALSE;
	for (; number.exponent > by.exponent; number.exponent--)
		number.digits = (guint64)((wide)(number.digits % by.digits) * 10 % by.digits);
	return number.digits % by.digits == 0;
}
