"""forge dev: local changes of a component, made, looked at, kept and taken back."""

import json
import os
import pty
import stat
import subprocess

import pytest

from workspace import SCHEMA, tool
from world import kill

NAME = "salesforce-lookup"
CONFIG = ("--field", "config.timeout", "--value")


@pytest.fixture
def crm(workspace):
    workspace.crm()
    return workspace


def text(workspace, file="component.yaml"):
    return workspace.path(NAME, file).read_text()


def stashes(workspace):
    return workspace.run("dev", "stash", "list", NAME, "--format", "json").json["stashes"]


def log(workspace):
    return workspace.run("dev", "log", NAME, "--format", "json").json["log"]


def events(workspace):
    """Every line of the workspace's own journal."""
    return workspace.run("journal", "export", env={"FORGE_JOURNAL": f"rocksdb:{workspace.root}/.forge/journal"}).out


def edits(workspace):
    rows = [json.loads(line) for line in events(workspace).splitlines()]
    return [row["data"] for row in rows if row["type"] == "component_edited"]


def editor(workspace, script):
    """The environment of an editor that is this shell script; the file is $1."""
    place = workspace.folder / "editor.sh"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return {"EDITOR": str(place), "VISUAL": ""}


def fsck(workspace):
    subprocess.run(["git", "-C", workspace.root / ".forge" / "repository", "fsck", "--strict", "--no-dangling"],
                   check=True, capture_output=True)


# ---- edit --field ----


def test_a_field_is_set_in_place(crm):
    before = text(crm)
    shown = crm.run("dev", "edit", NAME, *CONFIG, "60")
    assert shown.out == f"✓ {NAME}: config.timeout (30 → 60)\n"
    assert text(crm) == before.replace("timeout: 30", "timeout: 60")
    assert crm.one()["status"] == "modified"


def test_an_edit_for_machines(crm):
    document = crm.run("dev", "edit", NAME, *CONFIG, "60", "--format", "json").json
    assert document["component"] == NAME and document["changed"] is True
    assert document["changes"] == [{"file": "component.yaml", "path": "config.timeout", "old": 30, "new": 60}]
    assert document["after"] == crm.tree(NAME) != document["before"]


def test_a_value_that_is_there_already_changes_nothing(crm):
    before = crm.files(NAME)
    document = crm.run("dev", "edit", NAME, *CONFIG, "30", "--format", "json").json
    assert document["changed"] is False and document["changes"] == []
    assert "already" in crm.run("dev", "edit", NAME, *CONFIG, "30").out
    assert crm.files(NAME) == before


def test_a_new_field_is_added(crm):
    assert "added config.region (eu)" in crm.run("dev", "edit", NAME, "--field", "config.region", "--value", "eu").out
    assert "  region: eu\n" in text(crm)


def test_another_file_can_be_named(crm):
    path = "properties.config.properties.timeout.maximum"
    crm.run("dev", "edit", NAME, "--path", "schema.json", "--field", path, "--value", "120")
    schema = json.loads(text(crm, "schema.json"))
    assert schema["properties"]["config"]["properties"]["timeout"] == {"type": "integer", "maximum": 120}


@pytest.mark.parametrize("field, value, extra", [
    ("config.timeout", "soon", ()),                            # not of the type that is there
    ("config.timeout", "soon", ("--type", "string")),          # not what the schema wants
    ("metadata.version", "two", ()),                           # no version
    ("metadata.name", "No Name", ()),
    ("config", "[]", ("--type", "json")),
    ("config.timeout.deep", "1", ()),                          # leads through a number
    ("config..timeout", "1", ()),
    ("config.timeout", "1", ("--type", "minutes")),
    ("apiVersion", "forge.dev/v9", ()),
])
def test_a_value_that_does_not_fit_is_refused_and_the_file_untouched(crm, field, value, extra):
    before = crm.files(NAME)
    shown = crm.run("dev", "edit", NAME, "--field", field, "--value", value, *extra, "--format", "json", status=6)
    assert shown.json["error"]["code"] == "VALIDATION_FAILED"
    assert crm.files(NAME) == before and not edits(crm)


def test_an_edit_that_breaks_the_schema_for_its_config_is_refused(crm):
    path = "properties.config.properties.timeout.maximum"
    crm.run("dev", "edit", NAME, "--path", "schema.json", "--field", path, "--value", "20", status=6)
    assert json.loads(text(crm, "schema.json")) == SCHEMA


def test_a_broken_component_can_be_mended_field_by_field(crm):
    crm.edit(NAME, "  version: 2.1.3\n", "")
    crm.edit(NAME, "timeout: 30", "timeout: soon")
    crm.run("dev", "edit", NAME, "--field", "metadata.version", "--value", "2.1.4", "--type", "string")
    crm.run("dev", "edit", NAME, *CONFIG, "60", "--type", "integer")
    crm.run("dev", "validate", NAME)


def test_typed_values_are_in_no_event_and_no_error(crm):
    secret = "s3cr3t-of-mine"
    crm.run("dev", "edit", NAME, "--field", "config.token", "--value", secret)
    refused = crm.run("dev", "edit", NAME, "--field", "metadata.version", "--value", secret, status=6)
    assert secret not in refused.err
    assert secret not in events(crm)
    assert edits(crm)[0]["note"] == "config.token"


def test_a_file_that_is_no_document_has_no_fields(crm):
    crm.path(NAME, "notes.md").write_text("hello\n")
    shown = crm.run("dev", "edit", NAME, "--path", "notes.md", "--field", "a", "--value", "1", status=6)
    assert "no .yaml, .yml or .json" in shown.err


@pytest.mark.parametrize("file", ["schema.jsn", "../../../forge.yaml", "/etc/passwd", ".", "", "components"])
def test_a_file_that_is_not_the_components_is_not_found(crm, file):
    shown = crm.run("dev", "edit", NAME, "--path", file, "--field", "a", "--value", "1", status=None)
    assert shown.status in (6, 8), shown
    shown = crm.run("dev", "revert", NAME, "--file", file, "--format", "json", status=8)
    assert shown.json["error"]["code"] == "FILE_NOT_FOUND"


def test_a_misspelled_file_has_a_suggestion(crm):
    shown = crm.run("dev", "edit", NAME, "--path", "schma.json", "--field", "a", "--value", "1", status=8)
    assert "did you mean 'schema.json'?" in shown.err


def test_a_link_is_never_edited(crm):
    outside = crm.folder / "outside.yaml"
    outside.write_text("a: 1\n")
    crm.path(NAME, "link.yaml").symlink_to("component.yaml")
    crm.path(NAME, "away.yaml").symlink_to(outside)
    for file in ("link.yaml", "away.yaml"):
        crm.run("dev", "edit", NAME, "--path", file, "--field", "a", "--value", "2", status=8)
    assert outside.read_text() == "a: 1\n"


@pytest.mark.parametrize("arguments", [
    (), ("--field", "a"), ("--value", "1"), ("--field", "a", "--file"), ("--file", "--value", "1"),
    ("--file", "--type", "string"), ("--field", "a", "--value", "1", "--file")])
def test_an_edit_says_what_it_is(crm, arguments):
    crm.run("dev", "edit", NAME, *arguments, status=2)


@pytest.mark.parametrize("command", [
    ("edit", *CONFIG, "1"), ("diff",), ("log",), ("validate",), ("revert",), ("stash",), ("checkpoint", "-m", "x")])
def test_unknown_components_have_a_suggestion(crm, command):
    shown = crm.run("dev", command[0], "salesforce-lokup", *command[1:], status=8)
    assert f"did you mean '{NAME}'?" in shown.err
    assert crm.run("dev", command[0], "salesforce-lokup", *command[1:], "--format", "json",
                   status=8).json["error"]["code"] == "COMPONENT_NOT_FOUND"


def test_a_component_without_its_folder_can_only_be_brought_back(crm):
    subprocess.run(["rm", "-r", crm.path(NAME)], check=True)
    crm.run("dev", "edit", NAME, *CONFIG, "60", status=8)
    assert "Deleted: component.yaml" in crm.run("dev", "diff", NAME).out
    crm.run("dev", "validate", NAME, status=6)
    crm.run("dev", "checkpoint", NAME, "-m", "Nothing", status=None)
    crm.run("dev", "revert", NAME)
    assert crm.run("dev", "diff", NAME).out == "No local changes\n"


# ---- edit --file ----


def test_the_editor_gets_the_file_and_the_edit_is_recorded(crm):
    shown = crm.run("dev", "edit", NAME, "--file", env=editor(crm, "sed -i 's/timeout: 30/timeout: 60/' \"$1\""))
    assert "config.timeout (30 → 60)" in shown.out
    assert "timeout: 60" in text(crm)
    assert [edit["note"] for edit in edits(crm)] == ["config.timeout"]


def test_visual_goes_before_editor_and_may_have_options(crm):
    env = {"VISUAL": "sed -i -e 's/timeout: 30/timeout: 61/'", "EDITOR": "false"}
    crm.run("dev", "edit", NAME, "--file", env=env)
    assert "timeout: 61" in text(crm)


def test_what_the_editor_broke_is_told_and_kept(crm):
    env = editor(crm, "printf 'kind: [\\n' >> \"$1\"")
    shown = crm.run("dev", "edit", NAME, "--file", env=env, status=6)
    assert f"✗ {NAME}: component.yaml:" in shown.out
    assert text(crm).endswith("kind: [\n")
    assert len(edits(crm)) == 1


def test_an_editor_that_changes_nothing_records_nothing(crm):
    assert "not changed" in crm.run("dev", "edit", NAME, "--file", env=editor(crm, "true")).out
    assert not edits(crm)


def test_an_editor_that_fails_or_is_not_there(crm):
    assert "status 3" in crm.run("dev", "edit", NAME, "--file", env=editor(crm, "exit 3"), status=1).err
    crm.run("dev", "edit", NAME, "--file", env={"EDITOR": "/no/such/editor", "VISUAL": ""}, status=1)
    crm.run("dev", "edit", NAME, "--file", env={"EDITOR": "", "VISUAL": ""}, status=2)
    assert not edits(crm)


def test_other_commands_run_while_the_editor_is_open(crm):
    """The editor holds no lease, no lock and no connection: here it runs forge itself."""
    forge = os.environ.get("FORGE") or "build/forge"
    env = editor(crm, f"{os.path.abspath(forge)} dev edit {NAME} --field config.retry_count --value 9 >&2")
    crm.run("dev", "edit", NAME, "--file", env=env)
    assert "retry_count: 9" in text(crm)


def test_the_editor_has_the_terminal(crm):
    here, there = pty.openpty()
    env = editor(crm, "test -t 0 && test -t 1 && sed -i 's/timeout: 30/timeout: 62/' \"$1\"")
    child = subprocess.Popen([os.path.abspath(os.environ.get("FORGE") or "build/forge"), "dev", "edit", NAME, "--file"],
                             cwd=crm.root, env={**crm.env, **env}, stdin=there, stdout=there, stderr=there)
    os.close(there)
    try:
        while os.read(here, 4096):
            pass
    except OSError:
        pass
    assert child.wait(30) == 0
    os.close(here)
    assert "timeout: 62" in text(crm)


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
