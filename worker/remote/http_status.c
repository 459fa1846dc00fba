/*
 * The one place where a status of HTTP becomes an error of forge. A 404 is never more than "not
 * found here": a private repository answers the same to whom it does not know.
 */
#include "worker/remote/http.h"

static enum forge_error failure(int status, gboolean limited)
{
	switch (status) {
	case 401:
	case 407:
		return FORGE_ERROR_AUTHENTICATION_FAILED;
	case 403:
		return limited ? FORGE_ERROR_RATE_LIMIT_EXCEEDED : FORGE_ERROR_PERMISSION_DENIED;
	case 429:
		return FORGE_ERROR_RATE_LIMIT_EXCEEDED;
	case 451:
		return FORGE_ERROR_PERMISSION_DENIED;
	/* A redirect that was not followed: the repository is somewhere else. */
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
	case 404:
	case 410:
		return FORGE_ERROR_REPOSITORY_NOT_FOUND;
	case 408:
		return FORGE_ERROR_TIMEOUT;
	case 413:
		return FORGE_ERROR_TOO_LARGE;
	default:
		return status >= 500 && status < 600 ? FORGE_ERROR_REPOSITORY_UNREACHABLE
						     : FORGE_ERROR_PROTOCOL_ERROR;
	}
}

gboolean http_status_error(int status, gboolean limited, enum forge_error *code)
{
	if (status >= 200 && status < 300)
		return FALSE;
	*code = failure(status, limited);
	return TRUE;
}
