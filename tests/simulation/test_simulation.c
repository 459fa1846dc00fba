/*
 * Thousands of short lives of a scheduler, its workers and its clients under seeded faults. A
 * finding names its seed, and the seed repeats it exactly:
 *
 *     SIMULATION_SEED=17 build/tests/simulation/test_simulation -p /simulation/lossy
 *
 * SIMULATION_RUNS says how many seeds a profile gets, from SIMULATION_SEED on (1); with
 * SIMULATION_TRACE=1 the journal is told as it grows.
 */
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/simulation/profile.h"
#include "tests/simulation/world.h"

/* What runs, so that an assertion deep in the core names its seed too. */
static char running[100];

static void name_running(int signal_number)
{
	ssize_t ignored = write(STDERR_FILENO, running, strlen(running));

	(void)ignored;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
	const char *text = g_getenv(name);
	guint64 number = otherwise;

	if (text && !g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &number, NULL))
		g_error("%s=%s is no number", name, text);
	return number;
}

/* The whole life of one seed; how it ended, in a line that two lives of one seed share. */
static char *live(const struct profile *profile, uint64_t seed, gboolean *failed)
{
	scoped(world) world = world_new(profile, seed);

	g_snprintf(running, sizeof(running),
		"\nprofile %s, SIMULATION_SEED=%" G_GUINT64_FORMAT "\n", profile->name, seed);
	world_run(world);
	*failed = world->failure != NULL;
	return g_strdup_printf("seed %" G_GUINT64_FORMAT ", %" G_GINT64_FORMAT
			       " ms, %" G_GUINT64_FORMAT " acts, %016" G_GINT64_MODIFIER "x: %s",
		seed, world->now_ms, world->planned, world->chance.state,
		world->failure ? world->failure : "well");
}

static void test_profile(gconstpointer data)
{
	const struct profile *profile = data;
	uint64_t first = number_from_environment("SIMULATION_SEED", 1);
	uint64_t runs = number_from_environment(
		"SIMULATION_RUNS", g_getenv("SIMULATION_SEED") ? 1 : profile->runs);

	for (uint64_t seed = first; seed < first + runs; seed++) {
		gboolean failed;
		g_autofree char *end = live(profile, seed, &failed);

		if (!failed)
			continue;
		g_test_message("profile %s, SIMULATION_SEED=%" G_GUINT64_FORMAT ": %s",
			profile->name, seed, end);
		g_test_fail();
		return;
	}
}

static void test_a_seed_is_a_whole_history(void)
{
	const struct profile *everything = &profiles[n_profiles - 1];

	for (uint64_t seed = 1; seed <= 5; seed++) {
		gboolean failed;
		g_autofree char *first = live(everything, seed, &failed);
		g_autofree char *second = live(everything, seed, &failed);

		g_assert_cmpstr(first, ==, second);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGABRT, name_running);
	signal(SIGTRAP, name_running);
	for (size_t i = 0; i < n_profiles; i++) {
		g_autofree char *name = g_strdup_printf(
			"/simulation/%s/all_work_ends_once_and_as_recorded", profiles[i].name);

		g_test_add_data_func(name, &profiles[i], test_profile);
	}
	g_test_add_func("/simulation/a_seed_is_a_whole_history", test_a_seed_is_a_whole_history);
	return g_test_run();
}
