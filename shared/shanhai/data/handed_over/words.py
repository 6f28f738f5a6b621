"""What names tell: the theme of a raster, the unit of a field, the layer of a national standard."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shanhai.raster.themes import conversion

_HERE = Path(__file__).parent
_SIGNS = re.compile(r"[^a-z0-9]+|(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])")
_YEAR = re.compile(r"(?<!\d)((?:19[5-9]|20[0-4])\d)(?!\d)")
_LEADING_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d[-_.]?(?=\d\d(?!\d))")
_NUMBER = re.compile(r"(?<!\d)(0?[1-9]|1[0-2])(?!\d)")


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def theme_words() -> Mapping[str, tuple[str, ...]]:
    """The words of each theme."""
    return {theme: tuple(words) for theme, words in _table("theme_words.toml").items()}


def theme_of(texts: Iterable[str]) -> tuple[str, str] | None:
    """The theme some texts name, and the word; None if none or several.

    A word within a longer one says nothing by itself: 蒸散 in 潜在蒸散.
    """
    found: dict[str, str] = {}
    for text in texts:
        for theme, words in theme_words().items():
            for word in words:
                if holds_word(text, word) and len(word) > len(found.get(theme, "")):
                    found[theme] = word
    best = [
        (theme, word)
        for theme, word in found.items()
        if not any(word != other and holds_word(other, word) for other in found.values())
    ]
    return best[0] if len(best) == 1 else None


def holds_word(text: str, word: str) -> bool:
    """Whether a text holds a word: a Latin one between other signs, a Chinese one anywhere."""
    lowered = text.lower()
    if not word.isascii():
        return word in lowered
    parts = [part for part in _SIGNS.split(lowered) if part]
    wanted = [part for part in _SIGNS.split(word.lower()) if part]
    size = len(wanted)
    return any(parts[at : at + size] == wanted for at in range(len(parts) - size + 1))


def year_of(text: str) -> int | None:
    """The year a name tells; None if it tells none or several."""
    years = set(_YEAR.findall(text))
    return int(years.pop()) if len(years) == 1 else None


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SOIL_PARTS = (
    ("sand", "砂"),
    ("silt", "粉"),
    ("clay", "黏", "粘"),
    ("soc", "oc", "organic", "carbon", "有机"),
)


def band_of(text: str, theme: str) -> int | None:
    """Which band of its theme a file of one band is, from 0: a month, or a part of the soil."""
    if theme == "soil":
        held = [any(holds_word(text, word) for word in words) for words in SOIL_PARTS]
        return held.index(True) if sum(held) == 1 else None
    for number, name in enumerate(MONTHS):
        if holds_word(text, name):
            return number
    numbers = _NUMBER.findall(_LEADING_YEAR.sub(" ", _YEAR.sub(" ", text)))
    return int(numbers[-1]) - 1 if numbers else None


@dataclass(frozen=True, slots=True)
class NamedUnit:
    """A unit: what it measures, and how many of the plain unit of that it is."""

    name: str
    of: str
    factor: float


def _units(of: str, **factors: float) -> dict[str, NamedUnit]:
    return {name: NamedUnit(name, of, factor) for name, factor in factors.items()}


UNITS: Mapping[str, NamedUnit] = MappingProxyType(
    _units("area", m2=1, 平方米=1, sqm=1, ha=1e4, hm2=1e4, 公顷=1e4, 万公顷=1e8)
    | _units("area", km2=1e6, sqkm=1e6, 平方公里=1e6, 平方千米=1e6)
    | _units("area", 亩=2000 / 3, mu=2000 / 3, 万亩=2e7 / 3)
    | _units("length", m=1, 米=1, km=1e3, 公里=1e3, 千米=1e3, cm=0.01, 厘米=0.01)
    | _units("length", mm=1e-3, 毫米=1e-3)
    | _units("persons", 人=1, persons=1, 万人=1e4)
    | _units("money", 元=1, cny=1, 万元=1e4, 亿元=1e8)
    | {"10^4 cny": NamedUnit("10^4 cny", "money", 1e4)}
)
"""Plain units: square metre, metre, person, yuan; 15 亩 are a hectare."""


def unit_named(text: str) -> NamedUnit | None:
    """The unit some text is, however it is spelt."""
    return UNITS.get(text.strip().lower().replace("²", "2").replace("㎡", "m2").replace("^2", "2"))


def unit_in_name(name: str) -> tuple[str, NamedUnit] | None:
    """What a name measures and its unit: `面积_公顷`, `AREA_HA`, `Area(km²)`, `人口（万人）`."""
    match = re.fullmatch(r"(.+?)[\s_\-]*[(（\[【](.+?)[)）\]】]|(.+)[_\s](.+?)", name.strip())
    if match is not None:
        base, text = (match[1], match[2]) if match[1] else (match[3], match[4])
        unit = unit_named(text)
        if unit is not None:
            return base, unit
    for text in sorted(UNITS, key=len, reverse=True):
        if not text.isascii() and name.endswith(text) and len(name) > len(text):
            return name.removesuffix(text).rstrip("_- "), UNITS[text]
    return None


_DAILY: Mapping[str, float] = MappingProxyType(
    {"mm/day": 1, "mm/d": 1, "mm d-1": 1, "mm day-1": 1, "kg m-2 s-1": 86_400, "mm/s": 86_400}
)
"""Rates of rain, as mm a day."""
_PLAIN = {"dem": ("length", 1.0), "rainfall": ("length", 1e-3), "population": ("persons", 1.0)}


@dataclass(frozen=True, slots=True)
class RasterUnit:
    """How values become the theme's: times, plus, and times the days of the month."""

    factor: float = 1.0
    offset: float = 0.0
    daily: bool = False


def raster_unit(theme: str, text: str) -> RasterUnit | None:
    """How values in a unit become those of a theme; None for a unit nobody knows for it."""
    known = conversion(theme, text)
    if known is not None:
        return RasterUnit(*known)
    spelling = text.strip().lower().replace("²", "2")
    if theme == "rainfall" and spelling in _DAILY:
        return RasterUnit(_DAILY[spelling], daily=True)
    unit, plain = unit_named(text), _PLAIN.get(theme)
    if unit is None or plain is None or unit.of != plain[0]:
        return None
    return RasterUnit(unit.factor / plain[1])


@dataclass(frozen=True, slots=True)
class NationalLayer:
    """What a layer of a national standard is here; members as in `national_layers.toml`."""

    key: str
    about: str
    names: tuple[str, ...] = ()
    collection: str | None = None
    theme: str | None = None
    class_field: str = ""
    classes: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, list[str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def national_layers() -> Mapping[str, NationalLayer]:
    """The layers by their names in the standards."""
    found = {}
    for key, told in _table("national_layers.toml").items():
        found[key] = NationalLayer(key, **{**told, "names": tuple(told.get("names", ()))})
    return found


def layer_of(name: str) -> NationalLayer | None:
    """The layer of a standard that a name is or holds: `DLTB`, `DLTB_350200`, `厦门市地类图斑`."""
    for layer in national_layers().values():
        if any(holds_word(name, word) for word in (layer.key, *layer.names)):
            return layer
    return None
