"""A workspace with one component, and what tests of conflicts do there: pulls that end in one, and somebody who types."""

import os
import pty
import subprocess

import pytest

import process
from world import FORGE, Forge

NAME, FOLDER = "lookup", "components/tools/lookup"
MANIFEST = """\
apiVersion: forge.dev/v1
kind: Tool
metadata:
  name: lookup
  version: 1.0.0
config:
  # seconds
  timeout: {timeout}
  retry_count: {retry_count}
{more}"""
SCHEMA = '{"properties": {"config": {"properties": {"timeout": {"type": "integer", "maximum": 50}}}}}\n'
PROMPT = """\
Choose resolution:
  1. Use local version
  2. Use upstream version
  3. Edit manually
  4. Skip this conflict
Choice: """

CALLS = "fsync,fdatasync,rename,renameat,renameat2,unlinkat"


def manifest(timeout, retry_count, more=""):
    return MANIFEST.format(timeout=timeout, retry_count=retry_count, more=more)


BASE, LOCAL, UPSTREAM = manifest(30, 1), manifest(60, 5), manifest(45, 3, "  max_retries: 3\n")


class Shop(Forge):
    """A workspace with one component installed from a repository beside it."""

    def __init__(self, folder, files=None, version=""):
        super().__init__(folder)
        self.folder, self.ws, self.up = folder, folder / "ws", folder / "srv" / "tools.git"
        self.configure()
        self.desk = folder / "desk"
        self.git("init", "-q", "-b", "main", self.desk, cwd=folder)
        self.git("init", "-q", "--bare", "-b", "main", self.up, cwd=folder)
        self.git("config", "receive.autogc", "false", cwd=self.up)
        self.upstream(files or {"component.yaml": BASE})
        self.ws.mkdir()
        self.prefix = ["env", "-C", str(self.ws)]
        self.run("init")
        self.run("install", f"file://{self.up}#{NAME}{version}")

    def git(self, *arguments, cwd=None):
        env = {**self.env, "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A",
               "GIT_COMMITTER_EMAIL": "a@example.com"}
        return subprocess.run(["git", *map(str, arguments)], cwd=cwd or self.desk, env=env, check=True,
                              capture_output=True, text=True).stdout.strip()

    def upstream(self, files, folder=FOLDER, tag=None):
        """A commit of upstream with FILES {path in the component: text, bytes or None}."""
        write(self.desk / folder, files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Change")
        if tag:
            self.git("tag", tag)
        self.git("push", "-q", "--tags", self.up, "main")

    def local(self, files):
        write(self.ws / FOLDER, files)

    def conflict(self, local=None, upstream=None, *pull):
        """A pull that ends in conflict."""
        self.local(local or {"component.yaml": LOCAL})
        self.upstream(upstream or {"component.yaml": UPSTREAM, "README.md": "new\n"})
        self.run("sync", "pull", NAME, *(pull or ("--merge",)), status=7)
        return self

    def resolve(self, *arguments, **options):
        return self.run("sync", "resolve", NAME, *arguments, **options)

    def files(self):
        """{path: bytes} of the component; links as `-> target`."""
        root = self.ws / FOLDER
        return {str(path.relative_to(root)): f"-> {os.readlink(path)}" if path.is_symlink() else path.read_bytes()
                for path in sorted(root.rglob("*")) if path.is_symlink() or path.is_file()}

    def text(self, path="component.yaml"):
        return (self.ws / FOLDER / path).read_text()

    def refs(self):
        """Names of the component's refs."""
        return self.git("for-each-ref", "--format=%(refname:lstrip=3)", f"refs/forge/{NAME}/",
                        cwd=self.ws / ".forge" / "repository").split()

    def status(self):
        return self.run("sync", "status", NAME, "--format", "json").json["components"][0]["status"]

    def pending(self):
        document = self.run("sync", "conflicts", "list", "--format", "json").json
        return document["components"]

    def type_in(self, text, *arguments, status=0, env=None):
        """Runs `sync resolve` on a terminal on which somebody types TEXT, and then Ctrl-D. Returns what was shown."""
        mine, theirs = pty.openpty()
        child = process.start([*self.prefix, str(FORGE), "sync", "resolve", NAME, *arguments], stdin=theirs, stdout=theirs,
                              stderr=theirs, env={**self.env, "NO_COLOR": "1", **(env or {})})
        os.close(theirs)
        os.write(mine, text.encode() + b"\x04")
        shown = b""
        while True:
            try:
                piece = os.read(mine, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not piece:
                break
            shown += piece
        os.close(mine)
        shown = shown.decode().replace("\r\n", "\n")
        assert child.wait(60) == status, shown
        return shown

    def killed_runs(self, *arguments, step=2, status=0):
        """Runs `sync resolve` from the same start again and again, killed at another of its CALLS each time, until it
        ends by itself, with STATUS. Yields after each kill, when the next command has gone on."""
        if subprocess.run(["strace", "true"], capture_output=True).returncode != 0:
            pytest.skip("strace cannot trace here")
        saved = self.folder / "saved"
        subprocess.run(["cp", "-a", self.ws, saved], check=True)
        for at in range(1, 100, step):
            subprocess.run(["rm", "-rf", self.ws], check=True)
            subprocess.run(["cp", "-a", saved, self.ws], check=True)
            prefix, self.prefix = self.prefix, [*self.prefix, "strace", "-f", "-qq", "-o", "/dev/null", "-e",
                                                f"trace={CALLS}", "-e", f"inject={CALLS}:signal=KILL:when={at}"]
            ended = self.resolve(*arguments, status=None)
            self.prefix = prefix
            if ended.status == status:
                assert at > 2 * step, "it was hardly ever killed"
                return
            self.run("sync", "status", NAME, status=None)
            yield at

    def editor(self, script):
        """Environment with an editor that is a shell script; its file is $1."""
        path = self.folder / "my editor"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return {"VISUAL": "", "EDITOR": f"'{path}'"}


def write(root, files):
    for path, content in files.items():
        place = root / path
        if place.is_symlink() or place.is_file():
            place.unlink()
        if content is None:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            place.symlink_to(content.removeprefix("-> "))
        else:
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
