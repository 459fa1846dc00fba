"""How repositories are reached: credentials, TLS, ssh, paths, servers that are slow or gone, and how much is asked."""

import time

import pytest

from git_server import TOKEN
from silent import BlackHole, DeadPort
from sshd import Sshd
from tls import TlsFront
from world import HOST


def error_code(document, name="mine"):
    return next(entry for entry in document["forks"] if entry["name"] == name)["error"]["code"]


def private_fork(world):
    """A fork that wants credentials for everything, of an open upstream."""
    world.fleet.upstream("company/tools")
    world.fleet.fork("mine", "me/tools", "company/tools", behind=2)
    world.build(register=False)
    name = f"private/{world.corner}/tools"
    world.server.path(name).parent.mkdir(parents=True)
    world.path("me/tools").rename(world.server.path(name))
    world.hosts["private.example.com"] = {"clone": f"{world.server.url}/private", "token_env": "MY_TOKEN"}
    world.configure()
    world.run("fork", "add", "mine", "--fork", f"private.example.com/{world.corner}/tools", "--upstream", f"{HOST}/company/tools")
    return name


# ---- credentials ----


def test_without_credentials_a_private_fork_is_authentication_failed(world):
    private_fork(world)
    assert error_code(world.sync(status=None)) == "AUTHENTICATION_FAILED"


def test_a_wrong_token_is_authentication_failed_and_never_printed(world):
    private_fork(world)
    result = world.run("fork", "sync", "--all", "--verbose", status=None, env={"MY_TOKEN": "wr0ng-token"})
    assert result.status != 0 and "wr0ng-token" not in str(result)
    assert "wr0ng-token" not in world.run("journal", "export").out


def test_the_token_in_the_variable_that_the_host_names_opens_it(world):
    name = private_fork(world)
    document = world.sync(env={"MY_TOKEN": TOKEN})
    assert document["forks"][0]["status"] == "fast_forwarded"
    assert world.server.git(name, "rev-parse", "main") == world.tip("company/tools")
    found = [path for path in world.home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert not found


def test_gits_credential_helper_is_asked(world):
    name = private_fork(world)
    helper = f"[credential]\n\thelper = \"!f() {{ echo username=jane; echo password={TOKEN}; }}; f\"\n"
    (world.folder / "user" / ".gitconfig").write_text(helper)
    assert world.sync()["succeeded"] == 1
    assert world.server.git(name, "rev-parse", "main") == world.tip("company/tools")


def test_a_host_that_answers_403_is_permission_denied(world):
    world.one(behind=1)
    world.hosts["forbidden.example.com"] = {"clone": f"{world.server.url}/forbidden"}
    world.configure()
    world.run("fork", "add", "closed", "--fork", "forbidden.example.com/me/tools", "--upstream", f"{HOST}/company/tools")
    assert error_code(world.sync("closed", status=None), "closed") == "PERMISSION_DENIED"


# ---- ways to a repository ----


def test_https_is_refused_until_its_authority_is_trusted(world, tmp_path):
    fork = world.one(behind=2)
    with TlsFront(tmp_path, world.server.port) as front:
        world.hosts[HOST]["clone"] = f"{front.url}/{world.corner}"
        world.configure()
        refused = world.sync(status=None)
        assert refused["failed"] == 1 and "certificate" in refused["forks"][0]["error"]["message"].lower()
        elsewhere = tmp_path / "trusted.gitconfig"
        elsewhere.write_text(f"[http]\n\tsslCAInfo = {front.authority}\n")
        dry = world.sync("--all", "--dry-run", env={"GIT_CONFIG_GLOBAL": str(elsewhere)})
        assert dry["forks"][0]["status"] == "would_fast_forward"
        (world.folder / "user" / ".gitconfig").write_text(f"[http]\n\tsslCAInfo = {front.authority}\n")
        assert world.sync()["forks"][0]["status"] == "fast_forwarded"
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_ssh_works_with_the_known_hosts_and_the_command_of_git(world, tmp_path):
    world.fleet.upstream("company/tools")
    fork = world.fleet.fork("mine", "me/tools", "company/tools", behind=2, ahead=1)
    world.build(register=False)
    tree, _ = world.merge_tree(fork)
    with Sshd(tmp_path) as sshd:
        world.run("fork", "add", "mine", "--fork", sshd.url_of(world.path(fork.repository)),
                  "--upstream", sshd.url_of(world.path(fork.upstream)))
        assert world.sync(env={"GIT_SSH_COMMAND": sshd.command})["forks"][0]["status"] == "merged"
        sshd.known_hosts.write_text("")
        assert world.sync(status=None, env={"GIT_SSH_COMMAND": sshd.command})["failed"] == 1
    assert world.git(fork.repository, "rev-parse", "main^{tree}") == tree


@pytest.mark.parametrize("scheme", ["file://", ""])
def test_paths_and_file_urls_work(world, scheme):
    world.fleet.upstream("company/tools")
    fork = world.fleet.fork("mine", "me/tools", "company/tools", behind=2, ahead=1)
    world.build(register=False)
    world.run("fork", "add", "mine", "--fork", f"{scheme}{world.path(fork.repository)}",
              "--upstream", f"{scheme}{world.path(fork.upstream)}")
    assert world.sync()["forks"][0]["status"] == "merged"
    assert world.tip(fork.upstream) in world.git(fork.repository, "rev-list", "main").split()


def test_insteadof_of_gits_configuration_is_honoured(world):
    fork = world.one(behind=1)
    (world.folder / "user" / ".gitconfig").write_text(
        f"[url \"{world.server.url}/{world.corner}/\"]\n\tinsteadOf = http://elsewhere.invalid/\n")
    world.run("fork", "add", "moved", "--fork", f"http://elsewhere.invalid/{fork.repository}",
              "--upstream", f"http://elsewhere.invalid/{fork.upstream}")
    assert world.sync("moved", env={"GIT_CONFIG_GLOBAL": "/dev/null"}, status=None)["failed"] == 1
    assert world.sync("moved")["forks"][0]["status"] == "fast_forwarded"


# ---- bad days ----


def add_on(world, name, url):
    world.run("fork", "add", name, "--fork", f"{url}/me/tools", "--upstream", f"{HOST}/company/tools")


def test_a_black_hole_ends_in_timeout_within_its_limit_while_the_others_go_on(world):
    fork = world.one(behind=2)
    world.configure("network: {connect: 1s, low_speed: 1s, request: 2s}\n")
    with BlackHole() as hole:
        add_on(world, "silent", hole.url)
        started = time.monotonic()
        document = world.sync(status=1, timeout=120)
        seconds = time.monotonic() - started
    assert error_code(document, "silent") == "TIMEOUT"
    assert world.tip(fork.repository) == world.tip(fork.upstream)
    # Five attempts of at most two seconds each, and the waits between them.
    assert seconds < 60


def test_a_dead_server_is_unreachable_and_never_up_to_date(world):
    world.one(behind=2)
    with DeadPort() as dead:
        add_on(world, "dead", dead.url)
        document = world.sync(status=1, timeout=120)
    assert error_code(document, "dead") == "REPOSITORY_UNREACHABLE"
    assert (document["total"], document["succeeded"], document["failed"]) == (2, 1, 1)


# ---- how much is asked ----


def count(world):
    asked = {}
    for request in world.server.requests():
        asked[request.repository] = asked.get(request.repository, 0) + 1
    return asked


def test_where_nothing_moved_each_fork_and_each_upstream_is_asked_once(world):
    for number in range(2):
        world.fleet.upstream(f"company/tools-{number}")
    for number in range(8):
        world.fleet.fork(f"fork-{number}", f"me/fork-{number}", f"company/tools-{number % 2}", behind=number % 3)
    world.build()
    world.sync()
    world.server.forget_requests()
    assert world.sync()["succeeded"] == 8
    names = [f"me/fork-{number}" for number in range(8)] + ["company/tools-0", "company/tools-1"]
    assert count(world) == {world.repository(name): 1 for name in names}


def test_an_upstream_is_fetched_once_however_many_forks_it_has(world):
    world.fleet.upstream("company/tools", commits=30)
    for number in range(6):
        world.fleet.fork(f"fork-{number}", f"me/fork-{number}", "company/tools", behind=1 + number, ahead=1)
    world.build()
    world.server.forget_requests()
    assert world.sync()["succeeded"] == 6
    upstream = world.repository("company/tools")
    assert sum(request.bytes_out for request in world.server.requests() if request.repository == upstream) < 60_000
    assert count(world)[upstream] <= 4


def test_a_fork_that_is_merely_behind_is_not_fetched(world):
    fork = world.one(behind=3)
    world.server.forget_requests()
    world.sync()
    paths = [request.path for request in world.server.requests() if request.repository == world.repository(fork.repository)]
    assert sum(path.endswith("/git-upload-pack") for path in paths) == 1
    assert sum(path.endswith("/git-receive-pack") for path in paths) == 1
