/*
 * A job that does nothing, for as long as it was told: for measurements and trials of the queue.
 */
#include "worker/operation.h"

Forge__JobEnd *op_noop(struct operation *operation)
{
	const Forge__BatchArguments *arguments = operation->job->arguments;
	g_autoptr(GError) error = NULL;

	if (arguments && arguments->noop_ms > 0 &&
		!budget_wait(operation->budget, arguments->noop_ms, &error))
		return operation_failed(error);
	return operation_ended(FORGE__VERDICT__VERDICT_DONE);
}
