import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.dask_cluster import DaskParts, start_dask
from tests.support.serving import PATIENCE_S

OWN_FUNCTIONS = {"PYTHONPATH": str(Path(__file__).parents[3])}


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskParts]:
    """Two workers for tests that leave them alive."""
    with start_dask(tmp_path_factory.mktemp("dask"), environment=OWN_FUNCTIONS) as parts:
        yield parts


@pytest.fixture
def dask_of_its_own(tmp_path: Path) -> Iterator[DaskParts]:
    """Two workers for a test that does them harm."""
    with start_dask(tmp_path / "dask", environment=OWN_FUNCTIONS) as parts:
        yield parts


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)
