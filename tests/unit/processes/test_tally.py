"""What the manifest says of an input: counted on land, by hand."""

import numpy as np
import pytest

from shanhai.processes.kit.region import Tally, possible

LAND = np.array([[True, True], [True, False]])
BANDS = np.array([[[1.0, 3.0], [np.nan, 100.0]]])


def tally(bands: np.ndarray, land: np.ndarray = LAND) -> Tally:
    known = ~np.isnan(bands).any(axis=0)
    return Tally.of(bands, known, np.zeros_like(land), land)


def test_only_land_counts() -> None:
    assert tally(BANDS).document() == {
        "nodata_cells": 1,
        "out_of_range_cells": 0,
        "min": 1.0,
        "mean": 2.0,
        "max": 3.0,
    }


def test_windows_add_up_whatever_their_size() -> None:
    parts = Tally.together([tally(BANDS), tally(np.full((1, 1, 1), 8.0), np.array([[True]]))])
    document = parts.document()
    assert (document["min"], document["mean"], document["max"]) == (1.0, 4.0, 8.0)
    assert document["nodata_cells"] == 1


def test_several_bands_are_told_one_by_one() -> None:
    document = tally(np.concatenate([BANDS, 10 * BANDS])).document()
    assert document["mean"] == [2.0, 20.0]


def test_a_window_without_land_changes_nothing() -> None:
    empty = tally(BANDS, np.zeros((2, 2), dtype=bool))
    assert Tally.together([tally(BANDS), empty]).document() == tally(BANDS).document()


def test_no_value_at_all_is_none() -> None:
    document = tally(np.full((1, 2, 2), np.nan)).document()
    assert (document["nodata_cells"], document["min"], document["mean"]) == (3, None, None)


def test_impossible_values_become_nodata_and_are_found() -> None:
    bands = np.array([[[0.5, 1.5], [-2.0, np.nan]]])
    found, impossible = possible("ndvi", bands)
    np.testing.assert_array_equal(found, [[[0.5, np.nan], [np.nan, np.nan]]])
    np.testing.assert_array_equal(impossible, [[False, True], [True, False]])


@pytest.mark.parametrize(("value", "kept"), [(5e6, True), (-1.0, False)])
def test_persons_of_a_large_cell_have_no_upper_limit(value: float, kept: bool) -> None:
    found, impossible = possible("population", np.full((1, 1, 1), value))
    assert impossible.any() != kept
    assert np.isfinite(found).all() == kept
