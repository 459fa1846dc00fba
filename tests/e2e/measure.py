"""What a command needed: its time and the most memory it had at once."""

import pathlib
import sys
import tempfile
import time

from world import Result, finish_child

# What the kernel says of a process includes what its parent had when it was started: so a small parent starts it.
LAUNCHER = """import resource, subprocess, sys
status = subprocess.call(sys.argv[3:], timeout=float(sys.argv[2]))
with open(sys.argv[1], "w") as file:
    print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
"""


class Measured(Result):
    seconds = 0.0
    peak_kb = 0


def measured(forge, *arguments, env=None, timeout=120):
    """Runs forge with ARGUMENTS to its end and says what that took. Fails if it runs longer than TIMEOUT."""
    prefix = forge.prefix
    with tempfile.NamedTemporaryFile() as told:
        forge.prefix = [sys.executable, "-S", "-c", LAUNCHER, told.name, str(timeout), *prefix]
        began = time.monotonic()
        try:
            shown = finish_child(forge.start(*arguments, env=env), timeout + 10)
        finally:
            forge.prefix = prefix
        seconds = time.monotonic() - began
        assert shown.status == 0, shown
        status, peak_kb = map(int, pathlib.Path(told.name).read_text().split())
    result = Measured(status, shown.out, shown.err)
    result.seconds, result.peak_kb = seconds, peak_kb
    assert result.status >= 0, f"ended by signal {-result.status} after {result.seconds:.1f} s: {result}"
    print(f"forge {' '.join(map(str, arguments))}: {result.seconds:.2f} s, {result.peak_kb // 1024} MB")
    return result
