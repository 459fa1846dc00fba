"""What a pull finds beyond text: schemas, versions and dependencies that no longer fit; and people who type meanwhile."""

import json

import pytest

from workspace import HOST, needing, tool

NAME = "salesforce-lookup"
CRM = f"{HOST}/company/crm-tools"
COMPONENT = "components/tools/salesforce-lookup"


@pytest.fixture
def crm(workspace):
    return workspace.crm()


def update(upstream, version, **config):
    return upstream.commit(tool(NAME, version, **config))


def untouched(workspace, before):
    assert workspace.files(NAME) == before


def conflicts(workspace, *options):
    document = workspace.run("sync", "pull", NAME, *options, "--format", "json", status=7).json
    return [(conflict["path"], conflict["type"]) for conflict in document["components"][0]["conflicts"]]


def test_clean_texts_that_break_the_schema_together_are_a_schema_conflict(workspace, crm):
    schema = {"properties": {"config": {"properties": {"timeout": {"type": "integer", "maximum": 50}}}}}
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    crm.commit({f"{COMPONENT}/schema.json": json.dumps(schema) + "\n"})
    before = workspace.files(NAME)
    assert conflicts(workspace, "--merge") == [("component.yaml", "schema")]
    untouched(workspace, before)
    assert workspace.one()["status"] == "conflict"


def test_a_conflict_in_the_schema_itself_is_a_schema_conflict(workspace, crm):
    workspace.edit(NAME, '"integer"', '"number"', "schema.json")
    schema = workspace.path(NAME, "schema.json").read_text().replace('"number"', '"string"')
    crm.commit({f"{COMPONENT}/schema.json": schema})
    assert conflicts(workspace, "--merge") == [("schema.json", "schema")]


@pytest.mark.parametrize("clean", [True, False])
def test_a_version_that_a_dependent_cannot_take_is_a_version_conflict(workspace, crm, clean):
    workspace.upstream("company/mail", tool("sales-system", extra=needing(NAME, "^2.1.0")))
    workspace.run("install", f"{HOST}/company/mail/sales-system")
    if not clean:
        workspace.edit(NAME, "timeout: 30", "timeout: 60")
    update(crm, "3.0.0")
    before = workspace.files(NAME)
    found = conflicts(workspace, *(() if clean else ("--merge",)))
    assert ("component.yaml", "version") in found
    untouched(workspace, before)
    assert workspace.one()["status"] == "conflict" and workspace.lock()[NAME]["commit"] != crm.tip()


def test_a_conflict_that_stash_meets_leaves_files_and_stashes_alone(workspace, crm):
    workspace.upstream("company/mail", tool("sales-system", extra=needing(NAME, "^2.1.0")))
    workspace.run("install", f"{HOST}/company/mail/sales-system")
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    update(crm, "3.0.0")
    before = workspace.files(NAME)
    assert ("component.yaml", "version") in conflicts(workspace, "--stash")
    untouched(workspace, before)
    refs = workspace.root / ".forge" / "repository" / "refs" / "forge" / NAME
    assert not (refs / "stash").exists() and (refs / "pending").exists()


def test_a_dependency_that_the_workspace_has_otherwise_is_a_dependency_conflict(workspace, crm):
    workspace.upstream("company/mail", tool("email-composer", "1.3.2"), tag="v1.3.2")
    workspace.run("install", f"{HOST}/company/mail/email-composer@^1")
    update(crm, "2.2.0", extra=needing("email-composer", "^2.0.0", f"{HOST}/company/mail"))
    assert conflicts(workspace) == [("component.yaml", "dependency")]
    assert workspace.one()["status"] == "conflict"


def test_a_dependency_that_fits_is_no_conflict(workspace, crm):
    workspace.upstream("company/mail", tool("email-composer", "1.3.2"), tag="v1.3.2")
    workspace.run("install", f"{HOST}/company/mail/email-composer@^1")
    update(crm, "2.2.0", extra=needing("email-composer", "~1.3.0", f"{HOST}/company/mail"))
    workspace.run("sync", "pull", NAME)
    assert workspace.lock()[NAME]["dependencies"] == ["email-composer"]


# ---- beside others ----


def test_a_file_edited_while_a_pull_runs_is_kept(workspace):
    more = {f"data/{number}.txt": f"{number}\n" for number in range(200)}
    crm = workspace.crm(more=more)
    crm.commit({f"{COMPONENT}/data/{number}.txt": f"new {number}\n" for number in range(200)})
    child = workspace.start("sync", "pull", NAME)
    words = []
    while child.poll() is None:
        words.append(f"typed {len(words)}\n")
        try:
            workspace.path(NAME, "data", "150.txt").write_text(words[-1])
        except FileNotFoundError:
            pass
    child.communicate()
    held = [path.read_text() for path in (workspace.root / ".forge" / "kept").rglob("150.txt")] \
        if (workspace.root / ".forge" / "kept").exists() else []
    held.append(workspace.path(NAME, "data", "150.txt").read_text())
    if words:
        assert words[-1] in held, (words[-1], held, child.returncode)
    assert workspace.one()["status"] in ("modified", "synced")
