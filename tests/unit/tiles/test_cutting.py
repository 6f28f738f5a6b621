"""In which system the shapes of a vector tile are cut."""

import numpy as np
import pytest

from shanhai_tiles.grids import CGCS2000, GAUSS_KRUGER, WEB_MERCATOR, Bounds
from shanhai_tiles.vector.tiles import EVENLY, EXTENT, _cut_in


def _bounds(zoom: int, lat: float) -> Bounds:
    tile = WEB_MERCATOR.tms.tile(110.0, lat, zoom)
    return WEB_MERCATOR.bounds(zoom, tile.x, tile.y)


@pytest.mark.parametrize("lat", [-54.0, 0.01, 18.0, 40.0, 54.0, 80.0])
@pytest.mark.parametrize("zoom", [12, 13, 14, 20])
def test_small_tiles_of_web_mercator_are_cut_in_degrees(zoom: int, lat: float) -> None:
    bounds = _bounds(zoom, lat)
    srid, (_, south, _, north) = _cut_in(WEB_MERCATOR, bounds)
    assert srid == CGCS2000
    lats = np.linspace(south, north, 101)
    _, y = WEB_MERCATOR.from_lonlat(np.full(101, 110.0), lats)
    place = (y - bounds[1]) / (bounds[3] - bounds[1]) * EXTENT
    drawn = (lats - south) / (north - south) * EXTENT
    assert np.abs(place - drawn).max() < EVENLY


def test_larger_ones_and_other_grids_are_cut_in_metres() -> None:
    large = _bounds(11, 30.0)
    assert _cut_in(WEB_MERCATOR, large) == (WEB_MERCATOR.srid, large)
    turned = GAUSS_KRUGER[117]
    bounds = turned.bounds(12, 0, 0)
    assert _cut_in(turned, bounds) == (turned.srid, bounds)
