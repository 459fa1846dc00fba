"""Waits for a file to be written to, by inotify(7): no polling, so nothing is missed and nothing is waited for twice."""

import ctypes
import os
import select
import time

_IN_MODIFY = 0x2
_libc = ctypes.CDLL(None, use_errno=True)


class Growth:
    """Writes to the file PATH from here on; also a context manager."""

    def __init__(self, path):
        self._notices = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._notices < 0 or _libc.inotify_add_watch(self._notices, os.fsencode(path), _IN_MODIFY) < 0:
            raise OSError(ctypes.get_errno(), "inotify", str(path))

    def wait(self, reached, seconds, child=None):
        """Returns True once REACHED() is, which is asked now and after each write, and False if CHILD ends before."""
        deadline = time.monotonic() + seconds
        watched = [self._notices]
        if child:
            watched.append(os.pidfd_open(child.pid))
        try:
            while not reached():
                ready, _, _ = select.select(watched, [], [], max(0, deadline - time.monotonic()))
                if not ready:
                    raise TimeoutError(f"the file did not grow so far in {seconds} s")
                if self._notices in ready:
                    os.read(self._notices, 65536)
                elif child:
                    # What it caused may have been written before it ended.
                    return reached()
            return True
        finally:
            for descriptor in watched[1:]:
                os.close(descriptor)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._notices)
