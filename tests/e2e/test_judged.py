"""What a pull and its resolution come to is judged before it takes the files' place: whoever decided it, and however."""

import shutil

import pytest

from shop import BASE, FOLDER, LOCAL, NAME, SCHEMA, UPSTREAM, Shop, manifest

STRICT = SCHEMA
LOOSE = SCHEMA.replace("50", "99")


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path, {"component.yaml": BASE, "schema.json": LOOSE})


def types(shop):
    return [(one["path"].removeprefix(FOLDER + "/"), one["type"]) for one in shop.pending()[0]["conflicts"]]


# ---- rebase ----


@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_rebase_that_breaks_the_schema_is_a_conflict(shop, checkpoint):
    shop.local({"component.yaml": manifest(60, 1)})
    if checkpoint:
        shop.run("dev", "checkpoint", NAME, "-m", "Slower")
    shop.upstream({"schema.json": STRICT})
    before, lock = shop.files(), (shop.ws / "forge.lock").read_text()
    shop.run("sync", "pull", NAME, "--rebase", status=7)
    assert types(shop) == [("component.yaml", "schema")] and shop.status() == "conflict"
    assert shop.files() == before and (shop.ws / "forge.lock").read_text() == lock
    shop.resolve("--prefer-upstream")
    assert shop.text() == BASE and shop.text("schema.json") == STRICT and shop.status() == "synced"


def test_a_rebase_that_fits_is_none(shop):
    shop.local({"component.yaml": manifest(40, 1)})
    shop.upstream({"schema.json": STRICT})
    shop.run("sync", "pull", NAME, "--rebase")
    assert shop.text() == manifest(40, 1) and shop.text("schema.json") == STRICT


# ---- a folder that is gone ----


@pytest.mark.parametrize("option", ["ours", "theirs"])
def test_a_component_whose_folder_was_deleted_is_resolved(shop, option):
    shutil.rmtree(shop.ws / FOLDER)
    shop.upstream({"component.yaml": UPSTREAM, "README.md": "new\n"})
    shop.run("sync", "pull", NAME, "--merge", status=7)
    shop.resolve("--strategy", option)
    assert shop.pending() == [] and shop.refs() == ["base"]
    # schema.json is as local left it, deleted: upstream did not touch it.
    assert shop.files() == {"README.md": b"new\n", **({} if option == "ours" else {"component.yaml": UPSTREAM.encode()})}
    assert shop.status() == "modified"


def test_what_nobody_added_to_a_deleted_folder_leaves_none(shop):
    shutil.rmtree(shop.ws / FOLDER)
    shop.upstream({"component.yaml": UPSTREAM})
    shop.run("sync", "pull", NAME, "--merge", status=7)
    shop.resolve("--prefer-local")
    assert not (shop.ws / FOLDER).exists() and shop.pending() == [] and shop.status() == "modified"
    shop.run("sync", "pull", NAME, "--overwrite")
    assert shop.text() == UPSTREAM and shop.status() == "synced"


def test_a_folder_that_comes_back_meanwhile_was_edited(shop):
    shutil.rmtree(shop.ws / FOLDER)
    shop.upstream({"component.yaml": UPSTREAM})
    shop.run("sync", "pull", NAME, "--merge", status=7)
    shop.local({"component.yaml": LOCAL})
    assert "edited since the pull" in shop.resolve("--prefer-upstream", status=7).err
    assert shop.files() == {"component.yaml": LOCAL.encode()}


def test_markers_in_a_deleted_folder_go_again_with_an_abort(shop):
    shutil.rmtree(shop.ws / FOLDER)
    shop.upstream({"component.yaml": UPSTREAM, "README.md": "new\n"})
    shop.run("sync", "pull", NAME, "--merge", status=7)
    shop.resolve("--strategy", "manual")
    assert shop.files() == {"README.md": b"new\n"}
    shop.resolve("--abort")
    assert not (shop.ws / FOLDER).exists() and shop.pending() == [] and shop.status() != "conflict"


# ---- large files ----


def test_a_file_as_large_as_the_configuration_allows_is_no_obstacle(shop):
    shop.configure("sync: {max_file: 120MB}\n")
    large = shop.ws / FOLDER / "weights.bin"
    large.touch()
    with open(large, "r+b") as file:
        file.truncate(101 << 20)
    shop.conflict({"component.yaml": LOCAL}, {"component.yaml": UPSTREAM})
    shop.resolve("--prefer-upstream")
    assert shop.text() == UPSTREAM and large.stat().st_size == 101 << 20


# ---- what preferences and strategies come to ----

REGIONS = "  regions: [{}]\n"
FEW = '{"properties": {"config": {"properties": {"regions": {"maxItems": 3}}}}}\n'
RELEASES = '{"properties": {"config": {"properties": {"image_version": {"enum": ["1.0.0", "1.3.0"]}}}}}\n'


def image(version):
    return manifest(30, 1, f"  image_version: {version}\n")


def regions(*names):
    return manifest(30, 1, REGIONS.format(", ".join(names)))


@pytest.mark.parametrize("options, base, local, upstream, place", [
    (["--prefer-local"], {"component.yaml": BASE}, {"component.yaml": manifest(60, 5)},
     {"component.yaml": manifest(45, 3), "schema.json": STRICT}, "config.timeout"),
    (["--strategy", "theirs"], {"component.yaml": BASE}, {"component.yaml": manifest(45, 3), "schema.json": STRICT},
     {"component.yaml": manifest(60, 5)}, "config.timeout"),
    (["--strategy", "union"], {"component.yaml": regions("a", "a")}, {"component.yaml": regions("a", "a", "b")},
     {"component.yaml": regions("a", "a", "c"), "schema.json": FEW}, "config.regions"),
    (["--strategy", "merge"], {"component.yaml": image("1.0.0")}, {"component.yaml": image("1.4.0")},
     {"component.yaml": image("1.3.0"), "schema.json": RELEASES}, "config.image_version")])
def test_a_decision_that_breaks_the_schema_is_a_schema_conflict_that_stays(tmp_path, options, base, local, upstream, place):
    shop = Shop(tmp_path, {"schema.json": LOOSE, **base})
    shop.conflict(local, upstream)
    shop.configure("sync: {version_conflict: higher}\n")
    before, lock = shop.files(), (shop.ws / "forge.lock").read_text()
    result = shop.resolve(*options, status=7)
    assert any(line.startswith(f"✗ Left: component.yaml ({place}") for line in result.lines), result.out
    assert types(shop) == [("component.yaml", "schema")] and shop.status() == "conflict"
    assert shop.files() == before and (shop.ws / "forge.lock").read_text() == lock
    entry = shop.resolve("--strategy", "merge", "--format", "json", status=7).json["components"][0]
    assert [(one["type"], one["path"]) for one in entry["left"]] == [("schema", "component.yaml")]
    side = "upstream" if "schema.json" in upstream else "local"
    shop.resolve(f"--prefer-{side}")
    assert shop.text() == (upstream if side == "upstream" else local)["component.yaml"] and shop.pending() == []


def test_the_document_says_what_was_decided_and_what_came_of_it(shop):
    shop.conflict({"component.yaml": manifest(60, 5)}, {"component.yaml": manifest(45, 3), "schema.json": STRICT})
    entry = shop.resolve("--prefer-local", "--format", "json", status=7).json["components"][0]
    assert (entry["component"], entry["status"]) == (NAME, "conflict")
    assert [(one["path"], one["resolution"]) for one in entry["resolved"]] == [("component.yaml", "local")]
    assert [(one["type"], one["path"]) for one in entry["left"]] == [("schema", "component.yaml")]


def test_a_side_that_breaks_the_schema_still_leaves_it_a_conflict(shop):
    shop.conflict({"component.yaml": manifest(60, 1)}, {"schema.json": STRICT})
    before = shop.files()
    for _ in range(2):
        assert "✗ Left: component.yaml (config.timeout" in shop.resolve("--prefer-local", status=7).out
        assert types(shop) == [("component.yaml", "schema")] and shop.files() == before
    shop.resolve("--abort")
    assert shop.files() == before and shop.pending() == [] and shop.refs() == ["base"]


NEEDY = """\
apiVersion: forge.dev/v1
kind: Tool
metadata: {name: needy, version: 1.0.0}
dependencies:
  tools:
    - {component: lookup, version_constraint: ^1.0}
"""
TWO = manifest(45, 3).replace("1.0.0", "2.0.0")


@pytest.fixture
def needed(shop):
    """The component in conflict; the new version does not fit another component."""
    shop.upstream({"component.yaml": NEEDY}, "components/tools/needy")
    shop.run("install", f"file://{shop.up}#needy")
    return shop.conflict({"component.yaml": manifest(40, 5)}, {"component.yaml": TWO})


@pytest.mark.parametrize("side", ["local", "upstream"])
def test_a_version_that_the_workspace_cannot_take_is_told_once_the_text_is_decided(needed, side):
    before = needed.files()
    assert types(needed) == [("component.yaml", "content")]
    assert "needy needs lookup ^1.0, upstream has 2.0.0" in needed.resolve("--prefer-upstream", status=7).out
    assert types(needed) == [("component.yaml", "version")] and needed.files() == before
    shown = needed.resolve(f"--prefer-{side}").out
    assert needed.pending() == [] and needed.refs() == ["base"]
    assert ("the pull is given up" in shown) == (side == "local")
    assert needed.files() == before if side == "local" else needed.text() == TWO


def test_whoever_continues_twice_accepts_a_version_that_does_not_fit(needed):
    needed.resolve("--strategy", "manual")
    needed.local({"component.yaml": TWO.replace("45", "50")})
    assert "needy needs lookup ^1.0" in needed.resolve("--continue", status=7).out
    assert types(needed) == [("component.yaml", "version")] and needed.text() == TWO.replace("45", "50")
    needed.resolve("--continue")
    assert needed.pending() == [] and needed.text() == TWO.replace("45", "50") and needed.refs() == ["base"]


def test_a_dependency_that_the_workspace_has_otherwise_is_told_once_the_text_is_decided(shop):
    shop.upstream({"component.yaml": NEEDY.split("dependencies")[0].replace("needy", "mail")}, "components/tools/mail",
                  tag="mail@1.3.2")
    shop.run("install", f"file://{shop.up}#mail@^1")
    wants = manifest(45, 3) + NEEDY[NEEDY.index("dependencies"):].replace("lookup", "mail").replace("^1.0", "^2.0")
    shop.conflict({"component.yaml": manifest(40, 5)}, {"component.yaml": wants})
    assert "it needs mail ^2.0, the workspace has 1.3.2" in shop.resolve("--prefer-local", status=7).out
    assert types(shop) == [("component.yaml", "dependency")]
    shop.resolve("--prefer-upstream")
    assert shop.text() == wants.replace("timeout: 45", "timeout: 40").replace("retry_count: 3", "retry_count: 5")


def test_a_decision_killed_anywhere_is_judged_all_the_same(shop):
    shop.conflict({"component.yaml": manifest(60, 5)}, {"component.yaml": manifest(45, 3), "schema.json": STRICT})
    before = shop.files()
    for at in shop.killed_runs("--prefer-local", step=1, status=7):
        assert shop.files() == before and len(types(shop)) == 1, at
        shop.resolve("--prefer-local", status=7)
        assert types(shop) == [("component.yaml", "schema")], at
        shop.resolve("--prefer-upstream")
        assert shop.text() == manifest(45, 3) and shop.refs() == ["base"], at


# ---- what somebody edits ----


def editor(shop, *scripts):
    """An editor that runs another of SCRIPTS each time."""
    cases = "\n".join(f"{number}) {script} ;;" for number, script in enumerate(scripts))
    return shop.editor(f'n=$(cat "{shop.folder}/n" 2>/dev/null || echo 0); echo $((n + 1)) >"{shop.folder}/n"\n'
                       f'cp "$1" "{shop.folder}/seen-$n"\ncase $n in\n{cases}\nesac')


KEEP_UPSTREAM = r'sed -i "/^<<<<<<< /,/^=======/d; /^>>>>>>> /d" "$1"'


@pytest.mark.parametrize("change, why", [
    (r's/timeout: 45/timeout: 100/', "config.timeout"), (r's/kind: Tool/kind: Tol/', "kind"),
    (r's/^config:/config: [/', "component.yaml:")])
def test_an_edited_text_that_is_no_component_is_not_taken_and_asked_about_again(shop, change, why):
    shop.conflict({"component.yaml": manifest(60, 5)}, {"component.yaml": manifest(45, 3)})
    env = editor(shop, f"{KEEP_UPSTREAM}; sed -i '{change}' \"$1\"", f"cat '{shop.folder}/good' >\"$1\"")
    (shop.folder / "good").write_text(manifest(50, 4))
    shown = shop.type_in("3\n3\n", env=env)
    assert why in shown and "nothing was taken" in shown
    # What was typed is what the editor begins with the next time.
    assert "<<<<<<<" not in (shop.folder / "seen-1").read_text()
    assert shop.text() == manifest(50, 4) and "✓ Resolved: component.yaml (edited)" in shown


def test_after_a_text_that_is_not_taken_another_choice_may_be_made(shop):
    shop.conflict({"component.yaml": manifest(60, 5)}, {"component.yaml": manifest(45, 3)})
    shown = shop.type_in("3\n2\n", env=editor(shop, f"{KEEP_UPSTREAM}; sed -i s/45/100/ \"$1\""))
    assert "nothing was taken" in shown and shop.text() == manifest(45, 3)


def test_a_schema_that_is_none_is_not_taken(shop):
    shop.conflict({"schema.json": LOOSE.replace("99", "98")}, {"schema.json": LOOSE.replace("99", "97")})
    env = editor(shop, 'echo "{" >"$1"', f"cat '{shop.folder}/good' >\"$1\"")
    (shop.folder / "good").write_text(LOOSE.replace("99", "70"))
    shown = shop.type_in("3\n3\n", env=env)
    assert "schema.json:" in shown and shop.text("schema.json") == LOOSE.replace("99", "70")


def test_an_edited_text_is_not_held_against_a_file_that_is_open_still(shop):
    shop.conflict({"component.yaml": manifest(60, 5), "schema.json": LOOSE.replace("99", "98")},
                  {"component.yaml": manifest(45, 3), "schema.json": LOOSE.replace("99", "500")})
    shown = shop.type_in("3\n2\n", env=editor(shop, f"{KEEP_UPSTREAM}; sed -i s/45/200/ \"$1\""))
    assert "nothing was taken" not in shown
    assert shop.text() == manifest(200, 3) and shop.text("schema.json") == LOOSE.replace("99", "500")


def test_a_choice_that_breaks_the_schema_is_asked_about_at_once(shop):
    shop.conflict({"component.yaml": manifest(60, 5)}, {"component.yaml": manifest(45, 3), "schema.json": STRICT})
    shown = shop.type_in("1\n2\n")
    assert "✓ Resolved: component.yaml (local)" in shown
    assert "Conflict 1/1: component.yaml\n\nschema: config.timeout" in shown
    assert shown.endswith(f"✓ Resolved: component.yaml (upstream)\n✓ All conflicts of {NAME} are resolved\n")
    assert shop.text() == manifest(45, 3) and shop.text("schema.json") == STRICT
