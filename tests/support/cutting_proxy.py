"""A proxy between a client and a service that breaks connections off where a test wants it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

BLOCK = 65_536


class CuttingProxy:
    """Passes bytes on.

    Attributes:
        cut_at: Once so many bytes were passed to the service, a connection is cut; None for never.
        loses_answer: Whether the next answer is lost, and its connection with it.
        passed: How many bytes were passed to the service.
    """

    def __init__(self, target: str) -> None:
        address = urlsplit(target)
        self._target = (address.hostname or "", address.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cut_at: int | None = None
        self.loses_answer = False
        self.passed = 0

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                service = socket.create_connection(self._target)
                for function in (self._pass_up, self._pass_down):
                    Thread(target=function, args=(client, service), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_up(self, client: socket.socket, service: socket.socket) -> None:
        with suppress(OSError):
            while block := client.recv(BLOCK):
                service.sendall(block)
                self.passed += len(block)
                if self.cut_at is not None and self.passed >= self.cut_at:
                    self.cut_at = None
                    break
        _end(client, service)

    def _pass_down(self, client: socket.socket, service: socket.socket) -> None:
        with suppress(OSError):
            while block := service.recv(BLOCK):
                if self.loses_answer:
                    self.loses_answer = False
                    break
                client.sendall(block)
        _end(client, service)


def _end(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


@contextmanager
def cutting(target: str) -> Iterator[CuttingProxy]:
    """A proxy to the service at `target`."""
    proxy = CuttingProxy(target)
    thread = Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(60)
