"""Children of the test servers: started in a process group of their own, and never left behind.

A child dies with its parent even if the parent is killed (PR_SET_PDEATHSIG), and stop() ends the whole group, so that
CGI programs and hooks that still run go too. Ends processes by the id it started them under, never by name.
"""

import ctypes
import os
import signal
import subprocess

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(argv, **options):
    """Starts ARGV as the leader of a new process group. Returns its Popen."""
    return subprocess.Popen(argv, start_new_session=True, preexec_fn=_die_with_parent, **options)


def ended_within(child, seconds):
    """Whether CHILD ends by itself in so many seconds."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def signal_group(child, number):
    """Sends signal NUMBER to CHILD and all it started; does nothing once the group is gone."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


def stop(child, seconds=5):
    """Ends CHILD: asks first, then kills its group. Returns its exit status."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
    signal_group(child, signal.SIGKILL)
    return child.wait()
