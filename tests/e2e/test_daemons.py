"""forge scheduler and forge worker as daemons, and the same commands against them."""

import signal
import socket
import time

import pytest

from daemons import Daemons, kill
from world import finish_child


def endpoints(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return {"ipc": f"ipc://{tmp_path}/s.sock", "tcp": f"tcp://127.0.0.1:{probe.getsockname()[1]}"}


@pytest.fixture(params=["ipc", "tcp"])
def daemons(request, world, tmp_path):
    running = Daemons(world, endpoints(tmp_path)[request.param])
    yield running
    running.stop()


@pytest.fixture
def ipc(world, tmp_path):
    running = Daemons(world, endpoints(tmp_path)["ipc"])
    yield running
    running.stop()


def test_a_sync_against_daemons_does_what_the_embedded_one_does(daemons):
    world = daemons.world
    daemons.scheduler()
    daemons.worker()
    fork = world.one(behind=2, ahead=1)
    tree, _ = world.merge_tree(fork)
    assert world.sync()["forks"][0]["status"] == "merged"
    assert world.git(fork.repository, "rev-parse", "main^{tree}") == tree
    assert world.sync()["forks"][0]["status"] == "up_to_date"


def test_sigterm_ends_both_at_once_when_they_are_idle(daemons):
    scheduler, worker = daemons.scheduler(), daemons.worker()
    for child in (worker, scheduler):
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    daemons.world.run("journal", "verify")


def test_a_terminated_worker_hands_its_jobs_to_another(ipc):
    world = ipc.world
    ipc.scheduler()
    first = ipc.worker("--jobs", "1")
    fork = world.one(behind=1)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all", "--format", "json")
    gate.wait_reached()
    first.send_signal(signal.SIGTERM)
    ipc.worker("--jobs", "1")
    gate.remove()
    gate.open()
    assert finish_child(child).json["succeeded"] == 1
    assert first.wait(20) == 0
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_a_killed_scheduler_that_comes_back_goes_on_with_the_batch(ipc):
    world = ipc.world
    scheduler = ipc.scheduler()
    ipc.worker()
    fork = world.one(behind=1)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all", "--format", "json")
    gate.wait_reached()
    kill(scheduler)
    ipc.scheduler()
    gate.remove()
    gate.open()
    assert finish_child(child).json["succeeded"] == 1
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_a_second_scheduler_refuses_within_a_second_and_names_the_holder(ipc):
    scheduler = ipc.scheduler()
    started = time.monotonic()
    refused = ipc.world.run("scheduler", status=75)
    assert time.monotonic() - started < 1
    assert str(scheduler.pid) in refused.err


def test_without_a_scheduler_the_endpoint_is_named_and_the_status_is_4(ipc):
    result = ipc.world.run("fork", "list", status=4)
    assert ipc.endpoint in result.err


def test_ctrl_c_leaves_the_batch_running_and_says_how_to_come_back(ipc):
    world = ipc.world
    ipc.scheduler()
    ipc.worker()
    fork = world.one(behind=1)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all")
    gate.wait_reached()
    child.send_signal(signal.SIGINT)
    result = finish_child(child, 20)
    assert result.status == 130 and "forge batch tail" in result.out + result.err
    gate.remove()
    gate.open()
    world.run("batch", "tail", "--follow")
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_a_daemons_worker_refuses_paths_and_unknown_hosts(ipc):
    world = ipc.world
    ipc.scheduler()
    ipc.worker()
    fork = world.one(behind=1)
    world.run("fork", "add", "path", "--fork", world.path(fork.repository), "--upstream", world.path(fork.upstream))
    entry = world.sync("path", status=None)["forks"][0]
    assert entry["status"] == "failed" and entry["error"]["code"] == "SECURITY_REFUSED"


def test_a_paused_queue_hands_out_nothing_until_it_is_resumed(ipc):
    world = ipc.world
    ipc.scheduler()
    ipc.worker()
    world.run("queue", "pause")
    batch = world.run("job", "submit", "noop", "--count", "3", "--no-wait", "--format", "json").json["batch"]
    stats = world.run("queue", "stats", "--format", "json").json
    assert stats["paused"] and stats["queued"] == 3 and len(stats["workers"]) == 1
    world.run("queue", "resume")
    world.run("batch", "tail", batch, "--follow")
    assert world.run("queue", "stats", "--format", "json").json["queued"] == 0


def test_tcp_off_loopback_without_keys_is_refused(world):
    world.configure("scheduler: {endpoint: \"tcp://0.0.0.0:7700\"}\n")
    assert "server_key" in world.run("scheduler", status=3, timeout=10).err
