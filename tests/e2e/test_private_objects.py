"""What one fork has and its upstream and the other forks have not: none of it reaches another server, not even its
name. Every request is kept by a server in front of the real one, and looked through object by object."""

import re
import subprocess

import pytest

import packs
from hostile import HostileServer, Recorder
from packs import BLOB, COMMIT, TREE, Pack
from world import HOST

RECORDED = "recorded.example.com"


@pytest.fixture
def recorder(world):
    with Recorder(world.server.port) as server:
        world.hosts[RECORDED] = {"clone": f"{server.url}/{world.corner}"}
        world.configure()
        yield server


def objects_in(body, folder):
    """The ids of the objects that a push's body brings, deltas resolved (against FOLDER, which has everything)."""
    start = body.find(b"PACK")
    if start < 0:
        return set()
    done = subprocess.run(["git", "-C", folder, "index-pack", "--stdin", "--fix-thin"],
                          input=body[start:], capture_output=True)
    place = folder / "objects" / "pack"
    assert done.returncode == 0, done.stderr
    found = set()
    for pack in place.glob("*.pack"):
        listing = subprocess.run(["git", "verify-pack", "-v", pack.with_suffix(".idx")], capture_output=True, text=True)
        found |= set(re.findall(r"^([0-9a-f]{40}) ", listing.stdout, re.M))
        pack.unlink()
        pack.with_suffix(".idx").unlink(missing_ok=True)
    return found


def ids(git, *arguments):
    return set(git("rev-list", "--objects", "--no-object-names", *arguments).split())


def sent(recorder, repository, scratch):
    """Every object, and every id in plain, that was sent to REPOSITORY."""
    found = set()
    for exchange in recorder.exchanges:
        if f"/{repository}/" not in exchange.path and f"/{repository}.git/" not in exchange.path:
            continue
        head = exchange.body.split(b"PACK")[0]
        found |= set(re.findall(r"[0-9a-f]{40}", head.decode("latin-1")))
        if exchange.path.endswith("git-receive-pack"):
            found |= objects_in(exchange.body, scratch)
    return found


@pytest.fixture
def scratch(tmp_path):
    place = tmp_path / "scratch.git"
    subprocess.run(["git", "init", "-q", "--bare", place], check=True)
    return place


def test_forks_of_one_upstream_learn_nothing_of_each_other(world, recorder, scratch):
    world.fleet.upstream("company/tools")
    for name in ("one", "two", "three"):
        world.fleet.fork(name, f"{name}/tools", "company/tools", behind=2, ahead=2)
    world.fleet.build()
    everything = world.fleet.repositories
    (scratch / "objects/info").mkdir(exist_ok=True)
    (scratch / "objects/info/alternates").write_text(
        "".join(f"{path}/objects\n" for path in everything.glob("*/*.git")))
    upstream = ids(lambda *a: world.git("company/tools", *a), "main")
    private = {name: ids(lambda *a, n=name: world.git(f"{n}/tools", *a), "main") - upstream
               for name in ("one", "two", "three")}
    for name in private:
        world.run("fork", "add", name, "--fork", f"{RECORDED}/{name}/tools", "--upstream", f"{RECORDED}/company/tools")
    for _ in range(2):
        document = world.sync()
        assert document["succeeded"] == 3
    pushed = sent(recorder, "one/tools", scratch)
    assert pushed & upstream, "nothing was recorded"
    for name, own in private.items():
        others = set().union(*(objects for other, objects in private.items() if other != name)) - own
        assert own and others
        assert not sent(recorder, f"{name}/tools", scratch) & others
    assert not sent(recorder, "company/tools", scratch) & set().union(*private.values())


def test_an_upstream_that_names_a_forks_private_commit_gets_nothing_of_it(world, recorder, scratch):
    """The upstream of `spy` says that its newest commit comes after one that only the fork `one` has. That commit is
    in this process's cache by then; it must not become part of what `spy` is given."""
    world.fleet.upstream("company/tools")
    world.fleet.fork("one", "one/tools", "company/tools", behind=2, ahead=2)
    world.fleet.fork("spy", "spy/tools", "company/tools", behind=2)
    world.fleet.build()
    world.run("fork", "add", "one", "--fork", f"{RECORDED}/one/tools", "--upstream", f"{HOST}/company/tools")
    upstream = ids(lambda *a: world.git("company/tools", *a), "main")
    private = ids(lambda *a: world.git("one/tools", *a), "main") - upstream
    secret = world.git("one/tools", "rev-parse", "main")
    assert world.sync()["succeeded"] == 1
    (scratch / "objects/info").mkdir(exist_ok=True)
    (scratch / "objects/info/alternates").write_text(
        "".join(f"{path}/objects\n" for path in world.fleet.repositories.glob("*/*.git")))
    with HostileServer() as server:
        world.hosts["hostile.example.com"] = {"clone": server.url}
        world.configure()
        pack = Pack()
        tree = pack.add(TREE, packs.tree(("100644", b"file", pack.add(BLOB, b"x\n"))))
        tip = pack.add(COMMIT, packs.commit(tree, secret))
        server.give("company/tools", {"refs/heads/main": tip, "HEAD": tip}, pack.bytes())
        world.run("fork", "add", "spy", "--fork", f"{RECORDED}/spy/tools",
                  "--upstream", "hostile.example.com/company/tools")
        document = world.sync("spy", status=None)
        assert document["forks"][0]["error"]["code"] == "BROKEN_REPOSITORY", document
        asked = b"".join(server.bodies).decode("latin-1")
        assert not set(re.findall(r"[0-9a-f]{40}", asked)) & private
    assert not sent(recorder, "spy/tools", scratch) & private
    missing = subprocess.run(["git", "-C", world.path("spy/tools"), "cat-file", "-e", secret], capture_output=True)
    assert missing.returncode != 0
