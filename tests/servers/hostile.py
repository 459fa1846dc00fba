"""A git server that says and sends what it is told to, and one that listens in on another.

HostileServer speaks enough of smart HTTP (version 0) to be fetched from: it advertises the refs of a repository and
answers every fetch with the bytes it was given. Recorder stands before a real server, passes everything on and keeps
what was asked.
"""

import dataclasses
import gzip
import http.client
import http.server
import threading
import urllib.parse


def pkt(line):
    line = line if isinstance(line, bytes) else line.encode()
    return b"%04x" % (len(line) + 4) + line


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """Clients hang up on what they refuse."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, kind, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@dataclasses.dataclass
class Hosted:
    refs: dict
    pack: bytes


class HostileServer(_Server):
    """Repositories are what give() says. As a context manager it runs until its end."""

    def __init__(self):
        super().__init__(_HostileHandler)
        self.repositories = {}
        self.bodies = []  # of every POST

    def give(self, name, refs, pack=b""):
        """From now on OWNER/NAME has REFS ({ref: id}) and answers every fetch with PACK."""
        self.repositories[name] = Hosted(refs, pack)


class _HostileHandler(_Handler):
    def _hosted(self, suffix):
        path = urllib.parse.urlsplit(self.path).path
        name = path.removesuffix(suffix).strip("/").removesuffix(".git")
        return self.server.repositories.get(name) if path.endswith(suffix) else None

    def do_GET(self):
        hosted = self._hosted("/info/refs")
        if not hosted or "git-upload-pack" not in self.path:
            self.answer(404, "text/plain", b"not here\n")
            return
        body = pkt("# service=git-upload-pack\n") + b"0000"
        capabilities = b"\0ofs-delta symref=HEAD:refs/heads/main agent=hostile/1\n"
        for ref, oid in sorted(hosted.refs.items()):
            body += pkt(f"{oid} {ref}".encode() + (capabilities or b"\n"))
            capabilities = b""
        self.answer(200, "application/x-git-upload-pack-advertisement", body + b"0000")

    def do_POST(self):
        self.server.bodies.append(self.read_body())
        hosted = self._hosted("/git-upload-pack")
        if not hosted:
            self.answer(404, "text/plain", b"not here\n")
            return
        self.answer(200, "application/x-git-upload-pack-result", b"0008NAK\n" + hosted.pack)


@dataclasses.dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    headers: str
    body: bytes


class Recorder(_Server):
    """Passes requests on to the server at PORT of the loopback, and keeps them in `exchanges`."""

    def __init__(self, port):
        super().__init__(_RecordingHandler)
        self.behind = port
        self.exchanges = []


class _RecordingHandler(_Handler):
    def _pass(self):
        body = self.read_body()
        plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.exchanges.append(Exchange(self.command, self.path, str(self.headers), plain))
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=60)
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in ("host", "transfer-encoding", "content-length", "connection", "expect")}
        behind.request(self.command, self.path, body if self.command == "POST" else None, headers)
        response = behind.getresponse()
        content = response.read()
        self.answer(response.status, response.getheader("Content-Type", "text/plain"), content,
                    [("WWW-Authenticate", value) for value in [response.getheader("WWW-Authenticate")] if value])
        behind.close()

    do_GET = do_POST = _pass
