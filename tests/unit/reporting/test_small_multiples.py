"""Small multiples: every panel is drawn, equal ones are equal files, none is longer than a page."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from shanhai.cartography import SUPPLY, ZONES, ClassStyle, RampStyle
from shanhai.reporting.maps import MapFrame
from shanhai.reporting.panels import DPI, ClassPanel, Panel, RampPanel, draw_panels
from shanhai.vocabulary import Label

RAMP = RampPanel(
    Label("供给", "Supply"),
    np.linspace(0, 1, 3600, dtype=np.float32).reshape(60, 60),
    RampStyle(Label("供给", "Supply"), "1", SUPPLY),
    0.0,
    1.0,
)
CLASSES = ClassPanel(
    Label("分区", "Zones"),
    np.repeat(np.arange(1, 6, dtype=np.uint8), 12)[:, None].repeat(60, axis=1),
    ZONES,
)


def frame(height_m: float = 6000.0) -> MapFrame:
    bounds = (500_000.0, 2_700_000.0, 506_000.0, 2_700_000.0 + height_m)
    return MapFrame(Label("甲", "A"), bounds, [], Label("", ""), "made in code", stand_in=False)


def drawn(path: Path, *panels: Panel, height_m: float = 6000.0) -> Image.Image:
    draw_panels(path, panels, frame(height_m))
    with Image.open(path) as picture:
        return picture.convert("RGB")


def test_classes_have_their_colours_and_the_north_is_up(tmp_path: Path) -> None:
    pixels = np.asarray(drawn(tmp_path / "a.png", CLASSES))
    rows = []
    for entry in ZONES.entries:
        color = np.round(255 * np.array(to_rgb(entry.color)))
        hits = np.argwhere((pixels == color).all(axis=2))
        assert len(hits) > 1000
        rows.append(np.median(hits[:, 0]))
    assert rows == sorted(rows)


def test_some_of_the_classes_keep_their_own_colours(tmp_path: Path) -> None:
    some = tuple(entry for entry in ZONES.entries if entry.value in {1, 4})
    codes = np.full((60, 60), 4, dtype=np.uint8)
    codes[:20], codes[20:30] = 1, 2
    panel = ClassPanel(CLASSES.title, codes, ClassStyle(ZONES.title, some))
    pixels = np.asarray(drawn(tmp_path / "a.png", panel))
    shares = [
        np.count_nonzero((pixels == np.round(255 * np.array(to_rgb(entry.color)))).all(axis=2))
        for entry in some
    ]
    # Thirty rows to twenty; the ten of a class without an entry are not drawn.
    assert shares[1] / shares[0] == pytest.approx(1.5, rel=0.03)


def test_equal_panels_are_equal_files(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        drawn(tmp_path / name, RAMP, CLASSES)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("height_m", [400.0, 6000.0, 200_000.0])
def test_no_shape_of_a_region_makes_more_than_a_page(tmp_path: Path, height_m: float) -> None:
    picture = drawn(tmp_path / "a.png", *[RAMP] * 7, height_m=height_m)
    assert picture.width == 11 * DPI
    assert picture.height <= 13.1 * DPI


def test_a_layer_without_spread_or_values_is_drawn(tmp_path: Path) -> None:
    empty = np.full((60, 60), np.nan, dtype=np.float32)
    for number, values in enumerate((empty, np.zeros_like(empty))):
        panel = RampPanel(RAMP.title, values, RAMP.style, 0.0, 0.0)
        assert drawn(tmp_path / f"{number}.png", panel).width == 11 * DPI
