/* A component in a real repository, seen through a real store. */
#include "tests/unit/package_scene.h"

#include <string.h>

#include "journal/base/config.h"
#include "journal/base/errors.h"
#include "worker/git/git_library.h"

void package_scene_set_up(struct scene *scene, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;

	git_fixture_set_up(&scene->fixture, unused);
	git_fixture_do(&scene->fixture, "git init -q r; git init -q --bare book; mkdir .forge");
	scene->repository = g_build_filename(scene->fixture.folder, "r", NULL);
	scene->config = config_load(NULL, &error);
	g_assert_no_error(error);
	path = g_build_filename(scene->fixture.folder, "book", NULL);
	g_assert_cmpint(git_repository_open_bare(&scene->forge, path), ==, 0);
	g_assert_cmpint(git_signature_new(&scene->who, "T", "t@example.org", BEGIN_S, 0), ==, 0);
	scene->terms = (struct source_terms){.config = scene->config,
		.stores = scene->fixture.stores,
		.budget = &scene->fixture.budget,
		.forge = scene->forge,
		.root = scene->fixture.folder,
		.who = scene->who,
		.now_us = (uint64_t)BEGIN_S * G_USEC_PER_SEC + 100 * DAY_US};
}

void package_scene_tear_down(struct scene *scene, gconstpointer unused)
{
	git_signature_free(scene->who);
	git_repository_free(scene->forge);
	config_free(scene->config);
	g_free(scene->repository);
	g_free(scene->locked.commit);
	git_fixture_tear_down(&scene->fixture, unused);
}

/* Makes the component VERSION on the branch that is checked out, and runs SCRIPT there after it. */
git_oid publish(struct scene *scene, const char *version, const char *script)
{
	gint64 when_s = BEGIN_S + (gint64)scene->commits++ * 24 * 60 * 60;

	git_fixture_do(&scene->fixture,
		"cd r; export GIT_COMMITTER_DATE='%" G_GINT64_FORMAT " +0000';"
		"mkdir -p components/tools/tool;"
		"printf 'kind: Tool\\nmetadata:\\n  name: tool\\n  version: %s\\nconfig: {n: %u}\\n' "
		">components/tools/tool/component.yaml; git add .; git commit -q -m %s; %s",
		when_s, version, scene->commits, version, script);
	return git_fixture_oid(&scene->fixture, "r", "HEAD");
}

void sight_clear(struct sight *sight)
{
	package_free(sight->package);
	source_free(sight->source);
}

void lock_at(struct scene *scene, const git_oid *commit, const char *version)
{
	g_free(scene->locked.commit);
	scene->locked = (struct locked_component){.component = (char *)"tool",
		.repository = scene->repository,
		.path = (char *)"components/tools/tool",
		.version = (char *)version,
		.commit = g_strdup(git_oid_tostr_s(commit))};
}

/* Looks at the repository as it is; WANTED as those say who look first, or NULL. */
void look(struct scene *scene, const char *wanted, struct sight *sight)
{
	g_autoptr(GPtrArray) sources = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	git_oid none = {{0}};

	sight->source = source_new(&scene->terms, scene->repository);
	if (wanted)
		source_want(sight->source, wanted);
	g_ptr_array_add(sources, sight->source);
	sources_look(sources, &error);
	g_assert_no_error(error);
	sight->package = package_new(
		sight->source, "tool", scene->locked.commit ? &scene->locked : NULL, &none);
	package_load(sight->package, &error);
	g_assert_no_error(error);
}

/* The candidates that CONSTRAINT allows, each once, as people see them; `-: REASON` if there are
 * none. */
static char *allowed_by(struct sight *sight, const char *constraint)
{
	g_autoptr(GError) error = NULL;
	scoped_value(package_allowed) allowed = {0};
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autoptr(GPtrArray) texts = g_ptr_array_new();

	package_allow(sight->package, constraint, &allowed, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < allowed.candidates->len; i++) {
		guint place = g_array_index(allowed.candidates, guint, i);
		const struct candidate *candidate = sight->package->candidates->pdata[place];

		if (g_hash_table_add(seen, GUINT_TO_POINTER(place)))
			g_ptr_array_add(texts, candidate->text);
	}
	g_assert_true((allowed.reason == NULL) == (texts->len > 0));
	if (texts->len == 0)
		return g_strconcat("-: ", allowed.reason, NULL);
	g_ptr_array_add(texts, NULL);
	return g_strjoinv(", ", (char **)texts->pdata);
}

void assert_allows(struct sight *sight, const char *constraint, const char *expected)
{
	g_autofree char *text = allowed_by(sight, constraint);

	g_test_message("%s", constraint);
	g_assert_cmpstr(text, ==, expected);
}

/* EXPECTED's `%s` is seven digits of COMMIT. */
void assert_allows_at(
	struct sight *sight, const char *constraint, const char *expected, const git_oid *commit)
{
	g_autofree char *digits = g_strndup(git_oid_tostr_s(commit), 7);
	g_autofree char *text = NULL;

	_Pragma("GCC diagnostic push");
	_Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"");
	text = g_strdup_printf(expected, digits);
	_Pragma("GCC diagnostic pop");
	assert_allows(sight, constraint, text);
}

void assert_refuses(struct sight *sight, const char *constraint, const char *words)
{
	g_autofree char *text = allowed_by(sight, constraint);

	g_test_message("%s: %s", constraint, text);
	g_assert_true(g_str_has_prefix(text, "-: "));
	g_assert_nonnull(strstr(text, words));
}

void publish_some(struct scene *scene)
{
	publish(scene, "1.0.0", "git tag v1.0.0");
	publish(scene, "1.2.0", "git tag -a -m x v1.2.0");
	publish(scene, "2.0.0", "git tag v2.0.0");
	publish(scene, "2.1.0-rc.1", "git tag v2.1.0-rc.1");
}
