#ifndef FORGE_CLI_EMBED_H
#define FORGE_CLI_EMBED_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/config.h"
#include "journal/base/scope.h"
#include "queue/bus.h"

/**
 * A scheduler without a daemon: in this process, or in that of another command on the same journal.
 * If that one ends, this process takes over by itself.
 */
struct embed;

/**
 * Hosts the scheduler of CONFIG's journal, or finds out who does. Errors: JOURNAL_* of opening;
 * JOURNAL_HELD if a daemon holds the journal.
 */
struct embed *embed_new(struct bus *bus, const struct config *config, GError **error);

/** Starts a worker of N_JOBS slots that runs the jobs of
 * embed_owner(), and those of owners who are gone. */
gboolean embed_start_worker(struct embed *embed, uint32_t n_jobs, GError **error);

/** Hands running jobs back, stops hosting. */
void embed_free(struct embed *embed);
SCOPED_POINTER(embed, embed_free)

/** Where to connect. Borrowed. */
const char *embed_endpoint(const struct embed *embed);

/** 32 hexadecimal digits that this process's client and worker share. Borrowed. */
const char *embed_owner(const struct embed *embed);

/** Why hosting ended though nobody asked it to; NULL if it did not. Borrowed. */
const GError *embed_failure(struct embed *embed);

#endif
