"""A private RabbitMQ with MQTT alone, which acknowledges what it has written down."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.support.mosquitto import PASSWORD, USER
from tests.support.workers import free_port

ABSENT = "RabbitMQ is not installed (Debian: rabbitmq-server)"
PATIENCE_S = 60.0
# As docs/guide/feeds.md has it.
CONFIGURATION = """
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:{port}
mqtt.allow_anonymous = false
mqtt.subscription_ttl = 604800000
mqtt.prefetch = 2000
default_user = {user}
default_pass = {password}
"""


def rabbitmq_program() -> str | None:
    """The program; not the one on the path, which would change to an account of its own."""
    return shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin")


@dataclass
class RabbitMq:
    """A broker on a port of its own, with all it keeps in a folder.

    Attributes:
        names: The port at which Erlang's nodes are registered.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    names: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address with name and password."""
        return f"mqtt://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        text = CONFIGURATION.format(port=self.port, user=USER, password=PASSWORD)
        (self.folder / "rabbitmq.conf").write_text(text, "utf-8")
        (self.folder / "enabled_plugins").write_text("[rabbitmq_mqtt].", "utf-8")
        surroundings = {
            "HOME": str(self.folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.names),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "kept"),
            "RABBITMQ_NODENAME": f"node{self.port}@localhost",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        with (self.folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen(
                [rabbitmq_program() or ABSENT],
                env=os.environ | surroundings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started = time.monotonic()
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() - started > PATIENCE_S:
                said = (self.folder / "out.log").read_text("utf-8")[-2000:]
                raise RuntimeError(f"RabbitMQ did not start: {said}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, with all it has in memory."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE_S)
            self._process = None

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except ConnectionError:
            return False
        return True


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[RabbitMq]:
    """A broker that keeps everything in the folder; it is killed at the end."""
    broker = RabbitMq(folder)
    with ExitStack() as at_end:
        # Erlang would leave one behind that is nobody's.
        place = ["-port", str(broker.names), "-address", "127.0.0.1"]
        register = subprocess.Popen([shutil.which("epmd") or "epmd", *place])
        at_end.callback(register.wait, PATIENCE_S)
        at_end.callback(register.terminate)
        at_end.callback(broker.kill)
        broker.start()
        yield broker
