#!/usr/bin/python3
"""What `make lint` checks and no compiler does: layers, doors, banned functions, sizes, files that must be there.

Prints one `FILE:LINE: what is wrong` for each finding and ends 1 if there was any. Looks only at what git would
commit, so build folders and scratch files do not matter.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Folder → folders it may include from (itself always). The longest matching folder of a header counts.
LAYERS = {
    "journal/base": (),
    "journal": ("journal/base",),
    "queue": ("journal", "journal/base"),
    "scheduler": ("queue", "journal", "journal/base"),
    "worker/git": ("journal/base",),
    "worker/merge": ("worker/git", "journal/base"),
    "worker/remote": ("worker/git", "journal/base"),
    "worker/store": ("worker/remote", "worker/git", "journal/base"),
    "worker/content": ("worker/remote", "worker/git", "journal/base"),
    "worker/document": ("worker/merge", "journal/base"),
    "worker/component": ("worker/document", "worker/git", "journal/base"),
    "worker/resolve": ("worker/component", "journal/base"),
    "worker/workspace": ("worker/resolve", "worker/component", "worker/document", "worker/merge", "worker/git",
                         "journal/base"),
    # What all jobs share; a job's own folder is above it.
    "worker": ("worker/store", "worker/remote", "worker/git", "queue", "journal/base"),
    "worker/dependency": ("worker", "worker/workspace", "worker/resolve", "worker/component", "worker/store",
                          "worker/remote", "worker/git", "queue", "journal/base"),
    "worker/sync": ("worker", "worker/dependency", "worker/workspace", "worker/resolve", "worker/component", "worker/document", "worker/store",
                    "worker/merge", "worker/remote", "worker/git", "queue", "journal/base"),
    "worker/fork": ("worker", "worker/content", "worker/store", "worker/merge", "worker/remote", "worker/git", "queue",
                    "journal/base"),
    "cli": ("scheduler", "worker", "worker/fork", "worker/store", "worker/remote", "worker/merge", "worker/git", "worker/document",
            "worker/component", "worker/resolve", "worker/workspace", "worker/dependency", "worker/sync", "queue",
            "journal", "journal/base"),
}
# Beyond its layers, worker/ reads the schema of events, copies its messages, and takes nothing else of journal/.
EXCEPTIONS = {(folder, header) for folder in ("worker", "worker/fork", "worker/dependency", "worker/sync")
              for header in ("journal/events.pb-c.h", "journal/message.h")}

# Third-party header → the files that may include it. Tests may include anything.
DOORS = {
    r"git2(/.*)?\.h": r"worker/.*",
    r"curl/.*": r"worker/remote/(http|transport_http).*",
    r"zmq\.h": r"queue/bus.*",
    r"rocksdb/.*": r"journal/(journal_)?rocksdb.*",
    r"yaml\.h": r"journal/base/document.*",
    r"jansson\.h": r"journal/base/document.*",
    r"sodium.*": r"journal/base/hash\.c|queue/key_pair.*",
}

BANNED = {
    r"time|localtime|gmtime|ctime": "journal/base/clock.h reads the time",
    r"strcpy|strcat|sprintf|vsprintf|gets": "it knows no bound; use GLib's",
    r"strtok": "it keeps state; use g_strsplit()",
    r"atoi|atol|atof": "it cannot fail; use g_ascii_string_to_unsigned()",
    r"rand|random|srand": "the core is deterministic; ids come from journal/base/hash.h",
}
CLOCKS = r"g_get_real_time|g_get_monotonic_time|g_date_time_new_now\w*|clock_gettime|gettimeofday"

LINES_MAX = 600
MAKEFILE_LINES_MAX = 199
REQUIRED = ("LICENSE", "README.md", "Makefile", ".ci/run", *(f"{folder}/README.md" for folder in LAYERS),
            "tests/README.md")
TOP_LEVEL = {"Makefile", "scheduler", "worker", "journal", "queue", "cli", "deploy", "tests", "README.md", "LICENSE"}


def main():
    files = committed()
    findings = [*missing(files), *strangers(files)]
    for name in files:
        path = ROOT / name
        if name.endswith((".c", ".h", ".py", ".proto", ".def")):
            findings += size(name, path.read_text(encoding="utf-8"), LINES_MAX)
        if name == "Makefile":
            findings += size(name, path.read_text(encoding="utf-8"), MAKEFILE_LINES_MAX)
        if name.endswith((".c", ".h")) and layer_of(name):
            text = path.read_text(encoding="utf-8")
            findings += includes(name, text)
            findings += banned(name, without_comments_and_strings(text))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def committed():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted(name for name in set(listed.splitlines()) if (ROOT / name).is_file())


def layer_of(name):
    folder = name.rpartition("/")[0]
    while folder and folder not in LAYERS:
        folder = folder.rpartition("/")[0]
    return folder or None


def missing(files):
    return [f"{name}:1: is missing" for name in REQUIRED if name not in files]


def strangers(files):
    tops = {name.split("/")[0] for name in files}
    return [f"{top}:1: does not belong at the top level" for top in sorted(tops - TOP_LEVEL) if not top.startswith(".")]


def size(name, text, most):
    lines = text.count("\n")
    if lines > most:
        yield f"{name}:{lines}: longer than {most} lines; divide it"


def includes(name, text):
    layer = layer_of(name)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        own, header = match[1] == '"', match[2]
        if own and "/" not in header:
            yield f'{name}:{number}: name the folder: "{header}"'
        elif own and not may_include(layer, header):
            yield f"{name}:{number}: {layer}/ must not include {header}"
        for pattern, door in DOORS.items():
            if not own and re.fullmatch(pattern, header) and not re.fullmatch(door, name):
                yield f"{name}:{number}: <{header}> is for {door} alone"


def may_include(layer, header):
    target = layer_of(header)
    return target == layer or target in LAYERS[layer] or (layer, header) in EXCEPTIONS


def banned(name, code):
    for number, line in enumerate(code.splitlines(), 1):
        for pattern, why in BANNED.items():
            for match in re.finditer(rf"(?<![\w>.])({pattern})\s*\(", line):
                yield f"{name}:{number}: {match[1]}() is banned: {why}"
        if name != "journal/base/clock.c" and (match := re.search(rf"\b({CLOCKS})\s*\(", line)):
            yield f"{name}:{number}: {match[1]}() belongs to journal/base/clock.c alone"


def without_comments_and_strings(text):
    """TEXT with comments and the contents of literals blanked; lines stay where they are."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.S)


if __name__ == "__main__":
    sys.exit(main())
