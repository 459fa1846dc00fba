"""`forge plumbing semver` against npm's package `semver`: random questions, and not one answer may differ.

FORGE_TEST_SEED repeats a run, FORGE_TEST_SEMVER_CASES sets how many questions are asked. Without node and the package,
which `make deps` installs where it can, nothing is compared, and the run says so.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

from world import finish_child

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORACLE = ROOT / "tests" / "oracle"
MODULES = ROOT / "build" / "oracle"
SEED = int(os.environ.get("FORGE_TEST_SEED", random.SystemRandom().randrange(2**31)))
# So many at least that each function is asked, and answers one thing and another.
CASES = max(int(os.environ.get("FORGE_TEST_SEMVER_CASES", 100_000)), 10_000)
SHOWN = 10
# Those of the package's functions that must have been asked; forge's own `select` is made of them.
OPERATIONS = {"clean", "coerce", "comparatorIntersects", "compare", "compareBuild", "diff", "gtr", "inc", "intersects", "ltr",
              "maxSatisfying", "minSatisfying", "minVersion", "parse", "prerelease", "satisfies", "simplifyRange", "sort",
              "subset", "truncate", "valid", "validRange"}


def installed():
    """Whether node is there and the very version of the package that is asked for."""
    package = MODULES / "node_modules" / "semver" / "package.json"
    if not shutil.which("node") or not package.is_file():
        return False
    wanted = json.loads((ORACLE / "package.json").read_text())["dependencies"]["semver"]
    return json.loads(package.read_text())["version"] == wanted


def write_questions(path):
    with path.open("wb") as file:
        subprocess.run(["node", ORACLE / "semver.mjs", MODULES, str(SEED), str(CASES)], stdout=file, check=True)


@pytest.mark.skipif(not installed(), reason="NOT COMPARED WITH NPM: node or its package semver is missing; run `make deps`")
def test_random_questions_are_answered_as_npm_answers_them(world, tmp_path):
    print(f"FORGE_TEST_SEED={SEED}")
    questions = tmp_path / "questions.jsonl"
    write_questions(questions)
    with questions.open("rb") as stdin:
        result = finish_child(world.start("plumbing", "semver", stdin=stdin), timeout=60 + CASES / 1000)
    assert (result.status, result.err) == (0, "")
    answers = result.out.removesuffix("\n").split("\n")
    assert len(answers) == CASES
    asked, differences = {}, []
    with questions.open(encoding="utf-8") as lines:
        for line, answered in zip(lines, answers):
            question, answer = json.loads(line), json.loads(answered)
            asked.setdefault(question["op"], set()).add(json.dumps(question["expected"]))
            # As texts: to Python true is 1.
            if json.dumps(answer) != json.dumps({"id": question["id"], "result": question["expected"]}):
                differences.append((question, answer))
    assert not differences, f"{len(differences)} differ:\n" + "\n".join(
        json.dumps({**question, "answer": answer}) for question, answer in differences[:SHOWN])
    # The questions are worth asking only if the answers are not all the same.
    assert set(asked) == OPERATIONS
    assert [op for op, answers in asked.items() if len(answers) < 2] == []
