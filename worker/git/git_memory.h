#ifndef FORGE_WORKER_GIT_GIT_MEMORY_H
#define FORGE_WORKER_GIT_GIT_MEMORY_H

/**
 * Makes libgit2 refuse any single allocation over LIMIT_GIT_ALLOCATION_BYTES, as it does when
 * memory is out. Before its first start; from then on for the whole process.
 */
void git_memory_bound(void);

#endif
