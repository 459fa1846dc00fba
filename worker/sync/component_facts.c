/*
 * What facts about components are made of.
 */
#include "worker/sync/component_facts.h"

#include "journal/message.h"

Forge__Fact *component_fact_new(Forge__Fact__KindCase kind)
{
	Forge__Fact *fact = g_new(Forge__Fact, 1);

	forge__fact__init(fact);
	fact->kind_case = kind;
	return fact;
}

void component_fact_set_oid(char **slot, const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (!git_oid_is_zero(oid))
		message_set_string(slot, git_oid_tostr(hex, sizeof(hex), oid));
}
