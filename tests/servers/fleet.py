#!/usr/bin/python3
"""Builds fleets: upstreams and forks that diverged from them in chosen ways. Same plan, same object ids, always.

Each repository is written by one `git fast-import` of its own history: a fork gets the commits up to the point where
it left its upstream and its own after that. So it never held an object that upstream made later, which is what makes
a test of a fetch true. An upstream's history is linear; commit number i touches a few files in a way that git merges
cleanly with the forks' own commits, except for those of a fork that is to conflict.

    fleet = Fleet(repositories)
    fleet.upstream("company/crm-tools", commits=12)
    fleet.fork("my-crm-tools", "myuser/crm-tools", "company/crm-tools", behind=2, ahead=1)
    fleet.build()

As a script, `fleet.py --root DIR --upstreams N --forks M` fills DIR/repositories for git_server.py.
"""

import argparse
import dataclasses
import enum
import itertools
import pathlib
import subprocess

EPOCH = 1_700_000_000
TOOLS = 12  # components of an upstream


class Kind(enum.Enum):
    """What else is the matter with a fork."""

    PLAIN = "plain"              # behind and ahead say it all
    CONFLICT = "conflict"        # its last own commit changes a line that upstream changed too
    UNRELATED = "unrelated"      # the same branch, no common commit
    EMPTY = "empty"              # no commit at all
    MISSING_BRANCH = "missing"   # has only a branch called `other`


@dataclasses.dataclass
class Upstream:
    name: str
    commits: int
    branch: str = "main"


@dataclasses.dataclass
class Fork:
    name: str        # as registered
    repository: str  # OWNER/NAME
    upstream: str    # OWNER/NAME
    behind: int = 0
    ahead: int = 0
    kind: Kind = Kind.PLAIN
    branch: str = "main"

    @property
    def status(self):
        """What `fork sync` must call it, with the default strategy."""
        if self.kind is Kind.CONFLICT:
            return "conflict"
        if self.kind is Kind.UNRELATED:
            return "failed"
        if self.kind in (Kind.EMPTY, Kind.MISSING_BRANCH):
            return "skipped"
        if not self.behind:
            return "up_to_date"
        return "merged" if self.ahead else "fast_forwarded"


class Fleet:
    def __init__(self, repositories):
        self.repositories = pathlib.Path(repositories)
        self.upstreams = {}
        self.forks = {}

    def upstream(self, name, commits=12, branch="main"):
        self.upstreams[name] = Upstream(name, commits, branch)
        return self.upstreams[name]

    def fork(self, name, repository, upstream, behind=0, ahead=0, kind=Kind.PLAIN):
        """Conflicts need BEHIND and AHEAD of at least 1 each."""
        parent = self.upstreams[upstream]
        self.forks[name] = Fork(name, repository, upstream, behind, ahead, kind, parent.branch)
        return self.forks[name]

    def build(self):
        """Writes every repository, two at a time."""
        running = []
        for repository, branch, history in itertools.chain(self._upstream_histories(), self._fork_histories()):
            running.append(import_history(self.path(repository), branch, history))
            if len(running) > 1:
                finish(running.pop(0))
        for child in running:
            finish(child)
        return self

    def path(self, repository):
        return self.repositories / f"{repository}.git"

    def _upstream_histories(self):
        for upstream in self.upstreams.values():
            yield (upstream.name, upstream.branch,
                   upstream_commits(upstream.name, upstream.commits, upstream.branch))

    def _fork_histories(self):
        for fork in self.forks.values():
            yield fork.repository, fork.branch, self._history(fork)

    def _history(self, fork):
        if fork.kind is Kind.EMPTY:
            return []
        if fork.kind is Kind.UNRELATED:
            return upstream_commits(f"{fork.upstream}-of-somebody-else", 3, fork.branch)
        if fork.kind is Kind.MISSING_BRANCH:
            return upstream_commits(fork.upstream, 1, branch="other")
        commits = self.upstreams[fork.upstream].commits
        return upstream_commits(fork.upstream, commits - fork.behind, fork.branch) + own_commits(fork, commits)


def random_fleet(repositories, upstreams, forks):
    """A fleet of the given size, of which a third is up to date, a third behind, and the rest ahead too; every tenth
    fork conflicts. Nothing is random in it."""
    fleet = Fleet(repositories)
    for number in range(upstreams):
        fleet.upstream(f"company/tools-{number:02}", commits=10 + number % 7)
    names = list(fleet.upstreams)
    for number in range(forks):
        upstream = names[number % upstreams]
        name, repository = f"fork-{number:03}", f"user{number:03}/{upstream.split('/')[1]}"
        if number % 10 == 9:
            fleet.fork(name, repository, upstream, behind=2, ahead=1, kind=Kind.CONFLICT)
        else:
            behind = (0, 1 + number % 4, 1 + number % 5)[number // upstreams % 3]
            ahead = (0, 0, 1 + number % 3)[number // upstreams % 3]
            fleet.fork(name, repository, upstream, behind=behind, ahead=ahead)
    return fleet.build()


# ---- histories --------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Gitlink:
    """A submodule's place in a tree."""

    oid: str


@dataclasses.dataclass
class Commit:
    branch: str
    author: str
    seconds: int
    message: str
    files: dict  # path → text, or Gitlink


def component(name, version, timeout):
    lines = ["apiVersion: forge.dev/v1", "kind: Tool", "metadata:", f"  name: {name}", f"  version: {version}",
             f"  description: The {name} of the fleet", "config:", f"  timeout: {timeout}", "  retries: 3", "spec: {}"]
    return "\n".join(lines) + "\n"


def upstream_commits(repository, count, branch="main"):
    """The first COUNT commits of an upstream. Commit 0 makes all files; commit i changes one component, a line at the
    end of the README and `schema.json`, whose one line is what a conflicting fork changes."""
    title = repository.split("/")[-1]
    files = {f"components/tools/tool-{n:02}/component.yaml": component(f"tool-{n:02}", "1.0.0", 30) for n in range(TOOLS)}
    files |= {f"components/tools/tool-{n:02}/README.md": f"# tool-{n:02} of {title}\n" * 20 for n in range(TOOLS)}
    commits = []
    for number in range(count):
        if number:
            tool = number % TOOLS
            files = {f"components/tools/tool-{tool:02}/component.yaml":
                     component(f"tool-{tool:02}", f"1.{number}.0", 30 + number)}
        files["README.md"] = readme(title, number)
        files["schema.json"] = f'{{"title": "{title}", "maximum": {100 + number}}}\n'
        commits.append(Commit(branch, "Upstream <up@example.com>", EPOCH + 3600 * number, f"Change {number}", files))
    return commits


def readme(title, number, greeting="Tools of the company."):
    middle = "".join(f"Section {n}\n" for n in range(1, 12))
    return f"# {title}\n\n{greeting}\n\n{middle}\nRevision {number}\n"


def own_commits(fork, upstream_length):
    """A fork's own commits, made after it left its upstream: a new file each, the first also another greeting in the
    README (far from upstream's line), so that a clean merge has to merge inside a file."""
    title, left_at = fork.upstream.split("/")[-1], upstream_length - fork.behind - 1
    commits = []
    for number in range(fork.ahead):
        files = {f"local/{fork.name}-{number}.txt": f"Made in {fork.name}.\n"}
        if number == 0:
            files["README.md"] = readme(title, left_at, f"Tools of {fork.name}.")
        if fork.kind is Kind.CONFLICT and number == fork.ahead - 1:
            files["schema.json"] = f'{{"title": "{title}", "maximum": {9000 + number}}}\n'
        commits.append(Commit(fork.branch, f"{fork.name} <me@example.com>", EPOCH + 10_000_000 + 60 * number,
                              f"Own change {number}", files))
    return commits


# ---- writing ----------------------------------------------------------------------------------------------------


def import_history(path, branch, commits):
    """Makes the bare repository PATH with default branch BRANCH and starts writing COMMITS (oldest first) into it.
    Returns the child for finish()."""
    for folder in ("objects/pack", "objects/info", "refs/heads", "refs/tags", "hooks"):
        (path / folder).mkdir(parents=True)
    (path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
    (path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
                                 "[http]\n\treceivepack = true\n[fastimport]\n\tunpackLimit = 1\n"
                                 "[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n")
    if not commits:
        return None
    stream = stream_of(commits)
    child = subprocess.Popen(["git", "--git-dir", str(path), "fast-import", "--quiet", "--force"],
                             stdin=subprocess.PIPE)
    child.stdin.write(stream)
    child.stdin.close()
    return child


def add_commits(path, commits):
    """Writes COMMITS on top of their branches of an existing repository."""
    stream = stream_of(commits, on_top=True)
    subprocess.run(["git", "--git-dir", str(path), "fast-import", "--quiet"], input=stream, check=True)


def finish(child):
    if child and child.wait():
        raise RuntimeError(f"fast-import ended with {child.returncode}")


def stream_of(commits, on_top=False):
    """COMMITS as a stream for git fast-import."""
    parts, known = [], set()
    for commit in commits:
        stamp = f"{commit.author} {commit.seconds} +0000"
        parts.append(f"commit refs/heads/{commit.branch}\nauthor {stamp}\ncommitter {stamp}\n{data(commit.message)}")
        if on_top and commit.branch not in known:
            parts.append(f"from refs/heads/{commit.branch}^0\n")
        known.add(commit.branch)
        for path, what in commit.files.items():
            if isinstance(what, Gitlink):
                parts.append(f"M 160000 {what.oid} {path}\n")
            else:
                parts.append(f"M 100644 inline {path}\n{data(what)}")
        parts.append("\n")
    return "".join(parts).encode()


def data(text):
    return f"data {len(text.encode())}\n{text}\n"


def main():
    parser = argparse.ArgumentParser(description="write a fleet of bare repositories")
    parser.add_argument("--root", required=True, type=pathlib.Path)
    parser.add_argument("--upstreams", type=int, default=20)
    parser.add_argument("--forks", type=int, default=200)
    arguments = parser.parse_args()
    fleet = random_fleet(arguments.root / "repositories", arguments.upstreams, arguments.forks)
    for fork in fleet.forks.values():
        print(fork.name, fork.repository, fork.upstream, fork.status)


if __name__ == "__main__":
    main()
