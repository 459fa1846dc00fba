/* What a provider puts its answers into. */
#include "worker/resolve/solver_answer.h"

static void free_need(gpointer data)
{
	struct solver_need *need = data;

	g_free(need->package);
	g_free(need->constraint);
	g_free(need);
}

struct solver_answer *solver_answer_new(void)
{
	struct solver_answer *answer = g_new0(struct solver_answer, 1);

	answer->texts = g_ptr_array_new_with_free_func(g_free);
	answer->flags = g_array_new(FALSE, FALSE, sizeof(guint));
	answer->allowed = g_array_new(FALSE, FALSE, sizeof(guint));
	answer->needs = g_ptr_array_new_with_free_func(free_need);
	answer->changed = g_ptr_array_new_with_free_func(g_free);
	return answer;
}

void solver_answer_free(struct solver_answer *answer)
{
	if (!answer)
		return;
	g_ptr_array_unref(answer->texts);
	g_array_unref(answer->flags);
	g_array_unref(answer->allowed);
	g_ptr_array_unref(answer->needs);
	g_ptr_array_unref(answer->changed);
	g_free(answer->unusable);
	g_free(answer);
}

void solver_answer_candidate(
	struct solver_answer *answer, const char *text, enum solver_candidate_flags flags)
{
	guint number = flags;

	g_ptr_array_add(answer->texts, g_strdup(text));
	g_array_append_val(answer->flags, number);
}

void solver_answer_allow(struct solver_answer *answer, guint candidate)
{
	g_array_append_val(answer->allowed, candidate);
}

void solver_answer_need(struct solver_answer *answer, const char *package, const char *constraint)
{
	struct solver_need *need = g_new0(struct solver_need, 1);

	need->package = g_strdup(package);
	need->constraint = g_strdup(constraint ? constraint : "");
	g_ptr_array_add(answer->needs, need);
}

void solver_answer_unusable(struct solver_answer *answer, const char *reason)
{
	g_free(answer->unusable);
	answer->unusable = g_strdup(reason);
}

void solver_answer_changed(struct solver_answer *answer, const char *package)
{
	g_ptr_array_add(answer->changed, g_strdup(package));
}
