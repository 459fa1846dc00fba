"""sync conflicts and sync resolve: every way out of a pending pull, and nothing lost on the way."""

import re
import subprocess

import pytest

from shop import BASE, FOLDER, LOCAL, NAME, PROMPT, SCHEMA, UPSTREAM, Shop, manifest
from world import finish_child, kill


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


# ---- listing ----


def test_the_list_names_type_path_and_place(shop):
    shop.conflict()
    assert shop.run("sync", "conflicts", "list").out == (
        f"Component: {NAME}\nConflicts:\n"
        f"  1. content: {FOLDER}/component.yaml (config.timeout, config.retry_count)\n")
    assert shop.pending() == [{"component": NAME, "conflicts": [
        {"number": 1, "type": "content", "path": f"{FOLDER}/component.yaml",
         "place": "config.timeout, config.retry_count"}]}]


def test_a_conflict_in_the_schema_is_listed_as_one(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE, "schema.json": '{"a": 1}\n'})
    shop.conflict({"schema.json": '{"a": 2}\n', "component.yaml": LOCAL},
                  {"schema.json": '{"a": 3}\n', "component.yaml": UPSTREAM})
    assert shop.run("sync", "conflicts", "list", NAME).out.splitlines()[2:] == [
        f"  1. content: {FOLDER}/component.yaml (config.timeout, config.retry_count)",
        f"  2. schema: {FOLDER}/schema.json (a)"]


def test_nothing_pending_is_a_remark(shop):
    result = shop.run("sync", "conflicts", "list")
    assert result.out == "" and "no conflicts" in result.err
    assert shop.pending() == []
    assert shop.run("sync", "conflicts", "list", "nobody", status=8).err


# ---- preferences ----


@pytest.mark.parametrize("options, timeout, retry_count, word", [
    (["--prefer-local"], 60, 5, "local"), (["--strategy", "ours"], 60, 5, "local"),
    (["--prefer-upstream"], 45, 3, "upstream"), (["--strategy", "theirs"], 45, 3, "upstream")])
def test_a_preference_settles_what_conflicts_and_keeps_what_merged(shop, options, timeout, retry_count, word):
    shop.conflict()
    assert shop.resolve(*options).out == (
        f"✓ Resolved: component.yaml ({word})\n✓ All conflicts of {NAME} are resolved\n")
    assert shop.text() == manifest(timeout, retry_count, "  max_retries: 3\n")
    assert shop.text("README.md") == "new\n"
    assert shop.refs() == ["base"] and shop.pending() == []
    assert shop.status() == ("synced" if word == "upstream" else "modified")


def test_forge_lock_moves_with_the_files(shop):
    before = (shop.ws / "forge.lock").read_text()
    shop.conflict()
    assert (shop.ws / "forge.lock").read_text() == before
    shop.resolve("--prefer-local")
    assert f"commit: {shop.git('rev-parse', 'main')}" in (shop.ws / "forge.lock").read_text()


def test_the_document_says_what_became_of_each(shop):
    shop.conflict()
    entry = shop.resolve("--prefer-local", "--format", "json").json["components"][0]
    assert (entry["component"], entry["status"], entry["error"], entry["left"]) == (NAME, "done", None, [])
    assert [(one["number"], one["path"], one["resolution"]) for one in entry["resolved"]] == [
        (1, "component.yaml", "local")]


WHOLE_LOCAL = {"bin": b"L\0b", "gone": None, "was": "local\n", "link": "-> bin", "kept": "local\n"}
WHOLE_UPSTREAM = {"bin": b"U\0b", "gone": "changed\n", "was": None, "was/in": "in\n", "was/sub/deep": "deep\n",
                  "link": "-> component.yaml", "kept": None}
WHOLE_BASE = {"component.yaml": BASE, "bin": b"a\0b", "gone": "here\n", "was": "base\n", "link": "-> gone",
              "kept": "base\n"}


def test_whole_files_take_one_side_or_its_absence(tmp_path):
    for side, expected in (("local", WHOLE_LOCAL), ("upstream", WHOLE_UPSTREAM)):
        (tmp_path / side).mkdir()
        shop = Shop(tmp_path / side, WHOLE_BASE)
        shop.conflict(WHOLE_LOCAL, WHOLE_UPSTREAM)
        shop.resolve(f"--prefer-{side}")
        want = {path: content.encode() if isinstance(content, str) and not content.startswith("->") else content
                for path, content in {"component.yaml": BASE, **expected}.items() if content is not None}
        assert shop.files() == want
        assert shop.status() == ("synced" if side == "upstream" else "modified")


def test_union_takes_both_where_it_can_and_leaves_the_rest(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE, "notes": "a\n", "bin": b"a\0b"})
    shop.conflict({"notes": "local\n", "bin": b"L\0b"}, {"notes": "upstream\n", "bin": b"U\0b"})
    result = shop.resolve("--strategy", "union", status=7)
    assert "✓ Resolved: notes (merged)" in result.lines and "✗ Left: bin (content)" in result.lines
    assert shop.text("notes") == "local\n" and len(shop.pending()) == 1
    result = shop.resolve("--prefer-upstream")
    assert result.lines == ["✓ Resolved: bin (upstream)", "✓ Resolved: notes (merged)",
                            f"✓ All conflicts of {NAME} are resolved"]
    assert shop.text("notes") == "local\nupstream\n" and shop.files()["bin"] == b"U\0b"


def test_merge_again_changes_nothing_while_something_remains(shop):
    shop.conflict()
    before, refs = shop.files(), shop.refs()
    document = shop.resolve("--strategy", "merge", "--format", "json", status=7).json
    assert [one["path"] for one in document["components"][0]["left"]] == ["component.yaml"]
    assert shop.files() == before and shop.refs() == refs


def test_merge_again_follows_a_rule_that_was_set_since(shop):
    shop.conflict({"component.yaml": BASE.replace("1.0.0", "1.1.0")}, {"component.yaml": BASE.replace("1.0.0", "1.2.0")})
    shop.configure("sync: {version_conflict: higher}\n")
    assert "✓ Resolved: component.yaml (merged)" in shop.resolve("--strategy", "merge").lines
    assert shop.text() == BASE.replace("1.0.0", "1.2.0")


def test_a_version_that_was_wanted_is_the_one_in_the_lock(tmp_path):
    shop = Shop(tmp_path)
    shop.git("tag", "v1.0.0")
    shop.git("push", "-q", "--tags", shop.up)
    shop.run("install", f"file://{shop.up}#{NAME}@^1.0")
    shop.local({"component.yaml": LOCAL})
    shop.upstream({"component.yaml": UPSTREAM}, tag="v1.1.0")
    shop.run("sync", "pull", NAME, "--merge", status=7)
    shop.resolve("--prefer-local")
    assert "version: 1.1.0" in (shop.ws / "forge.lock").read_text()
    info = shop.run("info", NAME, "--format", "json").json
    assert (info["version"], info["version_constraint"]) == ("1.1.0", "^1.0")


def test_with_checkpoints_the_resolution_becomes_one(shop):
    shop.local({"component.yaml": LOCAL})
    store = shop.ws / ".forge" / "repository"
    place = ("-C", store, f"--work-tree={shop.ws / FOLDER}")
    shop.git(*place, "add", "-A", ".", cwd=shop.ws / FOLDER)
    tree = shop.git(*place, "write-tree")
    base = shop.git("rev-parse", f"refs/forge/{NAME}/base", cwd=store)
    checkpoint = shop.git("-c", "core.bare=true", "commit-tree", "-p", base, "-m", "Mine", tree, cwd=store)
    shop.git("update-ref", f"refs/forge/{NAME}/local", checkpoint, cwd=store)
    (store / "index").unlink()
    shop.conflict()
    shop.resolve("--prefer-local")
    assert shop.refs() == ["base", "local"]
    parents, text = shop.git("log", "-1", "--format=%P", f"refs/forge/{NAME}/local", cwd=store).split(), shop.git(
        "show", f"refs/forge/{NAME}/local:component.yaml", cwd=store)
    assert text == shop.text().strip() and parents[1] == shop.git("rev-parse", f"refs/forge/{NAME}/base", cwd=store)
    assert checkpoint in shop.git("rev-list", parents[0], cwd=store).split()


# ---- a rule that is broken ----


NEEDY = """\
apiVersion: forge.dev/v1
kind: Tool
metadata: {name: needy, version: 1.0.0}
dependencies:
  tools:
    - {component: lookup, version_constraint: ^1.0}
"""


@pytest.mark.parametrize("side", ["local", "upstream"])
def test_a_version_that_does_not_fit_is_accepted_or_the_pull_given_up(shop, side):
    shop.upstream({"component.yaml": NEEDY}, "components/tools/needy")
    shop.run("install", f"file://{shop.up}#needy")
    before, lock = shop.files(), (shop.ws / "forge.lock").read_text()
    shop.upstream({"component.yaml": BASE.replace("1.0.0", "2.0.0")})
    shop.run("sync", "pull", NAME, status=7)
    assert shop.run("sync", "conflicts", "list").out.splitlines()[2] == (
        f"  1. version: {FOLDER}/component.yaml (needy needs lookup ^1.0, upstream has 2.0.0)")
    shown = shop.resolve(f"--prefer-{side}").out
    assert shop.pending() == [] and shop.refs() == ["base"]
    if side == "local":
        assert "the pull is given up" in shown
        assert shop.files() == before and (shop.ws / "forge.lock").read_text() == lock
        assert shop.status() == "outdated"
    else:
        assert shop.text() == BASE.replace("1.0.0", "2.0.0") and shop.status() == "synced"


def test_a_result_that_breaks_the_schema_takes_one_sides_file(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE, "schema.json": SCHEMA.replace("50", "99")})
    shop.conflict({"component.yaml": manifest(60, 1)}, {"schema.json": SCHEMA})
    assert shop.pending()[0]["conflicts"][0]["type"] == "schema"
    shop.resolve("--strategy", "merge", status=7)
    shop.resolve("--prefer-upstream")
    assert shop.text() == BASE and shop.text("schema.json") == SCHEMA


# ---- asking ----


def test_the_question_is_the_designs_and_choices_are_its(shop):
    shop.conflict()
    shown = shop.type_in("x\nb\n2\n")
    assert ("Conflict 1/1: component.yaml\n\n<<<<<<< LOCAL\n  timeout: 60\n  retry_count: 5\n=======\n  timeout: 45\n"
            "  retry_count: 3\n>>>>>>> UPSTREAM\n\n" + PROMPT) in shown
    assert "1, 2, 3 or 4; b shows the base's version" in shown and BASE in shown
    assert shown.endswith(f"✓ Resolved: component.yaml (upstream)\n✓ All conflicts of {NAME} are resolved\n")
    assert shop.text() == UPSTREAM


def test_choices_are_kept_and_a_later_command_goes_on(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE, "a": "a\n", "b": "b\n", "c": "c\n"})
    shop.conflict({path: f"local {path}\n" for path in "abc"}, {path: f"upstream {path}\n" for path in "abc"})
    before = shop.files()
    shown = shop.type_in("1\n4\nq\n", status=7)
    assert "✓ Resolved: a (local)" in shown and "2 of 3 conflicts of lookup are left" in shown
    assert shop.files() == before
    shown = shop.type_in("2\nq\n", "--interactive", status=7)
    assert "Conflict 1/3" not in shown and "Conflict 2/3: b" in shown and "1 of 3 conflicts of lookup is left" in shown
    shop.resolve("--prefer-upstream")
    assert [shop.text(path) for path in "abc"] == ["local a\n", "upstream b\n", "upstream c\n"]


def test_an_edited_file_is_taken_once_no_marker_is_left(shop):
    shop.conflict()
    env = shop.editor(f'''n=$(cat "{shop.folder}/n" 2>/dev/null || echo 0); echo $((n + 1)) >"{shop.folder}/n"
case $n in 0) exit 3 ;; 1) echo "<<<<<<< LOCAL" >>"$1" ;;
*) sed -i "/^[<=>]\\{{7\\}}/d; /timeout: 60/d; /retry_count: 5/d; s/45/77/" "$1" ;; esac''')
    shown = shop.type_in("3\n3\n3\n", env=env)
    assert "ended with status 3" in shown and "a conflict's marker still" in shown
    assert "✓ Resolved: component.yaml (edited)" in shown
    assert shop.text() == manifest(77, 3, "  max_retries: 3\n")


def test_an_editor_that_is_not_there_is_said_and_asked_about_again(shop):
    shop.conflict()
    shown = shop.type_in("3\n1\n", env={"VISUAL": "/nowhere/editor"})
    assert "was not found" in shown and shop.text() == manifest(60, 5, "  max_retries: 3\n")


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE, "t": "a\n"})
    shop.conflict({"t": "\x1b[2Jlocal\n"}, {"t": "upstream\x07\n"})
    shown = shop.type_in("q\n", status=7)
    assert "\x1b[2J" not in shown and "\x07" not in shown and "local" in shown


def test_without_a_terminal_one_option_is_needed(shop):
    shop.conflict()
    for options in ((), ("--prefer-local", "--abort"), ("--strategy", "mine"), ("-i", "--format", "json")):
        assert shop.resolve(*options, status=2).err or options
    assert "--prefer-upstream" in shop.resolve(status=2).err


def test_the_end_of_the_input_stops_as_q_does(shop):
    shop.conflict()
    assert "is left" in shop.resolve("--interactive", status=7, input="").out


def test_nothing_to_resolve_is_said(shop):
    assert "has no conflict" in shop.resolve("--prefer-local", status=1).err
    shop.run("sync", "resolve", "nobody", "--abort", status=8)


# ---- by hand ----


def test_markers_are_written_and_what_was_made_of_them_is_taken(shop):
    shop.conflict()
    shown = shop.resolve("--strategy", "manual").out
    assert "Conflict marked in: component.yaml" in shown and "--continue" in shown and "--abort" in shown
    assert "<<<<<<< LOCAL\n" in shop.text() and ">>>>>>> UPSTREAM\n" in shop.text()
    assert shop.text("README.md") == "new\n" and shop.status() == "conflict"
    assert re.search(r"component\.yaml:\d+: a conflict's marker is left", shop.resolve("--continue", status=7).err)
    shop.local({"component.yaml": manifest(50, 4), "README.md": None})
    assert "✓ Resolved: component.yaml (edited)" in shop.resolve("--continue").lines
    assert shop.files() == {"component.yaml": manifest(50, 4).encode()}
    assert shop.refs() == ["base"] and shop.status() == "modified"


@pytest.mark.parametrize("broken", [LOCAL.replace("kind: Tool", "kind: Tol"), "{"])
def test_files_that_are_no_component_any_more_do_not_continue(shop, broken):
    shop.conflict()
    shop.resolve("--strategy", "manual")
    shop.local({"component.yaml": broken})
    assert "component.yaml:" in shop.resolve("--continue", status=6).err
    assert shop.text() == broken and shop.status() == "conflict"
    shop.local({"component.yaml": LOCAL})
    shop.resolve("--continue")


def test_a_line_that_the_file_always_had_is_no_marker(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE, "doc.md": "Title\n=======\na\n"})
    shop.conflict({"doc.md": "Title\n=======\nlocal\n"}, {"doc.md": "Title\n=======\nupstream\n"})
    shop.resolve("--strategy", "manual")
    shop.local({"doc.md": "Title\n=======\nboth\n"})
    shop.resolve("--continue")


def test_continue_needs_markers_first(shop):
    shop.conflict()
    shop.resolve("--continue", status=2)
    assert shop.text() == LOCAL


def test_preferences_may_follow_markers_that_nobody_edited(shop):
    shop.conflict()
    shop.resolve("--strategy", "manual")
    shop.resolve("--prefer-upstream")
    assert shop.text() == UPSTREAM and shop.status() == "synced"


def test_abort_is_the_state_before_the_pull(shop):
    shop.local({"component.yaml": LOCAL, "mine": "mine\n"})
    before, lock = shop.files(), (shop.ws / "forge.lock").read_text()
    shop.conflict({"component.yaml": LOCAL})
    shop.resolve("--abort")
    assert shop.files() == before and shop.refs() == ["base"] and (shop.ws / "forge.lock").read_text() == lock
    assert shop.status() == "modified" and shop.pending() == []
    shop.run("sync", "pull", NAME, "--merge", status=7)
    shop.resolve("--strategy", "manual")
    assert shop.files() != before
    shop.resolve("--abort")
    assert shop.files() == before and shop.refs() == ["base"]


def test_abort_keeps_what_was_edited_behind_the_markers(shop):
    shop.conflict()
    shop.resolve("--strategy", "manual")
    shop.local({"component.yaml": manifest(52, 2)})
    shop.resolve("--abort")
    assert shop.text() == LOCAL and shop.refs() == ["base", "stash/1"]
    assert shop.git("show", f"refs/forge/{NAME}/stash/1:component.yaml",
                    cwd=shop.ws / ".forge" / "repository") == manifest(52, 2).strip()


def test_files_edited_without_markers_stay_at_an_abort(shop):
    shop.conflict()
    shop.local({"component.yaml": manifest(52, 2)})
    shop.resolve("--abort")
    assert shop.text() == manifest(52, 2)


# ---- meanwhile ----


def test_files_edited_since_the_pull_are_not_replaced(shop):
    shop.conflict()
    shop.local({"other": "mine\n"})
    before = shop.files()
    error = shop.resolve("--prefer-upstream", "--format", "json", status=7).json["error"]
    assert error["code"] == "EDITED_MEANWHILE" and "--abort" in error["message"]
    assert shop.files() == before and len(shop.pending()) == 1


def test_files_edited_while_somebody_is_asked_are_not_replaced(shop):
    shop.conflict()
    env = shop.editor(f'sed -i "/^[<=>]/d; /60\\|: 5$/d" "$1"; echo edited >"{shop.ws}/{FOLDER}/component.yaml"')
    shown = shop.type_in("3\n", env=env, status=7)
    assert "edited meanwhile" in shown and shop.text() == "edited\n"
    shop.local({"component.yaml": LOCAL})
    shown = shop.type_in("")  # nothing is open any more
    assert "✓ Resolved: component.yaml (edited)" in shown and shop.text() == manifest(45, 3, "  max_retries: 3\n")


@pytest.mark.parametrize("how", ["--prefer-upstream", "--abort"])
def test_a_command_killed_anywhere_leaves_one_state_or_the_other(shop, how):
    shop.conflict()
    if how == "--abort":
        shop.resolve("--strategy", "manual")
    begin = shop.files()
    end = {"component.yaml": LOCAL.encode()} if how == "--abort" else {
        "component.yaml": UPSTREAM.encode(), "README.md": b"new\n"}
    for at in shop.killed_runs(how):
        pending = shop.pending()
        assert shop.files() == (begin if pending else end), at
        if pending:
            shop.resolve(how)
        assert shop.files() == end and shop.refs() == ["base"] and shop.pending() == [], at
        assert shop.status() == ("modified" if how == "--abort" else "synced")


def test_markers_killed_anywhere_are_written_whole_by_the_next_command(shop):
    shop.conflict()
    begin = shop.files()
    for at in shop.killed_runs("--strategy", "manual", step=3):
        assert shop.files() == begin or "<<<<<<< LOCAL\n" in shop.text() and "README.md" in shop.files(), at
        if shop.files() == begin:
            assert shop.resolve("--continue", status=None).status in (2, 7), at
        shop.resolve("--strategy", "manual")
        assert "<<<<<<< LOCAL\n" in shop.text() and "README.md" in shop.files()
        shop.resolve("--abort")
        assert shop.files() == begin and shop.refs() == ["base"], at


def test_a_command_killed_while_it_asks_has_kept_the_choices(tmp_path):
    shop = Shop(tmp_path, {"component.yaml": BASE, "a": "a\n", "b": "b\n"})
    shop.conflict({"a": "local\n", "b": "local\n"}, {"a": "upstream\n", "b": "upstream\n"})
    child = shop.start("sync", "resolve", NAME, "--interactive", stdin=subprocess.PIPE)
    child.stdin.write("1\n")
    child.stdin.flush()
    for line in child.stdout:
        if line.startswith("Choice: Conflict 2/2"):
            break
    kill(child)
    shop.resolve("--prefer-upstream")
    assert (shop.text("a"), shop.text("b")) == ("local\n", "upstream\n")


def test_two_commands_at_once_resolve_it_once(shop):
    shop.conflict()
    results = [finish_child(child) for child in [shop.start("sync", "resolve", NAME, "--prefer-local") for _ in range(2)]]
    assert 0 in [result.status for result in results], results
    assert shop.text() == manifest(60, 5, "  max_retries: 3\n") and shop.refs() == ["base"] and shop.pending() == []
