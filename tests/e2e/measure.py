"""What a command needed: its time and the most memory it had at once (of this process before it was started, if that
is more: what is said is never too little)."""

import os
import threading
import time

from world import Result


class Measured(Result):
    seconds = 0.0
    peak_kb = 0


def measured(forge, *arguments, env=None, timeout=120):
    """Runs forge with ARGUMENTS to its end and says what that took. Fails if it runs longer than TIMEOUT."""
    child = forge.start(*arguments, env=env)
    texts = {}
    readers = [threading.Thread(target=lambda name=name, stream=stream: texts.__setitem__(name, stream.read()))
               for name, stream in (("out", child.stdout), ("err", child.stderr))]
    killer = threading.Timer(timeout, child.kill)
    began = time.monotonic()
    for thread in (*readers, killer):
        thread.start()
    _, status, usage = os.wait4(child.pid, 0)
    killer.cancel()
    for reader in readers:
        reader.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    result = Measured(child.returncode, texts["out"], texts["err"])
    result.seconds, result.peak_kb = time.monotonic() - began, usage.ru_maxrss
    assert result.status >= 0, f"ended by signal {-result.status} after {result.seconds:.1f} s: {result}"
    print(f"forge {' '.join(map(str, arguments))}: {result.seconds:.2f} s, {result.peak_kb // 1024} MB")
    return result
