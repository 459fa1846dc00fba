/* Children whose end the system will not tell. */
#include <errno.h>
#include <sys/pidfd.h>

#include "journal/base/errors.h"
#include "tests/unit/sandbox.h"
#include "worker/remote/child.h"

/* In the place of the C library's: the system has no room for another descriptor. */
int pidfd_open(pid_t pid, unsigned int flags)
{
	(void)pid, (void)flags;
	errno = ENOMEM;
	return -1;
}

static void child_that_cannot_be_watched_is_not_started(void)
{
	static const char *const arguments[] = {"true", NULL};
	struct budget budget = sandbox_budget();
	g_autoptr(GError) error = NULL;

	g_assert_null(child_new(arguments, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_FAILED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/child/child_that_cannot_be_watched_is_not_started",
		child_that_cannot_be_watched_is_not_started);
	return g_test_run();
}
