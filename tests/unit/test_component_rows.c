/* Components in the state: what every fact makes of a row, and the image there and back. */
#include <glib.h>
#include <string.h>

#include "tests/support/core_fixture.h"
#include "tests/unit/component_story.h"

/* ---- facts -------------------------------------------------------------------------------- */

static void test_an_installation_makes_a_row_and_keeps_its_place(void)
{
	scoped_value(story) story = {.state = state_new()};

	install(&story, "tool", "base", "");
	install(&story, "other", "x", "");
	install(&story, "tool", "later", "base");
	g_assert_cmpuint(story.state->components->len, ==, 2);
	g_assert_cmpuint(tool(&story)->installed_seq, ==, 1);
	g_assert_cmpuint(tool(&story)->synced_us, ==, 3000);
	g_assert_cmpstr(tool(&story)->component->tree, ==, "later");
	g_assert_true(story.state->components->pdata[0] == tool(&story));
}

static void test_an_installation_without_a_name_does_not_fit(void)
{
	scoped_value(story) story = {.state = state_new()};
	Forge__ComponentInstalled fact = FORGE__COMPONENT_INSTALLED__INIT;
	Forge__Component made = component("", "base");

	g_assert_nonnull(tell(&story, FORGE__FACT__KIND_COMPONENT_INSTALLED, &fact));
	fact.component = &made;
	g_assert_nonnull(tell(&story, FORGE__FACT__KIND_COMPONENT_INSTALLED, &fact));
	g_assert_cmpuint(story.state->components->len, ==, 0);
}

static void test_another_version_ends_what_waited(void)
{
	scoped_value(story) story = story_of_one();

	push(&story, "mine", FALSE);
	conflict(&story);
	install(&story, "tool", "later", "base");
	g_assert_null(tool(&story)->pending);
	g_assert_null(tool(&story)->pushed);
}

static void test_an_installation_that_changed_nothing_ends_nothing(void)
{
	scoped_value(story) story = story_of_one();

	push(&story, "mine", FALSE);
	conflict(&story);
	install(&story, "tool", "base", "base");
	g_assert_nonnull(tool(&story)->pending);
	g_assert_nonnull(tool(&story)->pushed);
	g_assert_cmpuint(tool(&story)->synced_us, ==, 2000);
}

static void test_facts_about_nobody_change_nothing(void)
{
	scoped_value(story) story = {.state = state_new()};
	struct hash before = state_digest(story.state), after;

	observe(&story, "base", "base");
	pull(&story, "new", FORGE__STRATEGY__STRATEGY_MERGE);
	conflict(&story);
	resolve(&story, "new");
	push(&story, "mine", TRUE);
	take_out(&story, "tool");
	after = state_digest(story.state);
	g_assert_true(hash_equal(&before, &after));
}

static void test_a_removed_component_is_gone_and_may_come_back(void)
{
	scoped_value(story) story = story_of_one();

	conflict(&story);
	install(&story, "other", "x", "");
	take_out(&story, "tool");
	g_assert_null(state_component(story.state, "tool"));
	g_assert_cmpuint(story.state->components->len, ==, 1);
	install(&story, "tool", "base", "");
	g_assert_null(tool(&story)->pending);
	g_assert_null(tool(&story)->observed);
	g_assert_true(story.state->components->pdata[1] == tool(&story));
}

static void test_what_could_not_be_asked_stays_as_it_was_known(void)
{
	static const Forge__Upstream not_asked[] = {UPSTREAM(UNSET), UPSTREAM(UNKNOWN)};

	for (size_t i = 0; i < G_N_ELEMENTS(not_asked); i++) {
		scoped_value(story) story = story_of_one();
		Forge__ComponentObserved fact = seen("base", UPSTREAM(KNOWN), "new");
		const Forge__ComponentObserved *kept;

		fact.behind = 3;
		fact.rewritten = TRUE;
		fact.upstream_version = (char *)"2.0.0";
		fact.upstream_time_us = 77;
		g_assert_null(tell(&story, FORGE__FACT__KIND_COMPONENT_OBSERVED, &fact));
		fail_to_observe(&story, "mine", not_asked[i], NULL);
		kept = tool(&story)->observed;
		g_assert_cmpstr(kept->local_tree, ==, "mine");
		g_assert_cmpstr(kept->upstream_tree, ==, "new");
		g_assert_cmpstr(kept->upstream_commit, ==, "new");
		g_assert_cmpstr(kept->upstream_version, ==, "2.0.0");
		g_assert_cmpuint(kept->behind, ==, 3);
		g_assert_cmpuint(kept->upstream_time_us, ==, 77);
		g_assert_true(kept->rewritten);
		g_assert_cmpuint(tool(&story)->observed_us, ==, 3000);
	}
}

static void test_a_look_brings_the_component_to_what_the_refs_say(void)
{
	scoped_value(story) story = story_of_one();
	Forge__ComponentObserved fact = seen("base", UPSTREAM(KNOWN), "base");
	Forge__Component newer = component("tool", "newer"), stranger = component("x", "x");

	fact.component = &stranger;
	g_assert_null(tell(&story, FORGE__FACT__KIND_COMPONENT_OBSERVED, &fact));
	g_assert_cmpstr(tool(&story)->component->tree, ==, "base");
	fact.component = &newer;
	g_assert_null(tell(&story, FORGE__FACT__KIND_COMPONENT_OBSERVED, &fact));
	g_assert_cmpstr(tool(&story)->component->tree, ==, "newer");
	g_assert_cmpuint(tool(&story)->synced_us, ==, 1000);
}

static void test_a_pull_ends_conflict_failure_and_push(void)
{
	scoped_value(story) story = story_of_one();
	Forge__Error error = FORGE__ERROR__INIT;

	push(&story, "mine", FALSE);
	conflict(&story);
	component_row_note_failure(state_component(story.state, "tool"), 5, &error);
	pull(&story, "new", FORGE__STRATEGY__STRATEGY_MERGE);
	g_assert_cmpstr(tool(&story)->component->tree, ==, "new");
	g_assert_cmpuint(tool(&story)->synced_us, ==, time_of(&story));
	g_assert_null(tool(&story)->pending);
	g_assert_null(tool(&story)->failure);
	g_assert_null(tool(&story)->pushed);
}

static void test_a_pull_of_nothing_new_keeps_the_push(void)
{
	scoped_value(story) story = story_of_one();

	push(&story, "mine", FALSE);
	pull(&story, "base", FORGE__STRATEGY__STRATEGY_UNSET);
	g_assert_nonnull(tool(&story)->pushed);
}

static void test_a_resolution_moves_the_base_and_an_abort_does_not(void)
{
	scoped_value(story) story = story_of_one();

	conflict(&story);
	resolve(&story, NULL);
	g_assert_null(tool(&story)->pending);
	g_assert_cmpstr(tool(&story)->component->tree, ==, "base");
	g_assert_cmpuint(tool(&story)->synced_us, ==, 1000);
	conflict(&story);
	resolve(&story, "new");
	g_assert_null(tool(&story)->pending);
	g_assert_cmpstr(tool(&story)->component->tree, ==, "new");
	g_assert_cmpuint(tool(&story)->synced_us, ==, time_of(&story));
}

static void test_a_failure_lasts_until_something_succeeds(void)
{
	scoped_value(story) story = story_of_one();
	Forge__ComponentEdited edited = FORGE__COMPONENT_EDITED__INIT;
	Forge__Error error = FORGE__ERROR__INIT;

	error.code = (char *)"TIMEOUT";
	component_row_note_failure(state_component(story.state, "tool"), 5, &error);
	g_assert_cmpstr(tool(&story)->failure->code, ==, "TIMEOUT");
	g_assert_cmpuint(tool(&story)->failure_us, ==, 5);
	edited.name = (char *)"tool";
	g_assert_null(tell(&story, FORGE__FACT__KIND_COMPONENT_EDITED, &edited));
	g_assert_null(tool(&story)->failure);
	g_assert_cmpuint(tool(&story)->failure_us, ==, 0);
}

static void test_every_kind_of_fact_names_its_component(void)
{
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__Component made = component("tool", "base");
	Forge__ComponentInstalled installed = FORGE__COMPONENT_INSTALLED__INIT;
	Forge__PushIntended intended = FORGE__PUSH_INTENDED__INIT;

	installed.component = &made;
	fact.kind_case = FORGE__FACT__KIND_COMPONENT_INSTALLED;
	fact.component_installed = &installed;
	g_assert_true(component_fact_is(fact.kind_case));
	g_assert_cmpstr(component_fact_name(&fact), ==, "tool");
	installed.component = NULL;
	g_assert_cmpstr(component_fact_name(&fact), ==, "");
	fact.kind_case = FORGE__FACT__KIND_PUSH_INTENDED;
	fact.push_intended = &intended;
	g_assert_false(component_fact_is(fact.kind_case));
	g_assert_cmpstr(component_fact_name(&fact), ==, "");
}

/* ---- the image ---------------------------------------------------------------------------- */

static void assert_comes_back(const struct state *state)
{
	g_autoptr(GBytes) image = state_image(state);
	scoped(state) restored = state_from_image(image);
	struct hash before = state_digest(state), after;

	g_assert_nonnull(restored);
	after = state_digest(restored);
	g_assert_true(hash_equal(&before, &after));
	g_assert_cmpuint(restored->components->len, ==, state->components->len);
}

static void test_the_image_comes_back_after_every_fact(void)
{
	scoped_value(story) story = story_of_one();
	Forge__Error error = FORGE__ERROR__INIT;

	assert_comes_back(story.state);
	observe(&story, "mine", "new");
	assert_comes_back(story.state);
	push(&story, "mine", TRUE);
	assert_comes_back(story.state);
	conflict(&story);
	assert_comes_back(story.state);
	component_row_note_failure(state_component(story.state, "tool"), 5, &error);
	assert_comes_back(story.state);
	install(&story, "other", "x", "");
	take_out(&story, "tool");
	install(&story, "tool", "base", "");
	assert_comes_back(story.state);
}

static void test_a_restored_state_goes_on_as_the_old_one(void)
{
	scoped_value(story) story = story_of_one();
	scoped_value(story) other = {.state = NULL};
	g_autoptr(GBytes) image = NULL;
	struct hash digests[2];

	install(&story, "other", "x", "");
	observe(&story, "mine", "new");
	image = state_image(story.state);
	other.state = state_from_image(image);
	other.seq = story.seq;
	for (int i = 0; i < 2; i++) {
		struct story *each = i ? &other : &story;

		fail_to_observe(each, "more", UPSTREAM(UNKNOWN), "TIMEOUT");
		conflict(each);
		take_out(each, "other");
		resolve(each, "new");
		digests[i] = state_digest(each->state);
	}
	g_assert_true(hash_equal(&digests[0], &digests[1]));
}

static void test_every_member_counts_for_the_digest(void)
{
	scoped_value(story) story = story_of_one();
	struct component_row *row = state_component(story.state, "tool");
	uint64_t *numbers[] = {
		&row->installed_seq, &row->synced_us, &row->observed_us, &row->failure_us};

	observe(&story, "mine", "new");
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		struct hash before = state_digest(story.state), after;

		*numbers[i] += 1;
		after = state_digest(story.state);
		g_assert_false(hash_equal(&before, &after));
	}
}

/* ---- in a scheduler, whose state the fixture compares with a replay after every turn -------- */

static uint64_t submit(struct core *core, Forge__JobKind kind, const char *target)
{
	Forge__Submit message = FORGE__SUBMIT__INIT;
	g_autofree char *id = g_strdup_printf("R%" G_GUINT64_FORMAT, core->next_id);
	char *targets[] = {(char *)target};

	message.request_id = id;
	message.kind = kind;
	message.targets = targets;
	message.n_targets = 1;
	core_ask(core, "client", FORGE__REQUEST__KIND_SUBMIT, &message);
	if (core_error(core, "client"))
		return 0;
	return core_reply(core, "client", FORGE__REPLY__KIND_SUBMITTED)->submitted->batch;
}

static void run(struct core *core, Forge__JobKind kind, Forge__Fact__KindCase fact_kind,
	gpointer payload, const char *code)
{
	Forge__Fact fact = FORGE__FACT__INIT;
	uint64_t batch = submit(core, kind, "tool");

	g_assert_cmpuint(batch, >, 0);
	fact.kind_case = fact_kind;
	fact.component_installed = payload;
	core_tell(core, "worker", batch, 1, 1, &fact);
	core_end(core, "worker", batch, 1, 1, code);
}

static void test_replay_and_checkpoint_have_the_same_components(void)
{
	scoped(core) core = core_new_with_client();
	Forge__ComponentInstalled installed = FORGE__COMPONENT_INSTALLED__INIT;
	Forge__ComponentObserved observed = seen("mine", UPSTREAM(KNOWN), "new");
	Forge__Component made = component("tool", "base");
	struct hash before, after;
	const struct component_row *row;

	core_greet_worker(core, "worker", 1);
	g_assert_cmpuint(submit(core, FORGE__JOB_KIND__JOB_KIND_COMPONENT_PULL, "tool"), ==, 0);
	g_assert_cmpstr(core_error(core, "client"), ==, "COMPONENT_NOT_FOUND");
	installed.component = &made;
	run(core, FORGE__JOB_KIND__JOB_KIND_COMPONENT_INSTALL,
		FORGE__FACT__KIND_COMPONENT_INSTALLED, &installed, NULL);
	run(core, FORGE__JOB_KIND__JOB_KIND_COMPONENT_CHECK, FORGE__FACT__KIND_COMPONENT_OBSERVED,
		&observed, "LOCAL_CHANGES");
	row = state_component(core_state(core), "tool");
	g_assert_nonnull(row);
	g_assert_cmpint(component_status(row), ==, STATUS(MODIFIED));
	g_assert_cmpstr(row->failure->code, ==, "LOCAL_CHANGES");
	before = state_digest(core_state(core));
	assert_comes_back(core_state(core));
	core_restart(core);
	row = state_component(core_state(core), "tool");
	g_assert_nonnull(row);
	g_assert_cmpint(component_status(row), ==, STATUS(MODIFIED));
	after = state_digest(core_state(core));
	g_assert_true(hash_equal(&before, &after));
	assert_comes_back(core_state(core));
}

/* What the facts of components meant when they were first written; whatever changes it changes the
 * meaning of journals that exist. */
static void test_the_fold_means_what_it_always_meant(void)
{
	static const char golden[] =
		"8d94ffd472e45a88549d1a9eb60cb2c4381db6a705a1bfdbb6483048e54026e7";
	scoped_value(story) story = story_of_one();
	g_autofree char *found = NULL;
	struct hash digest;

	observe(&story, "mine", "new");
	push(&story, "mine", TRUE);
	fail_to_observe(&story, "more", UPSTREAM(UNKNOWN), "TIMEOUT");
	install(&story, "other", "x", "");
	install(&story, "third", "x", "");
	conflict(&story);
	take_out(&story, "other");
	digest = state_digest(story.state);
	found = hash_hex(&digest);
	g_assert_cmpstr(found, ==, golden);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/component_rows/" #name, test_##name)
	CLAIM(an_installation_makes_a_row_and_keeps_its_place);
	CLAIM(an_installation_without_a_name_does_not_fit);
	CLAIM(another_version_ends_what_waited);
	CLAIM(an_installation_that_changed_nothing_ends_nothing);
	CLAIM(facts_about_nobody_change_nothing);
	CLAIM(a_removed_component_is_gone_and_may_come_back);
	CLAIM(what_could_not_be_asked_stays_as_it_was_known);
	CLAIM(a_look_brings_the_component_to_what_the_refs_say);
	CLAIM(a_pull_ends_conflict_failure_and_push);
	CLAIM(a_pull_of_nothing_new_keeps_the_push);
	CLAIM(a_resolution_moves_the_base_and_an_abort_does_not);
	CLAIM(a_failure_lasts_until_something_succeeds);
	CLAIM(every_kind_of_fact_names_its_component);
	CLAIM(the_image_comes_back_after_every_fact);
	CLAIM(a_restored_state_goes_on_as_the_old_one);
	CLAIM(every_member_counts_for_the_digest);
	CLAIM(replay_and_checkpoint_have_the_same_components);
	CLAIM(the_fold_means_what_it_always_meant);
	return g_test_run();
}
