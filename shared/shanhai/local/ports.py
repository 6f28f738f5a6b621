"""TCP ports: chosen once, remembered, changed only when somebody else has taken them."""

import json
import random
import socket
from dataclasses import dataclass
from pathlib import Path

from shanhai.errors import Unavailable
from shanhai.local.files import write_whole

# Below the range from which Linux takes the near end of outgoing connections.
SEARCH_RANGE = range(15000, 32000)


@dataclass(frozen=True, slots=True)
class PortBook:
    """The ports of one stack, kept in a JSON file."""

    path: Path

    def remembered(self, name: str) -> int | None:
        """The port `name` was given last, if any."""
        return self._read().get(name)

    def remember(self, name: str, port: int) -> None:
        """Note that `name` listens on `port`."""
        book = self._read()
        if book.get(name) != port:
            write_whole(self.path, json.dumps(book | {name: port}, indent=2) + "\n")

    def choose(self, name: str, preferred: int | None = None) -> int:
        """A free port for `name`: the remembered one, else the preferred one, else any."""
        others = {port for owner, port in self._read().items() if owner != name}
        for port in (self.remembered(name), preferred):
            if port is not None and port not in others and is_free(port):
                break
        else:
            port = any_free_port(others)
        self.remember(name, port)
        return port

    def _read(self) -> dict[str, int]:
        try:
            book = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): int(port) for name, port in book.items()}


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        # Servers set the same option; without it a port in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def any_free_port(taken: set[int]) -> int:
    """A free port at random, so that stacks side by side seldom try the same one."""
    choices = random.sample(SEARCH_RANGE, 500)
    for port in choices:
        if port not in taken and is_free(port):
            return port
    message = f"no free port among 500 tried between {SEARCH_RANGE.start} and {SEARCH_RANGE.stop}"
    raise Unavailable(message)
