/*
 * Cancellation and deadline of a job, asked wherever it might wait.
 */
#include "worker/git/budget.h"

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

gboolean budget_check(const struct budget *budget, GError **error)
{
	if (g_atomic_int_get(&budget->cancelled)) {
		g_set_error_literal(
			error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED, "the job was stopped");
		return FALSE;
	}
	if (budget_remaining_ms(budget) == 0) {
		g_set_error_literal(
			error, FORGE_ERROR, FORGE_ERROR_TIMEOUT, "the job's time is used up");
		return FALSE;
	}
	return TRUE;
}

int64_t budget_request_due_ms(const struct budget *budget)
{
	return budget->request_ms > 0 ? clock_now().monotonic_ms + budget->request_ms : INT64_MAX;
}

gboolean budget_check_request(const struct budget *budget, int64_t due_ms, GError **error)
{
	if (!budget_check(budget, error))
		return FALSE;
	if (clock_now().monotonic_ms <= due_ms)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT,
		"it was not done after %" G_GINT64_FORMAT " ms (network.request)",
		budget->request_ms);
	return FALSE;
}

gboolean budget_wait(const struct budget *budget, int64_t ms, GError **error)
{
	int64_t until_ms = clock_now().monotonic_ms + ms;

	for (;;) {
		int64_t left_ms = until_ms - clock_now().monotonic_ms;

		if (!budget_check(budget, error))
			return FALSE;
		if (left_ms <= 0)
			return TRUE;
		/* Short steps, since nothing wakes a thread whose job is cancelled. */
		g_usleep((gulong)MIN(left_ms, LIMIT_BUDGET_STEP_MS) * 1000);
	}
}

int64_t budget_remaining_ms(const struct budget *budget)
{
	return MAX(0, budget->deadline_ms - clock_now().monotonic_ms);
}
