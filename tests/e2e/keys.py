"""Machines with keys of their own, and a scheduler that knows them."""

import signal

import process
from world import Forge, Lines

ENTRY = "scheduler: {{endpoint: '{endpoint}', server_key: '{key}'}}\n"


class Machine(Forge):
    """A forge home with a key pair; PREFIX is what runs its commands."""

    def __init__(self, folder, name, prefix=()):
        super().__init__(folder / name)
        self.name, self.prefix, self.children = name, list(prefix), []
        self.key = self.run("config", "keys", "--new").out.strip()

    @property
    def secret(self):
        return (self.home / "keys" / "secret.key").read_text().strip()

    @property
    def allowed(self):
        return self.home / "keys" / "allowed.yaml"

    def allow(self, other, *roles):
        options = [word for role in roles for word in ("--role", role)]
        self.run("config", "keys", "allow", *options, "--name", other.name, "--", other.key)

    def meet(self, endpoint, key, more=""):
        """Configures the way to the scheduler at ENDPOINT that is known by KEY."""
        self.configure(ENTRY.format(endpoint=endpoint, key=key) + more)

    def daemon(self, *arguments):
        child = self.start(*arguments)
        child.log = Lines(child.stderr)
        self.children.append(child)
        return child

    def serve(self, endpoint):
        """Starts the scheduler and waits until it listens."""
        self.meet(endpoint, self.key)
        child = self.daemon("scheduler")
        child.log.wait_for(lambda line: "scheduler started" in line)
        return child

    def reload(self, child):
        """SIGHUP, and the list is read when this returns."""
        before = len(child.log.seen)
        child.send_signal(signal.SIGHUP)
        return child.log.wait_for(
            lambda line: "keys " in line and "reloaded" in line and child.log.seen.index(line) >= before)

    def stop(self):
        for child in self.children:
            process.stop(child)
