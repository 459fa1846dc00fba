#!/usr/bin/python3
"""A real smart-HTTP git server on loopback: lighttpd in the foreground with git's own http-backend behind it.

Repositories are bare folders ROOT/repositories/OWNER/NAME.git, served as URL/OWNER/NAME. The port is the kernel's
choice: the listening socket is made here and handed to lighttpd, so a request sent before lighttpd is up waits instead
of failing. Three owners are special:

    private/…     wants basic authentication with TOKEN (under any of USERS), for reading too
    forbidden/…   answers 403 to everybody
    any other     is open for reading and writing

A repository with a folder lfs/ has a git-lfs (lfs_batch.py) too; see GitServer.give_lfs().

The access log goes through a pipe and is whole up to the last answered request: requests() counts from it.

As a script, `git_server.py --root DIR` serves DIR, prints its URL and runs until it is interrupted.
"""

import argparse
import dataclasses
import hashlib
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import process  # noqa: E402  (a script finds its neighbours only now)
from growth import Growth  # noqa: E402

TOKEN = "t0ps3cret-token"
USERS = ("x-access-token", "oauth2", "git", "forge", "token", "jane", TOKEN)
BACKEND = "/usr/lib/git-core/git-http-backend"
LFS = pathlib.Path(__file__).resolve().parent / "lfs_batch.py"

CONFIGURATION = """\
server.document-root = "{root}/repositories"
server.bind = "/dev/stdin"
server.modules = ( "mod_access", "mod_auth", "mod_authn_file", "mod_setenv", "mod_alias", "mod_cgi", "mod_accesslog" )
server.errorlog = "{root}/error.log"
server.upload-dirs = ( "{root}/uploads" )
server.max-keep-alive-requests = 100000
server.max-keep-alive-idle = 60
accesslog.filename = "|exec cat >> {root}/access.log"
accesslog.format = "%m %U %s %I %O %u"
auth.backend = "plain"
auth.backend.plain.userfile = "{root}/users"
auth.require = ( "/private/" => ( "method" => "basic", "realm" => "git", "require" => "valid-user" ) )
$HTTP["url"] =~ "^/forbidden/" {{ url.access-deny = ( "" ) }}
alias.url = ( "/" => "{backend}/" )
$HTTP["url"] =~ "/info/lfs/objects/batch$" {{ alias.url = ( "/" => "{lfs}/" ) }}
cgi.assign = ( "" => "" )
setenv.add-environment = ( "GIT_PROJECT_ROOT" => "{root}/repositories", "GIT_HTTP_EXPORT_ALL" => "1",
                           "HOME" => "{root}", "GIT_CONFIG_NOSYSTEM" => "1" )
"""


@dataclasses.dataclass(frozen=True)
class Request:
    """One answered request. Bytes count headers and bodies, as seen by the server."""

    method: str
    path: str  # without the query: /OWNER/NAME/git-upload-pack
    status: int
    bytes_in: int
    bytes_out: int

    @property
    def repository(self):
        """OWNER/NAME, without a `.git`."""
        name = re.sub(r"/(info/(refs|lfs/.*)|git-(upload|receive)-pack|HEAD|objects/.*)$", "", self.path)
        return name.strip("/").removesuffix(".git")


class GitServer:
    """Serves ROOT until stop(); also a context manager."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.repositories = self.root / "repositories"
        self.access_log = self.root / "access.log"
        self._child = None
        self._log_offset = 0
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(256)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        for folder in (self.repositories, self.root / "uploads"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.root / "users").write_text("".join(f"{user}:{TOKEN}\n" for user in USERS))
        self.access_log.touch()
        configuration = self.root / "lighttpd.conf"
        configuration.write_text(CONFIGURATION.format(root=self.root, backend=BACKEND, lfs=LFS))
        self._child = process.start(
            ["/usr/sbin/lighttpd", "-D", "-f", str(configuration)],
            stdin=self._socket, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def stop(self):
        """Ends the server and whatever it runs; its port refuses connections from here on."""
        if self._child:
            process.stop(self._child)
            self._child = None
        self._socket.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ---- repositories ----

    def path(self, name):
        """Folder of the repository OWNER/NAME."""
        return self.repositories / f"{name}.git"

    def url_of(self, name):
        return f"{self.url}/{name}"

    def git(self, name, *arguments, check=True, **options):
        """Runs git in the repository OWNER/NAME and returns what it printed, stripped."""
        done = subprocess.run(
            ["git", "-C", str(self.path(name)), *arguments],
            check=check, stdout=subprocess.PIPE, text=True, **options)
        return done.stdout.strip()

    def refs(self, name, prefix=""):
        """{ref: oid} of the repository OWNER/NAME."""
        lines = self.git(name, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {ref: oid for ref, oid in map(str.split, lines) if ref.startswith(prefix)}

    def give_lfs(self, name, says=None):
        """From now on OWNER/NAME has a git-lfs. SAYS, if given, is (status, body) of its answer to everything."""
        folder = self.path(name) / "lfs" / "objects"
        folder.mkdir(parents=True, exist_ok=True)
        if says:
            (folder.parent / "says").write_text(f"{says[0]}\n{says[1]}")

    def give_lfs_object(self, name, content):
        """Puts CONTENT (bytes) into OWNER/NAME's git-lfs and returns its pointer."""
        self.give_lfs(name)
        oid = hashlib.sha256(content).hexdigest()
        place = self.path(name) / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return lfs_pointer(content)

    def refuse_pushes(self, name):
        """From now on the server answers 403 to whoever wants to push to OWNER/NAME."""
        self.git(name, "config", "http.receivepack", "false")

    def reject_ref(self, name, pattern, reason="this branch is protected"):
        """A hook of OWNER/NAME rejects every update of a ref that the shell pattern matches, as a host with branch
        protection does; the connection itself is fine and other refs of the same push may pass."""
        self._hook(name, "update", f'case "$1" in\n{pattern}) echo {shlex.quote(reason)} >&2; exit 1 ;;\nesac\n')

    def hold_pushes(self, name):
        """Pushes to OWNER/NAME stop in a hook, with no ref moved, until the Gate that is returned is opened."""
        return self._gate(name, "pre-receive")

    def hold_answers(self, name):
        """The same for pushes that have moved their refs: only the answer is held back."""
        return self._gate(name, "post-receive")

    def _gate(self, name, kind):
        gate = Gate(self.root / f"gate-{kind}-{name.replace('/', '-')}", self.path(name) / "hooks" / kind)
        self._hook(name, kind, f"echo here > {gate.reached}\nread -r go < {gate.opened}\n")
        return gate

    def _hook(self, name, kind, script):
        hook = self.path(name) / "hooks" / kind
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\n" + script)
        hook.chmod(0o755)

    # ---- what was asked of it ----

    def forget_requests(self):
        """requests() counts from here on."""
        self._settle()
        self._log_offset = self.access_log.stat().st_size

    def requests(self):
        """The requests answered since start() or forget_requests(), in order; those of this method not counted."""
        self._settle()
        with open(self.access_log, encoding="utf-8") as log:
            log.seek(self._log_offset)
            return [_parse(line) for line in log if "/-/mark-" not in line]

    def _settle(self):
        """Waits until the log holds every request answered so far: asks for a path nobody else does, and looks for it."""
        mark = f"/-/mark-{time.monotonic_ns()}"
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(f"GET {mark} HTTP/1.0\r\n\r\n".encode())
            while connection.recv(4096):
                pass
        with Growth(self.access_log) as log:
            log.wait(lambda: mark in self.access_log.read_text(encoding="utf-8")[-4096:], 10)


def lfs_pointer(content):
    """The pointer that git-lfs commits instead of CONTENT (bytes)."""
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"


def _parse(line):
    method, path, status, bytes_in, bytes_out, _user = line.rstrip("\n").split(" ")
    return Request(method, path, int(status), int(bytes_in), int(bytes_out))


class Gate:
    """Two named pipes between a hook and a test: the hook says that it was reached and waits to be let on."""

    def __init__(self, stem, hook):
        self._hook = hook
        self.reached, self.opened = f"{stem}-reached", f"{stem}-opened"
        for pipe in (self.reached, self.opened):
            os.mkfifo(pipe)
        # Both ends stay open here, so that neither side ever blocks in open() or gets a broken pipe.
        self._reached = os.open(self.reached, os.O_RDWR)
        self._opened = os.open(self.opened, os.O_RDWR)

    def wait_reached(self, seconds=30):
        """Returns once a push stands in the hook."""
        with _alarm(seconds, "no push reached the hook"):
            os.read(self._reached, 5)

    def open(self):
        """Lets one push on (the one waiting, or the next)."""
        os.write(self._opened, b"go\n")

    def remove(self):
        """Takes the hook away: later pushes go through. One that stands in it stays there until open()."""
        self._hook.unlink(missing_ok=True)

    def close(self):
        self.remove()
        for descriptor in (self._reached, self._opened):
            os.close(descriptor)
        for pipe in (self.reached, self.opened):
            os.unlink(pipe)


class _alarm:
    """Turns a system call that blocks longer than SECONDS into a TimeoutError; in the main thread only."""

    def __init__(self, seconds, what):
        self._seconds, self._what = seconds, what

    def _ring(self, *_):
        raise TimeoutError(self._what)

    def __enter__(self):
        self._before = signal.signal(signal.SIGALRM, self._ring)
        signal.alarm(self._seconds)

    def __exit__(self, *_):
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self._before)


def main():
    parser = argparse.ArgumentParser(description="serve bare git repositories over smart HTTP on loopback")
    parser.add_argument("--root", required=True, help="folder whose repositories/OWNER/NAME.git are served")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with GitServer(arguments.root) as server:
        print(server.url, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
