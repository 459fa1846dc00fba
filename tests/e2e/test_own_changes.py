"""Changes that were pushed, merged upstream and edited on: nobody is in conflict with what is one's own, and nobody's
changes get lost on the way."""

import pytest

from pushes import FOLDER, TOOL, UPSTREAM, Work, manifest
from world import kill


@pytest.fixture
def work(tmp_path, server, request):
    return Work(tmp_path, server, request.node.name.translate(str.maketrans("[]/ ", "----"))).installed()


def component(**values):
    return {f"{FOLDER}/component.yaml": manifest(**values)}


def set_main(work, commit):
    work.git(UPSTREAM, "update-ref", "refs/heads/main", commit)


def merge_commit(work, tip, pushed):
    """A merge of PUSHED into TIP, made on the server as a person's button makes it."""
    tree = work.git(UPSTREAM, "merge-tree", "--write-tree", tip, pushed).split()[0]
    return work.git(UPSTREAM, "-c", "user.name=U", "-c", "user.email=u@example.com", "commit-tree", "-p", tip, "-p", pushed,
                    "-m", "Merge", tree).strip()


def land(work, how, pushed):
    """Upstream takes what was pushed."""
    tip = work.tip(UPSTREAM, "main")
    if how == "merge":
        set_main(work, merge_commit(work, tip, pushed))
    elif how == "fast-forward":
        set_main(work, pushed)
    else:  # squashed or rebased: another commit with the same changes
        work.commit({f"{FOLDER}/component.yaml": work.show(pushed, f"{FOLDER}/component.yaml") + "\n"})


HOW = ["merge", "fast-forward", "squash"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("option", ["--merge", "--rebase", "--stash"])
def test_what_upstream_took_is_no_conflict_with_what_was_edited_since(work, how, option):
    work.edit(timeout=60)
    land(work, how, work.push()["commit"])
    work.edit(timeout=90)
    work.run("sync", "pull", TOOL, option)
    if option == "--stash":
        assert work.file().read_text() == manifest(timeout=60)
        work.run("dev", "stash", "pop", TOOL)
    assert work.file().read_text() == manifest(timeout=90)
    assert work.status()["status"] == "modified" and work.status()["behind"] == 0


@pytest.mark.parametrize("how", HOW)
def test_what_upstream_did_before_and_after_comes_along(work, how):
    work.edit(timeout=60)
    pushed = work.push()["commit"]
    work.commit({f"{FOLDER}/notes.md": "Before.\n", "README.md": "Other\n"})
    land(work, "merge" if how == "fast-forward" else how, pushed)
    work.commit({f"{FOLDER}/after.md": "After.\n"})
    work.edit(timeout=90)
    work.run("sync", "pull", TOOL, "--merge")
    assert work.file().read_text() == manifest(timeout=90)
    assert work.file("notes.md").read_text() == "Before.\n" and work.file("after.md").read_text() == "After.\n"


@pytest.mark.parametrize("how", HOW)
def test_what_upstream_changed_of_it_since_is_a_conflict(work, how):
    work.edit(timeout=60)
    land(work, how, work.push()["commit"])
    work.commit(component(timeout=70))
    work.edit(timeout=90)
    document = work.run("sync", "pull", TOOL, "--merge", "--format", "json", status=7).json
    assert [one["place"] for one in document["components"][0]["conflicts"]] == ["config.timeout"]
    # It is about the pushed value, not about what it was before.
    work.run("sync", "resolve", TOOL, "--prefer-local")
    assert work.file().read_text() == manifest(timeout=90)


def test_what_upstream_did_not_take_is_a_conflict(work):
    work.edit(timeout=60)
    work.push()
    work.commit(component(timeout=45))
    work.edit(timeout=90)
    work.run("sync", "pull", TOOL, "--merge", status=7)


@pytest.mark.parametrize("how", ["merge", "fast-forward"])
def test_what_the_push_merged_in_is_upstreams_and_stays(work, how):
    work.commit(component(retries=9))
    work.edit(timeout=60)
    land(work, how, work.push()["commit"])
    work.edit(timeout=90)
    work.run("sync", "pull", TOOL, "--merge")
    assert work.file().read_text() == manifest(timeout=90, retries=9)


def test_a_second_push_keeps_what_the_first_one_merged_in(work):
    work.commit(component(retries=9))
    work.edit(timeout=60)
    work.push("--branch", "tuning")
    work.edit(timeout=90)
    commit = work.push("--branch", "tuning")["commit"]
    assert work.show(commit, f"{FOLDER}/component.yaml") == manifest(timeout=90, retries=9).strip()


def test_of_several_pushes_the_newest_that_upstream_took_counts(work):
    work.edit(timeout=60)
    land(work, "squash", work.push()["commit"])
    work.edit(timeout=90)
    work.push("--branch", "more")
    work.edit(timeout=120)
    work.run("sync", "pull", TOOL, "--merge")
    assert work.file().read_text() == manifest(timeout=120)


@pytest.mark.parametrize("edited", [False, True])
def test_a_push_that_a_later_attempt_finds_counts_if_it_would_come_to_the_same(work, edited):
    work.commit(component(retries=9))
    work.edit(timeout=60)
    gate = work.server.hold_answers(work.repository(UPSTREAM))
    child = work.start("sync", "push", TOOL)
    gate.wait_reached()
    kill(child)
    gate.remove()
    gate.open()
    (branch,) = [ref for ref in work.heads() if ref != "refs/heads/main"]
    if edited:  # then nobody knows which files the push was made of
        work.edit(timeout=90)
    work.run("sync", "status", TOOL)
    land(work, "fast-forward", work.heads()[branch])
    work.edit(timeout=90)
    work.run("sync", "pull", TOOL, "--merge", status=7 if edited else 0)
    if edited:
        work.run("sync", "resolve", TOOL, "--prefer-local")
    assert work.file().read_text() == manifest(timeout=90, retries=9)
    gate.close()


def test_with_checkpoints_too(work):
    work.edit(timeout=60)
    work.run("dev", "checkpoint", TOOL, "-m", "Slower")
    land(work, "squash", work.push()["commit"])
    work.edit(timeout=90)
    work.run("sync", "pull", TOOL, "--merge")
    assert work.file().read_text() == manifest(timeout=90)
    assert "Slower" in work.run("dev", "log", TOOL).out


def test_what_was_seen_upstream_as_it_is_here_is_no_conflict_later(work):
    """Somebody brought the very same files upstream, without forge."""
    work.edit(timeout=60)
    work.commit(component(timeout=60))
    assert work.status()["status"] == "synced"
    work.edit(timeout=90)
    work.run("sync", "pull", TOOL, "--merge")
    assert work.file().read_text() == manifest(timeout=90)
