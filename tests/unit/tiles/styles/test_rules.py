"""What every style keeps to; a fault names the entry and the rule that it breaks."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from shanhai.cartography import ClassStyle, RampStyle, Style, is_range, style_of, theme_titles
from shanhai.feature_styles import STYLES, FeatureStyle
from shanhai.vocabulary import Label

COLOR = re.compile(r"#[0-9a-f]{6}")
SIX_DIGITS = "a colour is # and six hexadecimal digits in small letters"
"""Pictures and palettes read them two by two."""


def faults_of(name: str, style: Style | FeatureStyle) -> list[str]:
    """What breaks a rule in a style, by the name of its entry."""
    return [f"{name}, {entry}: {rule}" for entry, rule in _faults(style)]


def _faults(style: Style | FeatureStyle) -> Iterator[tuple[str, str]]:
    for entry, color in _colors(style):
        if not COLOR.fullmatch(color):
            yield f"{entry} {color!r}", SIX_DIGITS
    if isinstance(style, RampStyle):
        if len(style.colors) < 2:
            yield f"{len(style.colors)} colours", "a ramp has two colours or more"
        ends = (style.low, style.high)
        if style.low is not None and style.high is not None and not is_range(style.low, style.high):
            yield f"range {ends}", "low is below high"
    elif isinstance(style, ClassStyle):
        for one, following in pairwise(style.entries):
            if following.value <= one.value:
                values = f"value {following.value} after {one.value}"
                yield f"class {following.code!r}, {values}", "the values of classes rise"
    elif not 0 <= style.filled <= 1:
        yield f"filled {style.filled}", "areas are filled from 0 to 1"


def _colors(style: Style | FeatureStyle) -> Iterator[tuple[str, str]]:
    if isinstance(style, RampStyle):
        yield from ((f"colour {place}", color) for place, color in enumerate(style.colors, start=1))
        return
    entries = style.entries if isinstance(style, ClassStyle) else style.classes
    yield from ((f"class {one.code!r}, colour", one.color) for one in entries)
    if isinstance(style, FeatureStyle):
        yield "color", style.color
        if style.edge is not None:
            yield "edge", style.edge


@pytest.mark.parametrize("theme", theme_titles())
def test_every_style_of_rasters_keeps_to_the_rules(theme: str) -> None:
    assert faults_of(theme, style_of(theme)) == []


@pytest.mark.parametrize("collection", STYLES)
def test_every_style_of_features_keeps_to_the_rules(collection: str) -> None:
    assert faults_of(collection, STYLES[collection]) == []


CANOPY = RampStyle(Label("树冠覆盖度", "Canopy cover"), "%", ("#f7fbf2", "#14532d"), 0.0, 100.0)
ZONES = style_of("zones")
REGIONS = STYLES["regions"]


def test_a_broken_rule_is_told_with_its_entry() -> None:
    assert isinstance(ZONES, ClassStyle)
    first, second, *_ = ZONES.entries
    for style, told in (
        (replace(CANOPY, colors=("#fff", "#14532d")), f"s, colour 1 '#fff': {SIX_DIGITS}"),
        (replace(CANOPY, colors=("#14532d",)), "s, 1 colours: a ramp has two colours or more"),
        (replace(CANOPY, low=100.0, high=0.0), "s, range (100.0, 0.0): low is below high"),
        (replace(CANOPY, high=0.0), "s, range (0.0, 0.0): low is below high"),
        (
            replace(ZONES, entries=(replace(first, color="#abc"), second)),
            f"s, class {first.code!r}, colour '#abc': {SIX_DIGITS}",
        ),
        (
            replace(ZONES, entries=(second, first)),
            f"s, class {first.code!r}, value 1 after 2: the values of classes rise",
        ),
        (replace(REGIONS, color="#ABCDEF"), f"s, color '#ABCDEF': {SIX_DIGITS}"),
        (replace(REGIONS, edge="white"), f"s, edge 'white': {SIX_DIGITS}"),
        (
            replace(REGIONS, classes=(replace(REGIONS.classes[0], color="#abc"),)),
            f"s, class {REGIONS.classes[0].code!r}, colour '#abc': {SIX_DIGITS}",
        ),
    ):
        assert faults_of("s", style) == [told]
