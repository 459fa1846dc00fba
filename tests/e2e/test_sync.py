"""fork sync: every strategy and every end of a branch, checked against what git itself makes."""

import hashlib
import subprocess

import pytest

import fleet as fleets
from fleet import Commit, EPOCH, Gitlink, Kind
from world import HOST, IDENTITY, World, finish_child


def only(document):
    assert document["total"] == 1
    return document["forks"][0]


def commit_of(world, name, revision):
    """(parents, tree, author, committer, message) of a commit."""
    text = world.git(name, "log", "-1", "--format=%P%n%T%n%an <%ae>%n%cn <%ce>%n%B", revision)
    parents, tree, author, committer, message = text.split("\n", 4)
    return parents.split(), tree, author, committer, message.strip()


# ---- ends that bring a branch up to date ----


def test_a_fork_that_lacks_nothing_is_up_to_date_and_untouched(world):
    fork = world.one()
    before = world.all_refs()
    entry = only(world.sync())
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("up_to_date", 0, 0)
    assert entry["before"] == entry["after"] == world.tip(fork.repository)
    assert world.all_refs() == before


def test_a_fork_with_commits_of_its_own_alone_is_up_to_date(world):
    world.one(ahead=3)
    entry = only(world.sync())
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("up_to_date", 0, 3)


def test_a_fork_that_is_merely_behind_is_moved_to_upstreams_tip(world):
    fork = world.one(behind=4)
    before = world.tip(fork.repository)
    entry = only(world.sync())
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("fast_forwarded", 4, 0)
    assert entry["before"] == before and entry["backup"] is None
    assert entry["after"] == world.tip(fork.repository) == world.tip(fork.upstream)


def test_a_merge_has_gits_tree_both_parents_the_message_and_the_identity(world):
    fork = world.one(behind=3, ahead=2)
    tree, conflicting = world.merge_tree(fork)
    assert not conflicting
    before = world.tip(fork.repository)
    entry = only(world.sync())
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("merged", 3, 2)
    assert entry["before"] == before and entry["after"] == world.tip(fork.repository)
    who = f"{IDENTITY[0]} <{IDENTITY[1]}>"
    assert commit_of(world, fork.repository, "main") == (
        [before, world.tip(fork.upstream)], tree, who, who, f"Merge main of {HOST}/company/tools")
    world.git(fork.repository, "fsck", "--strict", "--connectivity-only")


def test_identity_comes_from_git_where_the_configuration_has_none(world):
    fork = world.one(behind=1, ahead=1)
    world.configure(identity=False)
    (world.folder / "user" / ".gitconfig").write_text("[user]\n\tname = Git User\n\temail = git@example.com\n")
    world.sync()
    assert commit_of(world, fork.repository, "main")[2] == "Git User <git@example.com>"


@pytest.mark.parametrize("variables, who", [
    ({}, "Git User <git@example.com>"),
    ({"GIT_CONFIG_GLOBAL": "other"}, "Other User <other@example.com>"),
    ({"GIT_CONFIG_SYSTEM": "system", "GIT_CONFIG_NOSYSTEM": "0"}, "Git User <git@example.com>"),
    ({"GIT_CONFIG_GLOBAL": "name-only", "GIT_CONFIG_SYSTEM": "system", "GIT_CONFIG_NOSYSTEM": "false"},
     "Name Only <system@example.com>"),
    ({"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "system", "GIT_CONFIG_NOSYSTEM": ""},
     "System <system@example.com>"),
    ({"GIT_CONFIG_GLOBAL": "no-such", "GIT_CONFIG_SYSTEM": "system", "GIT_CONFIG_NOSYSTEM": "yes"}, None),
    ({"GIT_CONFIG_GLOBAL": ""}, None),
])
def test_gits_configuration_is_read_where_git_reads_it(world, variables, who):
    fork = world.one(behind=1, ahead=1)
    world.configure(identity=False)
    folder = world.folder / "user"
    for name, text in ((".gitconfig", "name = Git User\nemail = git@example.com"),
                       ("other", "name = Other User\nemail = other@example.com"), ("name-only", "name = Name Only"),
                       ("system", "name = System\nemail = system@example.com")):
        (folder / name).write_text(f"[user]\n{text}\n")
    env = {name: str(folder / value) if name != "GIT_CONFIG_NOSYSTEM" and value else value
           for name, value in variables.items()}
    # git itself is asked first.
    told = [subprocess.run(["git", "config", key], env={**world.env, **env}, stdout=subprocess.PIPE, text=True,
                           cwd="/").stdout.strip() for key in ("user.name", "user.email")]
    assert told == (who.rstrip(">").split(" <") if who else ["", ""])
    world.sync(env=env)
    made = commit_of(world, fork.repository, "main")[2]
    assert made == who if who else made.startswith("forge <forge@")


def test_a_merge_keeps_the_old_tip_as_its_parent_and_needs_no_backup(world):
    fork = world.one(behind=1, ahead=1)
    before = world.tip(fork.repository)
    entry = only(world.sync())
    assert entry["backup"] is None and not world.refs(fork.repository, "refs/forge/")
    assert world.git(fork.repository, "rev-parse", "main^1") == before


def test_a_second_sync_after_a_merge_is_up_to_date_and_makes_no_commit(world):
    fork = world.one(behind=2, ahead=1)
    world.sync()
    refs = world.all_refs()
    assert only(world.sync())["status"] == "up_to_date"
    assert world.all_refs() == refs
    assert world.git(fork.repository, "rev-list", "--count", "--merges", "main") == "1"


def test_new_commits_of_upstream_after_a_sync_are_brought_in_by_the_next(world):
    fork = world.one(behind=1, ahead=1)
    world.sync()
    later(world, fork, {"later.txt": "later\n"})
    entry = only(world.sync())
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("merged", 1, 2)


def test_two_homes_that_sync_the_same_fork_do_it_once(world, tmp_path, server):
    fork = world.one(behind=2, ahead=1)
    world.sync()
    other = World(tmp_path / "other", server, world.corner)
    other.add(fork)
    assert other.sync()["forks"][0]["status"] == "up_to_date"


# ---- strategies ----


def test_fast_forward_never_makes_a_commit(world):
    fork = world.one(behind=2, ahead=1, add=("--strategy", "fast_forward"))
    before = world.all_refs()
    entry = only(world.sync(status=None))
    assert entry["status"] in ("failed", "skipped") and entry["error"]["code"] == "NOT_FAST_FORWARD"
    assert world.all_refs() == before and world.tip(fork.repository) == entry["before"]


def test_fast_forward_moves_a_branch_that_is_merely_behind(world):
    world.one(behind=2, add=("--strategy", "fast_forward"))
    assert only(world.sync())["status"] == "fast_forwarded"


@pytest.mark.parametrize("shape", [
    {"behind": 2, "ahead": 1, "kind": Kind.CONFLICT}, {"ahead": 2}, {"kind": Kind.UNRELATED}])
def test_overwrite_replaces_the_branch_and_keeps_the_old_tip(world, shape):
    fork = world.one(**shape)
    before = world.tip(fork.repository)
    entry = only(world.sync("--all", "--strategy", "overwrite"))
    assert entry["status"] == "overwritten"
    assert world.tip(fork.repository) == entry["after"] == world.tip(fork.upstream)
    assert world.refs(fork.repository, "refs/forge/")[entry["backup"]] == before


@pytest.mark.parametrize("kind", [Kind.EMPTY, Kind.MISSING_BRANCH])
def test_overwrite_fills_an_empty_fork_or_a_missing_branch(world, kind):
    fork = world.one(kind=kind)
    assert only(world.sync("--all", "--strategy", "overwrite"))["status"] == "overwritten"
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_nothing_is_overwritten_where_the_backup_is_refused(world):
    fork = world.one(behind=1, ahead=1)
    world.server.reject_ref(world.repository(fork.repository), "refs/forge/*|refs/heads/forge-backup/*")
    before = world.all_refs()
    entry = only(world.sync("--all", "--strategy", "overwrite", status=None))
    assert entry["status"] == "failed" and entry["error"]["code"] == "PUSH_REJECTED"
    assert world.all_refs() == before


def test_where_the_namespace_is_refused_the_backup_is_a_branch(world):
    fork = world.one(behind=1, ahead=1)
    world.server.reject_ref(world.repository(fork.repository), "refs/forge/*")
    before = world.tip(fork.repository)
    entry = only(world.sync("--all", "--strategy", "overwrite"))
    assert entry["backup"].startswith("refs/heads/forge-backup/")
    assert world.refs(fork.repository)[entry["backup"]] == before


def old_backups(world, fork, place):
    """Twelve backups of main from 2020, oldest first, each of a commit of its own."""
    tree, refs = world.git(fork.repository, "rev-parse", "main^{tree}"), []
    for day in range(1, 13):
        oid = world.git(fork.repository, *AS_SOMEBODY, "commit-tree", "-m", str(day), tree)
        refs.append(f"{place}/main/{oid}-202001{day:02}T000000Z")
        world.git(fork.repository, "update-ref", refs[-1], oid)
    return refs


AS_SOMEBODY = ("-c", "user.name=Jane Doe", "-c", "user.email=jane@example.com")


@pytest.mark.parametrize("place", ["refs/forge/backup", "refs/heads/forge-backup"])
def test_old_backups_but_the_newest_ten_are_deleted(world, place):
    fork = world.one(behind=1, ahead=1)
    refs = old_backups(world, fork, place)
    beside = ["refs/forge/backup/main/by-hand", "refs/forge/backup/other/" + refs[0].rpartition("/")[2]]
    for ref in beside:
        world.git(fork.repository, "update-ref", ref, refs[0].rpartition("/")[2][:40])
    before = world.tip(fork.repository)
    if place.startswith("refs/heads/"):
        world.server.reject_ref(world.repository(fork.repository), "refs/forge/*")
    entry = only(world.sync("--all", "--strategy", "overwrite"))
    now = world.refs(fork.repository, "")
    assert now[entry["backup"]] == before and entry["backup"].startswith(f"{place}/main/{before}-")
    assert {ref for ref in now if "backup/" in ref} == {entry["backup"], *refs[3:], *beside}


def test_a_server_that_keeps_every_ref_is_overwritten_all_the_same(world):
    fork = world.one(behind=1, ahead=1)
    refs = old_backups(world, fork, "refs/forge/backup")
    world.server.reject_ref(world.repository(fork.repository), "refs/forge/backup/main/*-2020*")
    entry = only(world.sync("--all", "--strategy", "overwrite"))
    assert entry["status"] == "overwritten"
    assert set(world.refs(fork.repository, "refs/forge/backup/")) == {entry["backup"], *refs}


# ---- conflicts ----


def test_a_conflict_names_its_paths_and_touches_nothing(world):
    fork = world.one(behind=2, ahead=1, kind=Kind.CONFLICT)
    before = world.all_refs()
    entry = only(world.sync(status=7))
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("conflict", 2, 1)
    assert [conflict["path"] for conflict in entry["conflicts"]] == world.merge_tree(fork)[1] == ["schema.json"]
    assert entry["before"] == entry["after"] == world.tip(fork.repository)
    assert world.all_refs() == before


def test_the_commands_that_a_conflict_prints_resolve_it(world, tmp_path):
    fork = world.one(behind=2, ahead=1, kind=Kind.CONFLICT)
    shown = world.run("fork", "sync", "--all", status=7).lines
    script = ["set -e"]
    for line in (line.removeprefix("$ ") for line in shown):
        if line.startswith("git merge"):
            # What a person does next: decide each file that conflicts.
            script.append(f"if {line}; then exit 9; fi")
            script.append("for path in $(git diff --name-only --diff-filter=U); do git show MERGE_HEAD:$path > $path; done")
        elif line.startswith(("git ", "cd ")):
            script.append(line)
    assert any("git push" in line for line in script), shown
    desk = tmp_path / "desk"
    desk.mkdir()
    env = {**world.env, "GIT_EDITOR": "true", "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com",
           "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com"}
    done = subprocess.run(["sh", "-c", "\n".join(script)], cwd=desk, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    entry = only(world.sync())
    assert (entry["status"], entry["behind"]) == ("up_to_date", 0)
    assert world.tip(fork.upstream) in world.git(fork.repository, "rev-list", "main").split()


# ---- ends that are neither ----


def code_of(entry):
    return entry["status"], entry["error"]["code"]


def test_unrelated_histories_are_an_end_of_their_own(world):
    world.one(kind=Kind.UNRELATED)
    before = world.all_refs()
    assert code_of(only(world.sync(status=None))) == ("failed", "UNRELATED_HISTORIES")
    assert world.all_refs() == before


def test_an_empty_fork_is_skipped_and_not_filled(world):
    fork = world.one(kind=Kind.EMPTY)
    entry = only(world.sync(status=None))
    assert code_of(entry) == ("skipped", "EMPTY_REPOSITORY")
    assert world.refs(fork.repository, "") == {}


def test_an_empty_upstream_is_said_so(world):
    fork = world.one()
    world.make("company/void", "main", [])
    world.run("fork", "add", "of-void", "--fork", f"{HOST}/{fork.repository}", "--upstream", f"{HOST}/company/void")
    entry = only(world.sync("of-void", status=None))
    assert entry["error"]["code"] == "EMPTY_REPOSITORY" and entry["status"] != "up_to_date"


def test_a_branch_the_fork_lacks_is_skipped_and_not_made(world):
    fork = world.one(kind=Kind.MISSING_BRANCH, add=("--branch", "main"))
    assert code_of(only(world.sync(status=None))) == ("skipped", "BRANCH_NOT_FOUND")
    assert list(world.refs(fork.repository)) == ["refs/heads/other"]


def test_a_branch_nobody_has_is_not_found(world):
    world.one(add=("--branch", "nobody-has-this"))
    assert only(world.sync(status=None))["error"]["code"] == "BRANCH_NOT_FOUND"


def test_a_branch_that_upstream_deleted_is_told_and_kept_in_the_fork(world):
    fork = world.one(add=("--branch", "main", "--branch", "old"))
    for name in (fork.upstream, fork.repository):
        world.git(name, "branch", "old", "main")
    world.sync()
    world.git(fork.upstream, "branch", "-D", "old")
    by_branch = {entry["branch"]: entry for entry in world.sync(status=1)["forks"]}
    assert by_branch["old"]["error"]["code"] == "BRANCH_DELETED"
    assert by_branch["main"]["status"] == "up_to_date"
    assert "refs/heads/old" in world.refs(fork.repository)


def test_a_renamed_default_branch_is_told_and_nothing_is_made(world):
    fork = world.one()
    world.sync()
    world.git(fork.upstream, "branch", "-m", "main", "trunk")
    world.git(fork.upstream, "symbolic-ref", "HEAD", "refs/heads/trunk")
    before = world.all_refs()
    entry = only(world.sync(status=None))
    assert entry["error"]["code"] == "DEFAULT_BRANCH_RENAMED" and "trunk" in entry["error"]["message"]
    assert world.all_refs() == before


@pytest.mark.parametrize("gone", ["fork", "upstream"])
def test_a_repository_that_is_not_there_is_not_found(world, gone):
    fork = world.one(behind=1)
    name = fork.repository if gone == "fork" else fork.upstream
    world.path(name).rename(world.folder / "gone.git")
    assert code_of(only(world.sync(status=None))) == ("failed", "REPOSITORY_NOT_FOUND")


def test_a_hook_that_rejects_the_branch_is_push_rejected_with_its_words(world):
    fork = world.one(behind=1)
    world.server.reject_ref(world.repository(fork.repository), "refs/heads/main", "main is protected here")
    before = world.refs(fork.repository)
    entry = only(world.sync(status=None))
    assert code_of(entry) == ("failed", "PUSH_REJECTED") and "hook" in entry["error"]["message"]
    assert world.refs(fork.repository) == before


def test_a_fork_that_may_not_be_written_is_permission_denied(world):
    fork = world.one(behind=1)
    world.server.refuse_pushes(world.repository(fork.repository))
    assert code_of(only(world.sync(status=None))) == ("failed", "PERMISSION_DENIED")
    assert world.tip(fork.repository) != world.tip(fork.upstream)


def test_a_branch_that_moves_during_the_sync_is_not_overwritten(world):
    fork = world.one(behind=1, ahead=1)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all", "--format", "json")
    gate.wait_reached()
    fleets.add_commits(world.path(fork.repository), [
        Commit("main", "Person <person@example.com>", EPOCH + 95_000_000, "Meanwhile", {"mine.txt": "mine\n"})])
    moved = world.tip(fork.repository)
    gate.remove()
    gate.open()
    entry = only(finish_child(child).json)
    # Either it was said, or the next attempt merged on top of it; the person's commit is there in both cases.
    assert code_of(entry) == ("failed", "REF_MOVED") if entry["error"] else entry["status"] == "merged"
    assert moved in world.git(fork.repository, "rev-list", "main").split()


def test_a_damaged_fork_is_broken_and_the_others_go_on(world):
    world.fleet.upstream("company/tools")
    broken = world.fleet.fork("broken", "me/broken", "company/tools", behind=2, ahead=1)
    world.fleet.fork("sound", "me/sound", "company/tools", behind=2)
    world.build()
    for pack in world.path(broken.repository).glob("objects/pack/*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:100])
    entries = {entry["name"]: entry for entry in world.sync(status=1)["forks"]}
    assert entries["broken"]["status"] == "failed"
    assert entries["sound"]["status"] == "fast_forwarded"


def later(world, fork, files):
    """Upstream makes another commit."""
    fleets.add_commits(world.path(fork.upstream), [
        Commit("main", "Upstream <up@example.com>", EPOCH + 90_000_000, "Later", files)])


def test_more_than_the_limit_is_too_large_and_nothing_moves(world):
    fork = world.one(behind=1)
    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(20_000))
    later(world, fork, {"noise.txt": noise})
    world.configure("network: {max_pack: 100KB}\n")
    before = world.all_refs()
    assert code_of(only(world.sync(status=None))) == ("failed", "TOO_LARGE")
    assert world.all_refs() == before


def test_new_lfs_pointers_whose_objects_the_fork_lacks_are_told_before_a_push(world):
    fork = world.one(behind=1)
    later(world, fork, {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
                        "model.bin": f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12345\n"})
    before = world.all_refs()
    entry = only(world.sync(status=None))
    assert entry["error"]["code"] == "MISSING_LFS_OBJECTS" and "model.bin" in entry["error"]["message"]
    assert world.all_refs() == before


def test_a_new_submodule_beside_upstream_that_the_fork_lacks_is_told_before_a_push(world):
    fork = world.one(behind=1)
    world.make("company/library", "main", fleets.upstream_commits("company/library", 1))
    later(world, fork, {".gitmodules": "[submodule \"library\"]\n\tpath = library\n\turl = ../library\n",
                        "library": Gitlink(world.tip("company/library"))})
    before = world.all_refs()
    assert only(world.sync(status=None))["error"]["code"] == "MISSING_SUBMODULE"
    assert world.all_refs() == before


# ---- branches ----


def test_branch_globs_sync_each_matching_branch_as_an_entry_of_its_own(world):
    fork = world.one(add=("--branch", "main", "--branch", "release/*"))
    for branch in ("release/1", "release/2", "topic"):
        world.git(fork.upstream, "branch", branch, "main")
        world.git(fork.repository, "branch", branch, "main~2")
    document = world.sync()
    assert {entry["branch"]: entry["status"] for entry in document["forks"]} == {
        "main": "up_to_date", "release/1": "fast_forwarded", "release/2": "fast_forwarded"}
    assert document["total"] == document["succeeded"] == 3
    assert world.tip(fork.repository, "topic") != world.tip(fork.upstream, "topic")


def test_upstreams_default_branch_counts_where_none_is_named(world):
    world.fleet.upstream("company/tools", branch="trunk")
    fork = world.fleet.fork("mine", "me/tools", "company/tools", behind=1)
    world.build()
    assert only(world.sync())["branch"] == "trunk"
    assert world.tip(fork.repository, "trunk") == world.tip(fork.upstream, "trunk")


# ---- dry run ----


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(world):
    world.fleet.upstream("company/tools")
    shapes = {"a": {}, "b": {"behind": 2}, "c": {"behind": 2, "ahead": 1},
              "d": {"behind": 2, "ahead": 1, "kind": Kind.CONFLICT}}
    for name, shape in shapes.items():
        world.fleet.fork(name, f"me/{name}", "company/tools", **shape)
    world.build()
    before = world.all_refs()
    statuses = {entry["name"]: entry["status"] for entry in world.sync("--all", "--dry-run", status=7)["forks"]}
    assert statuses == {"a": "up_to_date", "b": "would_fast_forward", "c": "would_merge", "d": "would_conflict"}
    assert world.all_refs() == before
    assert [entry["status"] for entry in sorted(world.sync(status=7)["forks"], key=lambda entry: entry["name"])] == [
        "up_to_date", "fast_forwarded", "merged", "conflict"]


# ---- a cache that went bad ----


@pytest.mark.parametrize("part", ["stores", "forks"])
def test_a_damaged_cache_is_made_anew_and_no_server_is_blamed(world, part):
    world.one(behind=2, ahead=1)
    assert only(world.sync("--all", "--dry-run"))["status"] == "would_merge"
    packs = list((world.home / "cache" / part).glob("*.git/objects/pack/*.pack"))
    assert packs
    for pack in packs:
        whole = pack.read_bytes()
        pack.chmod(0o600)
        pack.write_bytes(whole[:12] + bytes(byte ^ 0x5A for byte in whole[12:-20]) + whole[-20:])
    assert only(world.sync())["status"] == "merged"
