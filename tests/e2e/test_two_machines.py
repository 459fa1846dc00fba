"""Scheduler, worker and client on machines of their own, with a network between them: README.md, Over the network."""

import contextlib
import subprocess
import sys
import warnings

import pytest

import machines
import zmtp
from keys import Machine
from world import HOST

WHY_NOT = machines.why_not()
if WHY_NOT:
    warnings.warn(f"{__name__}: NOT TESTED: {WHY_NOT}")
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=f"NOT TESTED: {WHY_NOT}")

PORT = 7700


@pytest.fixture
def network():
    with machines.Network() as made:
        yield made


@pytest.fixture
def trio(network, tmp_path):
    """Scheduler, worker and client: the scheduler listens everywhere, the others know its address on their cable."""
    with contextlib.ExitStack() as stack:
        server = Machine(tmp_path, "server", machines.inside(network.middle))
        stack.callback(server.stop)
        others = []
        for number, (name, role) in enumerate((("build", "worker"), ("alice", "operate")), 1):
            namespace, address = network.join(name, number)
            other = Machine(tmp_path, name, machines.inside(namespace))
            stack.callback(other.stop)
            other.namespace, other.address = namespace, f"tcp://{address}:{PORT}"
            server.allow(other, role)
            others.append(other)
        server.serve(f"tcp://0.0.0.0:{PORT}")
        yield server, *others


def test_a_sync_over_the_network_does_what_one_at_home_does(trio, world):
    server, build, alice = trio
    fork = world.one(behind=2, ahead=1)
    tree, _ = world.merge_tree(fork)
    repositories = f"hosts: {{{HOST}: {{clone: 'file://{world.server.repositories}/{world.corner}'}}}}\n"
    build.meet(build.address, server.key, repositories)
    alice.meet(alice.address, server.key)
    worker = build.daemon("worker")
    alice.run("fork", "add", "mine", "--fork", f"{HOST}/{fork.repository}", "--upstream", f"{HOST}/{fork.upstream}")
    assert alice.sync()["forks"][0]["status"] == "merged"
    assert world.git(fork.repository, "rev-parse", "main^{tree}") == tree
    names = [row["name"] for row in alice.run("queue", "stats", "--format", "json").json["workers"]]
    assert len(names) == 1 and names[0].startswith("build/") and names[0].endswith(f":{worker.pid}")


def test_what_passes_the_cable_cannot_be_read(trio, network, tmp_path):
    server, _, alice = trio
    alice.meet(alice.address, server.key)
    with open(tmp_path / "captured", "wb") as file:
        sniffer = network.sniff(alice.namespace, file)
        alice.run("fork", "add", "conspicuous-name", "--fork", "h/o/conspicuous-fork", "--upstream", "h/o/u")
        assert "conspicuous-name" in alice.run("fork", "list").out
        machines.stop_sniffing(sniffer)
    captured = (tmp_path / "captured").read_bytes()
    # What cannot be hidden is that CURVE is spoken; all that was said is.
    assert b"CURVE" in captured and len(captured) > 1000
    assert b"conspicuous" not in captured and alice.secret.encode() not in captured


def test_without_a_key_that_is_listed_nothing_is_answered(trio, network, tmp_path):
    server, build, alice = trio
    namespace, address = network.join("eve", 9)
    eve = Machine(tmp_path, "eve", machines.inside(namespace))
    # Off this machine there is no way without keys, neither to listen nor to connect.
    eve.configure(f"scheduler: {{endpoint: 'tcp://{address}:{PORT}'}}\n")
    assert "server_key" in eve.run("queue", "stats", status=3, timeout=10).err
    # With keys that are not listed there is no answer.
    eve.meet(f"tcp://{address}:{PORT}", server.key)
    assert eve.run("queue", "stats", status=4).out == ""
    # Who speaks without keys is hung up on: at most ZeroMQ's greeting comes, which has 64 bytes.
    said = subprocess.run([*machines.inside(namespace), sys.executable, "-c", KNOCK, address, str(PORT),
                           zmtp.greeting().hex() + zmtp.ready().hex()], capture_output=True, timeout=20)
    size, end = said.stdout.decode().split()
    assert int(size) <= 64 and end == "closed", said
    alice.meet(alice.address, server.key)
    alice.run("queue", "stats")


KNOCK = """
import socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
peer.sendall(bytes.fromhex(sys.argv[3]))
size = 0
try:
    while data := peer.recv(65536):
        size += len(data)
except ConnectionError:
    pass
print(size, "closed")
"""
