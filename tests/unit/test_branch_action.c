#include <glib.h>

#include "worker/fork/branch_sync.h"

#define FF FORGE__STRATEGY__STRATEGY_FAST_FORWARD
#define MERGE FORGE__STRATEGY__STRATEGY_MERGE
#define REBASE FORGE__STRATEGY__STRATEGY_REBASE
#define OVERWRITE FORGE__STRATEGY__STRATEGY_OVERWRITE

/* How the two tips can be related, and what each strategy makes of it. */
static const struct {
	const char *what;
	gboolean has_branch;
	gboolean related;
	gsize ahead;
	gsize behind;
	enum branch_action fast_forward;
	enum branch_action merge;
	enum branch_action rebase;
	enum branch_action overwrite;
} cases[] = {
	{"equal", TRUE, TRUE, 0, 0, BRANCH_NOTHING, BRANCH_NOTHING, BRANCH_NOTHING, BRANCH_NOTHING},
	{"behind", TRUE, TRUE, 0, 3, BRANCH_FAST_FORWARD, BRANCH_FAST_FORWARD, BRANCH_FAST_FORWARD,
		BRANCH_FAST_FORWARD},
	{"ahead", TRUE, TRUE, 2, 0, BRANCH_NOTHING, BRANCH_NOTHING, BRANCH_NOTHING,
		BRANCH_OVERWRITE},
	{"diverged", TRUE, TRUE, 2, 3, BRANCH_REFUSE_DIVERGED, BRANCH_MERGE, BRANCH_REBASE,
		BRANCH_OVERWRITE},
	{"unrelated", TRUE, FALSE, 0, 0, BRANCH_REFUSE_UNRELATED, BRANCH_REFUSE_UNRELATED,
		BRANCH_REFUSE_UNRELATED, BRANCH_OVERWRITE},
	{"not there yet", FALSE, FALSE, 0, 0, BRANCH_OVERWRITE, BRANCH_OVERWRITE, BRANCH_OVERWRITE,
		BRANCH_OVERWRITE},
};

static void each_strategy_does_what_it_is_called(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct {
			Forge__Strategy strategy;
			enum branch_action expected;
		} strategies[] = {
			{FF, cases[i].fast_forward},
			{MERGE, cases[i].merge},
			{REBASE, cases[i].rebase},
			{OVERWRITE, cases[i].overwrite},
		};

		g_test_message("%s", cases[i].what);
		for (gsize j = 0; j < G_N_ELEMENTS(strategies); j++)
			g_assert_cmpint(
				branch_action_for(strategies[j].strategy, cases[i].has_branch,
					cases[i].related, cases[i].ahead, cases[i].behind),
				==, strategies[j].expected);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/branch_action/each_strategy_does_what_it_is_called",
		each_strategy_does_what_it_is_called);
	return g_test_run();
}
