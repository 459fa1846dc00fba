#ifndef FORGE_WORKER_REMOTE_REF_LISTING_H
#define FORGE_WORKER_REMOTE_REF_LISTING_H

#include <glib.h>
#include <stddef.h>

#include "worker/remote/ls_refs.h"
#include "worker/remote/remote.h"

/*
 * Reads what servers answer about their refs (gitprotocol-v2, gitprotocol-http). Pure: SIZE bytes
 * at DATA in, a listing or an error out. REMOTE names the server in errors. PROTOCOL_ERROR for what
 * git would not send or an answer without its final flush, UNSUPPORTED for object ids that are not
 * SHA-1, TOO_LARGE past LIMIT_REFS_PER_REPOSITORY.
 */

/** What the server's first answer says it can do. */
struct ref_capabilities {
	gboolean speaks_v2;
	gboolean knows_unborn; /**< the argument of ls-refs */
};

gboolean ref_capabilities_parse(const char *data, size_t size, const struct remote *remote,
	struct ref_capabilities *capabilities, GError **error);

/**
 * The answer to ls-refs, respectively the version 0 advertisement: those refs whose names begin
 * with one of PREFIXES, whatever else the server sent.
 */
struct ref_listing *ref_listing_parse_v2(const char *data, size_t size, const char *const *prefixes,
	const struct remote *remote, GError **error);
struct ref_listing *ref_listing_parse_v0(const char *data, size_t size, const char *const *prefixes,
	const struct remote *remote, GError **error);

#endif
