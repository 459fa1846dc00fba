#ifndef FORGE_WORKER_REMOTE_SSH_COMMAND_H
#define FORGE_WORKER_REMOTE_SSH_COMMAND_H

#include <glib.h>
#include <stdint.h>

#include "worker/remote/remote.h"

/**
 * The arguments, program first, that run SERVICE (`git-upload-pack`) for REMOTE's path on its host,
 * through the ssh that git would use: GIT_SSH_COMMAND, core.sshCommand, GIT_SSH, else `ssh`. Never
 * asks questions; CONNECT_MS bounds OpenSSH's connecting. UNSUPPORTED if the command cannot be told
 * a port. Caller frees with g_strfreev().
 */
char **ssh_command(
	const struct remote *remote, const char *service, int64_t connect_ms, GError **error);

#endif
