#ifndef FORGE_TESTS_UNIT_COMPONENT_STORY_H
#define FORGE_TESTS_UNIT_COMPONENT_STORY_H

#include <string.h>

#include "scheduler/component_rows.h"

#define STATUS(word) FORGE__COMPONENT_STATUS__COMPONENT_STATUS_##word
#define UPSTREAM(word) FORGE__UPSTREAM__UPSTREAM_##word

/** A component `tool`, told facts one after another; trees and commits are short words. */
struct story {
	struct state *state;
	uint64_t seq;
};

static inline void story_clear(struct story *story)
{
	state_free(story->state);
}
SCOPED_VALUE(story, story_clear)

static inline Forge__Component component(const char *name, const char *base)
{
	Forge__Component made = FORGE__COMPONENT__INIT;

	made.name = (char *)name;
	made.repository = (char *)"github.com/company/tools";
	made.base_commit = made.tree = made.commit = (char *)base;
	made.version = (char *)"1.0.0";
	return made;
}

static inline uint64_t time_of(const struct story *story)
{
	return story->seq * 1000;
}

static inline const char *tell(struct story *story, Forge__Fact__KindCase kind, gpointer payload)
{
	Forge__Fact fact = FORGE__FACT__INIT;

	fact.kind_case = kind;
	fact.component_installed = payload;
	story->seq++;
	return component_fact_fold(story->state, story->seq, time_of(story), &fact);
}

static inline const struct component_row *row_of(const struct story *story, const char *name)
{
	const struct component_row *row = state_component(story->state, name);

	g_assert_nonnull(row);
	return row;
}

static inline const struct component_row *tool(const struct story *story)
{
	return row_of(story, "tool");
}

static inline void install(
	struct story *story, const char *name, const char *base, const char *before)
{
	Forge__ComponentInstalled fact = FORGE__COMPONENT_INSTALLED__INIT;
	Forge__Component made = component(name, base);

	fact.component = &made;
	fact.before = (char *)before;
	g_assert_null(tell(story, FORGE__FACT__KIND_COMPONENT_INSTALLED, &fact));
}

static inline Forge__ComponentObserved seen(
	const char *local, Forge__Upstream upstream, const char *tree)
{
	Forge__ComponentObserved fact = FORGE__COMPONENT_OBSERVED__INIT;

	fact.name = (char *)"tool";
	fact.local_tree = (char *)local;
	fact.upstream = upstream;
	fact.upstream_tree = fact.upstream_commit = (char *)tree;
	return fact;
}

static inline void observe(struct story *story, const char *local, const char *upstream)
{
	Forge__ComponentObserved fact = seen(local, UPSTREAM(KNOWN), upstream);

	g_assert_null(tell(story, FORGE__FACT__KIND_COMPONENT_OBSERVED, &fact));
}

/* A look that failed with CODE, or (NULL) asked nobody. */
static inline void fail_to_observe(
	struct story *story, const char *local, Forge__Upstream upstream, const char *code)
{
	Forge__ComponentObserved fact = seen(local, upstream, "");
	Forge__Error error = FORGE__ERROR__INIT;

	error.code = (char *)code;
	fact.error = code ? &error : NULL;
	g_assert_null(tell(story, FORGE__FACT__KIND_COMPONENT_OBSERVED, &fact));
}

static inline void pull(struct story *story, const char *base, Forge__Strategy strategy)
{
	Forge__ComponentPulled fact = FORGE__COMPONENT_PULLED__INIT;
	Forge__Component made = component("tool", base);

	fact.component = &made;
	fact.strategy = strategy;
	g_assert_null(tell(story, FORGE__FACT__KIND_COMPONENT_PULLED, &fact));
}

static inline void conflict(struct story *story)
{
	Forge__ComponentConflicted fact = FORGE__COMPONENT_CONFLICTED__INIT;
	Forge__Component made = component("tool", "new");
	Forge__Conflict one = FORGE__CONFLICT__INIT, *all[] = {&one};

	one.path = (char *)"schema.json";
	fact.component = &made;
	fact.conflicts = all;
	fact.n_conflicts = fact.conflict_count = 1;
	g_assert_null(tell(story, FORGE__FACT__KIND_COMPONENT_CONFLICTED, &fact));
}

static inline void resolve(struct story *story, const char *base)
{
	Forge__ComponentResolved fact = FORGE__COMPONENT_RESOLVED__INIT;
	Forge__Component made = component("tool", base ? base : "");

	fact.name = (char *)"tool";
	fact.aborted = base == NULL;
	fact.component = base ? &made : NULL;
	g_assert_null(tell(story, FORGE__FACT__KIND_COMPONENT_RESOLVED, &fact));
}

static inline void push(struct story *story, const char *tree, gboolean to_fork)
{
	Forge__ComponentPushed fact = FORGE__COMPONENT_PUSHED__INIT;

	fact.name = (char *)"tool";
	fact.tree = (char *)tree;
	fact.branch = (char *)"forge/tool-1";
	fact.to_fork = to_fork;
	g_assert_null(tell(story, FORGE__FACT__KIND_COMPONENT_PUSHED, &fact));
}

static inline void take_out(struct story *story, const char *name)
{
	Forge__ComponentRemoved fact = FORGE__COMPONENT_REMOVED__INIT;

	fact.name = (char *)name;
	g_assert_null(tell(story, FORGE__FACT__KIND_COMPONENT_REMOVED, &fact));
}

static inline void assert_status(const struct story *story, Forge__ComponentStatus status)
{
	g_assert_cmpint(component_status(tool(story)), ==, status);
}

/* A component that was installed at the tree `base`. */
static inline struct story story_of_one(void)
{
	struct story story = {.state = state_new()};

	install(&story, "tool", "base", "");
	return story;
}

#endif
