"""forge dev: local changes of a component, looked at, kept and taken back."""

import json
import subprocess

import pytest

from local_changes import CONFIG, NAME, crm, edits, fsck, log, stashes, text  # noqa: F401
from workspace import SCHEMA, tool
from world import kill


# ---- diff ----


def test_a_diff_by_field(crm):
    assert crm.run("dev", "diff", NAME).out == "No local changes\n"
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    assert crm.run("dev", "diff", NAME).out == "Modified: config.timeout (30 → 60)\n"


def test_a_diff_of_every_kind_of_file(workspace):
    more = {"notes.md": "one\ntwo\nthree\n", "gone.txt": "bye\n", "data.bin": b"\0\1\2", "run.sh": "#!/bin/sh\n"}
    workspace.crm(more=more)
    place = workspace.path(NAME)
    (place / "notes.md").write_text("one\n2\nthree\n")
    (place / "gone.txt").unlink()
    (place / "data.bin").write_bytes(b"\0\1\2\3")
    (place / "run.sh").chmod(0o755)
    (place / "new\x1b[31m.txt").write_text("hello\n")
    schema = json.loads(json.dumps(SCHEMA))
    schema["properties"]["config"]["properties"]["page_size"] = {"type": "integer"}
    (place / "schema.json").write_text(json.dumps(schema, indent=2) + "\n")
    out = workspace.run("dev", "diff", NAME).out
    assert "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n" in out
    assert "Deleted: gone.txt (1 line)\n" in out
    assert "Modified: data.bin: binary files differ (3 → 4 bytes)" in out
    assert "Modified: run.sh: now executable" in out
    assert "Modified: schema.json: added " in out and "page_size" in out
    assert "\x1b" not in out
    rows = workspace.run("dev", "diff", NAME, "--format", "json").json["changes"]
    assert {row["file"] for row in rows} == {"notes.md", "gone.txt", "data.bin", "run.sh", "new\x1b[31m.txt",
                                             "schema.json"}


def test_a_diff_of_layout_alone_shows_the_lines(crm):
    crm.edit(NAME, "# seconds", "# in seconds")
    out = crm.run("dev", "diff", NAME).out
    assert "only layout or comments changed" in out and "-  # seconds\n+  # in seconds\n" in out


# ---- checkpoints and the log ----


def test_checkpoints_are_in_the_log_above_the_base(crm):
    base = crm.upstreams["company/crm-tools"].tip()
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "checkpoint", NAME, "-m", "Longer")
    crm.run("dev", "edit", NAME, *CONFIG, "90")
    crm.run("dev", "checkpoint", NAME, "-m", "Longest")
    shown = log(crm)
    assert [(entry["kind"], entry["subject"]) for entry in shown[:2]] == [
        ("checkpoint", "Longest"), ("checkpoint", "Longer")]
    assert shown[2]["kind"] == "base" and shown[2]["upstream_commit"] == base
    people = crm.run("dev", "log", NAME).out
    assert base[:7] in people and shown[0]["id"][:7] in people
    assert len(crm.run("dev", "log", NAME, "-n", "1", "--format", "json").json["log"]) == 1
    fsck(crm)


def test_the_log_can_tell_of_edits(crm):
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "checkpoint", NAME, "-m", "Longer")
    crm.run("dev", "revert", NAME, "--field", "config.timeout")
    crm.run("dev", "stash", NAME)
    rows = crm.run("dev", "log", NAME, "--edits", "--format", "json").json["log"]
    assert [(row["kind"], row["subject"]) for row in rows[:4]] == [
        ("stash", ""), ("revert", "config.timeout"), ("checkpoint", "Longer"), ("edit", "config.timeout")]
    assert rows[4]["kind"] == "base" and len(rows) == 5
    assert len(crm.run("dev", "log", NAME, "--edits", "-n", "2", "--format", "json").json["log"]) == 2


def test_nothing_to_checkpoint(crm):
    assert "nothing to checkpoint" in crm.run("dev", "checkpoint", NAME, "-m", "x").out
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "checkpoint", NAME, "-m", "x")
    assert "nothing to checkpoint" in crm.run("dev", "checkpoint", NAME, "-m", "x").out
    assert len(log(crm)) == 2


@pytest.mark.parametrize("arguments", [(), ("-m", "")])
def test_a_checkpoint_needs_a_message(crm, arguments):
    crm.run("dev", "checkpoint", NAME, *arguments, status=2)


def test_earlier_bases_stay_in_the_log(crm):
    upstream = crm.upstreams["company/crm-tools"]
    first = upstream.tip()
    second = upstream.commit(tool(NAME, "2.2.0"), message="Second")
    crm.run("sync", "pull", NAME)
    assert [(entry["kind"], entry["upstream_commit"]) for entry in log(crm)] == [
        ("base", second), ("earlier", first)]


def test_a_message_from_outside_does_not_drive_the_terminal(crm):
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "checkpoint", NAME, "-m", "red \x1b[31m")
    assert "\x1b" not in crm.run("dev", "log", NAME).out


# ---- validate ----


def test_validate_lists_all_that_is_wrong(crm):
    assert crm.run("dev", "validate", NAME).out == f"✓ {NAME}: valid\n"
    crm.edit(NAME, "  version: 2.1.3\n", "  version: two\n")
    crm.edit(NAME, "timeout: 30", "timeout: soon")
    crm.edit(NAME, "kind: Tool", "kind: Spoon")
    document = crm.run("dev", "validate", NAME, "--format", "json", status=6).json
    problems = "\n".join(document["components"][0]["problems"])
    assert "metadata.version" in problems and "config.timeout" in problems and "kind" in problems
    assert len(crm.run("dev", "validate", "--all", status=6).out.splitlines()) == 3


@pytest.mark.parametrize("schema", ["{", "[]", '{"type": "nothing"}', '{"$ref": "http://example.com/x"}',
                                    "[" * 5000, '{"pattern": "("}'])
def test_a_schema_that_is_none_is_told(crm, schema):
    crm.path(NAME, "schema.json").write_text(schema)
    shown = crm.run("dev", "validate", NAME, status=6)
    assert f"✗ {NAME}: schema.json" in shown.out


@pytest.mark.parametrize("manifest_text", ["", "\0", "- a\n", "a: &a [*a]\n", "a: 1\na: 2\n", "[" * 5000, "é: \xff"])
def test_a_hostile_component_file_is_told(crm, manifest_text):
    crm.path(NAME, "component.yaml").write_bytes(manifest_text.encode("latin-1"))
    crm.run("dev", "validate", NAME, status=6)
    crm.run("dev", "edit", NAME, *CONFIG, "1", status=6)
    crm.run("dev", "diff", NAME)


def test_a_component_file_that_is_gone_is_told(crm):
    crm.path(NAME, "component.yaml").unlink()
    assert "component.yaml: is missing" in crm.run("dev", "validate", NAME, status=6).out


def test_validate_takes_names_or_all(crm):
    crm.run("dev", "validate", NAME, "--all", status=2)


# ---- revert ----


def test_the_whole_component_goes_back_and_is_kept(crm):
    before = crm.files(NAME)
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "checkpoint", NAME, "-m", "Longer")
    crm.path(NAME, "notes.md").write_text("hello\n")
    changed = crm.files(NAME)
    assert "forge dev stash pop" in crm.run("dev", "revert", NAME).out
    assert crm.files(NAME) == before
    assert [entry["kind"] for entry in log(crm)] == ["base"]
    assert crm.one()["status"] == "synced"
    crm.run("dev", "stash", "pop", NAME)
    assert crm.files(NAME) == changed
    fsck(crm)


def test_nothing_to_revert(crm):
    document = crm.run("dev", "revert", NAME, "--format", "json").json
    assert document["changed"] is False
    assert "nothing to revert" in crm.run("dev", "revert", NAME, "--field", "config.timeout").out
    assert "nothing to revert" in crm.run("dev", "revert", NAME, "--file", "schema.json").out
    assert stashes(crm) == []


def test_a_field_goes_back_in_place(crm):
    before = text(crm)
    crm.edit(NAME, "timeout: 30", "timeout: 60 # longer")
    crm.edit(NAME, "retry_count: 3", "retry_count: 5")
    crm.run("dev", "revert", NAME, "--field", "config.timeout")
    assert "retry_count: 5" in text(crm) and "timeout: 30" in text(crm)
    crm.run("dev", "edit", NAME, "--field", "config.region", "--value", "eu")
    crm.run("dev", "revert", NAME, "--field", "config.region")
    assert "region" not in text(crm)
    crm.run("dev", "edit", NAME, "--field", "config.retry_count", "--value", "3")
    assert text(crm).replace(" # longer", "") == before


def test_a_field_that_is_nowhere_cannot_go_back(crm):
    crm.run("dev", "revert", NAME, "--field", "config.nothing", status=6)


def test_one_file_goes_back(crm):
    before = crm.files(NAME)
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.path(NAME, "deep").mkdir()
    crm.path(NAME, "deep", "new.md").write_text("hello\n")
    crm.path(NAME, "schema.json").unlink()
    crm.run("dev", "revert", NAME, "--file", "schema.json")
    crm.run("dev", "revert", NAME, "--file", "deep/new.md")
    assert "timeout: 60" in text(crm)
    crm.run("dev", "revert", NAME, "--file", "component.yaml")
    assert crm.files(NAME) == before and not crm.path(NAME, "deep").exists()
    assert len(stashes(crm)) == 3
    fsck(crm)


def test_back_to_a_checkpoint_and_to_the_base(crm):
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "checkpoint", NAME, "-m", "One")
    one = log(crm)[0]["id"]
    crm.run("dev", "edit", NAME, *CONFIG, "90")
    crm.run("dev", "checkpoint", NAME, "-m", "Two")
    crm.run("dev", "revert", NAME, "--to", one[:8])
    assert "timeout: 60" in text(crm) and [entry["subject"] for entry in log(crm)][0] == "One"
    assert len(stashes(crm)) == 1
    crm.run("dev", "stash", "pop", NAME)
    assert "timeout: 90" in text(crm)
    crm.run("dev", "revert", NAME, "--to", crm.upstreams["company/crm-tools"].tip()[:10])
    assert "timeout: 30" in text(crm) and len(log(crm)) == 1


@pytest.mark.parametrize("commit", ["deadbeef", "", "12", "zzzz", "a" * 100])
def test_a_checkpoint_that_is_none(crm, commit):
    shown = crm.run("dev", "revert", NAME, "--to", commit, "--format", "json", status=8)
    assert shown.json["error"]["code"] == "CHECKPOINT_NOT_FOUND"


def test_revert_takes_one_place(crm):
    crm.run("dev", "revert", NAME, "--field", "a", "--file", "b", status=2)
    crm.run("dev", "revert", NAME, "--path", "b", status=2)


# ---- stash ----


def test_a_stash_is_put_aside_listed_and_taken_back(crm):
    before = crm.files(NAME)
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    changed = crm.files(NAME)
    crm.run("dev", "stash", NAME, "-m", "For later")
    assert crm.files(NAME) == before and crm.one()["status"] == "synced"
    listed = stashes(crm)
    assert [(stash["number"], stash["subject"]) for stash in listed] == [(1, "For later")]
    assert "component.yaml" in crm.run("dev", "stash", "list").out
    crm.run("dev", "stash", "pop", NAME)
    assert crm.files(NAME) == changed and stashes(crm) == []


def test_nothing_to_stash_and_nothing_stashed(crm):
    assert "nothing to stash" in crm.run("dev", "stash", NAME).out
    for command in ("pop", "drop"):
        shown = crm.run("dev", "stash", command, NAME, "--format", "json", status=8)
        assert shown.json["error"]["code"] == "STASH_NOT_FOUND"
        crm.run("dev", "stash", command, NAME, "7", status=8)
        crm.run("dev", "stash", command, NAME, "newest", status=2)


def test_a_stash_is_taken_back_onto_other_changes(crm):
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "stash", NAME)
    crm.run("dev", "edit", NAME, "--field", "config.retry_count", "--value", "9")
    crm.run("dev", "stash", "pop", NAME)
    assert "timeout: 60" in text(crm) and "retry_count: 9" in text(crm)


def test_a_stash_that_conflicts_is_kept_and_the_files_untouched(crm):
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "stash", NAME)
    crm.run("dev", "edit", NAME, *CONFIG, "90")
    before = crm.files(NAME)
    shown = crm.run("dev", "stash", "pop", NAME, status=7)
    assert "config.timeout" in shown.err and "kept" in shown.err
    assert crm.files(NAME) == before and len(stashes(crm)) == 1
    crm.run("dev", "revert", NAME)
    crm.run("dev", "stash", "pop", NAME, "1")
    assert "timeout: 60" in text(crm)


def test_a_stash_on_a_checkpoint_goes_back_to_it(crm):
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "checkpoint", NAME, "-m", "One")
    crm.run("dev", "edit", NAME, *CONFIG, "90")
    crm.run("dev", "stash", NAME)
    assert "timeout: 60" in text(crm)
    crm.run("dev", "stash", "pop", NAME)
    assert "timeout: 90" in text(crm)


def test_what_a_pull_stashed_comes_back_onto_the_new_version(crm):
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.run("dev", "checkpoint", NAME, "-m", "One")
    crm.path(NAME, "notes.md").write_text("hello\n")
    crm.upstreams["company/crm-tools"].commit(tool(NAME, "2.2.0"))
    crm.run("sync", "pull", NAME, "--stash")
    assert "version: 2.2.0" in text(crm) and "timeout: 30" in text(crm)
    crm.run("dev", "stash", "pop", NAME)
    assert "version: 2.2.0" in text(crm) and "timeout: 60" in text(crm)
    assert text(crm, "notes.md") == "hello\n"
    assert crm.one()["status"] == "modified"


def test_stashes_are_numbered_and_dropped_one_by_one(crm):
    for value in ("40", "50", "60"):
        crm.run("dev", "edit", NAME, *CONFIG, value)
        crm.run("dev", "stash", NAME, "-m", value)
    crm.run("dev", "stash", "drop", NAME, "2")
    assert [stash["subject"] for stash in stashes(crm)] == ["60", "40"]
    crm.run("dev", "stash", "drop", NAME)
    assert [stash["subject"] for stash in stashes(crm)] == ["40"]
    crm.run("dev", "stash", "pop", NAME, "1")
    assert "timeout: 40" in text(crm)


def test_a_component_may_have_a_commands_name(workspace):
    workspace.upstream("company/odd", tool("list"))
    workspace.init()
    workspace.run("install", "github.com/company/odd/list")
    workspace.run("dev", "edit", "list", *CONFIG, "60")
    workspace.run("dev", "stash", "--", "list")
    workspace.run("dev", "stash", "pop", "list")
    assert "timeout: 60" in workspace.path("list", "component.yaml").read_text()


# ---- with a pending merge ----


def test_while_a_merge_waits_only_edits_are_taken(crm):
    crm.run("dev", "edit", NAME, *CONFIG, "60")
    crm.upstreams["company/crm-tools"].commit(tool(NAME, "2.1.3", timeout=45))
    crm.run("sync", "pull", NAME, "--merge", status=7)
    before = crm.files(NAME)
    for command in (("revert",), ("stash",), ("checkpoint", "-m", "x")):
        shown = crm.run("dev", command[0], NAME, *command[1:], status=7)
        assert "sync resolve" in shown.err
    assert crm.files(NAME) == before and crm.one()["status"] == "conflict"
    crm.run("dev", "edit", NAME, "--field", "config.retry_count", "--value", "9")
    assert crm.one()["status"] == "conflict"


# ---- killed ----


@pytest.mark.parametrize("command", [("edit", *CONFIG, "60"), ("stash",), ("revert",), ("checkpoint", "-m", "kept")])
def test_a_killed_command_leaves_all_or_nothing_and_the_next_goes_on(crm, command):
    crm.path(NAME, "notes.md").write_text("hello\n")
    changed = crm.files(NAME)
    base = crm.upstreams["company/crm-tools"].tree("HEAD", f"components/tools/{NAME}")
    for wait in (0.01, 0.03, 0.05, 0.07, 0.09, 0.12):
        child = crm.start("dev", command[0], NAME, *command[1:])
        try:
            child.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            kill(child)
    crm.run("dev", command[0], NAME, *command[1:])
    fsck(crm)
    if command[0] == "edit":
        assert "timeout: 60" in text(crm) and text(crm, "notes.md") == "hello\n"
        assert stashes(crm) == []
    elif command[0] == "checkpoint":
        assert crm.files(NAME) == changed
        assert [entry["subject"] for entry in log(crm) if entry["kind"] == "checkpoint"] == ["kept"]
    else:
        assert crm.tree(NAME) == base
        assert len(stashes(crm)) == 1
        crm.run("dev", "stash", "pop", NAME)
        assert crm.files(NAME) == changed
