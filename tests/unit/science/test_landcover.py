import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.landcover import (
    CROP_COEFFICIENT,
    LAND_SURVEY,
    NATURALNESS,
    SCHEMES,
    LandCover,
    class_values,
    harmonise,
    is_built_up,
    is_water,
    land_survey_class,
)


@pytest.mark.parametrize(
    ("scheme", "raw", "internal"),
    [
        ("worldcover", [0, 10, 50, 80, 95], [0, 2, 8, 7, 6]),
        ("globeland30", [255, 20, 80, 60, 40], [0, 2, 8, 7, 3]),
        ("clcd", [0, 2, 8, 5, 9], [0, 2, 8, 7, 5]),
        ("io_lulc", [0, 2, 7, 1, 4, 10], [0, 2, 8, 7, 5, 0]),
        ("internal", [0, 2, 8, 7, 6], [0, 2, 8, 7, 6]),
    ],
)
def test_products_map_onto_internal_codes(scheme: str, raw: list[int], internal: list[int]) -> None:
    result = harmonise(np.array([raw]), scheme)
    assert result.tolist() == [internal]
    assert result.dtype == np.uint8


def test_every_scheme_leads_to_internal_codes() -> None:
    for mapping in SCHEMES.values():
        assert set(mapping.values()) <= {0, *LandCover}


def test_unmapped_codes_are_listed_with_their_counts() -> None:
    with pytest.raises(InvalidInput, match=r"77 \(2 cells\), 99 \(1 cells\)"):
        harmonise(np.array([[10, 77], [77, 99]]), "worldcover")


def test_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="worldcover, globeland30, clcd"):
        harmonise(np.array([1]), "corine")


def test_class_values_look_up_every_cell() -> None:
    codes = np.array([[1, 2], [8, 0]], dtype=np.uint8)
    np.testing.assert_array_equal(class_values(codes, NATURALNESS), [[0.3, 1], [0.05, np.nan]])
    np.testing.assert_array_equal(class_values(codes, CROP_COEFFICIENT)[0], [0.85, 1.0])


def test_class_without_parameters_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"10 \(3 cells\)"):
        class_values(np.full(3, LandCover.SNOW_ICE, dtype=np.uint8), NATURALNESS)


def test_masks() -> None:
    codes = np.array([7, 8, 2], dtype=np.uint8)
    assert is_water(codes).tolist() == [True, False, False]
    assert is_built_up(codes).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("code", "survey", "standard"),
    [
        ("0101", LandCover.CROPLAND, LandCover.CROPLAND),
        ("0303", LandCover.MANGROVE, LandCover.MANGROVE),
        ("0304", LandCover.WETLAND, LandCover.WETLAND),
        ("0301K", LandCover.FOREST, LandCover.FOREST),
        ("1104A", LandCover.WATER, LandCover.WATER),
        # Salt pans: wetland in the third survey, industry in the standard.
        ("0603", LandCover.WETLAND, LandCover.BUILT_UP),
        ("05H1", LandCover.BUILT_UP, None),
        ("0501", None, LandCover.BUILT_UP),
        ("09", LandCover.BUILT_UP, None),
        ("0101X", None, None),
        ("", None, None),
    ],
)
def test_codes_of_the_land_survey(
    code: str, survey: LandCover | None, standard: LandCover | None
) -> None:
    assert land_survey_class(code, "tdt1055") == survey
    assert land_survey_class(code, "gbt21010") == standard


def test_the_land_survey_as_numbers() -> None:
    raw = np.array([[101, 303], [1101, 0]])
    assert harmonise(raw, "tdt1055").tolist() == [[1, 6], [7, 0]]
    with pytest.raises(InvalidInput, match=r"501 \(1 cells\)"):
        harmonise(np.array([[501]]), "tdt1055")
    assert harmonise(np.array([[501]]), "gbt21010").tolist() == [[8]]


def test_the_standard_has_all_its_classes_of_the_second_level() -> None:
    """GB/T 21010-2017, table 1: 73 classes in twelve."""
    sizes = [3, 4, 7, 4, 7, 4, 2, 10, 6, 9, 10, 7]
    wanted = {f"{n:02}{m:02}" for n, size in enumerate(sizes, 1) for m in range(1, size + 1)}
    assert set(LAND_SURVEY["gbt21010"]) == wanted
    assert len(wanted) == 73
