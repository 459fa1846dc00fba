"""Secrets that a run is given in every way there is, and a server that says them back: found nowhere afterwards, in
nothing that was printed, recorded, pushed, cached or passed to a child's command line."""

import http.server
import json
import pathlib
import threading

import pytest

import hostile
from git_server import TOKEN
from world import FORGE, HOST

# No two alike, so that a finding names its way; none looks like anything else in a run.
IN_VARIABLE = "canary-in-variable-7f3a9c21d4"
IN_URL = "canary-in-url-b85e02f6a7"
IN_HELPER = "canary-in-helper-c4d71e93b0"
IN_CONFIG = "canary-in-config-19a6f8d25e"
CANARIES = (IN_VARIABLE, IN_URL, IN_HELPER, IN_CONFIG, TOKEN)


class Echo(hostile._Server):
    """Answers every request with STATUS and all that it was told: headers in the body, in a header, in a redirect."""

    def __init__(self):
        super().__init__(_EchoHandler)
        self.heard = []


class _EchoHandler(hostile._Handler):
    def do_GET(self):
        self.read_body()
        authorization = self.headers.get("Authorization", "")
        self.server.heard.append(authorization)
        kind = self.path.strip("/").split("/")[0]
        said = f"you said Authorization: {authorization}\n{_decoded(authorization)}\n{self.headers}".encode()
        if kind == "asks" and not authorization:
            self.answer(401, "text/plain", b"who are you\n", [("WWW-Authenticate", 'Basic realm="git"')])
        elif kind == "moves":
            self.answer(302, "text/plain", said, [("Location", f"/gone/{_decoded(authorization)}/info/refs?service=git-upload-pack")])
        elif kind == "words":
            body = hostile.pkt("# service=git-upload-pack\n") + b"0000" + hostile.pkt(b"ERR " + said.replace(b"\n", b" ")[:900])
            self.answer(200, "application/x-git-upload-pack-advertisement", body)
        else:
            self.answer({"forbids": 403, "asks": 401, "gone": 404}.get(kind, 500), "text/plain", said,
                        [("X-Said", authorization)])

    do_POST = do_GET


def _decoded(authorization):
    import base64
    try:
        return base64.b64decode(authorization.split()[-1]).decode()
    except (ValueError, IndexError):
        return authorization


class CommandLines:
    """Every command line that was seen of any process below this one, while it is open."""

    def __init__(self):
        self.seen = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self):
        while not self._done.is_set():
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:
                    pass

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


def spellings(secret):
    """A secret, and what becomes of it in a header."""
    import base64
    yield secret.encode()
    for user in ("jane", "x-access-token", "git", "oauth2"):
        for shift in range(3):  # base64 looks different at each offset; the middle of it is enough
            yield base64.b64encode(b"x" * shift + f"{user}:{secret}".encode())[4:-4]


def assert_nowhere(places):
    for secret in CANARIES:
        for spelling in set(spellings(secret)):
            for where, content in places:
                assert spelling not in content, f"{secret} is in {where}"


@pytest.fixture
def echo():
    with Echo() as server:
        yield server


KINDS = ("forbids", "asks", "moves", "words", "gone", "breaks")


def test_no_secret_is_found_anywhere_after_a_run_with_every_failure(world, echo):
    world.one(behind=1, ahead=1)
    port = world.server.port
    # A private fork that works, with the token of the server.
    name = f"private/{world.corner}/tools"
    world.server.path(name).parent.mkdir(parents=True)
    world.git("me/tools", "clone", "-q", "--bare", ".", str(world.server.path(name)))
    world.server.git(name, "config", "http.receivepack", "true")
    world.hosts["private.example.com"] = {"clone": f"{world.server.url}/private", "token_env": "GOOD_TOKEN"}
    world.hosts["echo.example.com"] = {"clone": echo.url, "token_env": "CANARY_TOKEN"}
    world.hosts["helper.example.com"] = {"clone": f"http://localhost:{echo.server_port}"}
    world.configure()
    script = world.folder / "helper"
    script.write_text(f"#!/bin/sh\necho username=jane\necho password={IN_HELPER}\n")
    script.chmod(0o755)
    helper = f'[credential "http://localhost:{echo.server_port}"]\n\thelper = {script}\n' \
             f'[http "http://localhost:{echo.server_port}/forbids"]\n\textraHeader = "X-Api-Key: {IN_CONFIG}"\n'
    (world.folder / "user" / ".gitconfig").write_text(helper)
    env = {"CANARY_TOKEN": IN_VARIABLE, "GOOD_TOKEN": TOKEN, "GIT_CURL_VERBOSE": "0"}

    printed = []
    with CommandLines() as lines:
        def run(*arguments, **options):
            result = world.run(*arguments, status=None, env=env, **options)
            printed.append((f"forge {' '.join(map(str, arguments))[:40]}", (result.out + result.err).encode()))
            return result

        run("fork", "add", "good", "--fork", f"private.example.com/{world.corner}/tools", "--upstream", f"{HOST}/company/tools")
        for kind in KINDS:
            run("fork", "add", f"by-token-{kind}", "--fork", f"{HOST}/me/tools", "--upstream", f"echo.example.com/{kind}/tools")
            run("fork", "add", f"by-helper-{kind}", "--fork", f"helper.example.com/{kind}/tools", "--upstream", f"{HOST}/company/tools")
        refused = run("fork", "add", "by-url", "--fork", f"http://jane:{IN_URL}@127.0.0.1:{port}/x/y", "--upstream", f"{HOST}/company/tools")
        assert refused.status == 6 and "password" in refused.err
        document = json.loads(run("fork", "sync", "--all", "--format", "json", timeout=120).out)
        run("fork", "sync", "good", "--verbose", "--strategy", "merge")
        run("fork", "list", "--format", "json")
        run("job", "list", "--format", "json")
        run("config", "show")
        run("doctor")
        workspace = world.folder / "workspace"
        run("init", str(workspace))
        run("install", f"http://jane:{IN_URL}@127.0.0.1:{echo.server_port}/forbids/tools#tool")
        export = run("journal", "export").out

    outcomes = {entry["name"]: entry for entry in document["forks"]}
    assert outcomes["good"]["status"] in ("merged", "up_to_date"), outcomes["good"]
    for kind in KINDS:
        for way in ("by-token", "by-helper"):
            assert outcomes[f"{way}-{kind}"]["error"], outcomes[f"{way}-{kind}"]
    # The canaries were really sent, or their absence would mean nothing.
    heard = " ".join(filter(None, map(_decoded, echo.heard)))
    assert IN_VARIABLE in heard and IN_HELPER in heard
    assert b"canary" not in export.encode()

    places = list(printed)
    places += [(str(path), path.read_bytes()) for path in world.home.rglob("*") if path.is_file()]
    places += [(f"refs and commits of {fork}", world.server.git(fork, "log", "--all", "--format=%B%an%ae").encode())
               for fork in (name, world.repository("me/tools"))]
    # What a person typed is in the command they typed it into, and nowhere below.
    own = str(FORGE).encode()
    places += [("a command line", line) for line in lines.seen if not line.startswith(own)]
    assert any(b"credential" in line for line in lines.seen), "no child was seen"
    assert_nowhere(places)


def test_a_daemons_log_has_no_secret(world, echo, tmp_path):
    from daemons import Daemons
    world.one(behind=1)
    world.hosts["echo.example.com"] = {"clone": echo.url, "token_env": "CANARY_TOKEN"}
    world.env["CANARY_TOKEN"] = IN_VARIABLE
    daemons = Daemons(world, f"ipc://{tmp_path}/s")
    world.configure(f"scheduler: {{endpoint: \"ipc://{tmp_path}/s\"}}\nlog_level: debug\n")
    try:
        children = [daemons.scheduler(), daemons.worker()]
        for kind in KINDS:
            world.run("fork", "add", kind, "--fork", f"{HOST}/me/tools", "--upstream", f"echo.example.com/{kind}/tools")
        for kind in KINDS:
            world.run("fork", "sync", kind, status=None, timeout=120)
        logs = [("a daemon's log", "\n".join(child.log.seen).encode()) for child in children]
    finally:
        daemons.stop()
    assert IN_VARIABLE in " ".join(map(_decoded, echo.heard))
    assert any(log for _, log in logs)
    assert_nowhere(logs + [(str(path), path.read_bytes()) for path in world.home.rglob("*") if path.is_file()])
