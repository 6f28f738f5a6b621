"""Which analysis grids are accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box, mapping

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.kit.resolution import MAX_CELLS, check_grid, estimate_cells

XIAMEN = (117.88, 24.42, 118.45, 24.91)
REGION = mapping(box(*XIAMEN))


@pytest.mark.parametrize("epsg", [4548, 4527, 4549, 4509, 32650])
def test_grids_made_for_the_region_are_accepted(epsg: int) -> None:
    check_grid(REGION, epsg=epsg, cell_m=100)


@pytest.mark.parametrize(
    ("epsg", "reason"),
    [
        (4490, "not projected"),
        (4479, "not projected"),
        (2236, "not measured in metres"),
        (3857, "21%"),
        (4534, "63%"),
        (123456, "not a known"),
    ],
)
def test_others_are_refused_with_the_reason(epsg: int, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        check_grid(REGION, epsg=epsg, cell_m=100)
    assert [fault.pointer for fault in caught.value.faults] == ["/inputs/crs"]


def test_a_grid_beyond_the_limit_is_refused() -> None:
    wide = mapping(box(117, 23, 119.5, 26))
    assert estimate_cells((117, 23, 119.5, 26), epsg=4548, cell_m=10) > MAX_CELLS
    with pytest.raises(LimitExceeded) as caught:
        check_grid(wide, epsg=4548, cell_m=10)
    assert [fault.pointer for fault in caught.value.faults] == ["/inputs/cell_m"]
    check_grid(wide, epsg=4548, cell_m=100)


@given(st.floats(10, 5000))
def test_cells_fall_with_the_square_of_their_side(cell_m: float) -> None:
    fine = estimate_cells(XIAMEN, epsg=4548, cell_m=cell_m)
    coarse = estimate_cells(XIAMEN, epsg=4548, cell_m=2 * cell_m)
    assert coarse <= fine <= 4 * coarse
