"""What is printed: the lines people read and the documents programs read."""

import json
import os
import pty
import re
import subprocess

import yaml

from world import FORGE

TOP = {"batch", "total", "succeeded", "conflicts", "failed", "skipped", "cancelled", "seconds", "forks"}
ENTRY = {"name", "branch", "status", "behind", "ahead", "before", "after", "backup", "conflicts", "error"}


def test_the_three_lines_of_the_tour_are_as_they_are_written(three):
    lines = three.run("fork", "sync", "--all", status=7).lines
    for line in ("✓ my-crm-tools: up to date", "✓ my-sales-tools: 2 commits behind, merged",
                 "✗ my-prompt-tools: merge conflict, manual resolution required"):
        assert line in lines


def test_fast_forward_and_one_commit_behind_have_their_words(world):
    world.one(behind=1)
    assert "✓ mine: 1 commit behind, fast-forwarded" in world.run("fork", "sync", "mine").lines


def test_the_document_of_a_sync_has_exactly_these_keys_and_types(three):
    document = three.sync(status=7)
    assert set(document) == TOP
    assert (document["total"], document["succeeded"], document["conflicts"], document["failed"],
            document["skipped"]) == (3, 2, 1, 0, 0)
    assert isinstance(document["seconds"], float) and len(document["batch"]) == 26
    for entry in document["forks"]:
        assert set(entry) == ENTRY
        assert all(len(entry[key]) == 40 for key in ("before", "after"))
        assert isinstance(entry["behind"], int) and isinstance(entry["ahead"], int)
    by_name = {entry["name"]: entry for entry in document["forks"]}
    conflict = by_name["my-prompt-tools"]
    assert conflict["conflicts"][0]["path"] == "schema.json" and set(conflict["conflicts"][0]) == {"path", "type"}
    assert set(conflict["error"]) == {"code", "message", "hint"} and conflict["error"]["code"] == "SYNC_CONFLICT"
    assert by_name["my-crm-tools"]["error"] is None and by_name["my-crm-tools"]["conflicts"] == []


def test_yaml_says_the_same_as_json(three):
    three.sync(status=7)
    first = three.sync("my-crm-tools")
    second = yaml.safe_load(three.run("fork", "sync", "my-crm-tools", "--format", "yaml").out)
    assert set(second) == TOP and second["forks"] == first["forks"]


def test_json_lines_are_one_event_a_line(three):
    out = three.run("fork", "sync", "--all", "--format", "jsonl", status=7).out
    assert all(isinstance(json.loads(line), dict) for line in out.splitlines())


def test_off_a_terminal_there_are_no_escapes_and_no_progress_bar(three):
    result = three.run("fork", "sync", "--all", status=7)
    assert "\x1b" not in result.out + result.err and "\r" not in result.out + result.err


def test_on_a_terminal_progress_is_drawn_and_the_lines_stay(three):
    status, drawn = on_terminal(three, "fork", "sync", "--all")
    assert status == 7 and ("\r" in drawn.replace("\r\n", "\n") or "\x1b[" in drawn)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    assert "✓ my-sales-tools: 2 commits behind, merged" in re.split(r"[\r\n]+", plain)


def test_no_color_and_the_variable_of_that_name_turn_colours_off(three):
    colour = re.compile(r"\x1b\[[0-9;]*m")
    assert colour.search(on_terminal(three, "fork", "sync", "my-crm-tools")[1])
    assert not colour.search(on_terminal(three, "fork", "sync", "my-crm-tools", "--no-color")[1])
    assert not colour.search(on_terminal(three, "fork", "sync", "my-crm-tools", env={"NO_COLOR": "1"})[1])


def on_terminal(world, *arguments, env=None):
    """Runs forge on a terminal of its own. Returns (exit status, everything drawn)."""
    outside, inside = pty.openpty()
    child = subprocess.Popen([FORGE, *arguments], stdin=inside, stdout=inside, stderr=inside,
                             env={**world.env, "TERM": "xterm-256color", **(env or {})})
    os.close(inside)
    drawn = b""
    try:
        while piece := os.read(outside, 65536):
            drawn += piece
    except OSError:
        pass  # how Linux says that the last holder of the terminal is gone
    os.close(outside)
    return child.wait(60), drawn.decode()


def test_quiet_says_nothing_about_what_went_well(three):
    assert three.run("fork", "sync", "my-crm-tools", "--quiet").err == ""


def test_one_fork_that_fails_exits_with_the_status_of_its_reason(world):
    fork = world.one(behind=1)
    world.path(fork.upstream).rename(world.folder / "gone.git")
    world.run("fork", "sync", "mine", status=8)
    world.run("fork", "sync", "--all", status=1)


def test_of_a_batch_any_conflict_is_7_else_any_failure_1(three):
    three.run("fork", "sync", "my-crm-tools", "my-sales-tools", status=0)
    three.path("myuser/crm-tools").rename(three.folder / "gone.git")
    three.run("fork", "sync", "--all", status=7)
    three.run("fork", "sync", "my-crm-tools", "my-sales-tools", status=1)


def test_the_list_tells_how_the_last_sync_ended(three):
    three.sync(status=7)
    listed = {fork["name"]: fork for fork in three.run("fork", "list", "--format", "json").json["forks"]}
    assert listed["my-sales-tools"]["last"][0]["status"] == "merged"
    assert listed["my-prompt-tools"]["last"][0]["status"] == "conflict"
    assert "conflict" in three.run("fork", "list").out


def test_a_sync_of_nothing_is_empty_and_no_error(world):
    document = world.sync()
    assert document["total"] == 0 and document["forks"] == []
