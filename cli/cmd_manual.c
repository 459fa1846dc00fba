/*
 * `forge plumbing man`: the manual pages as files, for `make man` and packagers.
 */
#include <errno.h>
#include <glib/gstdio.h>

#include "cli/handlers.h"
#include "cli/manual.h"
#include "cli/output.h"
#include "journal/base/errors.h"

static gboolean write_page(const char *folder, const char *name, char *take_page, GError **error)
{
	g_autofree char *page = take_page;
	g_autofree char *path = g_build_filename(folder, name, NULL);

	return g_file_set_contents(path, page, -1, error);
}

int cmd_plumbing_man(struct invocation *invocation, GError **error)
{
	const char *folder = invocation->arguments[0];
	g_autofree char *main_name = manual_name(NULL);
	size_t count;
	const struct command *table = commands_table(&count);

	if (g_mkdir_with_parents(folder, 0755) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED,
			"cannot make the folder %s: %s", folder, g_strerror(errno));
		return 1;
	}
	if (!write_page(folder, main_name, manual_of_command(NULL), error) ||
		!write_page(folder, MANUAL_OF_CONFIGURATION, manual_of_configuration(), error))
		return 1;
	for (size_t i = 0; i < count; i++) {
		g_autofree char *name = manual_name(&table[i]);

		if (!write_page(folder, name, manual_of_command(&table[i]), error))
			return 1;
	}
	output_remark(invocation, "%zu pages are in %s", count + 2, folder);
	return 0;
}
