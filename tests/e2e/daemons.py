"""A scheduler daemon and worker daemons of one world."""

import signal
import time

import process
from world import Lines


class Daemons:
    """Everything on one endpoint. Ready means: `queue stats`, asked as any client asks, sees them."""

    def __init__(self, world, endpoint):
        self.world, self.endpoint = world, endpoint
        self.children = []
        world.configure(f"scheduler: {{endpoint: \"{endpoint}\"}}\n")

    def scheduler(self):
        child = self.start("scheduler")
        self.until(child, lambda stats: stats["pid"] == child.pid)
        return child

    def worker(self, *options):
        child = self.start("worker", *options)
        self.until(child, lambda stats: any(str(child.pid) in worker["name"] for worker in stats["workers"]))
        return child

    def stop(self):
        for child in self.children:
            process.stop(child)

    def start(self, *arguments):
        child = self.world.start(*arguments)
        self.children.append(child)
        child.log = Lines(child.stderr)
        return child

    def until(self, child, seen, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert child.poll() is None, f"ended with {child.returncode}:\n" + "\n".join(child.log.seen)
            answer = self.world.run("queue", "stats", "--format", "json", status=None)
            if answer.status == 0 and seen(answer.json):
                return
        raise AssertionError("never ready:\n" + "\n".join(child.log.seen))


def kill(child):
    """SIGKILL, and gone when this returns."""
    child.send_signal(signal.SIGKILL)
    child.wait()
