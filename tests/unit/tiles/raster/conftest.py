from collections.abc import Iterator

import pytest

from shanhai_tiles.raster.dataset_pool import DatasetPool


@pytest.fixture
def rasters() -> Iterator[DatasetPool]:
    handles = DatasetPool()
    yield handles
    handles.close()
