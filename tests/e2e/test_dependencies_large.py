"""Dependencies of sizes and shapes that nobody has, or that somebody made on purpose: each ends in bounded time, with a
choice or a reason. Seconds are printed."""

import json
import subprocess
import time

import pytest
from test_dependencies import CRM, MAIL, needs, publish, versions
from workspace import HOST, manifest

LOOSE_SECONDS = 150  # of a machine that has other things to do; the printed ones say how long it takes


@pytest.fixture
def one(workspace):
    made = workspace.upstream("company/crm-tools")
    workspace.init()
    return made


def timed(workspace, *arguments, status=0):
    started = time.monotonic()
    shown = workspace.run(*arguments, status=status, timeout=LOOSE_SECONDS)
    print(f"forge {' '.join(arguments)[:60]}: {time.monotonic() - started:.2f} s, exit status {shown.status}")
    return shown


def components(parts):
    """{path of component.yaml: text} for {name: [(component, constraint)]}, all at 1.0.0."""
    return {f"components/tools/{name}/component.yaml":
            manifest(name, "1.0.0", extra=needs(*((None, *need) for need in wanted)) if wanted else "")
            for name, wanted in parts.items()}


# ---- too much ----


def test_a_manifest_of_a_million_entries_is_refused_in_time(workspace, one):
    publish(one, "good", "1.0.0")
    one.commit({"forge-manifest.yaml": "components:\n  tools:\n" + "".join(
        f"    - {{name: t{number}}}\n" for number in range(1_000_000))})
    shown = timed(workspace, "install", f"{CRM}/good", status=None)
    assert shown.status not in (0, -9) and "forge-manifest.yaml" in shown.err, shown
    assert not (workspace.root / "components").exists()


def test_a_component_yaml_of_two_megabytes_is_refused_or_taken_in_time(workspace, one):
    publish(one, "user", "1.0.0", (None, "big", None))
    one.commit({"components/tools/big/component.yaml": manifest("big", extra="more: " + "x" * 2_000_000 + "\n")},
               tag="big@1.0.0")
    shown = timed(workspace, "install", f"{CRM}/user@^1", status=None)
    if shown.status == 0:
        assert versions(workspace) == {"big": "1.0.0", "user": "1.0.0"}
    else:
        assert shown.status == 7 and "component.yaml" in shown.err, shown


def test_a_component_yaml_of_two_megabytes_of_entries_is_explained_in_time(workspace, one):
    publish(one, "user", "1.0.0", (None, "big", None))
    lines = "".join(f"  - {number}\n" for number in range(250_000))
    one.commit({"components/tools/big/component.yaml": manifest("big", extra="more:\n" + lines)}, tag="big@1.0.0")
    shown = timed(workspace, "install", f"{CRM}/user@^1", status=7)
    assert "big" in shown.err and "component.yaml" in shown.err


def test_a_thousand_dependencies_are_resolved_and_one_more_is_a_reason(workspace, one):
    parts = {f"d{number:04}": [] for number in range(1000)}
    parts["user"] = [(name, "^1") for name in sorted(parts)]
    parts["more"] = parts["user"] + [("user", "^1")]
    one.commit(components(parts), tag="v1.0.0")
    shown = timed(workspace, "deps", "why-not", f"{CRM}/user@1.0.0", "--format", "json")
    assert shown.json["possible"] is True, shown
    shown = timed(workspace, "install", f"{CRM}/more@^1", status=None)
    assert shown.status in (6, 7) and "1000" in shown.err, shown


def test_a_component_with_a_thousand_long_names_in_its_line_of_the_lock_is_installed(workspace, one):
    # The names need not lead anywhere: without its needs, it is the line alone that is large.
    parts = {"user": [(f"{'d' * 95}-{number:04}", "^1") for number in range(1000)]}
    one.commit(components(parts), tag="v1.0.0")
    timed(workspace, "install", "--no-deps", f"{CRM}/user@^1")
    assert len(workspace.lock()["user"]["dependencies"]) == 1000
    assert timed(workspace, "deps", "verify").out.count("agree") == 1


def test_a_hundred_dependencies_are_installed_and_stay(workspace, one):
    parts = {f"d{number:04}": [] for number in range(100)}
    parts["user"] = [(name, "^1") for name in sorted(parts)]
    one.commit(components(parts), tag="v1.0.0")
    timed(workspace, "install", f"{CRM}/user@^1")
    assert len(workspace.lock()) == 101
    shown = timed(workspace, "deps", "resolve")
    assert "101 components resolved, forge.lock has them already" in shown.out
    assert timed(workspace, "deps", "verify").out.count("agree") == 101


def test_more_tags_than_files_that_may_be_open(workspace, one):
    commit = one.commit(components({"tool": []}))
    one.git("update-ref", "--stdin", input="".join(
        f"create refs/tags/v1.{number // 100}.{number % 100} {commit}\n" for number in range(1500)).encode())
    workspace.prefix = ["prlimit", "--nofile=1024"]
    timed(workspace, "install", f"{CRM}/tool@^1")
    assert versions(workspace) == {"tool": "1.14.99"}


def test_twenty_thousand_tags_cost_one_fetch_and_no_time_later(workspace, one):
    commit = one.commit(components({"tool": []}))
    one.git("update-ref", "--stdin", input="".join(
        f"create refs/tags/v1.{number // 100}.{number % 100} {commit}\n" for number in range(19_999)).encode())
    one.git("pack-refs", "--all")
    timed(workspace, "install", f"{CRM}/tool@^1")
    assert versions(workspace) == {"tool": "1.199.98"}
    timed(workspace, "deps", "resolve")
    one.git("update-ref", "--stdin", input="".join(
        f"create refs/tags/v2.0.{number} {commit}\n" for number in range(10)).encode())
    shown = timed(workspace, "deps", "resolve", status=None)
    assert shown.status != 0 and "20000" in shown.err and CRM in shown.err, shown


# ---- wrong ----


def test_two_spellings_of_a_version_at_two_commits_are_named_both(workspace, one):
    publish(one, "tool", "1.0.0")
    publish(one, "tool", "1.0.0", style="{name}/v{version}")
    shown = timed(workspace, "install", f"{CRM}/tool@^1", status=6)
    assert "tool@1.0.0" in shown.err and "tool/v1.0.0" in shown.err and "two commits" in shown.err
    publish(one, "user", "1.0.0", (None, "tool", "^1"))
    shown = timed(workspace, "install", f"{CRM}/user@^1", status=7)
    assert "two commits" in shown.err


def test_a_constraint_that_is_none_in_forge_yaml_is_named_with_its_line(workspace, one):
    publish(one, "tool", "1.0.0")
    (workspace.root / "forge.yaml").write_text(
        f"components:\n  - repository: {CRM}\n    component: tool\n    version_constraint: \">>1\"\n")
    for command in (("install",), ("deps", "resolve"), ("deps", "update")):
        shown = timed(workspace, *command, status=3)
        assert "forge.yaml:4" in shown.err and "version_constraint" in shown.err, shown


def test_a_constraint_that_is_none_in_a_strangers_file_is_part_of_the_explanation(workspace, one):
    publish(one, "tool", "1.0.0")
    publish(one, "stranger", "1.0.0", (None, "tool", ">>1"))
    publish(one, "user", "1.0.0", (None, "stranger", "^1"))
    shown = timed(workspace, "install", f"{CRM}/user@^1", status=7)
    assert "stranger 1.0.0" in shown.err and "component.yaml:" in shown.err, shown


@pytest.mark.parametrize("name", ["ünïcode", "a" * 101, "-x", "a/b", "..", "a b", "🙂"])
def test_an_odd_name_in_a_strangers_file_is_part_of_the_explanation(workspace, one, name):
    publish(one, "stranger", "1.0.0", (None, f'"{name}"', "^1"))
    publish(one, "user", "1.0.0", (None, "stranger", "^1"))
    shown = timed(workspace, "install", f"{CRM}/user@^1", status=7)
    assert "component.yaml:" in shown.err, shown
    assert not (workspace.root / "components").exists()


@pytest.mark.parametrize("constraint", ["ünïcode", "x" * 201, "🙂" * 20])
def test_an_odd_constraint_that_names_no_branch_is_explained(workspace, one, constraint):
    publish(one, "tool", "1.0.0")
    publish(one, "stranger", "1.0.0", (None, "tool", constraint))
    publish(one, "user", "1.0.0", (None, "stranger", "^1"))
    shown = timed(workspace, "install", f"{CRM}/user@^1", status=7)
    assert "tool" in shown.err


def test_the_longest_name_and_a_unicode_branch_work(workspace, one):
    name = "a" * 100
    publish(one, name, "1.0.0")
    one.git("branch", "größe/🙂", "main")
    publish(one, "user", "1.0.0", (None, name, "größe/🙂"))
    timed(workspace, "install", f"{CRM}/user@^1")
    assert set(versions(workspace)) == {name, "user"}
    assert timed(workspace, "deps", "verify").out.count("agree") == 2


# ---- shapes ----


def test_a_chain_of_two_hundred_is_resolved_to_its_end(workspace, one):
    parts = {f"c{number:03}": [(f"c{number + 1:03}", "^1")] for number in range(199)}
    one.commit(components({**parts, "c199": []}), tag="v1.0.0")
    timed(workspace, "install", f"{CRM}/c000@^1")
    assert len(workspace.lock()) == 200
    path = json.loads(timed(workspace, "deps", "why", "c199", "--format", "json").out)["paths"][0]
    assert len(path) == 200
    timed(workspace, "deps", "tree")
    timed(workspace, "remove", "c000")
    assert workspace.lock() == {}


def test_a_chain_that_breaks_at_its_end_is_explained(workspace, one):
    parts = {f"c{number:03}": [(f"c{number + 1:03}", "^1")] for number in range(199)}
    one.commit(components({**parts, "c199": [("nobody", "^1")]}), tag="v1.0.0")
    shown = timed(workspace, "install", f"{CRM}/c000@^1", status=7)
    assert "c199" in shown.err and "nobody" in shown.err
    assert len(shown.err.splitlines()) < 250


def test_a_diamond_of_twelve_layers_is_resolved_and_its_ways_are_bounded(workspace, one):
    parts = {"top": [("l0", "^1"), ("r0", "^1")]}
    for layer in range(12):
        for side in "lr":
            below = [(f"{side_}{layer + 1}", "^1") for side_ in "lr"] if layer < 11 else [("end", "^1")]
            parts[f"{side}{layer}"] = below
    one.commit(components({**parts, "end": []}), tag="v1.0.0")
    timed(workspace, "install", f"{CRM}/top@^1")
    assert len(workspace.lock()) == 26
    paths = json.loads(timed(workspace, "deps", "why", "end", "--format", "json").out)["paths"]
    assert len(paths) == 1000, "there are 4096"
    assert len(timed(workspace, "deps", "tree").out.splitlines()) == 1 + 2 + 11 * 4 + 2, "each need is shown once"


# ---- a resolution made again ----


def test_the_refs_that_a_resolution_names_give_the_same_choice_again(workspace):
    mail, crm = workspace.upstream("tools/communication"), workspace.upstream("company/crm-tools")
    for version in ("1.0.0", "1.1.0"):
        publish(mail, "engine", version)
    publish(crm, "user", "1.0.0", (MAIL, "engine", "^1"))
    workspace.init()
    (workspace.root / "forge.yaml").write_text(
        f"components:\n  - repository: {CRM}\n    component: user\n    version_constraint: \"^1\"\n")
    first = workspace.run("deps", "resolve", "--dry-run", "--format", "json").json
    # The world goes on, and this workspace sees that.
    publish(mail, "engine", "1.2.0")
    mail.git("tag", "-d", "engine@1.1.0")
    publish(crm, "user", "1.1.0", (MAIL, "engine", "^1"))
    second = workspace.run("deps", "resolve", "--dry-run", "--format", "json").json
    assert second["components"] != first["components"]
    for document in (first, second, first):
        restore(workspace, document)
        workspace.server.forget_requests()
        again = workspace.run("deps", "resolve", "--dry-run", "--offline", "--format", "json").json
        assert workspace.requests() == []
        assert choice(again) == choice(document)
        assert {row["repository"]: row["refs"] for row in again["repositories"]} == {
            row["repository"]: row["refs"] for row in document["repositories"]}


def choice(document):
    """What was chosen, without what is only the newest there is."""
    return [{key: row[key] for key in ("component", "repository", "path", "version", "commit", "tree", "dependencies")}
            for row in document["components"]]


def restore(workspace, document):
    """Makes the refs that a resolution named those that the workspace knows."""
    git = ["git", "-C", workspace.root / ".forge" / "repository"]
    for row in document["repositories"]:
        refs = subprocess.run([*git, "for-each-ref", "--format=%(refname)", "refs/upstreams"], check=True,
                              capture_output=True, text=True).stdout.split()
        for ref in refs:
            text = subprocess.run([*git, "show", f"{ref}:refs"], check=True, capture_output=True, text=True).stdout
            if f"\nrepository {row['repository']}\n" in text:
                subprocess.run([*git, "update-ref", ref, row["refs"]], check=True)


def test_a_lock_is_the_same_on_another_machine_that_sees_the_same(workspace):
    crm = workspace.upstream("company/crm-tools")
    for version in ("1.0.0", "1.1.0"):
        publish(crm, "engine", version)
    publish(crm, "user", "1.0.0", (None, "engine", "^1"))
    locks = []
    for _ in range(2):
        workspace.root = workspace.folder / f"machine-{len(locks)}"
        workspace.init()
        workspace.run("install", f"{HOST}/company/crm-tools/user@^1")
        locks.append([line for line in (workspace.root / "forge.lock").read_text().splitlines()
                      if "resolved_at" not in line])
        subprocess.run(["rm", "-rf", workspace.home / "cache"], check=True)
    assert locks[0] == locks[1]
