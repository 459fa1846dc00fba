"""A real sshd without privileges: one `sshd -i` for each connection to a loopback port of the kernel's choice.

Its host key, its user's key and its configuration live in a folder of the test; nothing of the machine's own sshd is
read. `command` is what GIT_SSH_COMMAND must be to reach it as this user, trusting exactly this host key.
"""

import getpass
import os
import pathlib
import socket
import subprocess
import threading

import process

CONFIGURATION = """\
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv GIT_PROTOCOL
"""


class Sshd:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        (self.folder / "authorized_keys").write_text((self.folder / "user_key.pub").read_text())
        (self.folder / "sshd_config").write_text(CONFIGURATION.format(folder=self.folder))
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # root's sshd insists on it
        self._children = []
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(64)
        self.port = self._socket.getsockname()[1]
        self.user = getpass.getuser()
        self.known_hosts = self.folder / "known_hosts"
        key = (self.folder / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {key}")
        self.command = (f"ssh -F none -o IdentitiesOnly=yes -o UserKnownHostsFile={self.known_hosts} "
                        f"-o StrictHostKeyChecking=yes -i {self.folder}/user_key")
        threading.Thread(target=self._accept, daemon=True).start()

    def url_of(self, path):
        """ssh:// URL of a repository's folder."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}{path}"

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for child in self._children:
            process.stop(child)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        log = open(self.folder / "sshd.log", "ab")
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                log.close()
                return
            argv = ["/usr/sbin/sshd", "-i", "-e", "-f", str(self.folder / "sshd_config")]
            self._children.append(process.start(argv, stdin=connection, stdout=connection, stderr=log))
            connection.close()
