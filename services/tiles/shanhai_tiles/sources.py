"""What a layer rests on: the rasters it was computed from, with their honesty marks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Source:
    """An input raster: its true resolution, who made it, and whether it is a stand-in."""

    dataset: str
    title: Label
    native_resolution_m: float | None
    source: str | None
    licence: str | None
    stand_in: bool
    note: Label | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Source":
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

    def document(self) -> dict[str, Any]:
        """The source as the layer's description shows it."""
        return {
            "dataset": self.dataset,
            "title_zh": self.title.zh,
            "title_en": self.title.en,
            "native_resolution_m": self.native_resolution_m,
            "source": self.source,
            "licence": self.licence,
            "stand_in": self.stand_in,
        }


SOURCE_JSON = (
    "jsonb_build_object('code', i.code, 'name_zh', i.name_zh, 'name_en', i.name_en,"
    " 'native_resolution_m', i.native_resolution_m, 'source', i.source, 'licence', i.licence,"
    " 'stand_in', i.stand_in, 'stand_in_note_zh', i.stand_in_note_zh,"
    " 'stand_in_note_en', i.stand_in_note_en)"
)
"""A row of the dataset table, called `i`, as JSON for `Source.of`."""


def stand_in_notes(sources: Iterable[Source]) -> list[dict[str, Any]]:
    """One entry for each stand-in, saying what it stands for."""
    return [
        {
            "dataset": source.dataset,
            "title_zh": source.title.zh,
            "title_en": source.title.en,
            "note_zh": None if source.note is None else source.note.zh,
            "note_en": None if source.note is None else source.note.en,
        }
        for source in sources
        if source.stand_in
    ]


def attribution_html(sources: Iterable[Source]) -> str:
    """The same as TileJSON and map styles want it: as markup, so nothing in it may act as such."""
    return escape(attribution(sources))


def attribution(sources: Iterable[Source]) -> str:
    """Credits in one line, each once."""
    credits_ = [
        f"{source.source} ({source.licence})" if source.licence else source.source
        for source in sources
        if source.source
    ]
    return "; ".join(dict.fromkeys(credits_))
