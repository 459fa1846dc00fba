/*
 * libgit2's set-up, once per process.
 *
 * Strict object creation and strict hash verification are libgit2's defaults and are said here all
 * the same, because the stores rely on both: nothing is written that refers to a missing object,
 * nothing is believed whose bytes do not have the id asked for. Files are not synced one by one:
 * everything below the cache folder can be fetched again, and what a power cut may have damaged is
 * found by its stamp (store_folder.c).
 */
#include "worker/git/git_library.h"

#include <git2.h>
#include <sys/resource.h>

#include "journal/base/limits.h"
#include "worker/git/git_memory.h"
#include "worker/git/git_settings.h"

/* libgit2 maps each pack it looks into and keeps it open; without a limit, many stores use up the
 * descriptors, and then objects that exist are "not found". Sockets, locks and the journal need
 * descriptors too. */
static size_t mapped_files_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return LIMIT_MAPPED_FILES;
	return MIN(LIMIT_MAPPED_FILES, (size_t)limit.rlim_cur / 4);
}

void git_library_start(void)
{
	git_memory_bound();
	g_assert(git_libgit2_init() > 0);
	g_assert(git_libgit2_opts(GIT_OPT_SET_MWINDOW_FILE_LIMIT, mapped_files_max()) == 0);
	g_assert(git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 1) == 0);
	g_assert(git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1) == 0);
	g_assert(git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0) == 0);
	git_settings_restrict_library();
}

void git_library_stop(void)
{
	git_libgit2_shutdown();
}

void git_library_error(GError **error, enum forge_error code, const char *format, ...)
{
	const git_error *last = git_error_last();
	g_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, FORGE_ERROR, (gint)code, "%s: %s", text,
		last && last->message ? last->message : "libgit2 gave no reason");
}
