"""Every layer has a style, and styles agree with the vocabulary."""

import re

import pytest

from shanhai.cartography import ClassStyle, RampStyle, style_of, theme_titles, written_unit
from shanhai.science.uncertainty.robustness import HOLDING_SHARE
from shanhai.vocabulary import ECOSERVICES, THEMES, ZONE_CLASSES, Term

COLOR = re.compile(r"^#[0-9a-f]{6}$")


def test_zones_are_drawn_in_the_colours_of_their_classes() -> None:
    style = style_of("zones")
    assert isinstance(style, ClassStyle)
    assert [(e.value, e.code, e.color) for e in style.entries] == [
        (z.value, z.code, z.color) for z in ZONE_CLASSES
    ]


@pytest.mark.parametrize("kind", ["ratio", "supply", "demand"])
@pytest.mark.parametrize("ecoservice", [None, *(term.code for term in ECOSERVICES)])
def test_every_output_has_a_ramp_over_its_range(kind: str, ecoservice: str | None) -> None:
    style = style_of(f"{kind}.{ecoservice}" if ecoservice else kind)
    assert isinstance(style, RampStyle)
    assert (style.low, style.high) == ((-1.0, 1.0) if kind == "ratio" else (0.0, 1.0))


def test_the_middle_of_the_ratio_ramp_is_the_palest() -> None:
    style = style_of("ratio")
    assert isinstance(style, RampStyle)
    brightness = [sum(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in style.colors]
    assert brightness.index(max(brightness)) == len(style.colors) // 2


@pytest.mark.parametrize("theme", [term.code for term in THEMES])
def test_every_theme_has_colours(theme: str) -> None:
    style = style_of(theme)
    colors = (
        [entry.color for entry in style.entries]
        if isinstance(style, ClassStyle)
        else list(style.colors)
    )
    assert len(colors) >= 2
    assert all(COLOR.match(color) for color in colors)


def test_the_ratio_of_a_service_says_what_is_compared_where_that_is_known() -> None:
    assert style_of("ratio.cooling").title.zh == "降温效益供需比"
    assert style_of("ratio.cooling", compared="ranks").title.zh == "降温效益供需比（百分位次）"
    told = style_of("ratio.soil_retention", compared="amounts").title
    assert told.en == "Soil retention: supply–demand ratio, of amounts"


def test_agreement_is_green_from_the_share_at_which_a_zone_holds() -> None:
    style = style_of("zone_agreement")
    assert isinstance(style, RampStyle)
    assert (style.low, style.high) == (0.0, 1.0)
    held = round(HOLDING_SHARE * (len(style.colors) - 1))
    red_less_green = [int(color[1:3], 16) - int(color[3:5], 16) for color in style.colors]
    assert [excess < 0 for excess in red_less_green] == [
        place >= held for place in range(len(style.colors))
    ]


@pytest.mark.parametrize("theme", THEMES, ids=lambda term: term.code)
def test_every_theme_of_data_has_a_title_in_both_languages(theme: Term) -> None:
    title = style_of(theme.code).title
    assert title.en != theme.code
    assert any("\u4e00" <= letter <= "\u9fff" for letter in title.zh)


def test_an_unknown_ecoservice_is_not_mistaken_for_a_known_one() -> None:
    assert style_of("ratio.unheard_of").title.en == "ratio.unheard_of"


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("1", "", ""),
        ("m", "m", "m"),
        ("km2", "km²", "km²"),
        ("Cel", "°C", "°C"),
        ("gC/m2/a", "gC/m²/a", "gC/m²/a"),
        ("tCO2/a", "tCO₂/a", "tCO₂/a"),
        ("10^4 CNY/km2", "10⁴ CNY/km²", "10⁴ CNY/km²"),
        ("t.ha.h/(ha.MJ.mm)", "t·ha·h/(ha·MJ·mm)", "t·ha·h/(ha·MJ·mm)"),
        ("{person}", "人", "persons"),
    ],
)
def test_units_are_written_as_people_write_them(code: str, zh: str, en: str) -> None:
    assert (written_unit(code).zh, written_unit(code).en) == (zh, en)


def test_themes_of_data_and_computed_ones_have_titles() -> None:
    titles = theme_titles()
    assert titles["supply.carbon_sink"].zh == "碳汇服务供给"
    assert titles["dem"].en == "Elevation"
    assert all(style_of(theme).title == title for theme, title in titles.items() if "." in theme)
