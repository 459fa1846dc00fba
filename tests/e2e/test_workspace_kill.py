"""Kill -9 at any moment of an install or a pull: a component's folder is wholly before or wholly after, forge.lock
agrees with it, and the next command works.

The moments are drawn from a seed over the time that an undisturbed run takes; FORGE_TEST_SEED repeats a run,
FORGE_TEST_KILLS sets how often commands are killed.
"""

import os
import random
import shutil
import time

import pytest

from process import ended_within
from workspace import HOST, tool
from world import finish_child, kill

SEED = int(os.environ.get("FORGE_TEST_SEED", random.SystemRandom().randrange(2**31)))
KILLS = int(os.environ.get("FORGE_TEST_KILLS", 30))
NAMES = ["alpha", "beta", "gamma", "delta"]
FILES = 60


@pytest.fixture
def dice(request):
    print(f"FORGE_TEST_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


def files_of(step):
    """All components at a STEP; each step changes, adds and deletes files of all of them."""
    files = {}
    for name in NAMES:
        more = {f"data/{number // 10}/{number}.txt": f"{name} {number} {step}\n" * (1 + number)
                for number in range(FILES) if (number + step) % 7}
        files.update(tool(name, f"1.{step}.0", timeout=step, more=more))
    return files


class Fleet:
    """Repositories of four components with many files, and what they hold at each step."""

    def __init__(self, workspace):
        self.workspace, self.step = workspace, 0
        self.upstream = workspace.upstream("company/crm-tools")
        self.commits = [self.upstream.commit(files_of(0), fresh=True)]
        workspace.init()

    def references(self):
        return [f"{HOST}/company/crm-tools/{name}" for name in NAMES]

    def move(self):
        self.step += 1
        self.commits.append(self.upstream.commit({"README.md": "", **files_of(self.step), **gone(self.step)}))

    def tree(self, name, commit):
        return self.upstream.tree(commit, f"components/tools/{name}")

    def check(self):
        """Every folder is one of upstream's versions as a whole, and the lock's line is of that very version."""
        lock = self.workspace.lock() if (self.workspace.root / "forge.lock").exists() else {}
        for name in NAMES:
            folder = self.workspace.path(name)
            if not folder.exists():
                assert name not in lock, name
                continue
            found = self.workspace.tree(name)
            assert lock[name]["tree"] == found == self.tree(name, lock[name]["commit"]), name

    def check_end(self):
        for name, line in self.workspace.lock().items():
            assert line["commit"] == self.upstream.tip() and self.workspace.tree(name) == line["tree"]
        rows = self.workspace.status()
        assert {name: row["status"] for name, row in rows.items()} == dict.fromkeys(NAMES, "synced")
        assert not [path for path in (self.workspace.root / ".forge" / "apply").glob("*")]
        assert not [path for path in (self.workspace.root / ".forge").glob("kept/*")]
        assert {path.name for path in self.workspace.root.iterdir()} == {
            "forge.yaml", "forge.lock", ".forge", ".gitignore", "components"}


def gone(step):
    """The files of the step before that this one does not have."""
    before, now = files_of(step - 1), files_of(step)
    return {path: ("", None) for path in before if path not in now}


@pytest.fixture
def fleet(workspace):
    return Fleet(workspace)


def seconds_of(workspace, *arguments):
    start = time.monotonic()
    workspace.run(*arguments)
    return time.monotonic() - start


def run_and_kill(workspace, delay, *arguments):
    """Kills the command after DELAY seconds. False if it had ended by then."""
    child = workspace.start(*arguments)
    alive = not ended_within(child, delay)
    kill(child)
    return alive


def test_pulls_killed_anywhere_leave_every_folder_whole(fleet, dice):
    workspace = fleet.workspace
    workspace.run("install", *fleet.references())
    fleet.move()
    whole = seconds_of(workspace, "sync", "pull", "--all")
    fleet.check_end()
    killed = 0
    while killed < KILLS:
        fleet.move()
        for _ in range(4):
            killed += run_and_kill(workspace, whole * dice.random() * 1.1, "sync", "pull", "--all")
            # The next command brings what was begun to its end.
            rows = workspace.status("--all", status=None)
            assert set(rows) == set(NAMES) and {row["status"] for row in rows.values()} <= {"synced", "outdated"}, rows
            fleet.check()
    workspace.run("sync", "pull", "--all")
    fleet.check_end()


def test_the_offline_look_alone_completes_what_was_begun(fleet, dice):
    workspace = fleet.workspace
    workspace.run("install", *fleet.references())
    for _ in range(max(3, KILLS // 5)):
        fleet.move()
        run_and_kill(workspace, 0.02 + dice.random() * 0.25, "sync", "pull", "--all")
        workspace.run("sync", "status", "--offline", status=None)
        fleet.check()
    workspace.run("sync", "pull", "--all")
    fleet.check_end()


def test_what_a_killed_command_left_is_named_when_it_is_gone_on_with(fleet, dice):
    workspace = fleet.workspace
    workspace.run("install", *fleet.references())
    for _ in range(50):
        fleet.move()
        run_and_kill(workspace, 0.02 + dice.random() * 0.25, "sync", "pull", "--all")
        left = [row["batch"] for row in workspace.run("batch", "list", "--workspace", "--format", "json").json["batches"]]
        shown = workspace.run("sync", "status", "--offline", status=None).err
        assert shown.count("A stopped command left batch ") == len(left), shown
        assert all(f"`forge batch cancel --workspace {name}`" in shown for name in left), shown
        if left:
            break
    assert left
    assert "A stopped command" not in workspace.run("sync", "status", status=None).err


def test_installs_killed_anywhere_leave_all_or_nothing(fleet, dice):
    workspace = fleet.workspace
    first = workspace.root
    whole = seconds_of(workspace, "install", *fleet.references())
    fleet.check_end()
    for number in range(max(2, KILLS // 5)):
        workspace.root = workspace.folder / f"work-{number}"
        workspace.init()
        for _ in range(3):
            run_and_kill(workspace, whole * dice.random() * 1.1, "install", *fleet.references())
            workspace.run("sync", "status", "--all", status=None)
            fleet.check()
        workspace.run("install", *fleet.references())
        fleet.check_end()
        shutil.rmtree(workspace.root)
    workspace.root = first


def test_pulls_that_keep_local_changes_lose_none_when_killed(fleet, dice):
    workspace = fleet.workspace
    workspace.run("install", *fleet.references())
    mine = {name: f"mine {name}\n" for name in NAMES}
    for name, text in mine.items():
        workspace.path(name, "mine.txt").write_text(text)
    for number in range(max(3, KILLS // 5)):
        fleet.move()
        option = dice.choice(["--merge", "--rebase"])
        run_and_kill(workspace, 0.02 + dice.random() * 0.3, "sync", "pull", "--all", option)
        rows = workspace.status("--all", status=None)
        assert {row["status"] for row in rows.values()} == {"modified"}
        assert {name: workspace.path(name, "mine.txt").read_text() for name in NAMES} == mine
        assert all([change["file"] for change in row["changes"]] == ["mine.txt"] for row in rows.values())
    workspace.run("sync", "pull", "--all", "--merge")
    for name in NAMES:
        workspace.path(name, "mine.txt").unlink()
    workspace.run("sync", "status")
    fleet.check_end()


def test_a_pending_merge_survives_a_killed_pull(fleet, dice):
    workspace = fleet.workspace
    workspace.run("install", *fleet.references())
    workspace.edit("alpha", "timeout: 0", "timeout: 99")
    fleet.move()
    workspace.run("sync", "pull", "alpha", "--merge", status=7)
    before = workspace.one("alpha")
    assert before["status"] == "conflict"
    fleet.move()
    for _ in range(6):
        run_and_kill(workspace, 0.01 + dice.random() * 0.05, "sync", "pull", "alpha", "--merge")
        workspace.run("sync", "status", status=None)
    now = workspace.one("alpha")
    assert now["status"] == "conflict" and "timeout: 99" in workspace.path("alpha", "component.yaml").read_text()
    text = workspace.run("sync", "status", "alpha").out
    assert fleet.commits[1][:7] in text, "the merge that waits is another one now"


def test_two_pulls_at_once_do_it_once(fleet):
    workspace = fleet.workspace
    workspace.run("install", *fleet.references())
    for _ in range(3):
        fleet.move()
        pair = [workspace.start("sync", "pull", "--all") for _ in range(2)]
        for child in pair:
            assert finish_child(child).status == 0
        fleet.check()
        fleet.check_end()


def test_commands_of_all_kinds_at_once_leave_a_whole_workspace(fleet):
    workspace = fleet.workspace
    workspace.run("install", *fleet.references())
    fleet.move()
    commands = [("sync", "pull", "--all"), ("sync", "status"), ("install",), ("list",), ("sync", "pull", "alpha"),
                ("sync", "status", "--offline"), ("install", f"{HOST}/company/crm-tools/beta@main")]
    children = [workspace.start(*command) for command in commands]
    for child in children:
        result = finish_child(child, 120)
        assert result.status == 0, (child.args, result)
    fleet.check()
    workspace.run("sync", "pull", "--all")
    fleet.check_end()


def test_a_command_killed_beside_another_leaves_the_other_working(fleet, dice):
    workspace = fleet.workspace
    workspace.run("install", *fleet.references())
    for _ in range(4):
        fleet.move()
        victim = workspace.start("sync", "pull", "alpha", "beta")
        other = workspace.start("sync", "pull", "gamma", "delta")
        ended_within(victim, dice.random() * 0.15)
        kill(victim)
        result = finish_child(other, 120)
        assert result.status == 0, result
        fleet.check()
    workspace.run("sync", "pull", "--all")
    fleet.check_end()


def test_locks_of_refs_that_a_killed_command_left_are_in_nobodys_way(workspace):
    upstream = workspace.upstream("company/crm-tools", tool("alpha", "1.0.0"))
    workspace.init()
    workspace.run("install", f"{HOST}/company/crm-tools/alpha")
    repository = workspace.root / ".forge" / "repository"
    refs = [path for path in (repository / "refs").rglob("*") if path.is_file()]
    locks = [path.with_name(f"{path.name}.lock") for path in [*refs, repository / "packed-refs"]]
    assert any("upstreams" in path.parts for path in refs)
    for path in locks:
        path.touch()
    upstream.commit(tool("alpha", "1.1.0"))
    workspace.run("deps", "update")
    assert workspace.one("alpha")["status"] == "synced" and not any(path.exists() for path in locks)
