"""The upstreams in a process of their own, and the switches of their faults.

A process of its own, because GDAL reads some headers while Python may run no other thread: a server
in the same process would never answer.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx

from tests.support.serving import PATIENCE_S, kill
from tests.support.upstream.faults import Request

_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The site at an address, which is the mirror to read from."""

    address: str

    def fault(self, pattern: str, **how: Any) -> None:
        """Spoil requests of `HOST/PATH?QUERY` that fits; `how` are the fields of `Fault`."""
        self._post("faults", {"pattern": pattern, **how})

    def edit_items(self, collection: str, **what: Any) -> None:
        """Change what a catalogue says; `what` are the fields of `Edit`."""
        self._post("edits", {"collection": collection, **what})

    def set(self, **settings: Any) -> None:
        """Set `token_life_s`, `ranges_at_worldpop` or `aliases`, the fields of `Site`."""
        self._post("settings", settings)

    def reset(self) -> None:
        """End all faults and changes, and forget what was asked."""
        httpx.delete(f"{self.address}/-/", timeout=PATIENCE_S).raise_for_status()

    def asked(self, pattern: str = "*") -> list[Request]:
        """What was asked of addresses that fit."""
        answer = httpx.get(f"{self.address}/-/log", timeout=PATIENCE_S)
        requests = [Request(**said) for said in answer.json()]
        return [request for request in requests if fnmatchcase(request.address, pattern)]

    def sent(self, pattern: str = "*") -> int:
        """Bytes of bodies that were sent."""
        return sum(request.sent for request in self.asked(pattern))

    def _post(self, kind: str, said: dict[str, Any]) -> None:
        answer = httpx.post(f"{self.address}/-/{kind}", json=said, timeout=PATIENCE_S)
        answer.raise_for_status()


@contextmanager
def running_upstreams() -> Iterator[Upstreams]:
    """Serve all upstreams until the end of the block."""
    command = [sys.executable, "-m", "tests.support.upstream", "--port", "0"]
    # Two threads paint; the linear algebra below them is to make no more.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield Upstreams(process.stdout.readline().decode().split()[-1])
        finally:
            kill(process)
