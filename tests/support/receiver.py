"""A server on this machine that keeps what is sent to it, and answers as tests want."""

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.serving import join


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(slots=True)
class Receiver:
    """What it got, and how it answers.

    Attributes:
        statuses: Answered in turn, the last one for ever.
        delay_s: Waited before each answer; ends with the receiver.
    """

    url: str = ""
    port: int = 0
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=lambda: [204])
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    delay_s: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, number: int, seconds: float = 20.0) -> list[Received]:
        """The requests, once there are so many of them."""
        deadline = time.monotonic() + seconds
        while len(self.received) < number:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.received)} of {number} requests came")
            time.sleep(0.02)
        return self.received

    def next_status(self) -> int:
        """What is answered now."""
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def local_receiver(*, tls: Mapping[str, str] | None = None, port: int = 0) -> Iterator[Receiver]:
    """A receiver on a port, by default a free one, until the end, with the certificate of the
    files given."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._take()

        def do_GET(self) -> None:
            self._take()

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            peer = self.client_address[0]
            receiver.received.append(
                Received(self.command, self.path, dict(self.headers.items()), body, peer)
            )
            receiver.ended.wait(receiver.delay_s)
            try:
                self.send_response(receiver.next_status())
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self.close_connection = True  # who asked has stopped listening

        def log_message(self, format: str, *args: object) -> None:
            """Keep the terminal quiet."""

    server = _Server(("127.0.0.1", port), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls["tls_cert"], tls["tls_key"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{receiver.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        server.server_close()
        join(thread)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that refuse the certificate or go away are what tests are about."""
