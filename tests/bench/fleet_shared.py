#!/usr/bin/python3
"""200 forks of one upstream of 30 MB over HTTP: what `forge fork sync --all` fetches, against one clone of upstream.

Upstream has moved on since the forks left it, and every other fork has a commit of its own, so each sync needs objects
of both sides. On the server all forks borrow the old history from one repository; forge has an empty cache.

Prints one line of JSON, and nothing else on standard output:

    fleet_shared   value: bytes that the server sent in one sync of all forks; limit: bytes of one `git clone --bare`
                   of upstream; fraction: value / limit (1 would be: all forks cost no more than their upstream alone)
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from git_server import GitServer  # noqa: E402

FORGE = pathlib.Path(os.environ.get("FORGE", pathlib.Path(__file__).resolve().parents[2] / "build" / "forge")).resolve()
FORKS, MEGABYTES, AT_ONCE = 200, 30, 4
HOST = "git.example.com"


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.server = GitServer(folder / "server").start()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("FORGE_", "GIT_"))}
        home = folder / "user"
        home.mkdir()
        (home / ".gitconfig").write_text("[user]\n\tname = Jane Doe\n\temail = jane@example.com\n[gc]\n\tauto = 0\n")
        self.env |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "FORGE_HOME": str(folder / "forge")}
        (folder / "forge").mkdir()
        (folder / "forge" / "config.yaml").write_text(f"hosts:\n  {HOST}: {{clone: \"{self.server.url}\"}}\n")

    def run(self, *argv, data=None):
        done = subprocess.run(argv, env=self.env, input=data, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, argv))}: exit status {done.returncode}\n{done.stderr.decode()}")
        return done.stdout.decode().strip()

    def repository(self, name, borrows=None):
        path = self.server.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.run("git", "init", "-q", "--bare", "-b", "main", path)
        self.run("git", "-C", path, "config", "http.receivepack", "true")
        if borrows:
            (path / "objects" / "info" / "alternates").write_text(f"{borrows / 'objects'}\n")
        return path

    def commit(self, path, parent, name, content):
        """One more file on top of PARENT (or nothing), as the tip of main."""
        git = ("git", "-C", path)
        blob = self.run(*git, "hash-object", "-w", "--stdin", data=content)
        old = self.run(*git, "ls-tree", parent).splitlines() if parent else []
        tree = self.run(*git, "mktree", data="".join(f"{line}\n" for line in
                                                     (*old, f"100644 blob {blob}\t{name}")).encode())
        tip = self.run(*git, "commit-tree", tree, "-m", f"Add {name}", *(("-p", parent) if parent else ()))
        self.run(*git, "update-ref", "refs/heads/main", tip)
        return tip

    def build(self):
        base = self.repository("company/base")
        tip = None
        for number in range(MEGABYTES):
            tip = self.commit(base, tip, f"data-{number:02}", random.Random(number).randbytes(1_000_000))
        upstream = self.repository("company/large", base)
        newest = self.commit(upstream, tip, "news", b"news\n")
        for number in range(FORKS):
            fork = self.repository(f"user-{number:03}/large", base)
            if number % 2:
                self.commit(fork, tip, "own", f"of {number}\n".encode())
            else:
                self.run("git", "-C", fork, "update-ref", "refs/heads/main", tip)
            self.run(FORGE, "fork", "add", f"fork-{number:03}", "--fork", f"{HOST}/user-{number:03}/large",
                     "--upstream", f"{HOST}/company/large")
        return newest

    def measure(self, *argv):
        """(bytes that the server sent, seconds) of a command."""
        self.server.forget_requests()
        started = time.monotonic()
        self.run(*argv)
        seconds = time.monotonic() - started
        return sum(request.bytes_out for request in self.server.requests()), seconds

    def check(self, newest):
        """Every fork must hold upstream's newest commit, or the bytes mean nothing."""
        for number in range(FORKS):
            self.run("git", "-C", self.server.path(f"user-{number:03}/large"), "merge-base", "--is-ancestor", newest,
                     "main")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="forge-bench-"))
    bench = Bench(folder)
    try:
        newest = bench.build()
        limit, clone_seconds = bench.measure("git", "clone", "-q", "--bare", f"{bench.server.url}/company/large",
                                             folder / "clone")
        value, seconds = bench.measure(FORGE, "fork", "sync", "--all", "--jobs", str(AT_ONCE))
        bench.check(newest)
        print(json.dumps({"name": "fleet_shared", "value": value, "unit": "bytes", "limit": limit,
                          "fraction": round(value / limit, 2), "forks": FORKS, "seconds": round(seconds, 2),
                          "clone_seconds": round(clone_seconds, 2)}))
    finally:
        bench.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
