"""forge config get and set."""

import subprocess

import process
import pytest
from world import FORGE

WRITTEN = """\
# our forge
git: {username: Jane Doe, email: jane@example.com}   # who

worker:
  # machines are small
  jobs: 3

hosts:
  git.example.com:
    clone: https://git.example.com
"""


@pytest.fixture
def file(world):
    place = world.home / "config.yaml"
    place.write_text(WRITTEN)
    return place


@pytest.mark.parametrize("key, value, old, new", [
    ("worker.jobs", "5", "  jobs: 3\n", "  jobs: 5\n"),
    ("git.email", "j@example.org", "email: jane@example.com}", "email: j@example.org}"),
    ("hosts.git.example.com.clone", "file:///srv/git", "clone: https://git.example.com", "clone: file:///srv/git"),
    ("worker.cache_size", "5GB", "  jobs: 3\n", "  jobs: 3\n  cache_size: 5GB\n"),
])
def test_a_value_is_set_in_place_and_everything_else_stays(world, file, key, value, old, new):
    world.run("config", "set", key, value)
    assert file.read_text() == WRITTEN.replace(old, new)
    assert world.run("config", "get", key).out.strip() == value


def test_a_section_a_host_and_a_file_that_are_not_there_are_made(world, tmp_path):
    world.env["FORGE_HOME"] = str(tmp_path / "new home")
    world.run("config", "set", "network.connect", "3s")
    world.run("config", "set", "hosts.ghe.example.com.clone", "https://ghe.example.com")
    world.run("config", "set", "sync.create_fork_if_no_access", "true")
    shown = world.run("config", "show", "--format", "json").json
    assert shown["network"]["connect"] == "3s" and shown["sync"]["create_fork_if_no_access"] is True
    assert shown["hosts"]["ghe.example.com"]["clone"] == "https://ghe.example.com"
    assert (tmp_path / "new home/config.yaml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("key, value, status, words", [
    ("worker.jobs", "many", 3, ["worker.jobs"]),
    ("worker.jobs", "0", 3, ["worker.jobs", "config.yaml:6", "from 1 to 256"]),
    ("log_level", "loud", 3, ["log_level", "error, warning, info, debug"]),
    ("scheduler.endpoint", "tcp://forge.example.com:7700", 3, ["scheduler.server_key"]),
    ("worker.jbos", "3", 8, ["worker.jbos", "worker.jobs"]),
    ("hosts", "x", 8, ["hosts"]),
    ("hosts.git.example.com.klone", "x", 8, ["clone"]),
    ("hosts.git.example.com.token_env", "ghp_0123456789abcdefghijABCDEFGHIJ456789", 10, ["token_env"]),
    ("hosts.git.example.com.clone", "https://me:hunter2secret@git.example.com", 10, ["token_env"]),
    ("git.username", "ghp_0123456789abcdefghijABCDEFGHIJ456789", 10, ["token_env"]),
])
def test_what_is_wrong_changes_nothing_and_secrets_are_not_repeated(world, file, key, value, status, words):
    result = world.run("config", "set", key, value, status=status)
    assert file.read_text() == WRITTEN and all(word in result.err for word in words)
    assert ".new" not in result.err and "ghp_" not in str(result) and "hunter2" not in str(result)
    assert [path.name for path in world.home.iterdir() if path.name.startswith("config")] == ["config.yaml"]


def test_a_broken_file_is_not_made_worse_but_may_be_put_right(world, file):
    file.write_text(WRITTEN.replace("jobs: 3", "jobs: lots"))
    world.run("config", "set", "log_level", "debug", status=3)
    assert "debug" not in file.read_text()
    world.run("config", "set", "worker.jobs", "3")
    assert file.read_text() == WRITTEN


def test_a_symlink_stays_one_and_permissions_stay(world, file, tmp_path):
    real = tmp_path / "dotfiles.yaml"
    file.rename(real)
    real.chmod(0o640)
    file.symlink_to(real)
    world.run("config", "set", "worker.jobs", "5")
    assert file.is_symlink() and "jobs: 5" in real.read_text() and real.stat().st_mode & 0o777 == 0o640


def test_get_says_what_is_in_force_and_where_from(world, file):
    assert world.run("config", "get", "worker.jobs").out == "3\n"
    assert world.run("config", "get", "log_level").out == "info\n"
    assert world.run("config", "get", "hosts.git.example.com.clone").out == "https://git.example.com\n"
    row = world.run("config", "get", "worker.jobs", "--format", "json", env={"FORGE_WORKER_JOBS": "7"}).json
    assert row == {"key": "worker.jobs", "value": "7", "source": "environment FORGE_WORKER_JOBS"}


def test_get_tells_unset_from_unknown(world, file):
    assert world.run("config", "get", "scheduler.endpoint", status=1).out == ""
    assert world.run("config", "get", "hosts.nowhere.example.com.clone", "--format", "json", status=1).json["value"] is None
    assert "worker.jobs" in world.run("config", "get", "worker.job", status=8).err


def test_set_says_if_the_environment_beats_the_file(world, file):
    result = world.run("config", "set", "worker.jobs", "5", env={"FORGE_WORKER_JOBS": "7"})
    assert "FORGE_WORKER_JOBS" in result.err


def test_many_at_once_lose_nothing(world, file):
    keys = {"network.connect": "4s", "network.request": "4m", "network.low_speed": "44s", "sync.max_file": "4MB",
            "worker.jobs": "4", "log_level": "debug", "worker.cache_size": "4GB", "network.max_pack": "4MiB"}
    children = [process.start([FORGE, "config", "set", key, value], env=world.env, stdout=subprocess.DEVNULL)
                for key, value in keys.items()]
    assert [child.wait(30) for child in children] == [0] * len(keys)
    assert {key: world.run("config", "get", key).out.strip() for key in keys} == keys


def test_a_disk_that_is_full_changes_nothing(world, file):
    world.prefix = ["prlimit", "--fsize=10"]
    result = world.run("config", "set", "worker.jobs", "5", status=None)
    world.prefix = []
    assert result.status != 0 and file.read_text() == WRITTEN
    world.run("config", "set", "worker.jobs", "5")
