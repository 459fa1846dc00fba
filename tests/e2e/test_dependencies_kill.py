"""Resolutions and what follows them, killed anywhere, beside each other, on disks and networks that refuse: each component
is wholly one version, forge.lock is true, and the same command again brings what an undisturbed one does.

Moments are drawn from a seed that is printed: FORGE_TEST_SEED repeats a run, FORGE_TEST_KILLS sets how often commands are
killed.
"""

import collections
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
import yaml
from process import ended_within
from silent import BlackHole, DeadPort
from test_disk import Disk
from workspace import HOST, tool
from world import finish_child, kill

SEED = int(os.environ.get("FORGE_TEST_SEED", random.SystemRandom().randrange(2**31)))
KILLS = int(os.environ.get("FORGE_TEST_KILLS", 16))
APPS, LIBRARIES = f"{HOST}/company/apps", f"{HOST}/company/libraries"
# What each version needs: everything moves together, `old` goes and `fresh` comes.
NEEDS = {("app", 1): [("lib", "^1"), ("old", "^1")], ("app", 2): [("lib", "^2"), ("fresh", "^2")],
         ("lib", 1): [("base", "^1")], ("lib", 2): [("base", "^2")]}
HOMES = {"app": "company/apps", "lib": "company/libraries", "base": "company/libraries", "old": "company/libraries",
         "fresh": "company/libraries"}
AT = {1: {"app", "lib", "base", "old"}, 2: {"app", "lib", "base", "fresh"}}
CALLS = "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,linkat"


@pytest.fixture
def dice(request):
    print(f"FORGE_TEST_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


def needs_of(name, version):
    lines = [f'    - {{repository: {HOST}/{HOMES[need]}, component: {need}, version_constraint: "{range_}"}}'
             for need, range_ in NEEDS.get((name, version), [])]
    return "dependencies:\n  tools:\n" + "\n".join(lines) + "\n" if lines else ""


class Universe:
    """Five components of many files in two repositories, at version 1 or 2."""

    def __init__(self, workspace):
        self.workspace = workspace
        for name in ("company/apps", "company/libraries"):
            workspace.upstream(name)
        self.publish(1)
        workspace.init()

    def publish(self, version):
        for name in AT[version]:
            upstream = self.workspace.upstreams[HOMES[name]]
            more = {f"data/{number}.txt": f"{name} {version} {number}\n" * 20 for number in range(15)
                    if number % 5 != version}
            upstream.commit(tool(name, f"{version}.0.0", more=more, extra=needs_of(name, version)))
            if version > 1:
                upstream.commit({f"components/tools/{name}/data/{version}.txt": ("", None)})
            upstream.git("tag", "-f", f"{name}@{version}.0.0", upstream.tip())

    def line_is_known(self, line):
        upstream = self.workspace.upstreams[HOMES[line["component"]]]
        commit = upstream.git("rev-parse", f"{line['component']}@{line['version']}^{{commit}}")
        return line["commit"] == commit and line["tree"] == upstream.tree(commit, line["path"])

    def lock(self):
        """forge.lock, which is whole at any moment and says nothing that is not so."""
        path = self.workspace.root / "forge.lock"
        lines = yaml.safe_load(path.read_text())["components"] if path.exists() else []
        assert all(self.line_is_known(line) for line in lines), lines
        return {line["component"]: line for line in lines}

    def check(self, verify=True):
        """After a command that came to its end: each folder is what the lock's line says. VERIFY: so are the refs, and
        forge knows all of it."""
        lock = self.lock()
        folder = self.workspace.path()
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
        # A command that only looks leaves an installation that ended in an error half-way as it is: begun.
        begun = [] if verify else list((self.workspace.root / ".forge" / "apply").glob("*/intent"))
        assert names >= set(lock) and len(names) <= len(lock) + len(begun), (names, lock, begun)
        for name, line in lock.items():
            assert self.workspace.tree(name) == line["tree"], name
        if lock and verify:
            self.workspace.run("deps", "verify")

    def state(self):
        """All that the workspace's user sees, without times."""
        root = self.workspace.root
        lock = "".join(line for line in (root / "forge.lock").read_text().splitlines(True) if "resolved_at" not in line)
        return lock, (root / "forge.yaml").read_text(), {str(path.relative_to(root)) for path in root.rglob("*")
                                                         if ".forge" not in path.parts}

    def check_end(self, state, version):
        self.check()
        assert set(self.lock()) == AT[version]
        assert self.state() == state
        assert not list((self.workspace.root / ".forge" / "apply").glob("*"))

    def copy(self, source, target):
        """Copies a workspace in a state in which it is no process's."""
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True)


@pytest.fixture
def universe(workspace):
    return Universe(workspace)


INSTALL = ("install", f"{APPS}/app@*")
UPDATE = ("deps", "update")


def story(universe, command):
    """(a workspace before COMMAND, the state after an undisturbed one, seconds of that, the version it comes to)."""
    workspace = universe.workspace
    if command is UPDATE:
        workspace.run(*INSTALL)
        universe.publish(2)
    before = workspace.folder / "before"
    universe.copy(workspace.root, before)
    started = time.monotonic()
    workspace.run(*command)
    seconds = time.monotonic() - started
    version = 2 if command is UPDATE else 1
    state = universe.state()
    universe.check_end(state, version)
    return before, state, seconds, version


def go_on(universe, command, state, version, dice):
    """What somebody does after a command was killed: looks, or installs, or does it again at once."""
    workspace = universe.workspace
    universe.lock()
    first = dice.choice([("sync", "status", "--offline"), ("install",), ("sync", "pull", "--all"), None])
    print("then", *(first or ()))
    if first:
        workspace.run(*first, status=None if first[0] == "sync" else 0)
        # Those that only look leave an installation that was begun to those that install, and what nobody listed yet
        # to who asks for it again.
        universe.check(verify=first[0] == "install" and "app" in workspace.wanted())
    shown = workspace.run(*command)
    if version == 2 and "old" in universe.lock():
        # Killed when all was installed, and this not yet removed: nobody can tell it from a wish of the person's.
        assert "`forge remove old` takes it out" in shown.err
        workspace.run("remove", "old")
    universe.check_end(state, version)
    workspace.run("install")
    universe.check_end(state, version)


@pytest.mark.parametrize("command", [INSTALL, UPDATE], ids=["install", "update"])
def test_killed_at_any_time_the_next_command_makes_it_whole(universe, dice, command):
    before, state, seconds, version = story(universe, command)
    killed = 0
    for _ in range(KILLS):
        universe.copy(before, universe.workspace.root)
        child = universe.workspace.start(*command)
        killed += not ended_within(child, dice.random() * seconds * 1.1)
        kill(child)
        go_on(universe, command, state, version, dice)
    assert killed > KILLS // 3


def calls_of(universe, before, command, calls, where=""):
    """CALLS that an undisturbed COMMAND makes with WHERE among their arguments, as strace counts them: (call, which of
    its thread's)."""
    if subprocess.run(["strace", "true"], capture_output=True).returncode != 0:
        pytest.skip("strace cannot trace here")
    workspace, log = universe.workspace, universe.workspace.folder / "calls"
    universe.copy(before, workspace.root)
    workspace.prefix = ["strace", "-f", "-qq", "-s", "4096", "-o", log, "-e", f"trace={calls}"]
    workspace.run(*command)
    workspace.prefix = []
    counts, found = collections.Counter(), []
    for thread, call, rest in re.findall(r"^(\d+) +(\w+)\((.*)", log.read_text(), re.M):
        counts[thread, call] += 1
        if where in rest:
            found.append((call, counts[thread, call]))
    return found


def disturbed(universe, before, command, call, at, what):
    """COMMAND where WHAT happens to the first thread that makes CALL for the ATth time."""
    workspace = universe.workspace
    universe.copy(before, workspace.root)
    workspace.prefix = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                        f"inject={call}:{what}:when={at}"]
    shown = workspace.run(*command, status=None)
    workspace.prefix = []
    print(f"{call} {at}, {what}: exit status {shown.status}")
    return shown


@pytest.mark.parametrize("command", [INSTALL, UPDATE], ids=["install", "update"])
def test_killed_at_any_call_that_changes_the_disk_the_next_command_makes_it_whole(universe, dice, command):
    before, state, _, version = story(universe, command)
    calls = calls_of(universe, before, command, CALLS)
    killed = 0
    for call, at in dice.sample(calls, min(KILLS, len(calls))):
        killed += disturbed(universe, before, command, call, at, "signal=KILL").status != 0
        go_on(universe, command, state, version, dice)
    assert killed > KILLS // 3


@pytest.mark.parametrize("command", [INSTALL, UPDATE], ids=["install", "update"])
def test_a_disk_that_fails_once_anywhere_is_an_error_and_does_no_harm(universe, dice, command):
    before, state, _, version = story(universe, command)
    calls = calls_of(universe, before, command, "renameat,renameat2,rename,openat,mkdirat,mkdir,linkat,symlinkat",
                     str(universe.workspace.root))
    failed = 0
    for call, at in dice.sample(calls, min(KILLS, len(calls))):
        shown = disturbed(universe, before, command, call, at, f"error={dice.choice(['ENOSPC', 'EIO', 'EROFS', 'EDQUOT'])}")
        assert shown.status >= 0, f"a signal: {shown}"
        if shown.status:
            failed += 1
            assert shown.err or "✗" in shown.out, shown
        go_on(universe, command, state, version, dice)
    assert failed > 0


def test_what_nothing_needs_any_more_goes_also_if_the_update_took_two_attempts(universe):
    workspace = universe.workspace
    workspace.run(*INSTALL)
    universe.publish(2)
    file = workspace.path("base", "component.yaml")
    text = file.read_text()
    file.write_text(text.replace("timeout: 30", "timeout: 31"))
    workspace.run(*UPDATE, status=7)
    file.write_text(text)
    workspace.run(*UPDATE)
    assert set(universe.lock()) == AT[2]


# ---- beside each other ----


def test_two_installs_at_once_leave_both_and_what_they_share(universe):
    workspace = universe.workspace
    before = workspace.folder / "before"
    universe.copy(workspace.root, before)
    for _ in range(4):
        universe.copy(before, workspace.root)
        pair = [workspace.start("install", f"{APPS}/app@*"), workspace.start("install", f"{LIBRARIES}/lib@^1")]
        for child in pair:
            shown = finish_child(child, 120)
            assert shown.status == 0, shown
        universe.check()
        assert set(universe.lock()) == AT[1] and set(workspace.wanted()) == {"app", "lib"}
        workspace.run("install")
        universe.check()


def test_two_updates_at_once_do_it_once(universe):
    workspace = universe.workspace
    before, state, _, version = story(universe, UPDATE)
    for _ in range(3):
        universe.copy(before, workspace.root)
        for child in [workspace.start(*UPDATE) for _ in range(2)]:
            shown = finish_child(child, 120)
            assert shown.status == 0, shown
        universe.check_end(state, version)


def test_an_update_beside_a_pull_of_everything_leaves_a_whole_workspace(universe):
    workspace = universe.workspace
    before, state, _, version = story(universe, UPDATE)
    for _ in range(3):
        universe.copy(before, workspace.root)
        pair = [workspace.start(*UPDATE), workspace.start("sync", "pull", "--all")]
        shown = [finish_child(child, 120) for child in pair]
        assert shown[0].status == 0, shown[0]
        assert shown[1].status in (0, 1, 7, 8), shown[1]
        universe.check()
        workspace.run(*UPDATE)
        universe.check_end(state, version)


# ---- disks and networks that refuse ----


@pytest.fixture
def installed(universe):
    universe.workspace.run(*INSTALL)
    universe.publish(2)
    return universe


def files_of(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and ".forge" not in path.parts}


def refused(universe, *command, status=None, **options):
    """COMMAND fails, says why and changes nothing. Returns what it printed."""
    before = files_of(universe.workspace.root)
    shown = universe.workspace.run(*command, status=status, **options)
    assert shown.status not in (0, 2) and shown.status > 0, shown
    assert files_of(universe.workspace.root) == before
    return shown


def test_a_forge_folder_that_cannot_be_written_is_an_error_and_nothing_changes(installed):
    workspace = installed.workspace
    forge = workspace.root / ".forge"
    script = 'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && shift 0 && exec "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", script, forge]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    workspace.prefix = prefix
    for command in (UPDATE, ("deps", "resolve"), ("install",), INSTALL):
        shown = refused(installed, *command)
        assert ".forge" in shown.err or "journal" in shown.err, shown
    workspace.prefix = []
    workspace.run(*UPDATE)
    assert set(installed.lock()) == AT[2]


def test_a_full_disk_is_an_error_and_nothing_changes(universe):
    workspace = universe.workspace
    inside = workspace.folder / "small"
    disk = Disk(inside)
    try:
        if not disk.mounted:
            pytest.skip("no file system can be mounted here")
        workspace.root = pathlib.Path(f"/proc/{disk.holder.pid}/root{inside}")
        workspace.prefix = [*disk.prefix, f"--wd={inside}"]
        workspace.run("init", inside)
        workspace.run("sync", "status", status=None)
        disk.filler = workspace.root / ".forge" / "filler"
        disk.fill()
        shown = refused(universe, *INSTALL)
        assert "space" in shown.err + shown.out or "full" in shown.err, shown
        disk.make_room()
        workspace.run(*INSTALL)
        assert set(universe.lock()) == AT[1]
    finally:
        disk.close()


class Liar:
    """Answers every request with bytes that are no git protocol, or drips them."""

    def __init__(self, answer):
        self._answer, self._socket = answer, socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self._answer)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def http(body, kind="application/x-git-upload-pack-result", status="200 OK"):
    return (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            ).encode() + body


ANSWERS = {
    "nothing": b"",
    "no_http": b"\x00\xff what is this\r\n\r\n",
    "a_page": http(b"<html>Please log in</html>", "text/html"),
    "an_empty_body": http(b""),
    "half_a_packet": http(b"0032aaaa"),
    "a_huge_packet": http(b"ffff" + b"x" * 100),
    "nonsense": http(bytes(range(256)) * 20),
    "a_server_error": http(b"broken", "text/plain", "500 Internal Server Error"),
    "cut_off": http(b"x" * 1000)[:-500],
}


# A server that says nothing is given up after a second.
QUICK = {"FORGE_NETWORK_LOW_SPEED": "1s", "FORGE_NETWORK_REQUEST": "5s"}


def third_at(universe, url):
    """Makes forge.yaml list a component of a third server at URL."""
    workspace = universe.workspace
    workspace.hosts["third.example.com"] = {"clone": url}
    workspace.configure()
    with open(workspace.root / "forge.yaml", "a", encoding="utf-8") as file:
        file.write("  - repository: third.example.com/some/thing\n    component: thing\n    version_constraint: \"^1\"\n")


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_answers_garbage_is_named_and_nothing_changes(installed, answer):
    with Liar(ANSWERS[answer]) as liar:
        third_at(installed, liar.url)
        for command in (UPDATE, ("install",)):
            shown = refused(installed, *command, env=QUICK)
            assert "third.example.com/some/thing" in shown.err, shown


@pytest.mark.parametrize("kind", [DeadPort, BlackHole])
def test_a_server_that_is_gone_or_silent_is_named_and_nothing_changes(installed, kind):
    with kind() as server:
        third_at(installed, server.url)
        started = time.monotonic()
        shown = refused(installed, *UPDATE, env=QUICK)
        assert shown.err.count("third.example.com/some/thing") == 1, shown
        print(f"{kind.__name__}: {time.monotonic() - started:.1f} s, exit status {shown.status}")


def test_ctrl_c_while_a_server_says_nothing_ends_at_once(installed):
    with BlackHole() as server:
        third_at(installed, server.url)
        before = files_of(installed.workspace.root)
        child = installed.workspace.start(*UPDATE)
        installed.workspace.server.forget_requests()
        assert not ended_within(child, 1), "it waits for the third server"
        started = time.monotonic()
        child.send_signal(signal.SIGINT)
        shown = finish_child(child, 30)
        assert shown.status == 130, shown
        assert time.monotonic() - started < 3
        assert files_of(installed.workspace.root) == before
    installed.workspace.run("sync", "status", "--offline", status=None)
