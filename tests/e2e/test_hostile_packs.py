"""Upstreams that send what git never would: every one ends its own job with a clear code, in bounded memory and time,
and the same process does the next job."""

import json
import subprocess
import zlib

import pytest

import packs
from hostile import HostileServer
from measure import measured
from packs import BLOB, COMMIT, REF_DELTA, TREE, Pack
from world import HOST

HOSTILE = "hostile.example.com"


@pytest.fixture
def hostile(world):
    with HostileServer() as server:
        world.hosts[HOSTILE] = {"clone": server.url}
        world.configure()
        yield server


@pytest.fixture
def meeting(world, hostile):
    """A fork whose upstream is hostile, and one beside it that is merely behind."""
    world.one(behind=2)
    world.make("me/victim", "main", _first_commit(world))
    world.run("fork", "add", "victim", "--fork", f"{HOST}/me/victim", "--upstream", f"{HOSTILE}/mallory/tools")
    return world


def _first_commit(world):
    from fleet import upstream_commits
    return upstream_commits("company/tools", 1, "main")


def outcome(world, memory_mb=256, seconds=60):
    """The error code of the hostile fork; the other must have been synced by the same process meanwhile."""
    result = measured(world, "fork", "sync", "victim", "mine", "--jobs", "1", "--format", "json")
    print(result.out)
    entries = {entry["name"]: entry for entry in json.loads(result.out)["forks"]}
    assert entries["mine"]["status"] in ("fast_forwarded", "up_to_date"), result
    assert result.peak_kb < memory_mb * 1024 and result.seconds < seconds
    assert world.refs("me/victim") == {"refs/heads/main": world.git("me/victim", "rev-parse", "main")}
    return (entries["victim"]["error"] or {}).get("code", entries["victim"]["status"])


def serve(hostile, pack, tip):
    hostile.give("mallory/tools", {"refs/heads/main": tip, "HEAD": tip}, pack.bytes())


def history(world):
    """A pack with all that the fork has, so that it is whole by itself, and the fork's tip."""
    pack = Pack()
    kinds = {"commit": COMMIT, "tree": TREE, "blob": BLOB}
    for oid in world.git("me/victim", "rev-list", "--objects", "--no-object-names", "main").split():
        kind = world.git("me/victim", "cat-file", "-t", oid)
        content = subprocess.run(["git", "-C", world.path("me/victim"), "cat-file", kind, oid], check=True,
                                 capture_output=True).stdout
        assert pack.add(kinds[kind], content) == oid
    return pack, world.tip("me/victim")


def grown(pack, base, *entries):
    """Adds a commit on BASE with a tree of ENTRIES (a file, if none) to PACK; returns its id."""
    if not entries:
        entries = [("100644", b"file", pack.add(BLOB, b"content\n"))]
    return pack.add(COMMIT, packs.commit(pack.add(TREE, packs.tree(*entries)), base))


# ---- packs that are none --------------------------------------------------------------------------------------------

BROKEN = {
    "nothing": lambda pack: b"",
    "a page": lambda pack: b"<html>come back later</html>",
    "cut in the header": lambda pack: pack.bytes()[:9],
    "cut in an object": lambda pack: pack.bytes(cut=60),
    "cut in the checksum": lambda pack: pack.bytes(cut=3),
    "wrong checksum": lambda pack: pack.bytes(checksum=bytes(20)),
    "more objects than there are": lambda pack: pack.bytes(count=len(pack.entries) + 1),
    "fewer objects than there are": lambda pack: pack.bytes(count=len(pack.entries) - 1),
    "four billion objects": lambda pack: pack.bytes(count=0xffffffff),
    "version 9": lambda pack: b"PACK\0\0\0\x09" + pack.bytes()[8:],
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_pack_that_is_none_ends_its_job_alone(meeting, hostile, kind):
    pack, base = history(meeting)
    tip = grown(pack, base)
    hostile.give("mallory/tools", {"refs/heads/main": tip, "HEAD": tip}, BROKEN[kind](pack))
    assert outcome(meeting) == ("TOO_LARGE" if kind == "four billion objects" else "BROKEN_REPOSITORY")


def add_lie(pack, kind):
    """An object that is not what its entry says."""
    if kind == "longer than said":
        return pack.add(BLOB, b"x" * 1000, size=10)
    if kind == "shorter than said":
        return pack.add(BLOB, b"x" * 10, size=1000)
    if kind == "a size of 2^60":
        return pack.add(BLOB, b"x", size=1 << 60)
    if kind == "no zlib":
        pack.add_packed(BLOB, 10, b"\xff" * 30)
    if kind == "a delta of nothing there":
        pack.add(REF_DELTA, packs.delta(10, 10, (0, 10)), base="12" * 20)
    if kind == "a delta past its base":
        base = pack.add(BLOB, b"0123456789")
        pack.add(REF_DELTA, packs.delta(10, 100, (5, 100)), base=base)
    if kind == "a delta whose size lies":
        base = pack.add(BLOB, b"0123456789")
        pack.add(REF_DELTA, packs.delta(10, 1 << 40, (0, 10)), base=base)
    if kind == "an object of type 5":
        pack.add_packed(5, 1, zlib.compress(b"x"))
    return packs.object_id(BLOB, b"never sent")


@pytest.mark.parametrize("kind", ["longer than said", "shorter than said", "a size of 2^60", "no zlib",
                                  "a delta of nothing there", "a delta past its base", "a delta whose size lies",
                                  "an object of type 5"])
def test_an_object_that_lies_ends_its_job_alone(meeting, hostile, kind):
    pack, base = history(meeting)
    lie = add_lie(pack, kind)
    tip = grown(pack, base, ("100644", b"file", lie))
    serve(hostile, pack, tip)
    assert outcome(meeting) == ("TOO_LARGE" if kind == "a size of 2^60" else "BROKEN_REPOSITORY")


# ---- packs that are more than they look -----------------------------------------------------------------------------


def add_zeros(pack, kind, size):
    """Adds SIZE zero bytes as an object of KIND; its id is not known."""
    packed, size = packs.zeros(size)
    pack.add_packed(kind, size, packed)


@pytest.mark.parametrize("kind, megabytes", [(TREE, 80), (COMMIT, 80), (BLOB, 600)], ids=["tree", "commit", "blob"])
def test_a_huge_object_in_a_small_pack_is_too_large(meeting, hostile, kind, megabytes):
    pack, base = history(meeting)
    add_zeros(pack, kind, megabytes << 20)
    serve(hostile, pack, grown(pack, base))
    assert outcome(meeting) == "TOO_LARGE"


@pytest.mark.parametrize("kind", ["zeros", "chain"])
def test_a_pack_that_takes_forever_ends_with_its_time(meeting, hostile, kind):
    """Ten gigabytes of zeros in ten megabytes; ten thousand deltas, each of the one before."""
    meeting.configure("network: {request: 3s}\n")
    pack, base = history(meeting)
    if kind == "zeros":
        add_zeros(pack, BLOB, 10 << 30)
    else:
        content = bytes(64)
        link = pack.add(BLOB, content)
        for number in range(10_000):
            tail = b"%08d" % number
            content = content[:56] + tail
            pack.add(REF_DELTA, packs.delta(64, 64, (0, 56), tail), base=link)
            link = packs.object_id(BLOB, content)
    serve(hostile, pack, grown(pack, base))
    # A quick machine is done with the chain.
    assert outcome(meeting) in (("TIMEOUT",) if kind == "zeros" else ("TIMEOUT", "fast_forwarded"))


def test_deltas_that_double_again_and_again_are_too_large(meeting, hostile):
    """Three hundred bytes each; the last would have a gigabyte."""
    pack, base = history(meeting)
    size = 1 << 20
    digest = packs.zeros_id(size)
    add_zeros(pack, BLOB, size)
    while size < 1 << 30:
        pack.add(REF_DELTA, packs.delta(size, 2 * size, *packs.copies(size), *packs.copies(size)), base=digest)
        size *= 2
        digest = packs.zeros_id(size) if size < 1 << 30 else None
    serve(hostile, pack, grown(pack, base))
    assert outcome(meeting, memory_mb=2048) == "TOO_LARGE"


# ---- commits that name what was never sent --------------------------------------------------------------------------


def test_a_parent_that_was_never_sent_is_a_broken_repository(meeting, hostile):
    pack = Pack()
    tip = grown(pack, "ab" * 20)
    serve(hostile, pack, tip)
    assert outcome(meeting) == "BROKEN_REPOSITORY"


def test_a_tip_that_was_never_sent_is_a_broken_repository(meeting, hostile):
    pack = Pack()
    grown(pack, meeting.tip("me/victim"))
    hostile.give("mallory/tools", {"refs/heads/main": "ab" * 20, "HEAD": "ab" * 20}, pack.bytes())
    assert outcome(meeting) == "BROKEN_REPOSITORY"


# What git checks out nowhere may be in a history all the same; what is no tree may not.
NAMES = {b".git": "fast_forwarded", b"..": "fast_forwarded", b".GIT": "fast_forwarded", b"": "BROKEN_REPOSITORY",
         b"a/b": "BROKEN_REPOSITORY"}


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_that_git_refuses_harm_nobody_on_the_way_to_a_fork(meeting, hostile, name):
    pack, base = history(meeting)
    tip = grown(pack, base, ("100644", name, pack.add(BLOB, b"x")))
    serve(hostile, pack, tip)
    assert outcome(meeting) == NAMES[name]
    assert meeting.tip("me/victim") == (tip if NAMES[name] == "fast_forwarded" else base)
