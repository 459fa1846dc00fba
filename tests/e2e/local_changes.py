"""What tests of local changes share: the component they change, and ways to look at it."""

import json
import stat
import subprocess

import pytest

NAME = "salesforce-lookup"
CONFIG = ("--field", "config.timeout", "--value")


@pytest.fixture
def crm(workspace):
    workspace.crm()
    return workspace


def text(workspace, file="component.yaml"):
    return workspace.path(NAME, file).read_text()


def stashes(workspace):
    return workspace.run("dev", "stash", "list", NAME, "--format", "json").json["stashes"]


def log(workspace):
    return workspace.run("dev", "log", NAME, "--format", "json").json["log"]


def events(workspace):
    """Every line of the workspace's own journal."""
    return workspace.run("journal", "export", env={"FORGE_JOURNAL": f"rocksdb:{workspace.root}/.forge/journal"}).out


def edits(workspace):
    rows = [json.loads(line) for line in events(workspace).splitlines()]
    return [row["data"] for row in rows if row["type"] == "component_edited"]


def editor(workspace, script):
    """The environment of an editor that is this shell script; the file is $1."""
    place = workspace.folder / "editor.sh"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return {"EDITOR": str(place), "VISUAL": ""}


def fsck(workspace):
    subprocess.run(["git", "-C", workspace.root / ".forge" / "repository", "fsck", "--strict", "--no-dangling"],
                   check=True, capture_output=True)
