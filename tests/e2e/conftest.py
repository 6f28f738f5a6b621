"""The whole stack with a small watershed in it, driven over HTTP only."""

import time
from collections.abc import Callable, Iterator

import pytest

from shanhai.local.places import Home
from shanhai.local.stack import Stack
from tests.support.run_directory import run_directory
from tests.support.watershed_platform import Platform, watershed_platform


def wait_until(holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The whole stack, services included, in a home of its own; many processes, so not for long."""
    with run_directory() as directory:
        stack = Stack(Home(directory), bound=True)
        try:
            stack.up()
            yield stack
        finally:
            stack.down()


@pytest.fixture(scope="package")
def platform(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with watershed_platform(stack, tmp_path_factory.mktemp("watershed")) as platform:
        yield platform
