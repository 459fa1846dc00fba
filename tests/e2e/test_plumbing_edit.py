"""`forge plumbing edit`: values set in texts, in place."""

import json


def ask(world, *questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    return [json.loads(line) for line in world.run("plumbing", "edit", input=lines).out.splitlines()]


def test_comments_order_and_quotes_stay(world):
    text = "# about\nconfig:\n  timeout: 30  # seconds\n  name: \"x\"\n"
    answers = ask(world, {"id": 1, "path": "component.yaml", "text": text,
                          "set": {"config.timeout": 60, "config.name": "y", "config.limits.cpu": "2"}})
    assert answers == [{"id": 1, "text": "# about\nconfig:\n  timeout: 60  # seconds\n  name: \"y\"\n"
                                         "  limits:\n    cpu: \"2\"\n"}]


def test_the_ending_of_the_name_says_that_it_is_json(world):
    answers = ask(world, {"path": "a/schema.json", "text": "{\n  \"a\": 1\n}\n", "set": {"b": [True]}})
    assert answers == [{"text": "{\n  \"a\": 1,\n  \"b\": [\n    true\n  ]\n}\n"}]


def test_what_is_wrong_is_said_and_the_next_line_is_answered(world):
    answers = ask(world,
                  {"path": "a.yaml", "text": "a: {{ .Values.x }}\n", "set": {"a": 1}},
                  {"path": "a.yaml", "text": "a: 1\n", "set": {"a..b": 1}},
                  {"path": "a.yaml", "text": "a: 1\n", "set": {"a.b": 1}},
                  {"path": "a.yaml", "text": "a: 1\n"},
                  {"path": "a.yaml", "text": "a: 1\n", "set": {"a": 2}})
    assert [list(answer) for answer in answers] == [["error"]] * 4 + [["text"]]
    assert answers[2]["error"] == "a.yaml: a: is no map"
