#ifndef FORGE_WORKER_GIT_NAME_ORDER_H
#define FORGE_WORKER_GIT_NAME_ORDER_H

#include <glib.h>

/**
 * Sorts NAMES (of const char *, distinct, in the order in which they were first met) as git meets
 * them when it goes through one of its hash maps of strings. Where several renames are equally
 * good, this order decides which is taken.
 */
void name_order_sort(GPtrArray *names);

#endif
