"""forge dev edit: fields set in place, and the editor."""

import json
import os
import pty
import subprocess

import pytest

from local_changes import CONFIG, NAME, crm, edits, editor, events, log, text  # noqa: F401
from workspace import SCHEMA
from world import FORGE


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
    env = editor(crm, f"{FORGE} dev edit {NAME} --field config.retry_count --value 9 >&2")
    crm.run("dev", "edit", NAME, "--file", env=env)
    assert "retry_count: 9" in text(crm)


def test_the_editor_has_the_terminal(crm):
    here, there = pty.openpty()
    env = editor(crm, "test -t 0 && test -t 1 && sed -i 's/timeout: 30/timeout: 62/' \"$1\"")
    child = subprocess.Popen([FORGE, "dev", "edit", NAME, "--file"],
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
