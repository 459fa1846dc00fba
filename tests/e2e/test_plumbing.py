"""`forge plumbing`: JSON lines in, JSON lines out."""

import json


def ask(world, *questions):
    lines = "".join(question if isinstance(question, str) else json.dumps(question) + "\n" for question in questions)
    return [json.loads(line) for line in world.run("plumbing", "merge-tree", input=lines).out.splitlines()]


def test_a_clean_merge_answers_gits_tree_and_passes_the_id_through(world):
    fork = world.one(behind=2, ahead=1)
    folder = world.path(fork.repository)
    world.git(fork.repository, "fetch", "-q", str(world.path(fork.upstream)), "main:upstream")
    tree = world.git(fork.repository, "merge-tree", "--write-tree", "main", "upstream")
    answers = ask(world, {"id": 7, "repository": str(folder), "ours": "main", "theirs": "upstream"})
    assert answers == [{"id": 7, "tree": tree}]


def test_a_conflict_names_its_paths(world):
    from fleet import Kind
    fork = world.one(behind=1, ahead=1, kind=Kind.CONFLICT)
    folder = world.path(fork.repository)
    world.git(fork.repository, "fetch", "-q", str(world.path(fork.upstream)), "main:upstream")
    answer, = ask(world, {"repository": str(folder), "ours": "main", "theirs": "upstream"})
    assert [conflict["type"] for conflict in answer["conflicts"]] == ["content"]


def test_what_is_wrong_is_answered_and_does_not_end_the_run(world):
    fork = world.one(behind=1)
    folder = str(world.path(fork.repository))
    answers = ask(world, "no json\n", {"repository": "/nowhere", "ours": "a", "theirs": "b"},
                  {"repository": folder, "ours": "main", "theirs": "no-such"},
                  {"id": "s", "repository": folder, "ours": "main", "theirs": "main", "structured": True},
                  {"repository": folder, "ours": "main", "theirs": "main"})
    assert all("error" in answer for answer in answers[:3])
    assert answers[3] == {"id": "s", "unsupported": True}
    assert answers[4] == {"tree": world.git(fork.repository, "rev-parse", "main^{tree}")}
