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
