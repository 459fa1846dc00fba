#!/usr/bin/python3
"""A workspace of 200 components from 20 repositories over HTTP, and a component in a repository of 2,000 files.

Prints a line of JSON for each, and nothing else on standard output:

    workspace_status   `forge sync status --all` where nothing moved. value: requests a repository (one is the least
                       there can be); seconds, and limit_seconds: the server alone needs so long to answer as many
    workspace_pull     `forge sync pull` of one changed file in a repository of 2,000. value: bytes received and sent;
                       limit: what git itself moves for the same commit, `git fetch` into a clone that has the rest
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
REPOSITORIES, COMPONENTS, FILES, ROUNDS = 20, 200, 2000, int(os.environ.get("BENCH_ROUNDS", 3))
HOST = "git.example.com"
COMPONENT = "apiVersion: forge.dev/v1\nkind: Tool\nmetadata:\n  name: {name}\n  version: 1.0.0\nconfig:\n  timeout: {timeout}\n"


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.server = GitServer(folder / "server").start()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("FORGE_", "GIT_"))}
        home = folder / "user"
        (home / ".forge").mkdir(parents=True)
        (home / ".gitconfig").write_text("[user]\n\tname = Jane Doe\n\temail = jane@example.com\n[init]\n"
                                         "\tdefaultBranch = main\n[gc]\n\tauto = 0\n")
        (home / ".forge" / "config.yaml").write_text(f"hosts:\n  {HOST}: {{clone: \"{self.server.url}\"}}\n")
        self.env |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "XDG_RUNTIME_DIR": ""}
        self.workspace = folder / "workspace"

    def run(self, *argv, folder=None, text=None):
        done = subprocess.run(argv, cwd=folder, env=self.env, input=text, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, argv))}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def publish(self, name, files):
        """FILES ({path: text}) as one more commit of the repository NAME."""
        work = self.folder / "work" / name
        bare = self.server.path(name)
        if not work.exists():
            work.parent.mkdir(parents=True, exist_ok=True)
            bare.parent.mkdir(parents=True, exist_ok=True)
            self.run("git", "init", "-q", work)
            self.run("git", "init", "-q", "--bare", bare)
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        self.run("git", "add", "-A", folder=work)
        self.run("git", "commit", "-q", "-m", "Change", folder=work)
        self.run("git", "push", "-q", bare, "main", folder=work)

    def measure(self, *argv, folder=None):
        """(seconds, requests, bytes) of a command."""
        self.server.forget_requests()
        started = time.monotonic()
        self.run(*argv, folder=folder)
        seconds = time.monotonic() - started
        requests = self.server.requests()
        return seconds, len(requests), sum(request.bytes_in + request.bytes_out for request in requests)

    def status(self):
        references = []
        for at in range(REPOSITORIES):
            names = [f"tool-{at:02}-{number}" for number in range(COMPONENTS // REPOSITORIES)]
            self.publish(f"company/tools-{at:02}", {f"components/tools/{name}/component.yaml":
                                                    COMPONENT.format(name=name, timeout=30) for name in names})
            references += [f"{HOST}/company/tools-{at:02}/{name}" for name in names]
        self.run(FORGE, "init", self.workspace)
        self.run(FORGE, "install", *references, folder=self.workspace)
        self.run(FORGE, "sync", "status", "--all", folder=self.workspace)
        rounds = [self.measure(FORGE, "sync", "status", "--all", folder=self.workspace) for _ in range(ROUNDS)]
        seconds, requests, moved = map(statistics.median, zip(*rounds))
        floor = self.measure("git", "ls-remote", f"{self.server.url}/company/tools-00", "main")[0] * REPOSITORIES
        print(json.dumps({"name": "workspace_status", "value": requests / REPOSITORIES, "unit": "requests/repository",
                          "limit": 1, "seconds": round(seconds, 3), "git_ls_remote_seconds": round(floor, 3),
                          "requests": requests, "bytes": moved, "components": COMPONENTS}))

    def pull(self):
        name = "company/large"
        files = {f"components/tools/large/data/{at % 40:02}/{at:04}.txt": f"line {at}\n" * 20 for at in range(FILES - 1)}
        component = "components/tools/large/component.yaml"
        self.publish(name, {**files, component: COMPONENT.format(name="large", timeout=30)})
        self.run(FORGE, "install", f"{HOST}/{name}/large", folder=self.workspace)
        clone = self.folder / "clone"
        self.run("git", "clone", "-q", f"{self.server.url}/{name}", clone)
        rounds, limits = [], []
        for at in range(ROUNDS):
            self.publish(name, {component: COMPONENT.format(name="large", timeout=31 + at)})
            rounds.append(self.measure(FORGE, "sync", "pull", "large", folder=self.workspace))
            limits.append(self.measure("git", "fetch", "-q", "origin", "main", folder=clone))
        seconds, requests, moved = map(statistics.median, zip(*rounds))
        git_seconds, _, limit = map(statistics.median, zip(*limits))
        print(json.dumps({"name": "workspace_pull", "value": moved, "unit": "bytes", "limit": limit,
                          "fraction": round(limit / moved, 2), "requests": requests, "seconds": round(seconds, 3),
                          "git_fetch_seconds": round(git_seconds, 3), "files": FILES}))


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="forge-bench-"))
    bench = Bench(folder)
    try:
        bench.status()
        bench.pull()
    finally:
        bench.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
