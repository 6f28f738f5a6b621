"""Pointers of the science's errors, made to point into the inputs of a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from shanhai.errors import Fault, InvalidInput


@contextmanager
def pointing_at(prefix: str) -> Iterator[None]:
    """Put `prefix` before the pointers of an `InvalidInput` raised inside.

    Science names its own arguments (`/k`); the caller of a process knows them by where they stand
    in its inputs. An error without pointer gets `prefix` itself.
    """
    try:
        yield
    except InvalidInput as error:
        faults = [replace(fault, pointer=prefix + fault.pointer) for fault in error.faults]
        faults = faults or [Fault(prefix, error.message, error.message_zh)]
        raise InvalidInput(error.message, message_zh=error.message_zh, faults=faults) from error
