"""An address on loopback that nobody may be made to ask."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def listening_canary() -> Iterator[tuple[str, list[bytes]]]:
    """`host:port`, and the beginning of whatever was sent to it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    there, _ = server.accept()
                except OSError:
                    return
                with there:
                    there.settimeout(1)
                    heard.append(there.recv(1024))
                    there.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", heard
        # A thread that waits in `accept` is woken by this, not by closing.
        server.shutdown(socket.SHUT_RDWR)
    listener.join(5)
