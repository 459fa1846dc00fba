#ifndef FORGE_QUEUE_REPOSITORY_HOST_H
#define FORGE_QUEUE_REPOSITORY_HOST_H

/**
 * The host a repository's address names (`github.com` of github.com/company/crm-tools, of a URL and
 * of git@github.com:company/crm-tools); `localhost` for file:// and paths. Only for grouping: what
 * is really reached is the worker's to say. Caller frees.
 */
char *repository_host(const char *repository);

#endif
