"""A workspace's two files: a clone that has nothing else, a lock that moved, was lost or damaged."""

import fcntl
import os
import shutil
import struct
import subprocess

import pytest
import yaml

from workspace import HOST, needing, tool

CRM = f"{HOST}/company/crm-tools"
LOOKUP = f"{CRM}/salesforce-lookup"
OFD_SETLK = 37  # Linux's F_OFD_SETLK, which this Python does not name


def error_of(result):
    return result.json["error"]


# ---- a clone of the workspace ----


@pytest.mark.parametrize("with_files", [True, False])
def test_a_clone_without_forges_folder_gets_exactly_the_locked_commits(workspace, versions, with_files):
    workspace.upstream("company/mail", tool("email-composer", "1.0.0"))
    workspace.run("install", f"{LOOKUP}@^2", f"{HOST}/company/mail/email-composer")
    lock = (workspace.root / "forge.lock").read_bytes()
    before = {name: workspace.files(name) for name in ("salesforce-lookup", "email-composer")}
    clone = workspace.clone()
    if not with_files:
        shutil.rmtree(clone / "components")
    # What upstream did since is not what the lock says.
    versions.commit(tool("salesforce-lookup", "2.9.0", timeout=9), tag="v2.9.0")
    workspace.upstreams["company/mail"].commit(tool("email-composer", "9.0.0"))
    workspace.root = clone
    workspace.run("install")
    assert {name: workspace.files(name) for name in before} == before
    assert (clone / "forge.lock").read_bytes() == lock
    assert {name: row["status"] for name, row in workspace.status().items()} == {
        "salesforce-lookup": "outdated", "email-composer": "outdated"}
    workspace.run("sync", "pull", "--all")
    assert workspace.lock()["salesforce-lookup"]["version"] == "2.9.0"


def test_a_clone_says_that_install_is_the_next_step(workspace, versions):
    workspace.upstream("company/mail", tool("email-composer", "1.0.0"))
    workspace.run("install", f"{LOOKUP}@^2", f"{HOST}/company/mail/email-composer")
    workspace.root = workspace.clone()
    word = ("forge.yaml lists 2 components that are not installed here (salesforce-lookup, email-composer); "
            "`forge install` does that.\n")
    for words in (("list",), ("sync", "status"), ("sync", "status", "--all"), ("sync", "pull", "--all"),
                  ("sync", "push", "--all"), ("dev", "validate")):
        shown = workspace.run(*words)
        assert (shown.out, shown.err) == ("", word), words
        assert workspace.run(*words, "--quiet").err == ""
        assert workspace.run(*words, "--format", "json").json["components"] == []
    for words in (("info",), ("remove",), ("sync", "status"), ("sync", "pull"), ("sync", "push"), ("dev", "diff")):
        shown = workspace.run(*words, "email-composer", status=8)
        assert shown.err.splitlines()[0] == (
            "forge: forge.yaml lists 'email-composer', but it is not installed here; `forge install` does that"), words
    workspace.run("install", "email-composer")
    shown = workspace.run("list")
    assert "email-composer" in shown.out and shown.err == (
        "forge.yaml lists 1 component that is not installed here (salesforce-lookup); `forge install` does that.\n")
    workspace.run("install")
    assert workspace.run("list").err == workspace.run("sync", "status").err == ""


@pytest.mark.parametrize("with_files", [True, False])
def test_a_lock_that_somebody_else_moved_is_followed(workspace, versions, with_files):
    mine = workspace.root
    workspace.run("install", f"{LOOKUP}@^2")
    workspace.root = workspace.clone()
    workspace.run("install")
    versions.commit(tool("salesforce-lookup", "2.9.0", timeout=9), tag="v2.9.0")
    workspace.run("sync", "pull", "--all")
    theirs, workspace.root = workspace.root, mine
    shutil.copy(theirs / "forge.lock", mine)
    if with_files:
        shutil.copytree(theirs / "components", mine / "components", dirs_exist_ok=True)
    lock = (mine / "forge.lock").read_bytes()
    workspace.run("install")
    assert workspace.tree("salesforce-lookup") == versions.tree("v2.9.0", "components/tools/salesforce-lookup")
    row = workspace.one()
    assert (row["status"], row["local_commit"], row["version"]) == ("synced", versions.tip(), "2.9.0")
    assert (mine / "forge.lock").read_bytes() == lock


def test_a_lock_that_somebody_else_moved_writes_over_no_local_change(workspace, versions):
    mine = workspace.root
    workspace.run("install", f"{LOOKUP}@^2")
    workspace.root = workspace.clone()
    workspace.run("install")
    versions.commit(tool("salesforce-lookup", "2.9.0", timeout=9), tag="v2.9.0")
    workspace.run("sync", "pull", "--all")
    theirs, workspace.root = workspace.root, mine
    workspace.edit("salesforce-lookup", "timeout: 2", "timeout: 77")
    before = workspace.files("salesforce-lookup")
    shutil.copy(theirs / "forge.lock", mine)
    shown = workspace.run("install", status=7)
    assert "local changes" in shown.out and workspace.files("salesforce-lookup") == before


@pytest.fixture
def locked(workspace, versions):
    """Three components installed, one by a range; and the bytes of their lock."""
    workspace.upstream("company/mail", {**tool("email-composer", "1.0.0"),
                                        **tool("sorter", extra=needing("email-composer", "^1.0.0", f"{HOST}/company/mail"))})
    workspace.run("install", f"{LOOKUP}@^2", f"{HOST}/company/mail/email-composer", f"{HOST}/company/mail/sorter")
    return (workspace.root / "forge.lock").read_bytes()


@pytest.mark.parametrize("words", [("install", "sorter"), ("install", f"{HOST}/company/mail/sorter"), ("install",),
                                   ("sync", "pull", "sorter"), ("sync", "pull", "--all")])
def test_a_lock_that_was_deleted_comes_back_whole(workspace, versions, locked, words):
    workspace.upstreams["company/mail"].commit({"README.md": "elsewhere\n"})
    workspace.run("sync", "status")  # moves the bases past the locked commits
    (workspace.root / "forge.lock").unlink()
    versions.commit(tool("salesforce-lookup", "2.9.0", timeout=9), tag="v2.9.0")
    workspace.run(*words)
    lock, before = workspace.lock(), {line["component"]: line for line in yaml.safe_load(locked)["components"]}
    assert list(lock) == list(before)
    pulled = {"sorter", "email-composer", "salesforce-lookup"} if "--all" in words else {"sorter"}
    for name, line in before.items():
        if name not in pulled:
            assert lock[name] == line
        assert lock[name]["dependencies"] == line["dependencies"]
    assert lock["salesforce-lookup"]["version"] == ("2.9.0" if "--all" in words else "2.2.0")
    assert all(row["status"] in ("synced", "outdated") for row in workspace.status().values())


def test_a_deleted_lock_is_made_of_what_is_installed_where_no_copy_is_left(workspace, versions, locked):
    (workspace.root / "forge.lock").unlink()
    (workspace.root / ".forge" / "forge.lock").write_text("version: 1\ncomponents:\n  - comp")
    workspace.run("install", "sorter")
    for line in yaml.safe_load(locked)["components"]:
        line.pop("resolved_at"), line.pop("version", None)
        found = workspace.lock()[line["component"]]
        assert found.pop("resolved_at") and found == line


def test_a_line_that_the_lock_lost_comes_back_and_one_that_nobody_wants_does_not(workspace, versions, locked):
    text = (workspace.root / "forge.lock").read_text()
    head, *lines = text.split("  - component: ")
    (workspace.root / "forge.lock").write_text(head + "".join(
        f"  - component: {line}" for line in lines if not line.startswith("salesforce-lookup")))
    workspace.run("install", "sorter")
    assert (workspace.root / "forge.lock").read_bytes() == locked
    (workspace.root / "forge.lock").unlink()
    listed = (workspace.root / "forge.yaml").read_text().split("  - repository: ")
    (workspace.root / "forge.yaml").write_text("  - repository: ".join(part for part in listed if "salesforce-lookup" not in part))
    workspace.run("install", "sorter")
    assert set(workspace.lock()) == {"email-composer", "sorter"}


def test_local_edits_of_a_clone_are_kept_and_shown_as_modified(workspace, versions):
    workspace.run("install", f"{LOOKUP}@2.1.3")
    workspace.edit("salesforce-lookup", "timeout: 2", "timeout: 77")
    workspace.root = workspace.clone()
    workspace.run("install")
    assert "timeout: 77" in workspace.path("salesforce-lookup", "component.yaml").read_text()
    row = workspace.one()
    assert row["status"] == "modified" and row["changes"] == [
        {"file": "component.yaml", "path": "config.timeout", "old": 2, "new": 77}]


def test_a_locked_commit_that_is_no_longer_on_any_branch_is_told(workspace, versions):
    workspace.run("install", f"{LOOKUP}@main")
    workspace.root = workspace.clone()
    shutil.rmtree(workspace.root / "components")
    shutil.rmtree(workspace.home / "cache", ignore_errors=True)
    versions.commit(tool("salesforce-lookup", "5.0.0"), fresh=True)
    shown = workspace.run("install", status=8)
    assert "salesforce-lookup" in shown.out + shown.err
    assert not workspace.path("salesforce-lookup").exists()


# ---- damage ----


@pytest.mark.parametrize("file, text, place", [
    ("forge.lock", "<<<<<<< ours\nversion: 1\n", "forge.lock:2:"),
    ("forge.lock", "version: 1\ncomponents:\n  - component: x\n", "forge.lock:3:"),
    ("forge.yaml", "components:\n  - component: x\n", "forge.yaml:2:"),
])
def test_a_damaged_file_of_the_workspace_is_told_once_a_command(workspace, locked, file, text, place):
    (workspace.root / file).write_text(text)
    for words in (("install",), ("install", "sorter"), ("sync", "status"), ("sync", "pull", "--all"), ("sync", "push", "--all"),
                  ("dev", "validate"), ("dev", "diff", "sorter"), ("remove", "sorter")):
        shown = workspace.run(*words, status=3)
        assert shown.out == "" and shown.err.count(place) == 1, words
        assert shown.err.splitlines()[1] == (
            "hint: correct it where it is named, or take it from version control again; if it is forge.lock, it may also be "
            "deleted: `forge install` writes it anew")
        assert error_of(workspace.run(*words, "--format", "json", status=3))["code"] == "WORKSPACE_INVALID"
    assert (workspace.root / file).read_text() == text
    if file == "forge.lock":
        (workspace.root / file).unlink()
        workspace.run("install")
        assert (workspace.root / file).read_bytes() == locked


def test_the_files_keep_their_permissions(workspace, versions):
    workspace.run("install", f"{LOOKUP}@2.1.3")
    for file in ("forge.yaml", "forge.lock"):
        (workspace.root / file).chmod(0o640)
    workspace.run("install", f"{LOOKUP}@2.2.0")
    for file in ("forge.yaml", "forge.lock"):
        assert (workspace.root / file).stat().st_mode & 0o777 == 0o640


# ---- forge's own repository ----


def loose_objects(workspace):
    return [path for path in (workspace.root / ".forge" / "repository" / "objects").glob("??/*")]


def test_a_command_that_is_alone_packs_a_repository_of_many_objects(workspace, versions, locked):
    workspace.path("sorter", "component.yaml").write_text("name: mine\n")
    workspace.run("dev", "stash", "sorter")
    stashes = workspace.run("dev", "stash", "list", "--format", "json").json
    repository = workspace.root / ".forge" / "repository"
    junk = workspace.folder / "junk"
    junk.mkdir()
    for number in range(1001):
        (junk / str(number)).write_text(f"{number}\n")
    git = ["git", "-c", "core.fsync=none", "-C", repository]
    subprocess.run([*git, "hash-object", "-w", "--stdin-paths"], check=True, text=True, stdout=subprocess.DEVNULL,
                   input="".join(f"{path}\n" for path in sorted(junk.iterdir())))
    for path in loose_objects(workspace):
        os.utime(path, (0, 0))
    with open(workspace.root / ".forge" / "lock", "rb") as lock:
        # Another command that uses the workspace keeps this one from it.
        fcntl.fcntl(lock, OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 1, 1, 0))
        workspace.run("list")
        assert len(loose_objects(workspace)) > 1001
    workspace.run("list")
    assert loose_objects(workspace) == [] and len(list((repository / "objects" / "pack").glob("*.pack"))) == 1
    fsck = subprocess.run([*git, "fsck", "--strict", "--full"], check=True, text=True, capture_output=True)
    assert "missing" not in fsck.stdout + fsck.stderr
    assert workspace.run("dev", "stash", "list", "--format", "json").json == stashes
    workspace.run("dev", "stash", "pop", "sorter")
    assert workspace.path("sorter", "component.yaml").read_text() == "name: mine\n"
    assert workspace.one("salesforce-lookup")["status"] == "synced"
    workspace.run("install", f"{LOOKUP}@1.9.0")
    assert workspace.one("salesforce-lookup")["status"] == "synced"
