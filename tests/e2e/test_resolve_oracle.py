"""`forge plumbing resolve` against an oracle: random universes, each answer proven right by other means.

A solution is checked against the universe itself. That there is none is checked by minisat: one variable a version, at
most one version a component, a clause a requirement, and, where components may need each other in a circle, an order
among them. All universes that are said to have no solution go into one formula, each behind a switch: it can be met
if and only if one of them can.

FORGE_TEST_SEED repeats a run, FORGE_TEST_UNIVERSES says how many universes of each kind there are.
"""

import dataclasses
import json
import os
import random
import re
import subprocess

import pytest

SEED = int(os.environ.get("FORGE_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
UNIVERSES = int(os.environ.get("FORGE_TEST_UNIVERSES", "700"))


@dataclasses.dataclass(frozen=True)
class Kind:
    """How large universes are, and whether components may need each other in a circle."""

    name: str
    components: tuple
    versions: tuple
    needs: tuple
    asked: tuple
    circles: bool
    loose: tuple  # how many ranges leave much room, so that some universes have solutions and some have none
    share: float = 1  # of UNIVERSES


KINDS = [
    Kind("tiny", (1, 4), (1, 3), (0, 2), (1, 2), False, (0, 0.2)),
    Kind("tiny-circles", (2, 4), (1, 3), (0, 2), (1, 2), True, (0, 0.5)),
    Kind("small", (4, 8), (1, 5), (0, 3), (1, 3), False, (0, 0.7)),
    Kind("small-circles", (4, 8), (1, 5), (0, 2), (1, 3), True, (0, 0.7)),
    Kind("medium", (10, 20), (2, 8), (1, 4), (1, 4), False, (0.2, 0.9), 0.5),
    Kind("medium-circles", (9, 12), (2, 5), (0, 2), (1, 3), True, (0, 0.8), 0.5),
    Kind("large", (40, 60), (5, 15), (0, 4), (3, 8), False, (0.2, 0.8), 0.2),
    Kind("large-circles", (20, 30), (4, 8), (0, 2), (2, 5), True, (0, 0.6), 0.1),
]


# ---- ranges, written and meant ----

def text(version):
    return ".".join(map(str, version))


def caret(low):
    major, minor, patch = low
    high = (major + 1, 0, 0) if major else (0, minor + 1, 0) if minor else (0, 0, patch + 1)
    return "^" + text(low), lambda version: low <= version < high


def tilde(low):
    return "~" + text(low), lambda version: low <= version < (low[0], low[1] + 1, 0)


def any_range(chance, versions, loose):
    """A range as text, and whether a version is in it."""
    one, other = chance.choice(versions), chance.choice(versions)
    if chance.random() < loose:
        low = min(one, other, chance.choice(versions))
        return chance.choice([("*", lambda version: True), (">=" + text(low), lambda version: version >= low)])
    low, high = min(one, other), max(one, other)
    first, second = caret(one), caret(other)
    return chance.choice([
        ("*", lambda version: True),
        first, first, first, tilde(one), tilde(one),
        (text(one), lambda version: version == one),
        (">=" + text(one), lambda version: version >= one),
        ("<" + text(one), lambda version: version < one),
        (f"{text(low)} - {text(high)}", lambda version: low <= version <= high),
        (f"{first[0]} || {second[0]}", lambda version: first[1](version) or second[1](version)),
    ])


# ---- universes ----

class Universe:
    def __init__(self, kind, chance):
        self.kind, self.loose = kind, chance.uniform(*kind.loose)
        names = [f"c{number}" for number in range(chance.randint(*kind.components))]
        chance.shuffle(names)
        self.versions = {name: sorted({(chance.randint(0, 3), chance.randint(0, 2), chance.randint(0, 2))
                                       for _ in range(chance.randint(*kind.versions))}) for name in names}
        self.means = {}  # (component, range) → versions
        self.needs = {}  # (component, version) → {component: range}
        for place, name in enumerate(names):
            others = [other for other in names if other != name] if kind.circles else names[place + 1:]
            for version in self.versions[name]:
                wanted = chance.sample(others, min(len(others), chance.randint(*kind.needs)))
                self.needs[name, version] = {other: self.range(chance, other) for other in wanted}
        asked = chance.sample(names, min(len(names), chance.randint(*kind.asked)))
        self.root = {name: self.range(chance, name) for name in asked}

    def range(self, chance, name):
        written, holds = any_range(chance, self.versions[name], self.loose)
        self.means[name, written] = {version for version in self.versions[name] if holds(version)}
        return written

    def question(self, chance=None, **more):
        """As it goes to forge; in another order each time if there is a CHANCE."""
        items = [{"name": name, "version": text(version), "deps": mixed(self.needs[name, version], chance)}
                 for name in self.versions for version in self.versions[name]]
        if chance:
            chance.shuffle(items)
        return {"universe": items, "root": mixed(self.root, chance), **more}

    def faults(self, solution):
        """What is wrong with SOLUTION."""
        chosen = {name: tuple(map(int, version.split("."))) for name, version in solution.items()}
        for name, version in chosen.items():
            if version not in self.versions.get(name, ()):
                yield f"{name} {version} does not exist"
                return
        for name, written in self.root.items():
            if chosen.get(name) not in self.means[name, written]:
                yield f"root: {name} {written}"
        reached, waiting = set(), list(self.root)
        while waiting:
            name = waiting.pop()
            if name in chosen and name not in reached:
                reached.add(name)
                waiting += self.needs[name, chosen[name]]
        if reached != set(chosen):
            yield f"nobody needs {set(chosen) - reached}"
        for name, version in chosen.items():
            for other, written in self.needs[name, version].items():
                if chosen.get(other) not in self.means[other, written]:
                    yield f"{name}: {other} {written}"
        if has_circle({name: self.needs[name, version] for name, version in chosen.items()}):
            yield "a circle"


def mixed(mapping, chance):
    items = list(mapping.items())
    if chance:
        chance.shuffle(items)
    return dict(items)


def has_circle(graph):
    left = {name: set(others) & set(graph) for name, others in graph.items()}
    while free := [name for name, others in left.items() if not others]:
        for name in free:
            del left[name]
        for others in left.values():
            others.difference_update(free)
    return bool(left)


# ---- minisat ----

class Formula:
    """Clauses in which some switch must be on, and what is behind a switch that is on must hold."""

    def __init__(self):
        self.count, self.clauses, self.switches = 0, [], []

    def variable(self):
        self.count += 1
        return self.count

    def add(self, universe):
        switch = self.variable()
        self.switches.append(switch)

        def rule(*literals):
            self.clauses.append((-switch, *literals))

        is_chosen = {(name, version): self.variable() for name in universe.versions
                     for version in universe.versions[name]}
        for name, versions in universe.versions.items():
            for place, version in enumerate(versions):
                for other in versions[:place]:
                    rule(-is_chosen[name, version], -is_chosen[name, other])
        for name, written in universe.root.items():
            rule(*(is_chosen[name, version] for version in universe.means[name, written]))
        for candidate, needs in universe.needs.items():
            for other, written in needs.items():
                rule(-is_chosen[candidate], *(is_chosen[other, version] for version in universe.means[other, written]))
        if universe.kind.circles:
            self.order(universe, is_chosen, rule)

    def order(self, universe, is_chosen, rule):
        names = list(universe.versions)
        before = {(one, other): self.variable() for one in names for other in names}
        for one in names:
            rule(-before[one, one])
            for other in names:
                for third in names:
                    rule(-before[one, other], -before[other, third], before[one, third])
        for candidate, needs in universe.needs.items():
            for other in needs:
                rule(-is_chosen[candidate], before[candidate[0], other])

    def met(self, folder):
        """The numbers of the universes that have a solution after all; none if minisat finds none."""
        if not self.switches:
            return []
        clauses = [*self.clauses, self.switches]
        source, result = folder / "formula", folder / "result"
        source.write_text(f"p cnf {self.count} {len(clauses)}\n"
                          + "".join(" ".join(map(str, clause)) + " 0\n" for clause in clauses), encoding="ascii")
        ended = subprocess.run(["minisat", "-verb=0", source, result], stdout=subprocess.DEVNULL, check=False)
        assert ended.returncode in (10, 20)
        if ended.returncode == 20:
            return []
        model = set(map(int, result.read_text(encoding="ascii").split()[1:]))
        return [number for number, switch in enumerate(self.switches) if switch in model]


# ---- tests ----

def ask(world, questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    answers = world.run("plumbing", "resolve", input=lines).out.splitlines()
    assert len(answers) == len(questions)
    return answers


def made(kind):
    chance = random.Random(f"{SEED} {kind.name}")
    return chance, [Universe(kind, chance) for _ in range(max(1, int(UNIVERSES * kind.share)))]


def dump(universe):
    return f"FORGE_TEST_SEED={SEED}: {json.dumps(universe.question())}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_answer_is_right_whatever_the_order(world, tmp_path, kind):
    print(f"FORGE_TEST_SEED={SEED}")
    chance, universes = made(kind)
    answers = ask(world, [universe.question() for universe in universes])
    shuffled = ask(world, [universe.question(chance) for universe in universes])
    formula, without = Formula(), []
    for universe, line, other in zip(universes, answers, shuffled):
        assert line == other, dump(universe)
        answer = json.loads(line)
        if "solution" in answer:
            assert list(answer["solution"]) == sorted(answer["solution"])
            assert list(universe.faults(answer["solution"])) == [], dump(universe)
        else:
            assert answer["error"].endswith(".") and "could not be found out" not in answer["error"], dump(universe)
            without.append(universe)
            formula.add(universe)
    for number in formula.met(tmp_path):
        pytest.fail(f"there is a solution: {dump(without[number])}")
    print(f"{len(universes)} universes, {len(without)} without a solution")
    if len(universes) >= 500:
        assert 0.03 < len(without) / len(universes) < 0.97


def test_lowest_is_valid_and_what_is_locked_stays(world):
    for kind in KINDS[:6]:
        _, universes = made(kind)
        highest = [json.loads(line) for line in ask(world, [universe.question() for universe in universes])]
        lowest = [json.loads(line) for line in ask(world, [universe.question(mode="lowest") for universe in universes])]
        kept = ask(world, [universe.question(mode="lowest", locked=answer.get("solution", {}))
                           for universe, answer in zip(universes, highest)])
        for universe, high, low, locked in zip(universes, highest, lowest, kept):
            assert ("solution" in high) == ("solution" in low), dump(universe)
            if "solution" in high:
                assert list(universe.faults(low["solution"])) == [], dump(universe)
                assert json.loads(locked) == high, dump(universe)


ADVICE = re.compile(r"root lets (\S+) be (\S+) instead of")


def test_advice_holds(world):
    told = 0
    for kind in KINDS[:6]:
        _, universes = made(kind)
        answers = [json.loads(line) for line in ask(world, [universe.question() for universe in universes])]
        changed = []
        for universe, answer in zip(universes, answers):
            for name, version in ADVICE.findall(answer.get("error", "")):
                question = universe.question()
                question["root"] = {**question["root"], name: version}
                changed.append(question)
        told += len(changed)
        for question, line in zip(changed, ask(world, changed)):
            assert "solution" in json.loads(line), f"FORGE_TEST_SEED={SEED}: {json.dumps(question)}"
    assert told > 0


WRONG = [
    ({"root": {}}, "universe: expected a list"),
    ({"universe": []}, "root: expected an object"),
    ({"universe": [], "root": {"a": 1}}, "root.a: expected text"),
    ({"universe": [7], "root": {}}, "universe[0].name: expected text"),
    ({"universe": [{"name": "a"}], "root": {}}, "universe[0].version: expected text"),
    ({"universe": [{"name": "a", "version": "1"}], "root": {}}, "universe[0].version: '1' is no version"),
    ({"universe": [{"name": "a", "version": "1.0.0", "deps": []}], "root": {}},
     "universe[0].deps: expected an object"),
    ({"universe": [{"name": "a", "version": "1.0.0"}, {"name": "a", "version": "v1.0.0"}], "root": {}},
     "universe: a v1.0.0 is there twice"),
    ({"universe": [], "root": {}, "locked": {"a": "x"}}, "locked.a: 'x' is no version"),
    ({"universe": [], "root": {}, "mode": "newest"}, "mode: expected 'highest' or 'lowest'"),
    ({"universe": [{"name": "a", "version": "1.0.0"}], "root": {"a": "^^"}},
     "root asks for a ^^, but '^^' is no range of versions.\nIt works if root lets a be 1.0.0 instead of ^^."),
]


def test_what_is_wrong_is_named_and_ids_are_passed_through(world):
    answers = ask(world, [{**question, "id": number} for number, (question, _) in enumerate(WRONG)])
    assert [json.loads(line) for line in answers] == [{"id": number, "error": error}
                                                      for number, (_, error) in enumerate(WRONG)]
    assert ask(world, [{"universe": [], "root": {}, "id": "x"}]) == ['{"id":"x","solution":{}}']


def test_what_is_locked_and_gone_locks_nothing(world):
    universe = [{"name": "a", "version": "1.0.0"}, {"name": "a", "version": "1.1.0"}]
    answers = ask(world, [{"universe": universe, "root": {"a": "*"}, "locked": locked}
                          for locked in ({"a": "1.0.0"}, {"a": "0.9.0"}, {"b": "1.0.0"})])
    assert [json.loads(line)["solution"]["a"] for line in answers] == ["1.0.0", "1.1.0", "1.1.0"]
