"""forge as a service: the units, the example configuration, what a service manager is told, SIGHUP."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from confined import NUMBERS
from daemons import Daemons
from world import FORGE, HOST

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ["forge-scheduler.service", "forge-worker.service"]


def systemd_or_skip():
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze IS NOT INSTALLED: the units were not checked")


@pytest.fixture
def daemons(world, tmp_path):
    running = Daemons(world, f"ipc://{tmp_path}/s.sock")
    yield running
    running.stop()


class Manager:
    """What a service manager hears."""

    def __init__(self, path, daemons):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)
        daemons.world.env |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "600000"}
        self.heard = []

    def wait_for(self, line):
        """Waits until LINE is heard; returns what was heard before it."""
        before = []
        while True:
            lines = self.socket.recv(4096).decode().split("\n")
            self.heard += lines
            if line in lines:
                return before
            before += lines

    def forget(self):
        """Everything that was sent by now."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                pass
        except BlockingIOError:
            self.socket.settimeout(20)


@pytest.fixture
def manager(daemons, tmp_path):
    return Manager(tmp_path / "notify", daemons)


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_has_nothing_to_say_against_a_unit(unit, tmp_path):
    systemd_or_skip()
    text = (ROOT / "deploy" / unit).read_text()
    assert "/usr/local/bin/forge" in text
    for other in UNITS:
        (tmp_path / other).write_text((ROOT / "deploy" / other).read_text().replace("/usr/local/bin/forge", str(FORGE)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / unit], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit, most", zip(UNITS, (1.0, 1.5)))
def test_a_unit_is_as_exposed_as_it_must_be_and_no_more(unit, most):
    systemd_or_skip()
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", ROOT / "deploy" / unit], capture_output=True,
                          text=True, check=True)
    assert float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)[1]) <= most


def test_daemons_shut_in_as_their_units_say_sync_and_stop(daemons):
    systemd_or_skip()
    if not NUMBERS.exists():
        pytest.skip("NO NUMBERS OF SYSTEM CALLS HERE: the units' filters were not tried")
    world = daemons.world
    confined = [sys.executable, str(pathlib.Path(__file__).with_name("confined.py"))]
    started = []
    for unit in UNITS:
        world.prefix = [*confined, str(ROOT / "deploy" / unit)]
        started.append(daemons.start(unit.removeprefix("forge-").removesuffix(".service")))
    world.prefix = []
    scheduler, worker = started
    daemons.until(worker, lambda stats: len(stats["workers"]) == 1)
    fork = world.one(behind=2, ahead=1)
    tree, _ = world.merge_tree(fork)
    assert world.sync()["forks"][0]["status"] == "merged"
    assert world.git(fork.repository, "rev-parse", "main^{tree}") == tree
    for child in (worker, scheduler):
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0


def test_the_example_configuration_is_valid_and_has_every_key(world):
    example = ROOT / "deploy" / "config.yaml"
    world.run("config", "validate", "--config", example)
    rows = [json.loads(line) for line in
            world.run("config", "show", "--config", example, "--format", "jsonl").out.splitlines()]
    unsaid = [row["key"] for row in rows if row["source"] == "default"]
    # It is given where it is needed, and then it is not this one.
    assert unsaid == ["scheduler.server_key"] and "server_key:" in example.read_text()


def test_a_default_of_the_example_is_the_default(world):
    example = ROOT / "deploy" / "config.yaml"
    rows = {}
    for source in (["--config", example], []):
        for line in world.run("config", "show", *source, "--format", "jsonl", env={"FORGE_HOME": "/nonexistent"}).out.splitlines():
            row = json.loads(line)
            rows.setdefault(row["key"], []).append(row["value"])
    own = {"git.username", "git.email", "scheduler.endpoint"}
    assert {key for key, values in rows.items() if len(set(values)) > 1} == own


def test_a_scheduler_says_that_it_is_ready_lives_and_stops(daemons, manager):
    child = daemons.start("scheduler")
    assert "WATCHDOG=1" not in manager.wait_for("READY=1")
    daemons.world.run("queue", "stats")
    for _ in range(3):
        manager.wait_for("WATCHDOG=1")
    child.send_signal(signal.SIGTERM)
    manager.wait_for("STOPPING=1")
    assert child.wait(10) == 0


def test_a_worker_is_ready_once_it_has_joined(daemons, manager):
    worker = daemons.start("worker")
    for _ in range(3):
        assert "READY=1" not in manager.wait_for("WATCHDOG=1")
    scheduler = daemons.start("scheduler")
    manager.wait_for("READY=1")      # the scheduler's
    manager.wait_for("READY=1")
    assert "STATUS=takes jobs" in manager.heard
    scheduler.send_signal(signal.SIGTERM)
    manager.wait_for("STATUS=waiting for the scheduler")
    worker.send_signal(signal.SIGTERM)
    manager.wait_for("STOPPING=1")
    assert worker.wait(20) == 0


def test_a_loop_that_hangs_is_silent(daemons, manager):
    child = daemons.start("scheduler")
    manager.wait_for("READY=1")
    manager.wait_for("WATCHDOG=1")
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    manager.forget()
    manager.socket.settimeout(3)  # three times as long as a loop rests
    with pytest.raises(TimeoutError):
        manager.wait_for("WATCHDOG=1")
    manager.socket.settimeout(20)
    child.send_signal(signal.SIGCONT)
    manager.wait_for("WATCHDOG=1")


def test_sighup_changes_the_address_of_a_host_for_the_next_job(daemons):
    world = daemons.world
    world.fleet.upstream("company/tools")
    fork = world.fleet.fork("mine", "me/tools", "company/tools", behind=1)
    world.build(register=False)
    daemons.scheduler()
    good = dict(world.hosts[HOST])
    world.hosts[HOST] = {"clone": "file:///nonexistent"}
    world.configure(f"scheduler: {{endpoint: \"{daemons.endpoint}\"}}\nnetwork: {{connect: 1s}}\n")
    worker = daemons.worker()
    world.add(fork)
    assert world.sync(status=1)["forks"][0]["error"]["code"] == "REPOSITORY_NOT_FOUND"

    world.hosts[HOST] = good
    world.configure(f"scheduler: {{endpoint: \"{daemons.endpoint}\"}}\n")
    worker.send_signal(signal.SIGHUP)
    line = worker.log.wait_for(lambda line: "configuration reloaded" in line)
    assert f"hosts.{HOST}.clone" in line and "network.connect" in line
    assert world.sync()["forks"][0]["status"] == "fast_forwarded"


def test_sighup_with_a_broken_file_keeps_the_old_configuration_and_says_why(daemons):
    world = daemons.world
    daemons.scheduler()
    worker = daemons.worker()
    fork = world.one(behind=1)
    text = (world.home / "config.yaml").read_text()
    (world.home / "config.yaml").write_text(text + "wroker: {}\n")
    for child in daemons.children:
        child.send_signal(signal.SIGHUP)
        line = child.log.wait_for(lambda line: "not reloaded" in line)
        assert "wroker" in line and "config.yaml:" in line
    (world.home / "config.yaml").write_text(text)
    assert world.sync()["forks"][0]["status"] == "fast_forwarded"
    assert worker.poll() is None and world.tip(fork.repository) == world.tip(fork.upstream)


def test_sighup_tells_what_needs_a_restart_and_takes_the_log_level(daemons, tmp_path):
    world = daemons.world
    scheduler = daemons.scheduler()
    worker = daemons.worker()
    world.configure(f"scheduler: {{endpoint: \"ipc://{tmp_path}/other.sock\"}}\nworker: {{jobs: 3}}\nlog_level: debug\n")
    for child in (scheduler, worker):
        child.send_signal(signal.SIGHUP)
        assert "log_level" in child.log.wait_for(lambda line: "configuration reloaded" in line)
        line = child.log.wait_for(lambda line: "needs a restart" in line)
        assert "scheduler.endpoint" in line
    assert "worker.jobs" in line
    assert scheduler.poll() is None and worker.poll() is None


def test_a_manager_hears_of_a_reload(daemons, manager):
    child = daemons.start("scheduler")
    manager.wait_for("READY=1")
    child.send_signal(signal.SIGHUP)
    manager.wait_for("RELOADING=1")
    manager.wait_for("READY=1")
