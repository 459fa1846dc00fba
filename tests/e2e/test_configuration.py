"""The configuration file, the environment and doctor."""

import pytest

from world import HOST


def test_a_home_that_is_no_folder_is_a_wrong_configuration(world, tmp_path):
    (tmp_path / "file").write_text("")
    home = tmp_path / "file"
    for command in (("fork", "list"), ("config", "show"), ("journal", "verify")):
        err = world.run(*command, env={"FORGE_HOME": str(home)}, status=3).err
        assert "FORGE_HOME" in err and str(home) in err and "no folder" in err


@pytest.mark.parametrize("text, line, words", [
    ("worker: {jobs: many}\n", 1, ["worker.jobs"]),
    ("git:\n  username: Jane\nworker:\n  jobbs: 3\n", 4, ["jobbs", "jobs"]),
    ("hosts:\n  example.com:\n    clone: [a, b]\n", 3, ["hosts.example.com.clone"]),
    ("log_level: [\n", None, []),
    ("worker: {jobs: 1}\nworker: {jobs: 2}\n", 2, ["worker"]),
])
def test_a_malformed_file_names_file_line_and_key(world, text, line, words):
    (world.home / "config.yaml").write_text(text)
    for command in (("fork", "list"), ("config", "validate")):
        shown = world.run(*command, status=3)
        assert "config.yaml:" + (f"{line}:" if line else "") in shown.err + shown.out
        assert all(word in shown.err + shown.out for word in words)


def test_a_file_that_was_named_must_be_there(world):
    assert "absent.yaml" in world.run("fork", "list", "--config", world.home / "absent.yaml", status=3).err


def test_environment_beats_the_file(world):
    world.configure("worker: {jobs: 3}\n")
    shown = world.run("config", "show", "--format", "json", env={"FORGE_WORKER_JOBS": "5"}).json
    assert shown["worker"]["jobs"] == 5
    world.run("config", "show", status=3, env={"FORGE_WORKER_JOBS": "many"})


def test_a_host_that_no_table_knows_is_a_configuration_error(world):
    world.run("fork", "add", "tools", "--fork", "nowhere/me/tools", "--upstream",
              f"{HOST}/company/tools", status=None)
    result = world.run("fork", "sync", "--all", "--format", "json", status=None)
    assert "CONFIGURATION_INVALID" in result.out and "nowhere" in result.out


def test_doctor_is_content_with_a_sound_installation_and_changes_nothing(world):
    world.run("doctor")
    (world.home / "config.yaml").write_text("wroker: {}\n")
    assert "config.yaml:1" in str(world.run("doctor", status=None))


def test_doctor_names_a_host_that_does_not_answer(world):
    from silent import DeadPort
    with DeadPort() as dead:
        world.hosts["dead.example.com"] = {"clone": dead.url}
        world.configure()
        assert "dead.example.com" in str(world.run("doctor", status=1))


def test_help_and_version_need_no_home(world):
    env = {"FORGE_HOME": "/nonexistent/home"}
    assert "fork" in world.run("--help", env=env).out
    assert "--dry-run" in world.run("fork", "sync", "--help", env=env).out
    assert world.run("--version", env=env).out.strip()
