#ifndef FORGE_CLI_RUNTIME_FOLDER_H
#define FORGE_CLI_RUNTIME_FOLDER_H

#include <glib.h>

/**
 * The folder of sockets and owners' locks: `forge` in XDG_RUNTIME_DIR if that is this user's and
 * short enough for a socket, else /tmp/forge-UID; made if it is not there. SECURITY_REFUSED if it
 * is somebody else's or open to others. Caller frees.
 */
char *runtime_folder(GError **error);

/** The same folder without making or checking it. *PASSED_OVER (static) says why it is not in
 * XDG_RUNTIME_DIR; NULL: it is, or that is not set. Caller frees. */
char *runtime_folder_place(const char **passed_over);

/** SECURITY_REFUSED unless FOLDER is this user's and closed to others. */
gboolean runtime_folder_check(const char *folder, GError **error);

/** `ipc://…` of the scheduler that an embedded command
 * hosts for the journal in JOURNAL_FOLDER. Caller frees. */
char *runtime_endpoint(const char *runtime, const char *journal_folder);

/**
 * Takes the lock that shows that the process which owns OWNER lives. Returns a descriptor to be
 * closed by runtime_owner_release(), or -1.
 */
int runtime_owner_hold(const char *runtime, const char *owner, GError **error);
void runtime_owner_release(const char *runtime, const char *owner, int descriptor);

/** TRUE while somebody holds the lock of OWNER. If nobody does, its file is deleted. */
gboolean runtime_owner_lives(const char *runtime, const char *owner);

/** Deletes the files of owners that were killed. */
void runtime_forget_dead_owners(const char *runtime);

#endif
