"""A peer that speaks ZeroMQ's wire protocol (ZMTP 3.0, RFC 23, mechanism NULL) and forge's messages byte by byte, so
that tests can say what no library would."""

import os
import socket
import struct

CLIENT, WORKER = 1, 2  # roles
FORK_SYNC, NOOP = 1, 2  # kinds of jobs

# Numbers of the fields of Request (queue/messages.proto).
HELLO, HEARTBEAT, SUBMIT, REPORT, SET_PAUSED, GET_STATS, READ_EVENTS = 2, 3, 4, 5, 15, 14, 16
# And of Reply.
ERROR, WELCOME, SUBMITTED, RECORDED, STATS, EVENTS, GOODBYE = 2, 3, 4, 6, 11, 12, 14


def greeting(mechanism=b"NULL", major=3, minor=0):
    return b"\xff" + bytes(8) + b"\x7f" + bytes([major, minor]) + mechanism.ljust(20, b"\0") + bytes(32)


def ready(**properties):
    body = b"\x05READY"
    for name, value in {"Socket-Type": b"DEALER", **properties}.items():
        name = name.replace("_", "-").encode()
        body += bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    return command(body)


def command(body):
    return b"\x04" + bytes([len(body)]) + body if len(body) < 256 else b"\x06" + struct.pack(">Q", len(body)) + body


def frame(body):
    return (b"\x00" + bytes([len(body)]) if len(body) < 256 else b"\x02" + struct.pack(">Q", len(body))) + body


# ---- protocol buffers ----

def varint(number):
    out = b""
    while number > 0x7f:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(**fields):
    """`_1=…, _2=…` by number; lists repeat."""
    out = b""
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            out += field(int(name[1:]), item)
    return out


def request(number, kind, body=b""):
    return field(1, number) + field(kind, body)


def hello(role=CLIENT, name="raw:1", protocol=1, slots=4):
    return message(_1=protocol, _2=role, _3="raw", _4=name, _6=slots)


def parse(data):
    """{number: [values]} of the outermost message."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            value = number()
        else:
            size = number()
            value, at = data[at:at + size], at + size
        fields.setdefault(tag >> 3, []).append(value)
    return fields


class Peer:
    """A connection to ENDPOINT (ipc:// or tcp://)."""

    def __init__(self, endpoint, seconds=10):
        kind, _, address = endpoint.partition("://")
        if kind == "ipc":
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket()
            host, _, port = address.rpartition(":")
            address = (host, int(port))
            self.socket.settimeout(seconds)
        try:
            # One without blocking fails at once where others wait to be accepted at a path; this waits its turn.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", seconds, 0))
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(seconds)
        self.read = b""

    def shake_hands(self, **properties):
        self.socket.sendall(greeting())
        self._take(64)
        self.socket.sendall(ready(**{"Identity": b"\x01" + os.urandom(15), **properties}))
        self.receive()
        return self

    def send(self, body):
        self.socket.sendall(frame(body))

    def greet(self, **fields):
        """Says hello and returns the reply."""
        return self.ask(1, HELLO, hello(**fields))

    def ask(self, number, kind, body=b""):
        self.send(request(number, kind, body))
        while True:
            reply = parse(self.receive())
            if reply.get(1) == [number]:
                return reply

    def receive(self):
        """The body of the next frame that is no heartbeat."""
        while True:
            flags, size = self._take(2)
            if flags & 2:
                size = struct.unpack(">Q", bytes([size]) + self._take(7))[0]
            body = self._take(size)
            if not (flags & 4 and body.startswith(b"\x04PING")):
                return body

    def is_closed(self):
        """Waits until the other side has closed; reads and forgets what comes before."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True

    def close(self):
        self.socket.close()

    def _take(self, size):
        while len(self.read) < size:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("closed by the other side")
            self.read += more
        taken, self.read = self.read[:size], self.read[size:]
        return taken
