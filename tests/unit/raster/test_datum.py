from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import Point, affinity
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.raster.cells import cells_of_frame
from shanhai.raster.checks import check_datum, match_outline
from shanhai.raster.crs import as_gcj02, shift_to_gcj02
from shanhai.raster.geotiff import write_geotiff
from shanhai.raster.inspect import RasterFacts, inspect_raster

FRAME = (0.001, 0.0, 117.95, 0.0, -0.001, 24.75)
SHAPE = (280, 320)
REGION = affinity.scale(Point(118.1, 24.6).buffer(0.1), 1.0, 0.8)


def masked_raster(
    path: Path, outline: BaseGeometry, *, tags: Any = None
) -> tuple[Path, RasterFacts]:
    inside = cells_of_frame(outline, SHAPE, FRAME)
    values = np.where(inside, 5.0, np.nan)
    write_geotiff(path, values, transform=FRAME, crs="EPSG:4326", tags=tags)
    return path, inspect_raster(path)


def test_the_shift_at_tiananmen_is_the_known_one() -> None:
    shifted = shift_to_gcj02(np.array([[116.3912757, 39.9066018]]))[0]
    assert shifted == pytest.approx([116.397514, 39.908004], abs=2e-5)


def test_a_raster_cut_by_the_true_boundary_is_not_suspected(tmp_path: Path) -> None:
    path, facts = masked_raster(tmp_path / "a.tif", REGION)
    match = match_outline(path, facts, REGION)
    assert match is not None
    assert match.in_place > 0.99
    assert not match.suspicious
    check_datum(path, facts, {}, REGION)


def test_a_raster_cut_by_the_shifted_boundary_is_refused_with_a_hint(tmp_path: Path) -> None:
    path, facts = masked_raster(tmp_path / "a.tif", as_gcj02(REGION))
    with pytest.raises(InvalidInput) as caught:
        check_datum(path, facts, {}, REGION)
    assert "GCJ-02" in caught.value.message
    assert "accept_datum" in caught.value.message_zh
    assert caught.value.faults[0].pointer == "/inputs/accept_datum"


def test_a_full_box_or_another_outline_says_nothing(tmp_path: Path) -> None:
    path, facts = masked_raster(tmp_path / "a.tif", Point(118.1, 24.6).buffer(2))
    assert match_outline(path, facts, REGION) is None
    path, facts = masked_raster(tmp_path / "b.tif", affinity.translate(REGION, 0.06, 0.0))
    match = match_outline(path, facts, REGION)
    assert match is not None
    assert not match.suspicious


def test_tags_that_name_the_datum_are_believed(tmp_path: Path) -> None:
    path, facts = masked_raster(tmp_path / "a.tif", REGION, tags={"datum": "GCJ-02"})
    with pytest.raises(InvalidInput, match="tags name GCJ-02"):
        check_datum(path, facts, facts.tags, REGION)
