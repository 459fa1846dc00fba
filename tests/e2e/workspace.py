"""A workspace and the repositories its components come from, on the shared server under the names people use."""

import json
import pathlib
import shutil
import subprocess

import process
import yaml
from world import FORGE, Forge

HOST = "github.com"
EPOCH = 1_767_225_600  # 2026-01-01T00:00:00Z: the first commit of every repository

SCHEMA = {"type": "object",
          "properties": {"config": {"type": "object",
                                    "properties": {"timeout": {"type": "integer"}, "retry_count": {"type": "integer"}}}}}


def manifest(name, version="1.0.0", timeout=30, retry_count=3, extra=""):
    """component.yaml as a person writes it: with a comment, and with its keys in no order of ours."""
    return (f"apiVersion: forge.dev/v1\nkind: Tool\nmetadata:\n  name: {name}\n  version: {version}\n"
            f"  description: A tool\nconfig:\n  # seconds\n  timeout: {timeout}\n\n  # times\n"
            f"  retry_count: {retry_count}\n{extra}")


def needing(name, constraint, repository=f"{HOST}/company/crm-tools"):
    """The end of a component.yaml that depends on NAME."""
    return (f"dependencies:\n  tools:\n    - repository: {repository}\n      component: {name}\n"
            f"      version_constraint: {constraint}\n")


def tool(name, version="1.0.0", folder=None, more=None, **config):
    """{path: text} of a tool in its repository. MORE are further files of it."""
    folder = f"components/tools/{name}" if folder is None else folder
    files = {"component.yaml": manifest(name, version, **config), "schema.json": json.dumps(SCHEMA, indent=2) + "\n",
             **(more or {})}
    return {f"{folder}/{path}".lstrip("/"): text for path, text in files.items()}


class Upstream:
    """A repository on the server, written with git's own plumbing."""

    def __init__(self, path, branch="main"):
        self.path, self.branch, self.number = path, branch, 0
        subprocess.run(["git", "init", "-q", "--bare", "-b", branch, path], check=True)
        self.git("config", "http.receivepack", "true")
        self.git("config", "fastimport.unpackLimit", "1")
        self.git("config", "gc.auto", "0")

    def git(self, *arguments, input=None, binary=False):
        done = subprocess.run(["git", "-C", self.path, *arguments], check=True, input=input, stdout=subprocess.PIPE)
        return done.stdout if binary else done.stdout.decode().strip()

    def commit(self, files, branch=None, message=None, tag=None, fresh=False):
        """Writes FILES ({path: text, bytes, (mode, content) or None: deleted}) on top of BRANCH, or FRESH: as all there
        is. Returns the commit."""
        branch = branch or self.branch
        self.number += 1
        stamp = f"Upstream <upstream@example.com> {EPOCH + self.number * 60} +0000"
        parts = [f"commit refs/heads/{branch}\ncommitter {stamp}\n".encode(),
                 data(message or f"Commit {self.number}")]
        if not fresh and self.has(branch):
            parts.append(f"from refs/heads/{branch}^0\n".encode())
        for path, what in files.items():
            quoted = b'"' + b"".join(b"\\%03o" % byte for byte in path.encode("utf-8", "surrogateescape")) + b'"'
            mode, content = what if isinstance(what, tuple) else ("100644", what)
            if content is None:
                parts.append(b"D " + quoted + b"\n")
            else:
                parts.append(b"M " + mode.encode() + b" inline " + quoted + b"\n" + data(content))
        self.git("fast-import", "--quiet", "--force", input=b"".join(parts))
        if tag:
            self.git("tag", tag, branch)
        return self.tip(branch)

    def has(self, branch):
        return bool(self.git("for-each-ref", f"refs/heads/{branch}"))

    def tip(self, branch=None):
        return self.git("rev-parse", f"refs/heads/{branch or self.branch}")

    def tree(self, revision, path):
        return self.git("rev-parse", f"{revision}:{path}")

    def plant(self, entries, base=None):
        """Makes the folder at BASE (a list of names) hold ENTRIES as they are, past every check that git has, in a new
        commit of the branch. ENTRIES are (mode, name, content); content None: a commit's id; a list: a tree."""
        def tree_of(items):
            raw = b""
            for mode, name, content in sorted(items, key=lambda item: item[1]):
                if isinstance(content, list):
                    oid = tree_of(content)
                elif content is None:
                    oid = "1" * 40
                else:
                    oid = self.git("hash-object", "-w", "--stdin",
                                   input=content.encode() if isinstance(content, str) else content)
                name = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
                raw += mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid)
            return self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", input=raw)
        tree = tree_of(entries)
        for name in reversed(base or []):
            tree = tree_of_one(self, name, tree)
        self.number += 1
        text = (f"tree {tree}\nparent {self.tip()}\nauthor U <u@example.com> {EPOCH + self.number * 60} +0000\n"
                f"committer U <u@example.com> {EPOCH + self.number * 60} +0000\n\nPlanted\n")
        commit = self.git("hash-object", "-w", "-t", "commit", "--stdin", input=text.encode())
        self.git("update-ref", f"refs/heads/{self.branch}", commit)
        return commit


def tree_of_one(upstream, name, tree):
    raw = b"40000 " + name.encode() + b"\0" + bytes.fromhex(tree)
    return upstream.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", input=raw)


def data(content):
    content = content.encode() if isinstance(content, str) else content
    return b"data %d\n" % len(content) + content + b"\n"


class Workspace(Forge):
    """A folder `work` with forge in it, and repositories OWNER/NAME in a corner of the server."""

    def __init__(self, folder, server, corner):
        super().__init__(folder)
        self.folder, self.server, self.corner = folder, server, corner
        self.root = folder / "work"
        self.hosts[HOST] = {"clone": f"{server.url}/{corner}"}
        self.upstreams = {}
        self.configure()

    def start(self, *arguments, env=None, stdin=subprocess.DEVNULL, cwd=None):
        cwd = cwd or (self.root if self.root.exists() else self.folder)
        return process.start([*self.prefix, str(FORGE), *map(str, arguments)], stdin=stdin, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env={**self.env, **(env or {})}, cwd=cwd)

    def upstream(self, name, files=None, tag=None, branch="main"):
        """Makes the repository OWNER/NAME with a first commit of FILES."""
        path = self.server.path(f"{self.corner}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.upstreams[name] = made = Upstream(path, branch)
        if files:
            made.commit(files, tag=tag)
        return made

    def init(self):
        self.run("init", self.root)
        return self

    def crm(self, **config):
        """The repository and component of the tour, installed: salesforce-lookup 2.1.3."""
        made = self.upstream("company/crm-tools", tool("salesforce-lookup", "2.1.3", **config), tag="v2.1.3")
        self.init()
        self.run("install", f"{HOST}/company/crm-tools/salesforce-lookup")
        return made

    def clone(self):
        """What a colleague gets from git: the two files and the components, without .forge. Returns its root."""
        clone = self.folder / "clone"
        shutil.copytree(self.root, clone, ignore=lambda folder, names: [name for name in names if name == ".forge"])
        return clone

    # ---- what is there ----

    def path(self, *parts):
        return self.root.joinpath("components", "tools", *parts)

    def status(self, *arguments, status=0, **options):
        """{component: its member of the status document}."""
        document = self.run("sync", "status", *arguments, "--format", "json", status=status, **options).json
        return {row["component"]: row for row in document["components"]}

    def one(self, name="salesforce-lookup", *arguments, **options):
        return self.status(name, *arguments, **options)[name]

    def lock(self):
        """{component: its line of forge.lock}."""
        return {line["component"]: line for line in yaml.safe_load((self.root / "forge.lock").read_text())["components"]}

    def wanted(self):
        listed = yaml.safe_load((self.root / "forge.yaml").read_text())["components"]
        return {line["component"]: line for line in listed}

    def tree(self, *parts, root=None):
        """Id of the tree that git makes of a component's folder."""
        place = pathlib.Path(root or self.root).joinpath("components", "tools", *parts)
        index = self.folder / "index"
        index.unlink(missing_ok=True)
        bare = self.folder / "trees.git"
        if not bare.exists():
            subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
            (bare / "info" / "attributes").write_text("* -text -filter -eol\n")
        env = {**self.env, "GIT_INDEX_FILE": str(index), "GIT_DIR": str(bare), "GIT_WORK_TREE": str(place)}
        options = ["-c", "core.autocrlf=false", "-c", "core.fileMode=true"]
        subprocess.run(["git", *options, "add", "-A", "."], check=True, env=env, cwd=place, stderr=subprocess.DEVNULL)
        done = subprocess.run(["git", "write-tree"], check=True, env=env, cwd=place, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def files(self, *parts):
        """{path: (mode, bytes or link)} of everything below a component's folder."""
        top = self.path(*parts)
        found = {}
        for path in sorted(top.rglob("*")):
            if path.is_symlink():
                found[str(path.relative_to(top))] = ("link", str(path.readlink()))
            elif path.is_file():
                found[str(path.relative_to(top))] = (path.stat().st_mode & 0o111, path.read_bytes())
        return found

    def edit(self, name, old, new, file="component.yaml"):
        place = self.path(name, file)
        text = place.read_text()
        assert old in text
        place.write_text(text.replace(old, new))

    def requests(self):
        """What this corner was asked since forget_requests()."""
        return [request for request in self.server.requests() if request.path.startswith(f"/{self.corner}/")]
