"""Too little land is refused, gaps are flagged; both name the inputs at fault."""

import pytest

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.assessed import (
    Coverage,
    coverage_flags,
    losses,
    missing_cells,
    require_coverage,
)
from shanhai.vocabulary import Label

THEMES = ("dem", "land_cover", "npp", "rainfall", "soil", "temperature")


MADE_OF = {"erosivity": "rainfall", "erodibility": "soil", "slope": "dem"}


def coverage(valid: int, **missing: int) -> Coverage:
    return Coverage(
        valid=valid,
        inside=1200,
        sea=200,
        missing=missing,
        themes={layer: theme for layer, theme in MADE_OF.items() if layer in missing},
        titles={"slope": Label("坡度", "Slope")},
    )


def refusal(found: Coverage, themes: tuple[str, ...] = THEMES) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        require_coverage(found, themes, 100.0)
    return caught.value


def test_half_of_the_land_is_enough_and_less_is_not() -> None:
    require_coverage(coverage(500, npp=500), THEMES, 100.0)
    error = refusal(coverage(499, npp=501, soil=0))
    assert error.faults[0].pointer == "/inputs/datasets/npp"
    assert "only 49.9 % of the 1000 land cells" in error.message
    assert "net primary productivity is unknown in 50.1 %" in error.message
    assert "净初级生产力缺测 50.1 %" in error.message_zh


def test_layers_are_named_by_the_input_they_come_from() -> None:
    found = losses(coverage(0, rainfall=10, erosivity=10, erodibility=30, slope=20))
    assert found == [("soil", 30), ("dem", 20), ("rainfall", 10)]


def test_a_refusal_without_known_gaps_points_at_the_datasets() -> None:
    assert refusal(coverage(0)).faults[0].pointer == "/inputs/datasets"


def test_without_land_cover_the_refusal_says_that_the_sea_counts() -> None:
    error = refusal(coverage(100, npp=900), ("npp",))
    assert "without land cover the sea counts as land" in error.message
    assert "海域按陆地计" in error.message_zh
    assert "sea counts" not in refusal(coverage(100, npp=900)).message


def test_a_region_of_sea_alone_is_refused() -> None:
    error = refusal(Coverage(valid=0, inside=7, sea=7, missing={}))
    assert error.faults[0].pointer == "/inputs/datasets/land_cover"
    assert "sea in all 7 cells" in error.message


def test_low_coverage_is_flagged_below_the_threshold_only() -> None:
    assert coverage_flags(coverage(950, npp=50)) == ()
    (flag,) = coverage_flags(coverage(949, npp=51, soil=3, dem=0))
    assert flag.code == "low_coverage"
    assert flag.text.en.endswith(
        "net primary productivity is unknown in 5.1 %, soil is unknown in 0.3 %"
    )
    assert "净初级生产力缺测 5.1 %、土壤缺测 0.3 %" in flag.text.zh


def test_only_notable_gaps_are_warned_of() -> None:
    (flag,) = missing_cells(coverage(900, npp=11, soil=10))
    assert flag.document() == {
        "code": "missing_cells",
        "detail": "net primary productivity is unknown in 1.1 % of the land cells, "
        "which are left out",
        "detail_zh": "净初级生产力在 1.1 % 的陆地像元缺测，已剔除",
    }


def test_a_layer_is_told_by_its_own_title() -> None:
    (flag,) = missing_cells(coverage(900, slope=20))
    assert flag.text.en.startswith("slope is unknown in 2.0 %")
    assert flag.text.zh.startswith("坡度在 2.0 %")
