"""What a resolution leaves for people: noted in components' own files, made again on the refs of an earlier one, and told
after a pull and beside a component's status."""

import json
import shutil

import pytest
import yaml
from test_dependencies import CRM, MAIL, RESOLVED, SALES, ecosystem, needs, publish, versions  # noqa: F401
from workspace import manifest

NOTES = ("resolved_version", "commit", "resolved_at")


def document(path):
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)


def notes(entry):
    return {key: entry[key] for key in NOTES if key in entry}


def locked(workspace, name):
    """The line of forge.lock, times as they are written."""
    lines = document(workspace.root / "forge.lock")["components"]
    return next(line for line in lines if line["component"] == name)


def noted(workspace, name):
    line = locked(workspace, name)
    return {"resolved_version": line["version"], "commit": line["commit"],
            "resolved_at": line["resolved_at"]}


@pytest.fixture
def installed(ecosystem):  # noqa: F811
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    return ecosystem


# ---- resolve --write ----


def test_write_notes_the_resolution_in_every_component_that_needs_something(installed):
    lock = (installed.root / "forge.lock").read_bytes()
    shown = installed.run("deps", "resolve", "--write")
    agent = installed.root / "components" / "agents" / "sales-specialist" / "component.yaml"
    entries = document(agent)["dependencies"]["tools"]
    assert [notes(entry) for entry in entries] == [noted(installed, "salesforce-lookup"),
                                                   noted(installed, "template-engine")]
    for name, needed in (("salesforce-lookup", "email-composer"), ("email-composer", "template-engine")):
        entry, = document(installed.path(name, "component.yaml"))["dependencies"]["tools"]
        assert notes(entry) == noted(installed, needed)
        assert f"{name}: its dependencies are noted" in shown.out
    assert "template-engine: " not in shown.out, "it needs nothing"
    assert (installed.root / "forge.lock").read_bytes() == lock
    assert {name: row["status"] for name, row in installed.status("--all").items()} == {
        "email-composer": "modified", "sales-specialist": "modified", "salesforce-lookup": "modified",
        "template-engine": "synced"}
    edits = [event["data"] for event in events(installed) if event["type"] == "component_edited"]
    assert {(edit["name"], edit["action"], edit["note"]) for edit in edits} == {
        (name, "edit", "dependencies") for name in ("email-composer", "sales-specialist", "salesforce-lookup")}


def events(workspace):
    """What the workspace's own journal says."""
    exported = workspace.run("--config", journal(workspace), "journal", "export").out
    return [json.loads(line) for line in exported.splitlines()]


def journal(workspace):
    config = workspace.home / "workspace.yaml"
    config.write_text((workspace.home / "config.yaml").read_text()
                      + f"journal: rocksdb:{workspace.root}/.forge/journal\n")
    return config


def test_what_is_noted_already_is_not_touched(installed):
    installed.run("deps", "resolve", "--write")
    paths = [path for path in installed.root.glob("components/*/*/component.yaml")]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}
    again = installed.run("deps", "resolve", "--write", "--format", "json").json
    assert [row["component"] for row in again["noted"] if row["changed"]] == []
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in paths} == before
    shown = installed.run("deps", "resolve", "--write", "email-composer")
    assert "email-composer: nothing to note" in shown.out


def test_only_the_named_components_are_written(installed):
    installed.run("deps", "resolve", "--write", "salesforce-lookup")
    assert {name for name, row in installed.status("--all").items() if row["status"] == "modified"} == {
        "salesforce-lookup"}


def test_a_dry_run_says_what_would_be_noted_and_writes_nothing(installed):
    before = {path: path.read_bytes() for path in installed.root.glob("components/*/*/component.yaml")}
    shown = installed.run("deps", "resolve", "--write", "--dry-run", "salesforce-lookup")
    assert "salesforce-lookup: its dependencies would be noted" in shown.out
    assert f"  - email-composer 1.3.2 ({installed.lock()['email-composer']['commit'][:7]})\n" in shown.out
    row, = installed.run("deps", "resolve", "--write", "--dry-run", "salesforce-lookup", "--format",
                         "json").json["noted"]
    assert row["component"] == "salesforce-lookup" and row["changes"]
    assert {path: path.read_bytes() for path in installed.root.glob("components/*/*/component.yaml")} == before


def test_a_dry_run_says_of_what_moves_that_it_does_not_know(installed):
    text = (installed.root / "forge.yaml").read_text()
    (installed.root / "forge.yaml").write_text(text.replace("^1", "1.0.0"))
    shown = installed.run("deps", "resolve", "--write", "--dry-run", "sales-specialist")
    assert "sales-specialist would be installed first" in shown.err and "noted" not in shown.out
    assert versions(installed)["sales-specialist"] == "1.1.0"


def written(workspace, text, *extra):
    """The text of component.yaml of `user`, which needs engine 1.2.0, after --write."""
    one = workspace.upstream("company/crm-tools")
    publish(one, "engine", "1.2.0")
    for name in extra:
        publish(one, name, "1.0.0")
    one.commit({"components/tools/user/component.yaml": text}, tag="user@1.0.0")
    workspace.init()
    workspace.run("install", f"{CRM}/user@^1")
    workspace.run("deps", "resolve", "--write")
    return workspace.path("user", "component.yaml").read_text()


def test_comments_order_and_quotes_stay_also_below_spec(workspace):
    text = manifest("user", extra=(
        'spec:\n  dependencies:\n    # what draws\n    tools:\n      - component: engine  # the fast one\n'
        '        commit: "0123456789abcdef0123456789abcdef01234567"  # old\n        version_constraint: "^1.0.0"\n'
        "\n      # and this\n      - component: 'menu'\n  steps: [1,  2]\n# the end\n"))
    now = written(workspace, text, "menu")
    first, second = locked(workspace, "engine"), locked(workspace, "menu")
    plain = now.replace(f'"{second["commit"]}"', second["commit"])  # quoted where it begins as a number does
    assert plain == text.replace("0123456789abcdef0123456789abcdef01234567", first["commit"]).replace(
        '        version_constraint: "^1.0.0"\n', '        version_constraint: "^1.0.0"\n'
        f'        resolved_version: 1.2.0\n        resolved_at: "{first["resolved_at"]}"\n').replace(
        "      - component: 'menu'\n",
        f"      - component: 'menu'\n        resolved_version: 1.0.0\n        commit: {second['commit']}\n"
        f"        resolved_at: \"{second['resolved_at']}\"\n")
    assert notes(yaml.load(now, Loader=yaml.BaseLoader)["spec"]["dependencies"]["tools"][0]) == noted(workspace, "engine")


def test_entries_in_brackets_stay_in_brackets(workspace):
    text = manifest("user", extra=(
        "dependencies: {tools: [{component: engine, version_constraint: ^1.0.0}]}  # all of it\n"))
    now = written(workspace, text)
    assert now.startswith(text.split("dependencies")[0]) and now.endswith("]}  # all of it\n")
    assert now.count("\n") == text.count("\n")
    entry, = yaml.load(now, Loader=yaml.BaseLoader)["dependencies"]["tools"]
    assert list(entry) == ["component", "version_constraint", *NOTES]
    assert notes(entry) == noted(workspace, "engine")


def test_what_follows_a_branch_has_a_commit_and_no_version(workspace):
    text = manifest("user", extra=(
        "dependencies:\n  tools:\n    - component: engine\n      version_constraint: main\n      resolved_version: 1.0.0\n"))
    now = yaml.load(written(workspace, text), Loader=yaml.BaseLoader)["dependencies"]["tools"][0]
    line = locked(workspace, "engine")
    assert notes(now) == {"commit": line["commit"], "resolved_at": line["resolved_at"]}


def test_a_need_that_was_just_edited_keeps_what_it_says(installed):
    installed.edit("salesforce-lookup", "~1.3.0", "^2.0.0")
    shown = installed.run("deps", "resolve", "--write", "salesforce-lookup")
    assert "not noted: it needs email-composer ^2.0.0, forge.lock has 1.3.2" in shown.out
    assert not notes(document(installed.path("salesforce-lookup", "component.yaml"))["dependencies"]["tools"][0])


def test_an_unreadable_component_yaml_stops_no_other(installed):
    installed.edit("salesforce-lookup", "metadata:", "metadata: [")
    shown = installed.run("deps", "resolve", "--write", "--format", "json", status=6).json["noted"]
    errors = {row["component"]: row["error"] and row["error"]["code"] for row in shown}
    assert errors["salesforce-lookup"] == "VALIDATION_FAILED" and errors["email-composer"] is None
    assert notes(document(installed.path("email-composer", "component.yaml"))["dependencies"]["tools"][0])


def test_names_are_for_write_and_unknown_ones_move_nothing(installed):
    publish(installed.upstreams["company/agents"], "sales-specialist", "1.2.0", (CRM, "salesforce-lookup", "^2.1.0"),
            style="v{version}", kind="agents")
    text = (installed.root / "forge.yaml").read_text()
    (installed.root / "forge.yaml").write_text(text.replace("^1", "^1.2.0"))
    assert "--write" in installed.run("deps", "resolve", "sales-specialist", status=2).err
    shown = installed.run("deps", "resolve", "--write", "email-compose", status=8)
    assert "email-composer" in shown.err and versions(installed) == RESOLVED


# ---- --as-of ----


def test_a_resolution_is_made_again_on_the_refs_of_then(installed):
    job = installed.run("deps", "resolve", "--format", "json").json["job"]
    mail = installed.upstreams["tools/communication"]
    publish(mail, "template-engine", "1.5.0")
    installed.run("deps", "resolve")
    assert versions(installed) == RESOLVED
    shown = installed.run("deps", "update")
    assert versions(installed)["template-engine"] == "1.5.0" and "This resolution is job" in shown.err
    before = (installed.root / "forge.lock").read_bytes()
    for path in installed.server.path(installed.corner).glob("*/*"):
        shutil.rmtree(path)
    installed.server.forget_requests()
    shown = installed.run("deps", "update", "--as-of", job, "--dry-run")
    assert "template-engine 1.5.0 → 1.4.0" in shown.out
    rows = installed.run("deps", "update", "--as-of", job, "--dry-run", "--format", "json").json["components"]
    assert {row["component"]: row["version"] for row in rows} == RESOLVED
    assert installed.requests() == [], "no server is asked"
    newer = shown.err.split("This resolution is job ")[1].split(".")[0]
    assert newer != job.split(".")[0]
    assert (installed.root / "forge.lock").read_bytes() == before, "it is shown, and not followed"


def test_as_of_keeps_what_is_locked_now(installed):
    job = installed.run("deps", "resolve", "--format", "json").json["job"]
    publish(installed.upstreams["tools/communication"], "template-engine", "1.5.0")
    installed.run("deps", "update")
    rows = installed.run("deps", "resolve", "--as-of", job, "--dry-run", "--format", "json").json["components"]
    assert {row["component"]: row["version"] for row in rows} == {**RESOLVED, "template-engine": "1.5.0"}


def test_as_of_is_never_followed_and_takes_only_a_resolution(installed):
    job = installed.run("deps", "resolve", "--format", "json").json["job"]
    assert "--dry-run" in installed.run("deps", "resolve", "--as-of", job, status=2).err
    assert "--dry-run" in installed.run("deps", "update", "--as-of", job, status=2).err
    installed.run("deps", "resolve", "--as-of", "01ZZZZZZZZZZZZZZZZZZZZZZZZ.1", "--dry-run", status=8)
    installed.run("deps", "resolve", "--as-of", job[:-1] + "2", "--dry-run", status=8)
    batches = installed.run("--config", journal(installed), "batch", "list", "--all", "--format", "json").json["batches"]
    other = next(row["batch"] for row in batches if row["kind"] == "component_install")
    shown = installed.run("deps", "resolve", "--as-of", f"{other}.1", "--dry-run", status=6)
    assert "component_install" in shown.err
    assert job.split(".")[0] in {row["batch"] for row in batches}


# ---- after a pull ----


def grown(workspace, range_):
    """salesforce-lookup is followed on its branch, where it comes to need email-composer RANGE_."""
    one = workspace.upstream("company/crm-tools")
    for version in ("1.3.2", "2.0.0"):
        publish(one, "email-composer", version)
    text = manifest("salesforce-lookup", "2.1.3", extra=needs((None, "email-composer", "~1.3.0")))
    one.commit({"components/tools/salesforce-lookup/component.yaml": text})
    workspace.init()
    workspace.run("install", f"{CRM}/salesforce-lookup@main")
    one.commit({"components/tools/salesforce-lookup/component.yaml": text.replace("~1.3.0", range_)})
    return one


def test_a_pull_says_what_it_needs_that_is_not_here_and_install_brings_it(workspace):
    grown(workspace, "^2.0.0")
    shown = workspace.run("sync", "pull", "salesforce-lookup")
    assert shown.out.splitlines()[-1] == ("salesforce-lookup needs email-composer ^2.0.0 (here: 1.3.2); run 'forge "
                                          "install' to bring it")
    row, = workspace.run("sync", "pull", "salesforce-lookup", "--format", "json").json["components"]
    assert row["unmet"] == [{"component": "email-composer", "version_constraint": "^2.0.0", "here": "1.3.2"}]
    workspace.run("install")
    assert workspace.lock()["email-composer"]["version"] == "2.0.0"
    assert workspace.run("deps", "verify").out.count("agree") == 2
    assert workspace.run("deps", "tree").out.splitlines()[1] == "└── email-composer 2.0.0 (^2.0.0)"
    row, = workspace.run("sync", "pull", "salesforce-lookup", "--format", "json").json["components"]
    assert row["unmet"] == []


def test_a_pull_says_what_it_needs_that_was_never_here(workspace):
    one = workspace.upstream("company/crm-tools")
    publish(one, "email-composer", "1.0.0")
    one.commit({"components/tools/salesforce-lookup/component.yaml": manifest("salesforce-lookup", "2.1.3")})
    workspace.init()
    workspace.run("install", f"{CRM}/salesforce-lookup@main")
    one.commit({"components/tools/salesforce-lookup/component.yaml": manifest(
        "salesforce-lookup", "2.1.4", extra=needs((None, "email-composer", "^1")))})
    shown = workspace.run("sync", "pull", "--all")
    assert "salesforce-lookup needs email-composer ^1 (not here); run 'forge install' to bring it" in shown.out
    workspace.run("install")
    assert workspace.lock()["email-composer"]["version"] == "1.0.0"


def test_a_pull_that_nobody_could_satisfy_is_a_conflict_that_names_the_reason(workspace):
    grown(workspace, "^9.0.0")
    shown = workspace.run("sync", "pull", "salesforce-lookup", status=7)
    assert "email-composer" in shown.out and "9.0.0" in shown.out and "forge install" not in shown.out
    conflict, = workspace.run("sync", "conflicts", "list", "--format", "json").json["components"][0]["conflicts"]
    assert conflict["type"] == "dependency" and "email-composer" in conflict["place"] and "9.0.0" in conflict["place"]


# ---- who needs whom ----


def test_status_and_info_name_what_needs_a_component_and_what_it_needs(installed):
    for command in (("sync", "status", "salesforce-lookup", "--detailed"), ("info", "salesforce-lookup")):
        lines = installed.run(*command).out.splitlines()
        assert "Needed by: sales-specialist 1.1.0 (^2.1.0)" in lines
        assert "Needs: email-composer 1.3.2 (~1.3.0)" in lines
    shown = installed.run("sync", "status", "sales-specialist", "--detailed").out
    assert "Needed by:" not in shown
    assert "Needs: salesforce-lookup 2.1.3 (^2.1.0), template-engine 1.4.0 (^1.0.0)\n" in shown
    shown = installed.run("info", "template-engine").out
    assert "Needed by: email-composer 1.3.2 (^1.0.0), sales-specialist 1.1.0 (^1.0.0)\n" in shown
    assert "Needs:" not in shown
    for row in (installed.run("info", "salesforce-lookup", "--format", "json").json,
                installed.one("salesforce-lookup", "--detailed")):
        assert row["needs"] == [{"component": "email-composer", "version": "1.3.2", "version_constraint": "~1.3.0"}]
        assert row["needed_by"] == [
            {"component": "sales-specialist", "version": "1.1.0", "version_constraint": "^2.1.0"}]
    assert "needs" not in installed.run("info", "template-engine", "--format", "json").json
