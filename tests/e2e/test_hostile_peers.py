"""Peers that mean harm, byte by byte on the scheduler's socket: it lives, serves the others in time, and its memory
and descriptors stay bounded."""

import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import random
import socket
import struct
import time

import pytest

import zmtp
from daemons import Daemons

MEGABYTE = 1024 * 1024
SECONDS = 3  # in which others have to be served, whatever happens
SEED = int(os.environ.get("FORGE_TEST_SEED", random.randrange(10**9)))


def endpoint(kind, tmp_path):
    if kind == "ipc":
        return f"ipc://{tmp_path}/s.sock"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


class Target(Daemons):
    """A scheduler that is about to be treated badly."""

    def begin(self):
        self.child = self.scheduler()
        self.world.run("job", "submit", "noop", "--count", "1", "--no-wait")
        self.before = self.memory()
        return self

    def memory(self):
        """The most that it ever had in memory, in bytes."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024

    def grown(self):
        return self.memory() - self.before

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    def peer(self, **options):
        return zmtp.Peer(self.endpoint, **options)

    def friend(self):
        peer = self.peer().shake_hands()
        assert zmtp.WELCOME in peer.greet(name="friend:1")
        return peer

    def assert_serves(self):
        """A client that comes now can write, and soon."""
        started = time.monotonic()
        self.world.run("job", "submit", "noop", "--count", "1", "--no-wait")
        assert time.monotonic() - started < SECONDS, "served too late"
        assert self.child.poll() is None

    def last_seq(self):
        return self.world.run("journal", "stats", "--format", "json").json["last_seq"]


@pytest.fixture(params=["ipc", "tcp"])
def target(request, world, tmp_path):
    running = Target(world, endpoint(request.param, tmp_path))
    yield running.begin()
    running.stop()


@pytest.fixture
def tcp(world, tmp_path):
    running = Target(world, endpoint("tcp", tmp_path))
    yield running
    running.stop()


def test_random_bytes_and_strange_greetings_end_their_connection_alone(target):
    print("FORGE_TEST_SEED", SEED)
    chance = random.Random(SEED)
    greetings = [zmtp.greeting(b"CURVE"), zmtp.greeting(b"PLAIN"), zmtp.greeting(b"\xff" * 20), zmtp.greeting(major=9),
                 zmtp.greeting(major=1), zmtp.greeting()[:40], b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\0" * 64,
                 zmtp.greeting() + b"\x04\x00", zmtp.greeting() + zmtp.command(b"\x05ERROR\xff"),
                 zmtp.greeting() + zmtp.command(b"\x05READY" + b"\xff" * 40),
                 zmtp.greeting() + zmtp.ready(Identity=b"\0" * 255), zmtp.greeting() + zmtp.ready(User_Id=b"root")]
    friend = target.friend()
    with contextlib.ExitStack() as stack:
        for number in range(300):
            peer = target.peer()
            stack.callback(peer.close)
            start = greetings[number] if number < len(greetings) else chance.choice((b"", zmtp.greeting()))
            with contextlib.suppress(ConnectionError):
                peer.socket.sendall(start + chance.randbytes(chance.randrange(2000)))
            if number % 50 == 0:
                assert zmtp.STATS in friend.ask(number + 2, zmtp.GET_STATS)
    target.assert_serves()
    assert target.grown() < 32 * MEGABYTE


def test_messages_that_make_no_sense_are_passed_over(target):
    print("FORGE_TEST_SEED", SEED)
    chance = random.Random(SEED)
    peer, before = target.friend(), target.last_seq()
    for _ in range(2000):
        peer.send(chance.randbytes(chance.randrange(200)))
    for _ in range(2000):  # a kind of request, and nonsense in it
        peer.send(zmtp.request(0, chance.randrange(2, 40), chance.randbytes(chance.randrange(60))))
    peer.socket.sendall(b"\x01\x01a\x01\x01b\x00\x01c")  # three frames that are one message
    assert zmtp.STATS in peer.ask(9, zmtp.GET_STATS) or zmtp.GOODBYE in peer.ask(10, zmtp.GET_STATS)
    target.assert_serves()
    assert target.grown() < 64 * MEGABYTE
    # Whatever was understood of it, the journal is whole.
    assert target.last_seq() >= before
    target.stop()
    target.world.run("journal", "verify")


def test_a_gibibyte_announced_is_hung_up_on(target):
    for size in (MEGABYTE + 1, 1 << 30, 1 << 62, (1 << 64) - 1):
        peer = target.friend()
        peer.socket.sendall(b"\x02" + struct.pack(">Q", size) + bytes(1000))
        assert peer.is_closed(), size
        early = target.peer()  # and before hands are shaken
        early.socket.sendall(zmtp.greeting() + b"\x06" + struct.pack(">Q", size) + bytes(1000))
        assert early.is_closed(), size
    target.assert_serves()
    assert target.grown() < 32 * MEGABYTE


def test_strangers_and_other_protocols_are_told_so_and_change_nothing(target):
    before = target.last_seq()
    peer = target.peer().shake_hands()
    pause = zmtp.message(_1=1)
    job = zmtp.message(_1=1, _2=1)
    assert zmtp.GOODBYE in peer.ask(2, zmtp.SET_PAUSED, pause)
    assert zmtp.GOODBYE in peer.ask(3, zmtp.REPORT, zmtp.message(_1=job, _2=1, _4=b""))
    for protocol in (0, 2, 2**32 - 1):
        assert b"protocol" in peer.ask(4, zmtp.HELLO, zmtp.hello(protocol=protocol))[zmtp.ERROR][0]
    assert b"longer" in peer.ask(5, zmtp.HELLO, zmtp.hello(name="x" * 100000))[zmtp.ERROR][0]
    assert zmtp.GOODBYE in peer.ask(6, zmtp.SET_PAUSED, pause)
    # One that said hello as a client is no worker, whatever it reports, however often.
    peer.greet()
    for number in range(10, 20):
        recorded = peer.ask(number, zmtp.REPORT, zmtp.message(_1=job, _2=1, _4=b""))
        assert zmtp.parse(recorded[zmtp.RECORDED][0]) == {1: [1]}
    assert target.last_seq() == before


def test_reports_under_the_routing_id_of_a_worker_change_nothing_on_another_connection(target):
    identity = b"\x01" + os.urandom(15)
    worker = target.peer().shake_hands(Identity=identity)
    session = zmtp.parse(worker.greet(role=zmtp.WORKER, name="mine:1")[zmtp.WELCOME][0])[3][0]
    grant = zmtp.parse(worker.receive())  # of the job that was submitted at the start
    job = zmtp.parse(zmtp.parse(grant[5][0])[1][0])
    # The same id on another connection is the same peer, as after a connection that broke; a session of its own has
    # only who is greeted as that worker.
    thief = target.peer().shake_hands(Identity=b"\x01" + os.urandom(15))
    other = zmtp.parse(thief.greet(role=zmtp.WORKER, name="thief:1")[zmtp.WELCOME][0])[3][0]
    assert other != session
    report = zmtp.message(_1=job[1][0], _2=job[2][0], _4=b"")
    for number in (7, 8):
        assert zmtp.parse(thief.ask(number, zmtp.REPORT, report)[zmtp.RECORDED][0]) == {1: [1]}
    assert zmtp.parse(worker.ask(9, zmtp.REPORT, report)[zmtp.RECORDED][0]) == {}
    # Replayed, it is nobody's.
    assert zmtp.parse(worker.ask(10, zmtp.REPORT, report)[zmtp.RECORDED][0]) == {1: [1]}


def test_idle_connections_by_the_thousand_leave_room_for_others(tcp):
    tcp.begin()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(contextlib.closing(tcp.peer().socket)) for _ in range(3000)]
        tcp.assert_serves()
        assert tcp.grown() < 128 * MEGABYTE
        for connection in idle:  # those who do not shake hands are hung up on
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(4096):
                    pass
    assert tcp.descriptors() < 200
    tcp.assert_serves()


def test_when_descriptors_run_out_the_connected_and_the_journal_go_on(tcp):
    tcp.world.prefix = ["prlimit", "--nofile=1200:1200"]
    tcp.begin()
    friend = tcp.friend()
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(32) as pool:
        def knock(_):
            with contextlib.suppress(OSError):
                return tcp.peer(seconds=2)
        arrived = [peer for peer in pool.map(knock, range(1600)) if peer]
        for peer in arrived:
            stack.callback(peer.close)
        assert tcp.descriptors() < 1150
        for number in range(2, 20):
            submit = zmtp.message(_1=f"{number:032x}", _2=zmtp.NOOP, _7=1)
            assert zmtp.SUBMITTED in friend.ask(number, zmtp.SUBMIT, submit)
    # Who hung up, or never shook hands, made room.
    deadline = time.monotonic() + 15
    while tcp.world.run("queue", "stats", status=None).status != 0:
        assert time.monotonic() < deadline
    assert any("no further connections" in line for line in tcp.child.log.seen)
    tcp.assert_serves()


def test_names_that_collide_cost_no_more_than_others(target):
    # Under the usual hash (h * 33 + c) "aB" and "b!" are the same, and so are all words made of them.
    words = ["".join(word) for word in itertools.islice(itertools.product(("aB", "b!"), repeat=16), 65536)]
    random.Random(SEED).shuffle(words)

    def submit(names):
        peer, started = target.friend(), time.monotonic()
        for begin in range(0, len(names), 512):
            part = names[begin:begin + 512]
            for number, name in enumerate(part):
                peer.send(zmtp.request(100 + number, zmtp.SUBMIT, zmtp.message(_1=name, _2=zmtp.NOOP, _7=1)))
            for _ in part:
                assert zmtp.SUBMITTED in zmtp.parse(peer.receive())
        return time.monotonic() - started

    plain = submit([f"{number:032x}" for number in range(4096)]) / 4096
    colliding = submit(words[:8192]) / 8192
    assert colliding < 5 * plain + 0.001
    # And as names of 65,536 targets that do not exist: each is refused, soon.
    peer, started = target.friend(), time.monotonic()
    for begin in range(0, len(words), 2000):
        peer.ask(2 + begin, zmtp.SUBMIT, zmtp.message(_1=f"{begin:032x}", _2=zmtp.FORK_SYNC, _5=words[begin:begin + 2000]))
    assert time.monotonic() - started < 10
    target.assert_serves()


def test_who_asks_for_pages_and_does_not_read_costs_a_few_megabytes(target):
    writer = target.friend()
    for number in range(2, 300):
        key = f"{number:032x}" + "x" * 160
        writer.ask(number, zmtp.SUBMIT, zmtp.message(_1=key, _2=zmtp.NOOP, _7=1, _10=key))
    before = target.memory()
    deaf = [target.friend() for _ in range(4)]
    for peer in deaf:
        peer.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):  # what it asks waits too once it is not read any more
            for number in range(3000):
                peer.send(zmtp.request(number + 2, zmtp.READ_EVENTS, zmtp.message(_1=1, _4=256 * 1024)))
    target.assert_serves()
    assert target.memory() - before < 96 * MEGABYTE
    for peer in deaf:
        peer.close()
    target.assert_serves()


def test_a_flood_of_large_requests_is_taken_bit_by_bit(target):
    # Each is within bounds as a message and far beyond them as a request, and becomes many times larger unpacked.
    large = zmtp.request(5, zmtp.HEARTBEAT, b"\x0a\x00" * (MEGABYTE // 2 - 100))

    def flood(_):
        peer = target.friend()
        peer.socket.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError):
            for sent in range(60):
                peer.send(large)
        return peer

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        peers = list(pool.map(flood, range(4)))
    target.assert_serves()
    print("grown by", target.grown() // MEGABYTE, "MiB")
    assert target.grown() < 128 * MEGABYTE
    for peer in peers:
        peer.close()


def test_peers_that_come_and_go_leave_nothing_behind(target):
    friend = target.friend()
    for number in range(2000):
        peer = target.peer().shake_hands(Identity=b"\x01" + f"{number:015}".encode())
        peer.send(zmtp.request(1, zmtp.HELLO, zmtp.hello(name=f"raw:{number}")))
        peer.close()
    assert zmtp.STATS in friend.ask(2, zmtp.GET_STATS)
    assert target.grown() < 32 * MEGABYTE
    assert target.descriptors() < 200
    target.assert_serves()
