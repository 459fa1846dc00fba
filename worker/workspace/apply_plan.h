#ifndef FORGE_WORKER_WORKSPACE_APPLY_PLAN_H
#define FORGE_WORKER_WORKSPACE_APPLY_PLAN_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

enum apply_action {
	APPLY_REMOVE, /**< what is there goes */
	APPLY_PLACE,  /**< where nothing is, a new file or symlink comes */
	APPLY_EXCHANGE /**< one takes the place of another */,
	APPLY_MODE, /**< the executable bit alone */
};

/** One file or symlink that changes. */
struct apply_step {
	enum apply_action action;
	char *path; /**< in the component */
	git_oid from;
	git_oid to;
	uint32_t from_mode; /**< git's; 0: nothing is there */
	uint32_t to_mode;
	uint64_t inode; /**< of the staged file; 0: none */
};

/** How a folder gets from one tree to another; what an intent says. */
struct apply_plan {
	char *component;
	char *folder; /**< below the workspace's root */
	char *token;
	gboolean has_from;
	gboolean has_to;
	git_oid from;
	git_oid to;
	uint64_t stage_inode; /**< of the folder with the staged files: a copied workspace has
				 another */
	GArray *steps;        /**< of struct apply_step */
};

/**
 * The plan from tree FROM to tree TO of REPOSITORY; NULL stands for no folder. Equal subtrees are
 * not read. BROKEN_REPOSITORY, SECURITY_REFUSED for names that lead elsewhere, UNSUPPORTED,
 * TOO_LARGE.
 */
struct apply_plan *apply_plan_new(
	git_repository *repository, const git_oid *from, const git_oid *to, GError **error);
void apply_plan_free(struct apply_plan *plan);
SCOPED_POINTER(apply_plan, apply_plan_free)

struct apply_step *apply_plan_step(const struct apply_plan *plan, guint at);

/** PLAN as the bytes of an intent, with a checksum. Caller unrefs. */
GBytes *apply_plan_pack(const struct apply_plan *plan);

/** The plan that apply_plan_pack() made; NULL if a byte of it is not as it was. */
struct apply_plan *apply_plan_unpack(const void *data, size_t size);

#endif
