"""Batches, jobs and the journal, embedded: queueing, tailing, retrying, two commands at once."""

import json
import pathlib
import signal
import tempfile

import pytest
import yaml

from world import Lines, finish_child, kill


def batch_of(world, name):
    return world.run("batch", "show", name, "--format", "json").json


# ---- queueing ----


def test_no_wait_only_queues_and_the_next_sync_runs_it(world):
    fork = world.one(behind=2)
    before = world.tip(fork.repository)
    queued = world.run("fork", "sync", "--all", "--no-wait")
    assert "queued" in (queued.out + queued.err).lower()
    assert world.tip(fork.repository) == before
    batches = world.run("batch", "list", "--format", "json").json["batches"]
    assert [batch["state"] for batch in batches] == ["open"]
    world.sync()
    assert world.tip(fork.repository) == world.tip(fork.upstream)
    assert not world.run("batch", "list", "--format", "json").json["batches"]


def test_commands_that_only_read_run_no_jobs(world):
    fork = world.one(behind=2)
    world.run("fork", "sync", "--all", "--no-wait")
    for command in (("fork", "list"), ("batch", "list"), ("job", "list"), ("journal", "stats"), ("journal", "verify")):
        world.run(*command)
    assert world.tip(fork.repository) != world.tip(fork.upstream)


def test_a_batch_that_is_tailed_to_its_end_is_run(world):
    fork = world.one(behind=2)
    world.run("fork", "sync", "--all", "--no-wait")
    name = world.run("batch", "list", "--format", "json").json["batches"][0]["batch"]
    out = world.run("batch", "tail", name, "--follow", "--format", "jsonl").out
    types = [json.loads(line)["type"] for line in out.splitlines()]
    assert types[0] == "batch_opened" and types[-1] == "batch_closed"
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_a_tail_in_json_or_yaml_is_one_document(world):
    world.run("job", "submit", "noop", "--count", "3")
    for command in (("journal", "tail"), ("batch", "tail")):
        events = world.run(*command, "--format", "json").json["events"]
        assert yaml.safe_load(world.run(*command, "--format", "yaml").out)["events"]
        lines = world.run(*command, "--format", "jsonl").out.splitlines()
        assert set(events[0]) == set(json.loads(lines[0])) == {"seq", "time", "type", "data"}
        assert world.run(*command, "--follow", "--format", "json", status=2).json["error"]["code"] == "USAGE"
        assert "jsonl" in world.run(*command, "--follow", "--format", "yaml", status=2).out
    assert events == [json.loads(line) for line in lines]


def test_an_option_that_would_be_ignored_is_refused_by_name(world):
    for option in (("--all",), ("--dry-run",), ("--strategy", "merge"), ("--branch", "main")):
        assert option[0] in world.run("job", "submit", "noop", *option, status=2).err
    for option in (("--count", "2"), ("--duration", "1")):
        assert option[0] in world.run("job", "submit", "fork_sync", "mine", *option, status=2).err
    assert "--jobs" in world.run("job", "submit", "noop", "--jobs", "0", status=2).err


def test_the_summary_says_what_was_cancelled(world):
    for format, summary in (("table", "cancelled"), ("json", '"cancelled": ')):
        running = world.start("job", "submit", "noop", "--count", "50", "--duration", "60000", "--jobs", "1",
                              "--format", format)
        batches = []
        while not batches and running.poll() is None:
            batches = world.run("batch", "list", "--format", "json").json["batches"]
        world.run("batch", "cancel", batches[0]["batch"])
        result = finish_child(running)
        assert result.status == 1 and summary in result.out and ", 50 skipped" not in result.out
    assert result.json["cancelled"] == result.json["skipped"] == result.json["total"]


def test_cancelled_jobs_are_never_run(world):
    fork = world.one(behind=2)
    world.run("fork", "sync", "--all", "--no-wait")
    name = world.run("batch", "list", "--format", "json").json["batches"][0]["batch"]
    world.run("batch", "cancel", name)
    jobs = world.run("job", "list", "--batch", name, "--format", "json").json["jobs"]
    assert [job["state"] for job in jobs] == ["cancelled"]
    world.run("job", "submit", "noop")
    assert world.tip(fork.repository) != world.tip(fork.upstream)


def test_retry_runs_what_failed_again_and_nothing_else(world):
    world.fleet.upstream("company/tools")
    for name in ("good", "bad"):
        world.fleet.fork(name, f"me/{name}", "company/tools", behind=1)
    world.build()
    world.path("me/bad").rename(world.folder / "aside.git")
    batch = world.sync(status=1)["batch"]
    (world.folder / "aside.git").rename(world.path("me/bad"))
    world.run("job", "retry", batch)
    assert world.tip("me/bad") == world.tip("company/tools")
    opened = [event for event in world.events() if event["type"] == "batch_opened"]
    assert opened[-1]["data"]["targets"] == ["bad"]


def test_a_hundred_jobs_are_counted_and_each_ends_once(world):
    world.run("job", "submit", "noop", "--count", "100", "--jobs", "4")
    ended = [event for event in world.events() if event["type"] == "job_succeeded"]
    assert len(ended) == 100
    assert len({event["data"]["job"]["number"] for event in ended}) == 100
    batch = world.run("batch", "list", "--all", "--format", "json").json["batches"][0]
    assert (batch["state"], batch["counts"]["total"], batch["counts"]["done"]) == ("closed", 100, 100)


def test_unknown_batches_and_jobs_are_exit_8(world):
    world.run("job", "submit", "noop")
    error = world.run("batch", "show", "01AAAAAAAAAAAAAAAAAAAAAAAA", "--format", "json", status=8).json["error"]
    assert error["code"] == "BATCH_NOT_FOUND"
    error = world.run("job", "show", "01AAAAAAAAAAAAAAAAAAAAAAAA.7", "--format", "json", status=8).json["error"]
    assert error["code"] in ("JOB_NOT_FOUND", "BATCH_NOT_FOUND")


def test_show_of_a_closed_batch_tells_how_it_ended(three):
    name = three.sync(status=7)["batch"]
    shown = batch_of(three, name[:14])
    assert "conflict" in json.dumps(shown) and name in json.dumps(shown)


# ---- the journal ----


def test_export_numbers_every_event_without_a_gap_and_verify_passes(three):
    three.sync(status=7)
    events = three.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert all(set(event) == {"seq", "time", "type", "data"} for event in events)
    three.run("journal", "verify")
    replayed = three.run("journal", "replay", "--format", "json").json
    assert str(len(events)) in json.dumps(replayed)


def test_a_tail_from_any_sequence_misses_nothing(three):
    three.sync(status=7)
    events = three.events()
    for start in (1, 5, len(events)):
        tail = three.run("journal", "tail", "--from", str(start), "--format", "jsonl").out
        assert [json.loads(line) for line in tail.splitlines()] == events[start - 1:]


def test_verify_names_the_damage_and_writing_is_refused(three):
    three.sync(status=7)
    journal = three.home / "journal"
    largest = max((path for path in journal.rglob("*.log") if path.is_file()), key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 3] ^= 0xFF
    largest.write_bytes(data)
    damaged = {path: path.read_bytes() for path in journal.rglob("*.log")}
    verdict = three.run("journal", "verify", "--format", "json", status=1).json
    assert verdict["error"]["code"] == "JOURNAL_DAMAGED"
    three.run("fork", "sync", "--all", status=1)
    assert all(path.read_bytes() == contents for path, contents in damaged.items())


def test_every_request_names_its_actor(three):
    three.sync(status=7)
    opened = next(event for event in three.events() if event["type"] == "batch_opened")
    assert opened["data"]["actor"]


# ---- more than one command ----


def test_two_commands_at_once_on_one_journal_both_work(world):
    world.fleet.upstream("company/tools")
    for number in range(8):
        world.fleet.fork(f"fork-{number}", f"me/fork-{number}", "company/tools", behind=1 + number % 3, ahead=number % 2)
    world.build()
    names = list(world.fleet.forks)
    children = [world.start("fork", "sync", *half, "--format", "json") for half in (names[:4], names[4:])]
    for child, half in zip(children, (names[:4], names[4:])):
        document = finish_child(child).json
        assert document["succeeded"] == 4 and {entry["name"] for entry in document["forks"]} == set(half)
    world.run("journal", "verify")
    assert all(world.tip("company/tools") in world.git(f"me/fork-{number}", "rev-list", "main").split()
               for number in range(8))


def test_a_killed_host_is_replaced_by_the_other_command(world):
    forks = held_pair(world)
    gates = [world.server.hold_pushes(world.repository(fork.repository)) for fork in forks]
    first = world.start("fork", "sync", "first", "--format", "json")
    gates[0].wait_reached()
    second = world.start("fork", "sync", "second", "--format", "json")
    gates[1].wait_reached()
    kill(first)
    for gate in gates:
        gate.remove()
        gate.open()
    assert finish_child(second).json["forks"][0]["status"] == "fast_forwarded"
    assert world.tip("me/second") == world.tip("company/tools")
    world.sync("first")
    assert world.tip("me/first") == world.tip("company/tools")
    world.run("journal", "verify")


def held_pair(world):
    world.fleet.upstream("company/tools")
    forks = [world.fleet.fork(name, f"me/{name}", "company/tools", behind=1) for name in ("first", "second")]
    world.build()
    return forks


def test_ctrl_c_hands_the_jobs_back_and_the_batch_goes_on_later(world):
    fork = world.one(behind=1)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all")
    gate.wait_reached()
    child.send_signal(signal.SIGINT)
    gate.remove()
    gate.open()
    assert finish_child(child, 20).status == 130
    batches = world.run("batch", "list", "--format", "json").json["batches"]
    assert [batch["state"] for batch in batches] == ["open"]
    world.run("batch", "tail", batches[0]["batch"], "--follow")
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_a_tail_of_another_command_follows_a_batch_live(world):
    fork = world.one(behind=1)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all")
    gate.wait_reached()
    tail = world.start("journal", "tail", "--from", "1", "--follow", "--format", "jsonl")
    lines = Lines(tail.stdout)
    lines.wait_for(lambda line: json.loads(line)["type"] == "jobs_leased")
    gate.remove()
    gate.open()
    lines.wait_for(lambda line: json.loads(line)["type"] == "batch_closed")
    tail.send_signal(signal.SIGINT)
    assert tail.wait(20) in (0, 130)
    finish_child(child)
    assert world.tip(fork.repository) == world.tip(fork.upstream)


@pytest.fixture
def short():
    """A folder in which the path of a socket is not too long."""
    with tempfile.TemporaryDirectory(prefix="forge-", dir="/tmp") as folder:
        yield pathlib.Path(folder)


def test_the_next_host_meets_the_others_where_the_last_one_was(world, short):
    def host(name):
        world.run("job", "submit", "noop", env={"XDG_RUNTIME_DIR": str(short / name)})
        return (world.home / "journal" / "lock").read_text().split(" ", 2)[2].strip()

    for name in ("first", "second"):
        (short / name).mkdir(mode=0o700)
    place = f"embedded:{short}/first/forge"
    assert host("first") == place and host("second") == place
    (short / "first" / "forge").chmod(0o755)
    assert host("second") == f"embedded:{short}/second/forge", "a folder that others can enter is no good"


def test_commands_of_two_environments_meet_on_one_journal(three, short):
    elsewhere = short / "run"
    elsewhere.mkdir(mode=0o700)
    host = three.start("job", "submit", "noop", "--duration", "3000", "--format", "jsonl")
    assert "batch_opened" in host.stdout.readline() + host.stdout.readline()
    assert three.run("fork", "list", "--format", "json", env={"XDG_RUNTIME_DIR": str(elsewhere)}, timeout=20).json["forks"]
    batch = three.run("fork", "sync", "--all", "--format", "json", env={"XDG_RUNTIME_DIR": str(elsewhere)}, status=7)
    assert batch.json["total"] == 3
    assert host.poll() is None, "the first command was to be the host all the time"
    host.communicate(timeout=30)
    assert host.returncode == 0
