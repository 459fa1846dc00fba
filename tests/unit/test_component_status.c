/* The one word for how a component stands, from what was seen and done. */
#include <glib.h>

#include "tests/unit/component_story.h"

/* The base is always `base`. Empty or NULL: not there, not known, nobody failed. */
static const struct {
	const char *what;
	Forge__Upstream upstream;
	const char *local, *theirs, *code, *pushed;
	gboolean to_fork, pending;
	Forge__ComponentStatus status;
} words[] = {
	{"same", UPSTREAM(KNOWN), "base", "base", .status = STATUS(SYNCED)},
	{"upstream moved", UPSTREAM(KNOWN), "base", "new", .status = STATUS(OUTDATED)},
	{"edited", UPSTREAM(KNOWN), "mine", "base", .status = STATUS(MODIFIED)},
	{"both moved", UPSTREAM(KNOWN), "mine", "new", .status = STATUS(MODIFIED)},
	{"folder deleted", UPSTREAM(KNOWN), "", "base", .status = STATUS(MODIFIED)},
	{"upstream took it", UPSTREAM(KNOWN), "mine", "mine", .status = STATUS(SYNCED)},
	{"pushed", UPSTREAM(KNOWN), "mine", "base", NULL, "mine", .status = STATUS(MODIFIED)},
	{"in a fork", UPSTREAM(KNOWN), "mine", "new", NULL, "mine", TRUE, FALSE, STATUS(FORKED)},
	{"edited since", UPSTREAM(KNOWN), "more", "new", NULL, "mine", TRUE, FALSE,
		STATUS(MODIFIED)},
	{"fork merged", UPSTREAM(KNOWN), "mine", "mine", NULL, "mine", TRUE, FALSE, STATUS(SYNCED)},
	{"reverted", UPSTREAM(KNOWN), "base", "base", NULL, "mine", TRUE, FALSE, STATUS(SYNCED)},
	{"gone", UPSTREAM(GONE), "base", "", .status = STATUS(DETACHED)},
	{"gone, edited", UPSTREAM(GONE), "mine", "", .status = STATUS(DETACHED)},
	{"gone, in a fork", UPSTREAM(GONE), "mine", "", NULL, "mine", TRUE, FALSE,
		STATUS(DETACHED)},
	{"repository gone", UPSTREAM(GONE), "base", "", "REPOSITORY_NOT_FOUND",
		.status = STATUS(DETACHED)},
	{"never asked", UPSTREAM(UNSET), "base", "", .status = STATUS(UNSET)},
	{"never asked, edited", UPSTREAM(UNSET), "mine", "", .status = STATUS(MODIFIED)},
	{"unreachable", UPSTREAM(UNKNOWN), "base", "", "TIMEOUT", .status = STATUS(UNSET)},
	{"unreachable, edited", UPSTREAM(UNKNOWN), "mine", "", "TIMEOUT",
		.status = STATUS(MODIFIED)},
	{"unreachable, in a fork", UPSTREAM(UNKNOWN), "mine", "", "TIMEOUT", "mine", TRUE, FALSE,
		STATUS(FORKED)},
	{"waits", UPSTREAM(KNOWN), "mine", "new", .pending = TRUE, .status = STATUS(CONFLICT)},
	{"waits, gone", UPSTREAM(GONE), "mine", "", .pending = TRUE, .status = STATUS(CONFLICT)},
	{"waits, unreachable", UPSTREAM(UNKNOWN), "mine", "", "TIMEOUT", .pending = TRUE,
		.status = STATUS(CONFLICT)},
	{"waits, same", UPSTREAM(KNOWN), "base", "base", .pending = TRUE,
		.status = STATUS(CONFLICT)},
	{"waits, in a fork", UPSTREAM(KNOWN), "mine", "new", NULL, "mine", TRUE, TRUE,
		STATUS(CONFLICT)},
};

static void test_the_word_follows_from_what_was_seen(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		scoped_value(story) story = story_of_one();

		g_test_message("%s", words[i].what);
		if (words[i].upstream == UPSTREAM(KNOWN))
			observe(&story, words[i].local, words[i].theirs);
		else
			fail_to_observe(&story, words[i].local, words[i].upstream, words[i].code);
		if (words[i].pushed)
			push(&story, words[i].pushed, words[i].to_fork);
		if (words[i].pending)
			conflict(&story);
		assert_status(&story, words[i].status);
	}
}

static void test_unknown_is_never_synced(void)
{
	scoped_value(story) story = story_of_one();

	assert_status(&story, STATUS(UNSET));
	observe(&story, "base", "base");
	assert_status(&story, STATUS(SYNCED));
	fail_to_observe(&story, "base", UPSTREAM(UNKNOWN), "REPOSITORY_UNREACHABLE");
	assert_status(&story, STATUS(UNSET));
	observe(&story, "base", "new");
	fail_to_observe(&story, "base", UPSTREAM(UNKNOWN), "TIMEOUT");
	assert_status(&story, STATUS(UNSET));
}

static void test_gone_is_not_gone_for_ever_nor_by_an_error(void)
{
	scoped_value(story) story = story_of_one();

	fail_to_observe(&story, "base", UPSTREAM(GONE), "REPOSITORY_NOT_FOUND");
	assert_status(&story, STATUS(DETACHED));
	fail_to_observe(&story, "base", UPSTREAM(UNSET), NULL);
	assert_status(&story, STATUS(DETACHED));
	fail_to_observe(&story, "base", UPSTREAM(UNKNOWN), "TIMEOUT");
	assert_status(&story, STATUS(UNSET));
	observe(&story, "base", "base");
	assert_status(&story, STATUS(SYNCED));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/component_status/" #name, test_##name)
	CLAIM(the_word_follows_from_what_was_seen);
	CLAIM(unknown_is_never_synced);
	CLAIM(gone_is_not_gone_for_ever_nor_by_an_error);
	return g_test_run();
}
