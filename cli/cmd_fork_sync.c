/*
 * `forge fork sync`: a batch of one job a fork, submitted and followed.
 *
 * Names are not looked up here: the scheduler knows them, and answers with the nearest one to a
 * name it does not know.
 */
#include "cli/batch_options.h"
#include "cli/batch_run.h"
#include "cli/handlers.h"
#include "cli/requests.h"

int cmd_fork_sync(struct invocation *invocation, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	scoped(client) client = NULL;
	struct batch_plan plan = {.submit = &submit};

	submit.arguments = &arguments;
	if (!batch_options_for_forks(invocation, invocation->arguments, &submit, error))
		return 1;
	plan.wait = !invocation_flag(invocation, "no-wait");
	plan.one_target = submit.n_targets == 1;
	client = requests_connect_with_jobs(
		invocation, plan.wait ? CLIENT_WORKS : CLIENT_READS, error);
	if (!client)
		return 1;
	return batch_run(invocation, client, &plan, error);
}
