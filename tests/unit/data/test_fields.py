from typing import Literal

import numpy as np
import pytest

from shanhai.data.world import GeographicField
from shanhai.errors import InvalidInput


def plane(step: float = 0.5) -> GeographicField:
    """Two bands, longitude and latitude at the cell centres, over 10–20 E, 20–30 N."""
    size = int(10 / step)
    blank = GeographicField(np.zeros((1, size, size)), 10.0, 30.0, step)
    return GeographicField(np.stack(blank.centres()), 10.0, 30.0, step)


def test_centres_are_half_a_cell_inside_the_edge() -> None:
    longitude, latitude = plane().centres()
    assert (longitude[0, 0], latitude[0, 0]) == (10.25, 29.75)


@pytest.mark.parametrize("order", [1, 3])
def test_sample_reproduces_a_plane_between_centres(order: Literal[1, 3]) -> None:
    longitude, latitude = np.array([14.1, 15.0, 16.37]), np.array([25.9, 24.0, 23.3])
    values = plane().sample(longitude, latitude, order)
    np.testing.assert_allclose(values, np.stack([longitude, latitude]), atol=1e-3)


def test_cut_keeps_positions_and_margin() -> None:
    part = plane().cut((13.1, 22.2, 14.9, 24.4), margin=1)
    assert (part.west, part.north) == (12.5, 25.0)
    assert part.values.shape == (2, 7, 5 + 1)
    np.testing.assert_allclose(part.values, np.stack(part.centres()))


def test_cut_refuses_to_leave_the_field() -> None:
    with pytest.raises(InvalidInput, match="leaves the field"):
        plane().cut((10.2, 22.0, 14.0, 24.0), margin=1)
