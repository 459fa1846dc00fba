/*
 * Which host a job will talk to, as far as its address tells: ready jobs are kept in one list for
 * each host, so that a host that must be left alone is passed over whole.
 */
#include "queue/repository_host.h"

#include <glib.h>
#include <string.h>

char *repository_host(const char *repository)
{
	const char *start = strstr(repository, "://");
	const char *at;
	size_t length;

	if (start) {
		start += 3;
		at = strchr(start, '@');
		if (at && at < start + strcspn(start, "/"))
			start = at + 1;
		length = strcspn(start, "/");
	} else if (repository[0] == '/' || repository[0] == '.') {
		length = 0;
	} else {
		/* HOST/OWNER/NAME or user@host:path */
		start = repository;
		length = strcspn(start, "/:");
		at = memchr(start, '@', length);
		if (at) {
			length -= (size_t)(at + 1 - start);
			start = at + 1;
		}
	}
	return length == 0 ? g_strdup("localhost") : g_ascii_strdown(start, (gssize)length);
}
