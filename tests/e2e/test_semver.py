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


LARGE = 8 * 1024 * 1024
# Lines that are no question, each with words of its answer.
HOSTILE = [
    ("no json", "not JSON"), ('{"op": "parse", "input": {"version": "1', "not JSON"), ('{"op": NaN}', "not JSON"),
    ('{"op": "parse", "input": {"version": "1.0.0"}} {}', "not JSON"), ("[]", "expected an object"), ("1", "expected an object"),
    ("null", "expected an object"), ("{}", "op: expected text"), ('{"op": 1, "input": {}}', "op: expected text"),
    ('{"op": "parse", "op": "parse", "input": {}}', "duplicate key"), ('{"op": "parse", "input": []}', "input: expected an object"),
    ('{"op": "parse", "input": {"version": "1.0.0"}, "options": []}', "options: expected an object"),
    ('{"op": "parse", "input": {"version": "1.0.0\\u0000"}}', "NUL"), ('{"op": "parse", "input": {"version": "\\ud800"}}', "Unicode"),
    ('{"id": 99999999999999999999, "op": "parse", "input": {"version": "1.0.0"}}', "too big"), ("[" * LARGE, "deeper"),
    ('{"op": "parse", "input": ' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}", "deeper"),
    ('{"op": "parse", "input": {"version": "' + "1" * 10_000_000 + '"}}', "larger than"), ("1" * (LARGE + 1), "larger than"),
    ("\0" * 10, "NUL"), (" " * (LARGE + 1) + "1", "larger than"),
]
# What each operation needs, and what that can be.
INPUTS = {
    "valid": "version", "parse": "version", "prerelease": "version", "clean": "version", "coerce": "version",
    "truncate": "version release", "inc": "version release", "diff": "a b", "compare": "a b", "compareBuild": "a b",
    "sort": "versions", "maxSatisfying": "range versions", "minSatisfying": "range versions", "select": "range versions",
    "simplifyRange": "range versions", "satisfies": "range version", "gtr": "range version", "ltr": "range version",
    "validRange": "range", "minVersion": "range", "intersects": "a b", "comparatorIntersects": "a b", "subset": "sub dom",
}
WRONG = [None, 1, 1.5, True, {}, [1], [None], [["1.0.0"]]]


def question(op, text, **changes):
    """A question with TEXT for all inputs of OP, and the CHANGES; ... leaves an input out."""
    given = {name: [text, text] if name == "versions" else text for name in INPUTS[op].split()} | changes
    return {"op": op, "input": {name: value for name, value in given.items() if value is not ...}}


def test_lines_that_are_no_questions_are_answered_and_the_next_is_too(world):
    valid = json.dumps({"op": "valid", "input": {"version": "1.0.0"}})
    lines = "".join(f"{line}\n{valid}\n" for line, _ in HOSTILE)
    answers = [json.loads(line) for line in world.run("plumbing", "semver", input=lines).out.split("\n")[:-1]]
    assert len(answers) == 2 * len(HOSTILE)
    for (line, words), answer in zip(HOSTILE, answers[::2]):
        assert list(answer) == ["error"] and words in answer["error"], (line[:80], answer)
    assert answers[1::2] == [{"result": "1.0.0"}] * len(HOSTILE)


def test_an_input_of_the_wrong_kind_is_named(world):
    wrong = [(op, name, value) for op, names in INPUTS.items() for name in names.split() for value in [*WRONG, ...]]
    for (op, name, value), answer in zip(wrong, ask(world, [question(op, "1.0.0", **{name: value}) for op, name, value in wrong]),
                                         strict=True):
        assert list(answer) == ["error"] and answer["error"].startswith(f"{name}: expected "), (op, name, value, answer)


@pytest.mark.parametrize("piece", ["1", " ", "1.", "||", "1-", "\u00e9", "1.2.3 ", "<", "+a", "~ "])
def test_texts_past_all_bounds_are_answered(world, piece):
    text = piece * (2_000_000 // len(json.dumps(piece)))
    answers = ask(world, [question(op, text) for op in INPUTS])
    assert [list(answer) for answer in answers] == [["result"]] * len(INPUTS)


def test_what_is_wrong_is_answered_and_does_not_end_the_run(world):
    answers = ask(world, [{"op": "noSuch", "input": {}}, {"op": "satisfies", "input": {"range": "1"}},
                          {"op": "sort", "input": {"versions": "1.0.0"}}, {"op": "parse"},
                          {"op": "compare", "input": {"a": "1.0.0", "b": "1.0.0"}}])
    assert answers[0] == {"unsupported": True}
    assert answers[1] == {"error": "version: expected text"}
    assert answers[2] == {"error": "versions: expected a list of texts"}
    assert answers[3] == {"error": "input: expected an object"}
    assert answers[4] == {"result": 0}
