#ifndef FORGE_WORKER_GIT_IDENTITY_H
#define FORGE_WORKER_GIT_IDENTITY_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

#include "journal/base/config.h"

/**
 * Who makes forge's commits, at WHEN_US: `git:` of CONFIG, else git's own configuration, else
 * `forge <forge@HOSTNAME>`. The time is in UTC, so that the same job makes the same object on any
 * machine. Free with git_signature_free().
 */
git_signature *identity_signature(const struct config *config, uint64_t when_us, GError **error);

#endif
