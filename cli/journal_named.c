/*
 * Commands on journals take a folder where another than the configured one is meant; those that only
 * read take a backup, too. None of them makes a journal by looking for one.
 */
#include "cli/journal_named.h"

#include <sys/stat.h>

#include "journal/base/errors.h"
#include "journal/journal_backup.h"
#include "journal/journal_rocksdb.h"

char *journal_named(struct invocation *invocation, guint at, GError **error)
{
	const struct config *config;

	if (invocation->argument_count > at)
		return g_strdup(invocation->arguments[at]);
	config = invocation_config(invocation, error);
	return config ? config_journal_path(config) : NULL;
}

static void refuse_none(const char *path, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"there is no journal in %s: the first command that changes something makes it",
		path);
}

struct journal *journal_named_read(const char *path, GError **error)
{
	if (g_file_test(path, G_FILE_TEST_IS_DIR))
		return journal_rocksdb_open(path, JOURNAL_READ_ONLY, "reader", error);
	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return journal_backup_open(path, error);
	refuse_none(path, error);
	return NULL;
}

struct journal *journal_named_write(const char *folder, const char *purpose, GError **error)
{
	if (journal_rocksdb_is_there(folder))
		return journal_rocksdb_open(folder, JOURNAL_WRITE, purpose, error);
	refuse_none(folder, error);
	return NULL;
}

uint64_t journal_named_bytes(const char *folder)
{
	g_autofree char *records = g_build_filename(folder, "records", NULL);
	g_autoptr(GDir) dir = g_dir_open(records, 0, NULL);
	const char *name;
	uint64_t bytes = 0;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(records, name, NULL);
		struct stat status;

		if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
			bytes += (uint64_t)status.st_size;
	}
	return bytes;
}
