"""Components whose repository is made to hurt: each install ends with a clear code, in bounded memory and time, and
leaves nothing in the workspace; the next install works."""

import json

import pytest

import packs
from hostile import HostileServer
from measure import measured
from packs import BLOB, COMMIT, TREE, Pack
from test_hostile_packs import add_zeros
from workspace import HOST, manifest, tool

ZEROS = 110 << 20


def files(pack, *more):
    """Entries of a component's folder: its component.yaml, and MORE."""
    return sorted([("100644", b"component.yaml", pack.add(BLOB, manifest("tool").encode())), *more],
                  key=lambda entry: entry[1] + (b"/" if entry[0] == "40000" else b""))


def many(pack):
    blob = pack.add(BLOB, b"x\n")
    return pack.add(TREE, packs.tree(*files(pack, *(("100644", b"file-%07d" % n, blob) for n in range(300_000)))))


def deep(pack):
    inner = pack.add(TREE, packs.tree(("100644", b"file", pack.add(BLOB, b"x\n"))))
    for _ in range(10_000):
        inner = pack.add(TREE, packs.tree(("40000", b"d", inner)))
    return pack.add(TREE, packs.tree(*files(pack, ("40000", b"d", inner))))


def wide(pack):
    """Each folder holds the one below ten times: ten to the ninth files in ten trees."""
    inner = pack.add(TREE, packs.tree(("100644", b"file", pack.add(BLOB, b"x\n"))))
    for _ in range(9):
        inner = pack.add(TREE, packs.tree(*(("40000", b"d%d" % n, inner) for n in range(10))))
    return pack.add(TREE, packs.tree(*files(pack, ("40000", b"d", inner))))


def large(pack):
    add_zeros(pack, BLOB, ZEROS)
    return pack.add(TREE, packs.tree(*files(pack, ("100644", b"zeros", packs.zeros_id(ZEROS)))))


def long_manifest(pack):
    text = manifest("tool") + "# " + "x" * (2 << 20) + "\n"
    return pack.add(TREE, packs.tree(("100644", b"component.yaml", pack.add(BLOB, text.encode()))))


def aliases(pack):
    """A billion laughs."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    text = manifest("tool") + "\n".join(lines) + "\n"
    return pack.add(TREE, packs.tree(("100644", b"component.yaml", pack.add(BLOB, text.encode()))))


def missing(pack):
    return pack.add(TREE, packs.tree(*files(pack, ("100644", b"gone", "ab" * 20))))


KINDS = {many: "TOO_LARGE", deep: "TOO_LARGE", wide: "TOO_LARGE", large: "TOO_LARGE", long_manifest: "TOO_LARGE",
         aliases: "VALIDATION_FAILED", missing: "BROKEN_REPOSITORY"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_component_that_is_made_to_hurt_is_refused(workspace, kind):
    workspace.init()
    workspace.upstream("company/crm-tools").commit(tool("good"))
    pack = Pack()
    root = kind(pack)
    for name in (b"tool", b"tools", b"components"):
        root = pack.add(TREE, packs.tree(("40000", name, root)))
    tip = pack.add(COMMIT, packs.commit(root))
    with HostileServer() as server:
        server.give("mallory/tools", {"refs/heads/main": tip, "HEAD": tip}, pack.bytes())
        result = measured(workspace, "install", f"{server.url}/mallory/tools#tool", "--format", "json")
    print(result.out, result.err)
    assert result.status != 0
    said = json.loads(result.out)
    code = said["error"]["code"] if "error" in said else said["components"][0]["error"]["code"]
    assert code == KINDS[kind]
    message = (said if "error" in said else said["components"][0])["error"]["message"]
    assert kind is not deep or "too deep" in message or "directories within" in message, message
    assert result.peak_kb < 512 * 1024 and result.seconds < 60
    assert not list(workspace.root.rglob("component.yaml"))
    workspace.run("install", f"{HOST}/company/crm-tools/good")
    assert [path.parent.name for path in workspace.root.rglob("component.yaml")] == ["good"]
