#!/usr/bin/python3
"""A fleet of 200 forks of 20 upstreams over HTTP: `forge fork sync --all --jobs 4` against a shell loop of git.

The loop has a bare clone of every fork prepared, and runs four at once: git fetch from upstream and fork, git
merge-tree, git commit-tree, git push. Both start from identical fresh copies of the server's repositories, take turns,
and must leave the same trees; forge starts with an empty cache. `fleet_cold` is the first sync, `fleet_noop` the one
after it, when nothing has moved.

Prints a line of JSON for each, and nothing else on standard output:

    value     how many times faster forge was: the median of the loop's time over forge's, of three rounds
    limit     what value would be if forge itself took no time: the server alone needs so long to answer as many
              requests of the cheapest kind as forge made
    fraction  value / limit
    requests, bytes                    of one sync by forge, as the server counted them
    loop_requests, loop_bytes          likewise, of the loop
    seconds, loop_seconds              medians
"""

import concurrent.futures
import http.client
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
from fleet import random_fleet  # noqa: E402
from git_server import GitServer  # noqa: E402

FORGE = pathlib.Path(os.environ.get("FORGE", pathlib.Path(__file__).resolve().parents[2] / "build" / "forge")).resolve()
UPSTREAMS, FORKS, ROUNDS, AT_ONCE = 20, 200, int(os.environ.get("BENCH_ROUNDS", 3)), 4
HOST = "git.example.com"
CONFLICT = 7

# $1: the fork's name, $2: its OWNER/NAME, $3: upstream's. CLONES and BASE (URL) come from the environment.
LOOP = """
cd "$CLONES/$1" || exit 255
git fetch -q "$BASE/$3" +refs/heads/main:refs/sync/upstream
git fetch -q "$BASE/$2" +refs/heads/main:refs/sync/fork
upstream=$(git rev-parse refs/sync/upstream)
fork=$(git rev-parse refs/sync/fork)
base=$(git merge-base "$fork" "$upstream")
[ "$base" = "$upstream" ] && exit 0
if [ "$base" = "$fork" ]; then
	result=$upstream
else
	tree=$(git merge-tree --write-tree "$fork" "$upstream") || exit 0
	result=$(git commit-tree "$tree" -p "$fork" -p "$upstream" -m "Merge main of $3")
fi
git push -q "$BASE/$2" "$result:refs/heads/main"
"""


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.server = GitServer(folder / "server").start()
        self.fleet = random_fleet(folder / "master", UPSTREAMS, FORKS)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("FORGE_", "GIT_"))}
        user = folder / "user"
        user.mkdir()
        (user / ".gitconfig").write_text("[user]\n\tname = Jane Doe\n\temail = jane@example.com\n[gc]\n\tauto = 0\n")
        self.env |= {"HOME": str(user), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
        self.home = folder / "registered"
        self.clones = folder / "clones"

    def prepare(self):
        """What neither side is timed for: the forks' names in a journal, and the loop's clones."""
        self.home.mkdir()
        configure(self.home, self.server.url)
        for fork in self.fleet.forks.values():
            self.forge(self.home, "fork", "add", fork.name, "--fork", f"{HOST}/{fork.repository}",
                       "--upstream", f"{HOST}/{fork.upstream}")
            subprocess.run(["git", "clone", "-q", "--bare", self.fleet.path(fork.repository), self.clones / fork.name],
                           check=True, env=self.env)

    def round(self, number):
        """One turn of each side, each on its own copy. Returns {side: (cold, noop)}."""
        sides = {"forge": self.forge_side, "loop": self.loop_side}
        order = sorted(sides, reverse=number % 2 == 1)
        taken, places = {}, {}
        for side in order:
            places[side] = self.server.repositories / f"{side}-{number}"
            shutil.copytree(self.folder / "master", places[side], symlinks=True)
            taken[side] = sides[side](number, f"{self.server.url}/{side}-{number}")
        self.compare(places["forge"], places["loop"])
        for place in places.values():
            shutil.rmtree(place)
        return taken

    def forge_side(self, number, base):
        home = self.folder / f"home-{number}"
        shutil.copytree(self.home, home)
        configure(home, base)
        sync = ("fork", "sync", "--all", "--jobs", str(AT_ONCE), "--format", "json")
        return [self.measure(lambda: self.forge(home, *sync, status=CONFLICT)) for _ in range(2)]

    def loop_side(self, number, base):
        clones = self.folder / f"clones-{number}"
        shutil.copytree(self.clones, clones, symlinks=True)
        rows = "".join(f"{fork.name} {fork.repository} {fork.upstream}\n" for fork in self.fleet.forks.values())
        env = {**self.env, "CLONES": str(clones), "BASE": base}
        argv = ["xargs", f"-P{AT_ONCE}", "-L1", "sh", "-c", LOOP, "loop"]
        return [self.measure(lambda: subprocess.run(argv, input=rows, text=True, check=True, env=env,
                                                    stdout=subprocess.DEVNULL)) for _ in range(2)]

    def forge(self, home, *arguments, status=0):
        done = subprocess.run([FORGE, *arguments], env={**self.env, "FORGE_HOME": str(home)}, capture_output=True,
                              text=True)
        if done.returncode != status:
            sys.exit(f"forge {' '.join(arguments)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")

    def measure(self, work):
        """(seconds, requests, bytes) of WORK."""
        self.server.forget_requests()
        started = time.monotonic()
        work()
        seconds = time.monotonic() - started
        requests = self.server.requests()
        return seconds, len(requests), sum(request.bytes_in + request.bytes_out for request in requests)

    def compare(self, mine, theirs):
        """Both sides must have left the same trees, or the times mean nothing."""
        for fork in self.fleet.forks.values():
            trees = [subprocess.run(["git", "-C", place / f"{fork.repository}.git", "rev-parse", "main^{tree}"],
                                    check=True, capture_output=True).stdout for place in (mine, theirs)]
            if trees[0] != trees[1]:
                sys.exit(f"{fork.name}: forge and git left different trees")

    def seconds_a_request(self):
        """What one answer costs the server at best, four at once: refs of each upstream, asked ten times."""
        shutil.copytree(self.folder / "master" / "company", self.server.repositories / "floor" / "company")
        paths = [f"/floor/{name}/git-upload-pack" for name in self.fleet.upstreams] * 10
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.ask, [paths[first::AT_ONCE] for first in range(AT_ONCE)]))
        return (time.monotonic() - started) / len(paths)

    def ask(self, paths):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        body = packet("command=ls-refs\n") + "0001" + packet("ref-prefix refs/heads/main\n") + "0000"
        headers = {"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"}
        for path in paths:
            connection.request("POST", path, body, headers)
            assert connection.getresponse().read().endswith(b"0000")
        connection.close()


def packet(text):
    return f"{len(text) + 4:04x}{text}"


def configure(home, base):
    (home / "config.yaml").write_text(
        f"git: {{username: Jane Doe, email: jane@example.com}}\nhosts:\n  {HOST}: {{clone: \"{base}\"}}\n")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="forge-bench-"))
    bench = Bench(folder)
    try:
        bench.prepare()
        rounds = [bench.round(number) for number in range(ROUNDS)]
        floor = bench.seconds_a_request()
    finally:
        bench.server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    for which, name in enumerate(("fleet_cold", "fleet_noop")):
        seconds, requests, sent = map(statistics.median, zip(*(taken["forge"][which] for taken in rounds)))
        loop_seconds, loop_requests, loop_sent = map(statistics.median, zip(*(taken["loop"][which] for taken in rounds)))
        value = statistics.median(taken["loop"][which][0] / taken["forge"][which][0] for taken in rounds)
        limit = loop_seconds / (requests * floor)
        print(json.dumps({"name": name, "value": round(value, 2), "unit": "x", "limit": round(limit, 2),
                          "fraction": round(value / limit, 2), "requests": requests, "bytes": sent,
                          "loop_requests": loop_requests, "loop_bytes": loop_sent,
                          "seconds": round(seconds, 3), "loop_seconds": round(loop_seconds, 3)}))


if __name__ == "__main__":
    main()
