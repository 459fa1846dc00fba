"""A journal on a disk that is full: a small one of its own, in a mount namespace that only these tests see."""

import json
import pathlib
import subprocess

import pytest

from world import Lines

# Too small for RocksDB to reserve a log's room beforehand: then every write asks the disk.
SIZE = "7m"


class Disk:
    """The folder JOURNAL as a file system of SIZE. Commands see it through PREFIX."""

    def __init__(self, journal):
        journal.mkdir()
        script = f'mount --make-rprivate / && mount -t tmpfs -o size={SIZE} tmpfs "$0" && echo mounted && exec cat'
        self.holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", script, journal], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.mounted = self.holder.stdout.readline() == "mounted\n"
        self.prefix = ["nsenter", "--mount", f"--target={self.holder.pid}"]
        self.filler = pathlib.Path(f"/proc/{self.holder.pid}/root{journal}") / "filler"

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass

    def make_room(self):
        self.filler.unlink()

    def close(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait(20)


@pytest.fixture
def disk(world):
    try:
        disk = Disk(world.home / "journal")
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if not disk.mounted:
        disk.close()
        pytest.skip("no file system can be mounted here")
    world.prefix = disk.prefix
    yield disk
    disk.close()


def test_a_full_disk_at_the_start_is_told_and_harms_nothing(world, disk):
    world.run("job", "submit", "noop", "--count", "3")
    before = world.events()
    disk.fill()
    for command in (("job", "submit", "noop"), ("fork", "list")):
        shown = world.run(*command, status=75)
        assert "the disk is full" in shown.err and str(world.home / "journal") in shown.err
    assert world.run("job", "submit", "noop", "--format", "json", status=75).json["error"]["code"] \
        == "JOURNAL_WRITE_FAILED"
    world.run("journal", "verify")
    disk.make_room()
    assert world.events() == before
    world.run("job", "submit", "noop")


def test_a_disk_that_fills_meanwhile_ends_the_command_and_loses_nothing_acknowledged(world, disk):
    running = world.start("job", "submit", "noop", "--count", "3000", "--duration", "5", "--format", "jsonl")
    out, err = Lines(running.stdout), Lines(running.stderr)
    out.wait_for(lambda line: "job_succeeded" in line)
    # What RocksDB gives back while it is opened again is taken from it, too.
    while running.poll() is None:
        disk.fill()
    assert running.returncode == 75
    err.wait_for(lambda line: "No space left on device" in line)
    error = json.loads(out.wait_for(lambda line: line.startswith('{"error"')))["error"]
    assert error["code"] == "JOURNAL_WRITE_FAILED" and error["hint"]
    assert "No space left on device" in error["message"] or "the disk is full" in error["message"]
    world.run("journal", "verify")
    disk.make_room()
    world.run("journal", "verify")
    events = world.events()
    shown = [json.loads(line) for line in out.seen if line.startswith('{"seq"')]
    assert shown and [event for event in shown if event != events[event["seq"] - 1]] == []
    batch = world.run("batch", "list", "--format", "json").json["batches"][0]["batch"]
    world.run("batch", "tail", batch, "--follow", "--quiet")
    assert world.run("batch", "show", batch, "--format", "json").json["counts"]["done"] == 3000


def test_no_part_of_a_backup_or_journal_is_left_on_a_disk_without_room(world, disk, tmp_path):
    world.run("job", "submit", "noop", "--count", "3")
    world.run("journal", "backup", tmp_path / "b")
    before = world.run("journal", "verify", "--format", "json").json
    inside = world.home / "journal"
    seen = sorted(disk.filler.parent.iterdir())
    disk.fill()
    for command in (("backup", inside / "b"), ("restore", tmp_path / "b", inside / "there")):
        shown = world.run("journal", *command, status=75)
        assert "No space left on device" in shown.err or "the disk is full" in shown.err
        assert sorted(disk.filler.parent.iterdir()) == sorted([*seen, disk.filler])
    assert world.run("journal", "compact", "--keep", "0", "--format", "json", status=75).json["error"]["code"] \
        == "JOURNAL_WRITE_FAILED"
    disk.make_room()
    assert world.run("journal", "verify", "--format", "json").json == before
    world.run("journal", "restore", tmp_path / "b", inside / "there")
