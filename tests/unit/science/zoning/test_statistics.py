import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.processes.delineate_zones.statistics import keep_keys
from shanhai.science.zoning import cells_by_zone
from shanhai.science.zoning.statistics import (
    ZoneLayers,
    ZoneSummary,
    class_shares,
    feature_profiles,
    zone_statistics,
)

CODES = np.array([[1, 1, 4, 0], [4, 1, 4, 4]], dtype=np.uint8)
RATIO = np.array([[0.2, 0.4, -0.6, np.nan], [-0.2, 0.0, -0.4, -0.8]])
DISTRICTS = np.array([[1, 1, 2, 2], [1, 1, 2, 2]])
LAYERS = ZoneLayers(
    ratio=RATIO.__getitem__,
    ratios={"cooling": RATIO.__getitem__, "carbon_sink": (RATIO - 0.5).__getitem__},
    others={"supply_n.cooling": np.where(CODES == 1, 0.9, np.nan).__getitem__},
)


def summaries() -> list[ZoneSummary]:
    return zone_statistics(CODES, LAYERS, 0.09, DISTRICTS)


def test_zones_of_the_whole_area_come_first_then_by_district() -> None:
    assert [(one.district, one.zone) for one in summaries()] == [
        (None, 1),
        (None, 4),
        (1, 1),
        (1, 4),
        (2, 4),
    ]


def test_areas_sum_up_to_the_valid_area() -> None:
    whole = [one for one in summaries() if one.district is None]
    assert sum(one.cells for one in whole) == 7
    assert sum(one.share for one in whole) == pytest.approx(1)
    assert whole[0].area_ha == pytest.approx(0.27)


def test_share_in_a_district_is_of_its_own_valid_land() -> None:
    by_key = {(one.district, one.zone): one for one in summaries()}
    assert by_key[1, 4].share == pytest.approx(0.25)
    assert by_key[2, 4].share == 1


def test_numbers_of_one_zone_by_hand() -> None:
    priority = summaries()[1]
    assert priority.cells == 4
    assert priority.ratio.mean == pytest.approx(-0.5)
    assert priority.ratio.median == pytest.approx(-0.5)
    assert priority.ratio.p10 == pytest.approx(-0.74)
    assert priority.ratio.p90 == pytest.approx(-0.26)
    assert priority.deficit_share == 1
    assert priority.patches == 2
    assert priority.largest_patch_ha == pytest.approx(0.27)
    assert priority.dominant_deficit == "carbon_sink"


def test_balance_is_no_deficit() -> None:
    strict = summaries()[0]
    assert strict.deficit_share == 0
    assert strict.layers["cooling"].mean == pytest.approx(0.2)
    assert strict.dominant_deficit == "carbon_sink"


def test_zone_without_deficit_has_no_dominant_one() -> None:
    layers = ZoneLayers(RATIO.__getitem__, {"cooling": np.abs(RATIO).__getitem__}, {})
    assert zone_statistics(CODES, layers, 1.0)[0].dominant_deficit is None


def test_layer_without_value_in_the_zone_is_left_out() -> None:
    strict, priority = summaries()[:2]
    assert strict.layers["supply_n.cooling"].mean == pytest.approx(0.9)
    assert "supply_n.cooling" not in priority.layers


def test_cells_outside_every_district_count_for_the_whole_only() -> None:
    districts = np.where(DISTRICTS == 2, 0, 1)
    result = zone_statistics(CODES, LAYERS, 1.0, districts)
    assert sum(one.cells for one in result if one.district == 1) == 4
    assert sum(one.cells for one in result if one.district is None) == 7


def test_empty_raster_has_no_zone() -> None:
    assert zone_statistics(np.zeros((2, 4), dtype=np.uint8), LAYERS, 1.0) == []


@given(seed=st.integers(0, 200))
def test_spreads_equal_those_of_numpy(seed: int) -> None:
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (23, 31)).astype(np.uint8)
    districts = random.integers(0, 3, codes.shape)
    ratio = random.normal(size=codes.shape).astype(np.float32)
    ratio[random.random(codes.shape) < 0.2] = np.nan
    for one in zone_statistics(codes, ZoneLayers(ratio.__getitem__, {}, {}), 1.0, districts):
        own = (codes == one.zone) & ((districts == one.district) | (one.district is None))
        values = ratio[own].astype(np.float64)
        assert one.cells == own.sum()
        assert one.ratio.mean == pytest.approx(np.nanmean(values), rel=1e-12)
        assert one.ratio.median == np.nanquantile(values, 0.5)
        assert one.ratio.p10 == np.nanquantile(values, 0.1)
        assert one.ratio.p90 == np.nanquantile(values, 0.9)
        assert one.deficit_share == pytest.approx((values < 0).sum() / (~np.isnan(values)).sum())


def test_strips_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = summaries()
    monkeypatch.setattr(cells_by_zone, "_STRIP_ROWS", 1)
    assert summaries() == whole


def test_very_many_districts() -> None:
    districts = np.array([[1, 20_000, 20_000, 2], [1, 1, 20_000, 0]])
    result = zone_statistics(CODES, LAYERS, 1.0, districts)
    assert {(one.district, one.zone): one.cells for one in result if one.district} == {
        (1, 1): 2,
        (1, 4): 1,
        (20_000, 1): 1,
        (20_000, 4): 2,
    }


def test_spread_of_nothing_is_nan() -> None:
    nothing = np.full(CODES.shape, np.nan)
    strict = zone_statistics(CODES, ZoneLayers(nothing.__getitem__, {}, {}), 1.0)[0]
    assert np.isnan([strict.ratio.mean, strict.ratio.median, strict.deficit_share]).all()


def test_profiles_are_weighted_by_area() -> None:
    matrix = np.array([[1.0, -1], [3, 0], [-2, 2]])
    zones = np.array([1, 1, 4], dtype=np.uint8)
    profiles = feature_profiles(matrix, zones, np.array([3, 1, 5]))
    assert {zone: profile.tolist() for zone, profile in profiles.items()} == {
        1: [1.5, -0.75],
        4: [-2, 2],
    }


def test_totals_and_classes_are_taken_zone_by_zone_and_district_by_district() -> None:
    people = np.array([[10.0, 20.0, 1.0, 500.0], [2.0, 30.0, np.nan, 4.0]])
    cover = np.array([[2, 2, 8, 7], [8, 1, 0, 2]], dtype=np.uint8)
    layers = ZoneLayers(
        RATIO.__getitem__,
        {},
        {},
        {"population": people.__getitem__},
        {"cover": cover.__getitem__},
        # Of whatever kind it is.
        {"red_line": np.where(cover == 2, [1, 2, 1, 2], 0).astype(np.uint8).__getitem__},
    )
    by_key = {
        (one.district, one.zone): one for one in zone_statistics(CODES, layers, 2.0, DISTRICTS)
    }
    assert {key: one.totals["population"] for key, one in by_key.items()} == {
        (None, 1): 60,
        (None, 4): 7,
        (1, 1): 60,
        (1, 4): 2,
        (2, 4): 5,
    }
    assert by_key[None, 1].composition["cover"] == pytest.approx({1: 1 / 3, 2: 2 / 3})
    assert by_key[None, 4].composition["cover"] == pytest.approx({2: 1 / 3, 8: 2 / 3})
    assert by_key[2, 4].composition["cover"] == {2: 0.5, 8: 0.5}
    assert {key: one.overlaps_ha["red_line"] for key, one in by_key.items()} == {
        (None, 1): 4,
        (None, 4): 2,
        (1, 1): 4,
        (1, 4): 0,
        (2, 4): 2,
    }


def test_a_service_in_balance_lacks_nothing() -> None:
    layers = ZoneLayers(RATIO.__getitem__, {"cooling": (0.0 * RATIO).__getitem__}, {})
    assert {one.dominant_deficit for one in zone_statistics(CODES, layers, 2.0)} == {None}


def test_without_known_class_there_are_no_shares() -> None:
    assert class_shares(np.array([7, 0, 0])) == {}


def test_layers_may_be_read_elsewhere(tmp_path: Path) -> None:
    def elsewhere(function: Any, items: Any) -> Iterator[Any]:
        sent = pickle.loads(pickle.dumps(function))  # noqa: S301 - our own bytes
        return map(sent, items)

    found = zone_statistics(
        CODES, LAYERS, 0.09, DISTRICTS, run=elsewhere, keep=partial(keep_keys, tmp_path / "keys")
    )
    assert found == summaries()
