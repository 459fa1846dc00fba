"""Dependencies of components: resolved to exact commits, explained, updated one at a time, verified. The repositories are
real ones with annotated tags, tags of components' own and of whole repositories."""

import json
import shutil
import subprocess

import ecosystem as releases
import pytest
from workspace import HOST, manifest

CRM = f"{HOST}/company/crm-tools"
MAIL = f"{HOST}/tools/communication"
SALES = f"{HOST}/company/agents"


def needs(*wanted):
    """The end of a component.yaml that needs WANTED: (repository or None, component, constraint or None)."""
    lines = ["dependencies:", "  tools:"]
    for repository, component, constraint in wanted:
        lines.append(f"    - component: {component}")
        if repository:
            lines.append(f"      repository: {repository}")
        if constraint:
            lines.append(f'      version_constraint: "{constraint}"')
    return "\n".join(lines) + "\n"


def publish(upstream, name, version, *wanted, style="{name}@{version}", annotated=True, kind="tools"):
    """A commit that makes NAME what VERSION is, and its tag."""
    text = manifest(name, version, extra=needs(*wanted) if wanted else "")
    commit = upstream.commit({f"components/{kind}/{name}/component.yaml": text}, message=f"{name} {version}")
    tag = style.format(name=name, version=version)
    if annotated:
        upstream.git("-c", "user.name=T", "-c", "user.email=t@example.com", "tag", "-a", "-m", tag, tag, commit)
    else:
        upstream.git("tag", tag, commit)
    return commit


@pytest.fixture
def ecosystem(workspace):
    """sales-specialist needs salesforce-lookup and template-engine; salesforce-lookup needs email-composer, and that
    template-engine: a diamond over three repositories."""
    releases.build(workspace.server.repositories / workspace.corner, HOST)
    for name in (releases.MAIL, releases.CRM, releases.SALES):
        workspace.upstream(name).number = 1000  # later than all that is there
    return workspace.init()


def versions(workspace):
    return {name: line.get("version") for name, line in workspace.lock().items()}


RESOLVED = {"email-composer": "1.3.2", "sales-specialist": "1.1.0", "salesforce-lookup": "2.1.3",
            "template-engine": "1.4.0"}


# ---- install ----


def test_install_brings_everything_that_is_needed_at_exact_commits(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    assert versions(ecosystem) == RESOLVED
    assert list(ecosystem.wanted()) == ["sales-specialist"], "what others need is not a wish of the person's"
    lock = ecosystem.lock()
    assert lock["salesforce-lookup"]["commit"] == ecosystem.upstreams["company/crm-tools"].git(
        "rev-parse", "salesforce-lookup-v2.1.3^{commit}"), "an annotated tag is peeled"
    assert lock["salesforce-lookup"]["dependencies"] == ["email-composer"]
    for name, kind in (("email-composer", "tools"), ("sales-specialist", "agents")):
        assert ecosystem.root.joinpath("components", kind, name, "component.yaml").exists()
    assert {row["status"] for row in ecosystem.status("--all").values()} == {"synced"}, \
        "what only others need is measured by what they allow"


def test_no_deps_installs_only_what_is_named(ecosystem):
    ecosystem.run("install", "--no-deps", f"{SALES}/sales-specialist@^1")
    assert versions(ecosystem) == {"sales-specialist": "1.1.0"}


def test_the_same_inputs_give_the_same_lock_but_for_the_time(ecosystem):
    def lock_without_times():
        return [line for line in (ecosystem.root / "forge.lock").read_text().splitlines() if "resolved_at" not in line]
    ecosystem.run("install", f"{SALES}/sales-specialist@^1", f"{MAIL}/email-composer@~1.3.0")
    first = lock_without_times()
    for part in ("components", ".forge", "forge.lock"):
        path = ecosystem.root / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    ecosystem.run("install")
    assert lock_without_times() == first


def test_what_is_locked_stays_while_it_still_fits(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    before = (ecosystem.root / "forge.lock").read_bytes()
    publish(ecosystem.upstreams["tools/communication"], "template-engine", "1.5.0")
    publish(ecosystem.upstreams["company/agents"], "sales-specialist", "1.2.0", (CRM, "salesforce-lookup", "^2.1.0"),
            (MAIL, "template-engine", "^1.0.0"), style="v{version}", kind="agents")
    ecosystem.run("install")
    ecosystem.run("deps", "resolve")
    assert (ecosystem.root / "forge.lock").read_bytes() == before


def test_a_clone_gets_the_locked_commits_also_of_what_is_only_needed(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    lock = (ecosystem.root / "forge.lock").read_bytes()
    publish(ecosystem.upstreams["tools/communication"], "template-engine", "1.5.0")
    shutil.rmtree(ecosystem.root / ".forge")
    shutil.rmtree(ecosystem.root / "components")
    ecosystem.run("install", "--locked")
    assert (ecosystem.root / "forge.lock").read_bytes() == lock
    assert ecosystem.run("deps", "verify").status == 0


def test_locked_refuses_what_would_change_the_lock_and_touches_nothing(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    before = (ecosystem.root / "forge.lock").read_bytes()
    text = (ecosystem.root / "forge.yaml").read_text()
    (ecosystem.root / "forge.yaml").write_text(text.replace("^1", "1.0.0"))
    shown = ecosystem.run("install", "--locked", "--format", "json", status=6)
    assert shown.json["error"]["code"] == "LOCK_WOULD_CHANGE" and "sales-specialist" in shown.json["error"]["message"]
    assert (ecosystem.root / "forge.lock").read_bytes() == before
    ecosystem.run("install")
    assert versions(ecosystem)["sales-specialist"] == "1.0.0"


def test_a_warm_workspace_asks_each_repository_once(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    ecosystem.server.forget_requests()
    ecosystem.run("deps", "resolve")
    asked = [request.path.rsplit("/git-upload-pack", 1)[0] for request in ecosystem.requests()]
    assert len(asked) == len(set(asked)) == 3, asked


def test_offline_asks_nobody_and_installs_from_the_cache(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    shutil.rmtree(ecosystem.root / ".forge")
    shutil.rmtree(ecosystem.root / "components")
    ecosystem.server.forget_requests()
    ecosystem.run("install", "--offline")
    assert ecosystem.requests() == [] and versions(ecosystem) == RESOLVED
    (ecosystem.root / "forge.lock").unlink()
    ecosystem.run("deps", "update", "--offline")
    assert ecosystem.requests() == [] and versions(ecosystem) == RESOLVED
    shutil.rmtree(ecosystem.home / "cache")
    shutil.rmtree(ecosystem.root / ".forge")
    shutil.rmtree(ecosystem.root / "components")
    shown = ecosystem.run("install", "--offline", status=None)
    assert shown.status != 0 and "cache" in shown.err and not (ecosystem.root / "components").exists()


def test_a_repository_that_is_gone_keeps_what_is_locked_and_says_so(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    shutil.rmtree(ecosystem.upstreams["tools/communication"].path)
    shown = ecosystem.run("deps", "resolve")
    assert MAIL in shown.err and "not there any more" in shown.err
    assert versions(ecosystem) == RESOLVED
    shutil.rmtree(ecosystem.root / ".forge")
    shutil.rmtree(ecosystem.root / "components")
    shown = ecosystem.run("install", "--locked")
    assert "not there any more" in shown.err and versions(ecosystem) == RESOLVED, "a clone has the cache"


def test_a_batch_of_workspaces_is_resolved_and_none_is_changed(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@1.0.0")
    text = (ecosystem.root / "forge.yaml").read_text().replace("1.0.0", "^1")
    (ecosystem.root / "forge.yaml").write_text(text)
    other = ecosystem.folder / "other"
    ecosystem.run("init", other, cwd=ecosystem.folder)
    (other / "forge.yaml").write_text(text.replace("^1", "2.0.0"))
    before = (ecosystem.root / "forge.lock").read_bytes()
    shown = ecosystem.run("job", "submit", "dependencies_resolve", ecosystem.root, other, "--format", "json",
                          cwd=ecosystem.folder, status=7)
    assert (ecosystem.root / "forge.lock").read_bytes() == before and not (other / "forge.lock").exists()
    assert shown.json["conflicts"] == 1
    events = [json.loads(line) for line in ecosystem.run("journal", "export").out.splitlines()]
    resolved = {event["data"]["workspace"]: event["data"] for event in events if event["type"] == "dependencies_resolved"}
    assert {row["name"] for row in resolved[str(ecosystem.root)]["components"]} == set(RESOLVED)
    assert resolved[str(other)]["explanation"]


# ---- what is only needed ----


def test_what_only_a_removed_component_needed_goes_with_it(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1", f"{MAIL}/template-engine@^1")
    shown = ecosystem.run("remove", "sales-specialist")
    assert list(ecosystem.lock()) == ["template-engine"]
    assert "email-composer: removed" in shown.out and not ecosystem.path("email-composer").exists()


def test_local_changes_of_what_is_not_needed_any_more_are_kept(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    ecosystem.edit("email-composer", "timeout: 30", "timeout: 77")
    ecosystem.run("remove", "sales-specialist")
    assert not ecosystem.path("email-composer").exists()
    ecosystem.run("install", f"{MAIL}/email-composer@~1.3.0")
    ecosystem.run("dev", "stash", "pop", "email-composer")
    assert "timeout: 77" in ecosystem.path("email-composer", "component.yaml").read_text()


def test_a_component_that_forge_yaml_lost_is_not_taken_out_behind_ones_back(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    (ecosystem.root / "forge.yaml").write_text("components: []\n")
    shown = ecosystem.run("install")
    assert "forge remove sales-specialist" in shown.err and versions(ecosystem) == RESOLVED


def test_a_needed_component_with_local_changes_is_not_replaced(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@1.0.0", f"{MAIL}/template-engine@1.0.0")
    ecosystem.edit("template-engine", "timeout: 30", "timeout: 77")
    shown = ecosystem.run("install", f"{MAIL}/template-engine@1.4.0", status=7)
    assert "local changes" in shown.out + shown.err
    assert "timeout: 77" in ecosystem.path("template-engine", "component.yaml").read_text()


# ---- explanations ----


def test_what_does_not_go_together_is_explained_and_changes_nothing(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    before = (ecosystem.root / "forge.lock").read_bytes(), (ecosystem.root / "forge.yaml").read_bytes()
    shown = ecosystem.run("install", f"{SALES}/sales-specialist@2.0.0", status=7)
    for words in ("email-composer 2.0.0 needs template-engine ^2.0.0", "salesforce-lookup 3.0.0 needs email-composer ^2.0.0",
                  "sales-specialist 2.0.0 needs salesforce-lookup ^3.0.0"):
        assert words in shown.err
    assert "∅" not in shown.err and ">=0" not in shown.err
    assert ((ecosystem.root / "forge.lock").read_bytes(), (ecosystem.root / "forge.yaml").read_bytes()) == before
    error = ecosystem.run("install", f"{SALES}/sales-specialist@2.0.0", "--format", "json", status=7).json["error"]
    assert error["code"] == "NO_RESOLUTION" and "template-engine" in error["message"]


def test_why_not_proves_that_a_version_cannot_be_had(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    shown = ecosystem.run("deps", "why-not", "salesforce-lookup@3.0.0")
    assert "salesforce-lookup 3.0.0" in shown.out and "forge.yaml" in shown.out and "^1" in shown.out
    answer = ecosystem.run("deps", "why-not", "template-engine@1.0.0", "--format", "json").json
    assert answer["possible"] is True and answer["explanation"] == []
    assert versions(ecosystem) == RESOLVED, "a question changes nothing"


def test_a_circle_is_told_as_the_way_round(workspace):
    one = workspace.upstream("company/crm-tools")
    publish(one, "alpha", "1.0.0", (None, "beta", "^1"))
    publish(one, "beta", "1.0.0", (None, "gamma", "^1"))
    publish(one, "gamma", "1.0.0", (None, "alpha", "^1"))
    workspace.init()
    shown = workspace.run("install", f"{CRM}/alpha@^1", status=7)
    assert all(name in shown.err for name in ("alpha", "beta", "gamma")) and "alpha again" in shown.err
    assert not workspace.path("alpha").exists()


def test_a_component_that_needs_itself_cannot_be_used(workspace):
    one = workspace.upstream("company/crm-tools")
    publish(one, "alpha", "1.0.0", (None, "alpha", "^1"))
    workspace.init()
    shown = workspace.run("install", f"{CRM}/alpha@^1", status=7)
    assert "itself" in shown.err


def test_two_repositories_with_a_component_of_the_same_name_do_not_go_together(workspace):
    one, other, top = (workspace.upstream(name) for name in ("company/crm-tools", "tools/communication", "company/agents"))
    publish(one, "shared", "1.0.0")
    publish(other, "shared", "1.0.0")
    publish(top, "left", "1.0.0", (CRM, "shared", "^1"))
    publish(top, "right", "1.0.0", (MAIL, "shared", "^1"))
    workspace.init()
    shown = workspace.run("install", f"{SALES}/left@^1", f"{SALES}/right@^1", status=7)
    assert CRM in shown.err and MAIL in shown.err and "shared" in shown.err


# ---- versions ----


def test_prereleases_are_chosen_only_where_a_constraint_names_one(workspace):
    one = workspace.upstream("company/crm-tools")
    for version in ("1.0.0", "1.1.0-beta.1"):
        publish(one, "alpha", version)
    workspace.init()
    workspace.run("install", f"{CRM}/alpha@>=1")
    assert versions(workspace) == {"alpha": "1.0.0"}
    workspace.run("install", f"{CRM}/alpha@>=1.1.0-alpha")
    assert versions(workspace) == {"alpha": "1.1.0-beta.1"}


def test_a_branch_is_content_for_a_range_that_its_component_yaml_fits(workspace):
    one = workspace.upstream("company/crm-tools")
    publish(one, "engine", "1.0.0")
    one.commit({"components/tools/engine/component.yaml": manifest("engine", "1.5.0")})
    publish(one, "user", "1.0.0", (None, "engine", "^1.2.0"))
    workspace.init()
    workspace.run("install", f"{CRM}/engine@main", f"{CRM}/user@^1")
    assert "version" not in workspace.lock()["engine"] and workspace.lock()["engine"]["commit"] == one.tip()


def test_a_commit_that_is_a_version_too_is_locked_as_what_was_asked_for(workspace):
    one = workspace.upstream("company/crm-tools")
    commit = publish(one, "engine", "1.5.0")
    publish(one, "user", "1.0.0", (None, "engine", "^1.2.0"))
    workspace.init()
    workspace.run("install", f"{CRM}/engine@@{commit[:10]}", f"{CRM}/user@^1")
    assert workspace.lock()["engine"]["commit"] == commit and "version" not in workspace.lock()["engine"]


def test_a_tag_that_moved_is_an_error_with_both_commits_until_it_is_accepted(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    mail = ecosystem.upstreams["tools/communication"]
    before = ecosystem.lock()["template-engine"]["commit"]
    after = mail.commit({"components/tools/template-engine/component.yaml": manifest("template-engine", "1.4.0", timeout=1)})
    mail.git("tag", "-f", "template-engine@1.4.0", after)
    for command in (("deps", "resolve"), ("install",)):
        shown = ecosystem.run(*command, status=10)
        assert before[:12] in shown.err and after[:12] in shown.err and "--accept-moved-tag" in shown.err
    assert ecosystem.lock()["template-engine"]["commit"] == before
    ecosystem.run("deps", "resolve", "--accept-moved-tag")
    assert ecosystem.lock()["template-engine"]["commit"] == after
    ecosystem.run("deps", "resolve")


def test_a_moved_tag_is_seen_also_in_a_clone_that_knows_only_the_lock(ecosystem):
    ecosystem.run("install", f"{MAIL}/template-engine@^1")
    mail = ecosystem.upstreams["tools/communication"]
    mail.git("tag", "-f", "template-engine@1.4.0", mail.git("rev-parse", "template-engine@1.0.0^{commit}"))
    shutil.rmtree(ecosystem.root / ".forge")
    shown = ecosystem.run("install", status=10)
    assert ecosystem.lock()["template-engine"]["commit"][:12] in shown.err


def test_giving_up_what_the_lock_has_accepts_no_moved_tag(ecosystem):
    ecosystem.run("install", f"{MAIL}/template-engine@^1")
    mail = ecosystem.upstreams["tools/communication"]
    before = ecosystem.lock()["template-engine"]["commit"]
    after = mail.commit({"components/tools/template-engine/component.yaml": manifest("template-engine", "1.4.0", timeout=1)})
    mail.git("tag", "-f", "template-engine@1.4.0", after)
    shutil.rmtree(ecosystem.root / ".forge")
    shutil.rmtree(ecosystem.root / "components")
    for command in (("deps", "update"), ("deps", "update", "template-engine"), ("install", f"{MAIL}/template-engine@^1")):
        shown = ecosystem.run(*command, status=10)
        assert before[:12] in shown.err and after[:12] in shown.err
    assert ecosystem.lock()["template-engine"]["commit"] == before
    ecosystem.run("deps", "update", "--accept-moved-tag")
    assert ecosystem.lock()["template-engine"]["commit"] == after


def test_a_named_tag_that_moved_is_an_error_until_it_is_accepted(ecosystem):
    mail = ecosystem.upstreams["tools/communication"]
    before = mail.git("rev-parse", "template-engine@1.0.0^{commit}")
    mail.git("tag", "stable", before)
    ecosystem.run("install", f"{MAIL}/template-engine@stable")
    after = mail.git("rev-parse", "template-engine@1.4.0^{commit}")
    mail.git("tag", "-f", "stable", after)
    shown = ecosystem.run("deps", "update", status=10)
    assert before in shown.err and after in shown.err
    ecosystem.run("deps", "update", "--accept-moved-tag")
    assert ecosystem.lock()["template-engine"]["commit"] == after


@pytest.mark.parametrize("wanted", ["1.0.0", "^1", "stable"])
def test_a_pull_does_not_follow_a_tag_that_moved(workspace, wanted):
    one = workspace.upstream("company/crm-tools")
    before = publish(one, "engine", "1.0.0")
    one.git("tag", "stable", before)
    workspace.init()
    workspace.run("install", f"{CRM}/engine@{wanted}")
    after = one.commit({"components/tools/engine/component.yaml": manifest("engine", "1.0.0", timeout=1)})
    for tag in ("engine@1.0.0", "stable"):
        one.git("tag", "-f", tag, after)
    for command in ("pull", "status"):
        shown = workspace.run("sync", command, "engine", status=10)
        assert before in shown.out + shown.err and after in shown.out + shown.err
    assert workspace.lock()["engine"]["commit"] == before
    workspace.run("deps", "update", "--accept-moved-tag")
    assert workspace.lock()["engine"]["commit"] == after
    workspace.run("sync", "pull", "engine")
    # One that nobody ever resolved is known by forge.lock.
    if wanted != "stable":
        shutil.rmtree(workspace.root / ".forge")
        workspace.run("install", "--no-deps")
        one.git("tag", "-f", "engine@1.0.0", before)
        workspace.run("sync", "pull", "engine", status=10)
        assert workspace.lock()["engine"]["commit"] == after


def test_a_yanked_version_is_chosen_only_by_its_name_or_by_the_lock_and_with_a_warning(workspace):
    one = workspace.upstream("company/crm-tools")
    for version in ("1.0.0", "1.1.0"):
        publish(one, "alpha", version)
    workspace.init()
    workspace.run("install", f"{CRM}/alpha@^1")
    one.commit({"forge-manifest.yaml": "components:\n  tools:\n    - name: alpha\n      path: components/tools/alpha\n"
                                       "      version: 1.1.0\n      yanked: [1.1.0]\n"})
    shown = workspace.run("deps", "resolve")
    assert versions(workspace) == {"alpha": "1.1.0"} and "yanked" in shown.err
    workspace.run("deps", "update")
    assert versions(workspace) == {"alpha": "1.0.0"}
    shown = workspace.run("install", f"{CRM}/alpha@1.1.0")
    assert versions(workspace) == {"alpha": "1.1.0"} and "yanked" in shown.err


def test_a_version_whose_file_says_another_is_told(workspace):
    one = workspace.upstream("company/crm-tools")
    one.commit({"components/tools/alpha/component.yaml": manifest("alpha", "1.0.9")}, tag="alpha@1.1.0")
    workspace.init()
    shown = workspace.run("install", f"{CRM}/alpha@^1")
    assert "1.1.0" in shown.err and "1.0.9" in shown.err


def test_a_version_younger_than_the_minimum_age_waits(workspace):
    one = workspace.upstream("company/crm-tools")
    publish(one, "alpha", "1.0.0")
    workspace.init()
    young = {"FORGE_SYNC_MINIMUM_AGE": "7d"}
    workspace.run("install", f"{CRM}/alpha@^1", env=young)
    assert versions(workspace) == {"alpha": "1.0.0"}, "what was there before anybody looked is as old as its commit"
    publish(one, "alpha", "1.1.0")
    workspace.run("deps", "update", env=young)
    assert versions(workspace) == {"alpha": "1.0.0"}
    workspace.run("install", f"{CRM}/alpha@1.1.0", env=young)
    assert versions(workspace) == {"alpha": "1.1.0"}, "asked for by name it may be had"
    workspace.run("install", f"{CRM}/alpha@^1", env=young)
    workspace.run("deps", "update")
    assert versions(workspace) == {"alpha": "1.1.0"}


# ---- update, outdated, tree, why, verify ----


def test_update_moves_what_is_named_and_what_that_forces_and_says_why(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@1.0.0", f"{CRM}/salesforce-lookup@2.1.0")
    for name, range_ in (("sales-specialist", "^1"), ("salesforce-lookup", "^2.1.0")):
        text = (ecosystem.root / "forge.yaml").read_text()
        lines = [line for line in text.splitlines()]
        at = next(i for i, line in enumerate(lines) if f"component: {name}" in line)
        lines[at + 1] = f'    version_constraint: "{range_}"'
        (ecosystem.root / "forge.yaml").write_text("\n".join(lines) + "\n")
    before = versions(ecosystem)
    shown = ecosystem.run("deps", "update", "salesforce-lookup")
    assert "salesforce-lookup 2.1.0 → 2.1.3" in shown.out
    assert versions(ecosystem) == {**before, "salesforce-lookup": "2.1.3"}
    shown = ecosystem.run("deps", "update", "--dry-run")
    assert "sales-specialist 1.0.0 → 1.1.0" in shown.out and versions(ecosystem)["sales-specialist"] == "1.0.0"
    shown = ecosystem.run("deps", "update", "template-engine", "--precise", "1.0.0")
    assert versions(ecosystem)["template-engine"] == "1.0.0" and "1.4.0 → 1.0.0" in shown.out
    ecosystem.run("deps", "update", "template-engine", "--precise", "2.0.0", status=7)
    ecosystem.run("deps", "update", "sales-specialist")
    assert versions(ecosystem)["template-engine"] == "1.0.0", "it was not named, and nothing forces it"
    ecosystem.run("deps", "update", "sales-specialist", "--aggressive")
    assert versions(ecosystem)["template-engine"] == "1.4.0"


def test_a_forced_move_names_who_forces_it(workspace):
    one = workspace.upstream("company/crm-tools")
    publish(one, "engine", "1.0.0")
    publish(one, "user", "1.0.0", (None, "engine", "^1"))
    workspace.init()
    workspace.run("install", f"{CRM}/user@*")
    publish(one, "engine", "2.0.0")
    publish(one, "user", "1.1.0", (None, "engine", "^2"))
    shown = workspace.run("deps", "update", "user")
    assert "engine 1.0.0 → 2.0.0: user 1.1.0 needs it (^2)" in shown.out
    assert versions(workspace) == {"engine": "2.0.0", "user": "1.1.0"}


def test_outdated_shows_current_wanted_and_latest(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@1.0.0")
    rows = {row["component"]: row for row in
            ecosystem.run("deps", "outdated", "--format", "json").json["components"]}
    assert rows["sales-specialist"]["current"] == rows["sales-specialist"]["wanted"] == "1.0.0"
    assert rows["sales-specialist"]["latest"] == "2.0.0" and rows["email-composer"]["latest"] == "2.0.0"


def test_tree_and_why_show_every_way(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    assert ecosystem.run("deps", "tree").out.splitlines() == [
        "sales-specialist 1.1.0 (^1)",
        "├── salesforce-lookup 2.1.3 (^2.1.0)",
        "│   └── email-composer 1.3.2 (~1.3.0)",
        "│       └── template-engine 1.4.0 (^1.0.0)",
        "└── template-engine 1.4.0 (^1.0.0)"]
    assert ecosystem.run("deps", "why", "template-engine").out.splitlines() == [
        "forge.yaml → sales-specialist 1.1.0 (^1) → salesforce-lookup 2.1.3 (^2.1.0) → email-composer 1.3.2 (~1.3.0) "
        "→ template-engine 1.4.0 (^1.0.0)",
        "forge.yaml → sales-specialist 1.1.0 (^1) → template-engine 1.4.0 (^1.0.0)"]
    paths = ecosystem.run("deps", "why", "template-engine", "--format", "json").json["paths"]
    assert [[step["component"] for step in path][-1] for path in paths] == ["template-engine"] * 2
    shown = ecosystem.run("deps", "why", "template-engin", status=8)
    assert "template-engine" in shown.err


def test_verify_names_what_differs(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    assert ecosystem.run("deps", "verify").out.count("agree") == 4
    ecosystem.edit("email-composer", "timeout: 30", "timeout: 31")
    shutil.rmtree(ecosystem.path("template-engine"))
    lock = ecosystem.root / "forge.lock"
    lock.write_text(lock.read_text().replace(ecosystem.lock()["salesforce-lookup"]["tree"], "1" * 40))
    shown = ecosystem.run("deps", "verify", "--format", "json", status=6).json["components"]
    problems = {row["component"]: row["problem"] for row in shown}
    assert problems["sales-specialist"] is None
    assert "1 file differs" in problems["email-composer"] and "folder" in problems["template-engine"]
    assert "tree" in problems["salesforce-lookup"]


# ---- bad input, bad days ----


def test_a_malformed_component_yaml_of_a_needed_component_is_part_of_the_explanation(workspace):
    one = workspace.upstream("company/crm-tools")
    one.commit({"components/tools/bad/component.yaml": "metadata:\n  name: bad\n  version: one\n"}, tag="bad@1.0.0")
    publish(one, "user", "1.0.0", (None, "bad", "^1"))
    workspace.init()
    shown = workspace.run("install", f"{CRM}/user@^1", status=7)
    assert "component.yaml:3" in shown.err and "version" in shown.err


def test_an_older_version_is_taken_where_the_newest_is_malformed(workspace):
    one = workspace.upstream("company/crm-tools")
    publish(one, "bad", "1.0.0")
    one.commit({"components/tools/bad/component.yaml": "metadata: ["}, tag="bad@1.1.0")
    publish(one, "user", "1.0.0", (None, "bad", "^1"))
    workspace.init()
    workspace.run("install", f"{CRM}/user@^1")
    assert versions(workspace)["bad"] == "1.0.0"


def test_a_stranger_cannot_send_forge_to_unknown_places(workspace, tmp_path):
    secret = tmp_path / "secret.git"
    subprocess.run(["git", "init", "-q", "--bare", secret], check=True)
    one = workspace.upstream("company/crm-tools")
    for number, repository in enumerate((f"file://{secret}", "http://127.0.0.1:1/x", "git@127.0.0.1:x/y")):
        publish(one, f"user{number}", "1.0.0", (repository, "x", None))
    workspace.init()
    for number in range(3):
        shown = workspace.run("install", f"{CRM}/user{number}@^1", status=7)
        assert "no known host" in shown.err


def test_a_needed_component_of_an_unknown_repository_is_explained(workspace):
    one = workspace.upstream("company/crm-tools")
    publish(one, "user", "1.0.0", (f"{HOST}/no/such", "x", "^1"))
    workspace.init()
    shown = workspace.run("install", f"{CRM}/user@^1", status=7)
    assert f"{HOST}/no/such" in shown.err


def test_a_resolution_is_an_event_that_names_the_refs_it_was_made_of(ecosystem):
    ecosystem.run("install", f"{SALES}/sales-specialist@^1")
    config = ecosystem.home / "workspace.yaml"
    config.write_text((ecosystem.home / "config.yaml").read_text() + f"journal: rocksdb:{ecosystem.root}/.forge/journal\n")
    events = [json.loads(line) for line in ecosystem.run("--config", config, "journal", "export").out.splitlines()]
    resolved = [event["data"] for event in events if event["type"] == "dependencies_resolved"]
    assert {row["name"]: row["version"] for row in resolved[-1]["components"]} == RESOLVED
    for row in resolved[-1]["repositories"]:
        text = subprocess.run(["git", "-C", ecosystem.root / ".forge/repository", "show", f"{row['refs']}:refs"],
                              check=True, capture_output=True, text=True).stdout
        assert f"repository {row['repository']}" in text and "refs/tags/" in text
