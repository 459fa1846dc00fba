/* Why an entry of forge.lock moved: the reason that a person looks for comes first. */
#include "worker/dependency/change_reasons.h"

/* The entries of one test; `lib` is the one that is asked about. */
struct story {
	struct resolved_entry lib;
	struct resolved_entry user;
	GPtrArray *entries;
};

static void story_clear(struct story *story)
{
	g_ptr_array_unref(story->lib.needs);
	g_ptr_array_unref(story->user.needs);
	g_ptr_array_unref(story->entries);
}
SCOPED_VALUE(story, story_clear)

static void story_begin(struct story *story)
{
	*story = (struct story){
		.lib = {.name = "lib",
			.shown = "2.0.0",
			.shown_before = "1.0.0",
			.moved = TRUE,
			.before_is_there = TRUE,
			.needs = g_ptr_array_new_with_free_func(resolved_need_free)},
		.user = {.name = "user",
			.shown = "3.0.0",
			.shown_before = "3.0.0",
			.before_is_there = TRUE,
			.needs = g_ptr_array_new_with_free_func(resolved_need_free)},
		.entries = g_ptr_array_new(),
	};
	g_ptr_array_add(story->entries, &story->lib);
	g_ptr_array_add(story->entries, &story->user);
}

static void user_needs(struct story *story, const char *constraint, gboolean allows_before)
{
	struct resolved_need *need = g_new0(struct resolved_need, 1);

	need->component = g_strdup("lib");
	need->constraint = g_strdup(constraint);
	need->allows_before = allows_before;
	g_ptr_array_add(story->user.needs, need);
}

static void assert_reason(const struct story *story, const char *expected)
{
	g_autofree char *reason = change_reason(&story->lib, story->entries);

	g_assert_cmpstr(reason, ==, expected);
}

static void what_stays_has_no_reason(void)
{
	scoped_value(story) story = {0};

	story_begin(&story);
	story.lib.moved = FALSE;
	user_needs(&story, "^2", FALSE);
	assert_reason(&story, NULL);
}

static void what_is_new_was_asked_for_or_is_needed(void)
{
	scoped_value(story) story = {0};

	story_begin(&story);
	story.lib.shown_before = NULL;
	assert_reason(&story, "it was asked for");
	user_needs(&story, "", FALSE);
	assert_reason(&story, "user 3.0.0 needs it");
	user_needs(&story, "^2", FALSE);
	story.lib.listed_constraint = "^2";
	assert_reason(&story, "it was asked for");
}

static void who_does_not_take_the_old_one_any_more_comes_first(void)
{
	scoped_value(story) story = {0};

	story_begin(&story);
	user_needs(&story, "^2", FALSE);
	story.lib.named = TRUE;
	story.lib.before_is_there = FALSE;
	story.lib.listed_constraint = ">=2";
	assert_reason(&story, "user 3.0.0 needs it (^2)");
}

static void who_would_take_the_old_one_is_no_reason(void)
{
	scoped_value(story) story = {0};

	story_begin(&story);
	user_needs(&story, "*", TRUE);
	story.lib.named = TRUE;
	assert_reason(&story, "the newest that all who need it allow");
}

static void a_changed_wish_comes_before_what_is_gone(void)
{
	scoped_value(story) story = {0};

	story_begin(&story);
	story.lib.listed_constraint = "^2";
	story.lib.before_is_there = FALSE;
	story.lib.named = TRUE;
	assert_reason(&story, "^2 is asked for");
	story.lib.listed_allows_before = TRUE;
	assert_reason(&story, "1.0.0 is not there any more");
	story.lib.before_is_there = TRUE;
	assert_reason(&story, "the newest that all who need it allow");
	story.lib.named = FALSE;
	assert_reason(&story, "1.0.0 did not go with the others");
}

#define ADD(name) g_test_add_func("/change_reasons/" #name, name)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(what_stays_has_no_reason);
	ADD(what_is_new_was_asked_for_or_is_needed);
	ADD(who_does_not_take_the_old_one_any_more_comes_first);
	ADD(who_would_take_the_old_one_is_no_reason);
	ADD(a_changed_wish_comes_before_what_is_gone);
	return g_test_run();
}
