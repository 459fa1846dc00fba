"""fork add, list and remove."""

import pytest
import yaml

from world import HOST


def add(world, name, *options, **keywords):
    return world.run("fork", "add", name, "--fork", f"{HOST}/me/{name}", "--upstream", f"{HOST}/company/{name}",
                     *options, **keywords)


def test_an_added_fork_is_listed_with_both_repositories(world):
    add(world, "tools")
    listed = world.run("fork", "list").out
    assert "tools" in listed and f"{HOST}/me/tools" in listed and f"{HOST}/company/tools" in listed


def test_an_empty_list_is_no_error_and_an_empty_document(world):
    world.run("fork", "list")
    assert not any(world.run("fork", "list", "--format", "json").json.values())


def test_the_list_is_one_document_in_json_and_yaml_with_equal_contents(world):
    for name in ("zebra", "ant"):
        add(world, name)
    document = world.run("fork", "list", "--format", "json").json
    assert [fork["name"] for fork in document["forks"]] == ["ant", "zebra"]
    assert yaml.safe_load(world.run("fork", "list", "--format", "yaml").out) == document
    assert len(world.run("fork", "list", "--format", "jsonl").out.splitlines()) == 2


def test_what_was_registered_comes_back_in_the_list(world):
    add(world, "tools", "--branch", "main", "--branch", "release/*", "--strategy", "fast_forward")
    fork = world.run("fork", "list", "--format", "json").json["forks"][0]
    assert fork["fork"] == f"{HOST}/me/tools" and fork["upstream"] == f"{HOST}/company/tools"
    assert fork["strategy"] == "fast_forward"


def test_a_second_fork_of_the_same_name_is_refused_and_says_so(world):
    add(world, "tools")
    again = add(world, "tools", status=7)
    assert "tools" in again.err and "already" in again.err
    assert len(world.run("fork", "list", "--format", "json").json["forks"]) == 1


def test_a_removed_fork_is_gone_and_its_name_free(world):
    add(world, "tools")
    world.run("fork", "remove", "tools")
    assert "tools" not in world.run("fork", "list").out
    add(world, "tools")


def test_an_unknown_name_is_exit_8_and_the_nearest_is_suggested(world):
    add(world, "crm-tools")
    for command in (("fork", "sync", "crm-tool"), ("fork", "remove", "crm-tool"), ("fork", "list", "crm-tool")):
        result = world.run(*command, status=8)
        assert "crm-tool" in result.err and "crm-tools" in result.err


def test_the_error_of_a_command_is_an_object_on_standard_output(world):
    add(world, "crm-tools")
    error = world.run("fork", "sync", "crm-tool", "--format", "json", status=8).json["error"]
    assert error["code"] == "FORK_NOT_FOUND"
    assert set(error) == {"code", "message", "hint", "details"}


def test_an_impossible_name_or_strategy_is_refused(world):
    add(world, "../up", status=6)
    add(world, "tools", "--strategy", "sideways", status=None)
    assert not world.run("fork", "list", "--format", "json").json["forks"]


@pytest.mark.parametrize("address", ["tools", "git.example.com/tools", "http://git.example.com", "ext::sh -c true"])
def test_what_is_no_repository_is_refused_before_it_is_registered(world, address):
    refused = world.run("fork", "add", "tools", "--fork", address, "--upstream", f"{HOST}/company/tools", status=6)
    assert "--fork" in refused.err and address in refused.err
    assert not world.run("fork", "list", "--format", "json").json["forks"]


def test_wrong_usage_is_exit_2_and_changes_nothing(world):
    for wrong in (("fork", "add"), ("fork", "add", "a", "--frok", "b"), ("fork", "sync"), ("frok",), ()):
        world.run(*wrong, status=2)
    assert not (world.home / "journal").exists()


def test_an_unknown_command_suggests_the_nearest(world):
    assert "fork" in world.run("frok", "list", status=2).err


def test_nothing_of_a_token_in_a_url_is_ever_shown(world):
    secret = "s3cr3t-in-a-url"
    result = world.run("fork", "add", "tools", "--fork", f"http://jane:{secret}@127.0.0.1:9/me/tools", "--upstream",
                       f"{HOST}/company/tools", status=None)
    texts = [str(result), str(world.run("fork", "list", "--format", "json")), str(world.run("journal", "export"))]
    assert not any(secret in text for text in texts)


def test_a_fork_that_was_in_sync_is_not_shown_so_once_a_sync_failed(world):
    fork = world.one()
    world.sync()
    folder = world.path(fork.repository)
    folder.rename(folder.with_suffix(".gone"))
    world.sync(status=None)
    row = world.run("fork", "list", "--format", "json").json["forks"][0]
    assert row["error"]["code"] == "REPOSITORY_NOT_FOUND"
    assert "up_to_date" not in world.run("fork", "list").out
    folder.with_suffix(".gone").rename(folder)
    world.sync()
    assert world.run("fork", "list", "--format", "json").json["forks"][0]["error"] is None
