#ifndef FORGE_WORKER_RESOLVE_EXPLANATION_H
#define FORGE_WORKER_RESOLVE_EXPLANATION_H

#include "worker/resolve/proof.h"

/** PROOF in sentences, a line each. Caller frees. */
char *explanation_text(const struct proof *proof);

#endif
