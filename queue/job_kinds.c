/*
 * jobs.def as a table that can be looked up. Shared by the scheduler (lanes, retries) and the
 * worker (timeouts).
 */
#include "queue/job_kinds.h"

#include <string.h>

#include "journal/base/limits.h"

static const struct job_kind kinds[] = {
#define X(KIND, job_name, timeout, tries, LANE, ABOUT) \
	{FORGE__JOB_KIND__JOB_KIND_##KIND, #job_name, timeout, tries, JOB_LANE_##LANE, \
		JOB_ABOUT_##ABOUT},
#include "queue/jobs.def"
#undef X
};

static const char *const names[] = {
#define X(KIND, job_name, timeout, tries, LANE, ABOUT) #job_name,
#include "queue/jobs.def"
#undef X
	NULL};

const struct job_kind *job_kind_of(Forge__JobKind kind)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

const struct job_kind *job_kind_named(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const char *const *job_kind_names(void)
{
	return names;
}
