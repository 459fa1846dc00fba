/*
 * From a job's kind to the function that does it, and what every operation says at its end.
 */
#include "worker/operation.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"
#include "journal/message.h"
#include "queue/reply_check.h"

void operation_note(struct operation *operation, Forge__Fact *take_fact)
{
	g_ptr_array_add(operation->noted, take_fact);
}

gboolean operation_report(struct operation *operation, GError **error)
{
	if (!operation->report(operation, (Forge__Fact **)operation->noted->pdata,
		    operation->noted->len, error))
		return FALSE;
	g_ptr_array_set_size(operation->noted, 0);
	return TRUE;
}

Forge__JobEnd *operation_run(struct operation *operation)
{
	g_autoptr(GError) error = NULL;

	if (!reply_check_granted(operation->job, &error))
		return operation_failed(error);
	switch (operation->job->kind) {
#define X(KIND, name, timeout, tries, LANE, ABOUT) \
	case FORGE__JOB_KIND__JOB_KIND_##KIND: \
		return op_##name(operation);
#include "queue/jobs.def"
#undef X
	case FORGE__JOB_KIND__JOB_KIND_UNSET:
	case _FORGE__JOB_KIND_IS_INT_SIZE:
		break;
	}
	g_set_error(&error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
		"this worker (%s) does not know jobs of kind %d", FORGE_VERSION,
		operation->job->kind);
	return operation_failed(error);
}

Forge__Error *operation_error(const GError *error)
{
	g_autofree char *redacted = log_redact(error->message, NULL);
	g_autofree char *cut = g_utf8_substring(
		redacted, 0, MIN(g_utf8_strlen(redacted, -1), LIMIT_ERROR_TEXT_BYTES / 4));

	return message_error(forge_error_code(error), cut, NULL);
}

Forge__JobEnd *operation_ended(Forge__Verdict verdict)
{
	Forge__JobEnd *end = g_new(Forge__JobEnd, 1);

	forge__job_end__init(end);
	end->verdict = verdict;
	return end;
}

Forge__JobEnd *operation_failed(const GError *error)
{
	Forge__JobEnd *end = operation_ended(FORGE__VERDICT__VERDICT_DONE);

	end->error = operation_error(error);
	return end;
}
