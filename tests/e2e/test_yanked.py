"""Versions that a repository takes back: nobody gets one without asking for it by its number, and nobody loses one."""

import shutil

import pytest

from workspace import HOST, tool

NAME = "salesforce-lookup"
CRM = f"{HOST}/company/crm-tools"
PATH = f"components/tools/{NAME}"


def manifest(*yanked, top=()):
    listed = ", ".join(f'"{version}"' for version in yanked)
    above = ", ".join(f'"{version}"' for version in top)
    return {"forge-manifest.yaml": f"yanked: [{above}]\ncomponents:\n  tools:\n    - name: {NAME}\n      path: {PATH}\n"
                                   f"      yanked: [{listed}]\n"}


@pytest.fixture
def crm(workspace):
    """Versions 1.0.0, 1.1.0 and 1.2.0, of which the highest was taken back after it was made."""
    workspace.init()
    crm = workspace.upstream("company/crm-tools", tool(NAME, "1.0.0"), tag="v1.0.0")
    crm.commit(tool(NAME, "1.1.0"), tag="v1.1.0")
    crm.commit({**tool(NAME, "1.2.0"), **manifest()}, tag="v1.2.0")
    return crm


def version(workspace):
    return workspace.lock()[NAME]["version"]


def install(workspace, constraint, **options):
    return workspace.run("install", f"{CRM}/{NAME}@{constraint}", **options)


@pytest.mark.parametrize("constraint", ["^1.0.0", "latest", ">=1.1.0"])
@pytest.mark.parametrize("where", ["component", "all", "named"])
def test_ranges_and_latest_leave_a_yanked_version_out(workspace, crm, constraint, where):
    crm.commit({"component": manifest("1.2.0"), "all": manifest(top=["1.2.0"]),
                "named": manifest(top=[f"{NAME}@1.2.0"])}[where])
    assert "yanked" not in install(workspace, constraint).err
    assert version(workspace) == "1.1.0" and workspace.one()["status"] == "synced"


def test_a_version_that_is_asked_for_exactly_is_installed_with_a_warning(workspace, crm):
    crm.commit(manifest("1.2.0"))
    assert f"{NAME}: version 1.2.0 was yanked" in install(workspace, "1.2.0").err
    assert version(workspace) == "1.2.0" and workspace.one()["yanked"]


def test_where_everything_is_yanked_nothing_is_installed_and_the_error_says_why(workspace, crm):
    crm.commit(manifest("1.0.0", "1.1.0", "1.2.0"))
    assert "1.2.0 (yanked)" in install(workspace, "^1.0.0", status=8).err


def test_what_is_locked_stays_with_a_warning_until_there_is_something_higher(workspace, crm):
    install(workspace, "^1.0.0")
    crm.commit(manifest("1.2.0"))
    row = workspace.one()
    assert row["status"] == "synced" and row["yanked"] and row["version"] == "1.2.0"
    shown = workspace.run("sync", "status", NAME, "--detailed").out
    assert "Warning: version 1.2.0 was yanked: upstream says" in shown
    workspace.run("sync", "pull", NAME)
    assert version(workspace) == "1.2.0"
    # A clone gets what the lock says.
    shutil.rmtree(workspace.root / ".forge")
    workspace.run("install")
    assert version(workspace) == "1.2.0"
    crm.commit(tool(NAME, "1.2.1"), tag="v1.2.1")
    assert workspace.one()["status"] == "outdated"
    workspace.run("sync", "pull", NAME)
    assert version(workspace) == "1.2.1" and not workspace.one()["yanked"]
    assert "Warning" not in workspace.run("sync", "status", NAME, "--detailed").out


def test_a_pull_passes_a_yanked_version_over(workspace, crm):
    install(workspace, "~1.1.0")
    crm.commit({**tool(NAME, "1.1.1"), **manifest("1.1.2", "1.1.3")}, tag="v1.1.1")
    crm.commit({**tool(NAME, "1.1.2"), **manifest("1.1.2", "1.1.3")}, tag="v1.1.2")
    workspace.run("sync", "pull", NAME)
    assert version(workspace) == "1.1.1"


def test_a_version_that_is_given_back_is_chosen_again(workspace, crm):
    crm.commit(manifest("1.2.0"))
    install(workspace, "^1.0.0")
    crm.commit(manifest())
    workspace.run("sync", "pull", NAME)
    assert version(workspace) == "1.2.0"


def test_where_nothing_moved_it_costs_no_request_more(workspace, crm):
    crm.commit(manifest("1.2.0"))
    install(workspace, "^1.0.0")
    workspace.one()
    workspace.server.forget_requests()
    assert workspace.one()["status"] == "synced"
    assert [request.bytes_out < 2000 for request in workspace.requests()] == [True], workspace.requests()


def test_who_wants_no_version_asks_for_no_manifest(workspace, crm):
    crm.git("tag", "stable", "v1.1.0")
    crm.commit({"forge-manifest.yaml": "components: 7\n"})
    install(workspace, "stable")
    assert workspace.lock()[NAME]["commit"] == crm.git("rev-parse", "v1.1.0^{commit}")


def test_a_manifest_that_is_wrong_is_said_where_it_decides(workspace, crm):
    crm.commit({"forge-manifest.yaml": "components: 7\n"})
    assert "forge-manifest.yaml" in install(workspace, "^1.0.0", status=6).err
    assert "nobody can say whether" in install(workspace, "1.1.0").err
    assert version(workspace) == "1.1.0"
