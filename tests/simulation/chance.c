/*
 * The simulation's only source of chance. Everything that could go one way or another asks here, in
 * an order that depends on nothing but earlier answers, so a seed is a whole history.
 */
#include "tests/simulation/chance.h"

struct chance chance_from_seed(uint64_t seed)
{
	return (struct chance){.state = seed * G_GUINT64_CONSTANT(0x2545f4914f6cdd1d) + 1};
}

uint64_t chance_next(struct chance *chance)
{
	uint64_t mixed = chance->state += G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

int64_t chance_between(struct chance *chance, int64_t low, int64_t high)
{
	g_assert(low <= high);
	return low + (int64_t)(chance_next(chance) % (uint64_t)(high - low + 1));
}

gboolean chance_happens(struct chance *chance, uint32_t per_mille)
{
	return chance_next(chance) % 1000 < per_mille;
}

char *chance_hex(struct chance *chance, guint digits)
{
	char *text = g_malloc(digits + 1);

	for (guint i = 0; i < digits; i++)
		text[i] = "0123456789abcdef"[chance_next(chance) & 15];
	text[digits] = '\0';
	return text;
}
