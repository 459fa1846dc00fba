"""A component whose folder got another name upstream: found by its own name, followed when somebody says so."""

import pytest
import yaml

from workspace import HOST, manifest, tool

NAME = "salesforce-lookup"
CRM = f"{HOST}/company/crm-tools"
OLD, NEW = f"components/tools/{NAME}", "components/tools/lookup"


@pytest.fixture
def crm(workspace):
    return workspace.crm()


def move(crm, tag=None, to=NEW, **config):
    """Upstream renames the folder and changes a line in it."""
    config = config or {"retry_count": 5}
    return crm.commit({f"{OLD}/component.yaml": ("", None), f"{OLD}/schema.json": ("", None),
                       **tool(NAME, "2.1.3", folder=to, **config)}, tag=tag)


def moved(crm):
    return f"`forge install {CRM}/{NAME}` follows it there"


def test_the_status_names_the_new_place_and_how_to_follow(workspace, crm):
    old = crm.tip()
    move(crm)
    for words in ((), ("--offline",)):
        row = workspace.one(NAME, *words)
        assert (row["status"], row["moved_to"]) == ("detached", NEW)
        shown = workspace.run("sync", "status", NAME, *words)
        assert shown.out == f"Component '{NAME}' is detached (local: {old[:7]}, upstream: now {NEW} in {CRM})\n"
        assert shown.err == f"{NAME}: upstream has it in {NEW} now. {moved(crm)}, `forge remove {NAME}` takes it out.\n"
    before = workspace.files(NAME)
    shown = workspace.run("sync", "pull", NAME, status=8)
    assert f"✗ {NAME}: {CRM} has '{NAME}' in {NEW} now; {moved(crm)}\n" in shown.out
    assert workspace.files(NAME) == before


def test_following_keeps_the_folder_and_the_history(workspace, crm):
    old = crm.tip()
    new = move(crm)
    listed = (workspace.root / "forge.yaml").read_text()
    (workspace.root / "forge.yaml").write_text(listed.replace(f"component: {NAME}", f"component: {NAME} # ours"))
    workspace.run("sync", "status")
    shown = workspace.run("install", f"{CRM}/{NAME}")
    assert shown.out == f"✓ {NAME}: changed to {new[:7]}\n"
    assert workspace.tree(NAME) == crm.tree(new, NEW) and not workspace.path("lookup").exists()
    row = workspace.one()
    assert (row["status"], row["moved_to"], row["folder"]) == ("synced", None, OLD)
    assert workspace.lock()[NAME]["path"] == NEW and workspace.wanted()[NAME]["path"] == OLD
    assert f"component: {NAME} # ours" in (workspace.root / "forge.yaml").read_text()
    log = workspace.run("dev", "log", NAME, "--format", "json").json["log"]
    assert [line["upstream_commit"] for line in log] == [new, old]
    # From then on it is like any other: upstream's changes come, and ours go to the new place.
    newest = crm.commit({f"{NEW}/component.yaml": manifest(NAME, "2.1.3", retry_count=7)})
    workspace.run("sync", "pull", NAME)
    assert workspace.lock()[NAME]["commit"] == newest and workspace.tree(NAME) == crm.tree(newest, NEW)
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    workspace.run("sync", "push", NAME, "--branch", "mine", "--message", "Wait")
    assert crm.tree("mine", NEW) == workspace.tree(NAME)
    assert crm.git("ls-tree", "mine", OLD) == ""


def test_local_changes_are_not_written_over_and_can_be_brought_along(workspace, crm):
    move(crm)
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    before = workspace.files(NAME)
    shown = workspace.run("install", f"{CRM}/{NAME}", status=7)
    assert f"`forge dev stash {NAME}` puts them aside, `forge dev stash pop {NAME}` brings them back" in shown.out
    assert workspace.files(NAME) == before and workspace.lock()[NAME]["path"] == OLD
    workspace.run("dev", "stash", NAME)
    workspace.run("install", f"{CRM}/{NAME}")
    workspace.run("dev", "stash", "pop", NAME)
    text = workspace.path(NAME, "component.yaml").read_text()
    assert "timeout: 60" in text and "retry_count: 5" in text
    assert workspace.one()["status"] == "modified"


def test_a_range_is_followed_as_a_range_and_a_clone_gets_the_same(workspace, crm):
    workspace.run("install", f"{NAME}@>=2 <3")
    new = move(crm, tag="v2.2.0")
    assert f"`forge install '{CRM}/{NAME}@>=2 <3'` follows it" in workspace.run("sync", "status", NAME).err
    workspace.run("install", f"{CRM}/{NAME}@>=2 <3")
    line = workspace.lock()[NAME]
    assert (line["version"], line["commit"], line["path"]) == ("2.2.0", new, NEW)
    assert workspace.wanted()[NAME]["version_constraint"] == ">=2 <3"
    files, lock = workspace.files(NAME), (workspace.root / "forge.lock").read_bytes()
    workspace.root = workspace.clone()
    workspace.run("install")
    assert workspace.files(NAME) == files and (workspace.root / "forge.lock").read_bytes() == lock
    assert workspace.one()["status"] == "synced"


def test_what_the_manifest_lists_elsewhere_is_found_and_a_broken_one_is_not(workspace, crm):
    move(crm, to="tools/lookup")
    assert workspace.one()["moved_to"] is None
    crm.commit({"forge-manifest.yaml": yaml.safe_dump(
        {"components": {"tools": [{"name": NAME, "path": "tools/lookup", "version": "2.1.3"}]}})})
    assert workspace.one()["moved_to"] == "tools/lookup"
    crm.commit({"forge-manifest.yaml": "components: ["})
    row = workspace.one()
    assert (row["status"], row["moved_to"]) == ("detached", None)


def test_a_component_that_became_its_repository_is_found_at_the_root(workspace, crm):
    crm.commit({f"{OLD}/component.yaml": ("", None), f"{OLD}/schema.json": ("", None), "component.yaml": manifest(NAME, "2.1.3")})
    assert workspace.one()["moved_to"] == "."
    workspace.run("install", f"{CRM}/{NAME}")
    assert workspace.one()["status"] == "synced" and workspace.one()["folder"] == OLD
    assert workspace.lock()[NAME]["path"] == "."
