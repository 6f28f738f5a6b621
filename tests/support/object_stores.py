"""pytest plugin: a real server that speaks S3, and what stands before it to do harm.

`versitygw` is taken where it is installed, else `nanio`, which comes with the tests' own packages.
Both check signatures, take uploads in parts and give ranges; nanio knows no If-None-Match.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Thread
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from shanhai.settings import ArtifactSettings
from shanhai.storage.object_store import ObjectArtifacts

BUCKET = "shanhai"
KEY, SECRET = "testkey", "testsecret"
BUCKET_KEYS = {
    "ROOT_ACCESS_KEY": KEY,
    "ROOT_SECRET_KEY": SECRET,
    "NANIO_ACCESS_KEY": KEY,
    "NANIO_SECRET_KEY": SECRET,
}
_numbers = count(1)


@dataclass(frozen=True)
class Bucket:
    """A bucket of a running server; its objects are the files of `folder`."""

    url: str
    folder: Path

    def settings(
        self, cache: Path, *, prefix: str, url: str = "", **more: object
    ) -> dict[str, str]:
        """The settings of a store under a prefix, as environment."""
        told = {
            "ROOT": f"s3://{BUCKET}/{prefix}",
            "S3_ENDPOINT": url or self.url,
            "S3_ACCESS_KEY_ID": KEY,
            "S3_SECRET_ACCESS_KEY": SECRET,
            "CACHE": str(cache),
            **{name.upper(): str(value) for name, value in more.items()},
        }
        return {f"SHANHAI_ARTIFACTS_{name}": value for name, value in told.items()}


def bucket_command(data: Path, host: str, port: int) -> list[str]:
    """What starts a server over a folder, with `BUCKET_KEYS` in its environment."""
    gateway = shutil.which("versitygw")
    if gateway is not None:
        return [gateway, "--port", f"{host}:{port}", "posix", str(data)]
    command = [sys.executable, "-m", "nanio", "serve", "--no-access-log"]
    return [*command, "--data-dir", str(data), "--host", host, "--port", str(port)]


@contextmanager
def serving_bucket(folder: Path) -> Iterator[Bucket]:
    """Start a server with an empty bucket."""
    data = folder / "data"
    (data / BUCKET).mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = bucket_command(data, "127.0.0.1", port)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **BUCKET_KEYS}, stdout=log, stderr=log
        )
    try:
        _wait_for(port, process, folder / "server.log")
        yield Bucket(f"http://127.0.0.1:{port}", data / BUCKET)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the object store did not start: {log.read_text()[-1000:]}")


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """A server for the whole run of this process."""
    with serving_bucket(tmp_path_factory.mktemp("bucket")) as found:
        yield found


Environment = Callable[..., dict[str, str]]


@pytest.fixture
def in_bucket(bucket: Bucket, tmp_path: Path) -> Environment:
    """Settings of stores under a prefix that no other test has."""
    prefix = f"test-{next(_numbers)}/files"

    def environment(**more: object) -> dict[str, str]:
        given = {"cache": tmp_path / "cache", **more}
        return bucket.settings(prefix=prefix, **given)  # type: ignore[arg-type]

    return environment


def open_bucket(environment: dict[str, str]) -> ObjectArtifacts:
    """The store that these settings name."""
    return ObjectArtifacts.named_in(settings_of(environment))


def settings_of(environment: dict[str, str]) -> ArtifactSettings:
    """These settings, as a service reads them."""
    given = {
        name.removeprefix("SHANHAI_ARTIFACTS_").lower(): environment[name] for name in environment
    }
    return ArtifactSettings.model_validate(given)


@dataclass
class HarmfulProxy:
    """Passes HTTP on to a server, one request on each connection, and does the harm it is told.

    Attributes:
        harm: What is done to requests whose first line holds `only`: `500`, `503`, `expired` in
            place of an answer; `cut` in the middle of one; `flip` of a bit of its body; `slow`.
        times: How many more requests are harmed; None for all.
        seen: First lines of all requests.
    """

    target: str
    harm: str = ""
    only: str = ""
    times: int | None = None
    seen: list[str] = field(default_factory=list)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    ANSWERS: ClassVar = {
        "500": ("500 Internal Server Error", "InternalError"),
        "503": ("503 Service Unavailable", "SlowDown"),
        "expired": ("403 Forbidden", "ExpiredToken"),
    }

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            request = self._read_message(client)
            line = request.partition(b"\r\n")[0].decode()
            self.seen.append(line)
            harm = self.harm if self.only in line and self.times != 0 else ""
            if harm and self.times is not None:
                self.times -= 1
            client.sendall(self._answer(request, harm))

    def _answer(self, request: bytes, harm: str) -> bytes:
        if harm in self.ANSWERS:
            status, code = self.ANSWERS[harm]
            told = f"<Error><Code>{code}</Code></Error>"
            first = f"HTTP/1.1 {status}\r\nContent-Length: {len(told)}\r\nConnection: close"
            return f"{first}\r\n\r\n{told}".encode()
        if harm == "slow":
            time.sleep(0.5)
        address = urlsplit(self.target)
        head, _, body = request.partition(b"\r\n\r\n")
        with socket.create_connection((address.hostname or "", address.port or 80)) as service:
            service.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
            answer = b"".join(iter(lambda: service.recv(65_536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        if harm == "cut":
            body = body[: len(body) // 2]
        elif harm == "flip" and body:
            at = len(body) // 2
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        head = b"\r\n".join(
            line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")
        )
        return head + b"\r\nConnection: close\r\n\r\n" + body

    @staticmethod
    def _read_message(client: socket.socket) -> bytes:
        message = b""
        while b"\r\n\r\n" not in message:
            got = client.recv(65_536)
            if not got:
                raise ConnectionError
            message += got
        head, _, body = message.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        parts = [body]
        left = length - len(body)
        while left > 0:
            parts.append(client.recv(min(left, 1 << 20)))
            if not parts[-1]:
                raise ConnectionError
            left -= len(parts[-1])
        return head + b"\r\n\r\n" + b"".join(parts)


@pytest.fixture
def harmful(bucket: Bucket) -> Iterator[HarmfulProxy]:
    """A proxy before the server."""
    proxy = HarmfulProxy(bucket.url)
    Thread(target=proxy.serve, daemon=True).start()
    yield proxy
    proxy.listener.close()
