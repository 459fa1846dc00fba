"""Machines that are apart: network namespaces joined by virtual cables, in which commands are run. Needs root."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys

import process

_numbers = itertools.count(1)

SNIFF = """
import socket, sys
sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
print("listening", flush=True)
while True:
    sys.stdout.buffer.write(sniffer.recv(65536))
    sys.stdout.buffer.flush()
"""


def why_not():
    """Why there can be no machines here; None if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "iproute2 is not installed"
    name = f"forge-{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode != 0:
        return "this system allows no network namespaces"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


class Network:
    """A middle machine and others around it, each on a cable of its own: they reach the middle, not each other."""

    def __init__(self):
        self._stack = contextlib.ExitStack()
        self._tag = f"{os.getpid()}-{next(_numbers)}"
        self.middle = self._namespace("middle")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _namespace(self, name):
        namespace = f"forge-{self._tag}-{name}"
        _ip("netns", "add", namespace)
        self._stack.callback(_ip, "netns", "del", namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")
        return namespace

    def join(self, name, number):
        """A machine NAME on cable NUMBER. Returns (its namespace, the middle's address on that cable)."""
        namespace, here, there = self._namespace(name), f"fm{number}", f"fo{number}"
        _ip("-n", self.middle, "link", "add", here, "type", "veth", "peer", "name", there, "netns", namespace)
        for where, device, last in ((self.middle, here, 1), (namespace, there, 2)):
            _ip("-n", where, "address", "add", f"10.77.{number}.{last}/24", "dev", device)
            _ip("-n", where, "link", "set", device, "up")
        return namespace, f"10.77.{number}.1"

    def sniff(self, namespace, file):
        """Writes all that passes NAMESPACE's cables to FILE until the network ends. Returns when it listens."""
        child = process.start([*inside(namespace), sys.executable, "-c", SNIFF], stdout=file, stderr=subprocess.DEVNULL)
        self._stack.callback(process.stop, child)
        while b"listening" not in open(file.name, "rb").read():
            assert child.poll() is None
        return child


def inside(namespace):
    """What runs a command in NAMESPACE."""
    return ["ip", "netns", "exec", namespace]


def stop_sniffing(child):
    child.send_signal(signal.SIGINT)
    child.wait()


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)
