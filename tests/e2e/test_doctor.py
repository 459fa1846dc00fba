"""Each broken state is found, explained, and something to do about it is named."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest
from daemons import Daemons
from git_server import TOKEN
from world import HOST, finish_child


def doctor(world, status, **options):
    """{check: row}; every row that is not good must say what to do."""
    document = world.run("doctor", "--format", "json", status=status, **options).json
    assert document["good"] == (status == 0)
    for row in document["checks"]:
        assert row["message"] and (row["good"] or row["hint"]), row
    return {row["check"]: row for row in document["checks"]}


def bad(world, check, *words, hint=(), **options):
    """CHECK is found bad, in WORDS, with a hint in the words HINT; and nothing else is. Returns its row."""
    found = doctor(world, 1, **options)
    wrong = {name: row for name, row in found.items() if not row["good"]}
    assert list(wrong) == [check], wrong
    for word in words:
        assert word in wrong[check]["message"], wrong
    for word in hint:
        assert word in wrong[check]["hint"], wrong
    return wrong[check]


@pytest.fixture
def used(world):
    """A world with a journal of some events."""
    world.run("job", "submit", "noop", "--count", "20")
    return world


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_a_sound_installation_is_found_sound_and_nothing_is_touched(used):
    before = snapshot(used.home)
    found = doctor(used, 0)
    assert {"configuration", "home", "sockets", "scheduler", "journal", "journal clock", "git", f"host {HOST}"} <= set(found)
    assert snapshot(used.home) == before
    assert "✓ journal" in used.run("doctor").out
    rows = [json.loads(line) for line in used.run("doctor", "--format", "jsonl").out.splitlines()]
    assert [row["check"] for row in rows] == list(found)


# ---- journal ----

def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def test_a_damaged_journal_is_found(used):
    records = used.home / "journal" / "records"
    largest = max((path for path in records.iterdir() if path.suffix in (".log", ".sst")), key=lambda path: path.stat().st_size)
    damage(largest)
    bad(used, "journal", hint=("journal verify",))


def test_a_journal_without_its_mark_is_found(used):
    (used.home / "journal" / "mark").unlink()
    bad(used, "journal", "mark", hint=("journal verify",))


def test_a_journal_that_is_shorter_than_its_mark_is_found(used):
    journal = used.home / "journal"
    shutil.copytree(journal / "records", used.folder / "older")
    used.run("job", "submit", "noop", "--count", "20")
    shutil.rmtree(journal / "records")
    shutil.copytree(used.folder / "older", journal / "records")
    bad(used, "journal", "records are missing", hint=("journal verify",))


def test_a_journal_held_by_a_living_command_is_in_order(used):
    child = used.start("job", "submit", "noop", "--duration", "60000")
    found = wait_for_holder(used, child)
    assert found["journal holder"]["good"] and str(child.pid) in found["journal holder"]["message"]
    child.send_signal(signal.SIGINT)
    finish_child(child)
    assert "nobody" in doctor(used, 0)["journal holder"]["message"]


def wait_for_holder(world, child):
    """Until CHILD holds the journal: it has queued its batch then."""
    while True:
        found = json.loads(world.run("doctor", "--format", "json", status=None).out)["checks"]
        found = {row["check"]: row for row in found}
        if found.get("journal holder", {"message": ""})["message"].startswith(f"process {child.pid} "):
            return found
        assert child.poll() is None


def test_a_journal_held_by_a_stopped_process_is_found(used):
    child = used.start("job", "submit", "noop", "--duration", "60000")
    wait_for_holder(used, child)
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    bad(used, "journal holder", str(child.pid), "stopped", hint=(f"kill -CONT {child.pid}",))
    child.kill()
    finish_child(child)


def test_a_killed_holder_is_no_obstacle_and_is_named(used):
    child = used.start("job", "submit", "noop", "--duration", "60000")
    wait_for_holder(used, child)
    child.kill()
    finish_child(child)
    assert str(child.pid) in doctor(used, 0)["journal holder"]["message"]


def test_a_scheduler_that_the_configuration_does_not_lead_to_is_found(world, tmp_path):
    daemons = Daemons(world, f"ipc://{tmp_path}/s.sock")
    daemons.scheduler()
    world.configure()
    bad(world, "journal holder", "scheduler", hint=("scheduler.endpoint",))
    daemons.stop()


def test_a_scheduler_without_workers_and_one_that_is_not_there_are_found(world, tmp_path):
    daemons = Daemons(world, f"ipc://{tmp_path}/s.sock")
    scheduler = daemons.scheduler()
    bad(world, "workers", hint=("forge worker",))
    scheduler.send_signal(signal.SIGTERM)
    scheduler.wait(20)
    bad(world, "scheduler", "s.sock", hint=("forge scheduler",))


def test_a_clock_that_is_behind_the_journal_is_found(used):
    library = used.folder / "clock.so"
    source = used.folder / "clock.c"
    source.write_text("#include <sys/time.h>\n#include <time.h>\n"
                      "int gettimeofday(struct timeval *t, void *zone) {\n"
                      "  struct timespec now;\n  (void)zone;\n  clock_gettime(CLOCK_REALTIME, &now);\n"
                      "  t->tv_sec = now.tv_sec - 86400;\n  t->tv_usec = now.tv_nsec / 1000;\n  return 0;\n}\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    bad(used, "journal clock", "the last event is of", hint=("timedatectl",), env={"LD_PRELOAD": str(library)})


# ---- places ----

def in_namespace(script, *arguments):
    prefix = ["unshare", "--mount", "sh", "-c", f"mount --make-rprivate / && {script} && shift {len(arguments)} && exec \"$@\"",
              "sh", *map(str, arguments)]
    tried = subprocess.run([*prefix, "true"], capture_output=True)
    if tried.returncode != 0:
        pytest.skip("NO FILE SYSTEM CAN BE MOUNTED HERE: not tried")
    return prefix


def test_a_full_disk_is_found(used):
    journal = used.home / "journal"
    used.prefix = in_namespace('mount -t tmpfs -o size=1m tmpfs "$1"', journal)
    found = doctor(used, 1)
    assert "full" in found[f"disk of {journal}"]["message"] and "space" in found[f"disk of {journal}"]["hint"]


def test_a_home_that_is_mounted_for_reading_only_is_found(used):
    used.prefix = in_namespace('mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"', used.home)
    found = doctor(used, 1)
    assert not found["home"]["good"] and "mount" in found["home"]["hint"]


@pytest.mark.parametrize("name", ["home", "cache"])
def test_a_folder_of_somebody_else_or_open_to_all_is_found(used, name):
    folder = used.home if name == "home" else used.home / "cache"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    bad(used, name, "other users", hint=("chmod",))
    folder.chmod(0o700)
    if os.geteuid() != 0:
        pytest.skip("ONLY root CAN GIVE A FOLDER AWAY: not tried")
    os.chown(folder, 12345, -1)
    bad(used, name, "another user", hint=("user who owns it",))


def test_a_file_where_the_cache_should_be_is_found(used):
    shutil.rmtree(used.home / "cache", ignore_errors=True)
    (used.home / "cache").write_text("")
    bad(used, "cache", "no folder")


def test_a_runtime_folder_that_cannot_be_used_is_told(used, tmp_path):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    assert "too long" in doctor(used, 0, env={"XDG_RUNTIME_DIR": str(long)})["sockets"]["message"]
    with tempfile.TemporaryDirectory() as short:
        (pathlib.Path(short) / "forge").mkdir()
        (pathlib.Path(short) / "forge").chmod(0o777)
        bad(used, "sockets", "not yours alone", hint=("XDG_RUNTIME_DIR",), env={"XDG_RUNTIME_DIR": short})


def test_an_endpoint_that_is_too_long_for_a_socket_is_found(world):
    bad(world, "configuration", "too long", env={"FORGE_SCHEDULER_ENDPOINT": "ipc:///tmp/" + "x" * 120})


# ---- configuration, git, hosts ----

def test_a_bad_configuration_is_found_with_its_line(used):
    (used.home / "config.yaml").write_text("worker:\n  jobs: many\n")
    bad(used, "configuration", "config.yaml:2", "worker.jobs", hint=("config validate",))


def test_git_that_is_missing_is_found(used, tmp_path):
    (tmp_path / "empty").mkdir()
    bad(used, "git", "not installed", hint=("install git",), env={"PATH": str(tmp_path / "empty")})


def test_a_host_that_cannot_be_reached_is_found(used):
    from silent import DeadPort
    with DeadPort() as dead:
        used.hosts["dead.example.com"] = {"clone": dead.url}
        used.configure()
        bad(used, "host dead.example.com", dead.url, hint=("network",))


def test_a_token_that_is_missing_or_refused_is_found(used):
    used.hosts[HOST] |= {"token_env": "MY_TOKEN", "api": f"{used.server.url}/private"}
    used.configure()
    check = f"credentials {HOST}"
    bad(used, check, "MY_TOKEN", "not set", hint=("export",))
    row = bad(used, check, "refuses", "MY_TOKEN", hint=("new token",), env={"MY_TOKEN": "wrong-one"})
    assert "wrong-one" not in str(row)
    assert doctor(used, 0, env={"MY_TOKEN": TOKEN})[check]["good"]


# ---- workspace ----

@pytest.fixture
def work(workspace):
    workspace.crm()
    return workspace


def test_a_sound_workspace_is_found_sound(work):
    found = doctor(work, 0)
    assert {"workspace", "forge.yaml", "forge.lock", ".forge", "workspace journal"} <= set(found)


@pytest.mark.parametrize("name", ["forge.yaml", "forge.lock"])
def test_a_file_of_the_workspace_that_cannot_be_read_is_found(work, name):
    (work.root / name).write_text("components:\n  - nonsense: [\n")
    bad(work, name, name, hint=("git",))


def test_a_workspace_without_its_own_folder_is_found_and_install_makes_it(work):
    shutil.rmtree(work.root / ".forge")
    bad(work, ".forge", hint=("forge install",))
    work.run("install")
    doctor(work, 0)


def test_a_broken_repository_is_found(work):
    (work.root / ".forge/repository/HEAD").unlink()
    bad(work, ".forge", hint=("forge install",))


def test_lost_objects_are_found(work):
    objects = work.root / ".forge/repository/objects"
    shutil.rmtree(objects)
    objects.mkdir()
    bad(work, "component salesforce-lookup", hint=("copy of .forge",))


def test_a_component_that_is_locked_and_not_here_is_found(work):
    subprocess.run(["git", "-C", work.root / ".forge/repository", "update-ref", "-d",
                    "refs/forge/salesforce-lookup/base"], check=True)
    bad(work, "forge.lock", "salesforce-lookup", hint=("forge install",))


def test_a_pending_merge_is_found(work):
    work.upstreams["company/crm-tools"].commit(
        {"components/tools/salesforce-lookup/component.yaml":
         work.path("salesforce-lookup", "component.yaml").read_text().replace("timeout: 30", "timeout: 45")})
    work.edit("salesforce-lookup", "timeout: 30", "timeout: 60")
    work.run("sync", "pull", "salesforce-lookup", "--merge", status=7)
    bad(work, "component salesforce-lookup", "conflicts", hint=("forge sync resolve salesforce-lookup", "--abort"))


def test_an_interrupted_change_is_found_and_the_next_command_completes_it(work):
    staged = work.root / ".forge/apply/0123"
    staged.mkdir(parents=True)
    bad(work, "interrupted change", hint=("forge sync status",))
    work.run("sync", "status")
    doctor(work, 0)


def test_a_damaged_journal_of_the_workspace_is_found(work):
    (work.root / ".forge/journal/mark").unlink()
    bad(work, "workspace journal", hint=("journal verify",))
