"""The upstreams of open data for tests."""

from collections.abc import Iterator

import pytest

from tests.support.upstream.control import Upstreams, running_upstreams


@pytest.fixture(scope="session")
def upstreams_of_session() -> Iterator[Upstreams]:
    """One process for all tests of this one."""
    with running_upstreams() as upstreams:
        yield upstreams


@pytest.fixture
def upstreams(upstreams_of_session: Upstreams) -> Upstreams:
    """All upstreams, without a fault of an earlier test."""
    upstreams_of_session.reset()
    return upstreams_of_session
