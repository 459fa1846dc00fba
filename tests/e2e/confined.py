#!/usr/bin/python3
"""Runs a command under what a unit file forbids: confined.py UNIT COMMAND…

System calls outside SystemCallFilter= and sockets outside RestrictAddressFamilies= fail with EPERM, memory is never both
written and executed, and no privileges are gained: what systemd does, without systemd.
"""

import ctypes
import os
import pathlib
import re
import struct
import subprocess
import sys

NUMBERS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
X86_64 = 0xC000003E
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1
SET_NO_NEW_PRIVS, SET_SECCOMP, SET_MDWE = 38, 22, 65


def settings(unit):
    found = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", pathlib.Path(unit).read_text(), re.M):
        found.setdefault(name, []).append(value)
    return found


def calls_of(names):
    """The system calls that NAMES, of calls and of @sets, stand for."""
    calls = set()
    for name in names:
        if not name.startswith("@"):
            calls.add(name)
            continue
        listed = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, stdout=subprocess.PIPE, text=True)
        members = [line.split()[0] for line in listed.stdout.splitlines()[1:] if line.strip() and "#" not in line]
        calls |= calls_of(members)
    return calls


def allowed(values):
    calls = set(calls_of(["@default"]))
    for value in values:
        if value.startswith("~"):
            calls -= calls_of(value[1:].split())
        else:
            calls |= calls_of(value.split())
    return calls


def program(numbers, families):
    """The filter, as BPF: the architecture, the families of socket(), then call by call."""
    def step(code, value, yes=0, no=0):
        return struct.pack("HBBI", code, yes, no, value)
    steps = [step(LOAD, 4), step(EQUAL, X86_64, 1, 0), step(RETURN, REFUSE), step(LOAD, 0)]
    checks = [step(LOAD, 16)]
    for family in families:
        checks += [step(EQUAL, family, 0, 1), step(RETURN, ALLOW)]
    checks.append(step(RETURN, REFUSE))
    steps += [step(EQUAL, 41, 0, len(checks)), *checks]
    for number in sorted(numbers):
        steps += [step(EQUAL, number, 0, 1), step(RETURN, ALLOW)]
    return b"".join([*steps, step(RETURN, REFUSE)])


def main(unit, command):
    said = settings(unit)
    table = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text())}
    numbers = {table[name] for name in allowed(said["SystemCallFilter"]) if name in table}
    families = [FAMILIES[name] for name in said["RestrictAddressFamilies"][0].split()]
    steps = program(numbers, families)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(steps, len(steps))
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps) // 8, ctypes.addressof(buffer)))
    if said["MemoryDenyWriteExecute"] == ["yes"]:
        libc.prctl(SET_MDWE, 1, 0, 0, 0)  # older kernels do not know it
    if libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(SET_SECCOMP, 2, filter_, 0, 0):
        sys.exit(f"no filter: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
