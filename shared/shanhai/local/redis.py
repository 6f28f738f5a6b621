"""A private Redis that keeps nothing: PostgreSQL is the truth."""

import signal
import socket

from shanhai.errors import Unavailable
from shanhai.local.server import ENVIRONMENT, PrivateServer

USER = "shanhai"
ADMINISTRATOR = "administrator"
"""Who may do everything; only whoever started the server knows the password."""
ACCESS = (
    "resetchannels ~shanhai:* ~arq:* ~api:rate:* ~tiles:rate:* ~{shanhai:tiles}:*"
    " -@all +auth +hello +ping +select +info +dbsize +acl|whoami"
    " +get +set +setex +psetex +incrby +del +unlink +exists +expire +pexpire +hmget +hset"
    " +zadd +zcard +zscore +zrange +zrangebyscore +zremrangebyscore +zincrby +zrem +zpopmin"
    " +watch +unwatch +multi +exec +discard +eval +evalsha +script|load +time"
)
"""What the services may do in Redis, as an ACL rule: of arq, limits of rates and drawn tiles.

The compose file and the documentation give the same."""


class PrivateRedis(PrivateServer):
    """A Redis of our own: loopback only, no files, never evicting what it was given.

    The services' user may do what they do and no more; without a name and password nobody may
    do anything.
    """

    name = "redis"
    # Debian's redis-server is a link to redis-check-rdb; the kernel reports the latter.
    executables = ("redis-server", "redis-check-rdb")
    escalation = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
    patience_s = 20.0
    settle_s = 1.0

    def url(self, database: int = 0) -> str:
        """The URL of one numbered database, for the services."""
        return f"redis://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def administrator_url(self, database: int = 0) -> str:
        """The URL of one numbered database, for whoever may do everything."""
        password = self._read_password(ADMINISTRATOR)
        return f"redis://{ADMINISTRATOR}:{password}@127.0.0.1:{self.port}/{database}"

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
            "user default off\n"
            f"user {USER} on >{self.password} {ACCESS}\n"
            f"user {ADMINISTRATOR} on >{self._read_password(ADMINISTRATOR)} ~* &* +@all\n"
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
        """Log in as administrator, give one command and return the line it is answered with."""
        port = self._ports.remembered(self.name)
        if port is None:
            return b""
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            login = f"AUTH {ADMINISTRATOR} {self._read_password(ADMINISTRATOR)}"
            connection.sendall(f"{login}\r\n{command}\r\n".encode())
            with connection.makefile("rb") as answers:
                answers.readline()  # a refused login shows in the second answer too
                return answers.readline().rstrip()
