"""Repositories of a size that hurts: each is synced, or refused with a clear code, in bounded memory and time."""

import json

import pytest

import packs
from hostile import HostileServer
from measure import measured
from packs import BLOB, COMMIT, TREE, Pack
from test_hostile_packs import HOSTILE, history, hostile, meeting, outcome, serve  # noqa: F401 (fixtures)
from world import HOST


def test_a_hundred_thousand_refs_cost_little(world):
    world.one(behind=2)
    tip = world.tip("company/tools")
    lines = [f"{tip} refs/heads/many/{number:06}\n" for number in range(100_000)]
    (world.path("company/tools") / "packed-refs").write_text("".join([f"{tip} refs/heads/main\n", *lines]))
    result = measured(world, "fork", "sync", "--all", "--format", "json")
    assert json.loads(result.out)["forks"][0]["status"] == "fast_forwarded"
    assert result.peak_kb < 128 * 1024 and result.seconds < 30


def test_more_branches_than_a_fork_may_have_are_refused_by_name(world):
    world.one(behind=2, add=("--branch", "many/*"))
    tip = world.tip("company/tools")
    lines = [f"{tip} refs/heads/many/{number:06}\n" for number in range(100_000)]
    (world.path("company/tools") / "packed-refs").write_text("".join([f"{tip} refs/heads/main\n", *lines]))
    result = measured(world, "fork", "sync", "--all", "--format", "json")
    assert json.loads(result.out)["forks"][0]["error"]["code"] == "TOO_LARGE"
    assert result.peak_kb < 256 * 1024 and result.seconds < 30


def names(count):
    return [b"file-%07d" % number for number in range(count)]


@pytest.mark.parametrize("ahead", [False, True], ids=["forward", "merge"])
def test_a_tree_of_a_million_entries_is_synced_in_bounded_memory(meeting, hostile, ahead):  # noqa: F811
    pack, base = history(meeting)
    blob = pack.add(BLOB, b"x\n")
    kept = meeting.git("me/victim", "ls-tree", "main").splitlines()
    entries = [(line.split()[0].lstrip("0"), line.split("\t")[1].encode(), line.split()[2]) for line in kept]
    entries += [("100644", name, blob) for name in names(1_000_000)]
    entries.sort(key=lambda entry: entry[1] + (b"/" if entry[0] == "40000" else b""))
    tip = pack.add(COMMIT, packs.commit(pack.add(TREE, packs.tree(*entries)), base))
    if ahead:
        own = meeting.git("me/victim", "commit-tree", "-p", base, "-m", "own", f"{base}^{{tree}}",
                          env={"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
                               "GIT_COMMITTER_EMAIL": "a@b"})
        meeting.git("me/victim", "update-ref", "refs/heads/main", own)
    serve(hostile, pack, tip)
    assert outcome(meeting, memory_mb=1024) == ("merged" if ahead else "fast_forwarded")


@pytest.mark.parametrize("levels", [200, 10_000])
def test_directories_within_each_other_are_bounded(meeting, hostile, levels):  # noqa: F811
    pack, base = history(meeting)
    inner = pack.add(TREE, packs.tree(("100644", b"file", pack.add(BLOB, b"x\n"))))
    for _ in range(levels):
        inner = pack.add(TREE, packs.tree(("40000", b"d", inner)))
    serve(hostile, pack, pack.add(COMMIT, packs.commit(inner, base)))
    assert outcome(meeting) == ("fast_forwarded" if levels < 256 else "TOO_LARGE")


def test_three_thousand_packs_are_read_with_a_thousand_descriptors(world):
    fork = world.one(behind=2, ahead=1)
    assert world.sync()["succeeded"] == 1
    stores = [path for path in (world.home / "cache").rglob("objects/pack") if path.is_dir()]
    assert stores
    for number in range(3000):
        pack = Pack()
        oid = pack.add(BLOB, b"object %d" % number)
        stem = stores[0] / f"pack-{number:040x}"
        stem.with_suffix(".pack").write_bytes(pack.bytes())
        stem.with_suffix(".idx").write_bytes(packs.index_of_one(pack.bytes(), oid))
    before = world.tip("company/tools")
    tree = world.git("company/tools", "rev-parse", "main^{tree}")
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    newer = world.git("company/tools", "commit-tree", "-p", before, "-m", "newer", tree, env=names)
    world.git("company/tools", "update-ref", "refs/heads/main", newer)
    world.prefix = ["sh", "-c", 'ulimit -n 1024; exec "$@"', "sh"]
    result = measured(world, "fork", "sync", "--all", "--format", "json")
    assert json.loads(result.out)["forks"][0]["status"] == "merged", result
    assert result.peak_kb < 256 * 1024 and result.seconds < 60
    assert world.git(fork.repository, "merge-base", "--is-ancestor", newer, "main") == ""
