"""Another server of features as a process, and how it is asked."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.million import Box
from shanhai.errors import Unavailable
from shanhai.local.places import Home

PATIENCE_S = 60.0
GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class Peer:
    """A server, and how its features are asked for; items by the number of their row."""

    name: str
    base_url: str
    collection: str
    prefix: str = ""

    def items(self, box: Box, limit: int) -> str:
        """The path of a page."""
        sides = ",".join(map(str, box))
        return f"{self._items}?f=json&limit={limit}&bbox={sides}"

    def item(self, number: int) -> str:
        """The path of one item."""
        return f"{self._items}/{number}?f=json"

    def tile(self, zoom: int, column: int, row: int) -> str:
        """The path of a vector tile of web mercator."""
        tiles = f"{self.prefix}/collections/{self.collection}/tiles/WebMercatorQuad"
        return f"{tiles}/{zoom}/{column}/{row}"

    @property
    def _items(self) -> str:
        return f"{self.prefix}/collections/{self.collection}/items"


def environment(name: str, packages: Sequence[str]) -> Path:
    """The programs of a Python environment beside the product's, installed the first time."""
    home = Home.of_checkout().path / "peers" / name
    note, wanted = home / "installed", "\n".join(packages)
    if not note.exists() or note.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", *packages], check=True)
        note.write_text(wanted)
    return home / "bin"


@contextmanager
def serving_process(
    command: Sequence[str], settings: Mapping[str, str], log: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that listens at a port of this machine; it ends with the context."""
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=sink, stderr=sink
        )
    try:
        _wait_until_listening(process, port, log)
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        # MapServer notices the signal when the next request comes.
        process.kill()
        process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    started = time.monotonic()
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    while wanted not in Path("/proc/net/tcp").read_text():
        if process.poll() is not None or time.monotonic() - started > PATIENCE_S:
            raise Unavailable(f"a peer did not start: {log.read_text()[-2000:]}")
        time.sleep(0.1)
