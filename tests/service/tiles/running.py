"""A tile service on a free port of this machine, in a thread of the tests' own process."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.support.serving import serving


@contextmanager
def running(make: Callable[[str], ASGIApp]) -> Iterator[tuple[str, ASGIApp]]:
    """The address and the application that `make` gives for it, served until the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = make(base)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with serving(server, listener):
            yield base, app
