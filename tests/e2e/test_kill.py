"""Kill -9 at any moment: nothing acknowledged is lost, nothing is done twice, what was reported stays true.

A fleet of 24 forks is synced while the embedded command, the scheduler or the worker is killed again and again, each
time once a number of requests drawn from a seed has reached the git server (and a few milliseconds later, drawn too).
Then one undisturbed sync, and every ref of every fork is compared with what git makes of the same repositories.

FORGE_TEST_SEED repeats a run, FORGE_TEST_KILLS sets how often the embedded command is killed.
"""

import os
import random

import pytest

from daemons import Daemons, kill as kill_daemon
from fleet import Kind
from growth import Growth
from process import ended_within
from world import finish_child, kill

SEED = int(os.environ.get("FORGE_TEST_SEED", random.SystemRandom().randrange(2**31)))
KILLS = int(os.environ.get("FORGE_TEST_KILLS", 30))
KILLS_A_FLEET = 10
FORKS = 24


@pytest.fixture
def dice(request):
    print(f"FORGE_TEST_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def fleet(world):
    shapes = [{}, {"behind": 2}, {"behind": 1, "ahead": 2}, {"behind": 3, "ahead": 1},
              {"behind": 2, "ahead": 1, "kind": Kind.CONFLICT}, {"behind": 4}, {"kind": Kind.UNRELATED},
              {"behind": 5, "ahead": 3}]
    for number in range(4):
        world.fleet.upstream(f"company/tools-{number}", commits=9 + number)
    for number in range(FORKS):
        world.fleet.fork(f"fork-{number:02}", f"me/fork-{number:02}", f"company/tools-{number % 4}",
                         **shapes[number % len(shapes)])
    return world.build()


class Expectation:
    """What git makes of the fleet, noted before anything is synced."""

    def __init__(self, world):
        self.world = world
        self.before = world.all_refs()
        self.trees = {fork.name: world.merge_tree(fork)[0] for fork in self.forks() if fork.status == "merged"}

    def forks(self):
        return self.world.fleet.forks.values()

    def check_refs(self):
        """Every branch of every fork is exactly what one sync by hand would have left."""
        for fork in self.forks():
            refs = self.world.refs(fork.repository, "")
            tip, old = refs["refs/heads/main"], self.before[fork.name]["refs/heads/main"]
            upstream = self.world.tip(fork.upstream)
            assert set(refs) == {"refs/heads/main"}, fork
            if fork.status == "merged":
                parents, tree = self.world.git(fork.repository, "log", "-1", "--format=%P%n%T", tip).split("\n")
                assert parents.split() == [old, upstream], f"{fork}: merged twice, or with the wrong parents"
                assert tree == self.trees[fork.name], fork
            else:
                assert tip == (upstream if fork.status == "fast_forwarded" else old), fork
            self.world.git(fork.repository, "fsck", "--connectivity-only")

    def check_reports(self):
        """The journal is whole, and what it says of each fork happened, and happened once."""
        self.world.run("journal", "verify")
        told = {fork.name: [] for fork in self.forks()}
        for fact in facts(self.world.events(), "fork_synced"):
            told[fact["fork"]].append((status_of(fact), fact.get("before"), fact.get("after")))
        for fork in self.forks():
            tip, old = self.world.tip(fork.repository), self.before[fork.name]["refs/heads/main"]
            moves = [entry for entry in told[fork.name] if entry[1] != entry[2]]
            moved = fork.status in ("merged", "fast_forwarded")
            assert moves == ([(fork.status, old, tip)] if moved else []), f"{fork}: {told[fork.name]}"
            allowed = {fork.status, "up_to_date"} if moved else {fork.status}
            assert told[fork.name] and {entry[0] for entry in told[fork.name]} <= allowed, f"{fork}: {told[fork.name]}"

    def check_document(self, document, fresh):
        """The document of the last sync; FRESH: of the first one that came to an end."""
        assert document["total"] == FORKS
        for entry in document["forks"]:
            fork = self.world.fleet.forks[entry["name"]]
            moved = fork.status in ("merged", "fast_forwarded")
            assert entry["status"] == fork.status or (moved and not fresh and entry["status"] == "up_to_date"), entry
            if fresh and fork.status != "failed":
                assert (entry["behind"], entry["ahead"]) == (fork.behind, fork.ahead), entry
                assert entry["before"] == self.before[fork.name]["refs/heads/main"], entry
                assert entry["after"] == self.world.tip(fork.repository), entry


def facts(node, kind):
    """Every object called KIND inside NODE, in order: the facts of that kind in exported events."""
    if isinstance(node, dict):
        if node.get("type") == kind:
            yield node["data"]
            return
        for key, value in node.items():
            if key == kind and isinstance(value, dict):
                yield value
            else:
                yield from facts(value, kind)
    elif isinstance(node, list):
        for item in node:
            yield from facts(item, kind)


def status_of(fact):
    return str(fact["status"]).lower().removeprefix("branch_status_")


def wait_for_requests(world, number, child, seconds=60):
    """Returns once NUMBER more requests of this world were answered (True) or CHILD has ended (False)."""
    path = world.server.access_log
    mark, offset = f"/{world.corner}/".encode(), path.stat().st_size

    def answered():
        with open(path, "rb") as stream:
            stream.seek(offset)
            return stream.read().count(mark) >= number
    with Growth(path) as log:
        return log.wait(answered, seconds, child)


@pytest.mark.parametrize("round_", range(-(-KILLS // KILLS_A_FLEET)))
def test_an_embedded_command_killed_anywhere_leaves_the_truth(fleet, dice, round_):
    expected = Expectation(fleet)
    for _ in range(KILLS_A_FLEET):
        child = fleet.start("fork", "sync", "--all", "--jobs", str(dice.randint(1, 4)))
        alive = wait_for_requests(fleet, dice.randint(1, 20), child)
        ended_within(child, dice.random() * 0.02)
        kill(child)
        if not alive:
            break
    document = fleet.sync(status=7, timeout=180)
    expected.check_refs()
    expected.check_reports()
    expected.check_document(document, fresh=False)
    assert not fleet.run("batch", "list", "--format", "json").json["batches"]


def test_an_embedded_command_killed_before_its_first_request_loses_nothing(fleet, dice):
    expected = Expectation(fleet)
    for _ in range(5):
        child = fleet.start("fork", "sync", "--all")
        ended_within(child, dice.random() * 0.1)
        kill(child)
    expected.check_document(fleet.sync(status=7, timeout=180), fresh=False)
    expected.check_refs()
    expected.check_reports()


@pytest.mark.parametrize("victim, kills", [("scheduler", 6), ("worker", 4)])
def test_a_daemon_killed_anywhere_costs_the_waiting_command_nothing(fleet, dice, tmp_path, victim, kills):
    expected = Expectation(fleet)
    daemons = Daemons(fleet, f"ipc://{tmp_path}/s.sock")
    try:
        running = {"scheduler": daemons.scheduler(), "worker": daemons.worker("--jobs", "2")}
        command = fleet.start("fork", "sync", "--all", "--format", "json")
        for _ in range(kills):
            if not wait_for_requests(fleet, dice.randint(1, 12), command):
                break
            ended_within(command, dice.random() * 0.02)
            kill_daemon(running[victim])
            running[victim] = daemons.scheduler() if victim == "scheduler" else daemons.worker("--jobs", "2")
        result = finish_child(command, 240)
        assert result.status == 7, result
        expected.check_refs()
        expected.check_document(result.json, fresh=True)
    finally:
        daemons.stop()
    fleet.configure()
    expected.check_reports()


def test_a_killed_command_with_commands_beside_it_on_one_journal(fleet, dice):
    expected = Expectation(fleet)
    names = list(fleet.fleet.forks)
    for _ in range(4):
        dice.shuffle(names)
        pair = [fleet.start("fork", "sync", *half, "--jobs", "2") for half in (names[:12], names[12:])]
        wait_for_requests(fleet, dice.randint(1, 30), pair[0])
        victim = dice.randrange(2)
        kill(pair[victim])
        survivor = finish_child(pair[1 - victim], 120)
        assert survivor.status in (0, 1, 7), survivor
    expected.check_document(fleet.sync(status=7, timeout=180), fresh=False)
    expected.check_refs()
    expected.check_reports()


def kill_between_push_and_answer(world, fork, branch):
    """Syncs until BRANCH has moved on the fork, and kills the command before it hears of that. Returns the old tip."""
    before = world.tip(fork.repository, branch)
    gate = world.server.hold_answers(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all")
    gate.wait_reached()
    kill(child)
    gate.remove()
    gate.open()
    assert world.tip(fork.repository, branch) != before
    return before


# Named, meant by a glob that matches nothing any more or others only, or upstream's default branch of before.
@pytest.mark.parametrize("patterns", [["main"], ["ma*"], ["*"], []])
def test_a_push_that_happened_is_told_though_upstream_deleted_the_branch_since(world, patterns):
    fork = world.one(behind=1, ahead=1, add=[word for pattern in patterns for word in ("--branch", pattern)])
    world.git(fork.upstream, "branch", "other", "main~1")
    if "*" in patterns:
        world.git(fork.repository, "branch", "other", world.tip(fork.upstream, "other"))
    before = kill_between_push_and_answer(world, fork, "main")
    world.git(fork.upstream, "symbolic-ref", "HEAD", "refs/heads/other")
    world.git(fork.upstream, "update-ref", "-d", "refs/heads/main")
    world.sync(status=None)
    told = [event["data"] for event in world.events() if event["type"] == "fork_synced"]
    first = [fact for fact in told if fact["branch"] == "main"][0]
    assert (first["status"], first["before"], first["after"]) == ("merged", before, world.tip(fork.repository))
