"""What the workers of these tests compute; a module of its own, so that they load no pytest."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource, align
from shanhai.science.grid import Window


def square(number: int) -> int:
    return number * number


def refuse_seven(number: int) -> int:
    if number == 7:
        from shanhai.errors import InvalidInput

        raise InvalidInput("7 is refused", message_zh="拒绝", pointer="/number")
    return number


def mark(folder: Path, number: int) -> tuple[int, int]:
    """Leave a file, slowly enough to be interrupted; the number and who computed it."""
    time.sleep(0.05)
    (folder / f"{number}.done").touch()
    return number, os.getpid()


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def spread(store: ScratchStore, window: Window) -> float:
    """Write thrice the sum of a cell and those above and below, by what was written before."""
    around = window.expanded(1, store.grid)
    own = window.slices_within(around)
    values = np.pad(store.read("heights", around), 1)
    inner = values[1:-1, 1:-1] + values[:-2, 1:-1] + values[2:, 1:-1]
    store.write("sums", window, inner[own])
    store.write("sums", window, 3 * store.read("sums", around)[own])
    return float(np.nansum(store.read("sums", window)))


def list_layers(store: ScratchStore, window: Window) -> tuple[bool, bool, bool]:
    return store.has("heights"), store.has_classes("heights"), store.has("missing")


def align_window(source: RasterSource, store: ScratchStore, window: Window) -> None:
    store.write("heights", window, align(source, store.grid, window)[0])


def read_forever(folder: Path, store: ScratchStore, number: int) -> None:
    """Ask again and again, as long as somebody answers; leave a file at the end."""
    (folder / "begun").touch()
    try:
        while number:
            store.read("heights", store.whole)
    finally:
        (folder / "ended").touch()
