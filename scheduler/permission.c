/*
 * The table of roles: each kind of request names the one it needs, and a new kind does not compile
 * until it does.
 */
#include "scheduler/permission.h"

#include "journal/base/errors.h"

#define ANYBODY 0

guint permission_needed(const Forge__Request *request)
{
	switch (request->kind_case) {
	case FORGE__REQUEST__KIND_HELLO:
		return request->hello->role == FORGE__ROLE__ROLE_WORKER ? ROLE_WORKER : ROLE_READ;
	case FORGE__REQUEST__KIND_HEARTBEAT:
	case FORGE__REQUEST__KIND_REPORT:
	case FORGE__REQUEST__KIND_RETURN_JOBS:
	case FORGE__REQUEST__KIND_PROGRESS:
		return ROLE_WORKER;
	case FORGE__REQUEST__KIND_LIST_FORKS:
	case FORGE__REQUEST__KIND_LIST_COMPONENTS:
	case FORGE__REQUEST__KIND_LIST_BATCHES:
	case FORGE__REQUEST__KIND_LIST_JOBS:
	case FORGE__REQUEST__KIND_GET_STATS:
	case FORGE__REQUEST__KIND_READ_EVENTS:
		return ROLE_READ;
	case FORGE__REQUEST__KIND_SUBMIT:
	case FORGE__REQUEST__KIND_CANCEL_JOB:
		return ROLE_SUBMIT;
	/* Where workers go with their credentials is not for everybody to say. */
	case FORGE__REQUEST__KIND_REGISTER_FORK:
	case FORGE__REQUEST__KIND_REMOVE_FORK:
	case FORGE__REQUEST__KIND_SET_PAUSED:
		return ROLE_OPERATE;
	case FORGE__REQUEST__KIND_GOODBYE:
	case FORGE__REQUEST__KIND__NOT_SET:
	case _FORGE__REQUEST__KIND__CASE_IS_INT_SIZE:
		return ANYBODY;
	}
	/* A number that no version of the schema knows is not made a case by the decoder. */
	g_assert_not_reached();
}

gboolean permission_check(
	const struct identity *identity, const Forge__Request *request, GError **error)
{
	guint needed = permission_needed(request);

	if (!identity || (identity->roles & needed) == needed)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED,
		"the key '%s' has not the role '%s' here; whoever runs the scheduler gives it with "
		"`forge config keys allow`",
		identity->name, role_name((enum role)needed));
	return FALSE;
}

gboolean permission_may_be(const struct identity *identity, Forge__Role role)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.role = role;
	request.kind_case = FORGE__REQUEST__KIND_HELLO;
	request.hello = &hello;
	return permission_check(identity, &request, NULL);
}

char *permission_name(const struct identity *identity, const Forge__Hello *hello)
{
	if (!identity)
		return g_strdup(hello->name);
	return hello->role == FORGE__ROLE__ROLE_WORKER
		? g_strdup_printf("%s/%s", identity->name, hello->name)
		: g_strdup(identity->name);
}
