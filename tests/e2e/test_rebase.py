"""fork sync --strategy rebase: what `git rebase` makes of the same two tips, or nothing at all."""

import os
import random
import subprocess

import pytest

from fleet import Commit, EPOCH, Kind, add_commits
from git_server import lfs_pointer
from process import ended_within
from test_kill import facts, status_of, wait_for_requests
from world import IDENTITY, kill

REBASE = ("--strategy", "rebase")
WHO = f"{IDENTITY[0]} <{IDENTITY[1]}>"


def only(document):
    assert document["total"] == 1, document
    return document["forks"][0]


def own(world, name, files, subject="Own", author="Ann Author <ann@example.com>", branch="main", at=50_000_000):
    add_commits(world.path(name), [Commit(branch, author, EPOCH + at, subject, files)])


def series(world, name, onto, tip="main"):
    """What stands on ONTO: (tree, author, date, subject) of each commit, oldest first."""
    return world.git(name, "log", "--reverse", "--format=%T %an <%ae> %ad %s", "--date=raw", f"{onto}..{tip}").splitlines()


class Desk:
    """A clone in which git itself rebases the fork's branch, before forge does."""

    def __init__(self, world, fork, branch="main"):
        self.folder = world.folder / f"desk-{fork.name}-{branch}"
        self.env = {**world.env, "GIT_COMMITTER_NAME": "R", "GIT_COMMITTER_EMAIL": "r@example.com"}
        subprocess.run(["git", "clone", "-q", "-b", branch, world.path(fork.repository), self.folder], check=True)
        self.git("fetch", "-q", "--no-tags", world.path(fork.upstream), f"refs/heads/{branch}")
        self.onto = self.git("rev-parse", "FETCH_HEAD")
        self.clean = self.run("-c", "merge.directoryRenames=false", "rebase", "-q", self.onto).returncode == 0

    def run(self, *arguments):
        return subprocess.run(["git", "-C", self.folder, *arguments], env=self.env, capture_output=True, text=True)

    def git(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def series(self):
        return self.git("log", "--reverse", "--format=%T %an <%ae> %ad %s", "--date=raw", f"{self.onto}..HEAD").splitlines()


def test_own_commits_are_put_on_upstreams_tip_as_git_does_it(world):
    fork = world.one(behind=3, ahead=2, add=REBASE)
    own(world, fork.repository, {"local/more.txt": "more\n"}, "Söme more\n\nwith a body")
    desk, before = Desk(world, fork), world.tip(fork.repository)
    entry = only(world.sync())
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("rebased", 3, 3)
    assert entry["before"] == before and entry["after"] == world.tip(fork.repository)
    assert desk.clean and series(world, fork.repository, world.tip(fork.upstream)) == desk.series() != []
    committers = world.git(fork.repository, "log", "--format=%cn <%ce> %cd", "--date=raw", f"{desk.onto}..main").splitlines()
    assert len(set(committers)) == 1 and committers[0].startswith(WHO)
    world.git(fork.repository, "fsck", "--strict", "--connectivity-only")


def test_the_old_tip_is_kept_before_the_branch_leaves_it(world):
    fork = world.one(behind=1, ahead=2, add=REBASE)
    before = world.tip(fork.repository)
    entry = only(world.sync())
    assert entry["backup"].startswith(f"refs/forge/backup/main/{before}-")
    assert world.refs(fork.repository, "refs/forge/") == {entry["backup"]: before}


def test_where_no_backup_is_taken_nothing_is_rebased(world):
    fork = world.one(behind=1, ahead=1, add=REBASE)
    world.server.reject_ref(world.repository(fork.repository), "refs/forge/*|refs/heads/forge-backup/*")
    before = world.all_refs()
    entry = only(world.sync(status=None))
    assert (entry["status"], entry["error"]["code"]) == ("failed", "PUSH_REJECTED")
    assert world.all_refs() == before


def test_where_the_namespace_is_refused_the_backup_is_a_branch(world):
    fork = world.one(behind=1, ahead=1, add=REBASE)
    world.server.reject_ref(world.repository(fork.repository), "refs/forge/*")
    before = world.tip(fork.repository)
    entry = only(world.sync())
    assert entry["status"] == "rebased" and entry["backup"].startswith("refs/heads/forge-backup/main/")
    assert world.refs(fork.repository)[entry["backup"]] == before


@pytest.mark.parametrize("shape, status", [
    ({}, "up_to_date"), ({"ahead": 2}, "up_to_date"), ({"behind": 2}, "fast_forwarded"),
    ({"kind": Kind.UNRELATED}, "failed"), ({"kind": Kind.EMPTY}, "skipped")])
def test_with_nothing_to_replay_it_is_as_the_other_strategies(world, shape, status):
    fork = world.one(**shape, add=REBASE)
    entry = only(world.sync(status=None))
    assert entry["status"] == status and entry["backup"] is None
    assert not world.refs(fork.repository, "refs/forge/")


def test_a_second_sync_after_a_rebase_has_nothing_to_do(world):
    fork = world.one(behind=2, ahead=1, add=REBASE)
    world.sync()
    refs = world.all_refs()
    assert only(world.sync())["status"] == "up_to_date"
    assert world.all_refs() == refs
    own(world, fork.upstream, {"later.txt": "later\n"})
    entry = only(world.sync())
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("rebased", 1, 1)


def test_a_dry_run_changes_nothing(world):
    world.one(behind=2, ahead=1)
    before = world.all_refs()
    entry = only(world.sync("--all", "--dry-run", *REBASE))
    assert (entry["status"], entry["backup"]) == ("would_rebase", None)
    assert world.all_refs() == before
    assert "✓ mine: 2 commits behind, would be rebased" in world.run("fork", "sync", "mine", "--dry-run", *REBASE).lines


def test_commits_that_upstream_took_are_left_out(world):
    fork = world.one(behind=1, ahead=1, add=REBASE)
    for name in (fork.repository, fork.upstream):
        own(world, name, {"taken.txt": "taken\n"}, f"Taken into {name}")
    desk = Desk(world, fork)
    assert only(world.sync())["status"] == "rebased"
    told = series(world, fork.repository, world.tip(fork.upstream))
    assert desk.clean and told == desk.series() and len(told) == 1


def test_a_fork_whose_commits_are_all_upstreams_becomes_upstream(world):
    fork = world.one(add=REBASE)
    for name in (fork.repository, fork.upstream):
        own(world, name, {"taken.txt": "taken\n"}, f"Taken into {name}")
    before = world.tip(fork.repository)
    entry = only(world.sync())
    assert entry["status"] == "rebased" and entry["after"] == world.tip(fork.upstream) == world.tip(fork.repository)
    assert world.refs(fork.repository, "refs/forge/") == {entry["backup"]: before}


def test_a_conflict_names_its_commit_and_paths_and_touches_nothing(world):
    fork = world.one(behind=2, ahead=2, kind=Kind.CONFLICT, add=REBASE)
    own(world, fork.repository, {"local/after.txt": "after\n"}, "After the conflict")
    desk, before = Desk(world, fork), world.all_refs()
    culprit = desk.git("rev-parse", "REBASE_HEAD")
    entry = only(world.sync(status=7))
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("conflict", 2, 3)
    assert not desk.clean and entry["conflicts"] == [{"path": "schema.json", "type": "content", "commit": culprit}]
    assert culprit[:7] in entry["error"]["message"] and "Own change 1" in entry["error"]["message"]
    assert entry["before"] == entry["after"] == world.tip(fork.repository)
    assert world.all_refs() == before


def test_the_commands_that_a_conflict_prints_resolve_it(world, tmp_path):
    fork = world.one(behind=2, ahead=2, kind=Kind.CONFLICT, add=REBASE)
    shown = world.run("fork", "sync", "--all", status=7).lines
    script = ["set -e"]
    for line in (line.removeprefix("$ ") for line in shown):
        if line.startswith("git rebase"):
            # What a person does next: decide each file that conflicts.
            script.append(f"if {line}; then exit 9; fi")
            script.append("for path in $(git diff --name-only --diff-filter=U); do git show REBASE_HEAD:$path > $path; done")
        elif line.startswith(("git ", "cd ", "GIT_EDITOR=")):
            script.append(line)
    assert any("git push --force-with-lease" in line for line in script), shown
    desk = tmp_path / "desk"
    desk.mkdir()
    env = {**world.env, "GIT_EDITOR": "false", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com"}
    done = subprocess.run(["sh", "-c", "\n".join(script)], cwd=desk, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    entry = only(world.sync())
    assert (entry["status"], entry["behind"], entry["ahead"]) == ("up_to_date", 0, 2)


def test_too_many_commits_of_its_own_are_refused_by_their_number(world):
    fork = world.one(behind=1, add=REBASE)
    add_commits(world.path(fork.repository), [
        Commit("main", "A <a@example.com>", EPOCH + 50_000_000 + n, f"Own {n}", {"n.txt": f"{n}\n"}) for n in range(1001)])
    before = world.all_refs()
    entry = only(world.sync(status=None))
    assert (entry["status"], entry["error"]["code"]) == ("failed", "TOO_LARGE")
    assert "1001" in entry["error"]["message"] and world.all_refs() == before


def test_lfs_objects_that_the_forks_server_lacks_end_it_before_its_backup(world):
    fork = world.one(behind=1, ahead=1, add=REBASE)
    world.server.give_lfs(world.repository(fork.repository))
    own(world, fork.upstream, {"big.bin": lfs_pointer(b"not there")})
    before = world.all_refs()
    entry = only(world.sync(status=None))
    assert (entry["status"], entry["error"]["code"]) == ("failed", "MISSING_LFS_OBJECTS")
    assert world.all_refs() == before


def test_a_branch_that_moves_meanwhile_is_not_overwritten(world):
    fork = world.one(behind=1, ahead=1, add=REBASE)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all", "--format", "json")
    gate.wait_reached()  # with the backup
    own(world, fork.repository, {"mine.txt": "mine\n"}, "Meanwhile", at=95_000_000)
    gate.remove()
    gate.open()
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, out + err
    subjects = world.git(fork.repository, "log", "--format=%s", "main").splitlines()
    assert "Meanwhile" in subjects and "Own change 0" in subjects
    assert world.tip(fork.upstream) in world.git(fork.repository, "rev-list", "main").split()


def test_a_push_that_was_not_heard_of_is_told_with_its_backup(world):
    fork = world.one(behind=2, ahead=1, add=REBASE)
    backup_gate = world.server.hold_answers(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all")
    backup_gate.wait_reached()  # the backup's answer
    backup_gate.open()
    backup_gate.wait_reached()  # the branch's
    kill(child)
    backup_gate.remove()
    backup_gate.open()
    rebased = world.tip(fork.repository)
    document = world.sync(status=0)
    told = [fact for fact in facts(world.events(), "fork_synced") if status_of(fact) == "rebased"]
    kept = world.refs(fork.repository, "refs/forge/backup/")
    assert [(fact["after"], fact["backup"]) for fact in told] == [(rebased, list(kept)[0])] and len(kept) == 1
    assert told[0]["before"] == kept[told[0]["backup"]]
    assert only(document)["status"] in ("rebased", "up_to_date") and world.tip(fork.repository) == rebased


SEED = int(os.environ.get("FORGE_TEST_SEED", random.SystemRandom().randrange(2**31)))


def test_a_rebase_killed_anywhere_is_done_once(world):
    print(f"FORGE_TEST_SEED={SEED}")
    dice = random.Random(f"{SEED} rebase")
    world.fleet.upstream("company/tools")
    for number in range(8):
        world.fleet.fork(f"fork-{number}", f"me/fork-{number}", "company/tools", behind=1 + number % 3, ahead=1 + number % 2)
    world.build(register=False)
    forks = list(world.fleet.forks.values())
    for fork in forks:
        world.add(fork, *REBASE)
    expected = {fork.name: Desk(world, fork).series() for fork in forks}
    before = {fork.name: world.tip(fork.repository) for fork in forks}
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
        told[fact["fork"]].append((status_of(fact), fact["before"], fact["after"], fact.get("backup", "")))
    for fork in forks:
        refs = world.refs(fork.repository, "")
        backups = {ref: oid for ref, oid in refs.items() if ref.startswith("refs/forge/")}
        assert series(world, fork.repository, world.tip(fork.upstream)) == expected[fork.name]
        assert set(backups.values()) == {before[fork.name]} and set(refs) == {"refs/heads/main", *backups}
        moves = [entry for entry in told[fork.name] if entry[1] != entry[2]]
        assert [entry[:3] for entry in moves] == [("rebased", before[fork.name], refs["refs/heads/main"])]
        assert moves[0][3] in backups
        world.git(fork.repository, "fsck", "--connectivity-only")
