/*
 * Sets of versions in words.
 *
 * A set is said as few runs of the versions that there are, so `before 2.0.0` means those that the
 * package has. Ranges leave prereleases out, which would tear runs apart; where a set has none and
 * that makes it simpler to say, they are passed over, and that is said. Branches and commits, which
 * have no place in the order, are named one by one.
 */
#include "worker/resolve/version_words.h"

#include "journal/base/limits.h"
#include "worker/component/semver_change.h"
#include "worker/resolve/bits.h"

/* More runs than this are not read. */
#define RUNS_SAID 4

/* Some versions in a row; places in a list of those that have an order, the highest first. */
struct run {
	guint first, last;
};

void version_words_list(GString *text, const GPtrArray *items, const char *word)
{
	for (guint i = 0; i < items->len; i++) {
		if (i > 0 && i + 1 < items->len)
			g_string_append(text, ", ");
		else if (i > 0)
			g_string_append_printf(text, " %s ", word);
		g_string_append(text, items->pdata[i]);
	}
}

static const char *text_of(const struct package *package, guint candidate)
{
	return candidate < package->texts->len ? package->texts->pdata[candidate] : package->name;
}

static gboolean is_prerelease(const struct package *package, guint candidate)
{
	const char *text = text_of(package, candidate);

	return text[strcspn(text, "-+")] == '-';
}

/* The candidates that have an order, the highest first, without prereleases if told so. */
static GArray *ordered(const struct package *package, gboolean prereleases)
{
	GArray *list = g_array_new(FALSE, FALSE, sizeof(guint));

	for (guint i = 0; i < package->candidates; i++)
		if (!bits_has(package->named, i) && (prereleases || !is_prerelease(package, i)))
			g_array_append_val(list, i);
	return list;
}

static GArray *runs_of(const GArray *list, const uint64_t *values)
{
	GArray *runs = g_array_new(FALSE, FALSE, sizeof(struct run));

	for (guint i = 0; i < list->len; i++) {
		struct run run = {i, i};

		if (!bits_has(values, g_array_index(list, guint, i)))
			continue;
		while (run.last + 1 < list->len &&
			bits_has(values, g_array_index(list, guint, run.last + 1)))
			run.last++;
		g_array_append_val(runs, run);
		i = run.last;
	}
	return runs;
}

static char *run_text(const struct package *package, const GArray *list, const struct run *run)
{
	const char *highest = text_of(package, g_array_index(list, guint, run->first));
	const char *lowest = text_of(package, g_array_index(list, guint, run->last));

	if (run->first == run->last)
		return g_strdup(highest);
	if (run->first == 0)
		return run->last + 1 == list->len ? g_strdup("every version")
						  : g_strdup_printf("%s or later", lowest);
	if (run->last + 1 == list->len)
		return g_strdup_printf(
			"before %s", text_of(package, g_array_index(list, guint, run->first - 1)));
	return g_strdup_printf("%s to %s", lowest, highest);
}

gboolean version_words_all(const struct package *package, const uint64_t *values)
{
	guint count = bits_count(values, bits_words(package_values(package)));

	return count - (guint)bits_has(values, package->candidates) == package->candidates &&
		package->candidates > 1;
}

/* What is said of the runs, the lowest first, and the candidates that have no order. */
static GPtrArray *run_texts(const struct package *package, const GArray *list, const GArray *runs,
	const uint64_t *values)
{
	GPtrArray *items = g_ptr_array_new_with_free_func(g_free);

	if (runs->len > RUNS_SAID) {
		guint more = 0;

		for (guint i = 0; i < runs->len; i++) {
			const struct run *run = &g_array_index(runs, struct run, i);

			if (i + 1 < RUNS_SAID)
				g_ptr_array_add(items, run_text(package, list, run));
			else
				more += run->last - run->first + 1;
		}
		g_ptr_array_add(items, g_strdup_printf("%u more", more));
	}
	for (guint i = runs->len; runs->len <= RUNS_SAID && i-- > 0;)
		g_ptr_array_add(
			items, run_text(package, list, &g_array_index(runs, struct run, i)));
	for (guint i = 0; i < package->candidates; i++)
		if (bits_has(package->named, i) && bits_has(values, i))
			g_ptr_array_add(items, g_strdup(text_of(package, i)));
	return items;
}

/* VALUES as a list of what to say; *ASIDE: prereleases were passed over. */
static GPtrArray *say(const struct package *package, const uint64_t *values, gboolean *aside)
{
	g_autoptr(GArray) list = ordered(package, TRUE);
	g_autoptr(GArray) runs = runs_of(list, values);
	g_autoptr(GArray) releases = ordered(package, FALSE);
	g_autoptr(GArray) release_runs = runs_of(releases, values);
	guint said = 0, held = 0;

	for (guint i = 0; i < release_runs->len; i++)
		said += g_array_index(release_runs, struct run, i).last -
			g_array_index(release_runs, struct run, i).first + 1;
	for (guint i = 0; i < runs->len; i++)
		held += g_array_index(runs, struct run, i).last -
			g_array_index(runs, struct run, i).first + 1;
	*aside = said == held && release_runs->len < runs->len;
	return *aside ? run_texts(package, releases, release_runs, values)
		      : run_texts(package, list, runs, values);
}

void version_words(GString *text, const struct package *package, const uint64_t *values)
{
	gboolean aside = FALSE;
	g_autoptr(GPtrArray) items = NULL;

	if (version_words_all(package, values)) {
		g_string_append(text, "every version");
		return;
	}
	items = say(package, values, &aside);
	version_words_list(text, items, "and");
	if (aside)
		g_string_append(text, " (prereleases aside)");
}

void version_words_named(GString *text, const struct package *package, const uint64_t *values)
{
	static const char every[] = "every version";
	g_autoptr(GString) words = g_string_new(NULL);

	if (package->missing) {
		g_string_append(text, package->name);
		return;
	}
	version_words(words, package, values);
	if (g_str_has_prefix(words->str, every))
		g_string_append_printf(
			text, "%s of %s%s", every, package->name, words->str + strlen(every));
	else
		g_string_append_printf(text, "%s %s", package->name, words->str);
}

/* The place in LIST of the highest version that is not above the one that CONSTRAINT speaks of; the
 * first if it speaks of none. */
static guint place_of(const struct package *package, const GArray *list, const char *constraint)
{
	scoped(semver) wanted = semver_coerce(constraint, FALSE, SEMVER_INCLUDE_PRERELEASE);

	for (guint i = 0; wanted && i < list->len; i++) {
		scoped(semver)
			version = semver_coerce(text_of(package, g_array_index(list, guint, i)),
				FALSE, SEMVER_INCLUDE_PRERELEASE);

		if (version && semver_compare(version, wanted) <= 0)
			return i;
	}
	return wanted ? list->len : 0;
}

void version_words_offer(GString *text, const struct package *package, const char *constraint)
{
	const guint most = LIMIT_COMPONENT_VERSIONS_NAMED;
	g_autoptr(GPtrArray) items = g_ptr_array_new();
	g_autoptr(GArray) list = ordered(package, TRUE);
	guint first = 0;

	if (list->len > most) {
		guint place = place_of(package, list, constraint);

		first = MIN(place > most / 2 ? place - most / 2 : 0, list->len - most);
		g_string_append_printf(text, "of its %u versions the nearest are ", list->len);
	}
	for (guint i = first; i < list->len && i < first + most; i++)
		g_ptr_array_add(items, (gpointer)text_of(package, g_array_index(list, guint, i)));
	for (guint i = 0; i < package->candidates && items->len < most; i++)
		if (bits_has(package->named, i) && list->len <= most)
			g_ptr_array_add(items, (gpointer)text_of(package, i));
	if (list->len <= most)
		g_string_append_printf(text, "there %s only ", items->len == 1 ? "is" : "are");
	version_words_list(text, items, "and");
}
