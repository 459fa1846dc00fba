#ifndef FORGE_WORKER_STORE_STORE_EVICT_H
#define FORGE_WORKER_STORE_STORE_EVICT_H

#include <glib.h>
#include <stdint.h>

/**
 * Removes repository folders of FOLDERS (NULL-terminated) that nobody holds, the least recently
 * used first, until all together have at most BYTES_MAX on disk. What cannot be removed is logged
 * and stays. Returns the bytes left.
 */
uint64_t store_evict(const char *const *folders, uint64_t bytes_max);

#endif
