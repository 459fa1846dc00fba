"""Pulls and installations at their edges: checkpoints that must outlive them, folders that are gone, refusals that must
leave nothing behind."""

import json
import shutil
import subprocess

import pytest

from workspace import HOST, manifest, needing, tool

NAME = "salesforce-lookup"
CRM = f"{HOST}/company/crm-tools"
COMPONENT = "components/tools/salesforce-lookup"


@pytest.fixture
def crm(workspace):
    return workspace.crm()


def update(upstream, version="2.2.0", tag=None, **config):
    return upstream.commit(tool(NAME, version, **config), tag=tag)


def git(workspace, *arguments):
    done = subprocess.run(["git", "--git-dir", workspace.root / ".forge" / "repository", *arguments], check=True,
                          stdout=subprocess.PIPE, text=True, env=workspace.env)
    return done.stdout.strip()


def reached(workspace):
    """Subjects of all commits that a ref of the component keeps."""
    return git(workspace, "log", "--format=%s", f"--glob=refs/forge/{NAME}").splitlines()


def refs(workspace, kind):
    return git(workspace, "for-each-ref", "--format=%(objectname)", f"refs/forge/{NAME}/{kind}").split()


def write(workspace, name, text):
    workspace.path(NAME, name).write_text(text)


def checkpoint(workspace, name, message):
    write(workspace, name, message)
    workspace.run("dev", "checkpoint", NAME, "-m", message)


# ---- checkpoints ----


def test_a_rebase_whose_last_changes_are_upstreams_keeps_the_newest_checkpoint(workspace, crm):
    checkpoint(workspace, "a.txt", "One")
    checkpoint(workspace, "b.txt", "Two")
    write(workspace, "c.txt", "same\n")
    crm.commit({f"{COMPONENT}/c.txt": "same\n"})
    workspace.run("sync", "pull", NAME, "--rebase")
    assert git(workspace, "log", "-2", "--format=%s", f"refs/forge/{NAME}/local").splitlines() == ["Two", "One"]
    assert workspace.one()["status"] == "modified"


def test_a_rebase_keeps_the_files_above_the_newest_checkpoint_out_of_it(workspace, crm):
    checkpoint(workspace, "a.txt", "One")
    write(workspace, "b.txt", "loose\n")
    update(crm)
    workspace.run("sync", "pull", NAME, "--rebase")
    assert git(workspace, "log", "-1", "--format=%s", f"refs/forge/{NAME}/local") == "One"
    assert git(workspace, "ls-tree", "--name-only", f"refs/forge/{NAME}/local", "b.txt") == ""
    assert workspace.path(NAME, "b.txt").read_text() == "loose\n"


@pytest.mark.parametrize("option", ["", "--merge", "--rebase", "--overwrite", "--stash"])
def test_checkpoints_that_lead_to_upstreams_files_are_kept(workspace, crm, option):
    checkpoint(workspace, "a.txt", "One")
    checkpoint(workspace, "b.txt", "Two")
    crm.commit({f"{COMPONENT}/a.txt": "One", f"{COMPONENT}/b.txt": "Two"})
    workspace.run("sync", "pull", NAME, *([option] if option else []))
    assert {"One", "Two"} <= set(reached(workspace))
    assert workspace.one()["status"] == "synced" and workspace.tree(NAME) == crm.tree("main", COMPONENT)


# ---- refusals ----


def test_a_stash_is_not_made_for_a_pull_that_ends_in_a_conflict(workspace, crm):
    workspace.upstream("company/other", tool("report", extra=needing(NAME, "^2.0.0")))
    workspace.run("install", f"{HOST}/company/other/report")
    write(workspace, "notes.txt", "mine\n")
    crm.commit(tool(NAME, "3.0.0"), tag="v3.0.0")
    before = workspace.files(NAME)
    workspace.run("sync", "pull", NAME, "--stash", status=7)
    assert workspace.files(NAME) == before
    assert refs(workspace, "stash/") == [] and len(refs(workspace, "pending/")) == 3


def test_a_merge_with_more_conflicts_than_a_fact_holds_is_kept_whole(workspace):
    folder = "d" * 200 + "/" + "e" * 200 + "/" + "f" * 200 + "/" + "g" * 200
    paths = [f"{folder}/{number:03}.txt" for number in range(150)]
    crm = workspace.crm(more={path: "old\n" for path in paths})
    for path in paths:
        write(workspace, path, "mine\n")
    crm.commit({f"{COMPONENT}/{path}": "theirs\n" for path in paths})
    workspace.run("sync", "pull", NAME, "--merge", status=7)
    entry = workspace.one()
    assert entry["status"] == "conflict" and "150 conflicts" in workspace.run("sync", "status", NAME).out


def test_places_are_cut_where_they_are_many(workspace):
    before = {f"key-{number:05}-{'k' * 40}": 1 for number in range(4000)}
    crm = workspace.crm(more={"data.json": json.dumps(before, indent=1) + "\n"})
    write(workspace, "data.json", json.dumps({key: 2 for key in before}, indent=1) + "\n")
    crm.commit({f"{COMPONENT}/data.json": json.dumps({key: 3 for key in before}, indent=1) + "\n"})
    shown = workspace.run("sync", "pull", NAME, "--merge", "--format", "json", status=7)
    assert len(shown.out) < 10_000 and " more" in shown.out
    assert workspace.one()["status"] == "conflict"


# ---- folders that are gone ----


@pytest.fixture(params=["new", "same"])
def deleted(workspace, crm, request):
    """The component's folder is gone; upstream has something new, or not."""
    if request.param == "new":
        update(crm, timeout=45)
    shutil.rmtree(workspace.path(NAME))
    return request.param


@pytest.mark.parametrize("option", ["--overwrite", "--stash"])
def test_a_deleted_folder_is_restored(workspace, crm, deleted, option):
    workspace.run("sync", "pull", NAME, option)
    assert workspace.tree(NAME) == crm.tree("main", COMPONENT)
    assert refs(workspace, "stash/") == [] and workspace.one()["status"] == "synced"


def test_install_restores_a_deleted_folder(workspace, crm, deleted):
    workspace.run("install", NAME)
    assert workspace.tree(NAME) == crm.tree("v2.1.3", COMPONENT)


def test_a_deleted_folder_is_no_loss_of_checkpoints(workspace, crm):
    checkpoint(workspace, "a.txt", "One")
    update(crm)
    shutil.rmtree(workspace.path(NAME))
    workspace.run("sync", "pull", NAME, "--overwrite")
    assert "One" in reached(workspace) and workspace.tree(NAME) == crm.tree("main", COMPONENT)


@pytest.mark.parametrize("option", ["--merge", "--rebase"])
def test_a_deleted_folder_is_merged_as_all_files_deleted(workspace, crm, option):
    update(crm, timeout=45)
    shutil.rmtree(workspace.path(NAME))
    workspace.run("sync", "pull", NAME, option, status=7)
    assert not workspace.path(NAME).exists() and workspace.one()["status"] == "conflict"


def test_a_deleted_folder_stays_deleted_while_only_the_base_moves(workspace, crm):
    shutil.rmtree(workspace.path(NAME))
    crm.commit({"README": "elsewhere\n"})
    workspace.run("sync", "pull", NAME)
    assert not workspace.path(NAME).exists() and workspace.one()["status"] == "modified"


def test_a_plain_pull_refuses_a_deleted_folder(workspace, crm):
    update(crm, timeout=45)
    shutil.rmtree(workspace.path(NAME))
    shown = workspace.run("sync", "pull", NAME, "--format", "json", status=7)
    assert shown.json["components"][0]["error"]["code"] == "LOCAL_CHANGES"


# ---- empty folders ----


def test_an_empty_folder_is_no_component(workspace, crm):
    shutil.rmtree(workspace.root / ".forge")
    shutil.rmtree(workspace.path(NAME))
    workspace.path(NAME).mkdir()
    workspace.run("init", workspace.root, status=None)
    workspace.run("install")
    assert workspace.tree(NAME) == crm.tree("main", COMPONENT) and workspace.one()["status"] == "synced"


def test_a_folder_that_was_emptied_is_restored(workspace, crm):
    shutil.rmtree(workspace.path(NAME))
    workspace.path(NAME).mkdir()
    workspace.run("install", NAME)
    assert workspace.tree(NAME) == crm.tree("main", COMPONENT) and workspace.one()["status"] == "synced"
