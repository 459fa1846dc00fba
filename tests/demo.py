#!/usr/bin/python3
"""The demonstration behind `make demo`: a git server on loopback, three forks, one sync.

Shows each command as a person would type it and what it prints; on a terminal forge gets a terminal, so its progress
bar is seen too. Everything lives in a throw-away folder. Ends 0 only if the sync told the truth: exit status 7 (one of
the three forks is in conflict) and the three lines below.
"""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "servers"))
from fleet import Fleet, Kind  # noqa: E402
from git_server import GitServer  # noqa: E402

FORGE = pathlib.Path(os.environ.get("FORGE", pathlib.Path(__file__).resolve().parents[1] / "build" / "forge"))
HOST = "git.example.com"
EXPECTED = ("✓ my-crm-tools: up to date",
            "✓ my-sales-tools: 2 commits behind, merged",
            "✗ my-prompt-tools: merge conflict, manual resolution required")
CONFLICT = 7


def main():
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="forge-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = stack.enter_context(GitServer(folder / "server"))
        build_fleet(server.repositories)
        configure(folder, server)

        say(f"A git server runs at {server.url}, known to forge as {HOST}, with three repositories of `company`")
        say("and a fork of each. They are registered once:")
        for name in ("crm-tools", "sales-tools", "prompt-tools"):
            expect(0, run("fork", "add", f"my-{name}", "--fork", f"{HOST}/myuser/{name}",
                          "--upstream", f"{HOST}/company/{name}"))
        say("From then on one command brings all of them up to date:")
        synced = run("fork", "sync", "--all")
        say("The server's own git agrees; my-sales-tools got a merge commit:")
        subprocess.run(["git", "-C", server.path("myuser/sales-tools"), "--no-pager", "log", "--graph", "--oneline",
                        "-4", "main"], check=True)
        print(flush=True)
        say("What forge knows about the forks, and whether its journal is whole:")
        expect(0, run("fork", "list"))
        expect(0, run("journal", "verify"))
        check(synced)
    say("Exit status 7 of the sync says that one fork waits for a person. The demonstration went as it should.")


def build_fleet(repositories):
    fleet = Fleet(repositories)
    for name in ("crm-tools", "sales-tools", "prompt-tools"):
        fleet.upstream(f"company/{name}")
    fleet.fork("my-crm-tools", "myuser/crm-tools", "company/crm-tools")
    fleet.fork("my-sales-tools", "myuser/sales-tools", "company/sales-tools", behind=2, ahead=1)
    fleet.fork("my-prompt-tools", "myuser/prompt-tools", "company/prompt-tools", behind=2, ahead=1, kind=Kind.CONFLICT)
    fleet.build()


def configure(folder, server):
    """Points forge at a home of its own, and away from the configuration of whoever runs this."""
    home = folder / "home"
    home.mkdir()
    (home / "config.yaml").write_text(
        f"git: {{username: Jane Doe, email: jane@example.com}}\nhosts:\n  {HOST}: {{clone: \"{server.url}\"}}\n")
    for name in [name for name in os.environ if name.startswith("FORGE_")]:
        del os.environ[name]
    os.environ["FORGE_HOME"] = str(home)


def say(text):
    print(text, flush=True)


def run(*arguments):
    """Runs forge, showing the command and its output. Returns (exit status, output as text)."""
    print(f"\n$ forge {shlex.join(arguments)}", flush=True)
    on_terminal = sys.stdout.isatty() and sys.stdin.isatty()
    status, output = (_run_on_terminal if on_terminal else _run_in_pipe)([str(FORGE), *arguments])
    print(flush=True)
    return status, output


def _run_in_pipe(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, end="", flush=True)
    return done.returncode, done.stdout


def _run_on_terminal(argv):
    seen = []

    def read(descriptor):
        seen.append(os.read(descriptor, 65536))
        return seen[-1]

    # The new terminal is as large as ours: its size is set by the child, before forge asks for it.
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
    start = ("import fcntl,os,sys,termios; fcntl.ioctl(0, termios.TIOCSWINSZ, bytes.fromhex(sys.argv[1]));"
             "os.execv(sys.argv[2], sys.argv[2:])")
    status = os.waitstatus_to_exitcode(pty.spawn([sys.executable, "-c", start, size.hex(), *argv], read))
    return status, b"".join(seen).decode(errors="replace")


def expect(status, result):
    if result[0] != status:
        sys.exit(f"demo: expected exit status {status}, got {result[0]}")


def check(synced):
    expect(CONFLICT, synced)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", synced[1])
    lines = [line.strip() for line in re.split(r"[\r\n]+", plain)]
    for line in EXPECTED:
        if line not in lines:
            sys.exit(f"demo: the sync did not say `{line}`")


if __name__ == "__main__":
    main()
