"""Journals backed up, restored, exported, imported and compacted: what commands say, and what is left when they are
killed anywhere."""

import json
import os
import random
import shutil
import signal
import subprocess

import pytest

import process
from daemons import Daemons, kill
from world import FORGE, Forge, finish_child

SEED = int(os.environ.get("FORGE_TEST_SEED") or random.randrange(1 << 32))
# How far apart the calls are that are picked by chance.
STEP = 1 if os.environ.get("FORGE_TEST_KILLS") else 8


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path)
    forge.configure()
    return forge


def fill(forge, count=40):
    forge.run("fork", "add", "tools", "--fork", "github.com/me/tools", "--upstream", "github.com/company/tools")
    forge.run("job", "submit", "noop", "--count", str(count))
    forge.run("queue", "pause")
    forge.run("job", "submit", "noop", "--count", "5", "--no-wait")


def verify(forge, *what):
    return forge.run("journal", "verify", *what, "--format", "json").json


def lines(forge):
    return forge.run("journal", "export").out.splitlines()


def other_home(forge, tmp_path, name):
    """A forge that has the journal in TMP_PATH/NAME."""
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    other = Forge(folder)
    other.configure()
    return other


# ---- backup and restore ---------------------------------------------------------------------------------------------


def test_a_restored_journal_has_the_same_id_chain_digest_and_answers(forge, tmp_path):
    fill(forge)
    before = verify(forge)
    shown = forge.run("journal", "backup", tmp_path / "b", "--format", "json").json
    assert shown.pop("file") == str(tmp_path / "b") and shown == {name: before[name] for name in shown}
    assert verify(forge, tmp_path / "b") == before
    there = other_home(forge, tmp_path, "there")
    restored = there.run("journal", "restore", tmp_path / "b", "--format", "json").json
    assert restored.pop("folder") == str(there.home / "journal") and restored.pop("replaced") is None
    assert restored == shown
    assert verify(there) == before and lines(there) == lines(forge)
    there.run("queue", "resume")
    batch = there.run("batch", "list", "--format", "json").json["batches"][0]["batch"]
    there.run("batch", "tail", batch, "--follow", "--quiet")
    assert there.run("batch", "show", batch, "--format", "json").json["counts"]["done"] == 5


def test_in_a_folder_a_backup_is_named_after_what_it_holds(forge, tmp_path):
    fill(forge)
    (tmp_path / "safe").mkdir()
    whole = verify(forge)
    shown = forge.run("journal", "backup", tmp_path / "safe")
    name = f"forge-journal-{whole['journal'][:8]}-{whole['last_seq']}.backup"
    assert os.listdir(tmp_path / "safe") == [name]
    for word in (name, whole["journal"], f"sequence {whole['last_seq']}", whole["digest"][:12]):
        assert word in shown.out
    assert "is there already" in forge.run("journal", "backup", tmp_path / "safe", status=7).err


def test_a_backup_beside_a_running_scheduler_is_whole(world, tmp_path):
    daemons = Daemons(world, f"ipc://{tmp_path}/s.sock")
    try:
        daemons.scheduler()
        daemons.worker()
        running = world.start("job", "submit", "noop", "--count", "20000", "--duration", "0", "--quiet")
        for i in range(5):
            shown = world.run("journal", "backup", tmp_path / str(i), "--format", "json").json
            assert verify(world, tmp_path / str(i))["digest"] == shown["digest"]
        finish_child(running)
        end = world.run("journal", "stats", "--format", "json").json
        last = world.run("journal", "backup", tmp_path / "last", "--format", "json").json
        assert last["last_seq"] >= end["last_seq"]
    finally:
        daemons.stop()


def test_what_happened_after_the_backup_is_done_again_and_harms_nothing(world, tmp_path):
    fork = world.one(behind=2)
    world.run("journal", "backup", tmp_path / "b")
    assert world.sync()["forks"][0]["status"] == "fast_forwarded"
    tip = world.tip(fork.repository)
    assert tip == world.tip(fork.upstream)
    world.run("journal", "restore", tmp_path / "b", "--force")
    entry = world.sync()["forks"][0]
    assert entry["status"] == "up_to_date" and world.tip(fork.repository) == tip


def test_a_lease_in_a_backup_expires_and_its_job_runs_again(world, tmp_path):
    fork = world.one(behind=2)
    gate = world.server.hold_pushes(world.repository(fork.repository))
    child = world.start("fork", "sync", "--all", "--format", "json")
    gate.wait_reached()
    world.run("journal", "backup", tmp_path / "b")
    gate.remove()
    gate.open()
    assert finish_child(child).json["succeeded"] == 1
    there = other_home(world, tmp_path, "there")
    there.hosts = world.hosts
    there.configure()
    there.run("journal", "restore", tmp_path / "b")
    batch = there.run("batch", "list", "--format", "json").json["batches"][0]["batch"]
    there.run("batch", "tail", batch, "--follow", "--quiet")
    shown = there.run("batch", "show", batch, "--format", "json").json
    assert shown["counts"]["done"] == 1
    assert world.tip(fork.repository) == world.tip(fork.upstream)


def test_restore_moves_what_is_there_aside_only_with_force(forge, tmp_path):
    fill(forge)
    forge.run("journal", "backup", tmp_path / "b")
    backed_up = verify(forge)
    forge.run("queue", "resume")
    newer = verify(forge)
    refused = forge.run("journal", "restore", tmp_path / "b", status=7)
    assert "holds a journal, or something else; --force" in refused.err and verify(forge) == newer
    shown = forge.run("journal", "restore", "--force", tmp_path / "b", "--format", "json").json
    assert verify(forge) == backed_up
    assert verify(forge, shown["replaced"]) == newer
    assert sorted(os.listdir(forge.home)) == ["config.yaml", "journal", "journal.replaced-1"]


def test_a_damaged_backup_restores_nothing(forge, tmp_path):
    fill(forge)
    forge.run("journal", "backup", tmp_path / "b")
    before = verify(forge)
    data = bytearray((tmp_path / "b").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "b").write_bytes(data)
    refused = forge.run("journal", "restore", "--force", tmp_path / "b", "--format", "json", status=1)
    assert refused.json["error"]["code"] == "JOURNAL_DAMAGED"
    assert verify(forge) == before and sorted(os.listdir(forge.home)) == ["config.yaml", "journal"]


# ---- export and import ----------------------------------------------------------------------------------------------


def test_an_imported_export_has_the_same_lines_and_its_own_event(forge, tmp_path):
    fill(forge)
    exported = lines(forge)
    (tmp_path / "e.jsonl").write_text("\n".join(exported) + "\n")
    there = other_home(forge, tmp_path, "there")
    shown = there.run("journal", "import", tmp_path / "e.jsonl", "--format", "json").json
    assert shown["journal"] != verify(forge)["journal"]
    *same, own = lines(there)
    own = json.loads(own)
    assert same == exported and own["type"] == "journal_imported"
    assert own["data"] == {"digest": shown["import_digest"], "first_seq": 1, "last_seq": len(exported)}
    assert there.run("fork", "list", "--format", "json").json == forge.run("fork", "list", "--format", "json").json
    again = there.run("journal", "import", tmp_path / "e.jsonl", status=7)
    assert "holds a journal" in again.err


def test_an_import_names_the_line_it_refuses_and_makes_nothing(forge, tmp_path):
    fill(forge)
    exported = lines(forge)
    there = other_home(forge, tmp_path, "there")
    wrong = [(exported[:3] + ['{"seq":4,"time":"2026-01-15T10:30:00Z","type":"moved","data":{}}'], ":4: type: "),
             (exported[:5] + exported[6:], ":6: sequence 7 where 6 should follow"),
             (exported[1:], "part of a journal"),
             ([line.replace('"attempts":[1', '"attempts":[2') for line in exported], "make no state: event ")]
    for text, says in wrong:
        (tmp_path / "e.jsonl").write_text("\n".join(text) + "\n")
        assert says in there.run("journal", "import", tmp_path / "e.jsonl", status=6).err
        assert os.listdir(there.home) == ["config.yaml"]


# ---- compact --------------------------------------------------------------------------------------------------------


def test_compact_keeps_the_state_and_says_what_is_gone(forge, tmp_path):
    fill(forge, 2000)
    before = verify(forge)
    rows = [forge.run(*words, "--format", "json").json for words in
            (("fork", "list"), ("batch", "list", "--all"), ("job", "list"))]
    forge.run("journal", "backup", tmp_path / "before")
    shown = forge.run("journal", "compact", "--keep", "0", "--format", "json").json
    after = verify(forge)
    assert shown["digest"] == after["digest"] and shown["removed"] > 2000
    assert after["first_seq"] == shown["first_seq"] > 2000 and after["last_seq"] > before["last_seq"]
    assert rows == [forge.run(*words, "--format", "json").json for words in
                    (("fork", "list"), ("batch", "list", "--all"), ("job", "list"))]
    # What is gone says so, wherever it is asked for; without a number there is no question.
    gone = forge.run("journal", "export", "--from", "1", status=8)
    assert f"the first event there is has sequence {after['first_seq']}" in gone.err
    closed = [row["batch"] for row in rows[1]["batches"] if row["state"] == "closed"]
    for words in (("batch", "show", closed[0]), ("batch", "tail", closed[0]), ("job", "show", closed[0] + ".1")):
        assert "compacted" in forge.run(*words, status=8).err
    assert json.loads(lines(forge)[0])["seq"] == after["first_seq"]
    assert forge.run("journal", "tail").out.splitlines()
    # The open batch is all there, and goes on.
    batch = [row["batch"] for row in rows[1]["batches"] if row["state"] == "open"][0]
    forge.run("queue", "resume")
    forge.run("batch", "tail", batch, "--follow", "--quiet")
    assert forge.run("batch", "show", batch, "--format", "json").json["counts"]["done"] == 5
    # A backup made before has everything.
    assert verify(forge, tmp_path / "before") == before


def test_compact_gives_space_back(forge, tmp_path):
    # Names of events that do not compress away.
    rows = [f'{{"seq":{seq},"time":"2026-01-15T10:30:00Z","type":"queue_paused","data":{{"actor":"'
            f'{random.Random(seq).randbytes(400).hex()}"}}}}' for seq in range(1, 20001)]
    (tmp_path / "e.jsonl").write_text("\n".join(rows) + "\n")
    forge.run("journal", "import", tmp_path / "e.jsonl")
    before = sum(file.stat().st_size for file in (forge.home / "journal" / "records").iterdir())
    assert before > 4_000_000
    shown = forge.run("journal", "compact", "--keep", "100", "--format", "json").json
    after = sum(file.stat().st_size for file in (forge.home / "journal" / "records").iterdir())
    # Whole records alone are removed, and an import packs hundreds of events into one.
    assert after < before / 10 and shown["bytes_before"] > shown["bytes"]
    assert len(lines(forge)) >= 100


def test_compact_keeps_what_it_is_told_to(forge):
    fill(forge)
    whole = verify(forge)
    assert forge.run("journal", "compact", "--format", "json").json["removed"] == 0
    assert forge.run("journal", "compact", "--keep", "1000000", "--format", "json").json["removed"] == 0
    shown = forge.run("journal", "compact", "--keep", "10", "--format", "json").json
    assert 0 < shown["removed"] <= whole["last_seq"] - 10
    for word in ("ten", "-1", "3w", "d", "10 d", ""):
        assert "--keep" in forge.run("journal", "compact", f"--keep={word}", status=2).err


def test_compact_refuses_a_journal_that_is_held_or_not_there(world, tmp_path):
    assert "there is no journal" in world.run("journal", "compact", tmp_path / "none", status=6).err
    assert not (tmp_path / "none").exists()
    daemons = Daemons(world, f"ipc://{tmp_path}/s.sock")
    try:
        scheduler = daemons.scheduler()
        world.run("fork", "add", "a", "--fork", "github.com/a/a", "--upstream", "github.com/b/a")
        before = world.events()
        for words in (("compact",), ("restore", tmp_path / "b", "--force")):
            if words[0] == "restore":
                world.run("journal", "backup", tmp_path / "b")
            refused = world.run("journal", *words, status=75)
            assert str(scheduler.pid) in refused.err
        assert world.events() == before
        kill(scheduler)
        # After an unclean stop, too.
        world.run("journal", "compact", "--keep", "0")
        daemons.scheduler()
        assert [fork["name"] for fork in world.run("fork", "list", "--format", "json").json["forks"]] == ["a"]
    finally:
        daemons.stop()


# ---- killed anywhere ------------------------------------------------------------------------------------------------


def can_trace():
    try:
        return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False).returncode == 0
    except FileNotFoundError:
        return False


# Every call of a name that EACH has is one to be killed at; of the others some are passed over by chance.
EACH = ("fdatasync", "rename,renameat,renameat2", "pwrite64")
SOME = ("fsync", "unlink,unlinkat", "write")


def kill_everywhere(forge, arguments, prepare, check, each=EACH, some=SOME):
    """Runs the command under strace, killed at one call after another until it gets through; CHECK judges each time."""
    if not can_trace():
        pytest.skip("no strace")
    print(f"FORGE_TEST_SEED={SEED}")
    chance = random.Random(SEED)
    for call in (*each, *some):
        when, killed = 1, True
        while killed:
            prepare()
            child = process.start(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={when}",
                                   str(FORGE), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=forge.env)
            ended = finish_child(child)
            killed = ended.status in (-signal.SIGKILL, 128 + signal.SIGKILL)
            assert killed or ended.status == 0, f"{call}:{when}: {ended}"
            check(f"{call}:{when}", killed)
            when += 1 if call in each else chance.randint(1, STEP)


@pytest.fixture
def filled(forge, tmp_path):
    """A forge with a history, and a function that sets its journal back to that."""
    fill(forge)
    journal, original = forge.home / "journal", tmp_path / "original"
    shutil.copytree(journal, original)

    def reset():
        for left in forge.home.glob("journal*"):
            shutil.rmtree(left)
        shutil.copytree(original, journal)

    forge.reset = reset
    return forge


def test_compact_killed_anywhere_leaves_the_old_or_the_new(filled):
    before = verify(filled)
    filled.run("journal", "compact", "--keep", "0")
    done = verify(filled)
    # The state is told by the digest, which depends on where the journal ends and on nothing else.
    digests = {before["last_seq"]: before["digest"], done["last_seq"]: done["digest"]}
    seen = set()

    def check(what, killed):
        after = verify(filled)
        assert after["digest"] == digests[after["last_seq"]], what
        assert after["first_seq"] in (1, done["first_seq"]), what
        assert after["first_seq"] == 1 or after["last_seq"] == done["last_seq"], what
        seen.add((after["first_seq"], after["last_seq"], killed))
        filled.run("journal", "compact", "--keep", "0")
        again = verify(filled)
        assert again["first_seq"] == done["first_seq"] or again["last_seq"] > done["last_seq"], what

    kill_everywhere(filled, ["journal", "compact", "--keep", "0"], filled.reset, check)
    assert {(1, before["last_seq"], True), (1, done["last_seq"], True), (done["first_seq"], done["last_seq"], True),
            (done["first_seq"], done["last_seq"], False)} <= seen


def test_restore_killed_anywhere_leaves_the_old_or_the_new(filled, tmp_path):
    filled.run("journal", "backup", tmp_path / "b")
    new = verify(filled)
    filled.run("queue", "resume")
    old = verify(filled)
    shutil.rmtree(tmp_path / "original")
    shutil.copytree(filled.home / "journal", tmp_path / "original")
    seen = set()

    def check(what, killed):
        now = verify(filled)
        assert now in (old, new), what
        if now == new:
            assert verify(filled, filled.home / "journal.replaced-1") == old, what
        seen.add((now == new, killed))
        filled.run("journal", "restore", "--force", tmp_path / "b")
        assert verify(filled) == new, what
        assert not (filled.home / "journal.making").exists(), what
        kept = [verify(filled, folder) for folder in filled.home.glob("journal.replaced-*")]
        assert old in kept, what

    kill_everywhere(filled, ["journal", "restore", "--force", tmp_path / "b"], filled.reset, check,
                    each=("rename,renameat,renameat2", "fsync"), some=("fdatasync", "unlink,unlinkat", "write"))
    assert {(False, True), (True, True), (True, False)} <= seen


def test_backup_and_import_killed_anywhere_leave_nothing_or_the_whole(filled, tmp_path):
    before = verify(filled)
    (tmp_path / "e.jsonl").write_text("\n".join(lines(filled)) + "\n")
    target, made = tmp_path / "b", tmp_path / "made"

    def check_backup(what, killed):
        assert target.exists() or killed, what
        assert not target.exists() or verify(filled, target) == before, what

    def check_import(what, killed):
        if made.exists():
            assert verify(filled, made)["last_seq"] == before["last_seq"] + 1, what
        else:
            assert killed, what
            filled.run("journal", "import", tmp_path / "e.jsonl", made)

    kill_everywhere(filled, ["journal", "backup", target], lambda: target.unlink(missing_ok=True), check_backup)
    kill_everywhere(filled, ["journal", "import", tmp_path / "e.jsonl", made],
                    lambda: shutil.rmtree(made, ignore_errors=True), check_import,
                    each=("rename,renameat,renameat2",), some=("fdatasync", *SOME))
