/*
 * Refs with compare-and-swap, and commits that are digests of what made them. Upstream is a
 * counter: its commits never conflict here, since what is tested is who moves a branch when, not
 * how trees are merged.
 */
#include "tests/simulation/sim_git.h"

#include <string.h>

struct sim_git {
	GPtrArray *branches; /* of struct git_branch */
	GPtrArray *moves;    /* of struct git_move */
	GHashTable *holds;   /* commit → commits of upstream it holds; only looked up */
};

static void free_branch(gpointer data)
{
	struct git_branch *branch = data;

	g_free(branch->fork);
	g_free(branch->branch);
	g_free(branch->tip);
	g_free(branch);
}

static void free_move(gpointer data)
{
	struct git_move *move = data;

	g_free(move->fork);
	g_free(move->branch);
	g_free(move->before);
	g_free(move->after);
	g_free(move);
}

struct sim_git *sim_git_new(void)
{
	struct sim_git *server = g_new0(struct sim_git, 1);

	server->branches = g_ptr_array_new_with_free_func(free_branch);
	server->moves = g_ptr_array_new_with_free_func(free_move);
	server->holds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return server;
}

void sim_git_free(struct sim_git *server)
{
	if (!server)
		return;
	g_ptr_array_free(server->branches, TRUE);
	g_ptr_array_free(server->moves, TRUE);
	g_hash_table_destroy(server->holds);
	g_free(server);
}

static struct git_branch *find(const struct sim_git *server, const char *fork, const char *branch)
{
	for (guint i = 0; i < server->branches->len; i++) {
		struct git_branch *row = server->branches->pdata[i];

		if (strcmp(row->fork, fork) == 0 && strcmp(row->branch, branch) == 0)
			return row;
	}
	return NULL;
}

static char *make_commit(
	struct sim_git *server, const char *parent, const char *what, uint32_t holds)
{
	g_autofree char *source = g_strdup_printf("%s %s %u", parent, what, holds);
	char *commit = g_compute_checksum_for_string(G_CHECKSUM_SHA1, source, -1);

	g_hash_table_replace(server->holds, g_strdup(commit), GUINT_TO_POINTER(holds));
	return commit;
}

void sim_git_make(struct sim_git *server, const char *fork, const char *branch)
{
	struct git_branch *row;
	g_autofree char *name = g_strdup_printf("%s/%s", fork, branch);

	if (find(server, fork, branch))
		return;
	row = g_new0(struct git_branch, 1);
	row->fork = g_strdup(fork);
	row->branch = g_strdup(branch);
	row->upstream = 1;
	row->tip = make_commit(server, name, "begins", 1);
	g_ptr_array_add(server->branches, row);
}

const char *sim_git_tip(const struct sim_git *server, const char *fork, const char *branch)
{
	return find(server, fork, branch)->tip;
}

void sim_git_advance_upstream(struct sim_git *server, const char *fork, const char *branch)
{
	find(server, fork, branch)->upstream++;
}

static uint32_t holds(const struct sim_git *server, const char *commit)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(server->holds, commit));
}

gboolean sim_git_is_level(
	const struct sim_git *server, const char *fork, const char *branch, const char *tip)
{
	return holds(server, tip) >= find(server, fork, branch)->upstream;
}

char *sim_git_merge(struct sim_git *server, const char *fork, const char *branch, const char *tip)
{
	return make_commit(server, tip, "merge", find(server, fork, branch)->upstream);
}

gboolean sim_git_push(struct sim_git *server, const struct git_move *move)
{
	struct git_branch *row = find(server, move->fork, move->branch);
	struct git_move *copy;

	if (!row || strcmp(row->tip, move->before) != 0)
		return FALSE;
	copy = g_memdup2(move, sizeof(*move));
	copy->fork = g_strdup(move->fork);
	copy->branch = g_strdup(move->branch);
	copy->before = g_strdup(move->before);
	copy->after = g_strdup(move->after);
	g_free(row->tip);
	row->tip = g_strdup(copy->after);
	g_ptr_array_add(server->moves, copy);
	return TRUE;
}

void sim_git_push_by_hand(struct sim_git *server, const char *fork, const char *branch)
{
	struct git_branch *row = find(server, fork, branch);
	g_autofree char *after = make_commit(server, row->tip, "by hand", holds(server, row->tip));
	struct git_move move = {
		.fork = row->fork, .branch = row->branch, .before = row->tip, .after = after};

	g_assert_true(sim_git_push(server, &move));
}

const GPtrArray *sim_git_moves(const struct sim_git *server)
{
	return server->moves;
}

const GPtrArray *sim_git_branches(const struct sim_git *server)
{
	return server->branches;
}
