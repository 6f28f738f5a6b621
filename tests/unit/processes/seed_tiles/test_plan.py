"""Which tiles a job means, and what is refused of them."""

from typing import Any

import pytest

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.seed_tiles.contract import MOST_TILES, SeedTilesInputs
from shanhai.processes.seed_tiles.plan import Levels, SeedingPlan, make_plan
from shanhai.processes.seed_tiles.service import SeenLayer
from shanhai.vocabulary import Label
from shanhai_tiles.grids import WEB_MERCATOR

GRID = Levels.of(WEB_MERCATOR.document().as_json())
WORLD = (-180.0, -90.0, 180.0, 90.0)


def layer(name: str = "zones", kind: str = "vector", **members: Any) -> SeenLayer:
    given = {"version": "1", "bounds": WORLD, "maxzoom": 2, "own": False, **members}
    return SeenLayer(name, kind, Label(name, name), document={}, tilejson={}, **given)


def plan(*layers: SeenLayer, area: Any = None, **inputs: Any) -> SeedingPlan:
    asked = SeedTilesInputs.model_validate({"layers": [one.name for one in layers], **inputs})
    return make_plan(GRID, layers, asked, area)


def test_the_world_to_level_2_has_21_tiles() -> None:
    found = plan(layer())
    assert found.count == 1 + 4 + 16
    assert found.by_zoom() == {0: 1, 1: 4, 2: 16}
    assert found.sheets[0].zooms == (0, 2)


def test_a_quarter_of_the_world_has_a_quarter_of_the_tiles() -> None:
    found = plan(layer(), area=(1.0, 1.0, 170.0, 80.0), min_zoom=1, max_zoom=3)
    assert found.by_zoom() == {1: 1, 2: 4, 3: 16}


def test_an_area_beyond_the_layer_adds_no_tiles() -> None:
    small = layer(bounds=(118.0, 24.4, 118.1, 24.5))
    assert plan(small, area=WORLD, max_zoom=9).by_zoom() == plan(small, max_zoom=9).by_zoom()
    assert plan(small, max_zoom=9).count == 10


def test_layers_of_a_pack_share_tiles_and_others_do_not() -> None:
    pair = (layer("zones"), layer("regions"))
    packed, seeded = plan(*pair, pack="pmtiles"), plan(*pair)
    assert [len(sheet.layers) for sheet in packed.sheets] == [2]
    assert [len(sheet.layers) for sheet in seeded.sheets] == [1, 1]
    assert packed.count == seeded.count == 42
    assert packed.versions == {"zones": "1", "regions": "1"}


def test_another_version_is_another_plan() -> None:
    assert plan(layer()).digest == plan(layer()).digest
    assert plan(layer()).digest != plan(layer(version="2")).digest
    assert plan(layer()).digest != plan(layer(own=True)).digest
    assert plan(layer()).digest != plan(layer(), max_zoom=1).digest


def test_too_many_tiles_are_refused_with_the_level_that_would_do() -> None:
    with pytest.raises(LimitExceeded) as refused:
        plan(layer(), max_zoom=10)  # 4^0 + … + 4^10 = 1 398 101
    error = refused.value
    assert "1,398,101 tiles" in error.message
    assert f"{MOST_TILES:,}" in error.message
    assert "down to level 9" in error.message
    assert "到第 9 级为止" in error.message_zh
    assert [fault.pointer for fault in error.faults] == ["/inputs/max_zoom"]


def test_as_many_tiles_as_are_allowed_are_accepted() -> None:
    assert plan(layer(), max_zoom=9).count == 349_525 <= MOST_TILES


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({"area": (10.0, 10.0, 11.0, 11.0), "bbox": [10, 10, 11, 11]}, "/inputs/bbox"),
        ({"area": (10.0, 10.0, 11.0, 11.0), "region": "far"}, "/inputs/region"),
        ({"min_zoom": 3}, "/inputs/min_zoom"),
    ],
)
def test_what_cannot_be_is_refused(inputs: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan(layer(bounds=(118.0, 24.4, 118.1, 24.5)), **inputs)
    (fault,) = refused.value.faults
    assert fault.pointer == pointer
    assert fault.detail_zh


def test_levels_below_the_grid_are_refused() -> None:
    shallow = Levels(GRID.id, GRID.crs, GRID.levels[:5])
    asked = SeedTilesInputs(layers=["zones"], min_zoom=2, max_zoom=9)
    with pytest.raises(InvalidInput, match="ends with level 4") as refused:
        make_plan(shallow, [layer()], asked, None)
    assert refused.value.faults[0].pointer == "/inputs/max_zoom"


def test_a_raster_is_not_packed_with_others() -> None:
    pair = (layer("zones"), layer("ratio.xiamen", "raster"))
    assert len(plan(*pair).sheets) == 2
    with pytest.raises(InvalidInput, match=r"ratio\.xiamen is a raster") as refused:
        plan(*pair, pack="mbtiles")
    assert refused.value.faults[0].pointer == "/inputs/layers"
