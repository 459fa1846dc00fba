/*
 * What component repositories and workspaces say of themselves. The first byte names the file; a
 * second part, if there is one, is what a person asks for. Files that are changed in place stay
 * readable and say what was asked.
 */
#include <string.h>

#include "journal/base/limits.h"
#include "tests/fuzz/input.h"
#include "worker/component/component_file.h"
#include "worker/component/component_manifest.h"
#include "worker/component/component_reference.h"
#include "worker/component/workspace_edit.h"
#include "worker/component/workspace_files.h"

static const struct document_origin origin = {"fuzz.yaml", FORGE_ERROR_VALIDATION_FAILED};

static char id[] = "0123456789012345678901234567890123456789";
static char nothing[] = "";
static char *no_names[] = {NULL};

static void read_file(const char *text, size_t size)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	scoped(component_file) file = component_file_parse(&origin, text, size, problems, &error);

	g_assert_true((file != NULL) == (error == NULL));
	g_assert_true((file != NULL) == (problems->len == 0));
	g_assert_cmpuint(problems->len, <=, LIMIT_COMPONENT_PROBLEMS + 1);
	if (!file)
		return;
	g_assert_nonnull(file->name);
	g_assert_null(component_version_wrong(file->version));
}

static void read_manifest(const char *text, size_t size)
{
	g_autoptr(GError) error = NULL;
	scoped(component_manifest) manifest = component_manifest_parse(&origin, text, size, &error);

	g_assert_true((manifest != NULL) == (error == NULL));
	for (guint i = 0; manifest && i < manifest->components->len; i++) {
		const struct manifest_component *component = manifest->components->pdata[i];
		g_auto(GStrv) yanked = component_manifest_yanked(manifest, component);

		g_auto(GStrv) names = g_strsplit(component->path, "/", -1);

		g_assert_false(g_strv_contains((const char *const *)names, ".."));
		g_assert_true(*component->path != '/');
		g_assert_nonnull(yanked);
	}
}

static void read_wanted(const char *text, size_t size)
{
	const struct wanted_component added = {.repository = (char *)"host/owner/name",
		.component = (char *)"added-by-hand",
		.constraint = (char *)"^1.2"};
	g_autofree char *copy = g_strndup(text, size);
	g_autoptr(GError) error = NULL;
	scoped(wanted_file) wanted = wanted_file_parse(&origin, text, size, &error);
	scoped(wanted_file) after = NULL;
	g_autofree char *longer = NULL;
	g_autofree char *shorter = NULL;

	g_assert_true((wanted != NULL) == (error == NULL));
	if (!wanted || wanted_file_find(wanted, added.component))
		return;
	longer = workspace_wanted_add("fuzz.yaml", copy, &added, NULL, NULL);
	if (!longer)
		return;
	after = wanted_file_parse(&origin, longer, strlen(longer), &error);
	g_assert_no_error(error);
	g_assert_cmpuint(after->components->len, ==, wanted->components->len + 1);
	g_assert_cmpstr(wanted_file_find(after, added.component)->constraint, ==, "^1.2");
	shorter = workspace_wanted_remove("fuzz.yaml", longer, added.component, &error);
	g_assert_no_error(error);
	wanted_file_free(g_steal_pointer(&after));
	after = wanted_file_parse(&origin, shorter, strlen(shorter), &error);
	g_assert_no_error(error);
	g_assert_cmpuint(after->components->len, ==, wanted->components->len);
}

static void read_lock(const char *text, size_t size)
{
	struct locked_component set = {.component = (char *)"added-by-hand",
		.repository = (char *)"host/owner/name",
		.path = nothing,
		.commit = id,
		.tree = id,
		.resolved_at = (char *)"2026-01-15T10:30:00Z",
		.dependencies = no_names};
	g_autofree char *copy = g_strndup(text, size);
	g_autofree char *canonical = NULL;
	g_autofree char *again = NULL;
	g_autofree char *longer = NULL;
	g_autoptr(GPtrArray) sets = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	scoped(lock_file) lock = lock_file_parse(&origin, text, size, &error);
	scoped(lock_file) second = NULL;
	scoped(lock_file) third = NULL;

	g_assert_true((lock != NULL) == (error == NULL));
	if (!lock)
		return;
	canonical = lock_file_write(lock->components);
	second = lock_file_parse(&origin, canonical, strlen(canonical), &error);
	g_assert_no_error(error);
	again = lock_file_write(second->components);
	g_assert_cmpstr(canonical, ==, again);
	g_ptr_array_add(sets, &set);
	longer = workspace_lock_set("forge.lock", copy, sets, NULL);
	if (!longer)
		return;
	third = lock_file_parse(&origin, longer, strlen(longer), &error);
	g_assert_no_error(error);
	g_assert_true(locked_component_same_place(lock_file_find(third, set.component), &set));
}

static void read_reference(const char *text)
{
	g_autoptr(GError) error = NULL;
	scoped(component_reference) reference = component_reference_parse(text, &error);

	g_assert_true((reference != NULL) == (error == NULL));
	if (!reference)
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t how = input_byte(&input);
	g_autofree char *bytes = input_exact(&input);
	g_autofree char *text = NULL;

	switch (how) {
	case 'c':
		read_file(bytes, input.size);
		break;
	case 'm':
		read_manifest(bytes, input.size);
		break;
	case 'w':
		read_wanted(bytes, input.size);
		break;
	case 'l':
		read_lock(bytes, input.size);
		break;
	default:
		text = input_text(&input);
		read_reference(text);
	}
	return 0;
}
