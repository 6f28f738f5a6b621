from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.science.evaluation.quality import (
    group_numbers,
    quality_class,
    quality_index,
    reference_values,
    relative_value,
)

NAMES = ("lai", "fvc", "gpp")


def group(region: int, vegetation: int) -> int:
    return region * 16 + vegetation


def layers(
    groups: np.ndarray, **values: np.ndarray
) -> Callable[[], Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]]]:
    return lambda: [(groups, values)]


def test_one_region_by_its_maxima() -> None:
    groups = np.full(3, group(1, 2), np.uint16)
    values = {
        "lai": np.array([2.0, 5, 4]),
        "fvc": np.array([0.3, 0.9, 0.6]),
        "gpp": np.array([800.0, 2000, 1500]),
    }
    found = reference_values(layers(groups, **values), reference="max")
    relative = [relative_value(values[name], found.table(name)[groups]) for name in NAMES]
    # The references were kept as float32.
    np.testing.assert_allclose(quality_index(relative), [37.777778, 100, 73.888889], rtol=1e-6)


def test_groups_are_numbered_by_region_and_type_and_unknown_without_one() -> None:
    region = np.array([1, 1, 0, 3], np.uint8)
    vegetation = np.array([2, 0, 2, 4], np.uint8)
    assert group_numbers(region, vegetation).tolist() == [group(1, 2), 0, 0, group(3, 4)]


def test_a_small_group_takes_the_reference_of_its_parent_region() -> None:
    groups = np.repeat(np.array([group(1, 2), group(2, 2), group(3, 2)], np.uint16), [40, 5, 40])
    values = np.repeat([4.0, 1.0, 8.0], [40, 5, 40])
    found = reference_values(layers(groups, lai=values), ("lai",), reference="max", parents={2: 1})
    # Region 2 belongs to region 1, whose group holds both their cells.
    assert found.values["lai"] == {group(1, 2): 4, group(2, 2): 4, group(3, 2): 8}
    assert found.taken_from["lai"][group(2, 2)] == group(1, 2)
    assert found.cells["lai"] == {group(1, 2): 40, group(2, 2): 5, group(3, 2): 40}


def test_without_a_parent_the_whole_area_lends_its_reference() -> None:
    groups = np.repeat(np.array([group(1, 2), group(2, 2), group(2, 4)], np.uint16), [29, 40, 3])
    values = np.repeat([9.0, 2.0, 1.0], [29, 40, 3])
    found = reference_values(layers(groups, lai=values), ("lai",), reference="max")
    assert found.values["lai"][group(1, 2)] == 9
    assert found.taken_from["lai"][group(1, 2)] == 2
    # Three cells are all there is of the type; they are measured against themselves.
    assert found.values["lai"][group(2, 4)] == 1


def test_the_percentile_is_not_moved_by_one_faulty_cell() -> None:
    groups = np.full(101, group(1, 2), np.uint16)
    values = np.append(np.full(100, 5.0), 900.0)
    found = reference_values(layers(groups, lai=values), ("lai",))
    assert found.values["lai"][group(1, 2)] == 5


def test_blocks_make_no_difference() -> None:
    rng = np.random.default_rng(3)
    groups = rng.choice(np.array([group(1, 1), group(1, 2), group(2, 2), 0], np.uint16), 3000)
    values = rng.lognormal(size=3000)
    values[rng.random(3000) < 0.1] = np.nan
    whole = reference_values(layers(groups, lai=values), ("lai",))
    cut = reference_values(
        lambda: [
            (part, {"lai": held})
            for part, held in zip(np.array_split(groups, 7), np.array_split(values, 7), strict=True)
        ],
        ("lai",),
    )
    assert whole == cut
    own = values[(groups == group(1, 2)) & np.isfinite(values)].astype(np.float32)
    assert whole.values["lai"][group(1, 2)] == pytest.approx(np.quantile(own, 0.95), rel=1e-6)


def test_classes_of_the_index() -> None:
    index = np.array([100, 75, 74.9, 55, 35, 20, 19.9, 0, np.nan])
    assert quality_class(index).tolist() == [1, 1, 2, 2, 3, 4, 5, 5, 0]


@given(values=hnp.arrays(float, 20, elements=st.floats(0, 100)))
def test_relative_values_are_shares(values: np.ndarray) -> None:
    share = relative_value(values, np.full(20, 40.0))
    assert ((share >= 0) & (share <= 1)).all()
    assert (relative_value(values, np.zeros(20)) == 0).all()
    assert np.isnan(relative_value(values, np.full(20, np.nan))).all()
