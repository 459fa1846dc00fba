/*
 * Versions that upstream took back: which they are.
 *
 * The manifest that counts is the one at the tip of the default branch: a version is yanked after
 * it was made, so its own manifest cannot say so.
 */
#include "worker/component/component_catalog.h"
#include "worker/component/semver.h"
#include "worker/store/anchors.h"
#include "worker/sync/component_job.h"

static void free_manifest(gpointer data)
{
	component_manifest_free(data);
}

static struct component_manifest *read_manifest(
	const struct store *store, const git_oid *tip, GError **error)
{
	git_repository *git = store_git(store, error);
	struct component_manifest *manifest = git ? component_catalog_manifest(git, tip, error)
						  : NULL;

	git_repository_free(git);
	return manifest;
}

/* The manifest at HEAD, fetched if the store lacks it, and kept for all that share the answer. */
static const struct component_manifest *manifest_at(
	struct component_job *job, const struct advertised_ref *head, GError **error)
{
	const struct operation *operation = job->operation;
	const char *name = head->symref_target ? head->symref_target : "HEAD";
	g_autofree char *local_name = anchor_name("tip", name);
	const struct fetch_ref tip = {name, head->oid, local_name};
	struct component_manifest *manifest;
	struct store *store;

	if (upstream_answer_kept(job->answer))
		return upstream_answer_kept(job->answer);
	store = store_open(
		operation->workshop->stores, job->remote, &tip, 1, operation->budget, error);
	if (!store)
		return NULL;
	manifest = read_manifest(store, &head->peeled, error);
	store_close(store);
	return manifest ? upstream_answer_keep(job->answer, manifest, free_manifest) : NULL;
}

gboolean component_job_read_yanked(struct component_job *job, GError **error)
{
	const struct advertised_ref *head = ref_listing_find(job->answer->listing, "HEAD");
	const struct component_manifest *manifest;

	if (!head || job->yanked)
		return TRUE;
	manifest = manifest_at(job, head, error);
	if (manifest)
		job->yanked = component_manifest_yanked_of(manifest, job->name);
	return manifest != NULL;
}

gboolean component_job_is_yanked(const struct component_job *job, const char *version)
{
	scoped(semver) wanted = version && *version ? semver_parse(version, SEMVER_STRICT) : NULL;

	for (char **one = job->yanked; wanted && one && *one; one++) {
		scoped(semver) out = semver_parse(*one, SEMVER_STRICT);

		if (out && component_version_is_named(out, wanted))
			return TRUE;
	}
	return FALSE;
}
