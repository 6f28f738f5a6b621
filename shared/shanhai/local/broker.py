"""A private MQTT broker, Mosquitto: feeds publish to it, the worker fetches from it."""

import os
import shutil
import signal
import socket
from pathlib import Path

from shanhai.local.accounts import run_as
from shanhai.local.files import write_whole
from shanhai.local.server import ENVIRONMENT, PrivateServer

USER = "feed"
# What waits is kept, on disk and without a limit, while nobody fetches.
CONFIGURATION = """
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
max_inflight_messages 200
"""


def find_program(name: str) -> str:
    """A program of Mosquitto, which Debian keeps where only root looks."""
    return shutil.which(name, path=f"{os.defpath}:/usr/sbin") or f"/usr/sbin/{name}"


class PrivateBroker(PrivateServer):
    """A Mosquitto of our own: one user with a password, loopback only."""

    name = "mosquitto"
    executables = ("mosquitto",)
    escalation = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
    patience_s = 20.0
    settle_s = 1.0

    def url(self) -> str:
        """Where its one user publishes and fetches."""
        return f"mqtt://{USER}:{self.password}@127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        passwords = self._write("passwords", f"{USER}:{self.password}\n")
        # It turns what it finds there into hashes; on a command line anybody could read it.
        command = [find_program("mosquitto_passwd"), "-U", str(passwords)]
        run_as(self._place.account, command, directory=self._place.directory)

    def _launch(self, port: int) -> None:
        text = CONFIGURATION.format(port=port, folder=self._place.directory)
        configuration = self._write("mosquitto.conf", text)
        command = [find_program("mosquitto"), "-c", str(configuration)]
        self._unit.launch(command, environment=ENVIRONMENT)

    def _is_ready(self) -> bool:
        port = self._ports.remembered(self.name)
        try:
            socket.create_connection(("127.0.0.1", port or 0), timeout=2).close()
        except OSError:
            return False
        return True

    def _write(self, name: str, text: str) -> Path:
        path = self._place.directory / name
        write_whole(path, text, mode=0o600)
        os.chown(path, self._place.account.uid, self._place.account.gid)
        return path
