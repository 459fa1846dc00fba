#!/usr/bin/python3
"""A workspace of 100 components that need each other, from 20 repositories over HTTP, each with some versions.

Prints a line of JSON for each, and nothing else on standard output:

    dependencies_warm  `forge deps resolve` where nothing moved. value: requests a repository (one is the least there can
                       be); seconds, bytes, and git_ls_remote_seconds: what git needs to ask as many, one after another
    dependencies_cold  the same question with an empty cache and no forge.lock: everything is fetched and read. value:
                       seconds; limit_seconds: what git needs to clone the repositories, one after another
    dependencies_moved one repository has a new version, and all is given up: `forge deps update --dry-run`. value: seconds
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from git_server import GitServer  # noqa: E402

FORGE = pathlib.Path(os.environ.get("FORGE", pathlib.Path(__file__).resolve().parents[2] / "build" / "forge")).resolve()
REPOSITORIES, EACH, VERSIONS, NEEDS = 20, 5, 6, 3
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 3))
HOST = "git.example.com"
COMPONENTS = REPOSITORIES * EACH
IDENTITY = "Jane Doe <jane@example.com> {} +0000"


def place(number):
    """(repository, component) of a number: neighbours are in different repositories."""
    return f"company/tools-{number % REPOSITORIES:02}", f"tool-{number:03}"


def component_file(number, version):
    """What NUMBER is in VERSION: it needs the next few, in this version or a higher one."""
    lines = ["kind: Tool", "metadata:", f"  name: {place(number)[1]}", f"  version: 1.{version}.0", "dependencies:",
             "  tools:"]
    for need in range(number + 1, min(number + 1 + NEEDS, COMPONENTS)):
        repository, name = place(need)
        lines.append(f'    - {{repository: {HOST}/{repository}, component: {name}, version_constraint: "^1.{version}.0"}}')
    return "\n".join(lines if number + 1 < COMPONENTS else lines[:4]) + "\n"


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.server = GitServer(folder / "server").start()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("FORGE_", "GIT_"))}
        home = folder / "user"
        (home / ".forge").mkdir(parents=True)
        (home / ".gitconfig").write_text("[user]\n\tname = Jane Doe\n\temail = jane@example.com\n[gc]\n\tauto = 0\n")
        (home / ".forge" / "config.yaml").write_text(f"hosts:\n  {HOST}: {{clone: \"{self.server.url}\"}}\n")
        self.cache = home / ".forge" / "cache"
        self.env |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "XDG_RUNTIME_DIR": ""}
        self.workspace = folder / "workspace"

    def run(self, *argv, folder=None, text=None):
        done = subprocess.run(argv, cwd=folder, env=self.env, input=text, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, argv))}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def publish(self, repository, version):
        """One more version of all components of REPOSITORY."""
        bare = self.server.path(repository)
        parent = version > 0
        if not parent:
            bare.parent.mkdir(parents=True, exist_ok=True)
            self.run("git", "init", "-q", "--bare", "-b", "main", bare)
        numbers = [number for number in range(COMPONENTS) if place(number)[0] == repository]
        who = IDENTITY.format(1_767_225_600 + version)
        parts = [f"commit refs/heads/main\ncommitter {who}\ndata 2\nx\n"]
        parts += ["from refs/heads/main^0\n"] if parent else []
        for number in numbers:
            text = component_file(number, version)
            parts.append(f"M 100644 inline components/tools/{place(number)[1]}/component.yaml\ndata {len(text)}\n{text}\n")
        for number in numbers:
            parts.append(f"tag {place(number)[1]}@1.{version}.0\nfrom refs/heads/main\ntagger {who}\ndata 2\nx\n")
        self.run("git", "-C", bare, "fast-import", "--quiet", text="".join(parts))

    def measure(self, *argv, folder=None):
        """(seconds, requests, bytes) of a command."""
        self.server.forget_requests()
        started = time.monotonic()
        self.run(*argv, folder=folder)
        seconds = time.monotonic() - started
        requests = self.server.requests()
        return seconds, len(requests), sum(request.bytes_in + request.bytes_out for request in requests)

    def forge(self, *arguments):
        return self.measure(FORGE, *arguments, folder=self.workspace)

    def report(self, name, rounds, unit, value, **more):
        seconds, requests, moved = map(statistics.median, zip(*rounds))
        figures = {"seconds": round(seconds, 3), "requests": requests, "bytes": moved}
        print(json.dumps({"name": name, "value": value(figures), "unit": unit, **more, **figures, "components": COMPONENTS,
                          "repositories": REPOSITORIES}), flush=True)

    def warm(self):
        rounds = [self.forge("deps", "resolve") for _ in range(ROUNDS)]
        one = min(self.measure("git", "ls-remote", f"{self.server.url}/company/tools-00")[0] for _ in range(ROUNDS))
        self.report("dependencies_warm", rounds, "requests/repository", lambda it: it["requests"] / REPOSITORIES, limit=1,
                    git_ls_remote_seconds=round(one * REPOSITORIES, 3))

    def cold(self):
        rounds, clones = [], []
        saved = self.workspace / "forge.lock.saved"
        (self.workspace / "forge.lock").rename(saved)
        for _ in range(ROUNDS):
            shutil.rmtree(self.cache)
            shutil.rmtree(self.workspace / ".forge", ignore_errors=True)
            rounds.append(self.forge("deps", "resolve", "--dry-run"))
            started = time.monotonic()
            for at in range(REPOSITORIES):
                self.run("git", "clone", "-q", "--bare", f"{self.server.url}/company/tools-{at:02}", self.folder / "clone")
                shutil.rmtree(self.folder / "clone")
            clones.append(time.monotonic() - started)
        saved.rename(self.workspace / "forge.lock")
        self.report("dependencies_cold", rounds, "s", lambda it: it["seconds"],
                    limit_seconds=round(statistics.median(clones), 3))

    def moved(self):
        rounds = []
        for round_ in range(ROUNDS):
            self.publish("company/tools-07", VERSIONS + round_)
            rounds.append(self.forge("deps", "update", "--dry-run"))
        self.report("dependencies_moved", rounds, "s", lambda it: it["seconds"])

    def measure_all(self):
        for at in range(REPOSITORIES):
            for version in range(VERSIONS):
                self.publish(f"company/tools-{at:02}", version)
        self.run(FORGE, "init", self.workspace)
        self.run(FORGE, "install", f"{HOST}/{place(0)[0]}/{place(0)[1]}@^1", folder=self.workspace)
        installed = (self.workspace / "forge.lock").read_text().count("- component:")
        if installed != COMPONENTS:
            sys.exit(f"{installed} components are installed, not {COMPONENTS}")
        self.warm()
        self.cold()
        self.moved()


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="forge-bench-"))
    bench = Bench(folder)
    try:
        bench.measure_all()
    finally:
        bench.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
