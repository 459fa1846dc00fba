"""Conflicts of one file decided part by part: a key or a hunk each, with the whole file as the other way."""

import subprocess

import pytest

from shop import BASE, LOCAL, NAME, PROMPT, SCHEMA, UPSTREAM, Shop, manifest
from world import kill

FAR = """\
apiVersion: forge.dev/v1
kind: Tool
metadata: {{name: lookup, version: 1.0.0}}
config:
  # seconds
  timeout: {}
  region: eu
  colour: blue
  size: 9
  weight: 7
  # how often
  retries: {}
  note: {}
"""
PART = """\
Choose for this part:
  1. Use local version
  2. Use upstream version
  3. Edit the file
  4. Skip this part
Choice: """
TEXT = "one\n{}\nthree\nfour\nfive\nsix\nseven\n{}\nnine\n"


def far(timeout, retries, note="none"):
    return FAR.format(timeout, retries, note)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path, {"component.yaml": far(30, 1), "schema.json": SCHEMA.replace("50", "99")}).conflict(
        {"component.yaml": far(60, 5)}, {"component.yaml": far(45, 3, "new")})


def test_each_key_is_decided_for_itself(shop):
    shown = shop.type_in("5\n1\n2\n")
    assert "  4. Skip this conflict\n  5. Decide each of its 2 parts\nChoice: " in shown
    assert ("Part 1/2 of component.yaml: config.timeout\n\n<<<<<<< LOCAL\n60\n=======\n45\n>>>>>>> UPSTREAM\n\n" + PART) in shown
    assert "Part 2/2 of component.yaml: config.retries\n\n<<<<<<< LOCAL\n5\n=======\n3\n>>>>>>> UPSTREAM\n" in shown
    assert f"✓ Resolved: component.yaml (parts)\n✓ All conflicts of {NAME} are resolved\n" in shown
    assert shop.text() == far(60, 3, "new") and shop.refs() == ["base"]


def test_a_file_with_one_block_asks_the_designs_question_and_may_be_decided_by_key(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE}).conflict()
    shown = shop.type_in("x\np\n2\n1\n")
    assert PROMPT in shown and "p decides each of its 2 parts" in shown
    assert shop.text() == manifest(45, 5, "  max_retries: 3\n")


def test_one_part_is_the_file(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE}).conflict({"component.yaml": manifest(60, 1)},
                                                             {"component.yaml": manifest(45, 1)})
    assert "1, 2, 3 or 4; b shows" in shop.type_in("p\n2\n") and shop.text() == manifest(45, 1)


def test_each_hunk_of_a_text_is_decided_for_itself(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE, "notes": TEXT.format("two", "eight")})
    shop.conflict({"notes": TEXT.format("zwei", "acht")}, {"notes": TEXT.format("deux", "huit")})
    shown = shop.type_in("p\n2\n1\n")
    assert "Part 1/2 of notes: line 2\n\n<<<<<<< LOCAL\nzwei\n=======\ndeux\n>>>>>>> UPSTREAM\n" in shown
    assert shop.text("notes") == TEXT.format("deux", "acht")


def test_what_is_decided_of_a_file_is_kept_and_gone_on_with(shop):
    before = shop.files()
    shown = shop.type_in("p\n1\n4\n", status=7)
    assert "1 of 1 conflicts of lookup is left" in shown and shop.files() == before
    shown = shop.type_in("p\n2\n")
    # What is shown of the file is what is open still.
    assert "<<<<<<< LOCAL\n  retries: 5\n=======\n  retries: 3\n>>>>>>> UPSTREAM" in shown and "timeout: 45" not in shown
    assert "Part 1/2" not in shown and "Part 2/2 of component.yaml: config.retries" in shown
    assert shop.text() == far(60, 3, "new")


def test_a_preference_decides_the_parts_that_are_open(shop):
    shop.type_in("p\n1\nq\n", status=7)
    assert "✓ Resolved: component.yaml (parts)" in shop.resolve("--prefer-upstream").lines
    assert shop.text() == far(60, 3, "new")


def test_markers_are_written_for_the_parts_that_are_open(shop):
    shop.type_in("p\n2\nq\n", status=7)
    shop.resolve("--strategy", "manual")
    assert shop.text().count("<<<<<<<") == 1 and "timeout: 45\n" in shop.text()
    shop.local({"component.yaml": far(45, 7)})
    shop.resolve("--continue")
    assert shop.text() == far(45, 7)


def test_the_base_of_a_part_is_shown_and_the_file_can_be_gone_back_to(shop):
    shown = shop.type_in("p\nb\nx\nf\n2\n")
    assert "Choice: 30\n" in shown and "f goes back to the file" in shown
    assert shown.count("Choose resolution:") == 2 and shop.text() == far(45, 3, "new")


def test_the_editor_gets_the_file_with_what_is_decided(shop):
    env = shop.editor(f'cp "$1" "{shop.folder}/seen"; sed -i "/^[<=>]\\{{7\\}}/d; /retries: 5/d" "$1"')
    shown = shop.type_in("p\n2\n3\n", env=env)
    seen = (shop.folder / "seen").read_text()
    assert "timeout: 45\n" in seen and seen.count("<<<<<<<") == 1
    assert "✓ Resolved: component.yaml (edited)" in shown and shop.text() == far(45, 3, "new")


def test_parts_that_break_the_schema_together_are_told(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": far(30, 1), "schema.json": SCHEMA.replace("50", "99")})
    shop.conflict({"component.yaml": far(60, 5)}, {"component.yaml": far(45, 3), "schema.json": SCHEMA})
    shown = shop.type_in("p\n1\n2\nq\n", status=7)
    assert "✓ Resolved: component.yaml (parts)" in shown and "schema: config.timeout" in shown
    assert shop.pending()[0]["conflicts"][0]["type"] == "schema"


def test_the_document_names_the_parts(shop):
    shop.type_in("p\n1\nq\n", status=7)
    entry = shop.resolve("--strategy", "merge", "--format", "json", status=7).json["components"][0]
    assert entry["left"][0]["parts"] == [{"place": "config.timeout", "resolution": "local"},
                                         {"place": "config.retries", "resolution": None}]


def test_a_command_killed_between_two_parts_has_kept_the_first(shop):
    child = shop.start("sync", "resolve", NAME, "--interactive", stdin=subprocess.PIPE)
    child.stdin.write("p\n1\n")
    child.stdin.flush()
    for line in child.stdout:
        if "Part 2/2" in line:
            break
    kill(child)
    shop.resolve("--prefer-upstream")
    assert shop.text() == far(60, 3, "new")


def test_keys_with_odd_names_are_kept_too(tmp_path):
    odd = '"a\\nb": {}\nx: 1\ny: 2\nz: 3\nw: 4\n"c.d": {}\n'
    shop = Shop(tmp_path, {"component.yaml": BASE, "odd.yaml": odd.format(1, 1)})
    shop.conflict({"odd.yaml": odd.format(2, 2)}, {"odd.yaml": odd.format(3, 3)})
    shop.type_in("p\n1\nq\n", status=7)
    shop.type_in("p\n2\n")
    assert shop.text("odd.yaml") == odd.format(2, 3)
