"""Servers in threads of the tests' own process, and the end of threads and processes."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from threading import Thread

import uvicorn

PATIENCE_S = 60.0
"""Seconds a server has to start, and whatever is to end has to end."""


@contextmanager
def serving(server: uvicorn.Server, listener: socket) -> Iterator[None]:
    """Serve on the socket until the end of the block.

    Raises:
        TimeoutError: The server did not start, or did not stop.
    """
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        _await_start(server, thread)
        yield
    finally:
        server.should_exit = True
        join(thread)


def join(*threads: Thread) -> None:
    """Wait until threads have ended.

    Raises:
        TimeoutError: One goes on.
    """
    for thread in threads:
        thread.join(PATIENCE_S)
        if thread.is_alive():
            raise TimeoutError(f"{thread.name} did not end within {PATIENCE_S:g} s")


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process at once, unless it has ended, and take note of its end.

    Raises:
        subprocess.TimeoutExpired: Even so it goes on.
    """
    process.kill()
    process.wait(PATIENCE_S)


def _await_start(server: uvicorn.Server, thread: Thread) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise TimeoutError("the server did not start")
        time.sleep(0.02)
