"""Who may use a scheduler over the network: keys, the list of those who are allowed, and roles."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess

import pytest

from keys import Machine
from world import finish_child


@pytest.fixture
def machine(tmp_path):
    with contextlib.ExitStack() as stack:
        def make(name):
            made = Machine(tmp_path, name)
            stack.callback(made.stop)
            return made
        yield make


@pytest.fixture
def endpoint():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


# ---- key pairs ----

def test_a_pair_is_made_once_and_kept_aside_when_another_is_forced(machine):
    alice = machine("alice")
    key, secret, file = alice.key, alice.secret, alice.home / "keys" / "secret.key"
    assert len(key) == 40 and file.stat().st_mode & 0o777 == 0o600
    assert alice.run("config", "keys").out == key + "\n"
    refused = alice.run("config", "keys", "--new", status=7)
    assert "--force" in refused.err and alice.secret == secret
    forced = alice.run("config", "keys", "--new", "--force", "--format", "json").json
    assert forced["public_key"] != key and alice.secret != secret
    kept = pathlib.Path(forced["kept"])
    assert kept.read_text().strip() == secret and kept.stat().st_mode & 0o777 == 0o600


def test_options_that_make_no_sense_are_refused(machine):
    alice = machine("alice")
    alice.run("config", "keys", "--force", status=2)
    alice.run("config", "keys", "--new", "--force", "--name", "a b", status=6)
    alice.run("config", "keys", "allow", "--name", "x", "--", alice.key, status=2)
    alice.run("config", "keys", "allow", "--role", "read", "--", alice.key, status=2)
    alice.run("config", "keys", "allow", "--role", "admin", "--name", "x", "--", alice.key, status=6)
    alice.run("config", "keys", "allow", "--role", "read", "--name", "x", "short", status=6)
    assert not alice.allowed.exists()


# ---- the list ----

def test_the_list_is_changed_in_place_and_comments_stay(machine):
    server, alice, bob = machine("server"), machine("alice"), machine("bob")
    server.allow(alice, "submit")
    text = server.allowed.read_text()
    assert text.startswith("# ")
    server.allowed.write_text(text.replace("  alice:\n", "  # from accounting\n  alice:  # on leave\n"))
    server.allow(bob, "read", "worker")
    server.allow(alice, "operate")
    rows = server.run("config", "keys", "list", "--format", "json").json["keys"]
    assert rows == [{"name": "alice", "roles": ["operate"], "public_key": alice.key},
                    {"name": "bob", "roles": ["read", "worker"], "public_key": bob.key}]
    text = server.allowed.read_text()
    assert "  # from accounting\n  alice:  # on leave\n" in text
    server.run("config", "keys", "revoke", "bob")
    assert "bob" not in server.allowed.read_text() and "# on leave" in server.allowed.read_text()


def test_a_name_has_one_key_and_a_key_one_name(machine):
    server, alice, bob = machine("server"), machine("alice"), machine("bob")
    server.allow(alice, "read")
    before = server.allowed.read_text()
    taken = server.run("config", "keys", "allow", "--role", "read", "--name", "alice", "--", bob.key, status=7)
    assert "revoke alice" in taken.err
    twice = server.run("config", "keys", "allow", "--role", "read", "--name", "al", "--", alice.key, status=7)
    assert "'alice'" in twice.err
    unknown = server.run("config", "keys", "revoke", "alise", status=8)
    assert "did you mean 'alice'" in unknown.err
    assert server.allowed.read_text() == before


def test_many_changes_at_once_all_count(machine):
    server = machine("server")
    others = [machine(f"m{number}") for number in range(6)]
    children = [server.start("config", "keys", "allow", "--role", "read", "--name", other.name, "--", other.key)
                for other in others]
    assert [finish_child(child).status for child in children] == [0] * len(others)
    rows = server.run("config", "keys", "list", "--format", "json").json["keys"]
    assert {row["name"] for row in rows} == {other.name for other in others}


def test_a_list_that_is_wrong_already_is_not_touched(machine):
    server, alice = machine("server"), machine("alice")
    server.allowed.write_text("keys:\n  bob: {public_key: short, roles: [read]}\n")
    refused = server.run("config", "keys", "allow", "--role", "read", "--name", "alice", "--", alice.key, status=3)
    assert "allowed.yaml:2" in refused.err and "short" in server.allowed.read_text()


# ---- starting ----

def test_a_scheduler_with_keys_starts_only_with_its_own_and_a_list(machine, endpoint):
    server, alice = machine("server"), machine("alice")
    server.meet(endpoint, alice.key)
    assert server.key in server.run("scheduler", status=3, timeout=10).err
    server.meet(endpoint, server.key)
    assert "forge config keys allow" in server.run("scheduler", status=3, timeout=10).err
    server.allowed.write_text("keys: {}\n")
    server.allowed.chmod(0o666)
    assert "chmod" in server.run("scheduler", status=10, timeout=10).err
    (server.home / "keys" / "secret.key").unlink()
    assert "forge config keys --new" in server.run("scheduler", status=3, timeout=10).err
    assert not (server.home / "journal").exists()


@pytest.mark.parametrize("command", [("worker",), ("queue", "stats")])
def test_who_has_no_keys_is_told_how_to_make_them(machine, endpoint, command):
    alice = machine("alice")
    alice.meet(endpoint, alice.key)
    (alice.home / "keys" / "secret.key").chmod(0o644)
    assert "chmod 600" in alice.run(*command, status=10, timeout=10).err
    (alice.home / "keys" / "secret.key").unlink()
    assert "forge config keys --new" in alice.run(*command, status=3, timeout=10).err


# ---- roles ----

def test_each_role_may_what_it_is_for_and_events_name_the_key(machine, endpoint):
    server, rita, sam, olga, build = (machine(name) for name in ("server", "rita", "sam", "olga", "build"))
    for other, *roles in ((rita, "read"), (sam, "submit"), (olga, "operate"), (build, "worker")):
        server.allow(other, *roles)
    server.serve(endpoint)
    for other in (rita, sam, olga, build):
        other.meet(endpoint, server.key)
    worker = build.daemon("worker")

    def denied(other, role, *command):
        result = other.run(*command, status=5)
        assert f"'{other.name}'" in result.err and f"'{role}'" in result.err

    submit = ("job", "submit", "noop", "--count", "2")
    denied(rita, "submit", *submit)
    denied(rita, "operate", "queue", "pause")
    denied(sam, "operate", "queue", "pause")
    denied(sam, "operate", "fork", "add", "f", "--fork", "h/o/f", "--upstream", "h/o/u")
    denied(build, "read", "queue", "stats")
    assert rita.run("batch", "list", "--format", "json").json["batches"] == []
    sam.run(*submit)
    olga.run("queue", "pause")
    olga.run("queue", "resume")
    olga.run("fork", "add", "f", "--fork", "h/o/f", "--upstream", "h/o/u")
    stats = rita.run("queue", "stats", "--format", "json").json
    assert [row["name"] for row in stats["workers"]] == [f"build/{socket.gethostname()}:{worker.pid}"]
    events = [json.loads(line) for line in rita.run("journal", "export").out.splitlines()]
    actors = {event["type"]: event["data"]["actor"] for event in events if "actor" in event["data"]}
    assert actors == {"batch_opened": "sam", "queue_paused": "olga", "queue_resumed": "olga", "fork_registered": "olga"}


def test_a_worker_without_the_role_gets_no_jobs_and_says_so(machine, endpoint):
    server, rita = machine("server"), machine("rita")
    server.allow(rita, "submit")
    server.serve(endpoint)
    rita.meet(endpoint, server.key)
    worker = rita.daemon("worker")
    worker.log.wait_for(lambda line: "refused this worker" in line and "'rita'" in line and "'worker'" in line)
    rita.run("job", "submit", "noop", "--count", "1", "--no-wait")
    stats = rita.run("queue", "stats", "--format", "json").json
    assert stats["queued"] == 1 and stats["workers"] == []


def test_a_key_that_is_not_listed_gets_no_answer_and_a_hint(machine, endpoint):
    server, alice, eve = machine("server"), machine("alice"), machine("eve")
    server.allow(alice, "read")
    server.serve(endpoint)
    eve.meet(endpoint, server.key)
    alice.meet(endpoint, eve.key)
    eve.daemon("worker").log.wait_for(lambda line: "no scheduler answers" in line and "key" in line)
    for other in (eve, alice):
        silent = other.run("queue", "stats", status=4)
        assert endpoint in silent.err and "server_key" in silent.err and "forge config keys" in silent.err
    alice.meet(endpoint, server.key)
    alice.run("queue", "stats")


# ---- changes while it runs ----

def test_a_revoked_key_is_a_stranger_at_once_and_its_jobs_go_to_another(machine, endpoint):
    server, olga, first, second = (machine(name) for name in ("server", "olga", "first", "second"))
    server.allow(olga, "operate")
    server.allow(first, "worker")
    scheduler = server.serve(endpoint)
    for other in (olga, first, second):
        other.meet(endpoint, server.key)
    first.daemon("worker")
    batch = olga.run("job", "submit", "noop", "--count", "1", "--duration", "2000", "--no-wait",
                     "--format", "json").json["batch"]
    tail = olga.daemon("batch", "tail", batch, "--follow", "--format", "jsonl")
    for line in tail.stdout:
        if json.loads(line)["type"] == "jobs_leased":
            break
    server.run("config", "keys", "revoke", "first")
    server.allow(second, "worker")
    server.reload(scheduler)
    second.daemon("worker")
    seen = [json.loads(line) for line in tail.stdout]
    assert tail.wait(60) == 0
    expired = [event["type"] for event in seen if event["type"] in ("job_expired", "job_succeeded", "worker_left")]
    assert expired[-1] == "job_succeeded" and "job_expired" in expired


def test_a_list_that_became_wrong_leaves_the_old_one_in_force(machine, endpoint):
    server, alice, bob = machine("server"), machine("alice"), machine("bob")
    server.allow(alice, "read")
    scheduler = server.serve(endpoint)
    for other in (alice, bob):
        other.meet(endpoint, server.key)
    good = server.allowed.read_text()
    server.allowed.write_text("keys:\n  bob: {public_key: short, roles: [read]}\n")
    assert "not reloaded" in server.reload(scheduler)
    alice.run("queue", "stats")
    server.allowed.write_text(good)
    server.allow(bob, "read")
    server.reload(scheduler)
    bob.run("queue", "stats")


def test_keys_are_used_on_ipc_too_if_they_are_configured(machine, tmp_path):
    server, alice, eve = machine("server"), machine("alice"), machine("eve")
    endpoint = f"ipc://{tmp_path}/s.sock"
    server.allow(alice, "read")
    server.serve(endpoint)
    alice.meet(endpoint, server.key)
    eve.meet(endpoint, server.key)
    alice.run("queue", "stats")
    assert "PERMISSION_DENIED" in alice.run("queue", "pause", "--format", "json", status=5).out
    eve.run("queue", "stats", status=4)
    eve.configure(f"scheduler: {{endpoint: '{endpoint}'}}\n")
    eve.run("queue", "stats", status=4)


# ---- the secret ----

def test_the_secret_key_is_seen_nowhere(machine, endpoint, tmp_path):
    server, alice = machine("server"), machine("alice")
    outputs = []
    server.allow(alice, "operate", "worker")
    scheduler = server.serve(endpoint)
    alice.meet(endpoint, server.key)
    worker = alice.daemon("worker")
    for command in (("config", "keys"), ("config", "show"), ("config", "keys", "list"), ("doctor",),
                    ("job", "submit", "noop", "--count", "1"), ("config", "keys", "--new")):
        result = alice.run(*command, "--verbose", status=None)
        outputs.append(result.out + result.err)
    for child in (scheduler, worker):
        outputs.append("\n".join(child.log.seen))
        outputs += [pathlib.Path(f"/proc/{child.pid}/{name}").read_text() for name in ("cmdline", "environ")]
    for secret in (server.secret, alice.secret):
        assert not any(secret in output for output in outputs)
        found = subprocess.run(["grep", "-rlF", "-e", secret, tmp_path], capture_output=True, text=True).stdout.split()
        assert [os.path.basename(name) for name in found] == ["secret.key"]
