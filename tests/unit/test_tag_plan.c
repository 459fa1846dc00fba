#include <glib.h>
#include <string.h>

#include "worker/fork/tag_plan.h"

static void free_ref(gpointer data)
{
	struct advertised_ref *ref = data;

	g_free(ref->name);
	g_free(ref);
}

/* Words `REF=DIGIT`. */
static struct ref_listing *listing_of(const char *text)
{
	struct ref_listing *listing = g_new0(struct ref_listing, 1);
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	listing->refs = g_ptr_array_new_with_free_func(free_ref);
	for (char **word = words; *word && **word; word++) {
		struct advertised_ref *ref = g_new0(struct advertised_ref, 1);
		const char *equals = strchr(*word, '=');

		ref->name = g_strndup(*word, (gsize)(equals - *word));
		memset(ref->oid.id, equals[1], sizeof(ref->oid.id));
		/* All lead to one commit: what counts is the tag itself. */
		memset(ref->peeled.id, 'c', sizeof(ref->peeled.id));
		g_ptr_array_add(listing->refs, ref);
	}
	return listing;
}

static char *names(const GPtrArray *refs)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < refs->len; i++) {
		const struct advertised_ref *ref = refs->pdata[i];

		g_string_append_printf(
			text, "%s%s=%c", i > 0 ? " " : "", tag_name(ref), (char)ref->oid.id[0]);
	}
	return g_string_free(text, FALSE);
}

static const struct {
	const char *upstream, *fork;
	const char *missing, *differing;
	guint n_equal, n_own;
} cases[] = {
	{"", "", "", "", 0, 0},
	{"refs/tags/v1=1 refs/tags/v2=2", "refs/tags/v1=1", "v2=2", "", 1, 0},
	{"refs/tags/v1=1", "refs/tags/v1=9", "", "v1=9", 0, 0},
	{"refs/tags/v1=1", "refs/tags/mine=1", "v1=1", "", 0, 1},
	/* Branches, and names that only look alike, are no tags. */
	{"HEAD=1 refs/heads/v1=1 refs/tags/a/v1=1", "refs/heads/main=1 refs/tags/a=1", "a/v1=1", "",
		0, 1},
	{"refs/heads/main=1", "refs/tags/v1=1 refs/tags/v2=2", "", "", 0, 2},
};

static void tags_are_compared_by_name_and_object(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		scoped(ref_listing) upstream = listing_of(cases[i].upstream);
		scoped(ref_listing) fork = listing_of(cases[i].fork);
		scoped(tag_plan) plan = tag_plan_new(upstream, fork);
		g_autofree char *missing = names(plan->missing);
		g_autofree char *differing = names(plan->differing);

		g_test_message("%s | %s", cases[i].upstream, cases[i].fork);
		g_assert_cmpstr(missing, ==, cases[i].missing);
		g_assert_cmpstr(differing, ==, cases[i].differing);
		g_assert_cmpuint(plan->n_equal, ==, cases[i].n_equal);
		g_assert_cmpuint(plan->n_own, ==, cases[i].n_own);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tag_plan/tags_are_compared_by_name_and_object",
		tags_are_compared_by_name_and_object);
	return g_test_run();
}
