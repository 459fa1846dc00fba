"""What an end-to-end test acts in: repositories of its own on the shared server, and a forge home of its own.

Tests call the repositories HOST/OWNER/NAME; the home's configuration maps HOST to the test's own corner of the server,
so the same names may be used by every test.
"""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import threading

import process
from fleet import Fleet, finish, import_history

HOST = "git.example.com"
IDENTITY = ("Jane Doe", "jane@example.com")
FORGE = pathlib.Path(os.environ.get("FORGE", pathlib.Path(__file__).resolve().parents[2] / "build" / "forge")).resolve()


@dataclasses.dataclass
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def lines(self):
        """Everything a person saw, line by line."""
        return [line.strip() for line in (self.out + self.err).splitlines() if line.strip()]

    def __str__(self):
        return f"exit status {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"


class Forge:
    """The command, with a FORGE_HOME of its own and nothing of the environment it could trip over."""

    def __init__(self, folder):
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("FORGE_", "GIT_", "XDG_")) and not name.lower().endswith("_proxy")}
        user = folder / "user"
        user.mkdir()
        self.env |= {"FORGE_HOME": str(self.home), "HOME": str(user), "GIT_CONFIG_NOSYSTEM": "1",
                     "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
        self.hosts = {}
        self.prefix = []  # what runs the command, if it is not run by itself

    def configure(self, text="", identity=True):
        """Writes config.yaml: the identity, the known hosts, and TEXT (YAML) after them."""
        lines = [f"git: {{username: {IDENTITY[0]}, email: {IDENTITY[1]}}}"] if identity else []
        if self.hosts:
            lines.append("hosts:")
            for name, keys in self.hosts.items():
                lines += [f"  {name}:", *(f"    {key}: {json.dumps(value)}" for key, value in keys.items())]
        (self.home / "config.yaml").write_text("\n".join(lines) + "\n" + text)

    def start(self, *arguments, env=None, stdin=subprocess.DEVNULL):
        """Starts the command; the caller ends it with finish() or kill()."""
        return process.start([*self.prefix, str(FORGE), *map(str, arguments)], stdin=stdin, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env={**self.env, **(env or {})})

    def run(self, *arguments, status=0, timeout=60, env=None, input=None, cwd=None):
        """Runs the command to its end, with INPUT to read. STATUS is what it must exit with; None: anything."""
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        result = finish_child(self.start(*arguments, env=env, stdin=stdin, **({"cwd": cwd} if cwd else {})), timeout, input)
        assert status is None or result.status == status, f"forge {' '.join(map(str, arguments))}: {result}"
        return result

    def sync(self, *arguments, status=0, **options):
        """`fork sync … --format json`. Returns the document."""
        return self.run("fork", "sync", *(arguments or ("--all",)), "--format", "json", status=status, **options).json

    def events(self, *arguments):
        """Every event of the journal, oldest first."""
        return [json.loads(line) for line in self.run("journal", "export", *arguments).out.splitlines()]


def finish_child(child, timeout=60, input=None):
    try:
        out, err = child.communicate(input=input, timeout=timeout)
    except subprocess.TimeoutExpired:
        process.signal_group(child, signal.SIGKILL)
        out, err = child.communicate()
        raise AssertionError(f"still running after {timeout} s: {child.args}\n{out}\n{err}") from None
    return Result(child.returncode, out, err)


def kill(child):
    """SIGKILL for the one process, as the kernel does it when memory ends. Returns what it had printed."""
    child.kill()
    out, err = child.communicate()
    return Result(child.returncode, out, err)


class Lines:
    """The lines a child prints on STREAM, read in the background so that it never blocks; wait_for() finds one."""

    def __init__(self, stream):
        self.seen, self._changed, self._ended = [], threading.Condition(), False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            with self._changed:
                self.seen.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, matches, seconds=20):
        """The first line for which MATCHES is true; an assertion if the stream ends or the time is over before."""
        def found():
            return next((line for line in self.seen if matches(line)), None)
        with self._changed:
            self._changed.wait_for(lambda: found() is not None or self._ended, seconds)
            assert found() is not None, "no such line in:\n" + "\n".join(self.seen)
            return found()


class World(Forge):
    """A forge home, a corner of the server, and a fleet in it."""

    def __init__(self, folder, server, corner):
        super().__init__(folder)
        self.folder, self.server, self.corner = folder, server, corner
        self.fleet = Fleet(server.repositories / corner)
        self.hosts[HOST] = {"clone": f"{server.url}/{corner}"}
        self.configure()

    # ---- the fleet ----

    def build(self, register=True):
        """Writes the fleet's repositories and registers its forks."""
        self.fleet.build()
        for fork in self.fleet.forks.values() if register else ():
            self.add(fork)
        return self

    def add(self, fork, *options, **keywords):
        return self.run("fork", "add", fork.name, "--fork", f"{HOST}/{fork.repository}",
                        "--upstream", f"{HOST}/{fork.upstream}", *options, **keywords)

    def one(self, *, add=(), **shape):
        """A single fork `mine` of `company/tools` with the given divergence, registered with the options ADD."""
        self.fleet.upstream("company/tools")
        fork = self.fleet.fork("mine", "me/tools", "company/tools", **shape)
        self.fleet.build()
        self.add(fork, *add)
        return fork

    def repository(self, name):
        """The name by which the server knows OWNER/NAME of this corner."""
        return f"{self.corner}/{name}"

    def git(self, name, *arguments, **options):
        return self.server.git(self.repository(name), *arguments, **options)

    def path(self, name):
        return self.server.path(self.repository(name))

    def refs(self, name, prefix="refs/heads/"):
        return self.server.refs(self.repository(name), prefix)

    def all_refs(self):
        """{fork: {ref: oid}} of every fork, with every namespace."""
        return {fork.name: self.refs(fork.repository, "") for fork in self.fleet.forks.values()}

    def tip(self, name, branch="main"):
        return self.git(name, "rev-parse", f"refs/heads/{branch}")

    def make(self, name, branch, commits):
        """Another repository beside the fleet."""
        finish(import_history(self.path(name), branch, commits))

    def merge_tree(self, fork):
        """What git itself makes of merging upstream's tip into the fork's: (tree, conflicting paths)."""
        place = self.folder / "oracle.git"
        if not place.exists():
            subprocess.run(["git", "init", "-q", "--bare", place], check=True)

        def git(*arguments, check=True):
            return subprocess.run(["git", "-C", place, *arguments], check=check, capture_output=True, text=True)

        tips = []
        for repository, branch in ((fork.repository, fork.branch), (fork.upstream, fork.branch)):
            git("fetch", "-q", "--no-tags", self.path(repository), f"refs/heads/{branch}")
            tips.append(git("rev-parse", "FETCH_HEAD").stdout.strip())
        merged = git("-c", "merge.directoryRenames=false", "merge-tree", "--write-tree", "--name-only", "--no-messages",
                     *tips, check=False)
        tree, *paths = merged.stdout.split("\n")
        assert merged.returncode in (0, 1), merged.stderr
        return tree, [path for path in paths if path]
