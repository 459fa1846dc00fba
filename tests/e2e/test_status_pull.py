"""forge sync status and forge sync pull: the sections of the tour, word by word, and every way a component can stand."""

import json
import os
import pty
import re
import shutil
import subprocess

import pytest
import yaml

from workspace import HOST, manifest, tool
from world import FORGE

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


# ---- the tour ----


def test_the_pull_workflow_reads_as_in_the_tour(workspace, crm):
    old, new = short(crm.tip()), short(update(crm, timeout=45))
    assert workspace.run("sync", "status", NAME).out == f"Component '{NAME}' is outdated (local: {old}, upstream: {new})\n"
    assert workspace.run("sync", "pull", NAME).out == (
        f"Fetching latest from {CRM}...\nUpdating {NAME}: {old} → {new}\n✓ Component updated successfully\n")
    assert workspace.run("sync", "status", NAME).out == f"Component '{NAME}' is synced (commit: {new})\n"
    assert workspace.tree(NAME) == crm.tree("main", COMPONENT) == workspace.lock()[NAME]["tree"]
    assert workspace.run("sync", "pull", NAME).out.splitlines()[-1] == "✓ Component is up to date"


def test_a_pull_over_local_changes_warns_with_four_options_and_touches_nothing(workspace, edited):
    before, lock = workspace.files(NAME), (workspace.root / "forge.lock").read_bytes()
    for words in ((), ("--ff-only",)):
        shown = workspace.run("sync", "pull", NAME, *words, status=7)
        assert shown.out + shown.err == (
            f"Fetching latest from {CRM}...\nWarning: Component has local changes\nOptions:\n"
            f"  1. Stash changes and pull: forge sync pull {NAME} --stash\n"
            f"  2. Merge with upstream: forge sync pull {NAME} --merge\n"
            f"  3. Rebase on upstream: forge sync pull {NAME} --rebase\n"
            f"  4. Overwrite local changes: forge sync pull {NAME} --overwrite\n")
    untouched(workspace, before)
    assert (workspace.root / "forge.lock").read_bytes() == lock
    entry = workspace.run("sync", "pull", NAME, "--format", "json", status=7).json["components"][0]
    assert entry["error"]["code"] == "LOCAL_CHANGES" and entry["status"] == "failed"


def test_a_merge_without_conflict_says_what_it_merged(workspace, crm, edited):
    old, new = map(short, edited)
    assert workspace.run("sync", "pull", NAME, "--merge").out == (
        f"Fetching latest from {CRM}...\nMerging upstream changes with local modifications...\n"
        f"Auto-merge successful for: component.yaml\nUpdating {NAME}: {old} → {new}\n"
        "✓ Component updated successfully\n")
    text = workspace.path(NAME, "component.yaml").read_text()
    assert text == manifest(NAME, "2.1.3", timeout=60, retry_count=5)
    row = workspace.one()
    assert (row["status"], row["behind"], row["has_local_changes"]) == ("modified", 0, True)
    assert row["local_commit"] == crm.tip() == workspace.lock()[NAME]["commit"]
    assert [(change["path"], change["old"], change["new"]) for change in row["changes"]] == [("config.timeout", 30, 60)]


def test_a_merge_with_a_conflict_reads_as_in_the_tour(workspace, crm):
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    workspace.edit(NAME, '"integer"', '"number"', "schema.json")
    upstream = manifest(NAME, "2.1.3", retry_count=5)
    schema = workspace.path(NAME, "schema.json").read_text().replace('"number"', '"string"')
    crm.commit({f"{COMPONENT}/component.yaml": upstream, f"{COMPONENT}/schema.json": schema})
    before = workspace.files(NAME)
    lines = workspace.run("sync", "pull", NAME, "--merge", status=7).out.splitlines()
    assert lines[:3] == [f"Fetching latest from {CRM}...", "Merging upstream changes with local modifications...",
                         "Auto-merge successful for: component.yaml"]
    assert re.fullmatch(r"Conflict in: schema\.json( \(.*\))?", lines[3])
    assert lines[4:] == [f"Run 'forge sync resolve {NAME}' to resolve conflicts"]
    untouched(workspace, before)
    row = workspace.one()
    assert (row["status"], row["conflict_count"]) == ("conflict", 1)
    assert row["local_commit"] == workspace.lock()[NAME]["commit"] != crm.tip()


def test_a_pending_conflict_outlives_everything_but_its_resolution(workspace, crm):
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    update(crm, timeout=45)
    workspace.run("sync", "pull", NAME, "--merge", status=7)
    for command in (("install",), ("install", NAME), ("sync", "status", "--offline"), ("sync", "status")):
        workspace.run(*command)
        assert workspace.one()["status"] == "conflict", command
    before = workspace.files(NAME)
    for option in ((), "--merge", "--overwrite", "--stash", "--rebase", "--ff-only"):
        shown = workspace.run("sync", "pull", NAME, *([option] if option else []), status=7)
        assert "pending" in shown.out and f"forge sync resolve {NAME}" in shown.out
    shown = workspace.run("install", f"{CRM}/{NAME}@v2.1.3", status=7)
    untouched(workspace, before)
    text = workspace.run("sync", "status", NAME).out
    assert text.startswith(f"Component '{NAME}' is in conflict (") and "1 conflict)" in text


def test_the_report_of_all_is_a_table_with_boxes_on_a_terminal_and_plain_elsewhere(workspace, crm):
    mail = workspace.upstream("company/mail", {**tool("email-composer"), **tool("sales-system"), **tool("sales-specialist")})
    for name in ("email-composer", "sales-system", "sales-specialist"):
        workspace.run("install", f"{HOST}/company/mail/{name}")
    workspace.edit("sales-system", "timeout: 30", "timeout: 60")
    workspace.edit("sales-specialist", "timeout: 30", "timeout: 60")
    mail.commit({**tool("email-composer", timeout=31), **tool("sales-specialist", timeout=45)})
    workspace.run("sync", "pull", "sales-specialist", "--merge", status=7)
    plain = workspace.run("sync", "status", "--all").out
    assert plain.splitlines()[0] == "Component Status Report"
    assert plain.splitlines()[1].split() == ["Component", "Status", "Local", "Upstream", "Last", "Sync"]
    assert plain.splitlines()[-3:] == ["", "Summary:", "✓ 1 synced, ⚠ 1 modified, ⬆ 1 outdated, ✗ 1 conflict"]
    assert not set(plain) & set("┌─┬┐│├┼┤└┴┘")
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_terminal(workspace, "sync", "status", "--all")).replace("\r\n", "\n")
    table = [line for line in drawn.split("\n") if line[:1] in tuple("┌│├└")]
    assert table[0][0] == "┌" and table[0][-1] == "┐" and table[-1][0] == "└" and table[-1][-1] == "┘"
    assert len({len(line) for line in table}) == 1
    cells = {row[0]: row[1:] for row in ([cell.strip() for cell in line.strip("│").split("│")] for line in table if line[0] == "│")}
    assert cells["Component"] == ["Status", "Local", "Upstream", "Last Sync"]
    assert [cells[name][0] for name in (NAME, "sales-system", "email-composer", "sales-specialist")] == [
        "synced", "modified", "outdated", "conflict"]
    assert cells[NAME][1] == cells[NAME][2] == short(crm.tip()) and cells["email-composer"][2] == short(mail.tip())


def on_terminal(workspace, *arguments):
    outside, inside = pty.openpty()
    child = subprocess.Popen([FORGE, *arguments], stdin=inside, stdout=inside, stderr=inside, cwd=workspace.root,
                             env={**workspace.env, "TERM": "xterm-256color", "COLUMNS": "120"})
    os.close(inside)
    drawn = b""
    try:
        while piece := os.read(outside, 65536):
            drawn += piece
    except OSError:
        pass  # the last holder of the terminal is gone
    os.close(outside)
    assert child.wait(60) == 0
    return drawn.decode()


def test_the_detailed_status_reads_as_in_the_tour(workspace, crm):
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    schema = json.loads(workspace.path(NAME, "schema.json").read_text())
    schema["properties"]["pagination"] = {"type": "object", "properties": {"page": {}, "page_size": {}}}
    workspace.path(NAME, "schema.json").write_text(json.dumps(schema, indent=2) + "\n")
    commit = f"{short(crm.tip())} (2026-01-01 00:01:00)"
    assert workspace.run("sync", "status", NAME, "--detailed").out == (
        f"Component: {NAME}\nStatus: modified\nRepository: {CRM}\nLocal commit: {commit}\nUpstream commit: {commit}\n"
        "Local changes: 2 files modified\n  - component.yaml: config.timeout (30 → 60)\n"
        "  - schema.json: added pagination fields\nLast sync: just now\n")


# ---- the ways to pull ----


def test_stash_puts_changes_aside_and_takes_upstreams_version(workspace, crm, edited):
    local = workspace.tree(NAME)
    shown = workspace.run("sync", "pull", NAME, "--stash")
    assert f"forge dev stash pop {NAME}" in shown.out
    assert workspace.tree(NAME) == crm.tree("main", COMPONENT)
    assert stashes(workspace) == [local]
    assert workspace.one()["status"] == "synced"


def test_overwrite_takes_upstreams_version_and_keeps_what_it_replaced(workspace, crm, edited):
    local = workspace.tree(NAME)
    entry = workspace.run("sync", "pull", NAME, "--overwrite", "--format", "json").json["components"][0]
    assert workspace.tree(NAME) == crm.tree("main", COMPONENT)
    assert stashes(workspace) == [local] and entry["stash"]
    assert workspace.one()["status"] == "synced"


def stashes(workspace):
    """Trees of the stashes in the workspace's own repository."""
    listed = subprocess.run(["git", "--git-dir", workspace.root / ".forge" / "repository", "for-each-ref",
                             "--format=%(tree)", f"refs/forge/{NAME}/stash/"], check=True, stdout=subprocess.PIPE,
                            text=True, env=workspace.env)
    return listed.stdout.split()


def test_rebase_without_checkpoints_puts_the_changes_on_top(workspace, crm, edited):
    old, new = map(short, edited)
    lines = workspace.run("sync", "pull", NAME, "--rebase").out.splitlines()
    assert lines[-2:] == [f"Updating {NAME}: {old} → {new}", "✓ Component updated successfully"]
    assert workspace.path(NAME, "component.yaml").read_text() == manifest(NAME, "2.1.3", timeout=60, retry_count=5)
    assert workspace.one()["status"] == "modified"


def test_a_rebase_that_conflicts_leaves_a_conflict_and_the_files(workspace, crm):
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    update(crm, "2.1.3", timeout=45)
    before = workspace.files(NAME)
    workspace.run("sync", "pull", NAME, "--rebase", status=7)
    untouched(workspace, before)
    assert workspace.one()["status"] == "conflict"


@pytest.mark.parametrize("word", ["fast_forward", "merge", "rebase", "overwrite"])
def test_every_strategy_is_taken_by_its_name_and_does_nothing_where_nothing_is_new(workspace, crm, word):
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    before = workspace.files(NAME)
    shown = workspace.run("sync", "pull", NAME, "--strategy", word)
    assert "up to date" in shown.out
    untouched(workspace, before)
    assert stashes(workspace) == []


@pytest.mark.parametrize("options", [("--merge", "--stash"), ("--strategy", "merge", "--overwrite"),
                                     ("--rebase", "--ff-only"), ("--all",), ()])
def test_options_that_contradict_each_other_are_refused_before_anything(workspace, edited, options):
    before = workspace.files(NAME)
    names = [] if options == () else [NAME]
    workspace.run("sync", "pull", *names, *options, status=2)
    untouched(workspace, before)


def test_a_strategy_that_does_not_exist_is_named(workspace, crm):
    assert "rebase" in workspace.run("sync", "pull", NAME, "--strategy", "sideways", status=6).err


def test_local_changes_that_are_upstreams_too_need_no_option(workspace, crm):
    workspace.edit(NAME, "timeout: 30", "timeout: 60")
    crm.commit({f"{COMPONENT}/component.yaml": manifest(NAME, "2.1.3", timeout=60)})
    assert workspace.one()["status"] == "synced"
    workspace.run("sync", "pull", NAME)
    assert workspace.lock()[NAME]["commit"] == crm.tip() and workspace.one()["has_local_changes"] is False


def test_files_added_and_deleted_on_both_sides_meet(workspace, crm):
    workspace.path(NAME, "mine.txt").write_text("mine\n")
    workspace.path(NAME, "deep").mkdir()
    workspace.path(NAME, "deep", "file").write_text("deep\n")
    crm.commit({f"{COMPONENT}/theirs.txt": "theirs\n", f"{COMPONENT}/schema.json": ("", None)})
    workspace.run("sync", "pull", NAME, "--merge")
    assert set(workspace.files(NAME)) == {"component.yaml", "mine.txt", "deep/file", "theirs.txt"}


def test_a_deleted_folder_is_a_local_change_like_others(workspace, crm):
    shutil.rmtree(workspace.path(NAME))
    update(crm)
    assert workspace.one()["status"] == "modified"
    workspace.run("sync", "pull", NAME, status=7)
    assert not workspace.path(NAME).exists()
    workspace.run("sync", "pull", NAME, "--overwrite")
    assert workspace.tree(NAME) == crm.tree("main", COMPONENT)


def test_all_pulls_what_it_can_and_tells_of_the_rest(workspace, crm):
    mail = workspace.upstream("company/mail", {**tool("email-composer"), **tool("sales-system")})
    workspace.run("install", f"{HOST}/company/mail/email-composer", f"{HOST}/company/mail/sales-system")
    workspace.edit("sales-system", "timeout: 30", "timeout: 60")
    old = mail.tip()
    new = mail.commit({**tool("email-composer", timeout=31), **tool("sales-system", retry_count=9)})
    shown = workspace.run("sync", "pull", "--all", status=7)
    lines = shown.out.splitlines()
    assert f"✓ {NAME}: up to date" in lines and f"✓ email-composer: {short(old)} → {short(new)}" in lines
    assert any(line.startswith("✗ sales-system: ") and "local changes" in line for line in lines)
    workspace.run("sync", "pull", "--all", "--merge")
    assert {row["status"] for row in workspace.status().values()} == {"synced", "modified"}
    assert [workspace.lock()[name]["commit"] for name in ("email-composer", "sales-system")] == [new, new]


def test_a_version_that_both_sides_moved_is_settled_by_the_rule_of_the_configuration(workspace, crm):
    workspace.edit(NAME, "version: 2.1.3", "version: 2.1.4")
    update(crm, "2.2.0")
    workspace.run("sync", "pull", NAME, "--merge", status=7, env={"FORGE_SYNC_VERSION_CONFLICT": "conflict"})
    workspace.root = workspace.folder / "other"
    workspace.init()
    workspace.run("install", f"{CRM}/{NAME}@@{crm.git('rev-parse', 'v2.1.3')}")
    (workspace.root / "forge.yaml").write_text((workspace.root / "forge.yaml").read_text().replace(
        "version_constraint", "# version_constraint"))
    workspace.edit(NAME, "version: 2.1.3", "version: 2.1.4")
    shown = workspace.run("sync", "pull", NAME, "--merge", env={"FORGE_SYNC_VERSION_CONFLICT": "higher"})
    assert "Versions settled" in shown.out
    assert "version: 2.2.0" in workspace.path(NAME, "component.yaml").read_text()


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


def test_a_server_that_forbids_is_unknown_and_5(workspace, crm):
    workspace.hosts[HOST]["clone"] = f"{workspace.server.url}/forbidden"
    workspace.configure()
    row = workspace.one(status=5)
    assert (row["status"], row["error"]["code"]) == ("unknown", "PERMISSION_DENIED")
    workspace.run("sync", "pull", NAME, status=5)


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


# ---- what goes over the wire and to the disk ----


def test_nothing_moved_is_one_small_request_a_repository(workspace):
    workspace.init()
    references = []
    for owner in ("a", "b"):
        files = {}
        for number in range(10):
            files.update(tool(f"tool-{owner}-{number}"))
            references.append(f"{HOST}/company/{owner}/tool-{owner}-{number}" + ("@^1" if number % 2 else ""))
        workspace.upstream(f"company/{owner}", files, tag="v1.0.0")
    workspace.run("install", *references)
    for command in (("sync", "status"), ("sync", "pull", "--all"), ("sync", "status")):
        workspace.server.forget_requests()
        workspace.run(*command)
        asked = workspace.requests()
        assert sorted(request.repository.split("/")[-1] for request in asked) == ["a", "b"], (command, asked)
        assert all(request.bytes_out < 2000 for request in asked), asked


def test_installed_names_are_asked_for_alone(workspace, crm):
    for number in range(300):
        crm.git("update-ref", f"refs/heads/topic/{number}", "main")
    workspace.server.forget_requests()
    workspace.run("sync", "status")
    assert sum(request.bytes_out for request in workspace.requests()) < 2000


def test_a_pull_of_one_file_leaves_the_others_alone(workspace):
    more = {f"data/{number}.txt": f"{number}\n" for number in range(30)}
    crm = workspace.crm(more=more)
    before = {path: os.stat(workspace.path(NAME, path)) for path in workspace.files(NAME)}
    crm.commit({f"{COMPONENT}/data/7.txt": "seven\n"})
    workspace.run("sync", "pull", NAME)
    after = {path: os.stat(workspace.path(NAME, path)) for path in workspace.files(NAME)}
    changed = [path for path in before if (before[path].st_ino, before[path].st_mtime_ns) !=
               (after[path].st_ino, after[path].st_mtime_ns)]
    assert changed == ["data/7.txt"]
