/*
 * A journal: who holds it, whether it is whole, and whether the clock agrees with it.
 */
#include <string.h>

#include "cli/doctor.h"
#include "journal/base/clock.h"
#include "journal/base/limits.h"
#include "journal/journal_rocksdb.h"
#include "scheduler/turn.h"

/* ---- who holds it ------------------------------------------------------------------------- */

/* TRUE if the process PID of this machine has been stopped (SIGSTOP, a debugger). */
static gboolean is_stopped(int64_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
	g_autofree char *text = NULL;
	const char *behind;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return FALSE;
	/* The name may hold anything, also brackets; the state is behind the last one. */
	behind = strrchr(text, ')');
	return behind && (strncmp(behind, ") T", 3) == 0 || strncmp(behind, ") t", 3) == 0);
}

static void check_holder(
	struct checkup *checkup, const char *name, const char *folder, gboolean served)
{
	g_autofree char *title = g_strconcat(name, " holder", NULL);
	struct journal_holder holder = {0};
	g_autofree char *hint = NULL;
	gboolean held = journal_rocksdb_holder(folder, &holder);
	gboolean here = strcmp(holder.host, g_get_host_name()) == 0;

	if (!held && holder.pid > 0) {
		checkup_good(checkup, title,
			"nobody; the last was process %" G_GINT64_FORMAT " on %s (%s)", holder.pid,
			holder.host, holder.purpose);
	} else if (held && here && is_stopped(holder.pid)) {
		hint = g_strdup_printf("let it go on with `kill -CONT %" G_GINT64_FORMAT
				       "`, or end it: another then goes on from where it was",
			holder.pid);
		checkup_bad(checkup, title, hint,
			"process %" G_GINT64_FORMAT " (%s) is stopped and keeps others from it",
			holder.pid, holder.purpose);
	} else if (held && !served && strcmp(holder.purpose, "scheduler") == 0) {
		checkup_bad(checkup, title,
			"set scheduler.endpoint to its address, or stop it: commands cannot work beside it",
			"a scheduler (process %" G_GINT64_FORMAT
			" on %s) has it, and this configuration does not lead to that",
			holder.pid, holder.host);
	} else if (held) {
		checkup_good(checkup, title, "process %" G_GINT64_FORMAT " on %s (%s)", holder.pid,
			holder.host, holder.purpose);
	}
}

/* ---- what is in it ------------------------------------------------------------------------ */

static gboolean last_event_us(struct journal *journal, uint64_t *time_us, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, journal_end(journal).seq, error);
	struct journal_record record;

	if (!reader || journal_reader_next(reader, &record, error) != JOURNAL_READ_RECORD)
		return FALSE;
	*time_us = record.entries->entries[record.entries->n_entries - 1]->time_us;
	return TRUE;
}

static void check_clock(struct checkup *checkup, const char *name, struct journal *journal)
{
	g_autofree char *title = g_strconcat(name, " clock", NULL);
	int64_t now_us = clock_now().wall_us;
	g_autofree char *now = clock_format(now_us);
	g_autofree char *last = NULL;
	uint64_t time_us;

	if (!last_event_us(journal, &time_us, NULL))
		return;
	last = clock_format((int64_t)time_us);
	if ((int64_t)time_us > now_us + LIMIT_CLOCK_BEHIND_US)
		checkup_bad(checkup, title,
			"set the clock (`timedatectl` shows whether it is synchronized); if it was wrong "
			"when that event was written, it rights itself with time",
			"it is %s here, but the last event is of %s", now, last);
	else
		checkup_good(checkup, title, "the last event is of %s", last);
}

/* Every record is read, as long as that is quick. */
static gboolean check_records(struct journal *journal, gboolean *all, GError **error)
{
	struct hash digest;

	*all = journal_end(journal).seq <= LIMIT_LOOK_EVENTS;
	return !*all || scheduler_verify(journal, &digest, error);
}

void doctor_journal(struct checkup *checkup, const char *name, const char *folder, gboolean served)
{
	g_autoptr(GError) problem = NULL;
	scoped(journal) journal = NULL;
	gboolean all;

	if (!g_file_test(folder, G_FILE_TEST_EXISTS)) {
		checkup_good(checkup, name,
			"%s is not there yet; the first command that needs it makes it", folder);
		return;
	}
	check_holder(checkup, name, folder, served);
	journal = journal_rocksdb_open(folder, JOURNAL_READ_ONLY, "doctor", &problem);
	if (!journal || !check_records(journal, &all, &problem)) {
		checkup_bad_error(checkup, name, problem);
		return;
	}
	checkup_good(checkup, name, "%s, %" G_GUINT64_FORMAT " events%s", folder,
		journal_end(journal).seq,
		all ? ", all read" : "; `forge journal verify` reads them all");
	check_clock(checkup, name, journal);
}
