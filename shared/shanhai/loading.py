"""Loading modules without looking for garbage among what they make, or for what nobody asks for."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """For imports of much: what they make stays, and to look through it over and over takes a third
    of their time. It is not looked through later either, nor at the end of the process."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if before:
            gc.enable()


@contextmanager
def as_if_missing(name: str) -> Iterator[None]:
    """Have whatever is loaded meanwhile go without a library that it can do without."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # as import has what is not there
    try:
        yield
    finally:
        del sys.modules[name]
