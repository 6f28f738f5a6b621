"""Legends of layers as JSON, SVG and PNG, from the one declaration of each style."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import feature_styles
from shanhai.cartography import ClassStyle, RampStyle, written_unit
from shanhai.db.collections.catalogue import seen_by
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import Box, bound_values, conditions, reads_former
from shanhai.vocabulary import Label, Lang
from shanhai_tiles.answers import DocumentPart
from shanhai_tiles.layers.catalogue import Layer, VectorLayer
from shanhai_tiles.raster.images import ValueRange, ramp_colors

CJK_FONTS = (
    Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"),
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
)
SIGNS_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
RUNS = re.compile("(?P<plain>[ -~]+)|(?P<chinese>[⺀-\uffef]+)|(?P<signs>[^\0-~⺀-\uffef]+)")
"""What is drawn by one font: Pillow's own has few signs, the first Chinese one nothing else."""
LegendKind = Literal["classes", "ramp", "plain"]
MARGIN, SWATCH, LINE, WIDTH = 12, 18, 26, 380
GREY = "#7c8f98"


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A colour and what it stands for.

    Attributes:
        value: That of a ramp, or of a class of cells.
        code: That of a class.
        values: What the legend's property is in features of the class.
    """

    color: str
    label: Label
    value: float | None = None
    code: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Legend:
    """What the colours of a layer mean.

    Attributes:
        kind: `classes`, `ramp`, or `plain` where everything looks alike.
        symbol: What the colours are shown by: `area`, `outline`, `line` or `point`.
        by: The property of features that tells the classes apart.
        no_data: Whether the ground that shows through means that nothing is known there.
    """

    title: Label
    kind: LegendKind
    unit: str
    entries: tuple[LegendEntry, ...]
    symbol: feature_styles.Symbol = "area"
    by: str | None = None
    no_data: bool = False


NO_DATA = Label("无数据", "No data")


def legend_of(
    layer: Layer, drawn: ValueRange | None = None, classes: Sequence[LegendEntry] | None = None
) -> Legend:
    """The legend of a layer.

    Args:
        layer: The layer.
        drawn: Replaces a ramp's own range.
        classes: The only ones to list; None for all that are declared.
    """
    if isinstance(layer, VectorLayer):
        return _vector_legend(layer, classes)
    if isinstance(layer.style, ClassStyle):
        return _class_legend(layer.style)
    return _ramp_legend(layer.style, layer.unit, drawn or layer.range_of(1) or ValueRange(0, 1))


def _vector_legend(layer: VectorLayer, classes: Sequence[LegendEntry] | None) -> Legend:
    symbol = feature_styles.symbol_of(layer.name, layer.collection.entity.geometry_type)
    style = feature_styles.feature_style(layer.name)
    if style.by is None:
        return Legend(layer.title, "plain", "", (LegendEntry(style.color, layer.title),), symbol)
    entries = declared_entries(style) if classes is None else classes
    covers = layer.name == COLLECTION
    return Legend(layer.title, "classes", "", tuple(entries), symbol, style.by, no_data=covers)


def declared_entries(style: feature_styles.FeatureStyle) -> list[LegendEntry]:
    """The classes of a collection; features of none have the last entry, which has no values."""
    entries = [
        LegendEntry(one.color, one.label, code=one.code, values=one.values) for one in style.classes
    ]
    return (
        [*entries, LegendEntry(style.color, feature_styles.OTHER, code="other")]
        if style.open
        else entries
    )


def _class_legend(style: ClassStyle) -> Legend:
    entries = (LegendEntry(e.color, e.label, float(e.value), e.code) for e in style.entries)
    return Legend(style.title, "classes", "", tuple(entries), no_data=True)


def _ramp_legend(style: RampStyle, unit: str, drawn: ValueRange) -> Legend:
    last = len(style.colors) - 1
    values = [drawn.low + (drawn.high - drawn.low) * n / last for n in range(last + 1)]
    entries = tuple(
        LegendEntry(color, Label(told, told), float(f"{value:.6g}"))
        for color, value in zip(style.colors, values, strict=True)
        # Four digits, and no exponent: people read metres or yuan.
        for told in [f"{Decimal(f'{value:.4g}').normalize():,f}"]
    )
    return Legend(style.title, "ramp", unit, entries, no_data=True)


def heading(legend: Legend, lang: Lang) -> str:
    """The title with its unit, unless that is a plain number."""
    unit = written_unit(legend.unit).in_(lang)
    return f"{legend.title.in_(lang)} ({unit})" if unit else legend.title.in_(lang)


def svg(legend: Legend, lang: Lang) -> str:
    """The legend as SVG; text stays text, drawn in the reader's own fonts."""
    rows = [
        f"{_svg_symbol(legend.symbol, y, entry.color)}"
        f'<text x="{MARGIN + SWATCH * 2}" y="{y + SWATCH - 4}">'
        f"{escape(entry.label.in_(lang))}</text>"
        for y, entry in _rows(legend.entries)
    ]
    height = _height(legend)
    if legend.no_data:
        y = _row_of_nothing(legend)
        rows.append(
            f'<rect x="{MARGIN}" y="{y}" width="{SWATCH * 1.5:g}" height="{SWATCH}" fill="#ffffff" '
            f'stroke="{GREY}" stroke-dasharray="3 2"/><text x="{MARGIN + SWATCH * 2}" '
            f'y="{y + SWATCH - 4}">{NO_DATA.in_(lang)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="14" fill="#20303a" '
        f'lang="{lang}"><rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="{MARGIN}" y="{MARGIN + 14}" font-weight="bold">'
        f"{escape(heading(legend, lang))}</text>{''.join(rows)}</svg>"
    )


def _svg_symbol(symbol: str, y: int, color: str) -> str:
    width, middle = SWATCH * 1.5, y + SWATCH / 2
    if symbol == "point":
        return (
            f'<circle cx="{MARGIN + width / 2:g}" cy="{middle:g}" r="{SWATCH / 3:g}" '
            f'fill="{color}"/>'
        )
    if symbol == "line":
        return (
            f'<path d="M{MARGIN} {middle:g}h{width:g}" stroke="{color}" stroke-width="3" '
            f'stroke-linecap="round"/>'
        )
    look = f'fill="{color}"' if symbol == "area" else f'fill="none" stroke="{color}"'
    return f'<rect x="{MARGIN}" y="{y}" width="{width:g}" height="{SWATCH}" {look}/>'


def drawable_language(lang: Lang) -> Lang:
    """The language a picture can be lettered in: Chinese needs an installed font, never boxes."""
    return "en" if lang == "zh" and _cjk_font() is None else lang


def png(legend: Legend, lang: Lang) -> bytes:
    """The legend as PNG, lettered in `drawable_language(lang)`."""
    lang = drawable_language(lang)
    image = Image.new("RGB", (WIDTH, _height(legend)), "white")
    draw = ImageDraw.Draw(image)
    _write(draw, MARGIN, MARGIN, heading(legend, lang), 15)
    if legend.kind == "ramp":
        _draw_ramp(draw, legend)
    for y, entry in _rows(legend.entries):
        if legend.kind != "ramp":
            _draw_symbol(draw, legend.symbol, y, entry.color)
        _write(draw, MARGIN + SWATCH * 2, y, entry.label.in_(lang), 14)
    if legend.no_data:
        y = _row_of_nothing(legend)
        draw.rectangle((MARGIN, y, MARGIN + SWATCH * 1.5, y + SWATCH), outline=GREY)
        _write(draw, MARGIN + SWATCH * 2, y, NO_DATA.in_(lang), 14)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _write(draw: ImageDraw.ImageDraw, x: float, y: int, words: str, size: int) -> None:
    for run in RUNS.finditer(words):
        font = _font(str(run.lastgroup), size)
        draw.text((x, y + size), run[0], "#20303a", font, "ls")
        x += font.getlength(run[0])


def _draw_symbol(draw: ImageDraw.ImageDraw, symbol: str, y: int, color: str) -> None:
    right, middle, radius = MARGIN + SWATCH * 1.5, y + SWATCH / 2, SWATCH / 3
    centre = MARGIN + SWATCH * 0.75
    if symbol == "point":
        box = (centre - radius, middle - radius, centre + radius, middle + radius)
        draw.ellipse(box, color)
    elif symbol == "line":
        draw.line((MARGIN, middle, right, middle), color, 3)
    elif symbol == "outline":
        draw.rectangle((MARGIN, y, right, y + SWATCH), outline=color, width=2)
    else:
        draw.rectangle((MARGIN, y, right, y + SWATCH), color)


def _draw_ramp(draw: ImageDraw.ImageDraw, legend: Legend) -> None:
    rows = [y for y, _ in _rows(legend.entries)]
    top, bottom = rows[0], rows[-1] + SWATCH
    colors = ramp_colors(tuple(entry.color for entry in legend.entries), bottom - top)
    for offset, (red, green, blue) in enumerate(colors.tolist()):
        y = top + offset
        draw.line((MARGIN, y, MARGIN + SWATCH * 1.5, y), (red, green, blue))


def _rows(entries: Sequence[LegendEntry]) -> list[tuple[int, LegendEntry]]:
    first = MARGIN + LINE + 4
    return [(first + LINE * n, entry) for n, entry in enumerate(entries)]


def _row_of_nothing(legend: Legend) -> int:
    """Where the line of what is not known stands: the last."""
    return MARGIN + LINE + 4 + LINE * len(legend.entries)


def _height(legend: Legend) -> int:
    return MARGIN * 2 + 4 + LINE * (len(legend.entries) + legend.no_data + 1)


@lru_cache(maxsize=1)
def _cjk_font() -> Path | None:
    return next((path for path in CJK_FONTS if path.is_file()), None)


@lru_cache(maxsize=8)
def _font(run: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    path = {"chinese": _cjk_font(), "signs": SIGNS_FONT}.get(run)
    if path is None or not path.is_file():
        return ImageFont.load_default(size)
    return ImageFont.truetype(str(path), size)


COLLECTION = "zones"


async def read_classes(
    session: AsyncSession, layer: Layer, box: Box | None = None
) -> list[LegendEntry] | None:
    """Legend entries of the classes that features of the layer have, within a box if one is given.

    None where the legend lists all that are declared: of rasters, of layers that look alike
    everywhere, and of whole layers whose classes are not rows of the database.
    """
    if not asks_for_classes(layer, box) or not isinstance(layer, VectorLayer):
        return None
    entity = seen_by(layer.collection.entity, layer.selection.viewer)
    meant = replace(layer.selection.meant, box=box)
    source = source_of(entity, former=reads_former(entity, meant))
    # A zone of a plan that nobody has drawn is on no map.
    drawn = f"{entity.geometry} IS NOT NULL"
    met = " AND ".join(f"({one})" for one in (drawn, *conditions(entity, meant)))
    values = bound_values(meant)
    if layer.name == COLLECTION:
        return await _zone_classes(session, source, met, values)
    style = feature_styles.feature_style(layer.name)
    by = entity.declared(style.by or "")
    if by is None:
        raise LookupError(f"{layer.name} has no property {style.by!r}")
    query = text(f"SELECT DISTINCT ({by.sql})::text FROM {source} WHERE {met}")  # noqa: S608
    return _occurring(declared_entries(style), set(await session.scalars(query, values)))


def asks_for_classes(layer: Layer, box: Box | None) -> bool:
    """Whether the database must be asked which classes the legend lists."""
    if not isinstance(layer, VectorLayer):
        return False
    if layer.name == COLLECTION:
        return True
    chosen = box is not None or layer.selection.chooses
    return chosen and feature_styles.feature_style(layer.name).by is not None


async def _zone_classes(
    session: AsyncSession, source: str, met: str, values: dict[str, object]
) -> list[LegendEntry]:
    # Asked class by class, so that the index finds a zone of each and no zone is counted.
    query = text(
        f"""SELECT known.class_code, known.name_zh, known.name_en, known.color
              FROM zone_class known
             WHERE known.deleted_at IS NULL AND EXISTS (
                   SELECT FROM {source} WHERE z.class_id = known.id AND {met})
             ORDER BY known.scheme_kind, known.order_no, known.id"""  # noqa: S608
    )
    plain = feature_styles.feature_style(COLLECTION).color
    rows = (await session.execute(query, values)).mappings()
    return [
        LegendEntry(
            row["color"] or plain,
            Label(row["name_zh"], row["name_en"]),
            code=row["class_code"],
            values=(row["class_code"],),
        )
        for row in rows
    ]


def _occurring(entries: Sequence[LegendEntry], found: set[str | None]) -> list[LegendEntry]:
    """Entries that stand for a value that was found; that without values for all the others."""
    others = found.difference(*(entry.values for entry in entries))
    return [
        entry for entry in entries if (found.intersection(entry.values) if entry.values else others)
    ]


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


class NoDataLine(DocumentPart):
    """The line of a legend for what is not known."""

    label: str
    label_zh: str
    label_en: str


class LegendDescription(DocumentPart):
    """What the colours of a layer mean, in both languages and in the caller's."""

    title: str
    title_zh: str
    title_en: str
    kind: LegendKind
    symbol: feature_styles.Symbol = Field(description="What the colours are shown by")
    property: str | None = Field(description="The property that tells features of classes apart")
    unit: str
    unit_zh: str
    unit_en: str
    entries: list[LegendLine]
    no_data: NoDataLine | None = Field(
        description="What the ground means that shows through; None where it means nothing"
    )

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
            no_data=_nothing(lang) if legend.no_data else None,
            **others,
        )


class LayerLegend(LegendDescription):
    """The legend of a layer."""

    layer: str


def _nothing(lang: Lang) -> NoDataLine:
    return NoDataLine(label=NO_DATA.in_(lang), label_zh=NO_DATA.zh, label_en=NO_DATA.en)


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
