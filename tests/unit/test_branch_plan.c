#include <glib.h>
#include <string.h>

#include "worker/fork/branch_plan.h"

static void free_ref(gpointer data)
{
	struct advertised_ref *ref = data;

	g_free(ref->name);
	g_free(ref->symref_target);
	g_free(ref);
}

static void add_ref(struct ref_listing *listing, const char *name, char digit, const char *target)
{
	struct advertised_ref *ref = g_new0(struct advertised_ref, 1);

	ref->name = g_strdup(name);
	memset(ref->oid.id, digit, sizeof(ref->oid.id));
	ref->symref_target = g_strdup(target);
	g_ptr_array_add(listing->refs, ref);
}

/*
 * TEXT as a server's answer: words `BRANCH=DIGIT`; `>BRANCH` for what HEAD names, `HEAD=DIGIT` for
 * a HEAD that names no branch.
 */
static struct ref_listing *listing_of(const char *text)
{
	struct ref_listing *listing = g_new0(struct ref_listing, 1);
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	g_autofree char *head = NULL;

	listing->refs = g_ptr_array_new_with_free_func(free_ref);
	for (gsize i = 0; words[i] && *words[i]; i++) {
		const char *equals = strchr(words[i], '=');
		g_autofree char *name = equals ? g_strndup(words[i], (gsize)(equals - words[i]))
					       : NULL;
		g_autofree char *ref = g_strconcat("refs/heads/", name ? name : words[i] + 1, NULL);

		if (words[i][0] == '>')
			head = g_steal_pointer(&ref);
		else
			add_ref(listing, strcmp(name, "HEAD") == 0 ? name : ref, equals[1], NULL);
	}
	if (head) {
		const struct advertised_ref *target = ref_listing_find(listing, head);

		if (target)
			add_ref(listing, "HEAD", (char)target->oid.id[0], head);
		else
			listing->unborn_head = g_steal_pointer(&head);
	}
	return listing;
}

/* `NAME FORK-TIP<UPSTREAM-TIP` of what is to be synced, `NAME CODE` of what has ended; `…` at the
 * end where all branches are wanted. */
static char *text_of(const struct branch_plan *plan)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < plan->branches->len; i++) {
		const struct planned_branch *branch = plan->branches->pdata[i];

		g_string_append_printf(text, "%s%s ", i > 0 ? "; " : "", branch->name);
		if (branch->reason)
			g_string_append_printf(text, "%s %s",
				branch->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED
					? "failed"
					: "skipped",
				forge_error_name(forge_error_code(branch->reason)));
		else
			g_string_append_printf(text, "%c<%c",
				branch->fork_tip.id[0] ? branch->fork_tip.id[0] : '-',
				branch->upstream_tip.id[0]);
	}
	if (plan->wants_all_branches)
		g_string_append(text, " …");
	return g_string_free(text, FALSE);
}

static const struct {
	const char *what;
	const char *upstream;
	const char *fork;
	const char *patterns;
	gboolean fill;
	gboolean complete;
	const char *plan;
} cases[] = {
	{"upstream's default branch", ">main main=2", "main=1", "", FALSE, FALSE, "main 1<2"},
	{"the fork's HEAD does not matter", ">main main=2", ">own own=7 main=1", "", FALSE, TRUE,
		"main 1<2"},
	{"named branches in their order", ">main main=2 dev=4", "main=1 dev=3", "dev main", FALSE,
		FALSE, "dev 3<4; main 1<2"},
	{"a branch named twice", "main=2", "main=1", "main main m*", FALSE, FALSE, "main 1<2"},
	{"a glob", "main=2 release/1=4 release/2=6", "main=1 release/1=3 release/2=5", "release/*",
		FALSE, TRUE, "release/1 3<4; release/2 5<6"},
	{"a glob that matches nothing", "main=2", "main=1", "release/*", FALSE, TRUE,
		"release/* skipped BRANCH_NOT_FOUND"},
	{"a glob of branches of which the fork lacks one", "a/1=2 a/2=4", "a/1=1", "a/*", FALSE,
		TRUE, "a/1 1<2; a/2 skipped BRANCH_NOT_FOUND"},
	{"an empty upstream", ">main", "main=1", "", FALSE, TRUE, "main skipped EMPTY_REPOSITORY"},
	{"an upstream that seems empty", "", "main=1", "other", FALSE, FALSE,
		"HEAD skipped EMPTY_REPOSITORY …"},
	{"an empty fork", ">main main=2", ">main", "", FALSE, TRUE,
		"main skipped EMPTY_REPOSITORY"},
	{"an empty fork that may be filled", ">main main=2", ">main", "", TRUE, TRUE, "main -<2"},
	{"a fork without the branch", ">main main=2", "other=1", "", FALSE, TRUE,
		"main skipped BRANCH_NOT_FOUND"},
	{"a missing branch that may be filled", ">main main=2", "other=1", "", TRUE, FALSE,
		"main -<2"},
	{"what is missing is looked for in full", ">main main=2", "", "", FALSE, FALSE,
		"main skipped EMPTY_REPOSITORY …"},
	{"a default branch that was renamed", ">main main=2", ">master master=1", "", FALSE, TRUE,
		"main skipped DEFAULT_BRANCH_RENAMED"},
	{"a fork with another default branch that upstream has too", ">main main=2 dev=4",
		">dev dev=3", "", FALSE, TRUE, "main skipped BRANCH_NOT_FOUND"},
	{"a named branch is not called renamed", ">main main=2", ">master master=1", "main", FALSE,
		TRUE, "main skipped BRANCH_NOT_FOUND"},
	{"a branch that upstream deleted", "main=2", "main=1 old=3", "old main", FALSE, TRUE,
		"old failed BRANCH_DELETED; main 1<2"},
	{"a branch that nobody has", "main=2", "main=1", "none", FALSE, TRUE,
		"none failed BRANCH_NOT_FOUND"},
	{"upstream's HEAD names no branch", "HEAD=2 main=2", "main=1", "", FALSE, TRUE,
		"HEAD skipped BRANCH_NOT_FOUND"},
	{"upstream's HEAD names a branch that is not there", ">gone main=2", "main=1", "", FALSE,
		TRUE, "gone skipped BRANCH_NOT_FOUND"},
	{"a name that begins like another", "main=2 main-2=4", "main=1 main-2=3", "main", FALSE,
		FALSE, "main 1<2"},
};

static void plans_follow_from_the_listings_alone(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		scoped(ref_listing) upstream = listing_of(cases[i].upstream);
		scoped(ref_listing) fork = listing_of(cases[i].fork);
		g_auto(GStrv) patterns = g_strsplit(cases[i].patterns, " ", -1);
		scoped(branch_plan) plan = branch_plan_new(upstream, fork, patterns,
			g_strv_length(patterns), cases[i].fill, cases[i].complete);
		g_autofree char *text = text_of(plan);

		g_test_message("%s", cases[i].what);
		g_assert_cmpstr(text, ==, cases[i].plan);
	}
}

static void prefixes_cover_what_the_patterns_may_mean(void)
{
	static const struct {
		const char *patterns;
		const char *default_branch;
		const char *prefixes;
	} wanted[] = {
		{"", NULL, "HEAD"},
		{"", "refs/heads/main", "HEAD refs/heads/main"},
		{"dev", "refs/heads/main", "HEAD refs/heads/dev"},
		{"a/* b?c", NULL, "HEAD refs/heads/a/ refs/heads/b"},
		{"*", NULL, "HEAD refs/heads/"},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++) {
		g_auto(GStrv) patterns = g_strsplit(wanted[i].patterns, " ", -1);
		g_auto(GStrv) prefixes = branch_plan_prefixes(
			patterns, g_strv_length(patterns), wanted[i].default_branch);
		g_autofree char *text = g_strjoinv(" ", prefixes);

		g_assert_cmpstr(text, ==, wanted[i].prefixes);
	}
}

/* A push of BRANCH to the tip DIGIT was announced: what becomes of a plan for release/2 alone. */
static char *plan_after_push(const char *branch, char digit)
{
	static char glob[] = "release/*";
	char *const patterns[] = {glob};
	scoped(ref_listing) upstream = listing_of("release/2=5");
	scoped(ref_listing) fork = listing_of("release/1=3 release/2=4");
	scoped(branch_plan) plan = branch_plan_new(upstream, fork, patterns, 1, FALSE, TRUE);
	git_oid after;

	memset(&after.id, digit, sizeof(after.id));
	branch_plan_add_pushed(plan, fork, branch, &after);
	return text_of(plan);
}

static void branch_that_was_pushed_and_then_deleted_is_planned(void)
{
	g_autofree char *plan = plan_after_push("release/1", '3');

	g_assert_cmpstr(plan, ==, "release/2 4<5; release/1 failed BRANCH_DELETED");
}

static void branch_that_was_announced_but_not_pushed_is_not_planned(void)
{
	g_autofree char *not_pushed = plan_after_push("release/1", '7');
	g_autofree char *gone = plan_after_push("release/0", '3');

	g_assert_cmpstr(not_pushed, ==, "release/2 4<5");
	g_assert_cmpstr(gone, ==, "release/2 4<5");
}

static void branch_that_is_planned_already_is_planned_once(void)
{
	g_autofree char *plan = plan_after_push("release/2", '4');

	g_assert_cmpstr(plan, ==, "release/2 4<5");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/branch_plan/" #name, name)
	TEST(plans_follow_from_the_listings_alone);
	TEST(prefixes_cover_what_the_patterns_may_mean);
	TEST(branch_that_was_pushed_and_then_deleted_is_planned);
	TEST(branch_that_was_announced_but_not_pushed_is_not_planned);
	TEST(branch_that_is_planned_already_is_planned_once);
	return g_test_run();
}
