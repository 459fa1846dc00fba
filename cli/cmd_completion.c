/*
 * `forge completion`: the scripts for shells, and `forge plumbing complete`, which they ask at each
 * press of the key.
 *
 * Whoever presses it waits, so there is a hard end: an alarm ends the process whatever it is
 * reading, and what was found by then stands. Nothing is written, no scheduler started, no error
 * shown. The scripts know no command: they stay right when forge is updated.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/completion.h"
#include "cli/handlers.h"
#include "cli/requests.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/journal_rocksdb.h"
#include "queue/batch_name.h"
#include "scheduler/turn.h"
#include "worker/workspace/workspace.h"
#include "worker/workspace/workspace_documents.h"

static const char bash_script[] =
	"# Completion of forge for bash. Candidates come from forge itself.\n"
	"_forge()\n"
	"{\n"
	"	local current=${COMP_WORDS[COMP_CWORD]} word\n"
	"	[[ $current == = ]] && current=\n"
	"	COMPREPLY=()\n"
	"	while IFS=$'\\t' read -r word _; do\n"
	"		case $word in\n"
	"		:files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
	"		:folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
	"		*) COMPREPLY+=(\"$word\") ;;\n"
	"		esac\n"
	"	done < <(\"${COMP_WORDS[0]/#\\~/$HOME}\" plumbing complete -- "
	"\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
	"}\n"
	"complete -o nosort -F _forge forge\n";

static const char zsh_script[] =
	"#compdef forge\n"
	"# Completion of forge for zsh. Candidates come from forge itself.\n"
	"_forge()\n"
	"{\n"
	"	local line word\n"
	"	local -a found\n"
	"	while IFS= read -r line; do\n"
	"		word=${line%%$'\\t'*}\n"
	"		case $word in\n"
	"		:files) _files ;;\n"
	"		:folders) _files -/ ;;\n"
	"		*) found+=(\"${word//:/\\\\:}${${line#$word}/$'\\t'/:}\") ;;\n"
	"		esac\n"
	"	done < <(\"${(Q)words[1]/#\\~/$HOME}\" plumbing complete -- "
	"\"${(@Q)words[2,CURRENT]}\" 2>/dev/null)\n"
	"	(( $#found )) && _describe -V forge found\n"
	"}\n"
	"if [[ ${funcstack[1]} == _forge ]]; then _forge \"$@\"; else compdef _forge forge; fi\n";

static const char fish_script[] =
	"# Completion of forge for fish. Candidates come from forge itself.\n"
	"function __forge_complete\n"
	"	set -l words (commandline --tokenize --cut-at-cursor --current-process)\n"
	"	set -l current (commandline --cut-at-cursor --current-token)\n"
	"	for line in ($words[1] plumbing complete -- $words[2..] \"$current\" 2>/dev/null)\n"
	"		switch $line\n"
	"			case ':files'\n"
	"				__fish_complete_path \"$current\"\n"
	"			case ':folders'\n"
	"				__fish_complete_directories \"$current\"\n"
	"			case '*'\n"
	"				echo $line\n"
	"		end\n"
	"	end\n"
	"end\n"
	"complete --command forge --no-files --keep-order --arguments '(__forge_complete)'\n";

int cmd_completion(struct invocation *invocation, GError **error)
{
	static const struct {
		const char *shell;
		const char *script;
	} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
		if (strcmp(scripts[i].shell, invocation->arguments[0]) == 0) {
			fputs(scripts[i].script, stdout);
			return 0;
		}
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE, "expected bash, zsh or fish, not '%s'",
		invocation->arguments[0]);
	return 1;
}

/* ---- looking names up --------------------------------------------------------------------- */

static void end_process(int signal_number)
{
	(void)signal_number;
	_exit(0);
}

static void set_alarm(int ms)
{
	struct itimerval wait = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};

	signal(SIGALRM, end_process);
	setitimer(ITIMER_REAL, &wait, NULL);
}

static void add_from_state(
	struct completion *completion, const struct journal *journal, const struct state *state)
{
	if (completion->names == COMPLETION_FORKS) {
		for (guint i = 0; i < state->forks->len; i++) {
			const struct fork_row *row = state->forks->pdata[i];

			completion_add(completion, row->spec->name, row->spec->fork);
		}
		return;
	}
	/* Newest first: people mean the last one. */
	for (GList *link = state->batches.tail; link; link = link->prev) {
		const struct batch_row *row = link->data;
		g_autofree char *name = batch_name_make(
			journal_id(journal), row->seq, (int64_t)row->opened_us);

		completion_add(completion, name, "open");
	}
	for (GList *link = state->closed.tail; link; link = link->prev) {
		const struct closed_row *row = link->data;
		g_autofree char *name = batch_name_make(
			journal_id(journal), row->seq, (int64_t)row->opened_us);
		g_autofree char *age = clock_format_age(
			(int64_t)row->closed_us, clock_now().wall_us);

		completion_add(completion, name, age);
	}
}

/* Read beside whoever writes it. */
static void add_from_journal(struct completion *completion, const struct config *config)
{
	g_autofree char *folder = config_journal_path(config);
	scoped(journal) journal = NULL;
	scoped(scheduler) scheduler = NULL;

	if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
		return;
	journal = journal_rocksdb_open(folder, JOURNAL_READ_ONLY, "completion", NULL);
	scheduler = journal ? scheduler_new(journal, "", 0, clock_now(), NULL) : NULL;
	if (scheduler)
		add_from_state(completion, journal, scheduler_view(scheduler, clock_now()).state);
}

static void add_from_scheduler(struct completion *completion, struct invocation *invocation)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, NULL);
	g_autoptr(GPtrArray) rows = NULL;

	if (!client)
		return;
	if (completion->names == COMPLETION_FORKS) {
		rows = requests_forks(client, NULL, NULL);
		for (guint i = 0; rows && i < rows->len; i++) {
			const Forge__Fork *fork = ((Forge__ForkRow *)rows->pdata[i])->fork;

			completion_add(completion, fork->name, fork->fork);
		}
		return;
	}
	rows = requests_batches(client, TRUE, NULL);
	for (guint i = rows ? rows->len : 0; i > 0; i--)
		completion_add(completion, ((Forge__BatchRow *)rows->pdata[i - 1])->name, NULL);
}

static void add_components(struct completion *completion)
{
	g_autofree char *here = g_get_current_dir();
	g_autofree char *root = workspace_find(here, NULL);
	scoped(lock_file) lock = root ? workspace_locked_read(root, NULL) : NULL;

	for (guint i = 0; lock && i < lock->components->len; i++) {
		const struct locked_component *component = lock->components->pdata[i];

		completion_add(completion, component->component, component->repository);
	}
}

static void add_registered(struct completion *completion, struct invocation *invocation)
{
	const struct config *config = invocation_config(invocation, NULL);

	if (!config)
		return;
	if (config->scheduler_endpoint)
		add_from_scheduler(completion, invocation);
	else
		add_from_journal(completion, config);
}

static void print_candidates(struct completion *completion)
{
	for (guint i = 0; i < MIN(completion->candidates->len, LIMIT_COMPLETIONS); i++)
		puts(completion->candidates->pdata[i]);
	fflush(stdout);
	g_ptr_array_set_size(completion->candidates, 0);
}

int cmd_plumbing_complete(struct invocation *invocation, GError **error)
{
	scoped(completion) completion = completion_of(invocation->arguments);

	(void)error;
	print_candidates(completion);
	switch (completion->names) {
	case COMPLETION_NOTHING:
		break;
	case COMPLETION_FILES:
		puts(":files");
		break;
	case COMPLETION_FOLDERS:
		puts(":folders");
		break;
	case COMPLETION_COMPONENTS:
		add_components(completion);
		break;
	case COMPLETION_FORKS:
	case COMPLETION_BATCHES:
		set_alarm(LIMIT_COMPLETION_MS);
		add_registered(completion, invocation);
		break;
	}
	print_candidates(completion);
	return 0;
}
