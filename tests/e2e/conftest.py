import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))

from git_server import GitServer  # noqa: E402
from workspace import Workspace, tool  # noqa: E402
from world import World  # noqa: E402

_corners = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with GitServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def world(tmp_path, server):
    return World(tmp_path, server, f"test-{next(_corners)}")


@pytest.fixture
def workspace(tmp_path, server):
    return Workspace(tmp_path, server, f"workspace-{next(_corners)}")


@pytest.fixture
def versions(workspace):
    """The component with the versions 1.9.0, 2.1.3, 2.2.0 and 3.0.0-rc.1, a branch `next`, and a newer main."""
    upstream = workspace.upstream("company/crm-tools")
    for version in ("1.9.0", "2.1.3", "2.2.0", "3.0.0-rc.1"):
        upstream.commit(tool("salesforce-lookup", version, timeout=int(version[0])), tag=f"v{version}")
    upstream.git("branch", "next", "v2.1.3")
    upstream.commit(tool("salesforce-lookup", "4.0.0", timeout=4), branch="next")
    upstream.commit(tool("salesforce-lookup", "2.3.0-dev", timeout=5))
    workspace.init()
    return upstream


@pytest.fixture
def three(world):
    """The fleet of the tour: one fork up to date, one to be merged, one in conflict."""
    from fleet import Kind
    for name in ("crm-tools", "sales-tools", "prompt-tools"):
        world.fleet.upstream(f"company/{name}")
    world.fleet.fork("my-crm-tools", "myuser/crm-tools", "company/crm-tools")
    world.fleet.fork("my-sales-tools", "myuser/sales-tools", "company/sales-tools", behind=2, ahead=1)
    world.fleet.fork("my-prompt-tools", "myuser/prompt-tools", "company/prompt-tools", behind=2, ahead=1,
                     kind=Kind.CONFLICT)
    return world.build()
