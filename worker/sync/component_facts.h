#ifndef FORGE_WORKER_SYNC_COMPONENT_FACTS_H
#define FORGE_WORKER_SYNC_COMPONENT_FACTS_H

#include <git2.h>

#include "journal/events.pb-c.h"

/** A new fact of KIND; its payload is the caller's to set. */
Forge__Fact *component_fact_new(Forge__Fact__KindCase kind);

/** Sets a message's text to OID in hexadecimal digits; a zero one leaves it empty. */
void component_fact_set_oid(char **slot, const git_oid *oid);

#endif
