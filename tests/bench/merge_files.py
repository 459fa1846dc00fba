#!/usr/bin/python3
"""Merges files of a real repository again that git could not merge, and compares with what people committed.

    make bench-merge REPOSITORY=DIR      or      tests/bench/merge_files.py DIR [--limit MERGES] [--list]

Every merge of two commits in DIR is made anew with git (directory renames off). The YAML and JSON files that
conflict go through `forge plumbing merge-file` with each version rule. Prints a table, then one line of JSON.
Nothing is written to DIR. Ends 1 if a result does not parse, or differs outside of what was merged.

"Parse": all versions do. "As committed": of what is resolved, what says the same as the merge that people made.
"Bytes outside": in lines that no version of the file has, that no key explains which changed, or in lines that both
sides have and the result lacks.
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

import yaml

RULES = ("conflict", "higher", "replay", "ours", "theirs")
SUFFIXES = (".yaml", ".yml", ".json")
ABSENT = object()


# ---- git ----

class Repository:
    """A repository that is only read: what git must write on the way goes to a folder of its own."""

    def __init__(self, folder, scratch):
        folder = subprocess.run(["git", "-C", folder, "rev-parse", "--absolute-git-dir"], check=True, text=True,
                                stdout=subprocess.PIPE).stdout.strip()
        self.environment = {**os.environ, "GIT_DIR": folder, "GIT_OBJECT_DIRECTORY": scratch,
                            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.path.join(folder, "objects"),
                            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
        self.reader = self.start("cat-file", "--batch")

    def start(self, *arguments):
        return subprocess.Popen(["git", "-c", "merge.directoryRenames=false", *arguments], env=self.environment,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def lines(self, *arguments):
        return self.start(*arguments).communicate()[0].decode().splitlines()

    def blob(self, name):
        """The bytes of NAME, or None."""
        self.reader.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
        self.reader.stdin.flush()
        header = self.reader.stdout.readline().split()
        if len(header) != 3 or header[1] == b"missing":
            return None
        data = self.reader.stdout.read(int(header[2]) + 1)[:-1]
        return data if header[1] == b"blob" else None

    def merges(self, limit):
        """(commit, ours, theirs) of merges of two commits, no pair twice."""
        seen = {}
        for line in self.lines("rev-list", "--all", "--min-parents=2", "--max-parents=2", "--parents"):
            commit, ours, theirs = line.split()
            seen.setdefault((ours, theirs), commit)
        found = [(commit, *pair) for pair, commit in seen.items()]
        return found[:limit] if limit else found

    def conflicts(self, ours, theirs):
        """path → {stage: object} of what git leaves in conflict."""
        run = subprocess.run(["git", "-c", "merge.directoryRenames=false", "merge-tree", "--write-tree", "-z",
                              "--no-messages", ours, theirs], env=self.environment, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=False)
        found = collections.defaultdict(dict)
        if run.returncode == 1:
            for entry in run.stdout.split(b"\0")[1:]:
                if entry:
                    meta, path = entry.split(b"\t", 1)
                    found[path.decode("utf-8", "surrogateescape")][meta.split()[2]] = meta.split()[1].decode()
        return found


def conflicted_files(repository, limit):
    for commit, ours, theirs in repository.merges(limit):
        for path, stages in repository.conflicts(ours, theirs).items():
            if not path.lower().endswith(SUFFIXES) or not {b"2", b"3"} <= stages.keys():
                continue
            committed = repository.blob(f"{commit}:{path}")
            if committed is None:
                continue
            versions = {name: repository.blob(stages[stage]) if stage in stages else None
                        for name, stage in (("base", b"1"), ("ours", b"2"), ("theirs", b"3"))}
            yield commit, path, {**versions, "committed": committed}


# ---- data ----

class CoreLoader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
    """YAML's core types, keys said once. Numbers are kept as they are spelled."""


def construct_scalar(loader, node):
    text = node.value
    if node.style is not None:
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+", text):
        return ("number", text)
    return text


def construct_map(loader, node):
    members = {}
    for key, value in node.value:
        name = key.value
        if name in members or not isinstance(key, yaml.ScalarNode) or (name == "<<" and key.style is None):
            raise ValueError(f"key {name!r}")
        members[name] = construct(loader, value)
    return members


def construct(loader, node):
    if isinstance(node, yaml.ScalarNode):
        return construct_scalar(loader, node)
    if isinstance(node, yaml.SequenceNode):
        return [construct(loader, item) for item in node.value]
    return construct_map(loader, node)


def unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def parse(path, data):
    """The data of DATA, or ABSENT if it is none."""
    try:
        text = data.decode("utf-8")
        if path.lower().endswith(".json"):
            return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=unique)
        loader = CoreLoader(text)
        node = loader.get_single_node()
        return None if node is None else construct(loader, node)
    except (ValueError, yaml.YAMLError, RecursionError):
        return ABSENT


def leaves(value, path=()):
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


# ---- what a result may change ----

def shape(line):
    """A line without what may follow from another line: its indentation, its comma, its line break."""
    return line.strip().removesuffix(",")


def key_of(line):
    match = re.match(r"""(?:-\s+)*(?:"([^"]*)"|'([^']*)'|([^\s:#][^:#]*?))\s*:(?:\s|$)""", line)
    return next((group for group in match.groups() if group is not None), None) if match else None


def bytes_outside(path, versions, text):
    """Bytes of lines in TEXT that neither side has and no changed key explains, and of lines lost that both have."""
    ours, theirs, got = (collections.Counter(map(shape, part.splitlines()))
                         for part in (versions["ours"].decode(), versions["theirs"].decode(), text))
    result = dict(leaves(parse(path, text.encode())))
    changed = set()
    for side in ("ours", "theirs"):
        there = dict(leaves(parse(path, versions[side])))
        for leaf in result.keys() | there.keys():
            if result.get(leaf, ABSENT) != there.get(leaf, ABSENT):
                changed.update(str(step) for step in leaf)
    invented = [line for line in got if line not in ours and line not in theirs and key_of(line) not in changed]
    base = collections.Counter(map(shape, (versions["base"] or b"").decode().splitlines()))
    lost = [line for line in ours & theirs
            if got[line] < min(ours[line], theirs[line], base[line]) and key_of(line) not in changed]
    return sum(len(line.encode()) for line in invented + lost)


# ---- forge ----

class Forge:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "plumbing", "merge-file"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def merge(self, path, versions, rule):
        question = {"path": path, "structured": True, "version_conflict": rule}
        for name in ("base", "ours", "theirs"):
            question[name] = versions[name].decode() if versions[name] is not None else None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.communicate()


def is_text(versions):
    try:
        return all(data is None or "\0" not in data.decode("utf-8") for data in versions.values())
    except UnicodeDecodeError:
        return False


def measure(repository, forge, options):
    count = collections.Counter()
    for commit, path, versions in conflicted_files(repository, options.limit):
        count["files"] += 1
        sides = [parse(path, versions[name]) for name in ("base", "ours", "theirs") if versions[name] is not None]
        if ABSENT in sides or not is_text(versions):
            continue
        count["parse"] += 1
        committed = parse(path, versions["committed"])
        for rule in RULES:
            answer = forge.merge(path, versions, rule)
            if "error" in answer or answer["conflicts"]:
                if options.list and rule == "conflict":
                    print(commit[:12], path, answer.get("error") or [at["path"] for at in answer["conflicts"]])
                continue
            merged = parse(path, answer["text"].encode())
            count["resolved", rule] += 1
            count["broken"] += merged is ABSENT
            count["equal", rule] += merged is not ABSENT and merged == committed
            if merged is not ABSENT:
                outside = bytes_outside(path, versions, answer["text"])
                count["outside"] += outside
                if options.list and (outside or (rule == "conflict" and merged != committed)):
                    print(commit[:12], path, rule, f"{outside} bytes outside" if outside else "not as committed")
    return count


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository")
    parser.add_argument("--limit", type=int, default=0, help="merges at most; 0: all")
    parser.add_argument("--list", action="store_true", help="name what is not resolved, or not as committed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        forge = Forge(os.environ.get("FORGE", "build/forge"))
        count = measure(Repository(options.repository, scratch), forge, options)
        forge.close()
    print(f"{'files':>8} {'parse':>8}")
    print(f"{count['files']:>8} {count['parse']:>8}\n")
    print(f"{'version rule':<14}{'resolved':>10}{'of parsed':>12}{'as committed':>14}{'of resolved':>13}")
    for rule in RULES:
        resolved, equal = count["resolved", rule], count["equal", rule]
        print(f"{rule:<14}{resolved:>10}{percent(resolved, count['parse']):>12}{equal:>14}"
              f"{percent(equal, resolved):>13}")
    print(f"\nresults that do not parse: {count['broken']}; bytes outside of changed keys: {count['outside']}\n")
    print(json.dumps({"bench": "merge_files", "files": count["files"], "parse": count["parse"],
                      "resolved": {rule: count["resolved", rule] for rule in RULES},
                      "as_committed": {rule: count["equal", rule] for rule in RULES},
                      "broken": count["broken"], "bytes_outside": count["outside"]}))
    return 1 if count["broken"] or count["outside"] else 0


if __name__ == "__main__":
    sys.exit(main())
