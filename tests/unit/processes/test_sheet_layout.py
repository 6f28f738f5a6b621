"""Boxes of a sheet and the scales that fit, reckoned by hand."""

import pytest

from shanhai.processes.compose_map_sheet.layout import (
    SheetLayout,
    best_orientation,
    round_scale,
    widened,
)

SQUARE = (600_000.0, 2_700_000.0, 610_000.0, 2_710_000.0)


def test_a_landscape_sheet_of_a4_has_its_panel_on_the_right() -> None:
    layout = SheetLayout.of("A4", "landscape", two_languages=False)
    # 297 less margins of 8 each, a panel of 0.22 × 297 = 65.34, and gaps of 5.2 on both sides.
    assert layout.map_size[0] == pytest.approx(297 - 16 - 65.34 - 10.4)
    # 210 less margins of 8, a title of 13, a foot of 14.5, and the gaps.
    assert layout.map_size[1] == pytest.approx(210 - 16 - 13 - 14.5 - 10.4)
    assert layout.panel[0] == pytest.approx(297 - 8 - 65.34)


def test_a_wall_map_is_written_larger() -> None:
    layout = SheetLayout.of("A0", "portrait", two_languages=True)
    assert layout.size == pytest.approx((841, 1189))
    assert layout.letters == pytest.approx(2.4)
    assert layout.frame[0] == pytest.approx(8 * 2.4)
    assert layout.panel[3] - layout.panel[1] == pytest.approx((62 + 14) * 2.4)


@pytest.mark.parametrize(
    ("least", "scale"),
    [
        (100_000.0, 100_000),
        (100_001.0, 120_000),
        (163_000.0, 180_000),
        (260_000.0, 300_000),
        (812_000.0, 1_000_000),
        (999.0, 1_000),
    ],
)
def test_scales_are_round_and_no_larger_than_fits(least: float, scale: int) -> None:
    assert round_scale(least) == scale


def test_a_frame_shows_what_the_scale_says() -> None:
    layout = SheetLayout.of("A4", "landscape", two_languages=False)
    # 10 km high on 156.1 mm: 1:64 061 just fits, 1:70 000 is the round one.
    assert layout.least_scale(SQUARE) == pytest.approx(10_000 / 0.1561, rel=1e-9)
    assert round_scale(layout.least_scale(SQUARE)) == 70_000
    west, south, east, north = layout.frame_at(SQUARE, 70_000)
    assert east - west == pytest.approx(0.20526 * 70_000)
    assert north - south == pytest.approx(0.1561 * 70_000)
    assert ((west + east) / 2, (south + north) / 2) == pytest.approx((605_000, 2_705_000))


def test_paper_lies_as_its_region_does() -> None:
    long, high = (0.0, 0.0, 30_000.0, 10_000.0), (0.0, 0.0, 10_000.0, 30_000.0)
    assert best_orientation("A3", long, two_languages=False) == "landscape"
    assert best_orientation("A3", high, two_languages=False) == "portrait"


def test_a_region_has_room_around_it() -> None:
    assert widened((0.0, 0.0, 10_000.0, 5_000.0)) == (-200.0, -200.0, 10_200.0, 5_200.0)
