#ifndef FORGE_WORKER_MERGE_SIMILARITY_H
#define FORGE_WORKER_MERGE_SIMILARITY_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/** Scores run from 0 to this; half of it is git's 50 %. */
#define SIMILARITY_MAX 60000

/** What of a file is needed to compare it with others: how many bytes each kind of line has. */
struct similarity_profile;

/** The profile of SIZE bytes at DATA. */
struct similarity_profile *similarity_profile_new(const char *data, size_t size);
void similarity_profile_free(struct similarity_profile *profile);
SCOPED_POINTER(similarity_profile, similarity_profile_free)

/** Bytes the profile takes in memory. */
size_t similarity_profile_bytes(const struct similarity_profile *profile);

/** FALSE if two files of these sizes cannot reach MINIMUM, whatever is in them. */
gboolean similarity_sizes_allow(size_t a, size_t b, int minimum);

/** The score git gives to SOURCE having become DESTINATION: bytes copied over, of the larger
 * file's. */
int similarity_score(
	const struct similarity_profile *source, const struct similarity_profile *destination);

#endif
