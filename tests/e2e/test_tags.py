"""fork add --tags: upstream's new tags are added to the fork, and no tag is ever moved."""

import os
import random

import pytest

from fleet import Commit, EPOCH, Kind, add_commits
from git_server import lfs_pointer
from process import ended_within
from test_kill import facts, status_of, wait_for_requests
from world import finish_child, kill

AS_SOMEBODY = ("-c", "user.name=Jane Doe", "-c", "user.email=jane@example.com")
TAGS = "refs/tags/*"


def tag(world, name, tag_name, revision="main", annotated=False):
    """Tags REVISION; returns the object that the tag names."""
    words = ("-a", "-m", f"Release {tag_name}") if annotated else ()
    world.git(name, *AS_SOMEBODY, "tag", "-f", *words, tag_name, revision)
    return world.git(name, "rev-parse", f"refs/tags/{tag_name}")


def tags(world, fork):
    return world.refs(fork.repository, "refs/tags/")


def entries(document):
    """(the branch's entry, the tags' entry)"""
    by_branch = {entry["branch"]: entry for entry in document["forks"]}
    assert set(by_branch) == {"main", TAGS}, document
    return by_branch["main"], by_branch[TAGS]


def tagged(world, **shape):
    """A fork with --tags; upstream has a light tag, an annotated one and one on a commit that is on no branch."""
    fork = world.one(**shape, add=("--tags",))
    light = tag(world, fork.upstream, "v1.0", "main~3")
    noted = tag(world, fork.upstream, "v1.1", annotated=True)
    tree = world.git(fork.upstream, "rev-parse", "main^{tree}")
    beside = world.git(fork.upstream, *AS_SOMEBODY, "commit-tree", "-p", "main~1", "-m", "beside", tree)
    return fork, {"refs/tags/v1.0": light, "refs/tags/v1.1": noted,
                  "refs/tags/side/v2": tag(world, fork.upstream, "side/v2", beside)}


@pytest.mark.parametrize("shape, status", [({}, "up_to_date"), ({"behind": 2}, "fast_forwarded"),
                                           ({"behind": 2, "ahead": 1}, "merged")])
def test_new_tags_are_added_with_their_objects(world, shape, status):
    fork, expected = tagged(world, **shape)
    branch, told = entries(world.sync())
    assert branch["status"] == status
    assert (told["status"], told["behind"], told["ahead"], told["error"]) == ("fast_forwarded", 3, 0, None)
    assert tags(world, fork) == expected
    assert world.git(fork.repository, "cat-file", "-t", "refs/tags/v1.1") == "tag"
    world.git(fork.repository, "fsck", "--strict", "--connectivity-only")


def test_people_read_how_many(world):
    fork, _ = tagged(world)
    assert "✓ mine (tags): 3 tags would be added" in world.run("fork", "sync", "mine", "--dry-run").lines
    assert tags(world, fork) == {}
    assert "✓ mine (tags): 3 tags added" in world.run("fork", "sync", "mine").lines
    assert "✓ mine (tags): up to date" in world.run("fork", "sync", "mine").lines


def test_without_the_option_there_are_no_tags(world):
    fork = world.one(behind=1)
    tag(world, fork.upstream, "v1.0")
    assert world.sync()["total"] == 1 and tags(world, fork) == {}


def test_where_no_tag_is_new_nothing_is_asked_for_it(world):
    fork, _ = tagged(world)
    world.sync()
    world.server.forget_requests()
    branch, told = entries(world.sync())
    assert branch["status"] == told["status"] == "up_to_date"
    with_tags = [request.repository for request in world.server.requests()]
    world.run("fork", "remove", "mine")
    world.add(fork)
    world.server.forget_requests()
    world.sync()
    assert with_tags == [request.repository for request in world.server.requests()]


def test_a_tag_that_differs_is_told_and_never_moved(world):
    fork, expected = tagged(world, behind=1)
    own = tag(world, fork.repository, "v1.0", annotated=True)
    branch, told = entries(world.sync(status=1))
    assert branch["status"] == "fast_forwarded"
    assert (told["status"], told["error"]["code"], told["behind"]) == ("skipped", "TAG_DIFFERS", 2)
    assert told["conflicts"] == [{"path": "refs/tags/v1.0", "type": "tag"}] and "v1.0" in told["error"]["message"]
    assert tags(world, fork) == expected | {"refs/tags/v1.0": own}
    assert "v1.0" in world.run("fork", "sync", "mine", status=7).out
    assert tags(world, fork)["refs/tags/v1.0"] == own


def test_tags_of_the_forks_own_stay(world):
    fork, expected = tagged(world)
    own = tag(world, fork.repository, "mine-1")
    assert entries(world.sync())[1]["ahead"] == 1
    assert tags(world, fork) == expected | {"refs/tags/mine-1": own}


def test_a_tag_deleted_in_the_fork_comes_back_and_one_deleted_upstream_stays(world):
    fork, expected = tagged(world)
    world.sync()
    world.git(fork.repository, "tag", "-d", "v1.1")
    world.git(fork.upstream, "tag", "-d", "v1.0")
    told = entries(world.sync())[1]
    assert (told["status"], told["behind"], told["ahead"]) == ("fast_forwarded", 1, 1)
    assert tags(world, fork) == expected


def test_a_tag_that_the_server_refuses_does_not_hold_up_the_others(world):
    fork, expected = tagged(world)
    world.server.reject_ref(world.repository(fork.repository), "refs/tags/v1.1", "no releases here")
    told = entries(world.sync(status=1))[1]
    assert (told["status"], told["error"]["code"]) == ("failed", "PUSH_REJECTED")
    assert "v1.1" in told["error"]["message"] and "no releases here" in told["error"]["message"]
    expected.pop("refs/tags/v1.1")
    assert tags(world, fork) == expected


def test_a_tag_that_names_no_commit_is_told_and_the_others_are_added(world):
    fork, expected = tagged(world)
    tag(world, fork.upstream, "a-tree", "main^{tree}")
    tag(world, fork.upstream, "a-file", "main:README.md", annotated=True)
    tag(world, fork.upstream, "of-a-tag", "refs/tags/v1.1", annotated=True)
    told = entries(world.sync(status=1))[1]
    assert (told["status"], told["error"]["code"]) == ("skipped", "UNSUPPORTED")
    assert all(name in told["error"]["message"] for name in ("a-tree", "a-file", "of-a-tag"))
    assert tags(world, fork) == expected
    world.git(fork.repository, "fsck", "--connectivity-only")


@pytest.mark.parametrize("kind, code", [(Kind.EMPTY, "EMPTY_REPOSITORY"), (Kind.UNRELATED, "UNRELATED_HISTORIES")])
def test_another_project_gets_no_tags(world, kind, code):
    fork = world.one(kind=kind, add=("--tags",))
    tag(world, fork.upstream, "v1.0")
    told = entries(world.sync(status=None))[1]
    assert (told["status"], told["error"]["code"]) == ("skipped", code)
    assert tags(world, fork) == {}
    told = entries(world.sync("--all", "--strategy", "overwrite"))[1]
    assert told["status"] == "fast_forwarded" and list(tags(world, fork)) == ["refs/tags/v1.0"]


def test_a_conflict_of_the_branch_does_not_hold_up_tags(world):
    fork, expected = tagged(world, behind=2, ahead=1, kind=Kind.CONFLICT)
    branch, told = entries(world.sync(status=7))
    assert (branch["status"], told["status"]) == ("conflict", "fast_forwarded")
    assert tags(world, fork) == expected


def test_who_names_a_branch_means_that_alone(world):
    fork, _ = tagged(world, behind=1)
    assert [entry["branch"] for entry in world.sync("--all", "--branch", "main")["forks"]] == ["main"]
    assert tags(world, fork) == {}


def test_a_tag_whose_lfs_objects_the_server_lacks_is_left_out(world):
    fork, expected = tagged(world)
    world.server.give_lfs(world.repository(fork.repository))
    world.git(fork.upstream, "branch", "beside", "main")
    add_commits(world.path(fork.upstream), [
        Commit("beside", "U <u@example.com>", EPOCH, "Big", {"big.bin": lfs_pointer(b"not there")})])
    tag(world, fork.upstream, "v3", "beside")
    told = entries(world.sync(status=1))[1]
    assert (told["status"], told["error"]["code"]) == ("failed", "MISSING_LFS_OBJECTS")
    assert "v3" in told["error"]["message"] and tags(world, fork) == expected


def test_a_tag_that_somebody_makes_meanwhile_is_not_moved(world):
    fork, expected = tagged(world)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all", "--format", "json")
    gate.wait_reached()
    own = tag(world, fork.repository, "v1.0", annotated=True)
    gate.remove()
    gate.open()
    told = entries(finish_child(child).json)[1]
    assert (told["status"], told["error"]["code"]) in (("skipped", "TAG_DIFFERS"), ("failed", "PUSH_REJECTED"))
    assert tags(world, fork) == expected | {"refs/tags/v1.0": own}


def test_more_tags_than_one_sync_adds_are_added_by_the_next(world):
    fork = world.one(add=("--tags",))
    tip = world.tip(fork.upstream)
    lines = "".join(f"create refs/tags/v{n:04} {tip}\n" for n in range(2100))
    world.git(fork.upstream, "update-ref", "--stdin", input=lines)
    told = entries(world.sync(status=1))[1]
    assert (told["status"], told["error"]["code"], told["behind"]) == ("skipped", "TOO_LARGE", 2100)
    assert len(tags(world, fork)) == 2000
    assert entries(world.sync())[1]["behind"] == 100 and len(tags(world, fork)) == 2100


def test_tags_that_arrived_unheard_are_told_by_the_next_attempt(world):
    fork, expected = tagged(world)
    gate = world.server.hold_answers(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all")
    gate.wait_reached()
    kill(child)
    gate.remove()
    gate.open()
    assert tags(world, fork) == expected
    world.sync()
    events = world.events()
    announced = {fact["ref"]: fact["after"] for fact in facts(events, "push_intended")}
    told = [fact for fact in facts(events, "fork_synced") if fact["branch"] == TAGS]
    assert announced == expected
    assert [(status_of(fact), fact.get("behind", 0)) for fact in told][0] == ("fast_forwarded", 3)


SEED = int(os.environ.get("FORGE_TEST_SEED", random.SystemRandom().randrange(2**31)))


def test_a_sync_of_tags_killed_anywhere_adds_each_once(world):
    print(f"FORGE_TEST_SEED={SEED}")
    dice = random.Random(f"{SEED} tags")
    world.fleet.upstream("company/tools")
    for number in range(6):
        world.fleet.fork(f"fork-{number}", f"me/fork-{number}", "company/tools", behind=number % 3)
    world.build(register=False)
    expected = {f"refs/tags/v{n}": tag(world, "company/tools", f"v{n}", f"main~{n}", annotated=n % 2 == 0) for n in range(8)}
    forks = list(world.fleet.forks.values())
    for fork in forks:
        world.add(fork, "--tags")
    for _ in range(10):
        child = world.start("fork", "sync", "--all", "--jobs", str(dice.randint(1, 3)))
        alive = wait_for_requests(world, dice.randint(1, 14), child)
        ended_within(child, dice.random() * 0.02)
        kill(child)
        if not alive:
            break
    world.sync(timeout=180)
    world.run("journal", "verify")
    told = {fork.name: [] for fork in forks}
    for fact in facts(world.events(), "fork_synced"):
        if fact["branch"] == TAGS:
            told[fact["fork"]].append((status_of(fact), fact.get("behind", 0)))
    for fork in forks:
        assert tags(world, fork) == expected
        # All of them by the first job that came to an end, whatever became of its attempts.
        assert told[fork.name][0] == ("fast_forwarded", 8) and set(told[fork.name][1:]) <= {("up_to_date", 0)}
        world.git(fork.repository, "fsck", "--connectivity-only")
