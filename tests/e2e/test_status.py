"""How components stand: what forge sync status says of every case."""

import json
import re

import pytest
import yaml

from workspace import HOST, manifest, tool

NAME = "salesforce-lookup"
CRM = f"{HOST}/company/crm-tools"
COMPONENT = "components/tools/salesforce-lookup"
PAGINATION = '{\n  "type": "object",\n  "properties": {\n    "config": {"type": "object"},\n    "pagination": {"type": "object"}\n  }\n}\n'


def short(commit):
    return commit[:7]


def update(upstream, version="2.2.0", tag=None, **config):
    return upstream.commit(tool(NAME, version, **config), tag=tag)


@pytest.fixture
def crm(workspace):
    return workspace.crm()


@pytest.fixture
def edited(workspace, crm):
    """The component with a local change, while upstream moved another line: (commit before, commit after)."""
    before = crm.tip()
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    return before, crm.commit({f"{COMPONENT}/component.yaml": manifest(NAME, "2.1.3", retry_count=5)})


def untouched(workspace, before):
    assert workspace.files(NAME) == before


# ---- how it stands ----


def test_the_document_has_these_members(workspace, crm):
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    row = workspace.one()
    assert row["changes"] == [{"file": "component.yaml", "path": "config.timeout", "old": 30, "new": 60}]
    assert {key: row[key] for key in ("component", "status", "local_commit", "upstream_commit", "behind", "ahead",
                                      "has_local_changes", "conflict_count", "fork")} == {
        "component": NAME, "status": "modified", "local_commit": crm.tip(), "upstream_commit": crm.tip(), "behind": 0,
        "ahead": 1, "has_local_changes": True, "conflict_count": 0, "fork": None}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["last_sync_at"])
    document = workspace.run("sync", "status", "--all", "--format", "json").json
    assert document["summary"]["modified"] == 1 and sum(document["summary"].values()) == 1
    assert yaml.safe_load(workspace.run("sync", "status", "--format", "yaml").out) == document
    for line in workspace.run("sync", "status", "--format", "jsonl").out.splitlines():
        assert isinstance(json.loads(line), dict)


def test_behind_counts_the_commits_that_touch_the_component(workspace, crm):
    for number in range(3):
        update(crm, timeout=40 + number)
        crm.commit({"README.md": f"{number}\n"})
    row = workspace.one()
    assert (row["status"], row["behind"], row["upstream_commit"]) == ("outdated", 3, crm.tip())
    workspace.edit(NAME, "retry_count: 3", "retry_count: 4")
    assert "modified" in (text := workspace.run("sync", "status", NAME).out) and "3 commits behind" in text


def test_commits_elsewhere_move_the_base_without_a_word(workspace, crm):
    old = crm.tip()
    new = crm.commit({"README.md": "elsewhere\n"})
    lock = (workspace.root / "forge.lock").read_bytes()
    row = workspace.one()
    assert (row["status"], row["behind"], row["local_commit"], row["upstream_commit"]) == ("synced", 0, new, new)
    assert (workspace.root / "forge.lock").read_bytes() == lock
    assert "up to date" in workspace.run("sync", "pull", NAME).out
    assert workspace.lock()[NAME]["commit"] == new != old
    assert workspace.one(NAME, "--offline")["local_commit"] == new


def test_the_base_also_moves_where_there_are_local_changes(workspace, crm):
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    crm.commit({"README.md": "elsewhere\n"})
    row = workspace.one()
    assert (row["status"], row["behind"], row["local_commit"]) == ("modified", 0, crm.tip())
    assert [change["path"] for change in row["changes"]] == ["config.timeout"]


def test_offline_asks_nobody_and_keeps_what_was_known(workspace, crm):
    update(crm)
    workspace.run("sync", "status")
    crm.commit({"README.md": "more\n"})
    workspace.server.forget_requests()
    row = workspace.one(NAME, "--offline")
    assert row["status"] == "outdated" and row["upstream_commit"] != crm.tip() and not workspace.requests()
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    assert workspace.one(NAME, "--offline")["status"] == "modified" and not workspace.requests()


def test_an_unreachable_server_is_unknown_and_never_synced(workspace, crm):
    workspace.hosts[HOST]["clone"] = "http://127.0.0.1:1"
    workspace.configure()
    shown = workspace.run("sync", "status", NAME, status=4)
    assert "unknown" in shown.out and "synced" not in shown.out and "127.0.0.1" in shown.err
    row = workspace.one(status=4)
    assert row["status"] == "unknown" and row["error"]["code"] == "REPOSITORY_UNREACHABLE"
    document = workspace.run("sync", "status", "--all", "--format", "json", status=None).json
    assert document["summary"]["synced"] == 0 and document["summary"]["unknown"] == 1
    before = workspace.files(NAME)
    workspace.run("sync", "pull", NAME, "--overwrite", status=4)
    untouched(workspace, before)
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    assert workspace.one(status=4)["status"] == "modified"


def test_a_component_deleted_upstream_is_detached_and_stays(workspace, crm):
    crm.commit({f"{COMPONENT}/component.yaml": ("", None), f"{COMPONENT}/schema.json": ("", None), "README.md": "x\n"})
    detached(workspace)


def test_a_repository_that_is_gone_leaves_its_components_detached(workspace, crm):
    crm.path.rename(workspace.folder / "gone.git")
    detached(workspace)
    assert workspace.one()["error"]["code"] == "REPOSITORY_NOT_FOUND"


def test_a_branch_that_was_deleted_leaves_its_component_detached(workspace, crm):
    crm.git("branch", "next", "main")
    workspace.run("install", f"{CRM}/{NAME}@next")
    crm.git("branch", "-D", "next")
    detached(workspace)


def test_a_tag_that_was_deleted_leaves_its_component_detached(workspace, crm):
    workspace.run("install", f"{CRM}/{NAME}@2.1.3")
    crm.git("tag", "-d", "v2.1.3")
    detached(workspace)


def detached(workspace):
    before = workspace.files(NAME)
    row = workspace.one()
    assert row["status"] == "detached"
    shown = workspace.run("sync", "status", NAME)
    assert "is detached" in shown.out and "forge remove" in shown.err
    assert workspace.one(NAME, "--offline")["status"] == "detached"
    for option in ("--overwrite", "--merge"):
        shown = workspace.run("sync", "pull", NAME, option, status=8)
    untouched(workspace, before)
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    assert workspace.one()["status"] == "detached"
    workspace.edit(NAME, "timeout: 60", "timeout: 30")


def test_a_component_that_comes_back_is_no_longer_detached(workspace, crm):
    crm.path.rename(workspace.folder / "gone.git")
    assert workspace.one()["status"] == "detached"
    (workspace.folder / "gone.git").rename(crm.path)
    assert workspace.one()["status"] == "synced" and workspace.one()["error"] is None


def test_history_that_was_rewritten_is_noticed(workspace, crm):
    old = crm.tip()
    new = crm.commit({**tool(NAME, "2.1.3", timeout=50), "README.md": "anew\n"}, fresh=True)
    row = workspace.one()
    assert (row["status"], row["rewritten"], row["upstream_commit"], row["local_commit"]) == ("outdated", True, new, old)
    assert "rewrote" in workspace.run("sync", "status", NAME, "--detailed").out
    workspace.run("sync", "pull", NAME)
    row = workspace.one()
    assert (row["status"], row["rewritten"], row["local_commit"]) == ("synced", False, new)


def test_a_rewrite_that_leaves_the_component_alone_is_no_silent_step(workspace, crm):
    old = crm.tip()
    crm.commit({**tool(NAME, "2.1.3"), "README.md": "anew\n"}, fresh=True)
    row = workspace.one()
    assert (row["status"], row["rewritten"], row["local_commit"]) == ("synced", True, old)


def test_a_range_follows_new_tags_and_not_the_branch(workspace, crm):
    workspace.run("install", f"{CRM}/{NAME}@^2")
    update(crm, "3.0.0", tag="v3.0.0")
    assert workspace.one()["status"] == "synced"
    update(crm, "2.4.0", timeout=44, tag="v2.4.0")
    row = workspace.one()
    assert (row["status"], row["upstream_version"], row["version"]) == ("outdated", "2.4.0", "2.1.3")
    workspace.run("sync", "pull", NAME)
    assert workspace.lock()[NAME]["version"] == "2.4.0" and workspace.one()["version"] == "2.4.0"


def test_a_new_version_with_the_same_files_is_not_half_known(workspace, crm):
    workspace.run("install", f"{CRM}/{NAME}@^2")
    crm.commit({"README.md": "x\n"}, tag="v2.1.4")
    for words in ((), ("--offline",), ()):
        row = workspace.one(NAME, *words)
        assert row["status"] == "synced"
        listed = workspace.run("list", "--format", "json").json["components"][0]
        pair = (listed["version"], listed["commit"])
        assert pair in (("2.1.3", crm.git("rev-parse", "v2.1.3")), ("2.1.4", crm.tip())), words
    workspace.run("sync", "pull", NAME)
    line = workspace.lock()[NAME]
    assert (line["version"], line["commit"]) == ("2.1.4", crm.tip())


def test_upstream_of_a_component_is_followed_at_its_place(workspace, crm):
    files = {f"components/agents/{NAME}/{path}": text for path, text in
             {"component.yaml": manifest(NAME, "2.1.3"), "schema.json": "{}\n"}.items()}
    crm.commit({**files, f"{COMPONENT}/component.yaml": ("", None), f"{COMPONENT}/schema.json": ("", None)})
    assert workspace.one()["status"] == "detached"


def test_ignored_files_are_no_change_and_survive(workspace, crm):
    crm.commit({f"{COMPONENT}/.gitignore": "*.pyc\n"})
    workspace.run("sync", "pull", NAME)
    workspace.path(NAME, "x.pyc").write_bytes(b"\0cache")
    assert workspace.one()["status"] == "synced"
    update(crm, timeout=44)
    workspace.run("sync", "pull", NAME)
    assert workspace.path(NAME, "x.pyc").read_bytes() == b"\0cache"
