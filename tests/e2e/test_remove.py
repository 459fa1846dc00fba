"""remove: what is the component's goes as a whole, what is anybody else's stays, and nothing is lost."""

import subprocess

import pytest

from pushes import FOLDER, TOOL, UPSTREAM, Work, manifest, needs
from world import HOST


@pytest.fixture
def work(tmp_path, server):
    return Work(tmp_path, server, f"remove-{tmp_path.name}")


@pytest.fixture
def installed(work):
    return work.installed()


@pytest.fixture
def three(work):
    """`agent` needs the tool; `loner` needs nobody."""
    work.create()
    work.commit({f"{FOLDER}/component.yaml": manifest(),
                 "components/tools/agent/component.yaml": manifest("agent", rest=needs(TOOL)),
                 "components/tools/loner/component.yaml": manifest("loner")})
    work.run("init")
    work.run("install", *(f"{HOST}/{UPSTREAM}/{name}" for name in (TOOL, "agent", "loner")))
    return work


def names(work):
    return [entry["component"] for entry in work.run("list", "--format", "json").json["components"]]


def remove(work, *arguments, status=0):
    return work.run("remove", *arguments, "--format", "json", status=status).json


def is_whole(work, name=TOOL, folder=FOLDER):
    """TRUE if the component is there, FALSE if nothing of it is; anything between is a failure."""
    line = f"component: {name}\n"
    there = [(work.root / folder / "component.yaml").exists(),
             line in (work.root / "forge.yaml").read_text(), line in (work.root / "forge.lock").read_text()]
    assert len(set(there)) == 1, there
    return there[0]


def test_files_lines_and_folders_go_and_all_else_stays(three):
    work = three
    comment = "# ours\n"
    wanted = work.root / "forge.yaml"
    wanted.write_text(comment + wanted.read_text())
    assert remove(work, "loner")["removed"]
    assert not (work.root / "components/tools/loner").exists()
    assert "loner" not in wanted.read_text() and wanted.read_text().startswith(comment)
    assert "loner" not in (work.root / "forge.lock").read_text()
    assert sorted(names(work)) == ["agent", TOOL]
    assert is_whole(work) and is_whole(work, "agent", "components/tools/agent")


def test_people_are_told_in_a_line(installed):
    assert installed.run("remove", TOOL).lines == [f"✓ {TOOL}: removed"]


def test_a_component_that_another_needs_is_refused_and_who_needs_it_is_named(three):
    error = remove(three, TOOL, status=7)["error"]
    assert error["code"] == "DEPENDENCY_CONFLICT" and "agent" in error["message"] and "loner" not in error["message"]
    assert is_whole(three) and three.file().exists()
    assert remove(three, TOOL, "--force")["removed"] and not is_whole(three)


def test_a_dependency_counts_as_the_files_say_it_now(three):
    work = three
    work.file(folder="components/tools/agent").write_text(manifest("agent"))
    work.file(folder="components/tools/loner").write_text(manifest("loner", rest=needs(TOOL)))
    assert "loner" in remove(work, TOOL, status=7)["error"]["message"]
    work.file(folder="components/tools/loner").write_text(manifest("loner"))
    assert remove(work, TOOL)["removed"]


def test_a_dependent_whose_file_cannot_be_read_counts_as_it_was_installed(three):
    three.file(folder="components/tools/agent").write_text("{{{")
    assert "agent" in remove(three, TOOL, status=7)["error"]["message"]


def test_a_dependent_that_was_removed_is_no_reason_any_more(three):
    remove(three, "agent")
    assert remove(three, TOOL)["removed"]


def test_local_changes_are_kept_and_told(installed):
    work = installed
    work.edit(timeout=60)
    work.file("notes.txt").write_text("mine\n")
    result = work.run("remove", TOOL)
    kept = work.facts("component_removed")[0]["kept"]
    assert kept[:7] in result.out and f"forge dev stash pop {TOOL}" in result.out

    def git(*arguments):
        return subprocess.run(["git", "-C", work.root / ".forge/repository", *arguments], check=True,
                              capture_output=True, text=True).stdout
    assert git("show", f"{kept}:component.yaml") == manifest(timeout=60)
    assert git("show", f"{kept}:notes.txt") == "mine\n"
    assert git("rev-parse", f"refs/forge/{TOOL}/stash/1").strip() == kept
    assert git("for-each-ref", "--format=%(refname)", "refs/forge").split() == [
        f"refs/forge/{TOOL}/removed", f"refs/forge/{TOOL}/stash/1"]


def test_files_that_are_not_the_components_stay_and_are_told(installed):
    work = installed
    work.file(".gitignore").write_text("*.log\n")
    work.file("debug.log").write_text("noise\n")
    result = work.run("remove", TOOL)
    assert FOLDER in result.out and work.file("debug.log").read_text() == "noise\n"
    assert [path.name for path in (work.root / FOLDER).iterdir()] == ["debug.log"]


def test_a_pending_merge_goes_with_its_component_and_the_local_version_is_kept(installed):
    work = installed
    work.commit({f"{FOLDER}/component.yaml": manifest(timeout=45)})
    work.edit(timeout=60)
    work.run("sync", "pull", TOOL, "--merge", status=7)
    assert remove(work, TOOL)["kept"] and not is_whole(work)


def test_a_folder_that_is_gone_already_is_no_obstacle(installed):
    subprocess.run(["rm", "-r", installed.root / FOLDER], check=True)
    removed = remove(installed, TOOL)
    assert removed["removed"] and removed["kept"] is None and names(installed) == []


def test_what_was_removed_can_be_installed_again(installed):
    work = installed
    work.edit(timeout=60)
    work.push()
    remove(work, TOOL)
    work.run("install", f"{HOST}/{UPSTREAM}/{TOOL}")
    assert work.file().read_text() == manifest() and work.status()["status"] == "synced"


def test_a_push_after_a_new_installation_does_not_take_back_what_was_pushed_before(installed):
    work = installed
    first = work.tip(UPSTREAM)
    work.edit(timeout=60)
    work.push("--branch", "main")
    work.run("remove", TOOL)
    work.run("install", f"{HOST}/{UPSTREAM}/{TOOL}@@{first}")
    work.edit(retries=5)
    work.push()
    branch = work.facts("component_pushed")[-1]["branch"]
    assert work.show(branch, f"{FOLDER}/component.yaml") == manifest(timeout=60, retries=5).strip()


def test_a_name_that_is_not_there_is_not_found_with_the_nearest(installed):
    assert TOOL in installed.run("remove", "salesforce-lokup", status=8).err
    assert is_whole(installed)


# renameat() puts the intent in its place and takes the files out; unlinkat() ends them and the intent.
@pytest.mark.parametrize("call", ["renameat", "unlinkat"])
def test_killed_anywhere_it_is_wholly_there_or_wholly_gone_after_the_next_command(installed, call):
    work = installed
    for when in range(1, 20):
        work.edit(timeout=60 + when)
        work.prefix = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                       "-e", f"inject={call}:signal=KILL:when={when}"]
        status = work.run("remove", TOOL, status=None).status
        work.prefix = []
        work.run("sync", "status", status=None)
        if is_whole(work):
            assert work.file().read_text() == manifest(timeout=60 + when) and work.file("prompt.txt").exists()
            remove(work, TOOL)
        assert not is_whole(work) and not (work.root / FOLDER).exists() and names(work) == []
        removed = work.facts("component_removed")
        assert len(removed) == when and removed[-1]["kept"]
        if status == 0:
            break
        work.run("install", f"{HOST}/{UPSTREAM}/{TOOL}")
    assert when > 1, "nothing was killed"


def test_what_a_removal_kept_is_taken_back_though_upstream_went_on(installed):
    file = installed.root / FOLDER / "component.yaml"
    file.write_text(file.read_text().replace("timeout: 30", "timeout: 77"))
    installed.run("remove", TOOL)
    installed.commit({"README.md": "Elsewhere\n"})
    installed.run("install", f"{HOST}/{UPSTREAM}/{TOOL}")
    installed.run("dev", "stash", "pop", TOOL)
    assert "timeout: 77" in file.read_text()
