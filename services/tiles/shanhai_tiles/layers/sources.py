"""What a layer rests on: the rasters it was computed from, with their honesty marks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from pydantic import Field

from shanhai.vocabulary import Label, Lang
from shanhai_tiles.answers import DocumentPart

ALL_SOURCES = Label("来源与许可", "Sources and licences")
MORE = Label(" 等 {1} 项", " and {0} more")
MAKERS: Mapping[str, Label] = {
    "OpenStreetMap": Label("© OpenStreetMap 贡献者", "© OpenStreetMap contributors"),
    "GeoNames": Label("GeoNames", "GeoNames"),
    "ITU-R": Label("国际电信联盟", "ITU"),
    "NASA": Label("美国国家航空航天局", "NASA"),
    "Copernicus": Label("哥白尼计划", "Copernicus"),
    "ESA": Label("欧洲航天局", "ESA"),
    "USGS": Label("美国地质调查局", "USGS"),
    "AMap": Label("高德地图", "AMap"),
    "city statistics": Label("市统计资料", "City statistics"),
}
"""Whom sources name, and how maps do."""
OF_NOBODY = re.compile(r"none\b|made up|synthetic", re.IGNORECASE)
QUALIFIED = re.compile(r"[,;:(，；：（]")
"""Where the name of a source ends and what is said of it begins."""
LONGEST_NAME, LONGEST_LINE = 60, 100


class SourceDescription(DocumentPart):
    """A dataset that a layer was computed from, or is."""

    dataset: str = Field(description="Code of the dataset")
    title_zh: str
    title_en: str
    native_resolution_m: float | None
    source: str | None = Field(description="Who made it")
    licence: str | None
    stand_in: bool = Field(description="Whether it stands in for a measurement")


class StandInNote(DocumentPart):
    """What a stand-in stands for."""

    dataset: str = Field(description="Code of the dataset")
    title_zh: str
    title_en: str
    note_zh: str | None
    note_en: str | None


@dataclass(frozen=True, slots=True)
class SourceDataset:
    """An input raster: its true resolution, who made it, and whether it is a stand-in."""

    dataset: str
    title: Label
    native_resolution_m: float | None
    source: str | None
    licence: str | None
    stand_in: bool
    note: Label | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "SourceDataset":
        """From a row of the dataset table, or its JSON."""
        zh, en = row["stand_in_note_zh"], row["stand_in_note_en"]
        return cls(
            dataset=row["code"],
            title=Label(row["name_zh"], row["name_en"]),
            native_resolution_m=row["native_resolution_m"],
            source=row["source"],
            licence=row["licence"],
            stand_in=row["stand_in"],
            note=Label(zh or en, en or zh) if zh or en else None,
        )

    @property
    def described(self) -> SourceDescription:
        """The source as the layer's description shows it."""
        return SourceDescription(
            dataset=self.dataset,
            title_zh=self.title.zh,
            title_en=self.title.en,
            native_resolution_m=self.native_resolution_m,
            source=self.source,
            licence=self.licence,
            stand_in=self.stand_in,
        )


SOURCE_JSON = (
    "jsonb_build_object('code', i.code, 'name_zh', i.name_zh, 'name_en', i.name_en,"
    " 'native_resolution_m', i.native_resolution_m, 'source', i.source, 'licence', i.licence,"
    " 'stand_in', i.stand_in, 'stand_in_note_zh', i.stand_in_note_zh,"
    " 'stand_in_note_en', i.stand_in_note_en)"
)
"""A row of the dataset table, called `i`, as JSON for `SourceDataset.of`."""


def stand_in_notes(sources: Iterable[SourceDataset]) -> list[StandInNote]:
    """One entry for each stand-in, saying what it stands for."""
    return [
        StandInNote(
            dataset=source.dataset,
            title_zh=source.title.zh,
            title_en=source.title.en,
            note_zh=None if source.note is None else source.note.zh,
            note_en=None if source.note is None else source.note.en,
        )
        for source in sources
        if source.stand_in
    ]


def attribution_html(sources: Sequence[SourceDataset], address: str, lang: Lang) -> str:
    """The short credits as TileJSON and map styles want them, and a link to the long ones.

    As markup, so nothing in them may act as such.
    """
    short = short_attribution(sources, lang)
    if not short:
        return ""
    link = f'<a href="{escape(address)}">{escape(ALL_SOURCES.in_(lang))}</a>'
    return f"{escape(short)} · {link}"


def short_attribution(sources: Sequence[SourceDataset], lang: Lang) -> str:
    """Whom a map must name, in a line that leaves room for the map; the layer's page has all.

    Known makers are named once, in the reader's language; any other source is called by how it
    begins. Those for which there is no room are counted.
    """
    told = (one.source for one in sources if one.source and not OF_NOBODY.match(one.source))
    # In one order, so that a map tells equal credits of several layers once.
    known = [label.in_(lang) for label in MAKERS.values()]
    found = {name for source in told for name in _makers(source, lang)}
    names = [name for name in known if name in found] + sorted(found.difference(known))
    shown: list[str] = []
    while names and sum(map(len, (*shown, names[0]))) <= LONGEST_LINE:
        shown.append(names.pop(0))
    line = "; ".join(shown) if lang == "en" else "；".join(shown)
    if not names:
        return line
    return f"{line}{MORE.in_(lang).format(len(names), len(shown) + len(names))}"


def _makers(source: str, lang: Lang) -> list[str]:
    """Whom a source names."""
    known = [
        label.in_(lang)
        for name, label in MAKERS.items()
        if re.search(rf"\b{re.escape(name)}\b", source)
    ]
    return known or [QUALIFIED.split(source, maxsplit=1)[0].strip()[:LONGEST_NAME]]


def attribution(sources: Iterable[SourceDataset]) -> str:
    """Credits in one line, each once."""
    credits_ = [
        f"{source.source} ({source.licence})" if source.licence else source.source
        for source in sources
        if source.source
    ]
    return "; ".join(dict.fromkeys(credits_))
