"""sync push: one commit on top of the right tip, announced first, never forced, and told truthfully."""

import os
import random
import subprocess

import pytest

from process import ended_within
from pushes import FOLDER, TOOL, UPSTREAM, Work, manifest
from test_kill import wait_for_requests
from world import HOST, IDENTITY, finish_child, kill

SEED = int(os.environ.get("FORGE_TEST_SEED", random.SystemRandom().randrange(2**31)))

FORK = "me/crm-tools"


@pytest.fixture
def work(tmp_path, server):
    return Work(tmp_path, server, f"push-{tmp_path.name}")


@pytest.fixture
def installed(work):
    return work.installed()


def branch_of(work, name=UPSTREAM):
    """The one branch beside main."""
    (branch,) = [ref for ref in work.heads(name) if ref != "refs/heads/main"]
    return branch.removeprefix("refs/heads/")


def forked(work, register=True):
    """The fork FORK of upstream, registered."""
    work.path(FORK).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "-q", "--bare", work.path(UPSTREAM), work.path(FORK)], check=True)
    work.git(FORK, "config", "http.receivepack", "true")
    if register:
        work.run("fork", "add", "mine", "--fork", f"{HOST}/{FORK}", "--upstream", f"{HOST}/{UPSTREAM}")


# ---- what is pushed ----


def test_a_push_is_one_commit_on_top_of_upstreams_tip_that_changes_the_component_alone(installed):
    work, tip = installed, installed.tip(UPSTREAM)
    work.edit(timeout=60)
    result = work.run("sync", "push", TOOL, "--message", "Increase timeout for enterprise use")
    branch = branch_of(work)
    commit = work.tip(UPSTREAM, branch)
    assert result.lines == [
        "Checking repository access...", f"✓ Write access confirmed for {HOST}/{UPSTREAM}",
        f"Creating branch: {branch}", "Committing changes...", "Pushing to origin...",
        f"✓ Changes pushed successfully (commit: {commit[:7]})"]
    assert branch.startswith(f"forge/{TOOL}-") and branch.endswith(".1")
    assert work.tip(UPSTREAM) == tip
    assert work.git(UPSTREAM, "log", "-1", "--format=%P|%an <%ae>|%cn|%B", commit) == (
        f"{tip}|{IDENTITY[0]} <{IDENTITY[1]}>|{IDENTITY[0]}|Increase timeout for enterprise use")
    assert work.changed(commit) == [f"{FOLDER}/component.yaml"]
    assert work.show(commit, f"{FOLDER}/component.yaml") == manifest(timeout=60).strip()
    work.git(UPSTREAM, "fsck", "--strict")


def test_a_message_that_is_not_given_is_the_configured_one(installed):
    installed.edit(timeout=60)
    installed.configure("sync: {default_commit_message: 'tune {component} ({component})'}\n")
    entry = installed.push()
    assert installed.git(UPSTREAM, "log", "-1", "--format=%s", entry["commit"]) == f"tune {TOOL} ({TOOL})"


def test_files_that_are_the_bases_are_nothing_to_push(installed):
    heads = installed.heads()
    assert "nothing to push" in installed.run("sync", "push", TOOL).out
    assert not installed.push()["pushed"]
    assert installed.heads() == heads and not installed.facts("push_intended")


def test_what_was_pushed_before_is_not_pushed_to_another_branch_until_it_changes(installed):
    installed.edit(timeout=60)
    first = installed.push()
    assert not installed.push()["pushed"] and len(installed.heads()) == 2
    installed.edit(timeout=90)
    second = installed.push()
    assert second["pushed"] and second["branch"] != first["branch"] and len(installed.heads()) == 3


def test_new_deleted_and_executable_files_are_pushed_and_ignored_ones_are_not(installed):
    work = installed
    work.file("prompt.txt").unlink()
    work.file(".gitignore").write_text("*.log\n")
    work.file("run.sh").write_text("#!/bin/sh\n")
    work.file("run.sh").chmod(0o755)
    work.file("debug.log").write_text("noise\n")
    commit = work.push()["commit"]
    listed = work.git(UPSTREAM, "ls-tree", "-r", commit, f"{FOLDER}/").splitlines()
    assert [(line.split()[0], line.rsplit("/", 1)[1]) for line in listed] == [
        ("100644", ".gitignore"), ("100644", "component.yaml"), ("100755", "run.sh")]


def test_a_component_whose_folder_is_gone_is_not_deleted_upstream(installed):
    for path in list((installed.root / FOLDER).iterdir()):
        path.unlink()
    (installed.root / FOLDER).rmdir()
    assert installed.push(status=6)["error"]["code"] == "VALIDATION_FAILED"
    assert len(installed.heads()) == 1


def test_what_nobody_could_install_is_not_pushed(installed):
    installed.file("secrets").symlink_to("/etc/passwd")
    error = installed.push(status=10)["error"]
    assert error["code"] == "SECURITY_REFUSED" and "secrets" in error["message"]
    assert len(installed.heads()) == 1


def test_a_component_that_is_its_whole_repository_is_pushed_as_that(work):
    work.create()
    work.commit({"component.yaml": manifest(), "prompt.txt": "Look it up.\n"})
    work.run("init")
    work.run("install", f"{HOST}/{UPSTREAM}/{TOOL}")
    work.file(folder=f"components/{TOOL}").write_text(manifest(timeout=60))
    commit = work.push()["commit"]
    assert work.changed(commit) == ["component.yaml"]
    assert work.show(commit, "component.yaml") == manifest(timeout=60).strip()


def test_all_pushes_every_modified_component_a_line_each(work):
    work.create()
    work.commit({f"components/tools/{name}/component.yaml": manifest(name) for name in ("one", "three", "two")})
    work.run("init")
    work.run("install", *(f"{HOST}/{UPSTREAM}/{name}" for name in ("one", "two", "three")))
    for name in ("one", "three"):
        work.file(folder=f"components/tools/{name}").write_text(manifest(name, timeout=60))
    lines = work.run("sync", "push", "--all").lines
    assert len(lines) == 3 and "✓ two: nothing to push" in lines
    assert sorted(line.split(" (commit")[0].split("-01")[0] for line in lines if "pushed" in line) == [
        "✓ one: pushed to forge/one", "✓ three: pushed to forge/three"]
    assert len(work.heads()) == 3


# ---- upstream moved meanwhile ----


def test_commits_elsewhere_are_what_the_push_is_put_on(installed):
    tip = installed.commit({"README.md": "Better tools\n"})
    installed.edit(timeout=60)
    entry = installed.push()
    assert entry["onto"] == tip and installed.git(UPSTREAM, "rev-parse", entry["commit"] + "^") == tip


def test_what_upstream_changed_in_the_component_is_merged_into_the_push_and_not_into_the_files(installed):
    work = installed
    work.commit({f"{FOLDER}/component.yaml": manifest(retries=9)})
    work.edit(timeout=60)
    commit = work.push()["commit"]
    assert work.show(commit, f"{FOLDER}/component.yaml") == manifest(timeout=60, retries=9).strip()
    assert work.file().read_text() == manifest(timeout=60)
    assert work.status()["status"] == "modified" and work.status()["behind"] == 1


def test_a_merge_that_a_person_must_decide_pushes_nothing_and_says_pull_first(installed):
    installed.commit({f"{FOLDER}/component.yaml": manifest(timeout=45)})
    installed.edit(timeout=60)
    heads = installed.heads()
    error = installed.push(status=7)["error"]
    assert error["code"] == "SYNC_CONFLICT" and f"forge sync pull {TOOL} --merge" in error["message"]
    assert "component.yaml" in error["message"]
    assert installed.heads() == heads and installed.status()["status"] == "modified"


def test_a_pending_merge_refuses_a_push(installed):
    installed.commit({f"{FOLDER}/component.yaml": manifest(timeout=45)})
    installed.edit(timeout=60)
    installed.run("sync", "pull", TOOL, "--merge", status=7)
    assert installed.push(status=7)["error"]["code"] == "SYNC_CONFLICT"
    assert len(installed.heads()) == 1


def test_a_component_that_upstream_deleted_is_not_brought_back_by_a_push(installed):
    installed.commit({f"{FOLDER}/component.yaml": None, f"{FOLDER}/prompt.txt": None})
    installed.edit(timeout=60)
    assert installed.push(status=8)["error"]["code"] == "COMPONENT_NOT_FOUND"


def test_a_range_of_versions_is_pushed_on_the_default_branch(work):
    work.create()
    work.commit({f"{FOLDER}/component.yaml": manifest()})
    work.git(UPSTREAM, "tag", "v2.1.3", "main")
    tip = work.commit({f"{FOLDER}/notes.txt": "newer\n"})
    work.run("init")
    work.run("install", f"{HOST}/{UPSTREAM}/{TOOL}@~2.1.0")
    work.edit(timeout=60)
    entry = work.push()
    assert entry["onto"] == tip
    assert sorted(work.changed(entry["commit"])) == [f"{FOLDER}/component.yaml"]


def test_a_branch_that_is_followed_is_what_the_push_is_put_on(work):
    work.create()
    work.commit({f"{FOLDER}/component.yaml": manifest()})
    work.git(UPSTREAM, "branch", "next", "main")
    tip = work.commit({"next.txt": "next\n"}, branch="next")
    work.run("init")
    work.run("install", f"{HOST}/{UPSTREAM}/{TOOL}@next")
    work.edit(timeout=60)
    assert work.push()["onto"] == tip


# ---- what the status says afterwards ----


def test_a_pushed_component_is_modified_until_upstream_has_it_and_then_synced(installed):
    work = installed
    work.edit(timeout=60)
    entry = work.push()
    line = work.run("sync", "status", TOOL).out
    assert f"Component '{TOOL}' is modified" in line
    assert entry["branch"] in line and entry["commit"][:7] in line
    work.git(UPSTREAM, "update-ref", "refs/heads/main", entry["commit"])
    assert work.status()["status"] == "synced"
    assert not work.push()["pushed"]


def test_a_squashed_merge_upstream_is_synced_too_and_the_next_push_starts_from_it(installed):
    work = installed
    work.edit(timeout=60)
    work.push()
    work.commit({f"{FOLDER}/component.yaml": manifest(timeout=60)})
    assert work.status()["status"] == "synced"
    work.edit(timeout=90)
    commit = work.push()["commit"]
    assert work.show(commit, f"{FOLDER}/component.yaml") == manifest(timeout=90).strip()


# ---- a named branch ----


def test_a_named_branch_is_made_and_then_added_to(installed):
    work = installed
    work.edit(timeout=60)
    first = work.push("--branch", "tuning")
    work.edit(timeout=90)
    second = work.push("--branch", "tuning")
    assert work.heads()["refs/heads/tuning"] == second["commit"] and second["onto"] == first["commit"]
    assert work.show("tuning", f"{FOLDER}/component.yaml") == manifest(timeout=90).strip()
    work.git(UPSTREAM, "merge-base", "--is-ancestor", first["commit"], "tuning")


def test_what_somebody_added_to_a_named_branch_stays_in_it(installed):
    work = installed
    work.edit(timeout=60)
    work.push("--branch", "tuning")
    other = work.commit({f"{FOLDER}/prompt.txt": "Look it up twice.\n"}, branch="tuning")
    work.edit(timeout=90)
    assert work.push("--branch", "tuning")["onto"] == other
    assert work.show("tuning", f"{FOLDER}/prompt.txt") == "Look it up twice."
    assert work.show("tuning", f"{FOLDER}/component.yaml") == manifest(timeout=90).strip()


def test_the_branch_that_is_followed_is_pushed_to_if_it_is_named(installed):
    work, tip = installed, installed.tip(UPSTREAM)
    work.edit(timeout=60)
    entry = work.push("--branch", "main")
    assert work.tip(UPSTREAM) == entry["commit"] and entry["onto"] == tip
    assert work.status()["status"] == "synced"


@pytest.mark.parametrize("name", ["a..b", "-x", "a b", "x.lock", "/a", "a\x01", "HEAD"])
def test_what_can_be_no_branch_is_refused_and_nothing_is_pushed(installed, name):
    installed.edit(timeout=60)
    assert installed.push(f"--branch={name}", status=6)["error"]["code"] == "VALIDATION_FAILED"
    assert len(installed.heads()) == 1


# ---- races ----


def race(work, commit_on, pushes):
    """A hook of upstream that puts a commit on COMMIT_ON just before each of the first PUSHES updates of it."""
    hook = work.path(UPSTREAM) / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"""#!/bin/sh
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
n=$(cat raced 2>/dev/null || echo 0)
[ "$n" -ge {pushes} ] && exit 0
echo $((n + 1)) > raced
export GIT_AUTHOR_NAME=R GIT_AUTHOR_EMAIL=r@example.com GIT_COMMITTER_NAME=R GIT_COMMITTER_EMAIL=r@example.com
new=$(git commit-tree -p {commit_on} -m "Race $n" {commit_on}^{{tree}})
git update-ref refs/heads/{commit_on} $new
""")
    hook.chmod(0o755)


def test_a_push_that_loses_a_race_is_made_anew_on_what_won(installed):
    work, tip = installed, installed.tip(UPSTREAM)
    work.edit(timeout=60)
    race(work, "main", 2)
    entry = work.push("--branch", "main")
    assert work.git(UPSTREAM, "log", "--format=%s", f"{tip}..main").splitlines() == [
        f"forge: update {TOOL}", "Race 1", "Race 0"]
    assert entry["commit"] == work.tip(UPSTREAM)
    assert len(work.facts("push_intended")) == 3 and len(work.facts("component_pushed")) == 1


def test_two_workspaces_that_push_to_one_branch_both_get_in(installed, tmp_path, server):
    work = installed
    other = Work(tmp_path / "other", server, work.corner)
    other.run("init")
    other.run("install", f"{HOST}/{UPSTREAM}/{TOOL}")
    work.edit(timeout=60)
    other.edit(retries=5)
    pair = [each.start("sync", "push", TOOL, "--branch", "shared") for each in (work, other)]
    for child in pair:
        assert finish_child(child).status == 0
    assert work.show("shared", f"{FOLDER}/component.yaml") == manifest(timeout=60, retries=5).strip()
    assert work.git(UPSTREAM, "rev-list", "--count", "main..shared") == "2"


# ---- refusals ----


def test_a_protected_branch_is_an_outcome_of_its_own(installed):
    work = installed
    work.server.reject_ref(work.repository(UPSTREAM), "refs/heads/main")
    work.edit(timeout=60)
    tip = work.tip(UPSTREAM)
    error = work.push("--branch", "main", status=5)["error"]
    assert error["code"] == "PUSH_REJECTED" and "protected" in error["message"]
    assert work.tip(UPSTREAM) == tip
    assert work.push()["pushed"], "other branches are free"


def test_without_write_access_and_without_a_fork_the_hint_says_how_to_register_one(installed):
    installed.server.refuse_pushes(installed.repository(UPSTREAM))
    installed.edit(timeout=60)
    error = installed.push(status=5)["error"]
    assert error["code"] == "PERMISSION_DENIED"
    assert f"forge fork add NAME --fork R --upstream {HOST}/{UPSTREAM}" in error["hint"]
    shown = installed.run("sync", "push", TOOL, status=5).out
    assert f"✗ {TOOL}: " in shown and "hint: " in shown and error["hint"] in shown


def test_without_write_access_the_push_goes_to_the_registered_fork(installed):
    work = installed
    forked(work)
    work.server.refuse_pushes(work.repository(UPSTREAM))
    work.edit(timeout=60)
    result = work.run("sync", "push", TOOL, "-m", "Increase timeout")
    branch = branch_of(work, FORK)
    assert result.lines[:-1] == [
        "Checking repository access...", f"No write access to {HOST}/{UPSTREAM}", f"Creating branch: {branch}",
        "Committing changes...", "Pushing to fork...", "✓ Changes pushed to fork"]
    assert len(work.heads()) == 1
    assert work.git(FORK, "rev-parse", f"{branch}^") == work.tip(UPSTREAM)
    entry = work.status()
    assert (entry["status"], entry["fork"], entry["branch"]) == ("forked", f"{HOST}/{FORK}", branch)
    line = work.run("sync", "status", TOOL).out
    assert f"Component '{TOOL}' is forked" in line and branch in line


def test_all_that_upstream_refuses_goes_to_the_fork_a_line_each(work):
    work.create()
    names = ("one", "two", "three")
    work.commit({f"components/tools/{name}/component.yaml": manifest(name) for name in names})
    work.run("init")
    work.run("install", *(f"{HOST}/{UPSTREAM}/{name}" for name in names))
    forked(work)
    work.server.refuse_pushes(work.repository(UPSTREAM))
    for name in names[:2]:
        work.file(folder=f"components/tools/{name}").write_text(manifest(name, timeout=60))
    lines = work.run("sync", "push", "--all").lines
    assert len(lines) == 3 and lines[0] == "✓ three: nothing to push"
    assert sorted(line.split(",")[0] for line in lines[1:]) == [
        f"✓ {name}: pushed to {HOST}/{FORK}" for name in names[:2]]
    assert len(work.heads(FORK)) == 3 and len(work.heads()) == 1
    assert work.run("sync", "push", "--all", "--format", "json").json["components"][0]["error"] is None
    assert len(work.heads(FORK)) == 3, "nothing is pushed twice"


def test_upstreams_new_commits_come_along_to_a_fork_that_is_behind(installed):
    work = installed
    forked(work)
    tip = work.commit({"README.md": "Better tools\n"})
    work.edit(timeout=60)
    entry = work.push("--to", f"{HOST}/{FORK}")
    assert entry["to_fork"] and entry["onto"] == tip and len(work.heads()) == 1
    work.git(FORK, "fsck", "--connectivity-only")
    work.git(UPSTREAM, "fetch", "-q", work.path(FORK), f"{entry['branch']}:refs/heads/main")
    assert work.status()["status"] == "synced"


def test_of_several_registered_forks_one_must_be_named(installed):
    work = installed
    forked(work)
    work.run("fork", "add", "other", "--fork", f"{HOST}/other/crm-tools", "--upstream", f"{HOST}/{UPSTREAM}")
    work.server.refuse_pushes(work.repository(UPSTREAM))
    work.edit(timeout=60)
    assert "--to" in work.push(status=5)["error"]["hint"]
    assert len(work.heads(FORK)) == 1
    assert work.push("--to", f"{HOST}/{FORK}")["pushed"]


def test_a_fork_that_refuses_too_is_told_with_its_own_error(installed):
    work = installed
    forked(work)
    for name in (UPSTREAM, FORK):
        work.server.refuse_pushes(work.repository(name))
    work.edit(timeout=60)
    assert work.push(status=5)["error"]["code"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("options", [
    ("--all",), ("--message", ""), ("--branch", ""), ("--message", "x" * 20000), ("--to", "https://u:secret@h/a/b")])
def test_bad_options_are_refused_before_anything_happens(installed, options):
    installed.edit(timeout=60)
    result = installed.run("sync", "push", TOOL, *options, status=None)
    assert result.status in (2, 6) and "secret" not in result.out + result.err
    assert len(installed.heads()) == 1


def test_a_component_that_the_edit_broke_is_not_pushed(installed):
    installed.file().write_text(manifest(timeout=60).replace("kind: Tool", "kind: Tol"))
    error = installed.push(status=6)["error"]
    assert error["code"] == "VALIDATION_FAILED" and "component.yaml:" in error["message"]
    assert len(installed.heads()) == 1


def test_a_component_that_is_not_there_is_not_found(installed):
    result = installed.run("sync", "push", "salesforce-lokup", status=8)
    assert TOOL in result.err


# ---- kill -9 ----


def test_a_push_killed_between_announcement_and_arrival_is_made_by_the_next_command(installed):
    work = installed
    work.edit(timeout=60)
    gate = work.server.hold_pushes(work.repository(UPSTREAM))
    child = work.start("sync", "push", TOOL)
    gate.wait_reached()
    kill(child)
    gate.remove()
    intended = work.facts("push_intended")
    assert len(intended) == 1 and len(work.heads()) == 1
    work.run("sync", "status", TOOL)
    gate.open()
    work.run("sync", "status", TOOL)
    told = work.facts("component_pushed")
    assert len(told) == 1 and told[0]["commit"] == intended[0]["after"] == work.heads()[f"refs/heads/{told[0]['branch']}"]
    assert len(work.heads()) == 2
    gate.close()


def test_a_push_whose_answer_was_lost_is_looked_for_and_not_made_twice(installed):
    work = installed
    work.edit(timeout=60)
    hook = work.path(UPSTREAM) / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")
    hook.chmod(0o755)
    entry = work.push()
    assert entry["pushed"] and entry["commit"] == work.tip(UPSTREAM, branch_of(work))
    assert len(work.facts("component_pushed")) == len(work.facts("push_intended")) == 1
    assert work.facts("job_retry_scheduled"), "the answer came"


@pytest.mark.parametrize("afterwards", ["nothing", "edited", "reverted", "built_upon", "cache_lost"])
def test_a_push_killed_after_it_arrived_is_told_and_not_made_twice(installed, afterwards):
    work = installed
    work.edit(timeout=60)
    gate = work.server.hold_answers(work.repository(UPSTREAM))
    child = work.start("sync", "push", TOOL)
    gate.wait_reached()
    kill(child)
    gate.remove()
    gate.open()
    branch = branch_of(work)
    pushed = work.tip(UPSTREAM, branch)
    if afterwards == "edited":
        work.edit(timeout=90)
    elif afterwards == "reverted":
        work.edit()
    elif afterwards == "built_upon":
        work.commit({"NOTES": "mine\n"}, branch=branch)
    elif afterwards == "cache_lost":
        subprocess.run(["rm", "-rf", work.home / "cache"], check=True)
    heads = work.heads()
    work.run("sync", "status", TOOL)
    told = work.facts("component_pushed")
    assert [(fact["branch"], fact["commit"]) for fact in told] == [(branch, pushed)]
    assert work.heads() == heads
    work.run("journal", "verify", "--config", work.home / "workspace.yaml")


@pytest.mark.parametrize("round_", range(5))
def test_however_often_it_is_killed_a_push_happens_once_and_is_told_once(installed, round_):
    work, dice = installed, random.Random(f"{SEED} {round_}")
    print(f"FORGE_TEST_SEED={SEED}")
    work.commit({f"{FOLDER}/prompt.txt": "Look it up twice.\n"})
    work.edit(timeout=60)
    words = ("sync", "push", TOOL)
    for _ in range(4):
        child = work.start(*words)
        wait_for_requests(work, dice.randint(1, 7), child)
        ended_within(child, dice.random() * 0.02)
        kill(child)
        words = ("sync", "status", TOOL)
    work.run("sync", "status", TOOL)
    told = work.facts("component_pushed")
    assert len(told) == 1 and len(work.heads()) == 2
    assert told[0]["commit"] == work.tip(UPSTREAM, told[0]["branch"])
    assert work.show(told[0]["branch"], f"{FOLDER}/component.yaml") == manifest(timeout=60).strip()
    work.run("journal", "verify", "--config", work.home / "workspace.yaml")
