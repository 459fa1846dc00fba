#ifndef FORGE_JOURNAL_JOURNAL_MEMORY_H
#define FORGE_JOURNAL_JOURNAL_MEMORY_H

#include "journal/base/scope.h"
#include "journal/journal.h"

/** What survives a crash of a simulated machine; shared by
 * the journals opened on it, one after another. */
struct journal_disk;

struct journal_disk *journal_disk_new(const char *journal_id);
/** One whose journal begins at FRONT. */
struct journal_disk *journal_disk_new_at(const char *journal_id, const struct journal_front *front);
void journal_disk_free(struct journal_disk *disk);
SCOPED_POINTER(journal_disk, journal_disk_free)

/** How the next append or cut ends; for tests. Afterwards the disk is healthy again. */
enum journal_fault {
	JOURNAL_FAULT_NONE,
	JOURNAL_FAULT_LOST,    /**< JOURNAL_WRITE_FAILED, and the record is not there */
	JOURNAL_FAULT_WRITTEN, /**< JOURNAL_WRITE_FAILED, but the record is there */
};
void journal_disk_set_fault(struct journal_disk *disk, enum journal_fault fault);
/** The same after so many CHANGES that go well. */
void journal_disk_set_fault_after(
	struct journal_disk *disk, enum journal_fault fault, guint changes);

/** A journal on DISK (not owned). A second one while one is
 * open makes the first one's appends JOURNAL_CONFLICT. */
struct journal *journal_memory_open(struct journal_disk *disk);

#endif
