/*
 * Cancellation and deadline of a job, asked wherever it might wait.
 */
#include "worker/budget.h"

#include "journal/base/clock.h"
#include "journal/base/errors.h"

gboolean budget_check(const struct budget *budget, GError **error)
{
	if (g_atomic_int_get(&budget->cancelled)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED, "the job was stopped");
		return FALSE;
	}
	if (budget_remaining_ms(budget) == 0) {
		g_set_error_literal(
			error, FORGE_ERROR, FORGE_ERROR_TIMEOUT, "the job's time is used up");
		return FALSE;
	}
	return TRUE;
}

int64_t budget_remaining_ms(const struct budget *budget)
{
	return MAX(0, budget->deadline_ms - clock_now().monotonic_ms);
}
