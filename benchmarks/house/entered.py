"""Which functions of this checkout are entered: noted by every process that loads `start`.

A process whose `PYTHONPATH` leads to the folder of a `Notebook` notes what it enters while a slice
is open. Of what runs while a module is imported nothing is noted.
"""

import inspect
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

from benchmarks.house.code import PACKAGES, ROOT

FOLDERS = tuple(f"{ROOT / folder}/" for folder in PACKAGES.values())
STARTER = "sitecustomize.py"
OPEN, ENTERED = "open", "entered"
ELSEWHERE = 0
"""Stands for the slice of code that is of no interest in any."""

Function = tuple[str, str]
"""A file under the checkout, and a function's qualified name."""


class Notebook:
    """What was entered in each slice, by all processes that were started with `settings`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        folder.joinpath(STARTER).write_text(
            "from pathlib import Path\nfrom benchmarks.house.entered import start\n"
            "start(Path(__file__).parent)\n"
        )
        folder.joinpath(OPEN).write_bytes(b"\0")
        self._folder = folder
        self._slices = 0

    @property
    def settings(self) -> dict[str, str]:
        """The variables that make a process take notes."""
        return {"PYTHONPATH": f"{self._folder}{os.pathsep}{ROOT}"}

    @contextmanager
    def slice(self) -> Iterator[set[Function]]:
        """The functions that are entered within the block; known at its end."""
        found: set[Function] = set()
        self._slices += 1
        with _opened(self._folder / OPEN) as opened:
            opened[0] = self._slices
            try:
                yield found
            finally:
                opened[0] = 0
        found.update(self._entered())

    def _entered(self) -> Iterator[Function]:
        notes = self._folder / ENTERED
        for line in notes.read_text("utf-8").splitlines() if notes.exists() else ():
            number, file, function = line.split("\t")
            if int(number) == self._slices:
                yield file, function


class _Notes:
    """The notes one process takes, in a file they all append to."""

    def __init__(self, folder: Path) -> None:
        self._opened = mmap.mmap(os.open(folder / OPEN, os.O_RDWR), 1)
        self._file = os.open(folder / ENTERED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._noted: dict[int, int] = {}
        self._kept: list[CodeType] = []

    def take(self, frame: FrameType, event: str, argument: object) -> None:
        """Note the function of a frame that begins; what happens within is of no interest."""
        now = self._opened[0]
        if now == 0:
            return
        code = frame.f_code
        # By identity: the hash of code is worked out anew each time.
        noted = self._noted.get(id(code))
        if noted in (now, ELSEWHERE):
            return
        if noted is None:
            self._kept.append(code)
        self._noted[id(code)] = self._note(now, frame)

    def _note(self, now: int, frame: FrameType) -> int:
        code = frame.f_code
        if not (code.co_filename.startswith(FOLDERS) and code.co_flags & inspect.CO_OPTIMIZED):
            return ELSEWHERE
        if _while_importing(frame):
            return -1
        file = os.path.relpath(code.co_filename, ROOT)
        os.write(self._file, f"{now}\t{file}\t{code.co_qualname}\n".encode())
        return now


def start(folder: Path) -> None:
    """Take notes from now on, in this process and those split off from it."""
    notes = _Notes(folder)
    threading.settrace(notes.take)
    sys.settrace(notes.take)


def _while_importing(frame: FrameType) -> bool:
    outer: FrameType | None = frame
    while outer is not None:
        if outer.f_code.co_filename.startswith("<frozen importlib"):
            return True
        outer = outer.f_back
    return False


@contextmanager
def _opened(path: Path) -> Iterator[mmap.mmap]:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 1) as memory:
        yield memory
