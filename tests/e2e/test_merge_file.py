"""`forge plumbing merge-file`: three texts in, one out."""

import json

BASE = "# about x\nconfig:\n  timeout: 30  # seconds\n  retries: 3\nversion: 1.0.0\n"


def ask(world, *questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    return [json.loads(line) for line in world.run("plumbing", "merge-file", input=lines).out.splitlines()]


def question(ours, theirs, **more):
    return {"path": "component.yaml", "base": BASE, "ours": ours, "theirs": theirs, "structured": True, **more}


def test_neighbouring_keys_merge_and_the_id_is_passed_through(world):
    answer, = ask(world, question(BASE.replace("30", "60"), BASE.replace("3\n", "5\n"), id=7))
    assert answer == {"id": 7, "text": BASE.replace("30", "60").replace("3\n", "5\n"), "conflicts": [], "versions": []}


def test_a_conflict_is_named_by_its_path_with_three_values(world):
    answer, = ask(world, question(BASE.replace("30", "60"), BASE.replace("30", "45")))
    assert answer["conflicts"] == [{"path": "config.timeout", "base": 30, "ours": 60, "theirs": 45}]
    assert "<<<<<<< LOCAL\n  timeout: 60  # seconds\n=======\n" in answer["text"]


def test_a_side_without_a_value_is_left_out(world):
    gone = "# about x\nconfig:\n  retries: 3\nversion: 1.0.0\n"
    answer, = ask(world, question(gone, BASE.replace("30", "45")))
    assert answer["conflicts"] == [{"path": "config.timeout", "base": 30, "theirs": 45}]


def test_a_rule_settles_versions_and_says_so(world):
    sides = BASE.replace("1.0.0", "1.0.1"), BASE.replace("1.0.0", "1.2.0")
    conflict, higher, replay = ask(world, question(*sides), question(*sides, version_conflict="higher"),
                                   question(*sides, version_conflict="replay"))
    assert [at["path"] for at in conflict["conflicts"]] == ["version"]
    assert higher["text"] == BASE.replace("1.0.0", "1.2.0") and not higher["conflicts"]
    assert replay["text"] == BASE.replace("1.0.0", "1.2.1")
    assert replay["versions"] == [{"path": "version", "rule": "replay", "version": "1.2.1"}]


def test_a_strategy_settles_what_is_left(world):
    answer, = ask(world, question(BASE.replace("30", "60").replace("1.0.0", "1.0.1"), BASE.replace("30", "45"),
                                  strategy="theirs"))
    assert answer["text"] == BASE.replace("30", "45").replace("1.0.0", "1.0.1") and not answer["conflicts"]


def test_without_keys_lines_conflict(world):
    answer, = ask(world, question(BASE.replace("30", "60"), BASE.replace("3\n", "5\n"), structured=False))
    assert [at["path"] for at in answer["conflicts"]] == ["line 3"]


def test_what_is_wrong_is_answered(world):
    answers = ask(world, {"path": "x.yaml"}, question("a", "b", version_conflict="newest"),
                  question("a", "b", strategy="manual"), question(1, "b"))
    assert [answer["error"].split(":")[0] for answer in answers] == ["ours", "version_conflict", "strategy", "ours"]
