"""A workspace with one tool in it, for tests of what goes from a workspace to a server or away."""

import subprocess

import process
from world import FORGE, HOST, World

UPSTREAM = "company/crm-tools"
TOOL = "salesforce-lookup"
FOLDER = f"components/tools/{TOOL}"
DATE = "2026-01-15T10:30:00Z"


def manifest(name=TOOL, timeout=30, retries=1, rest=""):
    return (f"apiVersion: forge.dev/v1\nkind: Tool\nmetadata:\n  name: {name}\n  version: 2.1.3\n"
            f"config:\n  # seconds\n  timeout: {timeout}\n  region: eu\n  # how often\n  retries: {retries}\n{rest}")


def needs(*names):
    return "dependencies:\n  tools:\n" + "".join(
        f"    - repository: {HOST}/{UPSTREAM}\n      component: {name}\n      version_constraint: ^2.1.0\n"
        for name in names)


class Work(World):
    """A folder `work` that commands run in, and repositories in a corner of the server."""

    def __init__(self, folder, server, corner):
        super().__init__(folder, server, corner)
        self.root = folder / "work"
        self.root.mkdir()

    def start(self, *arguments, env=None, stdin=subprocess.DEVNULL):
        return process.start([*self.prefix, str(FORGE), *map(str, arguments)], stdin=stdin, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env={**self.env, **(env or {})}, cwd=self.root)

    def create(self, name=UPSTREAM):
        """An empty repository OWNER/NAME that takes pushes."""
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.path(name)], check=True)
        self.git(name, "config", "http.receivepack", "true")

    def commit(self, files, branch="main", name=UPSTREAM, message="Upstream's work"):
        """A commit of FILES ({path: text, None: deleted}) on top of BRANCH, made on the server. Returns its id."""
        who = f"committer Upstream <up@example.com> {1768473000 + self._ticks()} +0000\n"
        parts = [f"commit refs/heads/{branch}\n{who}data {len(message)}\n{message}\n"]
        if self.refs(name, f"refs/heads/{branch}"):
            parts.append(f"from refs/heads/{branch}^0\n")
        for path, text in files.items():
            parts.append(f"D {path}\n" if text is None else
                         f"M 644 inline {path}\ndata {len(text.encode())}\n{text}\n")
        self.git(name, "fast-import", "--quiet", "--force", input="".join(parts))
        return self.tip(name, branch)

    def _ticks(self):
        self._count = getattr(self, "_count", 0) + 60
        return self._count

    def installed(self):
        """Upstream with the tool, beside something that no push may touch; the tool is installed. Returns self."""
        self.create()
        self.commit({f"{FOLDER}/component.yaml": manifest(), f"{FOLDER}/prompt.txt": "Look it up.\n",
                     "README.md": "Tools\n"})
        self.run("init")
        self.run("install", f"{HOST}/{UPSTREAM}/{TOOL}")
        return self

    def file(self, path="component.yaml", folder=FOLDER):
        return self.root / folder / path

    def edit(self, **config):
        """Writes component.yaml anew, with other values."""
        self.file().write_text(manifest(**config))

    def push(self, *arguments, status=0, **options):
        """`sync push … --format json`. Returns the entry of the one component."""
        words = arguments if arguments and not arguments[0].startswith("-") else (TOOL, *arguments)
        result = self.run("sync", "push", *words, "--format", "json", status=status, **options)
        return result.json["components"][0]

    def status(self):
        return self.run("sync", "status", TOOL, "--format", "json").json["components"][0]

    def heads(self, name=UPSTREAM):
        return self.refs(name, "refs/heads/")

    def show(self, revision, path, name=UPSTREAM):
        return self.git(name, "show", f"{revision}:{path}")

    def changed(self, revision, name=UPSTREAM):
        """The paths that a commit changes."""
        return self.git(name, "diff-tree", "-r", "--no-commit-id", "--name-only", revision).splitlines()

    def facts(self, kind):
        """Every fact of KIND in the workspace's journal, oldest first."""
        return [event["data"] for event in self.events() if event["type"] == kind]

    def events(self, *arguments):
        """Every event of the workspace's own journal."""
        config = self.home / "workspace.yaml"
        config.write_text((self.home / "config.yaml").read_text() + f"journal: rocksdb:{self.root}/.forge/journal\n")
        return super().events("--config", config, *arguments)
