"""A collector of syslog in a process of its own, to be killed; it keeps what it reads in a file.

    python -m tests.support.log_collector PORT FILE [CERTIFICATE KEY] [--stop-after N] [--mute]

With `--stop-after` it reads as many messages and then no more, without closing; with `--mute` it
closes TLS without an alert.
"""

import argparse
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tests.support.serving import PATIENCE_S


@contextmanager
def collecting(
    port: int,
    kept: Path,
    tls: dict[str, str] | None = None,
    *,
    stop_after: int | None = None,
    mute: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """A collector that listens; killed at the end, as by `kill -9`."""
    certificate = [] if tls is None else [tls["tls_cert"], tls["tls_key"]]
    more = [] if stop_after is None else ["--stop-after", str(stop_after)]
    more += ["--mute"] if mute else []
    command = [sys.executable, "-m", __name__, str(port), str(kept), *certificate, *more]
    process = subprocess.Popen(command)
    try:
        _wait_for(port)
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"no collector listens at {port}")


def kept_messages(kept: Path) -> list[str]:
    """What was read, in order."""
    return kept.read_text("utf-8").splitlines() if kept.exists() else []


def members_of(line: str) -> dict[str, str]:
    """The structured data of a message."""
    found = re.findall(r' (\w+)="((?:[^"\\\]]|\\["\\\]])*)"', line)
    return {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in found}


def _messages(stream: BinaryIO) -> Iterator[bytes]:
    while True:
        number = b""
        while (digit := stream.read(1)) not in {b" ", b""}:
            number += digit
        if not number:
            return
        yield stream.read(int(number))


def _serve(given: argparse.Namespace) -> None:
    context = None
    if given.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given.certificate, given.key)
    with socket.create_server(("127.0.0.1", given.port)) as server:
        while True:
            plain, _ = server.accept()
            with suppress(OSError), plain:
                whole = plain if context is None else context.wrap_socket(plain, server_side=True)
                with whole, whole.makefile("rb") as stream, given.file.open("ab", 0) as file:
                    for number, content in enumerate(_messages(stream), start=1):
                        file.write(content + b"\n")
                        os.fsync(file.fileno())
                        if number == given.stop_after:
                            signal.pause()
                    if isinstance(whole, ssl.SSLSocket) and not given.mute:
                        whole.unwrap()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    arguments.add_argument("file", type=Path)
    arguments.add_argument("certificate", nargs="?")
    arguments.add_argument("key", nargs="?")
    arguments.add_argument("--stop-after", type=int)
    arguments.add_argument("--mute", action="store_true")
    _serve(arguments.parse_args())
