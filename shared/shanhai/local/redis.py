"""A private Redis that keeps nothing: PostgreSQL is the truth."""

import signal
import socket

from shanhai.errors import Unavailable
from shanhai.local.server import ENVIRONMENT, PrivateServer


class PrivateRedis(PrivateServer):
    """A Redis of our own: password, loopback only, no files, never evicting what it was given."""

    name = "redis"
    # Debian's redis-server is a link to redis-check-rdb; the kernel reports the latter.
    executables = ("redis-server", "redis-check-rdb")
    escalation = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
    patience_s = 20.0
    settle_s = 1.0

    def url(self, database: int = 0) -> str:
        """The URL of one numbered database."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def _prepare(self) -> None:
        """Nothing: an empty directory is all it takes."""

    def flush(self) -> None:
        """Forget everything."""
        if self._say("FLUSHALL") != b"+OK":
            raise Unavailable("Redis refused to forget")

    def _launch(self, port: int) -> None:
        # The configuration goes through standard input: a password on the command line is public.
        configuration = (
            "bind 127.0.0.1\n"
            f"port {port}\n"
            f"requirepass {self.password}\n"
            'save ""\n'
            "appendonly no\n"
            "maxmemory 256mb\n"
            "maxmemory-policy noeviction\n"
        )
        self._unit.launch(
            ["redis-server", "-"], environment=ENVIRONMENT, standard_input=configuration.encode()
        )

    def _is_ready(self) -> bool:
        try:
            return self._say("PING") == b"+PONG"
        except OSError:
            return False

    def _say(self, command: str) -> bytes:
        """Log in, give one command and return the line it is answered with."""
        port = self._ports.remembered(self.name)
        if port is None:
            return b""
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {self.password}\r\n{command}\r\n".encode())
            with connection.makefile("rb") as answers:
                answers.readline()  # a refused login shows in the second answer too
                return answers.readline().rstrip()
