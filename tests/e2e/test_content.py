"""Content that git does not push: LFS objects and submodules' repositories that a fork's server may lack."""

import pytest

import fleet as fleets
from fleet import Commit, EPOCH, Gitlink, Kind
from git_server import TOKEN, lfs_pointer
from sshd import Sshd
from world import HOST

MODEL = b"weights of a model"
BATCH = "/info/lfs/objects/batch"


def only(document):
    assert document["total"] == 1
    return document["forks"][0]


def commit(world, name, files, seconds=90_000_000, branch="main"):
    fleets.add_commits(world.path(name), [
        Commit(branch, "Upstream <up@example.com>", EPOCH + seconds, "Later", files)])


def submodules(**urls):
    return "".join(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n' for path, url in urls.items())


def assert_refused(world, code, *named):
    """The sync ends with CODE, its message has every one of NAMED, and no ref of any fork has moved."""
    before = world.all_refs()
    entry = only(world.sync(status=1))
    assert (entry["status"], entry["error"]["code"]) == ("failed", code), entry["error"]
    assert all(name in entry["error"]["message"] for name in named), entry["error"]["message"]
    assert world.all_refs() == before
    return entry


# ---- LFS over HTTP ----


def lfs_fork(world, **shape):
    """A fork whose server has a git-lfs, of an upstream that has a new pointer; and that pointer's content."""
    fork = world.one(**({"behind": 1} | shape))
    world.server.give_lfs(world.repository(fork.repository))
    commit(world, fork.upstream, {"models/model.bin": lfs_pointer(MODEL)})
    return fork


def test_objects_that_the_forks_server_has_let_the_push_pass(world):
    fork = lfs_fork(world)
    world.server.give_lfs_object(world.repository(fork.repository), MODEL)
    assert only(world.sync())["status"] == "fast_forwarded"
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_objects_that_it_lacks_end_the_branch_with_its_counts(world):
    fork = lfs_fork(world)
    entry = assert_refused(world, "MISSING_LFS_OBJECTS", "models/model.bin", "lacks 1 LFS object:")
    assert (entry["behind"], entry["ahead"], entry["before"]) == (2, 0, world.tip(fork.repository))
    assert "git lfs push" in entry["error"]["hint"]


def test_a_dry_run_says_the_same(world):
    lfs_fork(world)
    entry = only(world.sync("--all", "--dry-run", status=1))
    assert entry["error"]["code"] == "MISSING_LFS_OBJECTS"


def test_once_the_objects_are_there_the_next_sync_goes_on(world):
    fork = lfs_fork(world, ahead=1)
    assert_refused(world, "MISSING_LFS_OBJECTS")
    world.server.give_lfs_object(world.repository(fork.repository), MODEL)
    assert only(world.sync())["status"] == "merged"


def test_an_object_of_another_size_is_missing(world):
    fork = world.one(behind=1)
    pointer = world.server.give_lfs_object(world.repository(fork.repository), MODEL)
    commit(world, fork.upstream, {"model.bin": pointer.replace("size 18", "size 19")})
    assert_refused(world, "MISSING_LFS_OBJECTS", "model.bin")


def test_a_server_without_lfs_has_none_and_the_error_says_so(world):
    fork = world.one(behind=1)
    commit(world, fork.upstream, {f"model-{n}.bin": lfs_pointer(b"%d" % n) for n in range(5)})
    assert_refused(world, "MISSING_LFS_OBJECTS", "has no git-lfs", "5 LFS objects",
                   "model-0.bin, model-1.bin, model-2.bin and 2 more")


def test_an_overwrite_is_checked_before_its_backup_is_made(world):
    fork = world.one(behind=1, ahead=1, add=("--strategy", "overwrite"))
    commit(world, fork.upstream, {"model.bin": lfs_pointer(MODEL)})
    assert_refused(world, "MISSING_LFS_OBJECTS", "model.bin")
    assert not world.refs(fork.repository, "refs/forge/")


def test_pointers_that_the_fork_has_already_are_not_asked_for(world):
    fork = world.one()
    pointer = lfs_pointer(MODEL)
    commit(world, fork.upstream, {"old.bin": pointer})
    commit(world, fork.repository, {"own.bin": pointer})
    commit(world, fork.upstream, {"copy/of.bin": pointer}, seconds=90_000_001)
    world.server.forget_requests()
    assert only(world.sync())["status"] == "merged"
    assert not [request for request in world.server.requests() if BATCH in request.path]


def test_without_pointers_nobody_is_asked(world):
    world.one(behind=3)
    world.server.forget_requests()
    world.sync()
    assert not [request for request in world.server.requests() if BATCH in request.path]


def test_many_objects_are_asked_for_a_hundred_at_a_time(world):
    fork = world.one(behind=1)
    name = world.repository(fork.repository)
    contents = [b"content %d" % number for number in range(250)]
    commit(world, fork.upstream,
           {f"{number:03}.bin": world.server.give_lfs_object(name, content) for number, content in enumerate(contents)})
    world.server.forget_requests()
    assert only(world.sync())["status"] == "fast_forwarded"
    assert [request.status for request in world.server.requests() if BATCH in request.path] == [200, 200, 200]


def test_two_branches_with_the_same_object_ask_once(world):
    fork = world.one(add=("--branch", "*"))
    world.git(fork.upstream, "branch", "release", "main")
    world.git(fork.repository, "branch", "release", "main")
    for branch in ("main", "release"):
        commit(world, fork.upstream, {"model.bin": lfs_pointer(MODEL)}, branch=branch)
    world.server.give_lfs_object(world.repository(fork.repository), MODEL)
    world.server.forget_requests()
    assert {entry["status"] for entry in world.sync()["forks"]} == {"fast_forwarded"}
    assert len([request for request in world.server.requests() if BATCH in request.path]) == 1


def test_one_branch_that_lacks_its_objects_does_not_hold_up_the_other(world):
    fork = world.one(add=("--branch", "*"))
    world.git(fork.upstream, "branch", "release", "main")
    world.git(fork.repository, "branch", "release", "main")
    commit(world, fork.upstream, {"model.bin": lfs_pointer(MODEL)})
    commit(world, fork.upstream, {"plain.txt": "plain\n"}, branch="release")
    entries = {entry["branch"]: entry for entry in world.sync(status=None)["forks"]}
    assert entries["main"]["error"]["code"] == "MISSING_LFS_OBJECTS"
    assert entries["release"]["status"] == "fast_forwarded"


def test_an_lfs_server_that_the_tree_names_serves_every_fork(world):
    fork = world.one(behind=1)
    commit(world, fork.upstream, {"model.bin": lfs_pointer(MODEL),
                                  ".lfsconfig": "[lfs]\n\turl = https://lfs.example.com/company/tools\n"})
    assert only(world.sync())["status"] == "fast_forwarded"


def test_a_private_fork_is_asked_with_its_credentials(world):
    fork = world.one(behind=1)
    commit(world, fork.upstream, {"model.bin": lfs_pointer(MODEL)})
    name = f"private/{world.corner}/tools"
    world.server.path(name).parent.mkdir(parents=True)
    world.path(fork.repository).rename(world.server.path(name))
    world.server.give_lfs_object(name, MODEL)
    world.hosts["private.example.com"] = {"clone": f"{world.server.url}/private", "token_env": "MY_TOKEN"}
    world.configure()
    world.run("fork", "add", "private", "--fork", f"private.example.com/{world.corner}/tools",
              "--upstream", f"{HOST}/{fork.upstream}")
    assert only(world.sync("private", env={"MY_TOKEN": TOKEN}))["status"] == "fast_forwarded"


@pytest.mark.parametrize("says, code", [
    ((503, '{"message": "Down for maintenance"}'), "REPOSITORY_UNREACHABLE"),
    ((403, '{"message": "Git LFS is disabled"}'), "PERMISSION_DENIED"),
    ((200, "<html>Welcome</html>"), "PROTOCOL_ERROR"),
    ((200, '{"objects": []}'), "PROTOCOL_ERROR"),
])
def test_an_lfs_server_that_fails_is_no_answer(world, says, code):
    fork = lfs_fork(world)
    world.server.give_lfs(world.repository(fork.repository), says=says)
    before = world.all_refs()
    entry = only(world.sync(status=None, timeout=120))
    assert (entry["status"], entry["error"]["code"]) == ("failed", code)
    assert world.all_refs() == before


# ---- LFS elsewhere ----


@pytest.mark.parametrize("has_objects", [True, False])
def test_the_objects_of_a_path_are_looked_for_in_its_folder(world, has_objects):
    world.fleet.upstream("company/tools")
    fork = world.fleet.fork("mine", "me/tools", "company/tools", behind=1)
    world.build(register=False)
    commit(world, fork.upstream, {"model.bin": lfs_pointer(MODEL)})
    if has_objects:
        world.server.give_lfs_object(world.repository(fork.repository), MODEL)
    world.run("fork", "add", "mine", "--fork", world.path(fork.repository), "--upstream", world.path(fork.upstream))
    if has_objects:
        assert only(world.sync())["status"] == "fast_forwarded"
    else:
        assert_refused(world, "MISSING_LFS_OBJECTS", "model.bin")


@pytest.mark.parametrize("upstream_by_ssh", [True, False])
def test_over_ssh_one_host_is_believed_and_two_are_not(world, tmp_path, upstream_by_ssh):
    world.fleet.upstream("company/tools")
    fork = world.fleet.fork("mine", "me/tools", "company/tools", behind=1)
    world.build(register=False)
    commit(world, fork.upstream, {"model.bin": lfs_pointer(MODEL)})
    before = world.tip(fork.repository)
    with Sshd(tmp_path) as sshd:
        upstream = sshd.url_of(world.path(fork.upstream)) if upstream_by_ssh else world.path(fork.upstream)
        world.run("fork", "add", "mine", "--fork", sshd.url_of(world.path(fork.repository)), "--upstream", upstream)
        entry = only(world.sync(status=None, env={"GIT_SSH_COMMAND": sshd.command}))
    if upstream_by_ssh:
        assert entry["status"] == "fast_forwarded"
    else:
        assert entry["error"]["code"] == "MISSING_LFS_OBJECTS" and "over ssh" in entry["error"]["message"]
        assert world.tip(fork.repository) == before


# ---- submodules ----


def library(world, name):
    world.make(name, "main", fleets.upstream_commits(name, 1))
    return Gitlink(world.tip(name))


def test_a_submodule_beside_the_fork_lets_the_push_pass(world):
    fork = world.one(behind=1)
    world.make("me/library", "main", fleets.upstream_commits("company/library", 1))
    commit(world, fork.upstream, {".gitmodules": submodules(library="../library"),
                                  "library": library(world, "company/library")})
    assert only(world.sync())["status"] == "fast_forwarded"


def test_submodules_that_are_not_beside_the_fork_are_named_with_their_addresses(world):
    fork = world.one(behind=1)
    link = library(world, "company/library")
    commit(world, fork.upstream, {".gitmodules": submodules(one="../library", two="../other", here="../tools"),
                                  "one": link, "two": link, "here": link})
    assert_refused(world, "MISSING_SUBMODULE", "2 submodules", "/me/library", "/me/other")


def test_a_repository_is_asked_for_once_however_many_submodules_it_is(world):
    fork = world.one(behind=1)
    world.make("me/library", "main", fleets.upstream_commits("company/library", 1))
    link = library(world, "company/library")
    paths = [f"copy-{number}" for number in range(5)]
    commit(world, fork.upstream, {".gitmodules": submodules(**{path: "../library" for path in paths}),
                                  **{path: link for path in paths}})
    world.server.forget_requests()
    world.sync()
    asked = [request for request in world.server.requests() if request.repository == world.repository("me/library")]
    assert len(asked) == 1


@pytest.mark.parametrize("files", [
    {".gitmodules": submodules(library="http://127.0.0.1:9/nobody/library")},
    {".gitmodules": submodules(library="git@nowhere.invalid:nobody/library")},
    {".gitmodules": submodules(library="../../../../nowhere.invalid/library")},
    {".gitmodules": submodules(other="../library")},
    {".gitmodules": "[submodule \"library\"\n\tpath = library\n"},
    {},
], ids=["another server", "another by ssh", "off the server", "no entry", "malformed", "no .gitmodules"])
def test_addresses_that_do_not_depend_on_the_forks_server_pass(world, files):
    fork = world.one(behind=1)
    commit(world, fork.upstream, files | {"library": Gitlink("12" * 20)})
    assert only(world.sync())["status"] == "fast_forwarded"


def test_a_submodule_that_the_fork_has_already_is_not_asked_for(world):
    fork = world.one()
    link = library(world, "company/library")
    files = {".gitmodules": submodules(library="../library"), "library": link}
    commit(world, fork.repository, files)
    commit(world, fork.upstream, files, seconds=90_000_001)
    commit(world, fork.upstream, {"later.txt": "later\n"}, seconds=90_000_002)
    assert only(world.sync())["status"] == "merged"


def test_a_branch_that_the_fork_lacks_is_checked_whole(world):
    fork = world.one(kind=Kind.EMPTY, add=("--strategy", "overwrite"))
    commit(world, fork.upstream, {"model.bin": lfs_pointer(MODEL)})
    commit(world, fork.upstream, {"later.txt": "later\n"}, seconds=90_000_001)
    assert_refused(world, "MISSING_LFS_OBJECTS", "model.bin")
