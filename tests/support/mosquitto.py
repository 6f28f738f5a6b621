"""A private MQTT broker, Mosquitto, that can be stopped and started again with what it keeps."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from shanhai.errors import Unavailable
from tests.support.workers import free_port

USER, PASSWORD = "feed", "a password / of tests"
PATIENCE_S = 10.0
# As a broker of ours is to be set up: nothing is thrown away while nobody fetches.
CONFIGURATION = """
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
user root
persistence true
persistence_location {folder}/
max_queued_messages 0
max_inflight_messages 200
"""
TLS = """cafile {tls_ca}
certfile {tls_cert}
keyfile {tls_key}
require_certificate true
"""


def find_mosquitto() -> str:
    """The program.

    Raises:
        Unavailable: it is not installed.
    """
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise Unavailable("mosquitto is not installed (Debian: mosquitto)")
    return found


@dataclass
class Mosquitto:
    """A broker on a port of its own; `url` is that of its one user.

    Attributes:
        certificates: With them it speaks TLS alone, and asks for a certificate.
    """

    folder: Path
    certificates: Mapping[str, str] | None = None
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address with name and password."""
        scheme = "mqtt" if self.certificates is None else "mqtts"
        return f"{scheme}://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        passwords = self.folder / "passwords"
        passwords.unlink(missing_ok=True)
        program = shutil.which("mosquitto_passwd") or "mosquitto_passwd"
        subprocess.run([program, "-b", "-c", passwords, USER, PASSWORD], check=True)
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(self._configured(), "utf-8")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [find_mosquitto(), "-v", "-c", str(configuration)], stdout=log, stderr=log
            )
        started = time.monotonic()
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() - started > PATIENCE_S:
                said = (self.folder / "mosquitto.log").read_text()[-2000:]
                raise RuntimeError(f"mosquitto did not start: {said}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Let it write down what it keeps, and end it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def publish(self, messages: Iterable[tuple[str, bytes]], *, retain: bool = False) -> None:
        """Publish topics and payloads; the broker has taken all of them."""
        client = Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(USER, PASSWORD)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        try:
            given = [client.publish(*message, qos=1, retain=retain) for message in messages]
            for sent in given:
                sent.wait_for_publish(PATIENCE_S)
                assert sent.is_published()
        finally:
            client.disconnect()
            client.loop_stop()

    def _configured(self) -> str:
        text = CONFIGURATION.format(port=self.port, folder=self.folder)
        if self.certificates is None:
            return text
        return text.replace("127.0.0.1\n", "127.0.0.1\n" + TLS.format(**self.certificates))

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except ConnectionError:
            return False
        return True


@contextmanager
def running_mosquitto(
    folder: Path, *, certificates: Mapping[str, str] | None = None
) -> Iterator[Mosquitto]:
    """A broker that keeps everything in the folder."""
    broker = Mosquitto(folder, certificates)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
