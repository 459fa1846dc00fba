"""`forge plumbing semver` against npm's own cases, where they lie beside the checkout, and a few of ours."""

import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A folder of conformance cases beside the checkout; it is not part of the project.
CONFORMANCE = ROOT.parent / "shared" / "cases" / "node_semver.jsonl"
OWN = ROOT / "tests" / "cases" / "semver.jsonl"


def ask(world, cases):
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    return [json.loads(line) for line in world.run("plumbing", "semver", input=lines).out.split("\n")[:-1]]


def differences(world, cases):
    answers = ask(world, cases)
    assert len(answers) == len(cases)
    return [(case["id"], case["op"], case["input"], case["expected"], answer)
            for case, answer in zip(cases, answers)
            # As texts: to Python true is 1.
            if json.dumps(answer) != json.dumps({"id": case["id"], "result": case["expected"]})]


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.skipif(not CONFORMANCE.is_file(), reason="no conformance cases beside the checkout")
def test_npms_cases_hold(world):
    assert differences(world, read(CONFORMANCE)) == []


def test_own_cases_hold(world):
    assert differences(world, read(OWN)) == []


def test_what_is_wrong_is_answered_and_does_not_end_the_run(world):
    answers = ask(world, [{"op": "noSuch", "input": {}}, {"op": "satisfies", "input": {"range": "1"}},
                          {"op": "sort", "input": {"versions": "1.0.0"}}, {"op": "parse"},
                          {"op": "compare", "input": {"a": "1.0.0", "b": "1.0.0"}}])
    assert answers[0] == {"unsupported": True}
    assert answers[1] == {"error": "version: expected text"}
    assert answers[2] == {"error": "versions: expected a list of texts"}
    assert answers[3] == {"error": "input: expected an object"}
    assert answers[4] == {"result": 0}
