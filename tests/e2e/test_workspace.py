"""forge init, install, list and info: what people type first."""

import json
import shutil
import subprocess

import pytest
import yaml

from workspace import HOST, manifest, tool

CRM = f"{HOST}/company/crm-tools"
LOOKUP = f"{CRM}/salesforce-lookup"


def error_of(result):
    return result.json["error"]


# ---- init ----


def test_init_makes_a_workspace_of_a_new_folder(workspace):
    document = workspace.run("init", "made/here", "--format", "json").json
    root = workspace.folder / "made" / "here"
    assert document == {"workspace": str(root), "existed": False}
    assert yaml.safe_load((root / "forge.yaml").read_text()) == {"components": []}
    assert (root / ".forge").is_dir()


def test_init_keeps_every_file_that_is_there(workspace):
    workspace.root.mkdir()
    (workspace.root / "notes.txt").write_text("mine\n")
    (workspace.root / ".gitignore").write_text("*.o\n")
    listed = "# ours\ncomponents: []\n"
    (workspace.root / "forge.yaml").write_text(listed)
    workspace.run("init")
    assert (workspace.root / "notes.txt").read_text() == "mine\n"
    assert (workspace.root / ".gitignore").read_text() == "*.o\n/.forge/\n"
    assert (workspace.root / "forge.yaml").read_text() == listed


def test_git_sees_nothing_of_forges_own_folder(workspace):
    workspace.crm()
    subprocess.run(["git", "init", "-q", workspace.root], check=True, env=workspace.env)
    shown = subprocess.run(["git", "-C", workspace.root, "status", "--porcelain", "-uall"], check=True, text=True,
                           stdout=subprocess.PIPE, env=workspace.env).stdout
    assert ".forge" not in shown and "forge.lock" in shown and "forge.yaml" in shown


def test_init_twice_says_so_and_changes_nothing(workspace):
    workspace.crm()
    before = workspace.status()
    assert workspace.run("init", "--format", "json").json["existed"] is True
    assert "already a workspace" in workspace.run("init").out
    assert workspace.status() == before


def test_a_workspace_in_a_workspace_is_refused(workspace):
    workspace.init()
    shown = workspace.run("init", "inner", status=None)
    assert shown.status in (2, 7) and str(workspace.root) in shown.err
    assert not (workspace.root / "inner").exists()


def test_a_command_outside_any_workspace_says_how_to_make_one(workspace):
    for command in (("list",), ("sync", "status"), ("install",), ("sync", "pull", "--all")):
        shown = workspace.run(*command, status=8)
        assert "forge init" in shown.err


def test_a_workspace_is_found_from_any_folder_in_it(workspace):
    workspace.crm()
    child = workspace.start("list", "--format", "json", cwd=workspace.path("salesforce-lookup"))
    out, _ = child.communicate(timeout=30)
    assert child.returncode == 0 and json.loads(out)["components"][0]["component"] == "salesforce-lookup"


# ---- install ----


@pytest.mark.parametrize("asked, revision, version, constraint", [
    ("", "main", None, None),
    ("@main", "main", None, "main"),
    ("@next", "next", None, "next"),
    ("@^2", "v2.2.0", "2.2.0", "^2"),
    ("@~2.1", "v2.1.3", "2.1.3", "~2.1"),
    ("@>=1 <2", "v1.9.0", "1.9.0", ">=1 <2"),
    ("@latest", "v2.2.0", "2.2.0", "latest"),
    ("@2.1.3", "v2.1.3", "2.1.3", "2.1.3"),
    ("@3.0.0-rc.1", "v3.0.0-rc.1", "3.0.0-rc.1", "3.0.0-rc.1"),
    ("@v1.9.0", "v1.9.0", None, "v1.9.0"),
])
def test_install_takes_what_the_constraint_means(workspace, versions, asked, revision, version, constraint):
    entry = workspace.run("install", LOOKUP + asked, "--format", "json").json["components"][0]
    commit = versions.git("rev-parse", f"{revision}^{{commit}}")
    assert (entry["component"], entry["status"], entry["commit"], entry["error"]) == (
        "salesforce-lookup", "done", commit, None)
    assert entry["version"] in (version, "1.9.0" if asked == "@v1.9.0" else version)
    line = workspace.lock()["salesforce-lookup"]
    assert (line["commit"], line["repository"], line.get("version")) == (commit, CRM, entry["version"])
    assert line["tree"] == versions.tree(commit, "components/tools/salesforce-lookup") == workspace.tree("salesforce-lookup")
    assert workspace.wanted()["salesforce-lookup"].get("version_constraint") == constraint
    assert workspace.one()["status"] == "synced"


def test_install_takes_a_commit_in_full_or_in_part(workspace, versions):
    old = versions.git("rev-parse", "v2.1.3")
    for text in (old, old[:10]):
        workspace.run("install", f"{LOOKUP}@@{text}")
        assert workspace.lock()["salesforce-lookup"]["commit"] == old, text
        row = workspace.one()
        assert (row["status"], row["upstream_commit"]) == ("synced", old)
        workspace.run("install", f"{LOOKUP}@main")


def test_an_exact_version_and_a_commit_are_pinned(workspace, versions):
    workspace.run("install", f"{LOOKUP}@2.1.3")
    versions.commit(tool("salesforce-lookup", "2.9.0"), tag="v2.9.0")
    assert workspace.one()["status"] == "synced"
    workspace.run("install", f"{LOOKUP}@^2.1")
    assert workspace.one()["local_commit"] == versions.tip()


def test_what_was_asked_for_is_written_beside_a_persons_words(workspace, versions):
    (workspace.root / "forge.yaml").write_text("# fleet of ours\ncomponents:   # more to come\n")
    workspace.run("install", f"{LOOKUP}@^2")
    text = (workspace.root / "forge.yaml").read_text()
    assert "# fleet of ours" in text and "# more to come" in text
    assert workspace.wanted()["salesforce-lookup"]["version_constraint"] == "^2"


def test_an_unknown_component_is_8_with_the_nearest_name(workspace, versions):
    shown = workspace.run("install", f"{CRM}/salesforce-lokup", status=8)
    assert "salesforce-lookup" in shown.out + shown.err
    assert workspace.run("list", "--format", "json").json == {"components": []}
    assert not workspace.path("salesforce-lokup").exists()
    assert "salesforce-lokup" not in (workspace.root / "forge.yaml").read_text()


@pytest.mark.parametrize("asked", ["@^9", "@8.8.8", "@no-such-branch", "@@0123456789abcdef"])
def test_an_unknown_version_is_8_and_leaves_nothing(workspace, versions, asked):
    document = workspace.run("install", LOOKUP + asked, "--format", "json", status=8).json
    assert document["error"]["code"] == "COMPONENT_NOT_FOUND"
    assert asked.lstrip("@")[:7] in document["error"]["message"]
    assert not workspace.path("salesforce-lookup").exists()


def test_an_unknown_repository_is_8_and_an_unreachable_one_4(workspace, versions):
    workspace.run("install", f"{HOST}/company/no-such/x", status=8)
    workspace.hosts[HOST]["clone"] = "http://127.0.0.1:1"
    workspace.configure()
    shown = workspace.run("install", LOOKUP, status=4)
    assert CRM in shown.out + shown.err
    assert yaml.safe_load((workspace.root / "forge.yaml").read_text()) == {"components": []}


@pytest.mark.parametrize("text", ["", "/", "a/", "x@", "Upper", "github.com/company/crm-tools", "..", "a b",
                                  "github.com/company/crm-tools/-x"])
def test_a_reference_that_names_nothing_is_told(workspace, text):
    workspace.init()
    shown = workspace.run("install", text, status=None)
    assert shown.status in (2, 6, 8), shown


def test_components_stand_in_the_order_named_whichever_is_there_first(workspace):
    names = ["zeta", "mid", "alpha", "omega", "beta"]
    for place, name in enumerate(names):
        # The first named have the most to fetch, so they end last.
        more = {f"data/{number}.txt": f"{number} {name}\n" * 200 for number in range(0, 1200 - 300 * place)}
        workspace.upstream(f"company/{name}", tool(name, more=more))
    workspace.init()
    references = [f"{HOST}/company/{name}/{name}" for name in names]
    workspace.run("install", references[3])
    shown = workspace.run("install", *references).out
    assert shown.count("installed") == 4 and "omega: already at" in shown
    assert list(workspace.wanted()) == names
    assert list(workspace.lock()) == sorted(names)

    def listed(*words):
        return [row["component"] for row in workspace.run(*words, "--format", "json").json["components"]]
    assert listed("list") == listed("sync", "status") == names
    # A clone's jobs end in any order too.
    workspace.root = workspace.clone()
    shutil.rmtree(workspace.root / "components")
    workspace.run("install")
    assert list(workspace.wanted()) == names
    assert listed("list") == listed("sync", "status", "--offline") == names
    table = workspace.run("sync", "status", "--offline").out.splitlines()
    assert [line.split()[0] for line in table[2:7]] == names


def test_files_in_the_way_are_kept_and_the_install_refused(workspace, versions):
    folder = workspace.path("salesforce-lookup")
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine\n")
    shown = workspace.run("install", LOOKUP, status=7)
    assert "components/tools/salesforce-lookup" in shown.out + shown.err
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert "salesforce-lookup" not in (workspace.root / "forge.yaml").read_text()


def test_a_file_where_the_folder_goes_is_kept_and_the_install_refused(workspace, versions):
    workspace.path().mkdir(parents=True)
    workspace.path("salesforce-lookup").write_text("mine\n")
    shown = workspace.run("install", LOOKUP, status=None)
    assert shown.status in (7, 9, 10) and "components/tools/salesforce-lookup" in shown.out + shown.err
    assert workspace.path("salesforce-lookup").read_text() == "mine\n"
    workspace.path("salesforce-lookup").unlink()
    workspace.run("install", LOOKUP)


def test_installing_twice_changes_nothing(workspace, versions):
    workspace.run("install", f"{LOOKUP}@^2")
    before = (workspace.files("salesforce-lookup"), (workspace.root / "forge.lock").read_bytes(),
              (workspace.root / "forge.yaml").read_bytes())
    for words in ((), ("salesforce-lookup",), (f"{LOOKUP}@^2",)):
        shown = workspace.run("install", *words)
        assert "salesforce-lookup" in shown.out and "already" in shown.out
        assert (workspace.files("salesforce-lookup"), (workspace.root / "forge.lock").read_bytes(),
                (workspace.root / "forge.yaml").read_bytes()) == before, words


def test_installing_another_version_replaces_files_that_nobody_changed(workspace, versions):
    workspace.run("install", f"{LOOKUP}@1.9.0")
    workspace.run("install", "salesforce-lookup@2.1.3")
    assert workspace.tree("salesforce-lookup") == versions.tree("v2.1.3", "components/tools/salesforce-lookup")
    assert workspace.wanted()["salesforce-lookup"]["version_constraint"] == "2.1.3"
    workspace.edit("salesforce-lookup", "timeout: 2", "timeout: 99")
    before = workspace.files("salesforce-lookup")
    shown = workspace.run("install", "salesforce-lookup@1.9.0", status=7)
    assert "local changes" in shown.out + shown.err and workspace.files("salesforce-lookup") == before
    assert workspace.wanted()["salesforce-lookup"]["version_constraint"] == "2.1.3"


def test_a_folder_that_somebody_deleted_is_put_back(workspace, versions):
    workspace.run("install", f"{LOOKUP}@2.1.3")
    before = workspace.files("salesforce-lookup")
    shutil.rmtree(workspace.path("salesforce-lookup"))
    assert workspace.one()["status"] == "modified"
    workspace.run("install")
    assert workspace.files("salesforce-lookup") == before
    assert workspace.one()["status"] == "synced"


def test_one_name_from_two_repositories_is_refused(workspace, versions):
    workspace.upstream("other/tools", tool("salesforce-lookup"))
    shown = workspace.run("install", LOOKUP, f"{HOST}/other/tools/salesforce-lookup", status=2)
    assert "twice" in shown.err


def test_a_repository_that_is_one_component_is_installed_by_its_manifest(workspace):
    workspace.upstream("company/solo", {
        "forge-manifest.yaml": "components:\n  prompts:\n    - name: solo\n      path: .\n      version: 1.0.0\n",
        "component.yaml": manifest("solo").replace("Tool", "Prompt"), "prompt.txt": "Hello\n"})
    workspace.init()
    entry = workspace.run("install", f"{HOST}/company/solo/solo", "--format", "json").json["components"][0]
    assert (workspace.root / entry["folder"] / "prompt.txt").read_text() == "Hello\n"
    assert workspace.one("solo")["status"] == "synced"


def test_a_component_by_address_and_fragment(workspace, versions):
    entry = workspace.run("install", f"{versions.path}#salesforce-lookup@^2", "--format", "json").json["components"][0]
    assert entry["commit"] == versions.git("rev-parse", "v2.2.0")
    workspace.run("install", f"file://{versions.path}#salesforce-lookup@2.1.3")
    assert workspace.lock()["salesforce-lookup"]["commit"] == versions.git("rev-parse", "v2.1.3")


def test_a_range_over_annotated_tags_takes_the_commit_and_not_the_tag(workspace, versions):
    versions.git("-c", "user.name=U", "-c", "user.email=u@example.com", "tag", "-a", "-m", "x", "v2.5.0", "v2.1.3")
    workspace.run("install", f"{LOOKUP}@^2")
    assert workspace.lock()["salesforce-lookup"]["commit"] == versions.git("rev-parse", "v2.1.3")
    assert workspace.lock()["salesforce-lookup"]["version"] == "2.5.0"


def test_the_lock_stays_whole_when_a_line_of_it_gets_shorter(workspace, versions):
    for asked in ("@^2", "@main", "@3.0.0-rc.1", "@next"):
        workspace.run("install", LOOKUP + asked)
        line = workspace.lock()["salesforce-lookup"]
        assert set(line) - {"version"} == {"component", "repository", "path", "commit", "tree", "resolved_at",
                                           "dependencies"}


def test_a_version_that_is_not_there_is_told_as_such_also_when_another_is_installed(workspace, versions):
    workspace.run("install", f"{LOOKUP}@^2")
    shown = workspace.run("install", f"{LOOKUP}@no-such", status=8)
    assert "no-such" in shown.err and "any more" not in shown.err
    assert workspace.one()["status"] == "synced"


# ---- list and info ----


def test_an_empty_workspace_lists_nothing_and_says_what_to_do(workspace):
    workspace.init()
    assert "forge install" in workspace.run("list").out + workspace.run("list").err
    assert workspace.run("list", "--format", "json").json == {"components": []}
    assert yaml.safe_load(workspace.run("list", "--format", "yaml").out) == {"components": []}
    assert workspace.run("list", "--format", "jsonl").out == ""
    assert workspace.run("install", "--format", "json").json == {"components": []}
    assert workspace.run("sync", "status", "--format", "json").json["components"] == []


@pytest.mark.parametrize("words", [("list",), ("sync", "status"), ("sync", "status", "--all"), ("sync", "pull", "--all"),
                                   ("sync", "push", "--all"), ("dev", "validate")])
def test_every_command_says_of_an_empty_workspace_that_there_is_nothing_yet(workspace, words):
    workspace.init()
    shown = workspace.run(*words)
    assert shown.out == ""
    assert shown.err == "No components are installed; `forge install REPOSITORY/COMPONENT` does that.\n"
    assert workspace.run(*words, "--format", "json").json["components"] == []
    assert workspace.run(*words, "--quiet").err == ""
    assert workspace.run("install").err == (
        "forge.yaml lists no components; `forge install REPOSITORY/COMPONENT` adds one.\n")


def test_list_and_info_say_the_same_in_every_form(workspace, versions):
    workspace.run("install", f"{LOOKUP}@^2")
    expected = {"component": "salesforce-lookup", "repository": CRM, "path": "components/tools/salesforce-lookup",
                "version_constraint": "^2", "version": "2.2.0", "commit": versions.git("rev-parse", "v2.2.0"),
                "tree": versions.tree("v2.2.0", "components/tools/salesforce-lookup"),
                "folder": "components/tools/salesforce-lookup"}
    assert workspace.run("list", "--format", "json").json == {"components": [expected]}
    assert yaml.safe_load(workspace.run("list", "--format", "yaml").out) == {"components": [expected]}
    assert [json.loads(line) for line in workspace.run("list", "--format", "jsonl").out.splitlines()] == [expected]
    assert workspace.run("info", "salesforce-lookup", "--format", "json").json == expected
    assert yaml.safe_load(workspace.run("info", "salesforce-lookup", "--format", "yaml").out) == expected
    lines = workspace.run("info", "salesforce-lookup").lines
    for line in ("Component: salesforce-lookup", "Version: 2.2.0", "Wanted: ^2", f"Repository: {CRM}", "Status: synced"):
        assert line in lines
    assert expected["commit"][:7] in workspace.run("list").out


def test_info_of_an_unknown_component_is_8_with_the_nearest_name(workspace, versions):
    workspace.run("install", LOOKUP)
    shown = workspace.run("info", "salesforce-lokup", status=8)
    assert "salesforce-lookup" in shown.err
    assert error_of(workspace.run("info", "x", "--format", "json", status=8))["code"] == "COMPONENT_NOT_FOUND"
    for command in (("sync", "status", "salesforce-lokup"), ("sync", "pull", "salesforce-lokup")):
        shown = workspace.run(*command, status=8)
        assert "salesforce-lookup" in shown.out + shown.err, command


def test_a_look_that_asks_nobody_forgets_nothing(workspace, versions):
    workspace.run("install", f"{LOOKUP}@^2")
    before = workspace.run("list", "--format", "json").json
    workspace.run("sync", "status", "--offline")
    workspace.run("install")
    assert workspace.run("list", "--format", "json").json == before


def test_a_forge_yaml_that_cannot_be_read_is_named_and_kept(workspace, versions):
    workspace.run("install", LOOKUP)
    for text in ("components: [", "components: 7\n", "- a\n", "components:\n  - component: x\n", "\x00", ""):
        (workspace.root / "forge.yaml").write_text(text)
        for command in (("install",), ("sync", "pull", "salesforce-lookup")):
            shown = workspace.run(*command, status=None)
            assert shown.status in (0, 3, 6, 8) and (shown.status == 0 or "forge.yaml" in shown.out + shown.err), (text, shown)
        assert (workspace.root / "forge.yaml").read_text() == text


def test_a_forge_lock_that_cannot_be_read_is_named_and_kept(workspace, versions):
    workspace.run("install", LOOKUP)
    for text in ("version: 2\ncomponents: []\n", "components: {", "version: 1\ncomponents:\n  - component: x\n"):
        (workspace.root / "forge.lock").write_text(text)
        shown = workspace.run("sync", "pull", "salesforce-lookup", status=None)
        assert shown.status in (2, 3, 6) and "forge.lock" in shown.out + shown.err, shown
        assert (workspace.root / "forge.lock").read_text() == text


# ---- limits and places ----

def test_a_file_past_the_limit_is_refused_by_name_and_the_limit_can_be_raised(workspace):
    workspace.upstream("company/big", tool("big", more={"data/large.bin": b"x" * 200_000}))
    workspace.init()
    environment = {"FORGE_SYNC_MAX_FILE": "100KB"}
    shown = workspace.run("install", f"{HOST}/company/big/big", status=9, env=environment)
    assert "data/large.bin" in shown.out and not workspace.path("big").exists()
    workspace.run("install", f"{HOST}/company/big/big", env={"FORGE_SYNC_MAX_FILE": "300KB"})
    workspace.path("big", "more.bin").write_bytes(b"y" * 400_000)
    shown = workspace.run("sync", "status", "big", status=9, env={"FORGE_SYNC_MAX_FILE": "300KB"})
    assert "more.bin" in shown.err


def test_another_version_goes_where_the_component_is(workspace, versions):
    workspace.run("install", f"{LOOKUP}@2.1.3")
    text = (workspace.root / "forge.yaml").read_text()
    shutil.rmtree(workspace.root / "components")
    shutil.rmtree(workspace.root / ".forge")
    (workspace.root / "forge.yaml").write_text(text.rstrip("\n") + "\n    path: mine/lookup\n")
    workspace.run("install")
    assert (workspace.root / "mine" / "lookup" / "component.yaml").exists()
    workspace.run("install", f"{LOOKUP}@2.2.0")
    assert "version: 2.2.0" in (workspace.root / "mine" / "lookup" / "component.yaml").read_text()
    assert not (workspace.root / "components").exists()
    assert workspace.one()["status"] == "synced"


def test_a_locked_commit_on_a_tag_beside_every_branch_is_installed_again(workspace, versions):
    versions.commit(tool("salesforce-lookup", "2.9.0", timeout=9), branch="aside", tag="v2.9.0")
    versions.git("update-ref", "-d", "refs/heads/aside")
    workspace.run("install", f"{LOOKUP}@^2")
    locked = workspace.lock()
    assert locked["salesforce-lookup"]["version"] == "2.9.0"
    shutil.rmtree(workspace.root / ".forge")
    shutil.rmtree(workspace.root / "components")
    workspace.run("install")
    assert workspace.lock() == locked and workspace.one()["status"] == "synced"


def test_a_branch_called_like_a_range_is_found(workspace, versions):
    versions.git("branch", "7.x", "next")
    workspace.run("install", f"{LOOKUP}@7.x")
    assert workspace.lock()["salesforce-lookup"]["commit"] == versions.tip("next")


def test_a_repositorys_tag_is_found_where_the_component_has_tags_of_its_own(workspace, versions):
    versions.git("tag", "salesforce-lookup@1.9.0", "v1.9.0")
    tagged = versions.git("rev-parse", "v2.1.3")
    workspace.run("install", f"{LOOKUP}@v2.1.3")
    line = workspace.lock()["salesforce-lookup"]
    assert (line["commit"], line.get("version")) == (tagged, None)
    versions.commit(tool("salesforce-lookup", "2.9.0"), tag="v2.9.0")
    row = workspace.one()
    assert (row["status"], row["upstream_commit"]) == ("synced", tagged)
    assert "up to date" in workspace.run("sync", "pull", "salesforce-lookup").out
    shown = workspace.run("install", f"{LOOKUP}@2.1.3", status=8)
    assert "no version of 'salesforce-lookup' is 2.1.3; there is 1.9.0" in shown.err
    # Once the component has that version itself, that is what is meant.
    versions.git("tag", "salesforce-lookup@2.1.3", "v2.2.0")
    workspace.run("sync", "pull", "salesforce-lookup")
    line = workspace.lock()["salesforce-lookup"]
    assert (line["commit"], line["version"]) == (versions.git("rev-parse", "v2.2.0"), "2.1.3")


def test_a_component_from_another_repository_is_followed_there(workspace, versions):
    workspace.run("install", f"{LOOKUP}@2.1.3")
    other = workspace.upstream("other/tools", tool("salesforce-lookup", "2.1.3", timeout=2), tag="v2.1.3")
    workspace.run("install", f"{HOST}/other/tools/salesforce-lookup")
    assert workspace.wanted()["salesforce-lookup"]["repository"] == f"{HOST}/other/tools"
    assert workspace.lock()["salesforce-lookup"]["commit"] == other.tip()
