"""What a real shell offers when the key is pressed."""

import os
import pty
import select
import shutil
import subprocess
import time

import pytest

from world import FORGE, HOST


def shell_or_skip(name):
    path = shutil.which(name)
    if not path:
        pytest.skip(f"{name} IS NOT INSTALLED: its completion was not tested")
    return path


@pytest.fixture
def forks(world):
    for name in ("sales-tools", "sales-prompts", "crm"):
        world.run("fork", "add", name, "--fork", f"{HOST}/me/{name}", "--upstream", f"{HOST}/company/{name}")
    world.env["PATH"] = f"{FORGE.parent}:{world.env['PATH']}"
    return world


def script(world, shell):
    place = world.folder / f"completion.{shell}"
    place.write_text(world.run("completion", shell).out)
    return place


def bash(world, *words):
    """What bash would offer for the last of WORDS."""
    program = ('source "$1"; shift; COMP_WORDS=(forge "$@"); COMP_CWORD=$#; _forge; '
               'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run([shell_or_skip("bash"), "--norc", "-c", program, "bash", script(world, "bash"), *words],
                          env=world.env, cwd=world.folder, capture_output=True, text=True, check=True)
    # compopt, which only works while a key is being handled, may say so.
    return [line for line in done.stdout.splitlines() if line]


def fish(world, line):
    done = subprocess.run([shell_or_skip("fish"), "--no-config", "-c", f"source {script(world, 'fish')}; complete -C {line!r}"],
                          env=world.env, cwd=world.folder, capture_output=True, text=True, check=True)
    return [row.split("\t")[0] for row in done.stdout.splitlines()]


class Terminal:
    """A shell with a terminal, as a person sits at it."""

    def __init__(self, world, *command):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(world.folder)
            os.execvpe(command[0], command, {**world.env, "TERM": "dumb", "PS1": "READY>", "HISTFILE": "/dev/null"})

    def type(self, text):
        self.seen = b""
        os.write(self.fd, text.encode())

    def expect(self, text, seconds=20):
        deadline = time.monotonic() + seconds
        while text.encode() not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self.fd, 4096)

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


@pytest.fixture(params=["bash", "zsh"])
def terminal(request, forks):
    path = shell_or_skip(request.param)
    if request.param == "bash":
        opened = Terminal(forks, path, "--norc", "--noprofile", "-i")
        opened.expect("READY>")
        opened.type(f"source {script(forks, 'bash')}; echo LOAD''ED\n")
    else:
        opened = Terminal(forks, path, "-f", "-i")
        opened.expect("READY>")
        opened.type(f"autoload -U compinit; compinit -u -D; source {script(forks, 'zsh')}; echo LOAD''ED\n")
    opened.expect("LOADED")
    opened.expect("READY>")
    yield opened
    opened.close()


def test_the_key_completes_commands_options_values_and_names_in_a_terminal(terminal):
    for typed, added in (("forge fo\t", "rk "), ("sy\t", "nc "), ("--str\t", "ategy "), ("fa\t", "st_forward "),
                         ("cr\t", "m ")):
        terminal.type(typed)
        terminal.expect(added)


@pytest.mark.parametrize("words, offered", [
    (["fo"], ["fork"]),
    (["fork", "sy"], ["sync"]),
    (["fork", "sync", "--str"], ["--strategy"]),
    (["fork", "sync", "--strategy", ""], ["merge", "fast_forward", "rebase", "overwrite"]),
    (["fork", "sync", "--strategy", "=", "o"], ["overwrite"]),
    (["fork", "sync", "--strategy", "="], ["merge", "fast_forward", "rebase", "overwrite"]),
    (["fork", "sync", "-n", "sales"], ["sales-tools", "sales-prompts"]),
    (["fork", "sync", "crm", "sales-t"], ["sales-tools"]),
    (["fork", "add", "sales"], []),
    (["--format", "json", "fork", "rem"], ["remove"]),
    (["--format", "js"], ["json", "jsonl"]),
    (["help", "fork", "re"], ["remove"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["job", "submit", "no"], ["noop"]),
    (["nonsense", "x"], []),
])
def test_bash_is_offered_what_the_table_has(forks, words, offered):
    found = bash(forks, *words)
    assert found[:len(offered)] == offered and (offered or not found)


def test_fish_is_offered_the_same(forks):
    assert fish(forks, "forge fo") == ["fork"]
    assert fish(forks, "forge fork sync --str") == ["--strategy"]
    assert fish(forks, "forge fork sync --strategy=o") == ["--strategy=overwrite"]
    assert fish(forks, "forge fork sync sales") == ["sales-tools", "sales-prompts"]


def test_names_of_batches_are_offered_newest_first(forks):
    for _ in range(2):
        forks.run("job", "submit", "noop", "--count", "1")
    names = [row["batch"] for row in forks.run("batch", "list", "--all", "--format", "json").json["batches"]]
    assert sorted(bash(forks, "batch", "show", ""), reverse=True) == bash(forks, "batch", "show", "")
    assert set(bash(forks, "batch", "show", "")) == set(names)


def test_components_of_the_workspace_are_offered(workspace):
    workspace.crm()
    workspace.env["PATH"] = f"{FORGE.parent}:{workspace.env['PATH']}"
    assert workspace.run("plumbing", "complete", "--", "sync", "pull", "sales").out.split("\t")[0] == "salesforce-lookup"


def test_files_are_left_to_the_shell(forks):
    (forks.folder / "other.yaml").write_text("")
    assert "other.yaml" in bash(forks, "doctor", "--config", "oth")


def test_a_scheduler_that_does_not_answer_delays_nobody_and_no_error_is_shown(forks, tmp_path):
    started = time.monotonic()
    result = forks.run("plumbing", "complete", "--", "fork", "sync", "",
                       env={"FORGE_SCHEDULER_ENDPOINT": f"ipc://{tmp_path}/nobody.sock"})
    assert (result.out, result.err) == ("", "") and time.monotonic() - started < 2


def test_a_broken_configuration_or_journal_is_no_error_here(forks):
    (forks.home / "config.yaml").write_text("wroker: {}\n")
    result = forks.run("plumbing", "complete", "--", "fork", "sync", "")
    assert (result.out, result.err) == ("", "")
    forks.configure()
    for part in (forks.home / "journal").iterdir():
        if part.is_file():
            part.write_bytes(b"broken")
    result = forks.run("plumbing", "complete", "--", "fork", "sync", "")
    assert (result.out, result.err) == ("", "")


def test_completing_writes_nothing(forks):
    before = {path: path.stat().st_mtime_ns for path in forks.home.rglob("*")}
    forks.run("plumbing", "complete", "--", "fork", "sync", "")
    assert before == {path: path.stat().st_mtime_ns for path in forks.home.rglob("*")}
