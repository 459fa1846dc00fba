/*
 * The search: asks about what is needed, decides, and goes on until all is decided or nothing is
 * left to decide.
 *
 * A candidate's needs become rules before it is decided for, so that one which cannot be is passed
 * over without a decision. The best candidates of all packages that became needed are asked about
 * together, and what they need as well: thus the provider hears of a whole layer of packages at
 * once, and reads of each at least one candidate.
 *
 * Components that need each other in a circle are a rule that is found when the circle closes; it
 * speaks of all candidates that are known to need the next, not just of those that met.
 */
#include "worker/resolve/solving.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/resolve/bits.h"

/* So many conflicts are no trouble, and the order that people expect is kept. After them, packages
 * that have much part in conflicts and few candidates are settled before others. */
#define CALM_CONFLICTS 200

/* ---- whose turn it is ---- */

enum turn {
	TURN_FORCED, /* nothing to choose */
	TURN_LOCKED, /* stays as it is, and others adapt */
	TURN_ASKED,
	TURN_OTHERS,
};

struct urgency {
	double heat; /* per candidate, where conflicts are many; hotter comes first */
	enum turn turn;
	guint possible; /* candidates, of others; fewer come first */
	const char *name;
};

static guint candidates_words(const struct package *package)
{
	return bits_words(package_values(package));
}

static struct urgency urgency_of(const struct solving *solving, guint number)
{
	const struct package *package = problem_package(solving->inquiry.problem, number);
	const uint64_t *domain = search_domain(solving->inquiry.search, number);
	guint possible = bits_count(domain, candidates_words(package));
	struct urgency urgency = {.turn = TURN_OTHERS, .name = package->name};

	if (possible == 1) {
		urgency.turn = TURN_FORCED;
		urgency.heat = G_MAXDOUBLE;
		return urgency;
	}
	if (search_conflicts(solving->inquiry.search) >= CALM_CONFLICTS)
		urgency.heat = search_heat(solving->inquiry.search, number) / possible;
	if (bits_meet(domain, package->locked, candidates_words(package)))
		urgency.turn = TURN_LOCKED;
	else if (package->asked)
		urgency.turn = TURN_ASKED;
	else
		urgency.possible = possible;
	return urgency;
}

static gboolean comes_before(const struct urgency *a, const struct urgency *b)
{
	if (a->heat > b->heat || a->heat < b->heat)
		return a->heat > b->heat;
	if (a->turn != b->turn)
		return a->turn < b->turn;
	if (a->possible != b->possible)
		return a->possible < b->possible;
	return strcmp(a->name, b->name) < 0;
}

static gboolean is_waiting(const struct solving *solving, guint number)
{
	const struct search *search = solving->inquiry.search;

	return search_is_present(search, number) && !search_is_decided(search, number);
}

/* The package to decide next; FALSE if there is none. */
static gboolean pick_package(const struct solving *solving, guint *picked)
{
	struct urgency best = {0};
	gboolean found = FALSE;

	for (guint i = 0; i < solving->inquiry.problem->packages->len; i++) {
		struct urgency urgency;

		if (!is_waiting(solving, i))
			continue;
		urgency = urgency_of(solving, i);
		if (found && !comes_before(&urgency, &best))
			continue;
		best = urgency;
		*picked = i;
		found = TRUE;
	}
	return found;
}

static guint pick_candidate(
	const struct solving *solving, const struct solving_task *task, guint number)
{
	const struct package *package = problem_package(solving->inquiry.problem, number);
	const uint64_t *domain = search_domain(solving->inquiry.search, number);
	guint words = candidates_words(package);

	for (guint i = 0; i < words; i++)
		if (domain[i] & package->locked[i])
			return i * BITS_PER_WORD +
				(guint)__builtin_ctzll(domain[i] & package->locked[i]);
	return task->preference == SOLVER_PREFER_LOWEST ? bits_highest(domain, words)
							: bits_lowest(domain);
}

/* ---- circles ---- */

guint solving_chosen(const struct solving *solving, guint package)
{
	return bits_lowest(search_domain(solving->inquiry.search, package));
}

static gboolean needs(const struct package *package, guint candidate, guint other)
{
	const GArray *list = package->needs[candidate];

	for (guint i = 0; list && i < list->len; i++)
		if (g_array_index(list, guint, i) == other)
			return TRUE;
	return FALSE;
}

void solving_round_off_circle(const struct problem *problem, struct fact *fact)
{
	guint first = 0;

	for (guint i = 1; i < fact->n_circle; i++) {
		const struct package *package = problem_package(problem, fact->circle[i].variable);
		const struct package *best = problem_package(problem, fact->circle[first].variable);

		if (package->asked != best->asked ? package->asked
						  : strcmp(package->name, best->name) < 0)
			first = i;
	}
	for (; first > 0; first--) {
		struct search_term term = fact->circle[0];

		memmove(fact->circle, fact->circle + 1, (fact->n_circle - 1) * sizeof(term));
		fact->circle[fact->n_circle - 1] = term;
	}
	for (guint i = 0; i < fact->n_circle; i++) {
		const struct package *package = problem_package(problem, fact->circle[i].variable);
		guint next = fact->circle[(i + 1) % fact->n_circle].variable;

		for (guint j = 0; j < package->candidates; j++)
			if (bits_has(package->loaded, j) && needs(package, j, next))
				bits_add(fact->circle[i].values, j);
	}
	fact->package = fact->circle[0].variable;
}

/* Makes a rule of the circle that goes from LAST back along PARENTS to FIRST, which it needs. */
static void add_circle(struct solving *solving, guint first, guint last, const GArray *parents)
{
	struct problem *problem = solving->inquiry.problem;
	struct fact *fact = problem_add_fact(problem, SOLVER_FACT_CYCLE, first);
	guint n = 1, at;

	for (at = last; at != first; at = g_array_index(parents, guint, at) - 1)
		n++;
	fact->circle = g_new0(struct search_term, n);
	fact->n_circle = n;
	at = last;
	for (guint i = n; i-- > 0; at = i > 0 ? g_array_index(parents, guint, at) - 1 : at) {
		fact->circle[i].variable = at;
		fact->circle[i].values = bits_new(package_values(problem_package(problem, at)));
	}
	solving_round_off_circle(problem, fact);
	fact->rule = search_add_rule(
		solving->inquiry.search, fact->circle, fact->n_circle, problem->facts->len - 1);
}

/* If what was decided makes the package NUMBER need itself, the shortest such circle becomes a rule,
 * which is broken. */
static void find_circle(struct solving *solving, guint number)
{
	const struct problem *problem = solving->inquiry.problem;
	g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(guint));
	g_autoptr(GArray) parents = g_array_new(FALSE, TRUE, sizeof(guint));

	g_array_set_size(parents, problem->packages->len);
	g_array_append_val(queue, number);
	for (guint i = 0; i < queue->len; i++) {
		guint at = g_array_index(queue, guint, i);
		const GArray *list =
			problem_package(problem, at)->needs[solving_chosen(solving, at)];

		for (guint j = 0; list && j < list->len; j++) {
			guint next = g_array_index(list, guint, j);

			if (next == number) {
				add_circle(solving, number, at, parents);
				return;
			}
			if (g_array_index(parents, guint, next) > 0 ||
				!search_is_decided(solving->inquiry.search, next))
				continue;
			g_array_index(parents, guint, next) = at + 1;
			g_array_append_val(queue, next);
		}
		search_spend(solving->inquiry.search, 1 + (list ? list->len : 0));
	}
}

/* ---- the search ---- */

/* Asks about the best candidate of each package that became needed; FALSE if that failed. */
static gboolean look_ahead(
	struct solving *solving, const struct solving_task *task, gboolean *asked, GError **error)
{
	g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));

	for (guint i = 0; i < solving->inquiry.problem->packages->len; i++) {
		struct package *package = problem_package(solving->inquiry.problem, i);
		struct candidate candidate = {i, 0};

		if (package->ahead || !is_waiting(solving, i))
			continue;
		package->ahead = TRUE;
		candidate.number = pick_candidate(solving, task, i);
		if (!bits_has(package->loaded, candidate.number))
			g_array_append_val(candidates, candidate);
	}
	*asked = candidates->len > 0;
	return inquire_needs(&solving->inquiry, candidates, error);
}

/* Decides for one candidate of the package NUMBER, or asks what it needs first. */
static gboolean decide(
	struct solving *solving, const struct solving_task *task, guint number, GError **error)
{
	const struct package *package = problem_package(solving->inquiry.problem, number);
	struct candidate candidate = {number, pick_candidate(solving, task, number)};
	g_autoptr(GArray) candidates = NULL;

	if (bits_has(package->loaded, candidate.number)) {
		search_decide(solving->inquiry.search, number, candidate.number);
		find_circle(solving, number);
		return TRUE;
	}
	candidates = g_array_new(FALSE, FALSE, sizeof(candidate));
	g_array_append_val(candidates, candidate);
	return inquire_needs(&solving->inquiry, candidates, error);
}

/* One search, up to a change. */
static enum solving_end run_once(
	struct solving *solving, const struct solving_task *task, GError **error)
{
	struct inquiry *inquiry = &solving->inquiry;

	if (!inquire_requirements(inquiry, task->requirements, task->n, task->relaxed, error))
		return SOLVING_FAILED;
	while (!inquiry->changed) {
		gboolean asked = FALSE;
		guint number = 0;

		switch (search_propagate(inquiry->search, error)) {
		case SEARCH_OPEN:
			break;
		case SEARCH_IMPOSSIBLE:
			return SOLVING_IMPOSSIBLE;
		case SEARCH_STOPPED:
			return SOLVING_FAILED;
		}
		if (!look_ahead(solving, task, &asked, error))
			return SOLVING_FAILED;
		if (asked)
			continue;
		if (!pick_package(solving, &number))
			return SOLVING_SOLVED;
		if (!decide(solving, task, number, error))
			return SOLVING_FAILED;
	}
	return SOLVING_CHANGED;
}

static void begin(struct solving *solving, const struct solving_task *task)
{
	solving->inquiry = (struct inquiry){
		.provider = task->provider,
		.problem = problem_new(),
		.search = search_new(task->budget),
	};
}

static void end(struct solving *solving)
{
	if (solving->inquiry.search)
		solving->conflicts += search_conflicts(solving->inquiry.search);
	search_free(solving->inquiry.search);
	problem_free(solving->inquiry.problem);
	solving->inquiry = (struct inquiry){0};
}

enum solving_end solving_run(
	struct solving *solving, const struct solving_task *task, GError **error)
{
	enum solving_end how;

	*solving = (struct solving){0};
	for (;;) {
		begin(solving, task);
		how = run_once(solving, task, error);
		if (how != SOLVING_CHANGED)
			break;
		end(solving);
		if (++solving->restarts > LIMIT_SOLVER_RESTARTS) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_RESOLUTION_TOO_HARD,
				"the components name more than %d branches and commits",
				LIMIT_SOLVER_RESTARTS);
			return SOLVING_FAILED;
		}
	}
	solving->conflicts += search_conflicts(solving->inquiry.search);
	return how;
}

void solving_clear(struct solving *solving)
{
	end(solving);
}
