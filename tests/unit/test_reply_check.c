/* What a scheduler leaves out is found before somebody reads it. */
#include "queue/reply_check.h"

#include <string.h>

#include "journal/base/errors.h"

static void refuse(const Forge__Reply *reply, const char *named)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(reply_check(reply, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
	g_assert_nonnull(strstr(error->message, named));
}

static void a_row_without_its_fork_or_branch_is_refused(void)
{
	Forge__Reply reply = FORGE__REPLY__INIT;
	Forge__ForkRows rows = FORGE__FORK_ROWS__INIT;
	Forge__ForkRow row = FORGE__FORK_ROW__INIT, *row_pointer = &row;
	Forge__BranchRow branch = FORGE__BRANCH_ROW__INIT, *branch_pointer = &branch;
	Forge__Fork fork = FORGE__FORK__INIT;
	Forge__ForkSynced last = FORGE__FORK_SYNCED__INIT;

	reply.kind_case = FORGE__REPLY__KIND_FORK_ROWS;
	reply.fork_rows = &rows;
	rows.n_rows = 1;
	rows.rows = &row_pointer;
	row.n_branches = 1;
	row.branches = &branch_pointer;
	refuse(&reply, "fork");
	row.fork = &fork;
	refuse(&reply, "branch");
	branch.last = &last;
	g_assert_true(reply_check(&reply, NULL));
}

static void a_page_of_events_without_an_event_is_refused(void)
{
	Forge__Reply reply = FORGE__REPLY__INIT;
	Forge__Events events = FORGE__EVENTS__INIT;
	Forge__EventRow row = FORGE__EVENT_ROW__INIT, *rows[1] = {&row};

	reply.kind_case = FORGE__REPLY__KIND_EVENTS;
	reply.events = &events;
	g_assert_true(reply_check(&reply, NULL));
	events.n_events = 1;
	events.events = rows;
	refuse(&reply, "event");
}

static void a_granted_job_names_what_it_is_about(void)
{
	Forge__GrantedJob job = FORGE__GRANTED_JOB__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__Fork fork = FORGE__FORK__INIT;

	job.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	g_assert_false(reply_check_granted(&job, NULL));
	job.job = &id;
	g_assert_false(reply_check_granted(&job, NULL));
	job.fork = &fork;
	g_assert_true(reply_check_granted(&job, NULL));
	job.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_PULL;
	g_assert_false(reply_check_granted(&job, NULL));
	job.target = (char *)"one";
	g_assert_true(reply_check_granted(&job, NULL));
	job.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	job.target = (char *)"";
	g_assert_true(reply_check_granted(&job, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(claim) g_test_add_func("/reply_check/" #claim, claim)
	TEST(a_row_without_its_fork_or_branch_is_refused);
	TEST(a_page_of_events_without_an_event_is_refused);
	TEST(a_granted_job_names_what_it_is_about);
#undef TEST
	return g_test_run();
}
