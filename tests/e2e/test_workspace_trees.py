"""What upstream may send and what it may not: hostile trees, odd names and bytes, and disks that refuse."""

import os
import pathlib
import subprocess
import sys

import pytest

from workspace import HOST, manifest, tool

NAME = "salesforce-lookup"
CRM = f"{HOST}/company/crm-tools"
COMPONENT = ["components", "tools", NAME]

FILE, EXECUTABLE, LINK, FOLDER, MODULE = "100644", "100755", "120000", "40000", "160000"


def entries(*more):
    return [(FILE, "component.yaml", manifest(NAME)), *more]


HOSTILE = {
    "git folder": ((FOLDER, ".git", [(FILE, "config", "[core]\n")]), ".git"),
    "git file": ((FILE, ".git", "gitdir: /tmp\n"), ".git"),
    "git in another case": ((FOLDER, ".GiT", [(FILE, "config", "x")]), ".GiT"),
    "git as NTFS shortens it": ((FOLDER, "GIT~1", [(FILE, "config", "x")]), "GIT~1"),
    "git as HFS+ reads it": ((FOLDER, ".g\u200cit", [(FILE, "config", "x")]), "it"),
    "git below": ((FOLDER, "deep", [(FOLDER, ".git", [(FILE, "config", "x")])]), "deep/.git"),
    "forges own folder": ((FOLDER, ".forge", [(FILE, "x", "x")]), ".forge"),
    "dot dot": ((FOLDER, "..", [(FILE, "evil", "x")]), ".."),
    "dot": ((FOLDER, ".", [(FILE, "evil", "x")]), "."),
    "dot dot as a file": ((FILE, "..", "x"), ".."),
    "a slash in a name": ((FILE, "a/../../evil", "x"), "evil"),
    "an absolute name": ((FILE, "/evil", "x"), "evil"),
    "a link to an absolute path": ((LINK, "passwd", "/etc/passwd"), "passwd"),
    "a link out of the component": ((LINK, "out", "../../../../evil"), "out"),
    "a link out from below": ((FOLDER, "deep", [(LINK, "out", "../../evil")]), "deep/out"),
    "a link to a git folder": ((LINK, "hooks", ".git/hooks"), "hooks"),
    "a submodule": ((MODULE, "module", None), "module"),
}


def plant(upstream, *more):
    return upstream.plant(entries(*more), COMPONENT)


def everything(folder):
    """{path: what} below FOLDER but for forge's own folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if ".forge" in relative.parts[:1]:
            continue
        found[str(relative)] = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found


def refused(shown, name):
    assert shown.status in (2, 9, 10), shown
    assert name in shown.out + shown.err, shown


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_tree_is_refused_with_the_path_and_nothing_is_written(workspace, kind):
    planted, name = HOSTILE[kind]
    crm = workspace.crm()
    outside = workspace.folder / "evil"
    before = everything(workspace.root)
    status = workspace.one()["status"]
    plant(crm, planted)
    refused(workspace.run("sync", "pull", NAME, status=None), name)
    refused(workspace.run("sync", "pull", NAME, "--overwrite", status=None), name)
    assert everything(workspace.root) == before and not outside.exists()
    assert workspace.run("sync", "status", NAME, "--offline").status == 0 and status == "synced"
    other = workspace.folder / "other"
    workspace.root = other
    workspace.init()
    empty = everything(other)
    refused(workspace.run("install", f"{CRM}/{NAME}", status=None), name)
    assert everything(other) == empty and not outside.exists()


@pytest.mark.parametrize("pair", [("README", "readme"), ("straße", "STRASSE"), ("\u00e9", "e\u0301")])
def test_names_that_some_file_systems_take_for_one_are_refused(workspace, pair):
    crm = workspace.crm()
    before = everything(workspace.root)
    plant(crm, *((FILE, name, name) for name in pair))
    shown = workspace.run("sync", "pull", NAME, status=None)
    assert shown.status in (9, 10) and any(name in shown.out + shown.err for name in pair), shown
    assert everything(workspace.root) == before


def test_a_folder_and_a_link_that_differ_in_case_do_not_lead_out(workspace):
    crm = workspace.crm()
    plant(crm, (LINK, "Deep", "data"), (FOLDER, "deep", [(FILE, "evil", "x")]))
    shown = workspace.run("sync", "pull", NAME, status=None)
    assert shown.status in (9, 10)


def test_a_tree_too_deep_is_refused(workspace):
    crm = workspace.crm()
    inner = [(FILE, "file", "x")]
    for _ in range(2000):
        inner = [(FOLDER, "d", inner)]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10000)
    try:
        plant(crm, *inner)
    finally:
        sys.setrecursionlimit(limit)
    before = everything(workspace.root)
    shown = workspace.run("sync", "pull", NAME, status=None)
    assert shown.status in (6, 9, 10), shown
    assert everything(workspace.root) == before


ODD = {
    "with space": b"space\n",
    " leading": b"x",
    "-rf": b"dash\n",
    "--merge": b"dashes\n",
    "naïve/日本語.txt": "日本語\n".encode(),
    "new\nline": b"newline\n",
    "tab\there": b"tab\n",
    "quote'\"": b"quotes\n",
    "*": b"star\n",
    "$(touch evil)": b"shell\n",
    ".hidden": b"hidden\n",
    ".gitattributes": b"* text=auto eol=crlf\n*.bin filter=lfs\n",
    "empty": b"",
    "crlf.txt": b"one\r\ntwo\r\n",
    "cr": b"a\rb\r",
    "no-newline": b"end",
    "binary.bin": bytes(range(256)) * 64,
    "zeros": bytes(70000),
    "deep/er/est/file": b"deep\n",
    "bom.yaml": b"\xef\xbb\xbfa: 1\n",
}


@pytest.fixture
def odd(workspace):
    files = {f"{'/'.join(COMPONENT)}/{path}": content for path, content in ODD.items()}
    files[f"{'/'.join(COMPONENT)}/run.sh"] = (EXECUTABLE, "#!/bin/sh\n")
    files[f"{'/'.join(COMPONENT)}/link"] = (LINK, "deep/er")
    files[f"{'/'.join(COMPONENT)}/dangling"] = (LINK, "nowhere")
    crm = workspace.upstream("company/crm-tools", {**tool(NAME, "2.1.3"), **files})
    workspace.init()
    return crm


def as_upstream(workspace, crm):
    assert workspace.tree(NAME) == crm.tree("main", "/".join(COMPONENT))
    assert workspace.one()["status"] == "synced" and workspace.one()["changes"] == []


def test_odd_names_and_bytes_arrive_as_they_were_sent(workspace, odd):
    workspace.run("install", f"{CRM}/{NAME}")
    as_upstream(workspace, odd)
    for path, content in ODD.items():
        assert workspace.path(NAME, path).read_bytes() == content, path
    assert workspace.path(NAME, "run.sh").stat().st_mode & 0o111 == 0o111
    assert workspace.path(NAME, "empty").stat().st_mode & 0o111 == 0
    assert os.readlink(workspace.path(NAME, "link")) == "deep/er"
    assert os.readlink(workspace.path(NAME, "dangling")) == "nowhere"
    assert not list(workspace.folder.rglob("evil"))


def test_odd_names_and_bytes_survive_pulls_and_local_changes(workspace, odd):
    workspace.run("install", f"{CRM}/{NAME}")
    prefix = "/".join(COMPONENT)
    # Every file changes upstream; a file becomes a folder, a folder a file, a link a file, and bits flip.
    files = {f"{prefix}/{path}": content + b"more" for path, content in ODD.items() if not path.startswith("deep")}
    files |= {f"{prefix}/deep/er/est/file": ("", None), f"{prefix}/deep": "now a file\n",
              f"{prefix}/link": ("", None), f"{prefix}/run.sh": (FILE, "#!/bin/sh\n"),
              f"{prefix}/dangling": "a file\n", f"{prefix}/empty": ("", None), f"{prefix}/empty/inner": "x"}
    odd.commit(files)
    workspace.run("sync", "pull", NAME)
    as_upstream(workspace, odd)
    workspace.path(NAME, "new\nline").write_bytes(b"mine\r\n")
    workspace.path(NAME, "-mine").write_bytes(b"\0\xff")
    os.symlink("binary.bin", workspace.path(NAME, "mylink"))
    assert workspace.one()["status"] == "modified"
    odd.commit({f"{prefix}/crlf.txt": "three\r\n"})
    workspace.run("sync", "pull", NAME, "--merge")
    assert workspace.path(NAME, "new\nline").read_bytes() == b"mine\r\n"
    assert workspace.path(NAME, "-mine").read_bytes() == b"\0\xff"
    assert os.readlink(workspace.path(NAME, "mylink")) == "binary.bin"
    assert workspace.path(NAME, "crlf.txt").read_bytes() == b"three\r\n"
    assert {change["file"] for change in workspace.one()["changes"]} == {"new\nline", "-mine", "mylink"}


def test_names_of_odd_files_are_printed_without_control_characters(workspace, odd):
    workspace.run("install", f"{CRM}/{NAME}")
    workspace.path(NAME, "esc\x1b[31m").write_text("x")
    shown = workspace.run("sync", "status", NAME, "--detailed")
    assert "\x1b" not in shown.out + shown.err


def test_a_conflict_in_an_odd_name_is_told_in_one_line(workspace, odd):
    workspace.run("install", f"{CRM}/{NAME}")
    workspace.path(NAME, "new\nline").write_bytes(b"mine\n")
    odd.commit({f"{'/'.join(COMPONENT)}/new\nline": "theirs\n"})
    shown = workspace.run("sync", "pull", NAME, "--merge", status=7)
    lines = [line for line in shown.out.splitlines() if line.startswith("Conflict in: ")]
    assert len(lines) == 1 and lines[0].startswith("Conflict in: new") and lines[0].endswith("line")
    document = workspace.run("sync", "status", NAME, "--format", "json").json
    assert document["components"][0]["status"] == "conflict"


def test_names_that_are_no_unicode_are_bytes_and_shown_as_something(workspace):
    crm = workspace.crm()
    name = "caf\udce9"
    path = f"{'/'.join(COMPONENT)}/{name}"
    crm.commit({path: "base\n"})
    workspace.run("sync", "pull", NAME)
    place = os.fsencode(workspace.path(NAME)) + b"/caf\xe9"
    with open(place, "wb") as file:
        file.write(b"mine\n")
    assert workspace.one()["status"] == "modified"
    assert "caf\ufffd" in workspace.run("sync", "status", NAME, "--detailed").out
    crm.commit({path: "theirs\n"})
    for words in (("--merge",), ("--merge", "--format", "json")):
        assert workspace.run("sync", "pull", NAME, *words, status=7)
    assert workspace.one()["status"] == "conflict"
    workspace.run("journal", "verify", status=None)
    assert workspace.run("sync", "status").status == 0


def test_a_component_that_is_no_component_is_refused(workspace):
    crm = workspace.upstream("company/crm-tools", tool(NAME))
    workspace.init()
    for text in ("kind: [", "apiVersion: forge.dev/v1\nkind: Tool\nmetadata:\n  name: other\n  version: 1.0.0\n",
                 "\0\0", "a: &a [*a]\n" + "b: *a\n" * 10):
        crm.commit({f"{'/'.join(COMPONENT)}/component.yaml": text})
        shown = workspace.run("install", f"{CRM}/{NAME}", status=None)
        assert shown.status != 0 or workspace.path(NAME).exists()
        if shown.status:
            assert not workspace.path(NAME).exists(), shown


def test_an_upstream_whose_component_file_breaks_does_not_break_the_workspace(workspace):
    crm = workspace.crm()
    deep = "a: " + "[" * 5000 + "]" * 5000 + "\n"
    for text in ("kind: [", deep, "x: &x [1]\n" + "".join(f"y{i}: &y{i} [*x, *x]\n" for i in range(50))):
        crm.commit({f"{'/'.join(COMPONENT)}/component.yaml": text})
        assert workspace.one()["status"] in ("outdated", "modified", "synced")
        workspace.run("sync", "pull", NAME, status=None, timeout=30)
        workspace.run("sync", "status", NAME, "--detailed", status=None, timeout=30)
        workspace.run("sync", "status", "--format", "json")


# ---- a workspace that somebody else wrote ----


@pytest.mark.parametrize("path", ["../evil", "/tmp/forge-evil", ".forge/evil", ".git/hooks", "a/../../evil", "",
                                  ".forge", "x/.GIT/y", "a\\nb"])
def test_a_forge_yaml_whose_folder_leads_elsewhere_is_refused(workspace, path):
    workspace.crm()
    workspace.root = workspace.folder / "cloned"
    workspace.root.mkdir()
    (workspace.root / "forge.yaml").write_text(
        f'components:\n  - repository: {CRM}\n    component: {NAME}\n    path: "{path}"\n')
    shown = workspace.run("install", status=None)
    assert shown.status not in (0, -6, -11), shown
    assert not (workspace.folder / "evil").exists() and not pathlib.Path("/tmp/forge-evil").exists()
    assert not list(workspace.root.rglob("component.yaml"))


@pytest.mark.parametrize("path", [".forge/repository", ".forge", "forge.yaml", "forge.lock/x"])
def test_a_manifest_that_puts_a_component_where_forges_files_are_is_refused(workspace, path):
    workspace.upstream("company/evil", {
        "forge-manifest.yaml": f"components:\n  tools:\n    - name: evil\n      path: {path}\n      version: 1.0.0\n",
        f"{path}/component.yaml": manifest("evil"), f"{path}/config": "[core]\n"})
    workspace.crm()
    before = workspace.files(NAME), (workspace.root / "forge.yaml").read_bytes()
    shown = workspace.run("install", f"{HOST}/company/evil/evil", status=None)
    assert shown.status not in (0, -6, -11), shown
    assert (workspace.files(NAME), (workspace.root / "forge.yaml").read_bytes()) == before
    assert workspace.one()["status"] == "synced"


def test_a_link_on_the_way_to_a_components_folder_is_not_followed(workspace):
    crm = workspace.crm()
    outside = workspace.folder / "outside"
    (outside / "tools").mkdir(parents=True)
    workspace.root = workspace.folder / "cloned"
    workspace.init()
    os.symlink(outside, workspace.root / "components")
    shown = workspace.run("install", f"{CRM}/{NAME}", status=None)
    assert shown.status not in (0, -6, -11), shown
    assert not list(outside.rglob("*.yaml"))
    assert crm


@pytest.mark.parametrize("change", [
    ("commit: ", "commit: ../../"), ("tree: ", "tree: zz"), ("path: components", "path: ../components"),
    ("component: salesforce-lookup", "component: ../evil"), ("component: salesforce-lookup", "component: -x")])
def test_a_forge_lock_that_lies_does_no_harm(workspace, change):
    workspace.crm()
    cloned = workspace.folder / "cloned"
    cloned.mkdir()
    (cloned / "forge.yaml").write_bytes((workspace.root / "forge.yaml").read_bytes())
    (cloned / "forge.lock").write_text((workspace.root / "forge.lock").read_text().replace(*change, 1))
    workspace.root = cloned
    shown = workspace.run("install", status=None)
    assert shown.status not in (-6, -11), shown
    assert not (workspace.folder / "evil").exists()
    if shown.status == 0:
        assert workspace.one()["status"] == "synced"


def test_a_lock_whose_tree_is_not_upstreams_is_noticed(workspace):
    crm = workspace.crm()
    other = "1" * 40
    cloned = workspace.folder / "cloned"
    cloned.mkdir()
    (cloned / "forge.yaml").write_bytes((workspace.root / "forge.yaml").read_bytes())
    tree = workspace.lock()[NAME]["tree"]
    (cloned / "forge.lock").write_text((workspace.root / "forge.lock").read_text().replace(tree, other))
    workspace.root = cloned
    shown = workspace.run("install", status=None)
    assert shown.status == 10 and "forge.lock" in shown.out + shown.err, shown
    assert not workspace.path(NAME).exists() and crm


# ---- disks that refuse ----


@pytest.fixture
def mounted(workspace):
    """Mounts on the workspace's folder for its commands alone: mount(command) → the prefix to use."""
    holders = []

    def mount(script):
        holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f"mount --make-rprivate / && {script} && echo mounted && exec cat",
             str(workspace.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        holders.append(holder)
        if holder.stdout.readline() != "mounted\n":
            pytest.skip("no file system can be mounted here")
        workspace.prefix = ["nsenter", "--mount", f"--target={holder.pid}", f"--wdns={workspace.root}"]
        return pathlib.Path(f"/proc/{holder.pid}/root{workspace.root}")

    yield mount
    workspace.prefix = []
    for holder in holders:
        holder.stdin.close()
        holder.stdout.close()
        holder.wait(20)


def test_a_folder_that_is_read_only_is_told_and_stays(workspace, mounted):
    crm = workspace.crm()
    crm.commit(tool(NAME, "2.2.0", timeout=44))
    before = everything(workspace.root)
    folder = '"$0/components"'
    mounted(f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}")
    shown = workspace.run("sync", "pull", NAME, status=None)
    assert shown.status in (5, 9) and "ead-only" in shown.out + shown.err and "components" in shown.out + shown.err, shown
    workspace.prefix = []
    assert everything(workspace.root) == before
    assert workspace.one()["status"] == "outdated"
    workspace.run("sync", "pull", NAME)
    assert workspace.one()["status"] == "synced"


def test_a_full_disk_is_told_and_leaves_the_old_state(workspace, mounted):
    more = {f"data/{number}": os.urandom(8192) for number in range(8)}
    crm = workspace.upstream("company/crm-tools", tool(NAME, more=more))
    workspace.root.mkdir()
    root = mounted('mount -t tmpfs -o size=40m tmpfs "$0"')
    workspace.run("init", workspace.root)
    workspace.run("install", f"{CRM}/{NAME}")
    before = everything(root)
    crm.commit(tool(NAME, more={f"data/{number}": os.urandom(1 << 20) for number in range(6)}))
    filler = root / "filler"
    left = 3 << 20
    free = os.statvfs(root)
    filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - left)))
    shown = workspace.run("sync", "pull", NAME, status=None)
    assert shown.status not in (0, 130, -6, -11), shown
    assert "space" in shown.out + shown.err or "full" in shown.out + shown.err, shown
    filler.unlink()
    assert everything(root) == before
    workspace.run("sync", "pull", NAME)
    row = workspace.one()
    assert row["status"] == "synced" and row["local_commit"] == crm.tip()
