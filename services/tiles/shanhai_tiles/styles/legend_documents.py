"""Legends as they are answered in JSON."""

from typing import Any, Self

from pydantic import Field

from shanhai.cartography import written_unit
from shanhai.vocabulary import Lang
from shanhai_tiles.answers import DocumentPart
from shanhai_tiles.styles.feature_styles import Symbol
from shanhai_tiles.styles.legend import Legend, LegendEntry, LegendKind


class LegendLine(DocumentPart):
    """A colour and what it stands for."""

    value: float | None = Field(description="That of a ramp, or of a class of cells")
    code: str | None = Field(description="That of a class")
    values: list[str] = Field(
        description="What the legend's property is in features of the class; none for all others"
    )
    color: str
    label: str
    label_zh: str
    label_en: str


class LegendDescription(DocumentPart):
    """What the colours of a layer mean, in both languages and in the caller's."""

    title: str
    title_zh: str
    title_en: str
    kind: LegendKind
    symbol: Symbol = Field(description="What the colours are shown by")
    property: str | None = Field(description="The property that tells features of classes apart")
    unit: str
    unit_zh: str
    unit_en: str
    entries: list[LegendLine]

    @classmethod
    def of(cls, legend: Legend, lang: Lang, **others: Any) -> Self:
        """The legend as it is answered."""
        unit = written_unit(legend.unit)
        return cls(
            title=legend.title.in_(lang),
            title_zh=legend.title.zh,
            title_en=legend.title.en,
            kind=legend.kind,
            symbol=legend.symbol,
            property=legend.by,
            unit=legend.unit,
            unit_zh=unit.zh,
            unit_en=unit.en,
            entries=[_line(entry, lang) for entry in legend.entries],
            **others,
        )


class LayerLegend(LegendDescription):
    """The legend of a layer."""

    layer: str


def _line(entry: LegendEntry, lang: Lang) -> LegendLine:
    return LegendLine(
        value=entry.value,
        code=entry.code,
        values=entry.values,
        color=entry.color,
        label=entry.label.in_(lang),
        label_zh=entry.label.zh,
        label_en=entry.label.en,
    )
