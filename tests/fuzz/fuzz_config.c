/*
 * Configuration files. What is taken can be shown, and shows no secret; what is refused is refused
 * with a reason that fits a line.
 */
#include <string.h>

#include "journal/base/config.h"
#include "journal/base/document.h"
#include "tests/fuzz/input.h"
#include "worker/remote/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct fuzz_input name = input_part(&input);
	g_autofree char *repository = input_text(&name);
	g_autofree char *path = NULL;
	g_autoptr(GError) error = NULL;
	scoped(config) config = NULL;
	scoped(value) shown = NULL;
	scoped(remote) remote = NULL;
	g_autofree char *json = NULL;

	input_write_file("config.yaml", &input);
	path = g_build_filename(input_folder(), "config.yaml", NULL);
	config = config_load(path, &error);
	g_assert_true((config != NULL) == (error == NULL));
	if (!config) {
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		return 0;
	}
	shown = config_describe(config);
	json = document_write_json(shown, DOCUMENT_INDENTED);
	g_assert_true(g_utf8_validate(json, -1, NULL));
	remote = remote_new(config, repository, &error);
	g_assert_true((remote != NULL) == (error == NULL));
	if (remote && remote->password && strlen(remote->password) > 8)
		g_assert_null(strstr(remote->shown, remote->password));
	return 0;
}
