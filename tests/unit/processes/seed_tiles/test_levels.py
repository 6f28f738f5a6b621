"""Which tiles touch a box: by hand, and as the tile service itself reckons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.processes.seed_tiles.plan import BLOCK, Block, Levels, around, common
from shanhai_tiles.grids import CGCS2000_QUAD, GAUSS_KRUGER, WEB_MERCATOR, WORLD_CRS84, TileGrid

XIAMEN = (117.9, 24.4, 118.3, 24.7)
MERCATOR = Levels.of(WEB_MERCATOR.document().as_json())


def test_tiles_of_web_mercator_by_hand() -> None:
    # Level 1 has its corner at 0, 0: a box around it touches all four tiles.
    assert MERCATOR.touching(1, (-1, -1, 1, 1)) == Block(1, (0, 2), (0, 2))
    # (118 + 180) / 360 * 1024 = 847.6; the row of 24.5 degrees north at level 10 is 440.
    assert MERCATOR.touching(10, (118.0, 24.5, 118.0, 24.5)) == Block(10, (847, 848), (440, 441))
    assert MERCATOR.touching(0, (-180, -90, 180, 90)) == Block(0, (0, 1), (0, 1))


def test_tiles_of_degrees_by_hand() -> None:
    # Level 0 has two tiles of 180 degrees; level 2 has eight columns of 45 and four rows.
    degrees = Levels.of(CGCS2000_QUAD.document().as_json())
    assert degrees.touching(2, (100.0, 10.0, 140.0, 50.0)) == Block(2, (6, 8), (0, 2))
    assert degrees.deepest == 22


def test_a_box_beside_the_grid_touches_nothing() -> None:
    gauss_kruger = Levels.of(GAUSS_KRUGER[117].document().as_json())
    assert gauss_kruger.touching(8, (150.0, 24.0, 151.0, 25.0)) is None


@pytest.mark.parametrize(
    "grid",
    [WEB_MERCATOR, WORLD_CRS84, CGCS2000_QUAD, GAUSS_KRUGER[117], GAUSS_KRUGER[120]],
    ids=lambda grid: grid.id,
)
def test_as_the_tile_service_reckons(grid: TileGrid) -> None:
    levels = Levels.of(grid.document().as_json())
    for zoom in range(levels.deepest + 1):
        span = grid.span(zoom, XIAMEN)
        found = levels.touching(zoom, XIAMEN)
        assert found is not None
        assert span is not None
        assert (found.columns[0], found.columns[1] - 1) == span.columns
        assert (found.rows[0], found.rows[1] - 1) == span.rows


@given(
    x=st.integers(0, 60), y=st.integers(0, 60), width=st.integers(1, 70), height=st.integers(1, 70)
)
def test_blocks_hold_every_tile_once(x: int, y: int, width: int, height: int) -> None:
    whole = Block(7, (x, x + width), (y, y + height))
    parts = list(whole.blocks())
    tiles = [tile for part in parts for tile in part.tiles()]
    assert sorted(tiles) == sorted(whole.tiles())
    assert sum(part.count for part in parts) == whole.count == len(set(tiles))
    for part in parts:
        squares = {(column // BLOCK, row // BLOCK) for column, row in part.tiles()}
        assert len(squares) == 1


def test_boxes_in_common_and_around() -> None:
    assert common((0, 0, 2, 2), (1, 1, 3, 3)) == (1, 1, 2, 2)
    assert common((0, 0, 1, 1), (2, 0, 3, 1)) is None
    assert around([(0, 0, 1, 1), (2, -1, 3, 0.5)]) == (0, -1, 3, 1)
