"""Lengths, ticks, words and lines of the furniture of maps, reckoned by hand."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from pyproj import Geod

from shanhai.reporting import furniture
from shanhai.reporting.legends import (
    NO_DATA,
    LegendGroup,
    LegendRow,
    Swatch,
    draw_legend,
    told_value,
)
from shanhai.reporting.map_decorations import font_families
from shanhai.vocabulary import Label

XIAMEN = 4548


@pytest.fixture
def paper() -> Iterator[Axes]:
    """A page of A4, drawn on in millimetres."""
    with rc_context({"font.family": font_families("zh") or font_families("en")}):
        figure = Figure(figsize=(297 / 25.4, 210 / 25.4))
        yield figure.add_axes((0, 0, 1, 1))


def texts_of(axes: Axes) -> list[str]:
    return [one.get_text() for one in axes.texts]


@pytest.mark.parametrize(
    ("room_m", "length_m"),
    [(13_425.0, 10_000), (2_250.0, 2_000), (100.0, 100), (99.9, 50), (19.9, 10), (5_000.0, 5_000)],
)
def test_bars_have_round_lengths(room_m: float, length_m: float) -> None:
    assert furniture.nice_length(room_m) == length_m


def test_a_bar_is_as_long_on_paper_as_its_scale_says(paper: Axes) -> None:
    # 1:150 000 is 150 m to a millimetre; 40 mm hold 6 km, so 5 km are drawn: 33.33 mm.
    length = furniture.draw_scale_bar(paper, 20, 10, metres_per_mm=150.0, room=40.0)
    assert length == pytest.approx(33.333, abs=1e-3)
    parts = [one for one in paper.patches if isinstance(one, Rectangle)]
    assert [part.get_x() for part in parts] == pytest.approx(
        [20 + n * 33.333 / 4 for n in range(4)], abs=0.01
    )
    assert texts_of(paper) == ["0", "2.5", "5", "km"]


def test_a_short_bar_is_told_in_metres(paper: Axes) -> None:
    # 1:5 000 is 5 m to a millimetre; 45 mm hold 225 m.
    assert furniture.draw_scale_bar(paper, 0, 0, metres_per_mm=5.0, room=45.0) == pytest.approx(
        40.0
    )
    assert texts_of(paper) == ["0", "100", "200", "m"]


def test_the_n_stands_above_the_tip(paper: Axes) -> None:
    furniture.draw_north_arrow(paper, 50, 100, 20)
    [letter] = paper.texts
    tips = [np.asarray(patch.get_path().vertices)[:, 1].max() for patch in paper.patches]
    assert letter.get_text() == "N"
    assert float(letter.get_position()[1]) > max(tips)


@pytest.mark.parametrize(
    ("span", "step"),
    [(0.5, 10 / 60), (0.76, 10 / 60), (1.0, 15 / 60), (0.02, 15 / 3600), (300, 10.0)],
)
def test_at_most_five_steps_go_into_a_span(span: float, step: float) -> None:
    assert furniture.tick_step(span) == pytest.approx(step)


def test_ticks_stand_where_meridians_and_parallels_meet_the_frame() -> None:
    # The frame lies around the central meridian 117° E, which is the easting 500 000 exactly.
    arc, _ = Geod(ellps="GRS80").line_lengths([117, 117], [0, 24.5]), None
    north_of_equator = arc[0]
    bounds = (490_000.0, north_of_equator - 10_000, 510_000.0, north_of_equator + 10_000)
    ticks = furniture.frame_ticks(bounds, XIAMEN)
    south = {one.text: one.at for one in ticks if one.side == "south"}
    west = {one.text: one.at for one in ticks if one.side == "west"}
    assert south["117°00′E"] == pytest.approx(500_000, abs=0.01)
    assert 500_000 - south["116°55′E"] == pytest.approx(south["117°05′E"] - 500_000, abs=0.01)
    # 5′ on the parallel of 24.41°: N cos φ Δλ with N = 6 381 788 m.
    reckoned = 6_381_788 * math.cos(math.radians(24.4097)) * math.radians(5 / 60)
    assert south["117°05′E"] - 500_000 == pytest.approx(reckoned, rel=1e-4)
    # 10 km beside the central meridian a parallel lies 3.6 m north of where it meets it.
    curved = 10_000**2 * math.tan(math.radians(24.5)) / (2 * 6_381_788)
    assert west["24°30′N"] == pytest.approx(north_of_equator + curved, abs=0.3)
    assert {one.side for one in ticks} == {"south", "north", "west", "east"}


@pytest.mark.parametrize(
    ("degrees", "letters", "step", "text"),
    [
        (118 + 1 / 6, "EW", 1 / 6, "118°10′E"),
        (24.5, "NS", 1 / 60, "24°30′N"),
        (-0.25, "NS", 0.25, "0°15′S"),
        (118.004166667, "EW", 15 / 3600, "118°00′15″E"),
    ],
)
def test_degrees_are_written_as_maps_write_them(
    degrees: float, letters: str, step: float, text: str
) -> None:
    assert furniture.written_degrees(degrees, letters, step) == text


@pytest.mark.parametrize(
    ("epsg", "zh", "en"),
    [
        (
            4548,
            "2000国家大地坐标系，高斯-克吕格投影，3°带，中央经线117°",
            "CGCS2000, Gauss-Krüger projection, 3° zone, central meridian 117°E",
        ),
        (
            4527,
            "2000国家大地坐标系，高斯-克吕格投影，3°带，第39带，中央经线117°",
            "CGCS2000, Gauss-Krüger projection, 3° zone 39, central meridian 117°E",
        ),
        (
            4509,
            "2000国家大地坐标系，高斯-克吕格投影，6°带，中央经线117°",
            "CGCS2000, Gauss-Krüger projection, 6° zone, central meridian 117°E",
        ),
        (
            32650,
            "WGS 84 坐标系，UTM 投影，50N 带，中央经线117°",
            "WGS 84, UTM projection, zone 50N, central meridian 117°E",
        ),
        (
            3857,
            "WGS 84 / Pseudo-Mercator（EPSG:3857）",
            "WGS 84 / Pseudo-Mercator (EPSG:3857)",
        ),
    ],
)
def test_systems_are_told_in_words(epsg: int, zh: str, en: str) -> None:
    assert furniture.crs_words(epsg) == Label(zh, en)


@pytest.mark.usefixtures("paper")
def test_lines_keep_their_width_and_no_line_begins_with_a_comma() -> None:
    text = "资料来源：厦门市土地覆盖、生态保护修复分区，OpenStreetMap contributors（ODbL 1.0）"
    lines = furniture.wrapped(text, 30.0, 8.0)
    assert len(lines) > 2
    assert all(furniture.width_of(line, 8.0) <= 30.0 for line in lines)
    assert not any(line[0] in "，。、：）" for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert furniture.wrapped("one two\nthree", 100.0, 8.0) == ["one two", "three"]
    assert "".join(furniture.wrapped("x" * 80, 20.0, 8.0)) == "x" * 80


@pytest.mark.usefixtures("paper")
def test_a_letter_of_chinese_is_as_wide_as_its_size() -> None:
    # Eight points are 2.822 mm; a Chinese letter fills its square.
    assert furniture.width_of("山海", 8.0) == pytest.approx(2 * 8 * 25.4 / 72, rel=0.02)


@pytest.mark.parametrize("letter", ["\U00020bb7", "\ufdfa", "\U0001faba"])
@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_a_letter_no_font_has_is_measured_as_the_box_drawn_for_it(paper: Axes, letter: str) -> None:
    figure = paper.get_figure(root=True)
    assert figure is not None
    drawn = paper.text(0, 0, 10 * letter, fontsize=8.0).get_window_extent(dpi=figure.dpi)
    told = furniture.width_of(10 * letter, 8.0)
    assert told == pytest.approx(drawn.width / figure.dpi * 25.4, rel=0.03)
    lines = furniture.wrapped(f"{letter}野的分区" * 6, 30.0, 8.0)
    assert "".join(lines) == f"{letter}野的分区" * 6
    assert all(furniture.width_of(line, 8.0) <= 30.0 for line in lines)


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_a_legend_is_drawn_with_letters_no_font_has(paper: Axes) -> None:
    rows = [
        LegendRow(Swatch("area"), Label(f"{name}区", f"{name} zone"), f"{name} %")
        for name in ("\U00020bb7县", "\ufdfa", "\U0001faba")
    ]
    group = LegendGroup(Label("\U00020bb7分区", "\U0001faba"), rows)
    assert draw_legend(paper, [group], (10, 10, 90, 100), "both") == 0
    assert {"\U00020bb7县 %", "\ufdfa %", "\U0001faba %"} <= set(texts_of(paper))


def zones(number: int) -> LegendGroup:
    rows = [
        LegendRow(Swatch("area"), Label(f"区{n}", f"Zone {n}"), f"{n}.0 %") for n in range(number)
    ]
    return LegendGroup(
        Label("分区", "Zones"), [*rows, LegendRow(Swatch("no_data"), NO_DATA, "0.0 %")]
    )


def test_a_legend_tells_shares_and_what_is_not_known(paper: Axes) -> None:
    assert draw_legend(paper, [zones(3)], (10, 10, 70, 100), "zh") == 0
    assert texts_of(paper) == [
        "分区",
        "0.0 %",
        "区0",
        "1.0 %",
        "区1",
        "2.0 %",
        "区2",
        "0.0 %",
        "无数据",
    ]


def test_a_legend_in_two_languages_puts_them_beside_one_another(paper: Axes) -> None:
    assert draw_legend(paper, [zones(1)], (10, 10, 70, 100), "both") == 0
    assert texts_of(paper)[0] == "分区 Zones"
    assert "无数据 No data" in texts_of(paper)


def test_a_long_legend_takes_more_columns_and_then_says_what_has_no_room(paper: Axes) -> None:
    assert draw_legend(paper, [zones(30)], (10, 10, 100, 80), "zh") == 0
    lefts = {round(one.get_position()[0]) for one in paper.texts if one.get_text().startswith("区")}
    assert len(lefts) > 1
    assert draw_legend(paper, [zones(30)], (10, 10, 50, 20), "zh") > 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-1.0, "−1"), (12_345.6, "12,346"), (0.01234, "0.0123"), (3.407e-14, "0")],
)
def test_values_are_written_as_people_write_them(value: float, text: str) -> None:
    assert told_value(value) == text
