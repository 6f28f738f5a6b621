"""A disk that fills up, without one."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def room_for(number: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: the system refuses, as when full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
